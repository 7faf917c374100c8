"""Laws of the hyper-parameters' distributions against scipy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from provenn.bayes.pfn.priors import Beta, Gamma

N = 20_000


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("shape", "rate"), [(3.0, 6.0), (2.0, 0.15), (0.3, 2.0), (1.8663, 18.96)])
def test_gamma_has_its_law(shape, rate):
    z = Gamma(shape, rate).sample((N,), seeded()).numpy()
    assert stats.kstest(z, stats.gamma(shape, scale=1 / rate).cdf).pvalue > 1e-3


@pytest.mark.parametrize("shape", [1e-4, 1e-2])
def test_a_gamma_of_tiny_shape_is_positive_and_right_above_the_underflow(shape):
    z = Gamma(shape, 1.0).sample((N,), seeded())
    assert (z > 0).all()
    for level in (1e-4, 1e-2):
        expected = stats.gamma(shape).sf(level)
        found = (z > level).double().mean().item()
        assert abs(found - expected) < 5 * np.sqrt(expected / N)


@pytest.mark.parametrize(("alpha", "beta"), [(2.0, 4.0), (1.0, 1.6), (0.05, 0.1), (30.0, 0.5)])
def test_beta_has_its_law(alpha, beta):
    z = Beta(alpha, beta).sample((N,), seeded()).numpy()
    cdf = stats.beta(alpha, beta).cdf
    # Draws that round to 0 or 1 are judged by their number, the others by their distribution.
    assert stats.kstest(z, cdf).statistic < 1.95 / np.sqrt(N)


def test_beta_of_tiny_shapes_is_a_coin():
    z = Beta(1e-4, 3e-4).sample((N,), seeded())
    assert ((z < 1e-9) | (z > 1 - 1e-9)).double().mean() > 0.99
    assert abs(z.mean().item() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / N)


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
@settings(max_examples=50)
def test_draws_are_always_in_their_range(first, second):
    gamma = Gamma(first, second).sample((100,), seeded())
    assert gamma.dtype == torch.float64
    assert (gamma > 0).all()
    assert gamma.isfinite().all()
    beta = Beta(first, second).sample((100,), seeded())
    assert ((beta >= 0) & (beta <= 1)).all()


@pytest.mark.parametrize("distribution", [Gamma, Beta])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_bad_parameter_is_named(distribution, value):
    first = "shape" if distribution is Gamma else "alpha"
    second = "rate" if distribution is Gamma else "beta"
    with pytest.raises(ValueError, match=f"{first} must be finite and greater than 0, got {value}"):
        distribution(value, 1.0)
    with pytest.raises(ValueError, match=f"{second} must be finite and greater than 0"):
        distribution(1.0, value)


@pytest.mark.parametrize("distribution", [Gamma, Beta])
@pytest.mark.parametrize("value", ["1", None, True])
def test_a_parameter_of_another_type_is_refused(distribution, value):
    with pytest.raises(TypeError):
        distribution(value, 1.0)
