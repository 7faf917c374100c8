"""Gaussian expectations against closed forms and against adaptive quadrature."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from provenn.theory import ACTIVATIONS
from provenn.theory.criticality import moments
from provenn.theory.quadrature import cloud, line, plane

KERNELS = (1e-6, 0.1, 1.0, 3.0, 20.0)
CLOSED = sorted(name for name, a in ACTIVATIONS.items() if a.pair is not None)


def f64(*values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("K", KERNELS)
def test_weights_sum_to_one_and_give_gaussian_moments(K):
    z, w = line(K)
    assert float(w.sum()) == pytest.approx(1, abs=1e-12)
    assert float((w * z**2).sum()) == pytest.approx(K, rel=1e-12)
    assert float((w * z**4).sum()) == pytest.approx(3 * K**2, rel=1e-11)
    z_1, z_2, w = plane(f64(K), f64(2 * K), f64(-0.7 * K))
    assert float(w.sum()) == pytest.approx(1, abs=1e-12)
    assert float((w * z_1 * z_2).sum()) == pytest.approx(-0.7 * K, rel=1e-11)


@pytest.mark.parametrize("name", ["relu", "tanh", "gelu", "silu"])
@pytest.mark.parametrize("K", [0.2, 1.0, 8.0])
def test_one_input_against_adaptive_quadrature(name, K):
    activation = ACTIVATIONS[name]

    def expectation(function):
        def integrand(u):
            z = f64(math.sqrt(K) * u)
            return float(function(z)) * math.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)

        halves = [integrate.quad(integrand, a, b, epsabs=1e-13)[0] for a, b in ((-12, 0), (0, 12))]
        return sum(halves)

    m = moments(activation, K)
    s, d = activation, activation.derivative
    assert m.s2 == pytest.approx(expectation(lambda z: s(z) ** 2), rel=1e-10)
    assert m.s4 == pytest.approx(expectation(lambda z: s(z) ** 4), rel=1e-10)
    assert m.d2 == pytest.approx(expectation(lambda z: d(z) ** 2), rel=1e-10)
    assert m.s2d2 == pytest.approx(expectation(lambda z: (s(z) * d(z)) ** 2), rel=1e-10)
    assert m.zsd == pytest.approx(expectation(lambda z: z * s(z) * d(z)) / K, rel=1e-10)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.parametrize("K", [0.3, 2.0])
def test_derivatives_with_respect_to_the_kernel(name, K):
    activation, step = ACTIVATIONS[name], 1e-4
    low, at, high = (moments(activation, K * (1 + h)) for h in (-step, 0, step))
    change = 2 * step * K
    assert at.zsd == pytest.approx((high.s2 - low.s2) / change, rel=1e-6)
    assert at.d2z == pytest.approx((high.d2 - low.d2) / change / 2, rel=1e-6, abs=1e-8)
    curvature = (high.s2 - 2 * at.s2 + low.s2) / (step * K) ** 2
    assert at.s2q == pytest.approx(4 * K**2 * curvature, rel=1e-4, abs=1e-5)


@settings(max_examples=30)
@given(
    name=st.sampled_from(CLOSED),
    K_11=st.floats(0.05, 4.0),
    K_22=st.floats(0.05, 4.0),
    cosine=st.floats(-1.0, 1.0),
)
def test_two_inputs_against_closed_forms(name, K_11, K_22, cosine):
    activation = ACTIVATIONS[name]
    K_12 = cosine * math.sqrt(K_11 * K_22)
    kernel = (f64(K_11), f64(K_22), f64(K_12))
    z_1, z_2, w = plane(*kernel)
    s, d = activation.pair(*kernel)
    assert float((w * activation(z_1) * activation(z_2)).sum()) == pytest.approx(
        float(s), rel=1e-9, abs=1e-9
    )
    product = activation.derivative(z_1) * activation.derivative(z_2)
    if 1 - abs(cosine) > 1e-9:  # at a kink either one-sided derivative is right
        assert float((w * product).sum()) == pytest.approx(float(d), rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("name", ["tanh", "gelu"])
def test_two_inputs_against_adaptive_quadrature(name):
    activation = ACTIVATIONS[name]
    K_11, K_22, K_12 = 1.3, 0.7, 0.6
    root = math.sqrt(K_22 - K_12**2 / K_11)
    t, weight = np.polynomial.hermite_e.hermegauss(80)
    u, v = np.meshgrid(t, t)
    w = np.outer(weight, weight) / (2 * math.pi)
    first = torch.from_numpy(math.sqrt(K_11) * u)
    second = torch.from_numpy(K_12 / math.sqrt(K_11) * u + root * v)
    expected = float((torch.from_numpy(w) * activation(first) * activation(second)).sum())
    z_1, z_2, ours = plane(f64(K_11), f64(K_22), f64(K_12))
    assert float((ours * activation(z_1) * activation(z_2)).sum()) == pytest.approx(expected, 1e-9)


def test_identical_inputs_are_one_input():
    for name in ("relu", "tanh", "gelu"):
        activation = ACTIVATIONS[name]
        z_1, z_2, w = plane(f64(1.7), f64(1.7), f64(1.7))
        at = moments(activation, 1.7)
        assert float((w * activation(z_1) * activation(z_2)).sum()) == pytest.approx(at.s2, 1e-10)


@pytest.mark.parametrize(("name", "rel"), [("tanh", 2e-5), ("sin", 1e-8), ("relu", 2e-3)])
def test_four_inputs_reduce_to_two(name, rel):
    """Two independent pairs: the fourth moment is a product of second moments."""
    activation = ACTIVATIONS[name]
    K = torch.zeros(4, 4, dtype=torch.float64)
    K[:2, :2] = K[2:, 2:] = f64((1.0, 0.4), (0.4, 0.8))
    z, w = cloud(K, activation)
    found = float((w * activation(z).prod(0)).sum())
    z_1, z_2, own = plane(f64(1.0), f64(0.8), f64(0.4))
    expected = float((own * activation(z_1) * activation(z_2)).sum()) ** 2
    assert found == pytest.approx(expected, rel=rel)
