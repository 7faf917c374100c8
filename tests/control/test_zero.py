"""Networks that are zero at the start, and that learn all the same."""

import pytest
import torch

from provenn.control import PairedZero

MODES = ("paired", "sum", "zero")


def inputs(size, scale, dtype=torch.float64):
    return scale * torch.randn(1000, size, generator=torch.Generator().manual_seed(1), dtype=dtype)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("hidden", [2, 7, 16, 64])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("blocks", [None, 3])
def test_the_output_is_exactly_zero_at_the_start(mode, hidden, dtype, blocks):
    network = PairedZero(3, 2, dtype=dtype, hidden=hidden, mode=mode, blocks=blocks, init_scale=0.5)
    for scale in (1.0, 1e3):
        assert not network(inputs(3, scale, dtype)).any()
        assert not network(inputs(3, scale, dtype)[0]).any()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("readout", [False, True])
def test_every_tensor_learns_within_two_steps(mode, readout):
    network = PairedZero(2, 1, hidden=9, mode=mode, readout=readout, dtype=torch.float64)
    x = inputs(2, 1.0)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(2):
        optimiser.zero_grad()
        (network(x).squeeze(-1) - x[:, 0]).square().mean().backward()
        optimiser.step()
    assert network(x).any()
    optimiser.zero_grad()
    (network(x).squeeze(-1) - x[:, 0]).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad.any(), name


@pytest.mark.parametrize("hidden", [6, 7])
def test_the_paired_form_is_the_two_layers_of_its_docstring(hidden):
    network = PairedZero(3, 2, hidden=hidden, terms=4, dtype=torch.float64)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(-1, 1)
    x = inputs(3, 1.0)[:20]
    first = torch.tanh(x @ network.weight.T + network.bias)
    second = torch.tanh(first @ network.mixing.T)
    expected = torch.stack([second[:, :4].sum(1), second[:, 4:].sum(1)], 1)
    torch.testing.assert_close(network(x), expected)


def test_the_first_layer_is_paired_and_its_odd_unit_rests():
    network = PairedZero(3, 1, hidden=7)
    assert (network.weight[3:6] == -network.weight[:3]).all()
    assert (network.bias[3:6] == -network.bias[:3]).all()
    assert (network.mixing[:, 3:6] == network.mixing[:, :3]).all()
    assert not network.weight[6].any()
    assert not network.bias[6].any()
    assert all(p.abs().max() <= 1e-2 for p in network.parameters())


def test_the_literal_form_follows_one_direction_only():
    network = PairedZero(2, 1, hidden=8, mode="sum", dtype=torch.float64)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(-1, 1)
    direction = network.weight.sum(0)
    across = torch.stack([-direction[1], direction[0]])
    x = inputs(2, 1.0)[:50]
    torch.testing.assert_close(network(x + across), network(x))
    assert (network(x + direction) - network(x)).abs().max() > 1e-3


def test_blocks_are_networks_side_by_side():
    network = PairedZero(3, 2, hidden=6, blocks=4, dtype=torch.float64)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(-1, 1)
    x, index = inputs(3, 1.0)[:30], torch.arange(30) % 4
    together = network(x)
    assert together.shape == (30, 4, 2)
    torch.testing.assert_close(network.of_blocks(x, index), together[torch.arange(30), index])
    single = PairedZero(3, 2, hidden=6, dtype=torch.float64)
    single.load_state_dict({name: p[2] for name, p in network.state_dict().items()})
    torch.testing.assert_close(single(x), together[:, 2])


def test_the_paired_form_learns_what_the_literal_one_cannot():
    x = 4 * torch.rand(400, 2, generator=torch.Generator().manual_seed(0)) - 2
    y = torch.sin(2 * x[:, 0]) * torch.cos(2 * x[:, 1])
    errors = {}
    for mode in ("paired", "sum"):
        torch.manual_seed(0)
        network = PairedZero(2, 1, hidden=16, mode=mode)
        optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
        for _ in range(600):
            optimiser.zero_grad()
            loss = (network(x).squeeze(-1) - y).square().mean()
            loss.backward()
            optimiser.step()
        errors[mode] = loss.item()
    assert errors["paired"] < 0.12
    assert errors["sum"] > 0.2
