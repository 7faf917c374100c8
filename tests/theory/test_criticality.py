"""Universality classes and critical initialisations against the book's tables."""

import math

import pytest
import torch
from torch import nn

from provenn.theory import EffectiveTheory, critical
from provenn.theory.criticality import moments, published_nu

GELU = (3 + math.sqrt(17)) / 2


@pytest.mark.parametrize(
    ("name", "C_W", "nu"),
    [
        ("linear", 1.0, 2.0), ("relu", 2.0, 5.0), ("abs", 1.0, 2.0),
        (nn.LeakyReLU(0.5), 1 / 0.625, 3 * 0.53125 / 0.625**2 - 1),
    ],
)  # fmt: skip
def test_scale_invariant(name, C_W, nu):
    found = critical(name)
    assert (found.klass, found.C_b) == ("scale-invariant", 0.0)
    assert pytest.approx(C_W) == found.C_W
    assert found.nu == pytest.approx(nu)
    assert math.isnan(found.K_star)


@pytest.mark.parametrize(
    ("name", "C_W", "a_1"),
    [("tanh", 1, -2), ("sin", 1, -1), ("scaled_erf", 1, -math.pi / 2), ("erf", math.pi / 4, -2)],
)
def test_falling_kernels(name, C_W, a_1):
    found = critical(name)
    assert (found.klass, found.C_b, found.K_star) == ("K*=0", 0.0, 0.0)
    assert pytest.approx(C_W) == found.C_W
    assert found.a_1 == pytest.approx(a_1)
    assert found.nu == pytest.approx(2 / 3)
    assert (found.p_parallel, found.p_perp) == pytest.approx((2.0, 1.0))


@pytest.mark.parametrize(
    ("name", "C_b", "C_W", "K_star", "slope", "nu"),
    [
        ("gelu", 0.1729223908, 1.9830582574, GELU, -2.87e-4, 4.9042),
        ("silu", 0.5551431707, 1.9880046783, 14.3201736180, 5.7e-6, 4.9232),
    ],
)
def test_half_stable(name, C_b, C_W, K_star, slope, nu):
    found = critical(name)
    assert found.klass == "half-stable"
    assert found.C_b == pytest.approx(C_b, abs=1e-9)
    assert pytest.approx(C_W, abs=1e-9) == found.C_W
    assert found.K_star == pytest.approx(K_star, abs=1e-9)
    assert found.roots[0].slope == pytest.approx(slope, rel=5e-3)
    assert found.nu == pytest.approx(nu, abs=5e-5)


@pytest.mark.parametrize("name", ["gelu", "silu"])
def test_half_stable_points_satisfy_their_definition(name):
    theory, found = EffectiveTheory(name), critical(name)
    chi = theory.susceptibilities(found.K_star)
    assert chi.parallel == pytest.approx(1, abs=1e-12)
    assert chi.perp == pytest.approx(1, abs=1e-12)
    at = moments(theory.activation, found.K_star)
    assert found.C_b + found.C_W * at.s2 == pytest.approx(found.K_star, abs=1e-11)


@pytest.mark.parametrize(("name", "K"), [("gelu", 3.034981), ("silu", 14.593105)])
def test_the_second_fixed_point_of_the_half_stable_class(name, K):
    found = critical(name)
    at = moments(EffectiveTheory(name).activation, K)
    assert found.C_b + found.C_W * at.s2 == pytest.approx(K, abs=1e-6)
    assert found.C_W * at.zsd < 1


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("softplus", "at 0 is 0.6931"),
        ("sigmoid", "at 0 is 0.5"),
        (torch.sign, "not smooth"),
        (torch.exp, "at 0 is 1"),
        (torch.sinh, "repels"),
        (lambda z: z**2, "slope at 0 is 0"),
        (lambda z: z**3, "slope at 0 is 0"),
        (lambda z: 0 * z, "0 everywhere"),
    ],
)
def test_without_critical_initialisation(name, says):
    found = critical(name)
    assert found.klass == "none"
    assert says in found.reason
    assert math.isnan(found.C_W)
    with pytest.raises(ValueError, match="C_W must be given"):
        EffectiveTheory(name).flow(1.0, 3)


def test_approximate_gelu_shifts_the_fourth_digit():
    exact, approximate = critical("gelu"), critical(nn.GELU("tanh"))
    assert approximate.klass == "half-stable"
    assert 1e-5 < abs(exact.C_W - approximate.C_W) < 1e-3


@pytest.mark.parametrize("gamma", [0.3, 0.5, 0.9])
def test_skips_scale_the_critical_variances(gamma):
    for name in ("relu", "tanh", "gelu"):
        plain, skipped = critical(name), critical(name, gamma)
        assert pytest.approx((1 - gamma**2) * plain.C_W) == skipped.C_W
        assert skipped.C_b == pytest.approx((1 - gamma**2) * plain.C_b)
    assert critical("tanh", gamma).nu == pytest.approx(2 / 3 * (1 - gamma**4))
    assert critical("linear", gamma).nu == pytest.approx(published_nu(2.0, gamma))
    chi = EffectiveTheory("gelu").susceptibilities(GELU, gamma=gamma)
    assert (chi.parallel, chi.perp) == pytest.approx((1.0, 1.0))


def test_fluctuations_vanish_with_strong_skips():
    for name in ("relu", "tanh", "gelu"):
        assert critical(name, 0.9999).nu < 5e-3


def test_relu_keeps_more_than_the_published_fluctuation():
    """The mode z itself adds 2 (1 - γ²)² (C_W s_1)² γ / (1 - γ), with s_1 = <z³ θ(z)> = √(2/π)."""
    gamma = 0.5
    excess = critical("relu", gamma).nu - published_nu(5.0, gamma)
    first = 2 * (1 - gamma**2) ** 2 * (2 * math.sqrt(2 / math.pi)) ** 2 * gamma / (1 - gamma)
    assert first < excess < 1.1 * first
