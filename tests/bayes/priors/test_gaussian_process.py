"""Gaussian processes against scikit-learn, scipy and their own definition."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, Matern

from provenn.bayes.pfn.priors import Gamma, GaussianProcessPrior
from provenn.bayes.pfn.priors.gaussian_process import covariance_matrix

REFERENCE = {
    "rbf": RBF,
    "matern12": lambda scale: Matern(scale, nu=0.5),
    "matern32": lambda scale: Matern(scale, nu=1.5),
    "matern52": lambda scale: Matern(scale, nu=2.5),
}
kernels = pytest.mark.parametrize("kernel", REFERENCE)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def double(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@kernels
def test_covariance_is_that_of_scikit_learn(kernel):
    x = torch.rand(5, 3, generator=seeded(), dtype=torch.float64)
    z = torch.cat([x[:2], torch.rand(4, 3, generator=seeded(1), dtype=torch.float64)])
    scale = double(0.2, 0.5, 2.0)
    found = covariance_matrix(x, z, kernel, scale, double(1.7)[0])
    expected = 1.7 * REFERENCE[kernel](scale.numpy())(x.numpy(), z.numpy())
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=1e-12)


@kernels
@pytest.mark.parametrize("n", [1, 12])
def test_predictive_is_that_of_scikit_learn(kernel, n):
    prior = GaussianProcessPrior(2, kernel, (0.4, 0.9), outputscale=2.5, noise=3e-3)
    x, y = prior.sample(4, n + 6, generator=seeded(), dtype=torch.float64)
    mean, variance = prior.predictive(x[:, :n], y[:, :n], x[:, n:])
    for i in range(4):
        peer = GaussianProcessRegressor(
            2.5 * REFERENCE[kernel]([0.4, 0.9]), alpha=3e-3, optimizer=None
        ).fit(x[i, :n].numpy(), y[i, :n].numpy())
        expected, std = peer.predict(x[i, n:].numpy(), return_std=True)
        np.testing.assert_allclose(mean[i].numpy(), expected, rtol=0, atol=1e-8)
        np.testing.assert_allclose(variance[i].numpy(), std**2 + 3e-3, rtol=0, atol=1e-8)


@kernels
def test_values_have_the_covariance_of_the_kernel(kernel):
    """``E[y_i y_j | x]`` is ``k(x_i, x_j) + σ² 1[i = j]``, judged in standard errors."""
    prior = GaussianProcessPrior(1, kernel, 0.3, outputscale=2.0, noise=0.5)
    x, y = prior.sample(40_000, 3, generator=seeded(), dtype=torch.float64)
    kernel_matrix = covariance_matrix(x, x, kernel, double(0.3), double(2.0)[0])
    expected = kernel_matrix + 0.5 * torch.eye(3, dtype=torch.float64)
    difference = y.unsqueeze(-1) * y.unsqueeze(-2) - expected
    z = difference.mean(0) / (difference.std(0) / math.sqrt(len(y)))
    assert z.abs().max() < 4.5
    weighted = (difference * x[:, :1]).mean(0) / ((difference * x[:, :1]).std(0) / len(y) ** 0.5)
    assert weighted.abs().max() < 4.5


def test_standardised_residuals_are_normal():
    """Whether ``predictive`` and ``sample`` speak of one process: z-scores are N(0, 1)."""
    prior = GaussianProcessPrior(2, "matern32", 0.4, noise=0.02)
    x, y = prior.sample(4000, 8, generator=seeded(), dtype=torch.float64)
    mean, variance = prior.predictive(x[:, :7], y[:, :7], x[:, 7:])
    z = ((y[:, 7:] - mean) / variance.sqrt()).squeeze(-1).numpy()
    assert stats.kstest(z, stats.norm.cdf).pvalue > 1e-3


def test_inputs_fill_the_unit_cube():
    x, _ = GaussianProcessPrior(3).sample(500, 4, generator=seeded())
    assert stats.kstest(x.flatten().numpy(), stats.uniform.cdf).pvalue > 1e-3


def test_hyperprior_has_the_papers_laws():
    prior = GaussianProcessPrior.with_hyperprior(2)
    lengthscale, outputscale, noise = prior.sample_hyperparameters(20_000, seeded())
    for column in lengthscale.T.numpy():
        assert stats.kstest(column, stats.gamma(3, scale=1 / 6).cdf).pvalue > 1e-3
    assert abs(np.corrcoef(lengthscale.T.numpy())[0, 1]) < 0.03
    assert stats.kstest(outputscale.numpy(), stats.gamma(2, scale=1 / 0.15).cdf).pvalue > 1e-3
    assert noise.min() == 1e-4
    above = stats.gamma(1e-4).sf(1e-4)
    assert abs((noise > 1e-4).double().mean().item() - above) < 5 * math.sqrt(above / 20_000)
    assert prior.kernel == "matern52"


def test_each_data_set_has_its_own_hyperparameters():
    """Of the same process, values at one point have the variance of the drawn outputscale."""
    prior = GaussianProcessPrior(1, outputscale=Gamma(2.0, 0.15), noise=1e-4)
    _, y = prior.sample(20_000, 1, generator=seeded(), dtype=torch.float64)
    # A normal variable with a Gamma(2, rate) variance is a sum of two Laplace variables.
    kurtosis = (y**4).mean() / (y**2).mean() ** 2
    assert abs(kurtosis.item() - 4.5) < 0.4


def test_the_hyperprior_never_fails_to_factor():
    prior = GaussianProcessPrior.with_hyperprior(1)
    for seed in range(5):
        _, y = prior.sample(256, 60, generator=seeded(seed))
        assert y.isfinite().all()


def test_unused_features_are_zero_and_their_number_uniform():
    prior = GaussianProcessPrior(4, vary_n_features=True)
    x, _ = prior.sample(8000, 3, generator=seeded())
    used = (x != 0).sum(-1)
    assert (used == used[:, :1]).all()
    counts = used[:, 0].bincount(minlength=5)[1:].numpy()
    assert stats.chisquare(counts).pvalue > 1e-3
    zero = torch.arange(4) >= used[:, 0, None]
    assert (x.transpose(1, 2)[zero] == 0).all()


def test_without_context_it_predicts_the_prior():
    prior = GaussianProcessPrior(2, outputscale=1.5, noise=0.25)
    x = torch.rand(3, 5, 2)
    mean, variance = prior.predictive(x[:, :0], x[:, :0, 0], x)
    assert (mean == 0).all()
    assert (variance == 1.75).all()


def test_predictive_takes_any_batch_shape():
    prior = GaussianProcessPrior(1, noise=0.1)
    x, y = prior.sample(6, 7, generator=seeded(), dtype=torch.float64)
    mean, variance = prior.predictive(x[:, :5], y[:, :5], x[:, 5:])
    folded = prior.predictive(
        x[:, :5].view(2, 3, 5, 1), y[:, :5].view(2, 3, 5), x[:, 5:].view(2, 3, 2, 1)
    )
    torch.testing.assert_close(folded[0].flatten(0, 1), mean)
    torch.testing.assert_close(folded[1].flatten(0, 1), variance)
    single = prior.predictive(x[0, :5], y[0, :5], x[0, 5:])
    torch.testing.assert_close(single[0], mean[0])


@settings(max_examples=30)
@given(st.integers(1, 12), st.integers(1, 4), st.sampled_from(list(REFERENCE)), st.integers(0, 99))
def test_predictive_laws(n, d, kernel, seed):
    """More data never adds variance; order is nothing; the factors multiply to the joint."""
    prior = GaussianProcessPrior(d, kernel, 0.5, noise=0.01)
    x, y = prior.sample(2, n + 1, generator=seeded(seed), dtype=torch.float64)
    context, value, query = x[:, :n], y[:, :n], x[:, n:]
    mean, variance = prior.predictive(context, value, query)
    _, before = prior.predictive(context[:, 1:], value[:, 1:], query)
    assert (variance <= before + 1e-10).all()
    assert (variance >= 0.01 - 1e-10).all()
    order = torch.randperm(n, generator=seeded(seed))
    again, _ = prior.predictive(context[:, order], value[:, order], query)
    torch.testing.assert_close(again, mean, rtol=0, atol=1e-8)
    chain = sum(
        prior.log_predictive(x[:, :i], y[:, :i], x[:, i : i + 1], y[:, i : i + 1]).squeeze(-1)
        for i in range(n + 1)
    )
    covariance = covariance_matrix(x, x, kernel, double(*[0.5] * d), double(1.0)[0])
    joint = torch.distributions.MultivariateNormal(
        torch.zeros(n + 1, dtype=torch.float64),
        covariance + 0.01 * torch.eye(n + 1, dtype=torch.float64),
    ).log_prob(y)
    torch.testing.assert_close(chain, joint, rtol=0, atol=1e-7)


def test_log_predictive_is_a_normal_log_density():
    prior = GaussianProcessPrior(1, noise=0.1)
    x, y = prior.sample(3, 9, generator=seeded(), dtype=torch.float64)
    mean, variance = prior.predictive(x[:, :6], y[:, :6], x[:, 6:])
    expected = stats.norm(mean.numpy(), variance.sqrt().numpy()).logpdf(y[:, 6:].numpy())
    found = prior.log_predictive(x[:, :6], y[:, :6], x[:, 6:], y[:, 6:])
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_features": 0}, ValueError, "n_features must be at least 1, got 0"),
        ({"n_features": 1.0}, TypeError, "n_features"),
        ({"kernel": "linear"}, ValueError, "kernel must be one of 'rbf', .* got 'linear'"),
        ({"lengthscale": 0.0}, ValueError, "lengthscale must be finite and greater than 0, got 0"),
        (
            {"lengthscale": float("nan")},
            ValueError,
            "lengthscale must be finite and greater than 0",
        ),
        (
            {"lengthscale": [0.1, 0.2]},
            ValueError,
            "lengthscale must be one number or n_features=1 numbers, got 2",
        ),
        ({"lengthscale": [-0.1]}, ValueError, "lengthscale must be finite and greater than 0"),
        ({"lengthscale": "0.6"}, TypeError, "lengthscale"),
        ({"outputscale": -1.0}, ValueError, "outputscale must be finite and greater than 0"),
        ({"outputscale": None}, TypeError, "outputscale"),
        ({"noise": 1e-5}, ValueError, "noise must be finite and at least 0.0001, got 1e-05"),
        ({"noise": float("inf")}, ValueError, "noise must be finite and at least 0.0001, got inf"),
        ({"vary_n_features": 1}, TypeError, "vary_n_features"),
    ],
)
def test_a_bad_argument_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        GaussianProcessPrior(**arguments)


X = torch.rand(2, 3, 1)
GOOD = {"x": X, "y": X[..., 0], "x_query": X}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": X.expand(2, 3, 2)}, "x"),
        ({"x": X.long()}, "x"),
        ({"x": X.numpy()}, "x"),
        ({"x": None}, "x"),
        ({"y": X[..., 0, 0]}, "y"),
        ({"y": X[:, :2, 0]}, "y"),
        ({"y": X[..., 0] * float("nan")}, "y must be finite, got NaN or infinity"),
        ({"x_query": X[0]}, "x_query"),
        ({"x_query": X.expand(2, 3, 4)}, "x_query"),
        ({"x_query": X[:1]}, "x_query"),
    ],
)
def test_bad_data_are_named(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        GaussianProcessPrior().predictive(**(GOOD | arguments))


def test_a_random_hyperparameter_has_no_closed_form():
    with pytest.raises(ValueError, match=r"outputscale must be a number .* got Gamma\(shape=2"):
        GaussianProcessPrior(outputscale=Gamma(2.0, 1.0)).predictive(**GOOD)


@pytest.mark.parametrize("y_query", [X, [0.0], None])
def test_query_targets_must_fit(y_query):
    with pytest.raises((TypeError, ValueError), match="y_query"):
        GaussianProcessPrior().log_predictive(**GOOD, y_query=y_query)


def test_a_covariance_that_cannot_be_factored_is_explained():
    prior = GaussianProcessPrior(outputscale=1e16, lengthscale=10.0)
    with pytest.raises(ValueError, match="noise must be large enough beside outputscale"):
        prior.sample(1, 50, generator=seeded())
