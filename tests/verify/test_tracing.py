"""Which models can be bounded, and what is said of those that cannot."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from provenn.verify import UnsupportedOperatorError, local_lipschitz
from provenn.verify.tracing import trace

from .networks import ARCHITECTURES, inputs, network


class Forward(nn.Module):
    """A module whose forward is the given function of itself and the input."""

    def __init__(self, function, **children):
        super().__init__()
        self.function = function
        for name, child in children.items():
            self.add_module(name, child)

    def forward(self, x):
        return self.function(self, x)


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(sorted(ARCHITECTURES)), seed=st.integers(0, 10_000))
def test_the_graph_computes_what_the_model_computes(name, seed):
    model, shape = network(name, seed)
    x = inputs(shape, 7, seed) * 4 - 2
    torch.testing.assert_close(trace(model, x).values(x)[-1], model(x))


FORWARDS = {
    "view": lambda m, x: x.view(x.size(0), -1),
    "view-by-shape": lambda m, x: x.view(x.shape[0], 16),
    "view-by-count": lambda m, x: x.view(-1, 16),
    "reshape": lambda m, x: torch.reshape(x, (x.shape[0], 2 * 8)),
    "flatten-keyword": lambda m, x: torch.flatten(input=x, start_dim=1),
    "mean": lambda m, x: x.mean(dim=(2, 3)),
    "mean-keepdim": lambda m, x: x.mean((-1, -2), keepdim=True).squeeze(-1).squeeze(2),
    "functional": lambda m, x: functional.linear(
        functional.leaky_relu(functional.conv2d(x, m.weight), 0.1).flatten(1), torch.ones(3, 8)
    ),
    "pool": lambda m, x: functional.avg_pool2d(x, 2).flatten(1),
    "constants": lambda m, x: ((2 - x) * 3 / torch.tensor(0.5) - 1).flatten(1).neg(),
    "in-place": lambda m, x: ((x.flatten(1) - 1).add_(1).mul_(2)).relu_() - 0.5,
    "sum-of-three": lambda m, x: (x + x.relu() - functional.relu(-x)).flatten(1),
    "matmul": lambda m, x: x.flatten(1) @ torch.ones(16, 2) + torch.ones(1, 2),
    "dropout": lambda m, x: functional.dropout(x, 0.5, m.training).flatten(1),
    "dead-branch": lambda m, x: (torch.relu(x), x.flatten(1))[1],
}


@pytest.mark.parametrize("name", FORWARDS)
def test_forms_of_forward(name):
    conv = nn.Conv2d(1, 2, 3)
    model = Forward(FORWARDS[name])
    model.register_parameter("weight", conv.weight)
    x = torch.randn(2, 1, 4, 4)
    model.eval()
    torch.testing.assert_close(trace(model, x).values(x)[-1], model(x))
    result = local_lipschitz(model, x, 0.3, samples=64)
    assert (result.lower_per_class <= result.per_class * (1 + 1e-5)).all()


IMAGE = torch.rand(1, 2, 4, 4)
UNSUPPORTED = {
    "MaxPool2d .*use AvgPool2d": nn.Sequential(nn.MaxPool2d(2), nn.Flatten()),
    "Sigmoid": nn.Sequential(nn.Flatten(), nn.Sigmoid()),
    "Softmax .*leave the softmax out": nn.Sequential(nn.Flatten(), nn.Softmax(dim=1)),
    "softmax": Forward(lambda m, x: torch.softmax(x.flatten(1), 1)),
    "tanh": Forward(lambda m, x: torch.tanh(x).flatten(1)),
    "product of two": Forward(lambda m, x: (x * x).flatten(1)),
    "division by": Forward(lambda m, x: (1 / (x + 1)).flatten(1)),
    "traced by torch.fx": Forward(lambda m, x: x.flatten(1) if x.sum() > 0 else -x.flatten(1)),
    "padding_mode": nn.Sequential(
        nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular"), nn.Flatten()
    ),
    "padding='same'": nn.Sequential(nn.Conv2d(2, 2, 2, padding="same"), nn.Flatten()),
    "ceil_mode": nn.Sequential(nn.AvgPool2d(3, ceil_mode=True), nn.Flatten()),
    "divide the input": nn.Sequential(nn.AdaptiveAvgPool2d(3), nn.Flatten()),
    "running statistics": nn.Sequential(nn.BatchNorm2d(2, track_running_stats=False), nn.Flatten()),
    "negative_slope": nn.Sequential(nn.LeakyReLU(1.5), nn.Flatten()),
    "mean must be over": Forward(lambda m, x: x.mean(1).flatten(1)),
    "keep the batch": Forward(lambda m, x: x.flatten(1).reshape(4, -1).reshape(x.shape[0], -1)),
    "dropout must be off": Forward(lambda m, x: functional.dropout(x, 0.0, True).flatten(1)),
    "two terms of one shape": Forward(lambda m, x: (x + x.mean((2, 3), keepdim=True)).flatten(1)),
    "constant must broadcast": Forward(
        lambda m, x: (x.mean((2, 3), keepdim=True) + torch.ones(1, 4, 4)).flatten(1)
    ),
    "getitem": Forward(lambda m, x: x[:, 0].flatten(1)),
    "add with these arguments": Forward(lambda m, x: torch.add(x, 1, alpha=2).flatten(1)),
    "in-place": Forward(lambda m, x: (lambda y: (y.relu_() + y).flatten(1))(x - 0.5)),
    "conv_transpose2d": Forward(
        lambda m, x: functional.conv_transpose2d(x, torch.ones(2, 1, 2, 2)).flatten(1)
    ),
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("message", UNSUPPORTED)
def test_an_unsupported_operator_is_named(message):
    with pytest.raises(UnsupportedOperatorError, match=message):
        local_lipschitz(UNSUPPORTED[message].eval(), IMAGE, 0.1)


def test_training_mode_is_refused():
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.ReLU())
    with pytest.raises(ValueError, match=r"model must be in evaluation mode.*call model.eval\(\)"):
        local_lipschitz(model, torch.rand(2, 3), 0.1)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_parameters_that_are_not_finite_are_refused(value):
    model = nn.Linear(3, 2)
    model.weight.data[0, 0] = value
    with pytest.raises(ValueError, match="finite parameters, got 'weight'"):
        local_lipschitz(model, torch.rand(2, 3), 0.1)
