"""The dense weight that evaluation keeps: used where it may be, right after every change."""

import copy
import pickle
from unittest import mock

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad

from provenn.nn import PHConv2d, PHLinear
from provenn.nn.hypercomplex import layers

from .references import kron_weight


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return PHConv2d(4, 8, 3, n=2, dtype=torch.float64).eval()


@pytest.fixture
def builds():
    with mock.patch.object(layers, "kronecker_sum", wraps=layers.kronecker_sum) as spy:
        yield spy


@pytest.fixture
def x():
    return torch.randn(1, 4, 5, 5, dtype=torch.float64)


def check(layer):
    """The layer's weight in evaluation is the Kronecker sum of what it holds now."""
    with torch.no_grad():
        expected = kron_weight(layer.algebra.double(), layer.filters.double())
        torch.testing.assert_close(layer.weight.double(), expected, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(layer.weight.double(), expected, rtol=1e-6, atol=1e-6)


def test_second_evaluation_builds_nothing(layer, x, builds):
    with torch.no_grad():
        first = layer(x)
        assert torch.equal(layer(x), first)
    assert builds.call_count == 1


def test_cache_is_not_in_the_state_dict(layer, x):
    with torch.no_grad():
        layer(x)
    assert [*layer.state_dict()] == ["algebra", "filters", "bias"]


def test_training_and_gradients_build_anew(layer, x, builds):
    layer(x).sum().backward()
    assert layer.algebra.grad is not None
    assert layer.filters.grad is not None
    layer.train()
    with torch.no_grad():
        layer(x)
        layer(x)
    assert builds.call_count == 3


def test_frozen_layer_in_a_differentiated_network(layer, x, builds):
    layer.requires_grad_(False)
    for _ in range(2):
        inputs = x.clone().requires_grad_()
        layer(inputs).sum().backward()
        assert inputs.grad is not None
    assert builds.call_count == 1


def edit_data(layer):
    layer.filters.data.mul_(2)


def edit_data_of_the_algebra(layer):
    layer.algebra.data.neg_()


def edit_in_place(layer):
    with torch.no_grad():
        layer.filters.add_(1)


def edit_one_entry(layer):
    with torch.no_grad():
        layer.filters.view(-1)[-1] += 1e-9


def assign_data(layer):
    layer.filters.data = torch.randn_like(layer.filters)


def new_parameter(layer):
    layer.filters = nn.Parameter(torch.randn_like(layer.filters))


def load(layer):
    layer.load_state_dict(PHConv2d(4, 8, 3, n=2, dtype=torch.float64).state_dict())


def load_by_assignment(layer):
    state = PHConv2d(4, 8, 3, n=2, dtype=torch.float64).state_dict()
    layer.load_state_dict(state, assign=True)


def reset(layer):
    layer.reset_parameters()


def to_float(layer):
    layer.to(torch.float32)


def there_and_back(layer):
    layer.float().double()


def optimizer_step(layer):
    layer.weight.sum().backward()
    torch.optim.SGD(layer.parameters(), lr=0.1).step()


def average(layer):
    other = PHConv2d(4, 8, 3, n=2, dtype=torch.float64)
    for mine, theirs in zip(layer.parameters(), other.parameters(), strict=True):
        mine.data.mul_(0.9).add_(theirs.data, alpha=0.1)


@pytest.mark.parametrize(
    "change",
    [
        edit_data,
        edit_data_of_the_algebra,
        edit_in_place,
        edit_one_entry,
        assign_data,
        new_parameter,
        load,
        load_by_assignment,
        reset,
        to_float,
        there_and_back,
        optimizer_step,
        average,
    ],
)
def test_right_after(change, layer):
    check(layer)
    before = layer.weight.detach().clone()
    change(layer)
    check(layer)
    if change not in (to_float, there_and_back):
        assert not torch.equal(layer.weight, before)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])  # noqa: S301
def test_copies_have_a_cache_of_their_own(copied, layer):
    check(layer)
    twin = copied(layer)
    assert twin._kept is None
    edit_in_place(twin)
    check(twin)
    check(layer)


def test_inference_mode_leaves_nothing_behind(layer, x):
    with torch.inference_mode():
        layer(x)
    layer.requires_grad_(False)
    inputs = x.clone().requires_grad_()
    layer(inputs).sum().backward()
    assert inputs.grad is not None


@pytest.mark.parametrize("learn", [True, False])
def test_functional_call_and_transforms(learn, x):
    layer = PHConv2d(4, 8, 3, n=2, learn_algebra=learn, dtype=torch.float64).eval()
    check(layer)
    state = {k: v.detach() for k, v in layer.state_dict().items()}
    stacked = {k: torch.stack([v, 2 * v]) for k, v in state.items()}

    def call(values):
        return torch.func.functional_call(layer, values, (x,))

    with torch.no_grad():
        mapped = torch.vmap(call)(stacked)
        torch.testing.assert_close(mapped[0], layer(x))
        torch.testing.assert_close(mapped[1], call({k: 2 * v for k, v in state.items()}))
    gradient = torch.func.grad(lambda values: call(values).sum())(state)
    assert all((g != 0).any() for g in gradient.values())
    _, tangent = torch.func.jvp(call, (state,), ({k: v.clone() for k, v in state.items()},))
    assert (tangent != 0).any()
    check(layer)


def test_forward_mode_differentiation(x):
    layer = PHConv2d(4, 8, 3, n=2, learn_algebra=False, dtype=torch.float64).eval()
    layer.requires_grad_(False)
    check(layer)
    with forward_ad.dual_level():
        layer.algebra = forward_ad.make_dual(layer.algebra, torch.ones_like(layer.algebra))
        assert forward_ad.unpack_dual(layer(x)).tangent is not None


def test_nan_parameters_give_nan(layer, x):
    check(layer)
    with torch.no_grad():
        layer.filters.fill_(torch.nan)
        assert layer(x).isnan().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_precision(dtype, builds):
    layer = PHLinear(4, 6, n=2, dtype=dtype).eval()
    with torch.no_grad():
        x = torch.ones(2, 4, dtype=dtype)
        assert torch.equal(layer(x), layer(x))
        assert builds.call_count == 1
        layer.filters.data[0, 0, 0] += 1
        layer(x)
    assert builds.call_count == 2


def test_linear_in_evaluation(builds):
    layer = PHLinear(4, 6, n=2).eval()
    with torch.no_grad():
        first, second = layer(torch.ones(4)), layer(torch.ones(4))
    assert torch.equal(first, second)
    assert builds.call_count == 1
