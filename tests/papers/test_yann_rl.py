"""The page of yann-rl: what it declares, small trials, its negative controls, its figures."""

import dataclasses
import importlib.util
import math
from functools import partial

import pytest
import torch

from provenn.evidence.context import TrialContext
from provenn.papers import load, yann_rl
from provenn.papers.controllers import entrants, learning
from tests.papers.running import attempted, task_of

PAGE = load("yann-rl")
SMALL = {
    "exact": ("pendulum",), "timed": ("pendulum",), "loops": (), "points": 400, "online": 50,
    "timing_s": 1e-3, "episodes": 2,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def short():
    """Plants with short episodes, three test starts."""
    with pytest.MonkeyPatch.context() as patch:
        for name, task in entrants.TASKS.items():
            plant = dataclasses.replace(task.plant, steps=60)
            patch.setitem(entrants.TASKS, name, dataclasses.replace(task, plant=plant))
        patch.setattr(learning, "STARTS", 3)
        patch.setattr(learning, "EVERY", 1)
        yield


def run(preset="quick", seed=0, **overrides):
    trial, _ = attempted(task_of("yann-rl", preset, seed, **{**SMALL, **overrides}))
    return trial


@pytest.fixture(scope="module")
def quick():
    return run()


def test_every_claim_of_the_sheet_is_there():
    claims = {claim.id: claim for claim in yann_rl.CLAIMS}
    rows = {i.partition("-")[0] for i in claims} - {"ours"}
    assert rows == {"y1", "y2", "y3", "r1", "r2", "r3", "r4", "r5"}
    assert {i for i, c in claims.items() if "not in the paper" in c.says} == {
        i for i in claims if i.startswith("ours-")
    }
    assert not any(claim.unjudged for claim in claims.values())
    learned = {i for i in claims if i.startswith(("r2", "r3", "r5", "ours-r", "ours-strong"))}
    assert {i for i, c in claims.items() if c.filled_at == 10} == learned


def test_quick_needs_no_extra_package(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    yann_rl._check_peers(PAGE.presets["quick"])


@pytest.mark.parametrize("absent", ["daqp", "stable_baselines3"])
def test_a_missing_package_is_named_before_anything_is_measured(monkeypatch, absent):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == absent else find(n))
    task = task_of("yann-rl", "laptop")
    with pytest.raises(ImportError, match=rf"the peers of yann-rl need {absent}: pip install"):
        PAGE.trial(task.config, 0, TrialContext(task, lambda event: None))


def test_a_trial_measures_what_the_claims_of_quick_read(quick):
    names = {c.name for c in quick.metrics.competitors}
    for claim in PAGE.claims:
        if "quick" in claim.presets:
            margins = claim.relation.margins(quick.scalars(), quick.series)
            assert not any(math.isnan(m) for m in margins), claim.id
            assert {claim.method, *claim.peers} <= names, claim.id


def test_the_method_starts_at_its_law_and_the_networks_are_exact(quick):
    scalars = quick.scalars()
    for task in entrants.TASKS:
        assert scalars[f"{task}-yann.initial"] == scalars[f"{task}-mpc.final"]
        assert scalars[f"{task}_actor_error"] == 0.0
        assert scalars[f"{task}-yann.violations"] == 0
    assert scalars["pendulum_error"] < 1e-11
    assert scalars["scattered_error"] < 1e-11


def test_learners_begin_their_episodes_at_the_same_starts():
    task = entrants.TASKS["reactor"]
    first = []
    for name in ("yann", "ddpg"):
        learner = learning.LEARNERS[name]
        env = learning.PlantEpisodes(task.plant, learner.observe)
        agent = learner.build(task, 3, torch.device("cpu"))
        agent.learn(env, 1)
        first.append(env.trajectory().states[:, 0])
    assert (first[0] == first[1]).all()


def test_laptop_has_every_competitor_and_every_metric_of_its_claims():
    pytest.importorskip("stable_baselines3", reason="needs the extra 'peers'")
    pytest.importorskip("daqp", reason="needs the extra 'peers'")
    small = {"exact": ("pendulum", "pendulum-9"), "timed": ("pendulum", "pendulum-9")}
    trial = run("laptop", **small, peer_episodes=2)
    scalars = trial.scalars()
    stand_ins = ("double-integrator", "masses")
    for claim in PAGE.claims:
        if "laptop" in claim.presets:
            lacking = {m for m in claim.relation.metrics() if m not in scalars}
            assert all(any(name in m for name in stand_ins) for m in lacking), lacking
    for entrant in ("yann", "residual", "ddpg", "td3", "sac", "mpc", "lqr"):
        assert scalars[f"pendulum-{entrant}.final"] > 0
    packages = {c.package for c in trial.metrics.competitors} - {""}
    assert packages == {"daqp", "stable-baselines3"}
    assert set(PAGE.figures([trial])) == set(PAGE.captions)


def test_full_shows_what_is_possible(monkeypatch):
    brief = partial(entrants.NonlinearMPC, horizon=4, iterations=3)
    monkeypatch.setattr(learning, "NonlinearMPC", brief)
    trial = run(
        "full", timed=("pendulum",), learners=("yann", "ddpg"), peers=(), tasks=("reactor",),
        peer_tasks=(), episodes=1,
    )  # fmt: skip
    oracle = next(c for c in trial.metrics.competitors if c.name == "reactor-nmpc")
    assert oracle.role == "oracle"
    assert 0 < oracle.quality["final"] <= 1.2 * trial.scalars()["reactor-mpc.final"]


def test_figures_are_drawn_from_trials(quick):
    drawn = PAGE.figures([quick, quick])
    assert set(drawn) == set(PAGE.captions)
    for figure in drawn.values():
        figure.canvas.draw()
    assert PAGE.figures([]) == {}


def test_a_trial_repeats_itself_and_another_seed_does_not(quick):
    def known(trial):
        return {k: v for k, v in trial.metrics.repeatable().items() if not math.isnan(v)}

    assert known(run()) == known(quick)
    other = run(seed=1, tasks=("pendulum",)).scalars()
    assert other["pendulum-yann.initial"] != quick.scalars()["pendulum-yann.initial"]


def test_the_controls_break_what_they_say(quick):
    controls = {control.name: control for control in PAGE.ablations}
    random = run(**controls["random-start"].overrides).scalars()
    assert random["pendulum_actor_error"] > 0.1
    assert random["pendulum-yann.initial"] > 3 * quick.scalars()["pendulum-yann.initial"]
    assert random["pendulum-yann.curve_excess"] > 0
    assert random["pendulum-ddpg.final"] == quick.scalars()["pendulum-ddpg.final"]
    for name in ("no-selection", "single-precision"):
        scalars = run(**controls[name].overrides, tasks=()).scalars()
        assert scalars["pendulum_error"] > 1e-10
    for control in PAGE.ablations:
        for claim_id in control.breaks:
            assert PAGE.claim(claim_id).relation is not None


def test_the_example_runs():
    names = {}
    exec(PAGE.example, names)  # noqa: S102
    assert names["u"].shape == (1,)
    assert abs(float(names["u"])) <= 2.0
