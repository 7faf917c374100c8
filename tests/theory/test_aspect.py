"""Optimal shapes: the formula, its maximiser, and its inverse."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenn.theory import (
    critical,
    mutual_information,
    optimal_aspect_ratio,
    optimal_width,
    skip_strength,
)


@pytest.mark.parametrize(("name", "ratio"), [("relu", 0.0160), ("tanh", 0.12), ("linear", 0.04)])
def test_examples_of_the_book(name, ratio):
    assert optimal_aspect_ratio(10, name) == pytest.approx(ratio, rel=1e-6)


@given(m_A=st.integers(1, 40), m_B=st.integers(1, 40))
def test_the_maximum_does_not_depend_on_the_split(m_A, m_B):
    best = 4 / (20 + 3 * (m_A + m_B))
    grid = best * np.linspace(0.5, 1.5, 201)
    values = [mutual_information(float(v), m_A, m_B) for v in grid]
    assert grid[int(np.argmax(values))] == pytest.approx(best, rel=1e-9)
    assert best / critical("tanh").nu == pytest.approx(optimal_aspect_ratio(m_A + m_B, "tanh"))


def test_leading_coefficient_against_numerical_integration():
    """Two neurons that share a random variance of mean 1 and variance v: I -> v² / 8."""
    v = 0.01
    t, w = np.polynomial.hermite_e.hermegauss(40)
    variance = np.exp(math.sqrt(math.log1p(v)) * t - math.log1p(v) / 2)
    w = w / w.sum()
    z = np.linspace(-9, 9, 1201)
    normal = np.exp(-(z**2) / (2 * variance[:, None])) / np.sqrt(2 * np.pi * variance[:, None])
    joint = np.einsum("k,ki,kj->ij", w, normal, normal)
    marginal = w @ normal
    product = np.outer(marginal, marginal)
    step = z[1] - z[0]
    information = (joint * np.log(joint / product)).sum() * step**2
    assert information == pytest.approx(mutual_information(v, 1, 1), rel=0.12)
    assert information == pytest.approx(v**2 / 8, rel=0.2)


@pytest.mark.parametrize("name", ["relu", "tanh", "linear", "gelu", "abs"])
@pytest.mark.parametrize(("depth", "width", "n_out"), [(30, 64, 10), (100, 128, 1), (50, 32, 100)])
def test_skip_strength_inverts_the_optimal_width(name, depth, width, n_out):
    gamma = skip_strength(depth, width, n_out, name)
    assert 0 < gamma < 1
    assert optimal_width(depth, n_out, name, gamma=gamma) in (width, width + 1)


def test_published_inverse_of_the_class_with_falling_kernels():
    wanted = 4 / (20 + 3 * 10) * 64 / 30
    assert skip_strength(30, 64, 10, "tanh") == pytest.approx((1 - 1.5 * wanted) ** 0.25)


def test_published_inverse_of_linear_networks():
    wanted = 4 / (20 + 3 * 10) * 64 / 30
    assert skip_strength(30, 64, 10, "linear") == pytest.approx(
        math.sqrt(math.sqrt(1 - wanted / 2))
    )


def test_a_wide_network_needs_no_skips():
    assert skip_strength(3, 1000, 10, "relu") == 0.0


@pytest.mark.parametrize("call", [optimal_aspect_ratio, lambda n, a: optimal_width(3, n, a)])
def test_there_must_be_a_critical_point(call):
    with pytest.raises(ValueError, match=r"critical initialisation.*softplus"):
        call(10, "softplus")
