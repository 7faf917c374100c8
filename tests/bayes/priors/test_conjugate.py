"""Biased coins: the exact prediction against integration and against the samples."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from provenn.bayes.pfn.priors import BetaBernoulliPrior

positive = st.floats(0.05, 20.0)


@given(positive, positive, st.lists(st.integers(0, 1), max_size=12))
def test_predictive_is_the_ratio_of_evidences(alpha, beta, labels):
    """``p(1 | y) = p(y, 1) / p(y)`` with the evidence of the Beta-binomial distribution."""
    n, k = len(labels), sum(labels)
    x = torch.zeros(n, 1)
    found = BetaBernoulliPrior(alpha, beta).predictive(
        x, torch.tensor(labels, dtype=torch.float32), torch.zeros(3, 1)
    )
    assert found.shape == (3, 2)
    # The probability of one particular order is the Beta-binomial one over the number of orders.
    joint = stats.betabinom(n + 1, alpha, beta).pmf(k + 1) * (k + 1) / (n + 1)
    expected = joint / stats.betabinom(n, alpha, beta).pmf(k)
    assert found[:, 1].numpy() == pytest.approx([expected] * 3, rel=1e-9)
    assert found.sum(-1).numpy() == pytest.approx([1.0] * 3)


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 1.0), (0.5, 3.0), (1e-3, 1e-3)])
def test_the_number_of_ones_is_beta_binomial(alpha, beta):
    prior = BetaBernoulliPrior(alpha, beta)
    _, y = prior.sample(20_000, 6, generator=torch.Generator().manual_seed(0))
    counts = y.sum(-1).long().bincount(minlength=7).double().numpy()
    expected = 20_000 * stats.betabinom(6, alpha, beta).pmf(range(7))
    enough = expected > 5
    rest = expected[~enough].sum(), counts[~enough].sum()
    assert ((counts - expected) ** 2 / expected)[enough].sum() < stats.chi2(6).isf(1e-4)
    assert abs(rest[1] - rest[0]) < 5 * max(rest[0], 1) ** 0.5 + 5


def test_inputs_say_nothing():
    x, y = BetaBernoulliPrior(n_features=2).sample(
        2000, 10, generator=torch.Generator().manual_seed(0)
    )
    assert stats.kstest(x.flatten().numpy(), stats.norm.cdf).pvalue > 1e-3
    ones = x[y == 1][:, 0].numpy()
    zeros = x[y == 0][:, 0].numpy()
    assert stats.ks_2samp(ones, zeros).pvalue > 1e-3


def test_each_data_set_counts_its_own_labels():
    x = torch.zeros(2, 3, 1)
    y = torch.tensor([[1.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
    found = BetaBernoulliPrior().predictive(x, y, x[:, :1])
    torch.testing.assert_close(found[:, 0, 1], torch.tensor([0.8, 0.4], dtype=torch.float64))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"alpha": 0.0}, ValueError, "alpha must be finite and greater than 0, got 0"),
        ({"beta": float("nan")}, ValueError, "beta must be finite and greater than 0, got nan"),
        ({"n_features": 0}, ValueError, "n_features must be at least 1, got 0"),
        ({"alpha": "1"}, TypeError, "alpha"),
    ],
)
def test_a_bad_argument_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        BetaBernoulliPrior(**arguments)


def test_a_label_that_is_none_is_refused():
    x = torch.zeros(2, 1)
    with pytest.raises(ValueError, match="y must be 0 or 1, got 2"):
        BetaBernoulliPrior().predictive(x, torch.tensor([0.0, 2.0]), x)
