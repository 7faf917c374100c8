"""Piecewise-affine laws against their slow obvious evaluation, and what holds at their edges."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from provenn.control import YANN, PiecewiseAffine, Polytope, explicit_mpc
from provenn.control import piecewise as module

from .laws import evaluated, facet_points, random_law, random_regions
from .systems import double_integrator, pendulum

INTERVALS = [
    ([[1.0], [-1.0]], [0.0, 1.0], [[0.0]], [5.0]),
    ([[1.0], [-1.0]], [1.0, 0.0], [[2.0]], [0.0]),
]
"""A jump from 5 to 0 at the origin."""


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).unsqueeze(-1)


@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 3), st.integers(0, 4))
@settings(max_examples=15)
def test_random_laws(seed: int, n: int, m: int, cuts: int):
    law = random_law(seed, n, m, cuts)
    generator = torch.Generator().manual_seed(seed)
    points = 3 * torch.rand(100, n, dtype=torch.float64, generator=generator) - 1.5
    points = torch.cat([points, facet_points(law, 2, seed)])
    assert (law(points) - evaluated(law, points)).abs().max() <= 1e-12
    if m > 1:
        assert law(points).shape == (len(points), m)


def test_the_lowest_index_holds_where_regions_meet():
    law = PiecewiseAffine.from_regions(INTERVALS)
    assert law(column(0.0)).item() == 5.0
    assert PiecewiseAffine.from_regions(INTERVALS[::-1])(column(0.0)).item() == 0.0


def test_locate():
    law = PiecewiseAffine.from_regions(INTERVALS)
    assert law.locate(column(-0.5, 0.0, 0.5, 1.5, -2.0)).tolist() == [0, 0, 1, -1, -1]
    assert law.locate(torch.zeros(2, 3, 1, dtype=torch.float64)).shape == (2, 3)
    assert law.locate(torch.zeros(1, dtype=torch.float64)).shape == ()


def test_outside():
    points = column(-3.0, 0.5, 3.0)
    zero, nearest, clip = (
        PiecewiseAffine.from_regions(INTERVALS, outside=how) for how in ("zero", "nearest", "clip")
    )
    assert zero(points).ravel().tolist() == [0.0, 1.0, 0.0]
    assert nearest(points).ravel().tolist() == [5.0, 1.0, 6.0]
    assert clip(points).ravel().tolist() == [5.0, 1.0, 2.0]


def test_outside_and_nan():
    for how in ("zero", "nearest", "clip"):
        law = PiecewiseAffine.from_regions(INTERVALS, outside=how)
        assert law(column(float("nan"), 0.5)).isnan().ravel().tolist() == [True, False]


def test_points_on_facets_are_never_outside():
    """Facets of an explicit law, moved by rounding: no gap opens between regions."""
    law = explicit_mpc(**double_integrator())
    points = facet_points(law, 5)
    assert (law.locate(points) >= 0).all()
    single = law.float()
    assert (single.locate(points.float()) >= 0).all()


def test_domain_is_the_smallest_box():
    law = random_law(0, 2, 1, 3)
    assert law.domain.flatten().tolist() == pytest.approx([-1.0, -1.0, 1.0, 1.0])
    given = PiecewiseAffine.from_regions(INTERVALS, domain=(-2, 3))
    assert given.domain.flatten().tolist() == [-2.0, 3.0]


def test_unbounded_regions_need_a_domain():
    half = [([[1.0]], [0.0], [[1.0]], [0.0])]
    with pytest.raises(ValueError, match="domain"):
        PiecewiseAffine.from_regions(half)
    law = PiecewiseAffine.from_regions(half, domain=(-10, 10))
    assert law(column(-7.0)).item() == -7.0


def test_rows_are_normalised():
    scaled = [([[10.0], [-3.0]], [5.0, 3.0], [[1.0]], [0.0])]
    law = PiecewiseAffine.from_regions(scaled)
    assert law.normals.ravel().tolist() == [1.0, -1.0]
    assert law.offsets.ravel().tolist() == [0.5, 1.0]


def test_a_row_that_holds_nowhere_empties_its_region():
    empty = ([[0.0], [1.0]], [-1.0, 1.0], [[1.0]], [0.0])
    law = PiecewiseAffine.from_regions([empty, *INTERVALS], domain=(-1, 1))
    assert law.locate(column(-0.5, 0.5)).tolist() == [1, 2]


def test_regions_come_back():
    law = random_law(1, 2, 1, 2)
    given = Polytope(*random_regions(1, 2, 1, 2)[0][:2]).normalized()
    region = law.region(0)
    assert np.allclose(region.A, given.A)
    assert np.allclose(region.b, given.b)


def test_many_points_are_compared_in_blocks(monkeypatch: pytest.MonkeyPatch):
    law = random_law(2, 2, 1, 4)
    points = torch.rand(500, 2, dtype=torch.float64)
    whole = law.locate(points)
    monkeypatch.setattr(module, "BLOCK", 7 * law.offsets.numel())
    assert torch.equal(law.locate(points), whole)


@pytest.mark.parametrize("kind", [PiecewiseAffine, YANN])
def test_saved_and_loaded(kind: type, tmp_path: Path):
    law = explicit_mpc(**pendulum(), outside="nearest")
    saved = law if kind is PiecewiseAffine else YANN.from_pwa(law)
    saved.save_pretrained(tmp_path)
    loaded = kind.from_pretrained(tmp_path)
    points = 6 * torch.rand(1000, 2, dtype=torch.float64) - 3
    assert torch.equal(loaded(points), saved(points))
    assert repr(loaded) == repr(saved)


def test_single_precision():
    law = explicit_mpc(**pendulum())
    points = (torch.rand(5000, 2) * 2 - 1) * torch.tensor([2.0, 8.0])
    points = points[law.locate(points.double()) >= 0]
    double = law(points.double())
    assert (law.float()(points).double() - double).abs().max() <= 1e-4


def test_gradient_is_the_gain():
    law = random_law(3, 3, 2, 3)
    theta = torch.zeros(3, dtype=torch.float64) + 0.05
    jacobian = torch.autograd.functional.jacobian(law, theta)
    assert torch.equal(jacobian, law.gains[law.locate(theta)])
