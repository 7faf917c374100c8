"""What must hold of the bounds whatever the network: the identities and orderings of the method."""

import copy
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from provenn.verify import jacobian_bounds, local_lipschitz

from .networks import ARCHITECTURES, inputs, jacobians_at, mlp, network

ORDER = ("sampled", "crown", "recurjac", "interval", "global")
NAMES = sorted(ARCHITECTURES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_without_a_region_the_bound_is_the_row_sum(name, dtype):
    model, shape = network(name, 0, dtype)
    x = inputs(shape, 4, 1, dtype)
    rows = jacobians_at(model, x)
    tol = 1e-3 if dtype == torch.float32 else 1e-6
    for method in ("crown", "recurjac", "interval", "exact"):
        result = local_lipschitz(model, x, 0.0, method=method)
        torch.testing.assert_close(
            result.per_class, rows.flatten(2).abs().sum(-1), rtol=tol, atol=tol
        )
    lower, upper = jacobian_bounds(model, x, 0.0)
    torch.testing.assert_close(lower, rows, rtol=tol, atol=tol)
    torch.testing.assert_close(upper, rows, rtol=tol, atol=tol)


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    seed=st.integers(0, 10_000),
    eps=st.sampled_from([0.001, 0.05, 0.2, 1.0]),
    norm=st.sampled_from(["inf", 2]),
)
def test_methods_are_ordered_for_every_class(name, seed, eps, norm):
    model, shape = network(name, seed)
    x = inputs(shape, 2, seed)
    found = [local_lipschitz(model, x, eps, norm=norm, method=m).per_class for m in ORDER]
    for tighter, looser in itertools.pairwise(found):
        assert (tighter <= looser * (1 + 1e-9)).all()


@settings(max_examples=30, deadline=None)
@given(name=st.sampled_from(NAMES), seed=st.integers(0, 10_000))
def test_bounds_grow_with_the_region(name, seed):
    model, shape = network(name, seed)
    x = inputs(shape, 2, seed)
    found = [local_lipschitz(model, x, e).per_class for e in (0.0, 0.02, 0.1, 0.4, 1.5)]
    for smaller, larger in itertools.pairwise(found):
        assert (smaller <= larger * 1.01).all()


@settings(max_examples=30, deadline=None)
@given(name=st.sampled_from(NAMES), seed=st.integers(0, 10_000))
def test_optimised_slopes_are_never_looser_before_the_relus(name, seed):
    model, shape = network(name, seed)
    x = inputs(shape, 2, seed)
    plain = local_lipschitz(model, x, 0.2)
    optimised = local_lipschitz(model, x, 0.2, forward="alpha-crown")
    assert (optimised.n_unstable <= plain.n_unstable).all()


def test_stable_neurons_make_every_local_method_exact():
    model, shape = network("mlp", 3)
    x = inputs(shape, 3, 4)
    found = {
        m: local_lipschitz(model, x, 1e-7, method=m)
        for m in ("crown", "recurjac", "interval", "exact", "sampled")
    }
    assert (found["crown"].n_unstable == 0).all()
    for result in found.values():
        torch.testing.assert_close(result.per_class, found["exact"].per_class, rtol=1e-9, atol=0.0)


def test_unstable_everywhere_leaves_only_the_weights():
    model, shape = network("mlp", 3)
    result = local_lipschitz(model, inputs(shape, 5, 4), 1e4)
    assert (result.n_unstable == 16).all()
    torch.testing.assert_close(result.per_class, result.per_class[:1].expand(5, -1))


def test_scaling_the_last_layer_scales_the_bound():
    model, shape = network("mlp", 5)
    x = inputs(shape, 2, 6)
    scaled = copy.deepcopy(model)
    scaled[-1].weight.data *= 3.5
    for method in ORDER:
        before = local_lipschitz(model, x, 0.2, method=method).per_class
        after = local_lipschitz(scaled, x, 0.2, method=method).per_class
        torch.testing.assert_close(after, 3.5 * before, rtol=1e-9, atol=0.0)


def test_permuting_hidden_neurons_changes_nothing():
    model, shape = network("mlp", 5)
    x = inputs(shape, 2, 6)
    permuted = copy.deepcopy(model)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(0))
    permuted[0].weight.data = model[0].weight.data[order]
    permuted[0].bias.data = model[0].bias.data[order]
    permuted[2].weight.data = model[2].weight.data[:, order]
    for method in ("crown", "recurjac", "interval", "exact"):
        torch.testing.assert_close(
            local_lipschitz(permuted, x, 0.2, method=method).per_class,
            local_lipschitz(model, x, 0.2, method=method).per_class,
        )


def test_moving_scale_between_layers_changes_nothing():
    model, shape = network("mlp", 5)
    x = inputs(shape, 2, 6)
    moved = copy.deepcopy(model)
    moved[0].weight.data *= 7.0
    moved[0].bias.data *= 7.0
    moved[2].weight.data /= 7.0
    for method in ("crown", "recurjac", "interval", "exact"):
        torch.testing.assert_close(
            local_lipschitz(moved, x, 0.2, method=method).per_class,
            local_lipschitz(model, x, 0.2, method=method).per_class,
        )


@pytest.mark.parametrize("slope", [0.0, 0.25])
def test_one_hidden_layer_equals_brute_force_over_masks(slope):
    torch.manual_seed(0)
    model = mlp(3, 7, 2, activation=lambda: nn.LeakyReLU(slope)).double()
    x = torch.rand(1, 3).double()
    eps = 0.8
    first, last = model[0], model[2]
    value, reach = first(x)[0], eps * first.weight.abs().sum(1)
    unstable = (value - reach <= 0) & (value + reach >= 0)
    assert unstable.sum() > 2
    masks = []
    for choice in itertools.product((slope, 1.0), repeat=int(unstable.sum())):
        mask = torch.where(value > 0, 1.0, slope).double()
        mask[unstable] = torch.tensor(choice).double()
        masks.append(mask)
    every = torch.einsum("ch,mh,hd->mcd", last.weight, torch.stack(masks), first.weight)
    lower, upper = jacobian_bounds(model, x, eps)
    torch.testing.assert_close(lower[0], every.amin(0))
    torch.testing.assert_close(upper[0], every.amax(0))
    slope_of = (upper.abs() - lower.abs()) / (upper - lower)
    chords = slope_of * every + lower.abs() - slope_of * lower
    bound = local_lipschitz(model, x, eps).per_class
    torch.testing.assert_close(bound[0], chords.sum(-1).amax(0))


def test_one_relu_has_constant_one():
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU()).double()
    nn.init.ones_(model[0].weight)
    for method in ("crown", "recurjac", "interval", "exact", "sampled", "global"):
        result = local_lipschitz(model, torch.zeros(1, 1).double(), 1.0, method=method)
        torch.testing.assert_close(result.bound, torch.ones(1).double())


def test_recurjac_is_equal_when_no_gradient_crosses_zero():
    model, shape = network("mlp", 5)
    for layer in (model[2], model[4]):
        layer.weight.data.abs_()
    x = inputs(shape, 2, 6)
    crown = local_lipschitz(model, x, 0.5)
    recurjac = local_lipschitz(model, x, 0.5, method="recurjac")
    assert (crown.n_unstable > 0).all()
    torch.testing.assert_close(crown.per_class, recurjac.per_class)


def test_a_box_may_be_given_by_its_corners():
    model, shape = network("conv", 5)
    x = inputs(shape, 2, 6)
    radius = torch.tensor([0.05, 0.1]).double().reshape(2, 1, 1)
    by_eps = local_lipschitz(model, x, radius, clip=(0.0, 1.0))
    by_corners = local_lipschitz(model, lo=(x - radius).clamp(0, 1), hi=(x + radius).clamp(0, 1))
    torch.testing.assert_close(by_eps.per_class, by_corners.per_class)


@pytest.mark.parametrize("name", ["mlp", "conv", "residual"])
def test_a_batch_and_a_small_memory_budget_change_nothing(name):
    model, shape = network(name, 5)
    x = inputs(shape, 5, 6)
    whole = local_lipschitz(model, x, 0.2)
    small = local_lipschitz(model, x, 0.2, memory_budget=1)
    torch.testing.assert_close(small.per_class, whole.per_class)
    single = [local_lipschitz(model, x[i : i + 1], 0.2).per_class for i in range(5)]
    torch.testing.assert_close(torch.cat(single), whole.per_class)
    for budget in (1, 2**25):
        lower, upper = jacobian_bounds(model, x, 0.2, memory_budget=budget)
        assert lower.shape == upper.shape == (5, whole.per_class.shape[1], *shape)


def test_float32_bounds_are_the_float64_ones_moved_outward():
    model, shape = network("mlp", 5, torch.float32)
    x = inputs(shape, 3, 6, torch.float32)
    single = local_lipschitz(model, x, 0.2).per_class
    double = local_lipschitz(copy.deepcopy(model).double(), x.double(), 0.2).per_class
    assert (single >= double).all()
    assert (single <= double * 1.001).all()


def test_results_describe_themselves():
    model, shape = network("mlp", 5)
    result = local_lipschitz(model, inputs(shape, 3, 6), 0.2, samples=64)
    assert result.bound.shape == result.lower.shape == result.n_unstable.shape == (3,)
    torch.testing.assert_close(result.bound, result.per_class.amax(1))
    torch.testing.assert_close(result.lower, result.lower_per_class.amax(1))
    assert (result.lower > 0).all()
    assert (result.n_domains == 0).all()
    assert result.time > 0
    without = local_lipschitz(model, inputs(shape, 3, 6), 0.2, samples=0)
    assert (without.lower == 0).all()
