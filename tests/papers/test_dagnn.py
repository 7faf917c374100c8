"""The page of dagnn: what it declares, one small trial, its negative controls, its figures."""

import dataclasses

import numpy as np
import pytest
import torch

from provenn.data import DataError
from provenn.evidence.metrics import Competitor, Cost, Metrics
from provenn.papers import load
from provenn.papers.dagnn import _contenders
from provenn.papers.nodes import experiments
from provenn.papers.nodes.problems import block_model
from tests.papers.running import StageContext, as_trial

PAGE = load("dagnn")
SMALL = {"networks": ("dagnn", "gcn"), "peer_epochs": 5, "depth_epochs": 5, "limit_steps": 20}


def run(context=None, **overrides) -> Metrics:
    """A trial of five epochs."""
    config = dataclasses.replace(PAGE.presets["quick"], **{**SMALL, **overrides})
    settings = dataclasses.replace(experiments.SETTINGS["sbm"], max_epochs=5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(experiments.SETTINGS, "sbm", settings)
        return PAGE.trial(config, 0, context or StageContext())


@pytest.fixture(scope="module")
def honest():
    return run()


def test_a_trial_has_what_quick_is_judged_by(honest):
    scalars = honest.flat()
    for claim in PAGE.claims:
        if "quick" in claim.presets:
            margins = claim.relation.margins(scalars, honest.series)
            assert len(margins) == claim.relation.n_margins
            assert not any(np.isnan(margins)), claim.id
    names = [c.name for c in honest.competitors]
    assert names == ["dagnn", "gcn", "label-propagation", "decoupled"]
    for competitor in honest.competitors:
        assert competitor.cost.wall_s > 0
        assert (competitor.cost.parameters > 0) == (competitor.name != "label-propagation")
    assert scalars["arxiv_parameter_error"] == 0
    low, mean, high = honest.series["gates_sbm"]
    assert len(mean) == 11
    assert ((low <= mean) & (mean <= high)).all()


def test_a_trial_repeats_itself(honest):
    assert run().repeatable() == honest.repeatable()


def untrained(contender, key, problems, depth, settings, budget, ctx) -> Metrics:
    """What ``measure`` gives, without training."""
    competitor = Competitor(
        name=contender.name,
        label=contender.label,
        role=contender.role,
        quality={f"accuracy_{key}": float(np.random.default_rng(len(key)).uniform(20, 90))},
        cost=Cost(parameters=1, wall_s=1.0),
    )
    hops = (depth or settings.k) + 1
    return Metrics(
        values={f"smv_{key}": 0.5} if contender.name == "decoupled" else {},
        series={f"gates_{key}": np.full((3, hops), 0.5)} if contender.name == "dagnn" else {},
        competitors=[competitor],
    )


@pytest.mark.parametrize("preset", ["laptop", "full"])
def test_every_metric_of_a_claim_is_measured_by_its_presets(preset, monkeypatch):
    small = block_model(0, torch.device("cpu"), nodes=60, labels=2, val=20)
    monkeypatch.setattr(experiments, "load_problem", lambda name, ctx, split=None: small)
    monkeypatch.setattr(experiments, "measure", untrained)
    config = dataclasses.replace(PAGE.presets[preset], limit_steps=10)
    metrics = PAGE.trial(config, 0, StageContext())
    for claim in PAGE.claims:
        if preset in claim.presets:
            missing = set(claim.relation.metrics()) - set(metrics.flat())
            assert not missing, claim.id
            if claim.peer_check:
                assert set(claim.peer_check.metrics()) <= set(metrics.flat())
    drawn = PAGE.figures([as_trial(metrics)] * 2)
    assert set(drawn) == set(PAGE.captions)
    for figure in drawn.values():
        figure.canvas.draw()


def test_a_missing_pubmed_is_left_out_and_any_other_graph_is_an_error(monkeypatch):
    def missing(name, ctx, split=None):
        raise DataError(f"no {name}")

    monkeypatch.setattr(experiments, "load_problem", missing)
    metrics = run(data=("sbm", "pubmed"), random_data=("pubmed",), depth_data=("pubmed",))
    assert not any("pubmed" in name for name in metrics.flat())
    with pytest.raises(DataError, match="no cora"):
        run(data=("cora",))


def test_without_propagation_depth_changes_nothing():
    depths = ("dagnn-2", "dagnn-10", "dagnn-64")
    scalars = run(control="no-propagation", data=(), depths=depths).flat()
    at = {scalars[f"dagnn.accuracy_sbm_{k}"] for k in (2, 10, 64)}
    assert len(at) == 1


def test_the_controls_replace_one_contender_each():
    problem = block_model(0, torch.device("cpu"), nodes=60, labels=2, val=20)
    settings = experiments.SETTINGS["sbm"]
    kinds = {
        control: {
            name: type(contenders[name].build(problem, 3, settings)).__name__
            for name in ("dagnn", "decoupled")
        }
        for control, contenders in (
            (c, _contenders(c)) for c in ("none", "no-propagation", "last-hop", "entangled")
        )
    }
    assert kinds == {
        "none": {"dagnn": "Adaptive", "decoupled": "Decoupled"},
        "no-propagation": {"dagnn": "Adaptive", "decoupled": "Decoupled"},
        "last-hop": {"dagnn": "Decoupled", "decoupled": "Decoupled"},
        "entangled": {"dagnn": "Adaptive", "decoupled": "GCN"},
    }
    blind = _contenders("no-propagation")["dagnn"].build(problem, 3, settings)
    assert blind.network.propagation.k == 0


def test_figures_are_drawn_from_trials(honest):
    drawn = PAGE.figures([as_trial(honest)])
    assert set(drawn) == {"accuracy", "depth", "gates", "smoothness"}
    for figure in drawn.values():
        figure.canvas.draw()
    assert PAGE.figures([]) == {}


def test_the_example_runs():
    exec(PAGE.example, {})  # noqa: S102
