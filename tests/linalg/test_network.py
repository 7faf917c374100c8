"""The network: its sizes, its wiring as the authors have it, its symmetries, its files."""

import pytest
import torch
from torch.nn import functional

from provenn.linalg import DCDMNet


def count(net):
    return sum(p.numel() for p in net.parameters())


def test_it_has_the_authors_sizes():
    assert count(DCDMNet(3)) == 97_457
    assert count(DCDMNet(3, wiring="n128")) == 152_881
    assert count(DCDMNet(2)) == 32_657


def as_the_authors_wire_it(net, r):
    """The forward pass step by step, for the wiring of 64 cells a side."""

    def conv(layer, x):
        return (functional.conv2d if net.dim == 2 else functional.conv3d)(
            x, layer.weight, layer.bias, padding=1
        )

    def relu_conv(layer, x):
        return functional.relu(conv(layer, x))

    F = conv(net.lift, r)
    la = relu_conv(net.first, F)
    lb = relu_conv(net.fine[0].first, la)
    la = relu_conv(net.fine[0].second, lb) + la
    lb = relu_conv(net.last, la)
    a = (functional.avg_pool2d if net.dim == 2 else functional.avg_pool3d)(lb, 2)
    for block in net.coarse:
        b = relu_conv(block.first, a)
        a = relu_conv(block.second, b) + a
    for axis in range(2, 2 + net.dim):
        a = a.repeat_interleave(2, axis)
    u = a + lb
    for block in net.up:
        b = relu_conv(block.first, u)
        u = relu_conv(block.second, b) + u
    weight = net.out.weight.flatten()
    return torch.einsum("c,bc...->b...", weight, u)[:, None] + net.out.bias


@pytest.mark.parametrize("dim", [2, 3])
def test_it_is_wired_as_the_authors_have_it(dim):
    torch.manual_seed(0)
    net = DCDMNet(dim, channels=4, dtype=torch.float64)
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.3)
    assert len(net.coarse) == 3
    assert len(net.up) == 2
    r = torch.randn(2, 1, *(8, 6, 4)[:dim], dtype=torch.float64)
    torch.testing.assert_close(net(r), as_the_authors_wire_it(net, r))


def test_it_starts_as_keras_does():
    torch.manual_seed(0)
    net = DCDMNet(2)
    bound = (6 / (2 * 16 * 9)) ** 0.5
    largest = net.first.weight.abs().max().item()
    assert 0.98 * bound < largest <= bound
    assert all(not p.any() for name, p in net.named_parameters() if name.endswith("bias"))


def test_a_shift_by_two_cells_shifts_the_answer():
    torch.manual_seed(0)
    net = DCDMNet(2, channels=4, dtype=torch.float64)
    reach = 24
    r = torch.zeros(1, 1, 80, 80, dtype=torch.float64)
    r[..., 38:42, 38:42] = torch.randn(4, 4, dtype=torch.float64)
    inner = (..., slice(reach, -reach), slice(reach, -reach))
    for shift in ((2, 0), (0, -4), (2, 2)):
        moved = net(r.roll(shift, (2, 3)))
        torch.testing.assert_close(moved[inner], net(r).roll(shift, (2, 3))[inner])
    odd = net(r.roll((1, 0), (2, 3)))
    assert not torch.allclose(odd[inner], net(r).roll((1, 0), (2, 3))[inner])


def test_odd_grids_are_padded_with_zeros():
    torch.manual_seed(0)
    net = DCDMNet(2, channels=4)
    r = torch.randn(2, 1, 7, 10)
    padded = functional.pad(r, (0, 0, 0, 1))
    torch.testing.assert_close(net(r), net(padded)[:, :, :7])
    assert DCDMNet(3, channels=2)(torch.randn(1, 1, 5, 4, 3)).shape == (1, 1, 5, 4, 3)


@pytest.mark.parametrize("dim", [2, 3])
def test_features_lie_with_channels_last(dim):
    net, layouts = DCDMNet(dim), []
    kept = torch.channels_last if dim == 2 else torch.channels_last_3d
    for layer in (net.last, net.coarse[-1].second, net.up[-1].second):
        layer.register_forward_hook(
            lambda _, x, y: layouts.append(y.is_contiguous(memory_format=kept))
        )
    net(torch.randn(2, 1, *[16] * dim))
    assert layouts == [True] * 3


def test_it_is_saved_and_loaded(tmp_path):
    net = DCDMNet(3, channels=4, wiring="n128")
    net.save_pretrained(tmp_path)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
    loaded = DCDMNet.from_pretrained(tmp_path)
    assert not loaded.training
    r = torch.randn(1, 1, 8, 8, 8)
    assert torch.equal(loaded(r), net(r))
    assert repr(loaded).startswith("DCDMNet(\n  dim=3, channels=4, wiring='n128'")
