"""The peers of the page on prior-data fitted networks, each against something independent of it."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from provenn.bayes import GaussianProcessPrior
from provenn.evidence.context import TrialContext
from provenn.evidence.tasks import Task
from provenn.papers.posteriors import hyper, known, likelihood, neural, scores, tables, tabular
from provenn.papers.posteriors.gaussian import (
    Gamma,
    HyperPrior,
    correlation,
    quadrature,
)
from provenn.papers.posteriors.problems import Problems

NOISY = HyperPrior(noise=Gamma(1.1, 5.0), floor=1e-2)
"""A hyper-prior whose noise leaves its floor."""


def problems_of(prior: HyperPrior, n: int, datasets: int = 4, m: int = 5, d: int = 1) -> Problems:
    """Data sets drawn from a hyper-prior."""
    rng = np.random.default_rng(n)
    length = rng.gamma(prior.lengthscale.shape, 1 / prior.lengthscale.rate, (datasets, d))
    output = rng.gamma(prior.outputscale.shape, 1 / prior.outputscale.rate, (datasets, 1, 1))
    noise = rng.gamma(prior.noise.shape, 1 / prior.noise.rate, (datasets, 1, 1))
    x = torch.from_numpy(rng.random((datasets, n + m, d)))
    k = output * correlation(prior.kernel, x, x, torch.from_numpy(length)).numpy()
    k += np.maximum(noise, prior.floor) * np.eye(n + m)
    y = (np.linalg.cholesky(k) @ rng.normal(size=(datasets, n + m, 1)))[..., 0]
    return Problems(x[:, :n].numpy(), y[:, :n], x[:, n:].numpy(), y[:, n:])


def scikit_kernel(kernel: str, length: list[float], output: float, noise: float):
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

    stationary = RBF(length) if kernel == "rbf" else Matern(length, nu=2.5)
    return ConstantKernel(output) * stationary + WhiteKernel(noise)


@pytest.mark.parametrize("kernel", ["rbf", "matern52"])
def test_the_exact_posterior_is_scikit_learns(kernel):
    from sklearn.gaussian_process import GaussianProcessRegressor

    problems = problems_of(NOISY, 8, d=2)
    length, output, noise = [0.3, 0.7], 2.5, 0.03
    prior = GaussianProcessPrior(
        2, kernel=kernel, lengthscale=length, outputscale=output, noise=noise
    )
    found = known._exact(prior, problems)
    for i in range(len(problems)):
        model = GaussianProcessRegressor(
            scikit_kernel(kernel, length, output, noise), optimizer=None, alpha=0
        )
        mean, std = model.fit(problems.x[i], problems.y[i]).predict(
            problems.x_query[i], return_std=True
        )
        expected = stats.norm.logpdf(problems.y_query[i], mean, std)
        assert found.log_density[i] == pytest.approx(expected, abs=1e-6)
    assert found.seconds > 0


@pytest.mark.parametrize("prior", [NOISY, HyperPrior()])
def test_quadrature_is_the_average_over_draws_of_the_hyper_prior(prior):
    problems = problems_of(prior, 3, datasets=1)
    draws = 60_000
    rng = np.random.default_rng(0)
    length, output, noise = (
        torch.from_numpy(rng.gamma(g.shape, 1 / g.rate, draws))
        for g in (prior.lengthscale, prior.outputscale, prior.noise)
    )
    noise = noise.clamp(min=prior.floor)

    def evidence(x, y):
        k = output[:, None, None] * correlation(
            prior.kernel, *(torch.from_numpy(x).expand(draws, -1, -1),) * 2, length[:, None]
        )
        k += noise[:, None, None] * torch.eye(len(y))
        normal = torch.distributions.MultivariateNormal(torch.zeros(len(y)).double(), k)
        return normal.log_prob(torch.from_numpy(y)).logsumexp(0).item()

    x, y = problems.x[0], problems.y[0]
    for j, found in enumerate(quadrature(problems, prior).log_density[0]):
        joined = np.vstack([x, problems.x_query[0, j]]), np.append(y, problems.y_query[0, j])
        assert found == pytest.approx(evidence(*joined) - evidence(x, y), abs=0.06)


def test_quadrature_takes_one_feature_only():
    with pytest.raises(ValueError, match="problems must have 1 feature, they have 2"):
        quadrature(problems_of(NOISY, 3, d=2), NOISY)


def test_gpytorchs_objective_is_scikit_learns_with_the_penalties():
    from sklearn.gaussian_process import GaussianProcessRegressor

    pytest.importorskip("gpytorch", reason="needs the extra peers")
    problems = problems_of(NOISY, 9, d=2)
    likelihood.gpytorch_map(problems.first(1), NOISY, restarts=0)  # imports without a warning
    length, output, noise = [0.3, 0.7], 2.5, 0.05
    x, y, _, _ = (t[0] for t in problems.tensors())
    model, objective = likelihood.exact_gp(x, y, NOISY)
    model.covariance.base_kernel.lengthscale = torch.tensor(length)
    model.covariance.outputscale = torch.tensor(output)
    model.likelihood.noise = torch.tensor(noise)
    model.train()
    scikit = GaussianProcessRegressor(
        scikit_kernel("matern52", length, output, noise), optimizer=None, alpha=0
    ).fit(x.numpy(), y.numpy())
    penalty = sum(
        stats.gamma.logpdf(value, gamma.shape, scale=1 / gamma.rate).sum()
        for value, gamma in (
            (length, NOISY.lengthscale), (output, NOISY.outputscale), (noise, NOISY.noise)
        )
    )  # fmt: skip
    expected = (scikit.log_marginal_likelihood() + penalty) / len(y)
    assert objective(model(x), y).item() == pytest.approx(expected, abs=1e-5)


def test_every_maximum_of_the_likelihood_nears_the_integral_on_many_points():
    pytest.importorskip("gpytorch", reason="needs the extra peers")
    pytest.importorskip("numpyro", reason="needs the extra peers")
    problems = problems_of(NOISY, 25)
    integrated = quadrature(problems, NOISY).nll.mean()
    scikit = likelihood.scikit_learn_mle(problems, NOISY, restarts=1)
    gpytorch = likelihood.gpytorch_map(problems, NOISY)
    compiled = hyper.mode(problems, NOISY, restarts=1)
    for peer in (scikit, gpytorch, compiled):
        assert peer.nll.mean() == pytest.approx(integrated, abs=0.1)
    assert compiled.log_density == pytest.approx(gpytorch.log_density, abs=1e-2)
    assert compiled.compile_s > 0


def test_nuts_samples_what_quadrature_integrates():
    pytest.importorskip("numpyro", reason="needs the extra peers")
    prior = HyperPrior()
    problems = problems_of(prior, 2, datasets=6, m=4)  # few points, so that the prior matters
    sampled = hyper.sampled(problems, prior, samples=1000, seed=0)
    error = np.abs(sampled.log_density - quadrature(problems, prior).log_density)
    assert np.median(error) < 0.04
    again = hyper.sampled(problems, prior, samples=1000, seed=0)
    assert np.array_equal(sampled.log_density, again.log_density)


@pytest.mark.parametrize("prior", [HyperPrior(), NOISY, HyperPrior(noise=Gamma(0.5, 3.0))])
def test_the_noise_that_nuts_samples_has_its_prior(prior):
    pytest.importorskip("numpyro", reason="needs the extra peers").enable_x64()
    edge = math.log(prior.floor)
    below = np.linspace(edge - 12, edge, 4001)[:-1]
    above = np.linspace(edge, math.log(60 / prior.noise.rate), 4001)
    on_floor = np.trapezoid(np.exp(hyper._log_noise(prior, below)), below)
    over = np.trapezoid(np.exp(hyper._log_noise(prior, above)), above)
    expected = stats.gamma.cdf(prior.floor, prior.noise.shape, scale=1 / prior.noise.rate)
    assert on_floor == pytest.approx(expected, abs=1e-4)
    assert over == pytest.approx(1 - expected, abs=1e-4)


def weighted_prior_draws(problems: Problems, hidden: int, draws: int) -> np.ndarray:
    """Class probabilities of the queries from weights of the prior, weighted by the likelihood."""
    rng = np.random.default_rng(1)
    d = problems.x.shape[2]
    w1, b1 = rng.normal(size=(draws, d, hidden)), rng.normal(size=(draws, 1, hidden))
    w2, b2 = rng.normal(size=(draws, hidden, 2)), rng.normal(size=(draws, 1, 2))

    def probabilities(x):
        logits = np.tanh(x @ w1 + b1) @ w2 + b2
        return np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)

    found = []
    for x, y, x_query, _ in zip(*vars(problems).values(), strict=True):
        weight = probabilities(x)[:, np.arange(len(y)), y.astype(int)].prod(-1)
        found.append(np.einsum("s,smc->mc", weight / weight.sum(), probabilities(x_query)))
    return np.array(found)


def labelled(datasets: int = 3, n: int = 8, m: int = 6, d: int = 2) -> Problems:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(datasets, n + m, d))
    y = (x[..., 0] + 0.3 * rng.normal(size=(datasets, n + m)) > 0).astype(float)
    return Problems(x[:, :n], y[:, :n], x[:, n:], y[:, n:])


def test_the_samplers_of_the_neural_network_average_its_posterior():
    pytest.importorskip("numpyro", reason="needs the extra peers")
    problems, network = labelled(), neural.Network(hidden=3)
    expected = weighted_prior_draws(problems, 3, 100_000)
    chain = neural.sampled(problems, network, samples=400, seed=0)
    assert chain.averaged.probabilities == pytest.approx(expected, abs=0.05)
    assert chain.drawn.probabilities == pytest.approx(expected, abs=0.12)
    guide = neural.variational(problems, network, steps=2000, seed=0)
    assert guide.averaged.probabilities == pytest.approx(expected, abs=0.25)
    assert guide.averaged.nll.mean() < math.log(2)
    counts = 400 * chain.drawn.probabilities
    assert counts == pytest.approx(counts.round(), abs=1e-9)


@pytest.mark.parametrize("name", list(tabular.classifiers()))
def test_a_classifier_sees_no_label_of_a_query_and_learns(name):
    problems = labelled(datasets=1, n=30, m=40, d=2)
    classifier = tabular.classifiers()[name]
    grids = [classifier.grid] if isinstance(classifier.grid, dict) else classifier.grid
    few = tabular.Classifier(
        "few", classifier.build, [{k: v[-1:] for k, v in g.items()} for g in grids],
        classifier.scale,
    )  # fmt: skip
    found = tabular.predict(problems, few, seed=0)
    assert scores.auc(problems.y_query[0], found.probabilities[0, :, 1]) > 0.8
    blind = Problems(problems.x, problems.y, problems.x_query, 1 - problems.y_query)
    assert np.array_equal(found.probabilities, tabular.predict(blind, few, 0).probabilities)


def test_the_grids_are_as_large_as_the_papers():
    counts = {name: c.candidates for name, c in tabular.classifiers().items()}
    assert counts == {
        "logistic": 13, "neighbours": 5, "gaussian-process": 24, "boosting": 16,
        "histogram-boosting": 8,
    }  # fmt: skip


def context() -> TrialContext:
    task = Task(slug="some", module="none", preset="quick", config=None, seed=0)
    return TrialContext(task, lambda event: None)


@pytest.mark.parametrize("name", list(tables.BUNDLED))
def test_a_subset_is_balanced_alternates_and_keeps_its_queries_apart(name):
    table = tables.load_table(name, context())
    problems = tables.draw_subset(table, seed=3, queries=50)
    assert problems.x.shape == (1, 30, table.x.shape[1])
    assert np.array_equal(problems.y[0], [0, 1] * 15)
    assert problems.y_query.mean() == 0.5
    numbered = tables.Table(name, np.arange(len(table.y), dtype=float)[:, None], table.y)
    rows = tables.draw_subset(numbered, seed=3, queries=50)
    assert not np.intersect1d(rows.x, rows.x_query).size
    assert np.array_equal(table.x[rows.x[0, :, 0].astype(int)], problems.x[0])
    assert not np.array_equal(problems.x, tables.draw_subset(table, seed=4).x)


def test_bad_requests_are_named():
    table = tables.load_table("iris-1-2", context())
    with pytest.raises(ValueError, match="labelled must be even"):
        tables.draw_subset(table, 0, labelled=31)
    with pytest.raises(ValueError, match="labelled must be below twice the rows"):
        tables.draw_subset(table, 0, labelled=100)
    with pytest.raises(ValueError, match="name must be one of"):
        tables.load_table("roses", context())
    with pytest.raises(ValueError, match="hidden must be at least 1"):
        neural.Network(hidden=0)
    with pytest.raises(ValueError, match="floor must be positive"):
        HyperPrior(floor=0.0)
    one = np.ones((1, 2, 1))
    with pytest.raises(ValueError, match="y must be finite"):
        Problems(one, np.array([[1.0, np.nan]]), one, np.ones((1, 2)))
    with pytest.raises(ValueError, match="with nothing empty"):
        Problems(one[:, :0], np.ones((1, 0)), one, np.ones((1, 2)))


def test_calibration_error_by_hand():
    y = np.array([1.0, 0.0, 1.0, 0.0])
    positive = np.array([0.905, 0.905, 0.701, 0.101])
    probabilities = np.stack([1 - positive, positive], 1)
    # bins of confidence: two at 0.905 of which one is right, one at 0.701, one at 0.899
    expected = (abs(1 - 2 * 0.905) + abs(1 - 0.701) + abs(1 - 0.899)) / 4
    assert scores.calibration_error(y, probabilities) == pytest.approx(expected)
    sure = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert scores.calibration_error(np.array([1.0, 0.0]), sure) == 0


def test_ranks_and_their_test_by_hand():
    assert scores.mean_ranks(np.array([[0.9, 0.8, 0.8], [0.5, 0.7, 0.6]])).tolist() == [
        2,
        1.75,
        2.25,
    ]
    assert scores.auc(np.array([0.0, 0.0, 1.0]), np.array([0.1, 0.8, 0.6])) == 0.5
    assert scores.wilcoxon_p([1.0, 2.0, 3.0], [0.0, 0.0, 0.0]) == pytest.approx(1 / 8)
    assert scores.wilcoxon_p([1.0], [1.0]) == 1


def test_the_first_problems_and_tensors_are_the_same_numbers():
    problems = labelled()
    assert np.array_equal(problems.first(2).y_query, problems.y_query[:2])
    again = Problems.of(*problems.tensors())
    assert all(
        np.array_equal(a, b)
        for a, b in zip(vars(problems).values(), vars(again).values(), strict=True)
    )
