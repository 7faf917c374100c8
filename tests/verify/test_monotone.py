"""Proofs of monotonicity."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from provenn.verify import is_monotone

from .networks import inputs, mlp, network


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from(["mlp", "deep", "leaky", "residual", "conv"]),
    seed=st.integers(0, 10_000),
    feature=st.integers(0, 2),
    low=st.sampled_from([0.0, 0.4]),
)
def test_a_proof_is_never_contradicted(name, seed, feature, low):
    model, shape = network(name, seed)
    x = inputs(shape, 5, seed)
    proven = is_monotone(model, x, feature, output=1, value_range=(low, low + 0.3))
    line = x.flatten(1).repeat(60, 1, 1)
    line[:, :, feature] = torch.linspace(low, low + 0.3, 60).double()[:, None]
    with torch.no_grad():
        y = model(line.reshape(-1, *shape))[:, 1].reshape(60, 5)
    steps = y.diff(dim=0)
    assert (steps[:, proven == 1] >= -1e-12).all()
    assert (steps[:, proven == -1] <= 1e-12).all()


def test_positive_weights_are_monotone_everywhere():
    model = mlp(4, 8, 8, 2).double()
    for parameter in model.parameters():
        parameter.data.abs_()
    x = torch.rand(6, 4).double()
    assert (is_monotone(model, x, 2, 1) == 1).all()
    model[-1].weight.data.neg_()
    assert (is_monotone(model, x, 2, 1) == -1).all()


def test_a_bend_is_not_called_monotone():
    model = mlp(1, 2, 1).double()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0], [-1.0]]))
        model[0].bias.zero_()
        model[2].weight.fill_(1.0)
    x = torch.zeros(1, 1).double()
    assert int(is_monotone(model, x, 0, 0, value_range=(-1.0, 1.0))) == 0
    assert int(is_monotone(model, x, 0, 0, value_range=(0.1, 1.0))) == 1
    assert int(is_monotone(model, x, 0, 0, value_range=(-1.0, -0.1))) == -1


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"model": "net"}, TypeError, "model"),
        ({"x": [0.0]}, TypeError, "x"),
        ({"x": torch.rand(2)}, ValueError, "x"),
        ({"x": torch.rand(0, 4)}, ValueError, "x must have shape"),
        ({"x": torch.full((1, 4), float("nan"))}, ValueError, "x must be finite"),
        ({"x": torch.rand(1, 4).half()}, TypeError, "x must be float32 or float64"),
        ({"x": torch.rand(1, 4).double()}, ValueError, "x must have the dtype"),
        ({"x": torch.rand(1, 5)}, ValueError, "x must have a shape"),
        ({"feature": 4}, ValueError, "feature must be at least 0 and less than 4, got 4"),
        ({"feature": -1}, ValueError, "feature"),
        ({"feature": 0.5}, TypeError, "feature"),
        ({"output": 3}, ValueError, "output must be at least 0 and less than 3, got 3"),
        ({"output": True}, TypeError, "output"),
        ({"value_range": (1.0, 0.0)}, ValueError, "value_range"),
        ({"value_range": (0.0, float("nan"))}, ValueError, "value_range"),
        ({"value_range": 3}, TypeError, "value_range"),
        ({"value_range": ("a", "b")}, TypeError, "value_range"),
        ({"memory_budget": 0}, ValueError, "memory_budget must be at least 1, got 0"),
    ],
)
def test_bad_input_is_named(change, error, message):
    arguments = {"model": mlp(4, 5, 3), "x": torch.rand(2, 4), "feature": 0, "output": 1}
    with pytest.raises(error, match=message):
        is_monotone(**{**arguments, **change})
