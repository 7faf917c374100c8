"""Random networks against the theory, within their own standard errors."""

import math

import pytest
import torch

from provenn.theory import (
    EffectiveTheory,
    measure_flow,
    measure_networks,
    scale_invariant_spread,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


X = torch.tensor([[1.0, 0.2], [0.5, -0.8]])


def assert_within(found, expected, error, *, errors=4.5, share=0.0):
    allowed = errors * error + share * expected.abs() + 1e-5
    worst = ((found - expected).abs() / allowed).max()
    assert float(worst) < 1, f"{float(worst):.2f} times what is allowed"


@pytest.mark.parametrize("name", ["relu", "tanh", "gelu", "sin"])
def test_vertices_of_two_inputs(name):
    theory = EffectiveTheory(name)
    found = measure_flow(theory, X, 4, 256, n_nets=4000, generator=generator())
    expected = theory.vertices(X, 4)
    assert_within(found.V, expected.V, found.V_error, share=0.05)
    assert_within(found.K, expected.K, found.K_error, share=0.02)
    assert found.pairs == expected.pairs


@pytest.mark.parametrize(("name", "gamma"), [("relu", 0.7), ("tanh", 0.8), ("gelu", 0.5)])
def test_residual_networks(name, gamma):
    """The correlations that a skip keeps: for ReLU the published recursion is 40 % below."""
    theory = EffectiveTheory(name)
    found = measure_flow(theory, X[:1], 6, 256, n_nets=6000, gamma=gamma, generator=generator(1))
    mean_square = float(X[0].square().mean())
    flow = theory.flow(mean_square, 6, width=256, gamma=gamma)
    assert_within(found.V.flatten(), flow.V, found.V_error.flatten(), share=0.04)
    assert_within(found.K.flatten(), flow.mean_kernel, found.K_error.flatten())


def test_explicit_weights_agree_with_conditional_sampling():
    theory = EffectiveTheory("relu")
    given = {"gamma": 0.7, "n_nets": 2000}
    drawn = measure_networks(theory, X[:1], 4, 64, **given, generator=generator(2))
    sampled = measure_flow(theory, X[:1], 4, 64, **given, generator=generator(3))
    error = (drawn.V[1] ** 2 + sampled.V_error.flatten() ** 2).sqrt()
    assert_within(drawn.V[0], sampled.V.flatten(), error)
    assert_within(drawn.K[0], sampled.K.flatten(), drawn.K[1] + sampled.K_error.flatten())


@pytest.mark.parametrize("name", ["relu", "tanh", "gelu"])
def test_tangent_kernel_and_its_fluctuations(name):
    theory = EffectiveTheory(name)
    lr = (0.3, 0.7)
    found = measure_networks(theory, X[:1], 4, 64, n_nets=3000, lr=lr, generator=generator(4))
    flow = theory.flow(float(X[0].square().mean()), 4, lr=lr)
    assert_within(found.Theta[0], flow.Theta, found.Theta[1], share=0.02)
    for field in ("F", "D", "B", "A"):
        mean, error = getattr(found, field)
        assert_within(mean, getattr(flow, field), error, share=0.12)


def test_residual_tangent_kernel():
    theory = EffectiveTheory("tanh")
    found = measure_networks(
        theory, X[:1], 5, 48, n_nets=500, gamma=0.6, lr=(0.2, 1.0), generator=generator(5)
    )
    flow = theory.flow(float(X[0].square().mean()), 5, gamma=0.6, lr=(0.2, 1.0))
    assert_within(found.Theta[0], flow.Theta, found.Theta[1], share=0.02)


def test_exact_spread_of_relu_networks():
    found = measure_flow(
        EffectiveTheory("relu"), torch.ones(1, 1), 5, 20, n_nets=40_000, generator=generator(6)
    )
    K, V = found.K.flatten(), found.V.flatten() / 20
    expected = scale_invariant_spread(5.0, (20,) * 4) - 1
    assert float((V / K**2)[-1]) == pytest.approx(expected, rel=0.1)
    assert float(K[-1]) == pytest.approx(float(K[0]), abs=4.5 * float(found.K_error[-1]))


def test_the_bias_of_the_mean_kernel_falls_like_one_over_width():
    theory = EffectiveTheory("tanh")
    flow = theory.flow(1.0, 10)
    for width in (16, 32, 64):
        found = measure_flow(
            theory, torch.ones(1, 1), 10, width, n_nets=30_000, generator=generator(width)
        )
        bias = width * (float(found.K[-1]) - float(flow.K[-1]))
        error = width * float(found.K_error[-1])
        assert bias == pytest.approx(float(flow.G1[-1]), abs=4.5 * error + 0.6 / width)


def test_errors_shrink_like_one_over_the_root_of_networks():
    theory = EffectiveTheory("relu")
    errors = [
        float(measure_flow(theory, X[:1], 3, 32, n_nets=n, generator=generator(7)).K_error[-1])
        for n in (500, 8000)
    ]
    assert errors[0] / errors[1] == pytest.approx(math.sqrt(16), rel=0.25)


def test_a_generator_repeats_the_measurement():
    theory = EffectiveTheory("gelu")
    runs = [measure_flow(theory, X, 3, 16, n_nets=50, generator=generator(8)) for _ in range(2)]
    assert torch.equal(runs[0].V, runs[1].V)
    nets = [
        measure_networks(theory, X[:1], 3, 16, n_nets=50, generator=generator(8)) for _ in range(2)
    ]
    assert torch.equal(nets[0].A, nets[1].A)


def test_identical_inputs_stay_identical():
    found = measure_flow(
        EffectiveTheory("tanh"), X[[0, 0]], 4, 32, n_nets=200, generator=generator(9)
    )
    torch.testing.assert_close(found.K[:, 0, 0], found.K[:, 0, 1], rtol=1e-4, atol=1e-6)


def test_one_input_is_needed_for_explicit_weights():
    with pytest.raises(ValueError, match="one row, got 2"):
        measure_networks(EffectiveTheory("tanh"), X, 3, 16, n_nets=4)
