"""The page of dcdm: what it declares, one small trial, its negative controls, its figures."""

import dataclasses
import re

import numpy as np
import pytest

from provenn.papers import dcdm as module
from provenn.papers import load
from provenn.papers.poisson import measure as measure_module
from tests.papers.running import StageContext, as_trial

PAGE = load("dcdm")
SMALL = {"sizes": (12,), "systems": 1, "steps": 150}


@pytest.fixture(autouse=True, scope="module")
def few_steps():
    """Networks that are hardly trained give up soon."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure_module, "BARE_LIMIT", 60)
        yield


def run(preset="quick", seed=0, **overrides):
    config = dataclasses.replace(PAGE.presets[preset], **{**SMALL, **overrides})
    return PAGE.trial(config, seed, StageContext(seed))


@pytest.fixture(scope="module")
def honest():
    return run()


@pytest.fixture(scope="module")
def wide():
    """Every stage of the laptop preset, as small as it goes."""
    return run(
        "laptop",
        sizes=(12, 16),
        steps=2,
        start_cells=8,
        start_steps=2,
        own_sizes=(6, 8, 12),
        moved_sizes=(8, 12, 16),
        plain_cells=8,
        systems=1,
        windows=(0, 2),
        volume_cells=4,
        volume_steps=1,
        large_cells=8,
    )


SMALLER = {"64": "12", "128": "16", "16-3d": "4-3d", "32-3d": "8-3d", "32": "8"}
"""Sizes of the laptop preset, and those that stand for them here."""


def renamed(metric):
    """A metric of the laptop preset as the small trial names it."""
    return re.sub(r"-(\d+(?:-3d)?)(?=$|\.)", lambda m: f"-{SMALLER[m[1]]}", metric)


def test_every_claim_of_the_laptop_preset_finds_its_metrics(wide):
    found = {*wide.flat(), *wide.series}
    for claim in PAGE.claims:
        if "laptop" in claim.presets:
            missing = {renamed(m) for m in claim.relation.metrics()} - found
            assert not missing, (claim.id, missing)


def test_quick_claims_are_of_the_training_size_and_have_margins():
    metrics = run(sizes=(32,), steps=1)
    for claim in PAGE.claims:
        if "quick" in claim.presets:
            margins = claim.relation.margins(metrics.flat(), metrics.series)
            assert all(m == m for m in margins), claim.id


def test_the_method_needs_fewer_iterations_than_conjugate_gradients(honest):
    scalars = honest.flat()
    assert scalars["dcdm.iterations_mean-12"] < scalars["cg.iterations_mean-12"]
    assert scalars["dcdm.iterations_mean-12"] < scalars["dcdm-w0.iterations_mean-12"]
    assert scalars["dcdm.fallback_box-12"] == 0
    assert scalars["one-shot.residual_box-12"] > 0.01
    for name in ("dcdm", "dcdm-w0", "cg", "ic", "mic", "deflated", "amg-rs", "amg-sa"):
        for case in ("box-12", "disc-12"):
            assert 0 < scalars[f"{name}.residual_{case}"] < 1e-4
            assert scalars[f"{name}.seconds_{case}"] > 0
    assert scalars["dct.residual_box-12"] < 1e-12
    assert "dct.residual_disc-12" not in scalars


def test_competitors_say_what_they_cost(honest):
    for competitor in honest.competitors:
        if competitor.name == "one-shot":
            continue
        assert competitor.cost.wall_s > 0
        learned = competitor.name.startswith("dcdm")
        assert competitor.cost.parameters == (32_657 if learned else 0)
    (method,) = (c for c in honest.competitors if c.name == "dcdm")
    (steepest,) = (c for c in honest.competitors if c.name == "dcdm-w0")
    assert method.cost.wall_s > steepest.cost.wall_s  # its training is in it
    assert method.cost.flops > 1e8


def test_an_untrained_network_without_safeguard_solves_nothing():
    (ablation,) = (a for a in PAGE.ablations if a.name == "untrained")
    scalars = run(**{**ablation.overrides, "sizes": (12,)}).flat()
    assert scalars["dcdm.residual_box-12"] > 1e-4
    assert scalars["dcdm.iterations_mean-12"] > scalars["cg.iterations_mean-12"]


def test_without_orthogonality_the_method_is_its_own_baseline():
    scalars = run(window=0).flat()
    assert scalars["dcdm.iterations_mean-12"] == scalars["dcdm-w0.iterations_mean-12"]


def test_plain_data_make_the_same_network_as_the_plain_one():
    scalars = run(
        low_weight=1.0, plain_cells=8, start_steps=3, own_sizes=(8, 16), moved_sizes=(8, 16)
    ).flat()
    assert scalars["dcdm-8.iterations_mean-8"] == scalars["dcdm-plain.iterations_mean-8"]


def test_a_trial_repeats_itself(honest):
    again = run()
    assert again.repeatable() == honest.repeatable()
    for name, values in honest.series.items():
        np.testing.assert_array_equal(again.series[name], values)


def test_all_systems_are_solved_to_ten_digits(wide):
    scalars = wide.flat()
    assert scalars["systems"] == 20
    assert scalars["dcdm.unsolved"] == 0
    assert scalars["large_residual"] < 1e-10
    assert 0 <= scalars["large_fallback"] <= 1
    assert scalars["large_steps"] <= scalars["large_tight_steps"]


def test_the_full_preset_is_three_dimensional():
    metrics = run(
        "full", sizes=(8, 12), steps=1, start_steps=1, systems=1, own_sizes=(6, 8),
        moved_sizes=(8, 12), windows=(0, 2),
    )  # fmt: skip
    found = {*metrics.flat(), *metrics.series}
    for claim in PAGE.claims:
        if "full" in claim.presets:
            for metric in claim.relation.metrics():
                small = metric.replace("-64-3d", "-8-3d").replace("-128-3d", "-12-3d")
                assert small.replace("-256-3d", "-12-3d") in found, (claim.id, metric)


def test_a_missing_peer_is_named(monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="peers of dcdm need pyamg"):
        run("laptop")


def test_figures_are_drawn_from_trials(honest, wide):
    quick = PAGE.figures([as_trial(honest)])
    assert set(quick) == {"history", "time", "training"} <= set(PAGE.captions)
    laptop = PAGE.figures([as_trial(wide)])
    assert set(laptop) == {"history", "sizes", "time", "windows"}
    for figure in (*quick.values(), *laptop.values()):
        figure.canvas.draw()
    assert PAGE.figures([]) == {}


def test_the_example_runs():
    exec(PAGE.example, {})  # noqa: S102
