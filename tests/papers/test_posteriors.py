"""What the page on prior-data fitted networks asks and measures, with answers known by hand."""

import dataclasses
import math
from functools import partial

import numpy as np
import pytest
import torch

from provenn.bayes import (
    BernoulliLikelihood,
    GaussianLikelihood,
    GaussianProcessPrior,
    PriorFittedNetwork,
)
from provenn.evidence.context import TrialContext
from provenn.evidence.metrics import Competitor, Cost, Metrics
from provenn.evidence.records import Trial, TrialRecord
from provenn.evidence.tasks import Task
from provenn.papers.posteriors import (
    entrants,
    figures,
    known,
    likelihood,
    networks,
    neural,
    subsets,
    tabular,
    unknown,
)
from provenn.papers.posteriors.entrants import Entrant, ask, held_out, run
from provenn.papers.posteriors.gaussian import normal_log_density
from provenn.papers.posteriors.networks import FITS, fitted
from provenn.papers.posteriors.problems import Predictions, classified, timed
from provenn.papers.posteriors.tabular import Classifier

VARIANCE = 1.01
"""Of a target of ``networks.CURVES``."""


def context(seed: int = 0) -> TrialContext:
    task = Task(slug="some", module="none", preset="quick", config=None, seed=seed)
    return TrialContext(task, lambda event: None)


def small(name: str, **changes) -> networks.Fit:
    """One of the page's fittings, cut down to a second."""
    fit = FITS[name]
    shrunk = {**fit.network, "d_model": 16, "n_layers": 2, "n_heads": 2, "d_ff": 32}
    fitting = {**fit.fitting, "batch_size": 4}
    if "max_context" in fitting:
        fitting |= {"n_points": 24, "max_context": 20}
    of = {"steps": 3, "n_buckets": 50, "bar_datasets": 500, **changes}
    return dataclasses.replace(fit, network=shrunk, fitting=fitting, **of)


TINY = {"d_model": 4, "n_layers": 1, "n_heads": 1}


class Known(PriorFittedNetwork):
    """Stands in for a fitted network: answers with the exact mean and variance, but for errors."""

    def __init__(self, *, shift=0.0, widen=1.0):
        super().__init__(1, GaussianLikelihood(variance_floor=0.0), **TINY, dtype=torch.float64)
        self.shift, self.widen = shift, widen

    def forward(self, x, y, x_query):
        mean, variance = networks.CURVES.predictive(x, y, x_query)
        return torch.stack([mean + self.shift, self.widen**2 * variance], -1)


class Coin(PriorFittedNetwork):
    """Stands in for a network fitted to coins: the exact answer, or always even odds."""

    def __init__(self, *, exact):
        super().__init__(1, BernoulliLikelihood(), **TINY)
        self.exact = exact

    def forward(self, x, y, x_query):
        p = (1 + y.sum(-1)) / (2 + y.shape[-1]) if self.exact else torch.full(y.shape[:-1], 0.5)
        return torch.logit(p)[:, None, None].expand(-1, x_query.shape[1], -1)


def measured_curves(monkeypatch, found, *, names=("pfn",), blind=False, datasets=300):
    monkeypatch.setattr(known, "fitted", lambda name, ctx: found[name])
    return known.curves(names, context(), sizes=(5, 10), datasets=datasets, few=2, blind=blind)


def test_the_exact_answer_is_all_of_the_way(monkeypatch):
    metrics = measured_curves(monkeypatch, {"pfn": Known()})
    scalars = metrics.flat()
    for n in (5, 10):
        assert scalars[f"pfn.closure_n{n}"] == pytest.approx(1.0, abs=1e-9)
        assert scalars[f"pfn.gap_n{n}"] == pytest.approx(0.0, abs=1e-9)
        assert scalars[f"exact.closure_n{n}"] == 1.0
        assert scalars[f"exact.surplus_n{n}"] == 0.0
        assert scalars[f"pfn.nll_n{n}"] == pytest.approx(scalars[f"exact.nll_n{n}"])
        assert scalars[f"scikit-learn.gap_n{n}"] != 0
    assert scalars["pfn.mean_error"] == pytest.approx(0.0, abs=1e-9)
    assert scalars["pfn.band_overlap"] == pytest.approx(1.0, abs=1e-6)
    assert scalars["prior_nll"] == pytest.approx(0.5 * math.log(2 * math.pi * math.e * VARIANCE))


def test_the_prior_predictive_is_none_of_the_way(monkeypatch):
    class Prior(Known):
        def forward(self, x, y, x_query):
            return torch.tensor([0.0, VARIANCE]).to(x).expand(*x_query.shape[:-1], 2)

    scalars = measured_curves(monkeypatch, {"pfn": Prior()}).flat()
    for n in (5, 10):
        assert scalars[f"pfn.closure_n{n}"] == pytest.approx(0.0, abs=0.15)
        assert scalars[f"pfn.surplus_n{n}"] > 5
        gap = scalars[f"pfn.nll_n{n}"] - scalars[f"exact.nll_n{n}"]
        assert scalars[f"pfn.gap_n{n}"] == pytest.approx(gap)


def test_hidden_targets_break_closure_and_bands(monkeypatch):
    scalars = measured_curves(monkeypatch, {"pfn": Known()}, blind=True).flat()
    for n in (5, 10):
        assert scalars[f"pfn.closure_n{n}"] < 0.5
        assert scalars[f"exact.closure_n{n}"] == 1.0
    assert scalars["pfn.mean_error"] > 0.1
    assert scalars["pfn.band_overlap"] < 0.8


@pytest.mark.parametrize(("shift", "widen"), [(0.3, 1.0), (0.0, 2.0)])
def test_bands_are_compared_by_root_mean_square_and_by_overlap(monkeypatch, shift, widen):
    monkeypatch.setitem(FITS, "near", small("pfn"))
    monkeypatch.setattr(known, "fitted", lambda name, ctx: Known(shift=shift, widen=widen))
    metrics = known.bands(("near",), context(), datasets=20, blind=False)
    scalars = metrics.flat()
    assert scalars["near.mean_error"] == pytest.approx(shift / math.sqrt(VARIANCE))
    if widen == 2.0:
        assert scalars["near.band_overlap"] == pytest.approx(0.5, abs=1e-6)
    assert [c.name for c in metrics.competitors] == ["near"]
    assert "picture_x" in metrics.series


def test_bands_of_several_networks_have_names_of_their_own_and_one_picture(monkeypatch):
    for name in ("pfn-smooth", "pfn-rough"):
        monkeypatch.setitem(FITS, name, small(name))
    metrics = known.bands(("pfn-smooth", "pfn-rough"), context(), datasets=4, blind=False)
    assert [c.name for c in metrics.competitors] == ["pfn-smooth", "pfn-rough"]
    blind = known.bands(("pfn-smooth",), context(), datasets=4, blind=True)
    assert np.array_equal(blind.series["picture_y"], metrics.series["picture_y"])
    drawn = [m.series["picture_mean_n10"] for m in (metrics, blind)]
    assert not np.array_equal(*drawn)
    assert metrics.series["picture_levels_n2"].shape == (len(known.LEVELS), 101)
    assert FITS["pfn-smooth"].prior.lengthscale == 0.6
    assert FITS["pfn-rough"].prior.lengthscale == 0.1


def test_the_loss_of_positions_is_a_difference_of_losses(monkeypatch):
    found = {"pfn-small": Known(), "pfn-positional": Known(widen=1.5)}
    scalars = measured_curves(monkeypatch, found, names=tuple(found)).flat()
    for n in (5, 10):
        difference = scalars[f"pfn-positional.nll_n{n}"] - scalars[f"pfn-small.nll_n{n}"]
        assert scalars[f"positional_loss_n{n}"] == difference > 0


def test_slow_peers_are_compared_on_the_data_sets_that_they_were_given(monkeypatch):
    given = []

    def exact(problems, prior):
        given.append(len(problems))
        return known._exact(networks.CURVES, problems)

    monkeypatch.setattr(likelihood, "scikit_learn_mle", exact)
    scalars = measured_curves(monkeypatch, {"pfn": Known()}).flat()
    assert given == [2, 2]
    assert scalars["scikit-learn.gap_n5"] == 0.0
    assert scalars["scikit-learn.nll_n5"] != scalars["exact.nll_n5"]


def test_a_surplus_is_counted_in_standard_errors():
    values = np.array([1.0, 2.0, 3.0])
    assert known._in_standard_errors(values) == pytest.approx(2 * math.sqrt(3))
    assert known._in_standard_errors(np.zeros(3)) == 0.0


def test_the_exact_answer_to_coins_has_no_divergence(monkeypatch):
    monkeypatch.setattr(known, "fitted", lambda name, ctx: Coin(exact=True))
    scalars = known.coins(context(), blind=False).flat()
    assert scalars["coins_kl"] == pytest.approx(0.0, abs=1e-9)
    assert scalars["coins_error"] == pytest.approx(0.0, abs=1e-6)
    hidden = known.coins(context(), blind=True).flat()
    assert hidden["coins_error"] == pytest.approx(33 / 34 - 1 / 34, abs=1e-6)
    assert hidden["coins_kl"] > 3e-3


def test_even_odds_diverge_from_laplaces_rule_as_the_formula_says(monkeypatch):
    monkeypatch.setattr(known, "fitted", lambda name, ctx: Coin(exact=False))
    scalars = known.coins(context(), blind=False).flat()
    for n in known.COIN_TOSSES:
        p = (1 + np.arange(n + 1)) / (2 + n)
        kl = p * np.log(2 * p) + (1 - p) * np.log(2 * (1 - p))
        assert scalars[f"coins.kl_n{n}"] == pytest.approx(kl.mean())
        assert scalars[f"coins.error_n{n}"] == pytest.approx(abs(p - 0.5).max())
    assert scalars["coins_kl"] == scalars["coins.kl_n32"]
    assert scalars["coins_error"] == pytest.approx(33 / 34 - 0.5)


def test_held_out_data_are_not_those_of_fitting(monkeypatch):
    fit, drawn = small("pfn-small"), []
    sample = GaussianProcessPrior.sample

    def spy(self, batch, n, **options):
        x, y = sample(self, batch, n, **options)
        drawn.append(x.double().flatten())
        return x, y

    monkeypatch.setattr(GaussianProcessPrior, "sample", spy)
    monkeypatch.setitem(FITS, "pfn-small", fit)
    fitted("pfn-small", context(seed=3))
    seen = torch.cat(drawn)
    problems = held_out(fit.prior, (5, 10), 6, context(seed=3))
    for n, each in problems.items():
        assert each.x.shape == (6, n, 1)
        assert each.x_query.shape == (6, entrants.QUERIES, 1)
        assert not np.isin(each.x.astype(np.float32).astype(float), seen.numpy()).any()
    again = held_out(fit.prior, (5, 10), 6, context(seed=3))
    assert np.array_equal(again[10].y, problems[10].y)
    assert not np.array_equal(held_out(fit.prior, (5,), 6, context(4))[5].y, problems[5].y)


def test_asking_in_batches_is_asking_at_once(monkeypatch):
    network = small("pfn-small").build(torch.device("cpu")).eval()
    for weight in network.parameters():  # at first a network does not look at its context
        torch.nn.init.normal_(weight, std=0.3)
    problems = held_out(networks.CURVES, (4,), 7, context())[4]
    monkeypatch.setattr(entrants, "BATCH", 3)
    said = ask(network, problems, blind=False)
    x, y, x_query, y_query = (t.float() for t in problems.tensors())
    with torch.no_grad():
        expected = network.likelihood.log_prob(network(x, y, x_query), y_query)
        hidden = network.likelihood.log_prob(network(x, 0 * y, x_query), y_query)
    assert said.log_density == pytest.approx(expected.double().numpy(), abs=1e-5)
    assert said.probabilities is None
    assert said.wall_s > 0
    blind = ask(network, problems, blind=True)
    assert blind.log_density == pytest.approx(hidden.double().numpy(), abs=1e-5)
    assert not np.allclose(hidden, expected)


def test_a_classifier_says_its_probabilities():
    network = small("bnn-tanh").build(torch.device("cpu")).eval()
    problems = held_out(FITS["bnn-tanh"].prior, (6,), 3, context())[6]
    said = ask(network, problems, blind=False)
    assert said.probabilities.sum(2) == pytest.approx(np.ones((3, entrants.QUERIES)))
    right = np.take_along_axis(said.probabilities, problems.y_query.astype(int)[..., None], 2)
    assert said.log_density == pytest.approx(np.log(right[..., 0]), abs=1e-5)


def test_every_entrant_is_given_the_same_data_sets():
    problems = held_out(networks.CURVES, (4, 6), 5, context())
    given = {"all": [], "few": []}

    def answer(name, each):
        given[name].append(each)
        return Predictions(np.full_like(each.y_query, -1.0), 10.0 * len(each), 0.0)

    both = [
        Entrant("all", "all", "peer", lambda p: answer("all", p)),
        Entrant("few", "few", "peer", lambda p: answer("few", p), 2, "torch", 7),
    ]
    competitors, timings = run(
        both,
        problems,
        context(),
        lambda said: {f"nll_n{n}": float(each.nll.mean()) for n, each in said.items()},
        costs={"all": Cost(parameters=5, flops=8)},
    )
    for i, n in enumerate(problems):
        assert np.array_equal(given["all"][i].y, problems[n].y)
        assert np.array_equal(given["few"][i].y, problems[n].y[:2])
        assert np.array_equal(given["few"][i].y_query, problems[n].y_query[:2])
    assert timings == {"all.seconds": 10.0, "few.seconds": 10.0}
    assert [c.quality for c in competitors] == [{"nll_n4": 1.0, "nll_n6": 1.0}] * 2
    assert (competitors[0].cost.parameters, competitors[0].cost.flops) == (5, 8)
    assert (competitors[1].cost.tuning_trials, competitors[1].package) == (7, "torch")


def named(**losses):
    return [
        Competitor(name=name, label=name, role="peer", quality={"few_n5": a, "few_n10": b})
        for name, (a, b) in losses.items()
    ]


def test_equal_loss_is_reached_by_the_smallest_budget_that_is_as_good():
    keys, timings = ["few_n5", "few_n10"], {"b1.seconds": 1.0, "b2.seconds": 2.0, "b3.seconds": 4.0}
    budgets = {"b1": (3.0, 2.0), "b2": (2.0, 2.0), "b3": (1.0, 1.0)}

    def seconds(method):
        competitors = named(method=method, **budgets)
        return unknown._equal_loss("method", list(budgets), keys, competitors, timings)

    assert seconds((2.0, 2.0)) == 2.0  # as good counts
    assert seconds((3.0, 1.0)) == 2.0  # of the mean over sizes
    assert seconds((9.0, 9.0)) == 1.0
    assert seconds((1.9, 1.9)) == 4.0
    assert seconds((0.0, 0.0)) == 4.0  # none is: the largest


def normal(variance, seconds=1.0):
    """A peer that has learned nothing but the scale, at so many seconds a data set."""

    def answer(problems, prior=None, **_):
        y = torch.from_numpy(problems.y_query)
        density = normal_log_density(y, torch.zeros(()), torch.tensor(variance)).numpy()
        return Predictions(density, seconds * len(problems), 0.0)

    return answer


def test_curves_with_unknown_hyper_parameters(monkeypatch):
    monkeypatch.setattr(likelihood, "gpytorch_map", normal(20.0))
    monkeypatch.setattr(unknown.hyper, "mode", normal(13.0))
    monkeypatch.setattr(
        unknown.hyper,
        "sampled",
        lambda problems, prior, samples, seed: normal(
            {2: 500.0, 4: 0.5, 8: 0.5}[samples], float(samples)
        )(problems),
    )
    coarse = partial(unknown.gaussian.quadrature, grid=(12, 10, 4))
    monkeypatch.setattr(unknown.gaussian, "quadrature", coarse)
    effort = unknown.Effort(datasets=6, few=2, compiled=True, nuts=(2, 4, 8))
    ask_all = {"sizes": (5, 10), "effort": effort}
    metrics = unknown.hyperparameters("gp-1d-paper", context(), blind=False, **ask_all)
    scalars = metrics.flat()
    by_name = {c.name: c for c in metrics.competitors}
    assert [by_name[f"paper-{n}"].role for n in ("pfn", "exact", "gpytorch")] == [
        "method",
        "oracle",
        "peer",
    ]
    for n in (5, 10):
        assert scalars[f"paper-exact.few_n{n}"] == scalars[f"paper-exact.nll_n{n}"]
        assert scalars[f"paper-compiled.few_n{n}"] != scalars[f"paper-compiled.nll_n{n}"]
        assert abs(scalars[f"paper-pfn.few_n{n}"] - scalars[f"paper-exact.few_n{n}"]) < 0.5
    assert by_name["paper-pfn"].cost.parameters > 1e5
    assert by_name["paper-pfn"].cost.flops > 0
    assert scalars["paper-nuts-4.seconds"] == 4.0
    reached = [b for b in (2, 4, 8) if mean_few(scalars, b) <= mean_few(scalars, None)]
    assert scalars["paper_equal_loss_s"] == float((reached or [8])[0])
    hidden = unknown.hyperparameters("gp-1d-paper", context(), blind=True, **ask_all).flat()
    for name in ("exact", "scikit-learn", "compiled"):
        assert hidden[f"paper-{name}.nll_n10"] == scalars[f"paper-{name}.nll_n10"]
    assert hidden["paper-pfn.nll_n10"] > scalars["paper-pfn.nll_n10"] + 0.5


def mean_few(scalars, budget):
    name = "paper-pfn" if budget is None else f"paper-nuts-{budget}"
    return np.mean([scalars[f"{name}.few_n{n}"] for n in (5, 10)])


def test_labels_are_asked_of_network_and_samplers_alike(monkeypatch):
    given = []

    def sampler(problems, network, *, seed, **budget):
        given.append((problems, network, budget))
        p = np.full((*problems.y_query.shape, 2), 0.5)
        watch = timed_watch(sum(budget.values()) * len(problems))
        return neural.Posterior(classified(p, problems, watch), classified(p, problems, watch))

    monkeypatch.setattr(neural, "sampled", sampler)
    monkeypatch.setattr(neural, "variational", sampler)
    for name in ("bnn-linear", "bnn-tanh"):
        monkeypatch.setitem(FITS, name, small(name))
    effort = unknown.Effort(datasets=9, few=3, nuts=(1, 2), svi=(4,))
    metrics = unknown.labels("bnn-linear", context(), effort=effort, blind=False)
    scalars = metrics.flat()
    assert [c.name for c in metrics.competitors] == [
        "bnn-linear",
        "bnn-linear-nuts-1",
        "bnn-linear-nuts-2",
        "bnn-linear-svi-4",
    ]
    assert scalars["bnn-linear-nuts-1.nll"] == pytest.approx(math.log(2))
    assert scalars["bnn-linear-nuts-1.hard_nll"] == pytest.approx(math.log(2))
    worse = scalars["bnn-linear.nll"] >= scalars["bnn-linear-nuts-1.nll"]
    assert scalars["bnn-linear_nuts_s"] == (1.0 if worse else 2.0)
    assert scalars["bnn-linear_svi_s"] == 4.0
    assert [budget for _, _, budget in given] == [{"samples": 1}, {"samples": 2}, {"steps": 4}]
    problems, network, _ = given[0]
    assert problems.x.shape == (3, unknown.BNN_CONTEXT, 3)
    assert problems.x_query.shape == (3, unknown.BNN_QUERIES, 3)
    assert (network.hidden, network.activation) == (5, "none")
    hidden = unknown.labels("bnn-tanh", context(), effort=effort, blind=True)
    assert given[-1][1].activation == "tanh"
    shown = unknown.labels("bnn-tanh", context(), effort=effort, blind=False)
    assert hidden.flat()["bnn-tanh.nll"] != shown.flat()["bnn-tanh.nll"]


def timed_watch(seconds):
    with timed() as watch:
        pass
    watch.wall_s = seconds
    return watch


TABLES = ("iris-1-2", "wine-0-1")


@pytest.fixture
def two_peers(monkeypatch):
    """Boosting is always right and sure, the other peer cannot tell the classes apart."""

    def predict(problems, classifier, seed):
        right = np.where(problems.y_query > 0, 1.0, 0.0)
        positive = right if classifier.label == "right" else np.full_like(right, 0.75)
        p = np.stack([1 - positive, positive], -1)
        return classified(p, problems, timed_watch(3.0))

    grid = {"depth": (1, 2, 3)}
    peers = {
        "boosting": Classifier("right", lambda seed: None, grid, package="numpy"),
        "neighbours": Classifier("even", lambda seed: None, grid),
    }
    monkeypatch.setattr(tabular, "classifiers", lambda: peers)
    monkeypatch.setattr(tabular, "predict", predict)


@pytest.mark.usefixtures("two_peers")
def test_small_tables_are_ranked_by_area_and_scored_by_calibration():
    metrics = subsets.subsets(TABLES, context(), blind=False)
    scalars = metrics.flat()
    assert [c.name for c in metrics.competitors] == ["pfn-tables", "boosting", "neighbours"]
    assert (scalars["boosting.auc"], scalars["boosting.calibration_error"]) == (1.0, 0.0)
    assert (scalars["neighbours.auc"], scalars["neighbours.rank"]) == (0.5, 3.0)
    assert scalars["neighbours.calibration_error"] == pytest.approx(0.25)
    assert scalars["pfn-tables.auc"] > 0.9
    assert scalars["pfn-tables.rank"] + scalars["boosting.rank"] == 3.0
    assert scalars["boosting.seconds"] == 6.0
    assert scalars["boosting.tuning_trials"] == 3
    assert scalars["pfn-tables.parameters"] > 1e5
    assert 0 < scalars["wilcoxon_p"] <= 1
    assert metrics.series["auc-pfn-tables"].shape == (2,)
    assert metrics.competitors[1].package == "numpy"


@pytest.mark.usefixtures("two_peers")
def test_hidden_labels_leave_the_network_nothing_to_rank_by():
    shown = subsets.subsets(TABLES, context(), blind=False).flat()
    hidden = subsets.subsets(TABLES, context(), blind=True).flat()
    assert hidden["pfn-tables.auc"] < shown["pfn-tables.auc"] - 0.2
    assert hidden["boosting.auc"] == 1.0


def test_regressions_have_no_probabilities_of_classes():
    with pytest.raises(TypeError, match="predictions must be of classes, got a regression's"):
        subsets._probabilities(Predictions(np.zeros((1, 2)), 0.0, 0.0))


@pytest.mark.parametrize("name", list(FITS))
def test_every_network_can_be_fitted(monkeypatch, name):
    monkeypatch.setitem(FITS, name, small(name))
    network = fitted(name, context())
    assert not network.training
    assert network.n_features == FITS[name].prior.n_features
    heads = {"bars": 50, "gaussian": 2, "bernoulli": 1}
    assert network.likelihood.n_outputs == heads[FITS[name].head]
    assert network.config["positional"] is (name == "pfn-positional")


def test_a_fitted_network_depends_on_the_seed_alone(monkeypatch):
    monkeypatch.setitem(FITS, "pfn-small", small("pfn-small"))
    fits = []
    for seed, noise in ((0, 1), (0, 7), (1, 1)):
        torch.manual_seed(noise)
        fits.append(fitted("pfn-small", context(seed)).x_encoder.weight.detach())
    assert torch.equal(fits[0], fits[1])
    assert not torch.equal(fits[0], fits[2])


def test_ablations_of_the_network_share_its_size_and_fitting():
    reference = FITS["pfn-small"]
    for name, extra in (("pfn-gaussian", {}), ("pfn-positional", {"positional": True})):
        fit = FITS[name]
        assert fit.network == {**reference.network, **extra}
        assert (fit.prior, fit.steps, fit.fitting) == (
            reference.prior,
            reference.steps,
            reference.fitting,
        )
    short, long = FITS["pfn-500k"], FITS["pfn-1m"]
    assert long.steps == 2 * short.steps
    assert dataclasses.replace(long, steps=short.steps, label=short.label) == short


def competitor(name, role="peer", **quality):
    return Competitor(name=name, label=name, role=role, quality=quality)


def trial(seed, competitors, seconds=(), series=None):
    metrics = Metrics(
        competitors=competitors,
        timings={f"{name}.seconds": 0.1 + seed for name in seconds},
        series=series or {},
    )
    record = TrialRecord.model_construct(status="done", seed=seed)
    return Trial(record=record, metrics=metrics, series=metrics.series)


def test_closure_shows_all_but_the_oracle_and_nothing_is_cut_off():
    def of(seed):
        return trial(
            seed,
            [
                competitor("pfn", "method", closure_n5=0.7 + seed / 10, closure_n20=0.9),
                competitor("pfn-small", "baseline", closure_n5=0.5, closure_n20=0.6),
                competitor("scikit-learn", closure_n5=1.2, closure_n20=0.8),
                competitor("exact", "oracle", closure_n5=1.0, closure_n20=1.0),
                competitor("paper-pfn", "method", few_n5=0.3),
            ],
        )

    figure = figures.closure([of(0), of(1)])
    axes = figure.axes[0]
    assert {text.get_text() for text in axes.texts} == {"pfn", "pfn-small", "scikit-learn"}
    assert axes.get_ylim()[1] >= 1.2
    first = axes.lines[0]
    assert list(first.get_xdata()) == [5, 20]
    assert first.get_ydata() == pytest.approx([0.75, 0.9])
    figure.canvas.draw()


def test_loss_is_drawn_over_time_for_every_panel():
    competitors = [
        competitor("paper-pfn", "method", few_n5=1.0, few_n10=0.0, nll_n5=9.0),
        competitor("own-pfn", "method", few_n5=2.0, few_n10=1.0),
        competitor("bnn-linear", "method", nll=0.4),
        competitor("bnn-linear-nuts-8", nll=0.5, hard_nll=7.0),
    ]
    trials = [trial(s, competitors, [c.name for c in competitors]) for s in (0, 1)]
    panels = figures.hyper_panels(trials)
    assert [(title, [c.name for c in of]) for title, of, _ in panels] == [
        ("the paper's hyper-prior", ["paper-pfn"]),
        ("noisy curves (gp-1d)", ["own-pfn"]),
    ]
    figure = figures.loss_and_time(trials, panels)
    points = figure.axes[0].lines[0]
    assert points.get_xdata() == pytest.approx([0.1, 1.1])
    assert points.get_ydata() == pytest.approx([0.5, 0.5])  # of few_, not of nll_
    panels = figures.label_panels(trials)
    assert [len(of) for _, of, _ in panels] == [2]
    assert len(figures.loss_and_time(trials, panels).axes) == 1


def test_ranks_are_drawn_from_all_seeds():
    of = [
        competitor("pfn-tables", "method", rank=1.5, calibration_error=0.1),
        competitor("boosting", rank=2.5, calibration_error=0.2),
    ]
    figure = figures.ranks([trial(0, of), trial(1, of)])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        "pfn-tables",
        "boosting",
    ]
    assert list(figure.axes[1].lines[2].get_xdata()) == [0.2, 0.2]


def test_what_was_not_measured_is_not_drawn():
    nothing = [trial(0, [competitor("other", accuracy=1.0)])]
    assert figures.picture(nothing) is None
    assert figures.closure(nothing) is None
    assert figures.ranks(nothing) is None
    assert figures.loss_and_time(nothing, figures.hyper_panels(nothing)) is None
    assert figures.loss_and_time(nothing, figures.label_panels(nothing)) is None
