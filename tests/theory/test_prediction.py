"""Predictions at infinite width: exact linear cases, other routes, and wide trained networks."""

import math

import pytest
import torch

from provenn.theory import (
    CriticalMLP,
    EffectiveTheory,
    infinite_width_prediction,
    layer_learning_rates,
    parameter_groups,
)

X = torch.randn(7, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
Y = torch.randn(4, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_formula_by_direct_inversion():
    found = EffectiveTheory("tanh").kernels(X, 3)
    K, Θ = found.K[-1], found.Theta[-1]
    mean, covariance = infinite_width_prediction(K, Θ, Y)
    M = Θ[4:, :4] @ torch.linalg.inv(Θ[:4, :4])
    torch.testing.assert_close(mean, M @ Y)
    expected = K[4:, 4:] - M @ K[:4, 4:] - K[4:, :4] @ M.T + M @ K[:4, :4] @ M.T
    torch.testing.assert_close(covariance, expected)


def test_bayesian_limit_is_a_gaussian_process():
    K = EffectiveTheory("relu").kernels(X, 3).K[-1]
    mean, covariance = infinite_width_prediction(K, K, Y)
    solved = torch.linalg.solve(K[:4, :4], K[:4, 4:])
    torch.testing.assert_close(mean, solved.T @ Y)
    torch.testing.assert_close(covariance, K[4:, 4:] - K[4:, :4] @ solved)
    assert float(torch.linalg.eigvalsh(covariance)[0]) > -1e-10


def test_training_time_goes_from_the_prior_to_the_end():
    found = EffectiveTheory("gelu").kernels(X, 3)
    K, Θ = found.K[-1], found.Theta[-1]
    start = infinite_width_prediction(K, Θ, Y, time=1e-12)
    torch.testing.assert_close(
        start.mean, torch.zeros(3, 2, dtype=torch.float64), atol=1e-9, rtol=0
    )
    torch.testing.assert_close(start.covariance, K[4:, 4:])
    late = infinite_width_prediction(K, Θ, Y, time=1e9)
    end = infinite_width_prediction(K, Θ, Y, time=math.inf)
    torch.testing.assert_close(late.mean, end.mean, rtol=1e-6, atol=1e-8)


def test_coinciding_inputs_are_averaged():
    x = X[[0, 0, 1, 2]]
    found = EffectiveTheory("tanh").kernels(x, 2)
    y = torch.tensor([[0.0], [1.0], [0.5]], dtype=torch.float64)
    twice = infinite_width_prediction(found.K[-1], found.Theta[-1], y).mean
    once = infinite_width_prediction(
        found.K[-1][1:, 1:], found.Theta[-1][1:, 1:], torch.tensor([[0.5], [0.5]])
    ).mean
    torch.testing.assert_close(twice, once)


def test_a_wide_network_trains_to_the_formula():
    """From its own start ``z_0`` a network of width n ends near ``z_0 + M (y - z_0)``."""
    torch.manual_seed(0)
    x = X[:6].float()
    y = Y[:, :1].float()
    depth = 3
    rates = layer_learning_rates("tanh", depth)
    Θ = EffectiveTheory("tanh").kernels(x, depth, lr=rates).Theta[-1]
    errors = []
    for width in (32, 512):
        model = CriticalMLP(3, width, 1, depth, activation="tanh")
        lr = 1.0 / float(torch.linalg.eigvalsh(Θ[:4, :4])[-1])
        optimizer = torch.optim.SGD(parameter_groups(model, lr, rates=rates), lr=lr)
        with torch.no_grad():
            start = model(x).double()
        steps = 300
        for _ in range(steps):
            optimizer.zero_grad()
            (0.5 * (model(x[:4]) - y).square().sum()).backward()
            optimizer.step()
        residual = y.double() - start[:4]
        found = infinite_width_prediction(torch.eye(6), Θ, residual, time=lr * steps).mean
        with torch.no_grad():
            errors.append(float((model(x[4:]).double() - start[4:] - found).abs().max()))
    assert errors[1] < 0.1
    assert errors[1] < errors[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kernel": torch.ones(3, 3).triu()}, "symmetric"),
        ({"y": torch.ones(3, 1)}, "fewer rows"),
        ({"time": 0.0}, "time"),
        ({"time": math.nan}, "time"),
    ],
)
def test_malformed_arguments_are_named(change, says):
    given = {"kernel": torch.eye(3), "ntk": torch.eye(3), "y": torch.ones(2, 1)}
    with pytest.raises(ValueError, match=says):
        infinite_width_prediction(**{**given, **change})
