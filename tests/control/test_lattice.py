"""The ReLU form: exact for continuous laws, refused for others, and bounded by provenn.verify."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import Delaunay
from torch import nn

from provenn.control import PiecewiseAffine, explicit_mpc
from provenn.control import lattice as module
from provenn.verify import local_lipschitz

from .laws import facet_points, random_law
from .systems import double_integrator, pendulum, random_system, reactor


def interpolation(seed: int, pieces: int) -> PiecewiseAffine:
    """A continuous function of one variable between random values."""
    rng = np.random.default_rng(seed)
    knots = np.linspace(-1.0, 1.0, pieces + 1)
    values = rng.choice([-2.0, -1.0, 0.0, 0.5, 3.0], pieces + 1)
    slopes = np.diff(values) / np.diff(knots)
    return PiecewiseAffine.from_regions(
        ([[1.0], [-1.0]], [knots[i + 1], -knots[i]], [[slope]], [values[i] - slope * knots[i]])
        for i, slope in enumerate(slopes)
    )


def triangulated(seed: int, points: int) -> PiecewiseAffine:
    """A continuous function of two variables between random values at corners of triangles."""
    rng = np.random.default_rng(seed)
    square = [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]
    nodes = np.vstack([square, rng.uniform(-0.9, 0.9, (points, 2))])
    values = rng.normal(size=len(nodes))
    regions = []
    for triangle in Delaunay(nodes).simplices:
        corners = np.column_stack([nodes[triangle], np.ones(3)])
        affine = np.linalg.solve(corners, values[triangle])
        heights = np.linalg.inv(corners)  # barycentric coordinates are not negative
        regions.append((-heights[:2].T, heights[2], affine[None, :2], affine[2:]))
    return PiecewiseAffine.from_regions(regions)


def error(law: PiecewiseAffine, network: nn.Module) -> float:
    """Largest difference at random points of the regions and on their facets."""
    low, high = law.domain
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(1000, law.state_dim, dtype=torch.float64, generator=generator)
    points = torch.cat([low + (high - low) * points, facet_points(law, 1)])
    points = points[law.locate(points) >= 0]
    return float((network(points) - law(points)).abs().max())


@pytest.mark.parametrize(
    "setting",
    [
        pendulum(),
        reactor(),
        double_integrator(),
        random_system(1, n=3),
        random_system(2, n=2, m=2),
        random_system(6, horizon=3, set_point=[0.1, -0.2]),
    ],
)
def test_explicit_laws(setting: dict):
    law = explicit_mpc(**setting)
    network = law.to_relu()
    assert {type(layer) for layer in network} == {nn.Linear, nn.ReLU}
    assert error(law, network) <= 1e-9 * max(1.0, float(law.gains.abs().max()))


@given(st.integers(0, 10_000), st.integers(1, 12))
@settings(max_examples=15)
def test_functions_of_one_variable(seed: int, pieces: int):
    law = interpolation(seed, pieces)
    assert error(law, law.to_relu()) <= 1e-9


@given(st.integers(0, 10_000), st.integers(1, 10))
@settings(max_examples=10)
def test_functions_on_triangles(seed: int, points: int):
    law = triangulated(seed, points)
    assert error(law, law.to_relu()) <= 1e-9


def test_regions_are_cut_where_pieces_cross_them(monkeypatch: pytest.MonkeyPatch):
    law = triangulated(17, 9)
    assert error(law, law.to_relu()) <= 1e-9
    monkeypatch.setattr(module, "_cut", lambda part, *_: [part])
    with pytest.raises(ValueError, match="law must be continuous"):
        law.to_relu()


def test_a_discontinuous_law_is_refused():
    for seed in range(5):
        with pytest.raises(ValueError, match="law must be continuous"):
            random_law(seed, 2, 1, 2).to_relu()


def test_dtype_follows_the_law():
    law = explicit_mpc(**pendulum(), dtype=torch.float32)
    network = law.to_relu()
    points = torch.rand(100, 2) - 0.5
    points = points[law.locate(points) >= 0]
    assert network(points).dtype == torch.float32
    assert (network(points) - law(points)).abs().max() <= 1e-4


@pytest.mark.parametrize("setting", [pendulum(), double_integrator()])
def test_certified_lipschitz_bound_of_a_controller(setting: dict):
    """Sound: at least what is sampled. Over all the domain: the steepest law, max_i |K_i|."""
    law = explicit_mpc(**setting)
    network = law.to_relu()
    low, high = law.domain
    steepest = float(law.gains.norm(dim=-1).max())
    everywhere = local_lipschitz(network, lo=low[None], hi=high[None], norm=2, samples=200)
    assert float(everywhere.lower) <= float(everywhere.bound)
    assert steepest <= float(everywhere.bound) + 1e-6
    at_rest = local_lipschitz(network, torch.zeros(1, 2, dtype=torch.float64), 1e-3, norm=2)
    unconstrained = float(law.gains[law.locate(torch.zeros(2, dtype=torch.float64))].norm())
    assert float(at_rest.bound) == pytest.approx(unconstrained, rel=1e-9)
