"""The exact network: both forms against the law, its big M, its ties, and closed loops."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from provenn.control import YANN, DenseYANN, PiecewiseAffine, condense, explicit_mpc

from .laws import evaluated, facet_points, random_law
from .systems import double_integrator, pendulum, random_system, reactor

MPC = [
    pytest.param(pendulum(), id="pendulum"),
    pytest.param(reactor(), id="reactor"),
    pytest.param(double_integrator(), id="double-integrator"),
    pytest.param(random_system(2, n=2, m=2), id="two-inputs"),
]


def points_of(law: PiecewiseAffine, count: int = 300) -> torch.Tensor:
    """Random points of the domain's box, and points on facets."""
    low, high = law.domain
    generator = torch.Generator().manual_seed(0)
    uniform = torch.rand(count, law.state_dim, dtype=torch.float64, generator=generator)
    return torch.cat([low + (high - low) * uniform, facet_points(law, 1)])


@pytest.mark.parametrize("setting", MPC)
def test_both_forms_are_the_law(setting: dict):
    law = explicit_mpc(**setting)
    yann = YANN.from_pwa(law)
    points = points_of(law)
    expected = evaluated(law, points)
    assert (yann(points) - expected).abs().max() <= 1e-12 * float(yann.big_m)
    assert (yann(points, literal=True) - expected).abs().max() <= 1e-14 * float(yann.big_m)


@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 3), st.integers(0, 4))
@settings(max_examples=15)
def test_random_discontinuous_laws(seed: int, n: int, m: int, cuts: int):
    law = random_law(seed, n, m, cuts)
    yann = YANN.from_pwa(law, domain=([-2.0] * n, [2.0] * n))
    generator = torch.Generator().manual_seed(seed)
    points = 4 * torch.rand(200, n, dtype=torch.float64, generator=generator) - 2
    points = torch.cat([points, facet_points(law, 2, seed)])
    literal = yann(points, literal=True)
    assert (literal - yann(points)).abs().max() <= 1e-13 * max(1.0, float(yann.big_m))
    assert not literal[law.locate(points) < 0].any()


def test_exactly_one_region_is_on_inside_and_none_outside():
    law = explicit_mpc(**pendulum())
    dense = YANN.from_pwa(law).layers()
    points = points_of(law)
    holds = (dense.half_spaces(points) >= 0).to(points.dtype)
    one = dense.first(dense.regions(holds).relu()).relu()
    inside = law.locate(points) >= 0
    assert torch.equal(one.sum(-1), inside.to(points.dtype))
    assert torch.equal(one[inside].argmax(-1), law.locate(points)[inside])
    assert ((one == 0) | (one == 1)).all()


def test_there_are_five_layers_of_buffers():
    law = explicit_mpc(**pendulum())
    dense = YANN.from_pwa(law).layers()
    p, q, n, m = law.n_regions, law.n_half_spaces, law.state_dim, law.n_inputs
    shapes = [tuple(layer.weight.shape) for layer in dense.children()]
    assert shapes == [(q, n), (p, q), (p, p), (2 * m * p, p + n), (m, 2 * m * p)]
    assert [layer.bias is None for layer in dense.children()] == [False, False, True, False, True]
    for network in (dense, YANN.from_pwa(law), law):
        assert not list(network.parameters())


def test_the_output_does_not_depend_on_a_sufficient_big_m():
    law = explicit_mpc(**pendulum())
    points = points_of(law)
    least = float(YANN.from_pwa(law).big_m)
    for factor in (1.0, 3.0, 100.0):
        yann = YANN.from_pwa(law, big_m=factor * least)
        error = (yann(points, literal=True) - law(points)).abs().max()
        assert error <= 1e-15 * factor * least * 10


def test_big_m_is_what_the_laws_need():
    law = PiecewiseAffine.from_regions(
        [
            ([[1.0], [-1.0]], [0.0, 1.0], [[0.0]], [0.0]),
            ([[1.0], [-1.0]], [1.0, 0.0], [[7.0]], [-2.0]),
        ]
    )
    assert float(YANN.from_pwa(law).big_m) == 9.0
    assert float(YANN.from_pwa(law, domain=(-3, 3)).big_m) == 23.0


def test_a_big_m_that_is_too_small_is_refused_and_would_be_wrong():
    law = explicit_mpc(**pendulum())
    least = float(YANN.from_pwa(law).big_m)
    with pytest.raises(ValueError, match="big_m must be at least"):
        YANN.from_pwa(law, big_m=0.9 * least)
    points = points_of(law)
    wrong = DenseYANN(law, 0.1 * least)(points) - law(points)
    assert wrong.abs().max() > 1


def test_the_lowest_index_wins_in_both_forms():
    regions = [
        ([[1.0], [-1.0]], [0.0, 1.0], [[0.0]], [5.0]),
        ([[1.0], [-1.0]], [1.0, 0.0], [[2.0]], [-3.0]),
    ]
    zero = torch.zeros(1, 1, dtype=torch.float64)
    for listed, expected in ((regions, 5.0), (regions[::-1], -3.0)):
        yann = YANN.from_pwa(PiecewiseAffine.from_regions(listed))
        assert yann(zero).item() == expected
        assert yann(zero, literal=True).item() == expected


def test_outside_is_taken_from_the_law_or_given():
    law = explicit_mpc(**pendulum(), outside="nearest")
    far = torch.tensor([[9.0, 0.0]], dtype=torch.float64)
    assert YANN.from_pwa(law)(far).abs().item() > 0
    assert YANN.from_pwa(law, outside="zero")(far).item() == 0.0
    with pytest.raises(ValueError, match="outside must be 'zero'"):
        YANN.from_pwa(law)(far, literal=True)


@pytest.mark.parametrize("setting", MPC)
def test_single_precision(setting: dict):
    law = explicit_mpc(**setting)
    yann = YANN.from_pwa(law).float()
    points = points_of(law).float()
    points = points[law.locate(points.double()) >= 0]
    expected = law(points.double())
    scale = max(1.0, float(law.gains.abs().max()))
    assert (yann(points).double() - expected).abs().max() <= 1e-4 * scale
    literal = yann(points, literal=True).double()
    assert (literal - expected).abs().max() <= 1e-4 * scale


def test_batched_is_one_by_one():
    yann = YANN.from_pwa(explicit_mpc(**double_integrator()))
    points = points_of(yann.law, 100)[:300]
    for literal in (False, True):
        one_by_one = torch.stack([yann(theta, literal=literal) for theta in points])
        assert (one_by_one - yann(points, literal=literal)).abs().max() <= 1e-12


def test_closed_loops_agree_with_online_mpc_and_keep_the_constraints():
    daqp = pytest.importorskip("daqp", reason="needs the solver DAQP")
    setting = double_integrator()
    problem = condense(**setting)
    yann = YANN.from_pwa(explicit_mpc(**setting))
    A, B = (torch.tensor(setting[name], dtype=torch.float64) for name in "AB")
    low, high = yann.law.domain
    starts = low + (high - low) * torch.rand(200, 2, dtype=torch.float64)
    starts = starts[yann.law.locate(starts) >= 0][:20]
    state, online = starts, starts.clone()
    for _ in range(20):
        u = yann(state)
        expected = []
        for theta in online.numpy():
            right = problem.W + problem.S @ theta
            linear = problem.Z @ theta + problem.c
            below = right * 0 - 1e30
            z, _, flag, _ = daqp.solve(problem.H, linear, problem.G, right, below, primal_tol=1e-11)
            assert flag == 1
            expected.append(z[:1])
        by_qp = torch.from_numpy(np.array(expected))
        assert u.abs().max() <= 1 + 1e-9
        state, online = state @ A.T + u @ B.T, online @ A.T + by_qp @ B.T
        assert (state - online).abs().max() <= 1e-9
        assert setting["path"].contains(state.numpy(), 1e-8).all()
