"""Critical networks, initialisation in place, and what is read out of a module."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from provenn.theory import CriticalMLP, EffectiveTheory, critical, critical_init_
from provenn.theory.reading import read_mlp


class Residual(nn.Module):
    """Skips written out, with functional activations."""

    def __init__(self, gamma: float = 0.5) -> None:
        super().__init__()
        self.first, self.hidden, self.last = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 3)
        self.gamma = gamma

    def forward(self, x):
        z = self.first(x.flatten(1))
        z = self.hidden(torch.tanh(z)) + self.gamma * z
        return self.last(functional.tanh(z))


class PostActivation(Residual):
    """The usual block, whose skip goes round the activation."""

    def forward(self, x):
        h = functional.relu(self.first(x))
        h = h + functional.relu(self.hidden(h))
        return self.last(h)


@pytest.mark.parametrize(("activation", "gamma"), [("relu", 0.0), ("tanh", 0.9), ("gelu", 0.5)])
def test_kernels_of_a_critical_network_follow_the_theory(activation, gamma):
    depth, width = 8, 512
    torch.manual_seed(0)
    x = torch.randn(1, 32)
    flow = EffectiveTheory(activation).flow(
        float(x.square().mean()), depth, width=width, gamma=(0, *(gamma,) * (depth - 2), 0)
    )
    kernels = []
    for _ in range(40):
        model = CriticalMLP(32, width, width, depth, activation=activation, gamma=gamma)
        with torch.no_grad():
            kernels.append(float(model(x).square().mean()))
    mean = sum(kernels) / len(kernels)
    spread = float(flow.fluctuation[-1]) ** 0.5 * float(flow.K[-1])
    assert mean == pytest.approx(float(flow.mean_kernel[-1]), abs=4.5 * spread / math.sqrt(40))


def test_forward_is_the_residual_recursion():
    model = CriticalMLP(4, 6, 2, 4, activation="tanh", gamma=0.7).double()
    x = torch.randn(3, 4, dtype=torch.float64)
    a, b, c, d = model.layers
    z = a(x)
    z = b(z.tanh()) + 0.7 * z
    z = c(z.tanh()) + 0.7 * z
    torch.testing.assert_close(model(x), d(z.tanh()))


def test_save_and_load(tmp_path):
    model = CriticalMLP(4, 6, 2, 3, activation="gelu", gamma=0.3)
    model.save_pretrained(tmp_path)
    again = CriticalMLP.from_pretrained(tmp_path)
    x = torch.randn(5, 4)
    assert torch.equal(model(x), again(x))
    assert again.activation == "gelu"


def test_one_layer_is_linear():
    model = CriticalMLP(4, 6, 2, 1)
    assert len(model.layers) == 1
    torch.testing.assert_close(model(torch.ones(1, 4)), model.layers[0](torch.ones(1, 4)))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"activation": "softplus"}, "critical initialisation"),
        ({"activation": "gelu", "bias": False}, "bias must be True"),
        ({"gamma": 1.0}, "gamma"),
        ({"activation": "rleu"}, "'rleu'"),
    ],
)
def test_malformed_networks_are_refused(options, says):
    with pytest.raises(ValueError, match=says):
        CriticalMLP(4, 6, 2, 3, **options)


@pytest.mark.parametrize("name", ["tanh", "gelu"])
def test_initialisation_in_place_has_the_critical_variances(name):
    activation = {"tanh": nn.Tanh, "gelu": nn.GELU}[name]
    model = nn.Sequential(
        nn.Linear(200, 300), activation(), nn.Linear(300, 300), activation(), nn.Linear(300, 300)
    )
    returned = critical_init_(model, generator=torch.Generator().manual_seed(0))
    assert returned is model
    found = critical(name)
    for layer in model[::2]:
        C_W = float(layer.weight.detach().square().mean()) * layer.in_features
        assert pytest.approx(found.C_W, rel=0.03) == C_W
        assert float(layer.bias.detach().square().mean()) == pytest.approx(found.C_b, rel=0.3)


def test_initialisation_repeats_with_a_generator():
    models = [
        critical_init_(CriticalMLP(4, 6, 2, 3), generator=torch.Generator().manual_seed(1))
        for _ in range(2)
    ]
    for a, b in zip(*(m.parameters() for m in models), strict=True):
        assert torch.equal(a, b)


def test_initialisation_minds_the_skips():
    model = critical_init_(Residual(0.9), generator=torch.Generator().manual_seed(0))
    hidden = CriticalMLP(500, 500, 500, 3, activation="tanh", gamma=0.9)
    critical_init_(hidden, generator=torch.Generator().manual_seed(0))
    C_W = [float(v.weight.detach().square().mean()) * 500 for v in hidden.layers]
    assert pytest.approx([1, 1 - 0.81, 1], rel=0.03) == C_W
    assert float(model.hidden.weight.detach().abs().mean()) < 0.6 * float(
        model.last.weight.detach().abs().mean()
    )


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (nn.Sequential(nn.Linear(3, 4), nn.Softplus(), nn.Linear(4, 2)), "critical"),
        (nn.Sequential(nn.Linear(3, 4, bias=False), nn.GELU(), nn.Linear(4, 2)), "biases"),
        (nn.Linear(3, 4), "two nn.Linear"),
        (nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2)),
         "one activation"),
    ],
)  # fmt: skip
def test_what_cannot_be_initialised_is_refused(model, says):
    with pytest.raises(ValueError, match=says):
        critical_init_(model)


def test_reading_a_sequence():
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(6, 8), nn.LayerNorm(8), nn.GELU(), nn.Dropout(), nn.Linear(8, 3)
    )
    reading = read_mlp(model)
    assert [layer.name for layer in reading.layers] == ["1", "5"]
    assert reading.activation.name == "gelu"
    assert reading.norms == ("2",)
    assert reading.widths == (8,)
    assert reading.notes == ()


def test_reading_skips_and_functions():
    reading = read_mlp(Residual(0.5))
    assert [layer.gamma for layer in reading.layers] == [0.0, 0.5, 0.0]
    assert reading.activation.name == "tanh"
    assert reading.gamma == 0.5


def test_another_skip_is_noted():
    reading = read_mlp(PostActivation())
    assert reading.gamma == 0
    assert any("hidden" in note for note in reading.notes)


def test_what_is_not_understood_is_noted():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 4), nn.Softmax(-1), nn.Linear(4, 2))
    notes = " ".join(read_mlp(model).notes)
    assert "no activation between 0 and 1" in notes
    assert "Softmax" in notes


def test_what_cannot_be_read_can_be_given():
    reading = read_mlp(
        nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2)), "silu", gamma=0.4
    )
    assert reading.activation.name == "silu"
    assert [layer.gamma for layer in reading.layers] == [0, 0.4, 0]


def test_options_of_functions_are_read():
    class Leaky(Residual):
        def forward(self, x):
            return self.last(functional.leaky_relu(self.first(x), 0.3))

    class Approximate(Residual):
        def forward(self, x):
            return self.last(functional.gelu(self.first(x), approximate="tanh"))

    assert read_mlp(Leaky()).activation.slopes == pytest.approx((0.3, 1.0))
    assert "tanh" in read_mlp(Approximate()).activation.name


def test_a_nested_critical_network_is_read():
    model = nn.Sequential(nn.Flatten(), CriticalMLP(6, 8, 3, 4, activation="tanh", gamma=0.5))
    reading = read_mlp(model)
    assert [layer.name for layer in reading.layers] == [f"1.layers.{i}" for i in range(4)]
    assert [layer.gamma for layer in reading.layers] == [0.0, 0.5, 0.5, 0.0]


def test_what_cannot_be_traced_is_refused():
    class Branching(Residual):
        def forward(self, x):
            return self.last(self.first(x)) if x.sum() > 0 else x

    with pytest.raises(ValueError, match=r"torch\.fx"):
        read_mlp(Branching())
