"""The exact oracle, and branch and bound against it."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from provenn.verify import BranchAndBound, local_lipschitz
from provenn.verify.exact import Cell, exact_constants
from provenn.verify.forward import forward_bounds
from provenn.verify.region import Region
from provenn.verify.tracing import trace

from .networks import inputs, jacobians_at, mlp, network

TINY = ("shallow", "mlp", "leaky", "residual", "ends-in-relu", "batch-norm")


def test_every_region_of_a_plane_is_found():
    torch.manual_seed(0)
    model = mlp(2, 5, 4, 2).double()
    x = torch.zeros(1, 2).double()
    axis = torch.linspace(-1, 1, 400).double()
    grid = torch.cartesian_prod(axis, axis)
    brute = jacobians_at(model, grid).abs().sum(-1).amax(0)
    exact = local_lipschitz(model, x, 1.0, method="exact").per_class[0]
    torch.testing.assert_close(exact, brute)


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(TINY),
    seed=st.integers(0, 10_000),
    eps=st.sampled_from([0.05, 0.1, 0.2]),
)
def test_samples_exact_branching_and_bound_are_ordered(name, seed, eps):
    model, shape = network(name, seed)
    x = inputs(shape, 1, seed)
    exact = local_lipschitz(model, x, eps, method="exact", samples=2000)
    assert (exact.lower_per_class <= exact.per_class * (1 + 1e-9)).all()
    crown = local_lipschitz(model, x, eps)
    branched = local_lipschitz(model, x, eps, branch_and_bound={"max_domains": 50})
    assert (exact.per_class <= branched.per_class * (1 + 1e-9)).all()
    assert (branched.per_class <= crown.per_class * (1 + 1e-9)).all()


@settings(max_examples=15, deadline=None)
@given(
    name=st.sampled_from(TINY),
    seed=st.integers(0, 10_000),
    score=st.sampled_from(["area", "babsr"]),
    look_ahead=st.integers(1, 3),
)
def test_branching_converges_to_the_exact_constant(name, seed, score, look_ahead):
    model, shape = network(name, seed)
    x = inputs(shape, 1, seed)
    exact = local_lipschitz(model, x, 0.15, method="exact").per_class
    options = BranchAndBound(max_domains=100_000, score=score, look_ahead=look_ahead)
    branched = local_lipschitz(model, x, 0.15, branch_and_bound=options).per_class
    torch.testing.assert_close(branched, exact, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("recompute", [True, False])
def test_more_domains_never_loosen_the_bound(recompute):
    model, shape = network("mlp", 11)
    x = inputs(shape, 2, 12)
    found = [
        local_lipschitz(
            model,
            x,
            0.5,
            branch_and_bound={"max_domains": n, "batch_size": 4, "recompute": recompute},
        )
        for n in (1, 3, 7, 15, 40, 100, 300)
    ]
    for fewer, more in itertools.pairwise(found):
        assert (more.per_class <= fewer.per_class * (1 + 1e-12)).all()
    assert (found[-1].bound < found[0].bound).all()
    assert (found[-1].n_domains <= 300 * 3).all()


def test_recomputed_bounds_are_tighter_than_kept_ones():
    model, shape = network("mlp", 11)
    x = inputs(shape, 4, 12)
    kept = local_lipschitz(model, x, 0.5, branch_and_bound={"max_domains": 200, "recompute": False})
    recomputed = local_lipschitz(model, x, 0.5, branch_and_bound={"max_domains": 200})
    assert (recomputed.bound <= kept.bound * (1 + 1e-9)).all()
    assert recomputed.bound.sum() < kept.bound.sum()


def test_a_timeout_stops_the_branching():
    model, shape = network("mlp", 11)
    x = inputs(shape, 1, 12)
    plain = local_lipschitz(model, x, 1.0)
    stopped = local_lipschitz(
        model, x, 1.0, branch_and_bound={"timeout": 1e-9, "max_domains": 10**6}
    )
    assert int(stopped.n_domains) == 3
    assert (stopped.per_class <= plain.per_class).all()


def test_branching_works_in_float32_and_on_convolutions():
    for name in ("conv", "conv1d", "avg-pool", "conv-residual"):
        model, shape = network(name, 4, torch.float32)
        x = inputs(shape, 1, 5, torch.float32)
        plain = local_lipschitz(model, x, 0.1)
        branched = local_lipschitz(model, x, 0.1, branch_and_bound={"max_domains": 40})
        assert (branched.per_class <= plain.per_class).all()
        assert (branched.per_class >= branched.lower_per_class * (1 - 1e-5)).all()


def test_a_linear_network_needs_no_branching():
    model, shape = network("linear", 0)
    x = inputs(shape, 2, 1)
    result = local_lipschitz(model, x, 0.5, branch_and_bound={"max_domains": 10})
    assert (result.n_domains == 0).all()
    exact = local_lipschitz(model, x, 0.5, method="exact")
    torch.testing.assert_close(result.per_class, exact.per_class)


def test_duplicate_neurons_add_no_region():
    model = mlp(1, 2, 1).double()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0], [1.0]]))
        model[0].bias.zero_()
        model[2].weight.copy_(torch.tensor([[1.0, -1.0]]))
    result = local_lipschitz(model, torch.zeros(1, 1).double(), 1.0, method="exact")
    assert float(result.bound) == 0.0


def test_too_many_regions_are_refused():
    model, shape = network("mlp", 11)
    x = inputs(shape, 1, 12)
    graph = trace(model, x)
    region = Region(lo=x - 1, hi=x + 1, centre=x)
    states = {k: s[0] for k, s in forward_bounds(graph, region).states.items()}
    with pytest.raises(ValueError, match="max_regions must be at least"):
        exact_constants(graph, region, states, max_regions=3)


def test_the_ball_in_a_cell_lies_inside():
    torch.manual_seed(1)
    normals = torch.randn(3, 2).double().numpy()
    cell = Cell.box(2).cut(normals, torch.tensor([0.1, -0.2, 0.3]).double().numpy())
    distance = cell.normals @ cell.centre + cell.offsets
    assert (distance >= cell.radius - 1e-9).all()
    assert (abs(cell.centre) <= 1 + 1e-9).all()
    contradiction = cell.cut(-normals, -torch.tensor([0.2, -0.1, 0.4]).double().numpy())
    assert contradiction.radius < 0


@pytest.mark.parametrize("name", TINY)
def test_the_euclidean_constant_over_a_box(name):
    model, shape = network(name, 6)
    x = inputs(shape, 1, 7)
    corners = {"lo": x - 0.1, "hi": x + 0.1, "norm": 2}
    exact = local_lipschitz(model, **corners, method="exact", samples=2000)
    crown = local_lipschitz(model, **corners, samples=0)
    branched = local_lipschitz(
        model, **corners, samples=0, branch_and_bound={"max_domains": 100_000}
    )
    assert (exact.lower_per_class <= exact.per_class * (1 + 1e-9)).all()
    assert (exact.per_class <= crown.per_class * (1 + 1e-9)).all()
    torch.testing.assert_close(branched.per_class, exact.per_class)


def test_a_flat_module_can_be_the_whole_model():
    layer = nn.Linear(3, 2).double()
    result = local_lipschitz(layer, torch.zeros(1, 3).double(), 1.0)
    torch.testing.assert_close(result.per_class[0], layer.weight.abs().sum(1).detach())
