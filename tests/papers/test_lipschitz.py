"""The page of lipschitz: what it declares, one small trial, its negative controls, its figures."""

import dataclasses

import pytest
import torch

from provenn.evidence.metrics import Metrics
from provenn.papers import load
from provenn.papers.bounds.networks import NETWORKS, dense_form, mnist_cnn, random_k, tag
from tests.papers.running import StageContext, as_trial

PAGE = load("lipschitz")
SMALL = {"networks": ("digits-3",), "points": 1, "samples": 16, "tiny": 1}


def run(**overrides) -> Metrics:
    config = dataclasses.replace(PAGE.presets["quick"], **{**SMALL, **overrides})
    return PAGE.trial(config, 0, StageContext())


@pytest.fixture(scope="module")
def honest():
    return run(networks=("digits-2", "digits-3"), points=2)


def test_every_claim_of_a_preset_finds_its_metrics():
    networks = {p: set(c.networks) for p, c in PAGE.presets.items()}
    for claim in PAGE.claims:
        for preset in claim.presets:
            for metric in claim.relation.metrics():
                named = [n for n in NETWORKS if f"_{n}_" in metric or metric.startswith(f"{n}_")]
                assert set(named) <= networks[preset], (claim.id, preset, metric)


def test_a_trial_is_ordered_and_complete(honest):
    scalars = honest.flat()
    assert scalars["order_violation"] <= 1e-6
    assert scalars["no_crossing_error"] <= 1e-6
    assert scalars["accuracy_digits-3"] > 0.9
    names = [c.name for c in honest.competitors]
    assert names == ["sampled", "exact", "crown-bab", "crown", "recurjac", "interval", "global"]
    for competitor in honest.competitors:
        assert competitor.cost.wall_s > 0
        assert competitor.cost.parameters > 0
    order = ("sampled", "crown", "recurjac", "interval", "global")
    for eps in NETWORKS["digits-3"].eps:
        means = [scalars[f"{name}.bound_digits-3_{tag(eps)}"] for name in order]
        assert means == sorted(means)
    assert scalars["crown.relative_digits-3_0-3"] < 0.7
    assert scalars["crown-bab.to_exact"] <= scalars["crown.to_exact"]


def test_claims_judged_at_quick_have_margins(honest):
    for claim in PAGE.claims:
        if "quick" in claim.presets:
            margins = claim.relation.margins(honest.flat(), honest.series)
            assert len(margins) == sum(p.n_margins for p in claim.relation.parts)
            assert all(m == m for m in margins)


def test_constant_relaxations_are_no_tighter_than_recurjac():
    scalars = run(relaxation="constant").flat()
    for eps in NETWORKS["digits-3"].eps:
        assert scalars[f"crown.relative_digits-3_{tag(eps)}"] == 1.0
    assert scalars["crown-bab.improved"] == 0.0
    assert scalars["crown-bab.gap_closed"] == 0.0


def test_without_branching_nothing_is_tightened():
    scalars = run(branching=False, networks=()).flat()
    assert scalars["crown-bab.gap_closed"] == pytest.approx(0.0, abs=1e-9)
    assert scalars["crown-bab.improved"] == 0.0


def test_a_trial_repeats_itself(honest):
    again = run(networks=("digits-2", "digits-3"), points=2)
    assert again.repeatable() == honest.repeatable()


def test_figures_are_drawn_from_trials(honest):
    drawn = PAGE.figures([as_trial(honest)])
    assert set(drawn) == {"radius", "exact", "cost"} <= set(PAGE.captions)
    for figure in drawn.values():
        figure.canvas.draw()
    assert PAGE.figures([]) == {}


def test_the_sweeps_are_drawn_by_depth_and_width():
    metrics = run(networks=("depth-2", "depth-3", "width-16"), samples=4)
    assert set(PAGE.figures([as_trial(metrics)])) == {"exact", "depth", "cost"}


def test_the_dense_form_computes_the_same():
    torch.manual_seed(0)
    model = mnist_cnn()
    x = torch.rand(2, 1, 28, 28)
    dense = dense_form(model, (1, 28, 28))
    assert not any(isinstance(m, torch.nn.Conv2d) for m in dense.modules())
    torch.testing.assert_close(dense(x.flatten(1)), model(x))


def test_random_k_labels_follow_the_nearest_leader():
    torch.manual_seed(0)
    split = random_k(torch.device("cpu"))
    assert split.train_x.shape == (7000, 16)
    assert split.test_x.shape == (3000, 16)
    near = torch.cdist(split.test_x, split.train_x).argmin(1)
    agree = (split.train_y[near] == split.test_y).double().mean()
    assert agree > 0.4


def test_the_example_runs():
    exec(PAGE.example, {})  # noqa: S102
