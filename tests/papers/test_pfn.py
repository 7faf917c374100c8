"""The page of pfn: what it declares, a small trial of each preset, its controls, its figures."""

import dataclasses
import importlib.util
import math

import numpy as np
import pytest
import torch

from provenn.bayes import shipped_names
from provenn.evidence.claims import PRESETS
from provenn.evidence.context import TrialContext
from provenn.papers import load, pfn
from provenn.papers.posteriors import gaussian, hyper, likelihood, networks, neural, tabular
from provenn.papers.posteriors.networks import FITS
from provenn.papers.posteriors.problems import Predictions, classified, timed
from provenn.papers.posteriors.tables import TABLES
from provenn.papers.posteriors.unknown import TAGS
from tests.papers.running import attempted, task_of

PAGE = load("pfn")
SMALL = {
    "quick": {"curve_datasets": 8, "hyper_datasets": 8, "few": 2},
    "laptop": {"curve_datasets": 8, "hyper_datasets": 8, "few": 2, "tables": ("iris-1-2",)},
    "full": {"curve_datasets": 4, "few": 2, "tables": ("iris-1-2",)},
}
FIGURES = {
    "quick": {"curves", "closure", "speed"},
    "laptop": {"curves", "closure", "speed", "labels", "tables"},
    "full": {"curves", "closure", "tables"},
}


def shrink(fit):
    """A fitting of three steps, of a network that takes no time."""
    network = {**fit.network, "d_model": 16, "n_layers": 2, "n_heads": 2, "d_ff": 32}
    fitting = {**fit.fitting, "batch_size": 4}
    if "max_context" in fitting:
        fitting |= {"n_points": 24, "max_context": 20}
    buckets = min(fit.n_buckets, 50)
    return dataclasses.replace(
        fit, steps=3, network=network, fitting=fitting, n_buckets=buckets, bar_datasets=500
    )


def shrug(problems, prior, **_):
    """Stands in for a peer that takes long: a normal distribution, whatever the context."""
    with timed() as watch:
        density = -0.5 * (np.log(40 * np.pi) + problems.y_query**2 / 20)
    return Predictions(density, watch.wall_s, watch.cpu_s)


def shrug_of_classes(problems, network, **_):
    with timed() as watch:
        probabilities = np.full((*problems.y_query.shape, 2), 0.5)
    said = classified(probabilities, problems, watch)
    return neural.Posterior(said, said)


def untuned(classifiers=tabular.classifiers):
    """The peers on tables, each with the first of its configurations."""
    found = {}
    for name, each in classifiers().items():
        grid = each.grid if isinstance(each.grid, dict) else each.grid[0]
        found[name] = dataclasses.replace(each, grid={k: v[:1] for k, v in grid.items()})
    return found


@pytest.fixture(scope="module", autouse=True)
def small():
    with pytest.MonkeyPatch.context() as patch:
        for name, fit in FITS.items():
            patch.setitem(networks.FITS, name, shrink(fit))
        for module, name in (
            (gaussian, "quadrature"),
            (likelihood, "scikit_learn_mle"),
            (likelihood, "gpytorch_map"),
            (hyper, "mode"),
            (hyper, "sampled"),
        ):
            patch.setattr(module, name, shrug)
        for name in ("sampled", "variational"):
            patch.setattr(neural, name, shrug_of_classes)
        patch.setattr(tabular, "classifiers", untuned)
        yield


def run(preset="quick", seed=0, **overrides):
    trial, _ = attempted(task_of("pfn", preset, seed, **{**SMALL[preset], **overrides}))
    return trial


@pytest.fixture(scope="module")
def trials():
    return {preset: run(preset) for preset in PRESETS}


def test_every_claim_of_the_paper_is_there():
    claims = {claim.id: claim for claim in pfn.CLAIMS}
    of_the_paper = {i.partition("-")[0] for i in claims} - {"ours"}
    assert of_the_paper == {f"c{i}" for i in range(1, 11)}
    assert [i for i, c in claims.items() if c.unjudged] == ["c9-omniglot"]
    assert {i for i, c in claims.items() if "not in the paper" in c.says} == {
        i for i in claims if i.startswith("ours-")
    }
    ratios = {
        "c4-mle-ii": 200,
        "c4-nuts": 1000,
        "c5-svi": 1000,
        "c5-nuts": 10_000,
        "c8-cpu": 287,
        "c8-gpu": 5000,
    }
    for i, at_least in ratios.items():
        assert {part.at_least for part in claims[i].relation.parts} == {at_least}
        assert claims[i].reported_effect == at_least
    for i in ("c3-mle-ii", "c3-nuts-32", "c3-nuts-256", "c6-rank", "c7-calibration"):
        assert all(part.strict for part in claims[i].relation.parts)


def test_presets_name_what_exists():
    for config in PAGE.presets.values():
        assert {*config.curves, *config.bands, *config.bnn} <= set(FITS)
        assert set(config.shipped) <= set(TAGS) & set(shipped_names())
        assert set(config.tables) <= set(TABLES)
        assert len({FITS[name].prior for name in config.curves}) == 1
        assert not config.blind
        budgets = (config.nuts, config.bnn_nuts, config.svi)
        assert all(list(b) == sorted(b) for b in budgets)  # equal loss asks the smallest first


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_measures_what_its_claims_read(trials, preset):
    trial = trials[preset]
    names = {c.name for c in trial.metrics.competitors}
    for claim in PAGE.claims:
        if preset in claim.presets:
            margins = claim.relation.margins(trial.scalars(), trial.series)
            assert len(margins) == sum(p.n_margins for p in claim.relation.parts)
            assert not any(math.isnan(m) for m in margins), claim.id
            assert {claim.method, *claim.peers} <= names, claim.id


@pytest.mark.parametrize("preset", PRESETS)
def test_the_figures_of_a_preset_are_drawn(trials, preset):
    drawn = PAGE.figures([trials[preset]])
    assert set(drawn) == FIGURES[preset] <= set(PAGE.captions)
    for figure in drawn.values():
        figure.canvas.draw()


def test_without_trials_there_are_no_figures():
    assert PAGE.figures([]) == {}


def test_every_competitor_says_what_it_took(trials):
    for trial in trials.values():
        for competitor in trial.metrics.competitors:
            assert competitor.cost.wall_s > 0
            if competitor.role in ("method", "baseline"):
                assert competitor.cost.parameters > 0
                assert competitor.cost.flops > 0
            if competitor.role == "peer":
                assert competitor.package
    scalars = trials["laptop"].scalars()
    assert scalars["boosting.tuning_trials"] == 1  # the stand-in's
    assert tabular.Classifier("", lambda seed: None, {"a": (1, 2), "b": (1, 2, 3)}).candidates == 6


def test_a_trial_repeats_itself_and_another_seed_does_not(trials):
    honest = trials["quick"].metrics.repeatable()
    again = run().metrics.repeatable()
    assert {k: v for k, v in again.items() if not math.isnan(v)} == {
        k: v for k, v in honest.items() if not math.isnan(v)
    }
    other = run(seed=1, coins=False).metrics.repeatable()
    assert other["pfn-small.nll_n5"] != honest["pfn-small.nll_n5"]
    assert other["paper-pfn.nll_n5"] != honest["paper-pfn.nll_n5"]


def test_hidden_targets_harm_the_networks_alone(trials):
    (ablation,) = PAGE.ablations
    honest, blind = trials["quick"].scalars(), run(**ablation.overrides).scalars()
    for n in (10, 20, 30):
        assert blind[f"paper-pfn.nll_n{n}"] > honest[f"paper-pfn.nll_n{n}"] + 0.3
        assert blind[f"paper-scikit-learn.nll_n{n}"] == honest[f"paper-scikit-learn.nll_n{n}"]
    assert blind["pfn-small.nll_n20"] != honest["pfn-small.nll_n20"]
    assert blind["coins_kl"] != honest["coins_kl"]
    assert blind["scikit-learn.closure_n20"] == honest["scikit-learn.closure_n20"]


def test_the_control_breaks_every_claim_of_what_is_predicted():
    (ablation,) = PAGE.ablations
    about_time = {i for i in (c.id for c in PAGE.claims) if i.startswith(("c4", "c5", "c8"))}
    about_time |= {"ours-scikit-learn", "ours-compiled"}
    # Saying nothing is calibrated, and does neither head nor positions any harm.
    harmless = {"c7-calibration", "c9-omniglot", "c10-bars", "c10-positions"}
    assert set(ablation.breaks) == {c.id for c in PAGE.claims} - about_time - harmless


@pytest.mark.parametrize(
    ("absent", "preset"),
    [("gpytorch", "laptop"), ("numpyro", "laptop"), ("xgboost", "laptop"), ("xgboost", "full")],
)
def test_a_missing_package_is_named_before_anything_is_fitted(monkeypatch, absent, preset):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == absent else find(n))
    message = rf"the peers of pfn need {absent}: pip install 'provenn\[peers\]'"
    task = task_of("pfn", preset, **SMALL[preset])
    with pytest.raises(ImportError, match=message):
        PAGE.trial(PAGE.presets[preset], 0, TrialContext(task, lambda event: None))


def test_quick_needs_no_extra_package(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    pfn._check_peers(PAGE.presets["quick"])


def test_full_is_the_papers_gaussian_process():
    config = PAGE.presets["full"]
    prior = FITS[config.curves[0]].prior
    assert (prior.n_features, prior.kernel, prior.lengthscale, prior.noise) == (5, "rbf", 0.6, 1e-4)
    assert {FITS[name].prior.lengthscale for name in config.bands} == {0.6, 0.1}
    assert {FITS[name].prior.noise for name in config.bands} == {1e-4}


def test_the_example_runs():
    names = {}
    torch.manual_seed(0)
    exec(PAGE.example, names)  # noqa: S102
    assert names["band"].shape == (2, 2)
    assert (names["band"][:, 0] < names["mean"]).all()
    assert (names["mean"] < names["band"][:, 1]).all()
