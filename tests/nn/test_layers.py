"""The layers: counts, initialisation, padding, and the layers of torch.nn that they stand for."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from provenn.nn import PHConv1d, PHConv2d, PHConv3d, PHLinear, algebra

from .references import kron_weight

CONVS = {1: PHConv1d, 2: PHConv2d, 3: PHConv3d}


def count(module):
    return sum(p.numel() for p in module.parameters())


def randomize(layer):
    for p in layer.parameters():
        nn.init.normal_(p)
    return layer


@given(
    n=st.integers(1, 4),
    inputs=st.integers(1, 3),
    outputs=st.integers(1, 3),
    axes=st.integers(0, 3),
    bias=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_parameter_count(n, inputs, outputs, axes, bias):
    d, s, k = n * inputs, n * outputs, 3**axes
    layer = PHLinear(d, s, bias, n=n) if axes == 0 else CONVS[axes](d, s, 3, bias=bias, n=n)
    assert count(layer) == n**3 + s * d * k // n + bias * s


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [0, 2, "same", "valid"])
def test_to_dense_has_the_same_output(axes, mode, padding):
    layer = CONVS[axes](
        4, 8, 3, padding=padding, dilation=2, groups=2, padding_mode=mode, n=2, dtype=torch.float64
    )
    dense = randomize(layer).to_dense()
    x = torch.randn(2, 4, *(7,) * axes, dtype=torch.float64)
    assert type(dense) is (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1]
    torch.testing.assert_close(layer(x), dense(x), rtol=0, atol=1e-12)
    torch.testing.assert_close(layer(x[0]), dense(x[0]), rtol=0, atol=1e-12)


def test_asymmetric_arguments():
    layer = PHConv2d(
        3, 6, (1, 4), (2, 1), (0, 3), (1, 2), padding_mode="circular", n=3, dtype=torch.float64
    )
    x = torch.randn(2, 3, 9, 8, dtype=torch.float64)
    torch.testing.assert_close(layer(x), layer.to_dense()(x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_same_padding_puts_the_odd_one_behind(mode):
    layer = PHConv1d(2, 2, 4, padding="same", padding_mode=mode, n=2, dtype=torch.float64)
    x = torch.randn(1, 2, 9, dtype=torch.float64)
    torch.testing.assert_close(layer(x), layer.to_dense()(x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
def test_linear_to_dense(bias):
    layer = randomize(PHLinear(6, 9, bias, n=3, dtype=torch.float64)).eval()
    x = torch.randn(4, 2, 6, dtype=torch.float64)
    dense = layer.to_dense()
    assert type(dense) is nn.Linear
    assert not dense.training
    torch.testing.assert_close(layer(x), dense(x), rtol=0, atol=1e-12)


def test_bias_is_added():
    layer = PHConv2d(2, 2, 1, n=2)
    with torch.no_grad():
        layer.bias.copy_(torch.tensor([1.0, -2.0]))
        y = layer(torch.zeros(1, 2, 3, 3))
    assert (y[:, 0] == 1).all()
    assert (y[:, 1] == -2).all()


def test_one_block_matches_conv2d():
    layer = PHConv2d(3, 5, 3, n=1, algebra="real", learn_algebra=False, dtype=torch.float64)
    conv = nn.Conv2d(3, 5, 3, dtype=torch.float64)
    conv.load_state_dict({"weight": layer.filters[0], "bias": layer.bias})
    x = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    torch.testing.assert_close(layer(x), conv(x), rtol=0, atol=1e-12)


def test_official_initialisation():
    torch.manual_seed(0)
    n, s, d, k = 4, 128, 64, 3
    layers = [PHConv2d(d, s, k, n=n) for _ in range(20)]
    A = torch.stack([layer.algebra for layer in layers])
    assert A.abs().max() <= 3**0.5 / n
    assert A.var().item() == pytest.approx(1 / n**2, rel=0.05)
    bound = (6 / ((s // n) * (d // n) * k**2 + d * k**2)) ** 0.5
    assert layers[0].filters.abs().max().item() == pytest.approx(bound, rel=1e-2)
    weights = torch.stack([layer.weight for layer in layers])
    expected = 2 / (d * k**2 * (s / n + n))
    assert weights.var().item() == pytest.approx(expected, rel=0.15)
    assert layers[0].bias.abs().max() <= d**-0.5


@pytest.mark.parametrize("given", [None, "quaternion", torch.eye(4).expand(4, 4, 4)])
def test_variance_preserving_initialisation(given):
    torch.manual_seed(0)
    layers = [
        PHConv2d(64, 128, 3, n=4, init="variance_preserving", algebra=given) for _ in range(20)
    ]
    weights = torch.stack([layer.weight for layer in layers])
    assert weights.var().item() == pytest.approx(2 / (64 * 9), rel=0.15)


def test_given_algebra_is_learned_or_fixed():
    learned = PHLinear(8, 8, n=4, algebra="quaternion")
    fixed = PHLinear(8, 8, n=4, algebra="quaternion", learn_algebra=False)
    torch.testing.assert_close(learned.algebra.detach(), algebra("quaternion").float())
    assert "algebra" in dict(learned.named_parameters())
    assert "algebra" in dict(fixed.named_buffers())
    assert count(learned) - count(fixed) == 64


def test_reset_restores_a_given_algebra():
    layer = PHLinear(8, 8, n=4, algebra="quaternion", learn_algebra=False, device="meta")
    layer = layer.to_empty(device="cpu")
    layer.reset_parameters()
    torch.testing.assert_close(layer.algebra, algebra("quaternion").float())
    assert layer.filters.isfinite().all()


def test_given_algebra_is_copied():
    A = torch.ones(2, 2, 2)
    layer = PHLinear(2, 2, n=2, algebra=A)
    A.zero_()
    layer.reset_parameters()
    assert (layer.algebra == 1).all()


def test_channels_last_network():
    net = nn.Sequential(PHConv2d(4, 8, 3, n=2), PHConv3d(2, 2, 1, n=2), PHConv1d(2, 2, 1, n=2))
    state = copy.deepcopy(net.state_dict())
    net.to(memory_format=torch.channels_last)
    for name, value in net.state_dict().items():
        assert torch.equal(value, state[name])
        assert value.is_contiguous()
    x = torch.randn(2, 4, 6, 6).to(memory_format=torch.channels_last)
    y = net[0](x)
    assert y.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(y, net[0](x.contiguous()), rtol=1e-5, atol=1e-6)


def test_state_dict_round_trip():
    first, second = PHConv2d(4, 8, 3, n=2), PHConv2d(4, 8, 3, n=2)
    assert [*first.state_dict()] == ["algebra", "filters", "bias"]
    second.load_state_dict(first.state_dict())
    x = torch.randn(1, 4, 5, 5)
    assert torch.equal(first(x), second(x))


def test_weight_is_differentiable():
    layer = PHLinear(4, 4, n=2)
    layer.weight.sum().backward()
    assert layer.algebra.grad is not None
    assert layer.filters.grad is not None


def test_empty_batch():
    assert PHConv2d(4, 8, 3, n=2)(torch.ones(0, 4, 5, 5)).shape == (0, 8, 3, 3)
    assert PHLinear(4, 8, n=2)(torch.ones(0, 4)).shape == (0, 8)


def test_repr_says_what_was_given():
    text = repr(PHConv2d(4, 8, 3, padding=1, groups=2, bias=False, n=2, init="variance_preserving"))
    assert text == (
        "PHConv2d(4, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), groups=2, "
        "bias=False, n=2, init='variance_preserving')"
    )
    assert repr(PHLinear(4, 8, n=2)) == "PHLinear(in_features=4, out_features=8, n=2)"


def test_trains_to_a_quaternion_map():
    torch.manual_seed(0)
    target = PHLinear(4, 4, bias=False, n=4, algebra="quaternion", learn_algebra=False)
    layer = PHLinear(4, 4, bias=False, n=4)
    x = torch.randn(64, 4)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.05)
    for _ in range(300):
        loss = (layer(x) - target(x).detach()).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 1e-4
    torch.testing.assert_close(layer.weight, kron_weight(layer.algebra, layer.filters).float())
