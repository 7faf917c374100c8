"""Stacks of networks with explicit backward passes, against autograd."""

import pytest
import torch

from provenn import papers
from provenn.papers.flows.tangents import (
    TARGET,
    FewExamples,
    Perceptrons,
    contributions,
    learn_representations,
)
from provenn.theory.learning_rates import LearningRates

CPU = torch.device("cpu")
X = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
Y = torch.tensor([1.0, -1.0, 1.0, -1.0])


def perceptrons(depth=3, width=8, activation="tanh"):
    torch.manual_seed(0)
    rates = LearningRates(
        tuple(0.5 + i for i in range(depth)), tuple(2.0 + i for i in range(depth))
    )
    return Perceptrons(2, (5, width, depth), rates, CPU, activation=activation)


def forward(nets, x, parameters):
    h = x
    for W, b in parameters:
        z = h @ W.T + b
        h = nets.activation(z)
    return z[:, 0]


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_kernel_is_that_of_autograd(activation):
    nets = perceptrons(activation=activation)
    kernel = nets.kernel(X)
    for k in range(2):
        parameters = [
            (W[k].clone().requires_grad_(), b[k].clone().requires_grad_())
            for W, b in zip(nets.weights, nets.biases, strict=True)
        ]
        outputs = forward(nets, X, parameters)
        torch.testing.assert_close(outputs.detach(), nets.outputs(X)[k])
        flat = [p for pair in parameters for p in pair]
        rows = []
        for z in outputs:
            gradients = torch.autograd.grad(z, flat, retain_graph=True)
            scaled = [
                (rate**0.5 * g).flatten()
                for i in range(len(parameters))
                for rate, g in (
                    (nets.lr_weight[i], gradients[2 * i]),
                    (nets.lr_bias[i], gradients[2 * i + 1]),
                )
            ]
            rows.append(torch.cat(scaled))
        J = torch.stack(rows)
        torch.testing.assert_close(kernel[k], J @ J.T, rtol=1e-4, atol=1e-5)


def test_a_step_descends_the_gradient():
    nets = perceptrons()
    kernel, before = nets.kernel(X), nets.outputs(X)
    lr = torch.full((2,), 1e-5)
    nets.descend(X, Y, lr, 1)
    expected = -lr[:, None] * (kernel @ (before - Y)[..., None])[..., 0]
    torch.testing.assert_close(nets.outputs(X) - before, expected, rtol=0.02, atol=1e-6)


def test_training_stops_at_the_target():
    nets = perceptrons(width=64)
    lr = 1 / torch.linalg.eigvalsh(nets.kernel(X))[:, -1]
    steps = nets.descend(X, Y, lr, 3000)
    error = (nets.outputs(X) - Y).square().mean(1)
    assert float(error.max()) <= TARGET * 1.01
    assert 1 < float(steps.max()) < 3000


def test_wide_networks_learn_fewer_representations():
    torch.manual_seed(0)
    few = FewExamples(X, Y, X + 0.1)
    found = learn_representations(3, (16, 256), 3, few)
    narrow, wide = found.series["change-3"]
    assert narrow > 3 * wide
    narrow, wide = found.series["prediction-error-3"]
    assert narrow > wide


def test_in_mean_field_scaling_width_does_not_matter():
    torch.manual_seed(0)
    few = FewExamples(X, Y, X + 0.1)
    page = papers.load("pdlt")
    parts = [learn_representations(d, (32, 256), 2, few, mean_field=True) for d in (3, 6)]
    series = {k: v for part in parts for k, v in part.series.items()}
    narrow, wide = series["change-3"]
    assert narrow / wide < 3
    assert min(page.claim("c7-representation").relation.margins({"change_ratio": 2.0}, series)) < 0
    assert min(page.claim("c9-prediction").relation.margins({}, series)) < 0


def test_equal_rates_even_out_the_shares():
    found = {c.name: c.quality for c in contributions(X[:1], 6, 64, 50, 0, equal=True).competitors}
    assert found["equal-rates"]["spread_tanh"] < 0.15
    assert found["uniform-rates"]["spread_tanh"] > 0.3
    off = {c.name: c.quality for c in contributions(X[:1], 6, 64, 50, 0, equal=False).competitors}
    assert off["equal-rates"] == off["uniform-rates"]
