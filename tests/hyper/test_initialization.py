"""Initial values: norms of the first change, variances of the first weights, and HyperLight's."""

import math

import pytest
import torch
from torch import nn

from provenn.hyper import HyperNetwork
from tests.hyper.networks import mlp

hyperlight = pytest.importorskip("hyperlight", reason="needs the extra 'peers'")


def wide() -> nn.Sequential:
    """Tensors of 64 to 32,768 entries."""
    return nn.Sequential(
        nn.Conv2d(1, 64, 1), nn.Conv2d(64, 64, 2), nn.Linear(256, 128), nn.Linear(128, 8)
    )


@pytest.mark.parametrize("d", [1, 3])
def test_the_first_change_has_the_same_norm_in_every_tensor(d):
    torch.manual_seed(0)
    squares = dict.fromkeys([n for n, _ in wide().named_parameters()], 0.0)
    draws = 20
    for _ in range(draws):
        hyper = HyperNetwork(wide(), {"lam": d}, zero_bias=False)
        for name, change in hyper.change(lam=torch.rand(d)).items():
            squares[name] += float(change.detach().square().sum()) / draws
    for name, square in squares.items():
        assert square == pytest.approx(2 * d, rel=0.5), name


def test_biases_start_without_a_change():
    change = HyperNetwork(mlp(), {"lam": 1}).change(lam=0.4)
    for name, value in change.items():
        assert bool(value.any()) == name.endswith("weight")


def test_the_base_starts_as_an_ordinary_network():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(16, 64, 3), nn.BatchNorm2d(64), nn.Linear(200, 100))
    nn.init.constant_(net[1].weight, 0.5)
    base = {n: p.detach() for n, p in HyperNetwork(net, {"lam": 1}).theta0.items()}
    gain = 2 / (1 + 0.01**2)
    assert float(base["0.weight"].std()) == pytest.approx(math.sqrt(gain / 144), rel=0.05)
    assert float(base["2.weight"].std()) == pytest.approx(math.sqrt(gain / 200), rel=0.05)
    assert not base["0.bias"].any()
    assert (base["1.weight"] == 0.5).all()
    ordinary = HyperNetwork(net, {"lam": 1}, residual=False).theta0
    assert not any(value.any() for value in ordinary.values())


@pytest.mark.parametrize(
    ("init", "fan", "share"), [("hyperfan_in", 1, 1.0), ("hyperfan_out", 0, 2.0)]
)
def test_hyperfan_gives_weights_the_variance_of_their_fan(init, fan, share):
    torch.manual_seed(0)
    net = nn.Linear(60, 90)
    squares = []
    for _ in range(60):
        hyper = HyperNetwork(net, {"lam": 2}, encoding="none", residual=False, output_init=init)
        theta = hyper(lam=torch.rand(2))
        squares.append([float(value.detach().square().mean()) for value in theta.values()])
    weight, bias = torch.tensor(squares).mean(0).tolist()
    assert weight * net.weight.shape[fan] == pytest.approx(share, rel=0.35)
    expected = 1.0 if fan else 2 * (1 - 60 / 90)
    assert bias == pytest.approx(expected, rel=0.35)


def copied(encoding, residual):
    """Our hypernetwork and HyperLight's with the same weights."""
    torch.manual_seed(0)
    ours = HyperNetwork(mlp(), {"a": 2, "b": 1}, (16, 12), encoding=encoding, residual=residual)
    with torch.no_grad():
        for p in ours.parameters():
            p.add_(0.05 * torch.randn_like(p))
    official = hyperlight.HyperNet(
        input_shapes={"a": (2,), "b": (1,)},
        output_shapes=ours.shapes,
        hidden_sizes=[16, 12],
        encoding={"circle": "cos|sin", "complement": "z|1-z", "none": None}[encoding],
    )
    linears = [layer for layer in ours.hidden if isinstance(layer, nn.Linear)]
    with torch.no_grad():
        for i, layer in enumerate(linears):
            target = getattr(official.backbone, f"block{i}_lin")
            target.weight.copy_(layer.weight)
            target.bias.copy_(layer.bias)
        official.backbone.output.weight.copy_(ours.output.weight)
    official.set_independent_weights({n: p.detach() for n, p in ours.theta0.items()})
    return ours, official


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("encoding", ["circle", "complement", "none"])
def test_the_official_library_predicts_the_same(encoding, residual):
    ours, official = copied(encoding, residual)
    for _ in range(5):
        a, b = torch.rand(2), torch.rand(1)
        expected = official(a=a, b=b)
        for name, value in ours(a=a, b=b).items():
            torch.testing.assert_close(value, expected[name], atol=1e-6, rtol=1e-6)
    a, b = torch.rand(4, 2), torch.rand(4, 1)
    expected = official(a=a, b=b)
    for name, value in ours(a=a, b=b).items():
        torch.testing.assert_close(value, expected[name], atol=1e-6, rtol=1e-6)


def test_the_official_library_starts_at_the_same_magnitudes():
    torch.manual_seed(0)
    ours = HyperNetwork(wide(), {"lam": 1})
    official = hyperlight.HyperNet({"lam": (1,)}, ours.shapes, [16, 128])
    theta0 = official.get_independent_weights()
    for name, base in ours.theta0.items():
        assert float(base.detach().square().mean()) == pytest.approx(
            float(theta0[name].square().mean()), rel=0.5
        )
    for start, length in official.output_offsets().values():
        rows = official.backbone.output.weight[start : start + length]
        own = ours.output.weight[start : start + length]
        assert float(own.square().mean().detach()) == pytest.approx(
            float(rows.square().mean().detach()), rel=0.1
        )
