"""Labels cut at the median: exact balance, and the same data underneath."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from provenn.bayes.pfn.priors import BNNPrior, GaussianProcessPrior, MedianBinarized
from provenn.bayes.pfn.priors.binarized import above_median


class Constant:
    """A user's prior whose targets all tie."""

    n_features, n_classes = 1, None

    def sample(self, batch, n, *, generator=None, device=None, dtype=torch.float32):
        return torch.zeros(batch, n, 1, dtype=dtype), torch.ones(batch, n, dtype=dtype)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(max_examples=40)
@given(st.integers(1, 12), st.integers(1, 40), st.integers(0, 99))
def test_exactly_half_of_the_labels_are_one(batch, n, seed):
    prior = MedianBinarized(GaussianProcessPrior(2, lengthscale=0.3))
    _, y = prior.sample(batch, n, generator=seeded(seed))
    assert (y.sum(-1) == n // 2).all()


def test_balance_holds_where_float32_targets_tie():
    """Targets around 100 that differ by 0.01: in float32 the median is not always one value."""
    inner = GaussianProcessPrior(1, lengthscale=1e3, outputscale=1e4)
    _, rounded = inner.sample(4000, 10, generator=seeded())
    assert (above_median(rounded).sum(-1) < 5).any()
    _, y = MedianBinarized(inner).sample(4000, 10, generator=seeded())
    assert (y.sum(-1) == 5).all()


def test_labels_say_which_targets_are_above_the_median():
    inner = GaussianProcessPrior(2)
    x, y = inner.sample(30, 9, generator=seeded(3), dtype=torch.float64)
    inputs, labels = MedianBinarized(inner).sample(30, 9, generator=seeded(3), dtype=torch.float64)
    assert torch.equal(inputs, x)
    for target, label in zip(y, labels, strict=True):
        median = sorted(target.tolist())[4]
        assert label.tolist() == [float(value > median) for value in target.tolist()]


@given(st.permutations([0.5, -1.0, 2.0, 3.5, 7.0, -0.2]))
def test_the_order_of_points_is_nothing(values):
    labels = above_median(torch.tensor(values))
    assert labels.tolist() == [value >= 2.0 for value in values]


def test_ties_get_one_label():
    _, y = MedianBinarized(Constant()).sample(2, 4)
    assert (y == 0).all()


def test_a_classification_prior_is_refused():
    with pytest.raises(ValueError, match=r"prior must have n_classes None .* got BNNPrior\(.* 2"):
        MedianBinarized(BNNPrior())


def test_what_is_no_prior_is_refused():
    with pytest.raises(TypeError, match="prior"):
        MedianBinarized("gp")
