"""Gaussian, Bernoulli and categorical likelihoods against torch and scipy; the config's door."""

import json
import math

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from scipy import stats
from torch.nn import functional

from provenn.bayes.pfn.bars import BarDistribution
from provenn.bayes.pfn.likelihoods import (
    BernoulliLikelihood,
    CategoricalLikelihood,
    ClassificationLikelihood,
    GaussianLikelihood,
    Likelihood,
    RegressionLikelihood,
    likelihood_from_config,
)

REFUSED = (TypeError, ValueError)
"""Ours is one of them by kind; the shape and type checker of the tests is there first."""

ALL = [
    GaussianLikelihood(0.5),
    BernoulliLikelihood(),
    CategoricalLikelihood(5),
    BarDistribution(torch.tensor([0.0, 1.0, 3.0])),
    BarDistribution(torch.tensor([0.0, 1.0, 3.0]), full_support=False),
]


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("likelihood", ALL, ids=repr)
def test_config_is_json_that_builds_the_same_kind(likelihood):
    config = json.loads(json.dumps(likelihood.config))
    built = likelihood_from_config(config)
    assert type(built) is type(likelihood)
    assert built.config == likelihood.config
    assert repr(built) == repr(likelihood)
    assert built.n_outputs == likelihood.n_outputs
    assert built.kind == likelihood.kind


@pytest.mark.parametrize("likelihood", ALL, ids=repr)
def test_as_a_module_it_is_the_loss(likelihood):
    outputs, y = draw(4, 3, likelihood.n_outputs), (draw(4, 3, seed=1) > 0).double()
    torch.testing.assert_close(likelihood(outputs, y), -likelihood.log_prob(outputs, y))
    torch.testing.assert_close(likelihood(outputs, y.long()), likelihood(outputs, y))
    assert likelihood(outputs[:0], y[:0]).shape == (0, 3)
    assert likelihood.log_prob(outputs.bfloat16(), y).dtype == torch.float32


@pytest.mark.parametrize("likelihood", ALL, ids=repr)
def test_log_prob_has_the_right_gradient(likelihood):
    outputs = draw(4, 3, likelihood.n_outputs).requires_grad_()
    y = (draw(4, 3, seed=1) > 0).double()
    assert torch.autograd.gradcheck(lambda o: likelihood.log_prob(o, y), outputs)


@pytest.mark.parametrize("likelihood", ALL, ids=repr)
def test_vmap_equals_a_batch(likelihood):
    outputs, y = draw(4, 3, likelihood.n_outputs), (draw(4, 3, seed=1) > 0).double()
    given = torch.func.vmap(likelihood.log_prob)(outputs, y)
    torch.testing.assert_close(given, likelihood.log_prob(outputs, y))


@pytest.mark.compiled
@pytest.mark.parametrize("likelihood", ALL, ids=repr)
def test_compiles_without_breaks(likelihood):
    outputs, y = draw(4, 3, likelihood.n_outputs), (draw(4, 3, seed=1) > 0).double()
    compiled = torch.compile(likelihood, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(outputs, y), likelihood(outputs, y))


def test_kinds():
    for likelihood in ALL:
        regression = isinstance(likelihood, RegressionLikelihood)
        assert regression is not isinstance(likelihood, ClassificationLikelihood)
        assert likelihood.kind == ("regression" if regression else "classification")


@settings(max_examples=50)
@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(0.01, 2), st.floats(-8, 8))
def test_gaussian_is_scipys(mean, raw, floor, y):
    likelihood = GaussianLikelihood(floor)
    outputs = torch.tensor([mean, raw], dtype=torch.float64)
    expected = stats.norm(mean, math.sqrt(abs(raw) + floor))
    at = torch.tensor(y, dtype=torch.float64)
    assert float(likelihood.log_prob(outputs, at)) == pytest.approx(expected.logpdf(y), rel=1e-10)
    assert float(likelihood.cdf(outputs, at)) == pytest.approx(expected.cdf(y), abs=1e-14)
    assert float(likelihood.mean(outputs)) == pytest.approx(mean)
    assert float(likelihood.variance(outputs)) == pytest.approx(expected.var())
    assert float(likelihood.median(outputs)) == pytest.approx(mean)
    levels = [0.01, 0.5, 0.9]
    np.testing.assert_allclose(likelihood.quantile(outputs, levels), expected.ppf(levels))


def test_gaussian_quantiles_have_the_shape_of_the_levels():
    likelihood, outputs = GaussianLikelihood(), draw(2, 3, 2)
    assert likelihood.quantile(outputs, 0.2).shape == (2, 3)
    assert likelihood.quantile(outputs, [0.2]).shape == (2, 3, 1)
    assert likelihood.quantile(outputs, torch.tensor([0.2, 0.4])).shape == (2, 3, 2)


def test_gaussian_without_a_floor_is_the_papers():
    likelihood = GaussianLikelihood(0.0)
    assert float(likelihood.variance(torch.tensor([0.0, -3.0]))) == 3.0
    assert float(GaussianLikelihood().variance(torch.zeros(2))) == pytest.approx(1e-6)


def test_gaussian_samples():
    likelihood, outputs = GaussianLikelihood(), draw(2, 2)
    samples = likelihood.sample(outputs, 20_000, torch.Generator().manual_seed(0))
    assert samples.shape == (20_000, 2)
    for row in range(2):
        expected = stats.norm(float(outputs[row, 0]), math.sqrt(abs(float(outputs[row, 1]))))
        assert stats.kstest(samples[:, row].numpy(), expected.cdf).pvalue > 0.01


def test_bernoulli_is_that_of_torch():
    likelihood = BernoulliLikelihood()
    outputs, y = 20 * draw(50, 1), (draw(50, seed=1) > 0).double()
    expected = torch.distributions.Bernoulli(logits=outputs[:, 0]).log_prob(y)
    torch.testing.assert_close(likelihood.log_prob(outputs, y), expected)
    p = likelihood.probabilities(outputs)
    torch.testing.assert_close(p.gather(-1, y.long()[:, None])[:, 0].log(), expected)
    torch.testing.assert_close(p.sum(-1), torch.ones(50, dtype=torch.float64))


def test_bernoulli_keeps_far_tails():
    outputs = torch.tensor([[300.0], [-300.0]])
    found = BernoulliLikelihood().log_prob(outputs, torch.tensor([0.0, 1.0]))
    assert found.tolist() == [-300.0, -300.0]


def test_categorical_is_that_of_torch():
    likelihood = CategoricalLikelihood(5)
    outputs = draw(4, 6, 5)
    y = torch.randint(0, 5, (4, 6), generator=torch.Generator().manual_seed(0))
    expected = -functional.cross_entropy(outputs.movedim(-1, 1), y, reduction="none")
    torch.testing.assert_close(likelihood.log_prob(outputs, y.double()), expected)
    torch.testing.assert_close(likelihood.log_prob(outputs, y), expected)
    torch.testing.assert_close(likelihood.probabilities(outputs), outputs.softmax(-1))


def test_two_classes_agree_with_bernoulli():
    logit, y = draw(7, 1), (draw(7, seed=1) > 0).double()
    outputs = torch.cat([torch.zeros_like(logit), logit], -1)
    two, one = CategoricalLikelihood(2), BernoulliLikelihood()
    torch.testing.assert_close(two.log_prob(outputs, y), one.log_prob(logit, y))
    torch.testing.assert_close(two.probabilities(outputs), one.probabilities(logit))


GAUSSIAN, BERNOULLI, CATEGORICAL = GaussianLikelihood(), BernoulliLikelihood(), ALL[2]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: GaussianLikelihood("1"), TypeError, "variance_floor"),
        (lambda: GaussianLikelihood(True), TypeError, "variance_floor must be a number, got True"),
        (
            lambda: GaussianLikelihood(-1.0),
            ValueError,
            "finite and at least 0, got -1.0",
        ),
        (
            lambda: GaussianLikelihood(math.nan),
            ValueError,
            "finite and at least 0, got nan",
        ),
        (lambda: CategoricalLikelihood(2.0), TypeError, "n_classes"),
        (lambda: CategoricalLikelihood(1), ValueError, "n_classes must be at least 2, got 1"),
        (lambda: GAUSSIAN.mean(draw(3, 3)), ValueError, r"\(\*batch, 2\), got \(3, 3\)"),
        (lambda: GAUSSIAN.mean([0.0, 1.0]), TypeError, "outputs"),
        (lambda: GAUSSIAN.mean(torch.tensor(1.0)), REFUSED, "outputs"),
        (lambda: GAUSSIAN.log_prob(draw(3, 2), draw(4)), REFUSED, "y"),
        (lambda: GAUSSIAN.log_prob(draw(3, 2), draw(3) > 0), TypeError, "y"),
        (lambda: GAUSSIAN.quantile(draw(3, 2), -0.1), ValueError, r"within \[0, 1\], got -0.1"),
        (lambda: GAUSSIAN.sample(draw(3, 2), 0), ValueError, "n_samples must be at least 1"),
        (lambda: BERNOULLI.log_prob(draw(1, 1), torch.tensor([2.0])), ValueError, "0 to 1, got 2"),
        (
            lambda: BERNOULLI.log_prob(draw(1, 1), torch.tensor([0.5])),
            ValueError,
            "labels 0 to 1, got 0.5",
        ),
        (
            lambda: CATEGORICAL.log_prob(draw(1, 5), torch.tensor([-1.0])),
            ValueError,
            "labels 0 to 4, got -1.0",
        ),
        (
            lambda: CATEGORICAL.log_prob(draw(1, 5), torch.tensor([math.nan])),
            ValueError,
            "labels 0 to 4, got nan",
        ),
        (lambda: likelihood_from_config("bars"), TypeError, "config"),
        (lambda: likelihood_from_config({}), ValueError, "must be one of .*, got None"),
        (lambda: likelihood_from_config({"class": "Likelihood"}), ValueError, "got 'Likelihood'"),
        (lambda: likelihood_from_config({"class": ["os"]}), ValueError, r"got \['os'\]"),
        (
            lambda: likelihood_from_config({"class": "GaussianLikelihood", "scale": 1.0}),
            ValueError,
            "config must hold the arguments of GaussianLikelihood",
        ),
        (
            lambda: likelihood_from_config({"class": "BarDistribution", "n_buckets": 1}),
            ValueError,
            "n_buckets|borders",
        ),
        (
            lambda: likelihood_from_config({"class": "BarDistribution", "n_buckets": "9"}),
            REFUSED,
            "n_buckets",
        ),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_likelihood_of_ones_own_is_built_from_its_config():
    class Laplace(Likelihood):
        """Laplace distribution of scale 1."""

        n_outputs = 1
        kind = "regression"

        @property
        def config(self):
            return {"class": "Laplace"}

        def log_prob(self, outputs, y):
            return -(y - outputs[..., 0]).abs() - math.log(2)

    assert isinstance(likelihood_from_config(Laplace().config), Laplace)
