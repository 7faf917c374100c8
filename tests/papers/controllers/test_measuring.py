"""What the page measures of laws and of learning, against slower or simpler ways."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from provenn.control import YANN, rollout
from provenn.evidence.metrics import Cost
from provenn.papers.controllers import evaluation, exactness
from provenn.papers.controllers.cases import SETTINGS, scattered, solved
from provenn.papers.controllers.entrants import TASKS, NonlinearMPC, ResidualActor, regulator, yann
from provenn.papers.controllers.learning import Curve, compared, competitor


@pytest.fixture(scope="module")
def pendulum():
    return solved("pendulum")


def test_the_small_cases_have_the_stated_regions(pendulum):
    assert (pendulum.law.n_regions, pendulum.law.n_half_spaces) == (7, 32)
    nine = solved("pendulum-9").law
    assert (nine.n_regions, nine.n_half_spaces) == (9, 40)
    printed = solved("printed-reactor").law
    assert (printed.n_regions, printed.n_half_spaces) == (7, 56)
    assert solved("reactor").law.n_regions == 7
    assert set(SETTINGS) >= {"double-integrator", "masses"}


@pytest.mark.parametrize("seed", range(3))
def test_every_way_of_evaluation_gives_the_law(pendulum, seed):
    theta = exactness.uniform(pendulum.law, 300, seed)
    expected = exactness.by_region(pendulum.law, theta)
    np.testing.assert_allclose(evaluation.vectorised(pendulum.law)(theta), expected, atol=1e-12)
    one_by_one = evaluation.sequential(pendulum.law)
    np.testing.assert_allclose([one_by_one(row) for row in theta], expected, atol=1e-12)
    np.testing.assert_allclose(
        evaluation.network(YANN.from_pwa(pendulum.law))(theta), expected, atol=1e-12
    )


def test_points_on_facets_touch_two_laws(pendulum):
    law = pendulum.law
    theta = exactness.on_facets(law, 500, 0)
    E, f, *_ = evaluation.tables(law)
    slack = f - np.einsum("pqn,bn->bpq", E, theta)
    nearest = np.abs(np.where(E.any(-1), slack, np.inf)).min((1, 2))
    assert nearest.max() < 1e-9
    held = (slack >= -1e-9).all(-1).sum(1)
    assert (held >= 2).mean() > 0.5


def test_a_scattered_law_covers_its_square_and_jumps():
    law = scattered(0)
    theta = exactness.uniform(law, 2000, 0)
    assert (law.locate(torch.from_numpy(theta)) >= 0).all()
    facets = exactness.on_facets(law, 400, 0)
    near = facets + 1e-6 * np.random.default_rng(0).normal(size=facets.shape)
    jumps = np.abs(exactness.by_region(law, facets) - exactness.by_region(law, near)).max(1)
    assert (jumps > 1e-2).mean() > 0.1


def test_exactness_notices_a_missing_selection_and_single_precision(pendulum):
    honest = exactness.is_exact("x", pendulum.law, 500, 0).values
    assert honest["x_error"] < 1e-11
    assert exactness.is_exact("x", pendulum.law, 500, 0, selection=False).values["x_error"] > 1e-3
    assert exactness.is_exact("x", pendulum.law, 500, 0, single=True).values["x_error"] > 1e-9


def test_an_online_solver_agrees(pendulum):
    pytest.importorskip("daqp", reason="needs the solver DAQP")
    values = exactness.agrees_online(pendulum, 300, 0).values
    assert values["pendulum_online_error"] < 1e-8
    assert values["pendulum_uncovered"] <= 0.01


def test_without_a_solver_nothing_is_said_of_it(pendulum, monkeypatch):
    monkeypatch.setattr(exactness, "has_daqp", lambda: False)
    assert exactness.agrees_online(pendulum, 10, 0).flat() == {}
    monkeypatch.setattr(evaluation, "has_daqp", lambda: False)
    names = [c.name for c in evaluation.evaluation_times([pendulum], 0, 1e-3).competitors]
    assert "daqp" not in names


def test_times_are_there_for_every_way(pendulum):
    metrics = evaluation.evaluation_times([pendulum], 0, 1e-3)
    for way in ("yann", "yann-literal", "vectorised", "sequential"):
        assert metrics.timings[f"{way}.single_pendulum_us"] > 0
    assert metrics.timings["yann.batch_pendulum_us"] < metrics.timings["yann.single_pendulum_us"]
    assert "sequential.batch_pendulum_us" not in metrics.timings
    roles = {c.name: c.role for c in metrics.competitors}
    assert roles["yann"] == "method"
    assert roles["sequential"] == "peer"


def test_a_closed_loop_that_is_lost_is_counted():
    case = solved("pendulum")  # its box is not invariant: the motor is too weak
    values = exactness.keeps_promises(case, 0).values
    assert values["pendulum_lost"] > 0.1
    assert values["pendulum_violation"] > 1.0


@pytest.mark.parametrize("name", TASKS)
def test_a_residual_policy_starts_as_its_law(name):
    task = TASKS[name]
    law, actor = task.law, ResidualActor(task.law, task.plant.u_bounds)
    states = task.plant.starts(50, torch.Generator().manual_seed(0))
    low, high = (torch.tensor(b, dtype=torch.float64) for b in task.plant.u_bounds)
    assert (actor(states) == law(states).clamp(low, high)).all()
    actor(states).sum().backward()
    assert actor.residual[-1].weight.grad.any()


def test_a_random_start_is_no_law():
    task = TASKS["pendulum"]
    agent = yann(task, 0, torch.device("cpu"), zero=False)
    states = task.plant.starts(50, torch.Generator().manual_seed(0))
    assert (agent.actor(states) - task.law(states)).abs().max() > 0.1


def test_nonlinear_mpc_is_no_worse_than_linear_mpc_where_the_plant_is_nearly_linear():
    task = TASKS["pendulum"]
    plant = dataclasses.replace(task.plant, steps=12)
    short = dataclasses.replace(task, plant=plant)
    starts = 0.3 * plant.starts(3, torch.Generator().manual_seed(1))
    linear = rollout(plant, task.law, starts).total
    nonlinear = rollout(plant, NonlinearMPC(short, horizon=12, iterations=20), starts).total
    assert (nonlinear <= 1.05 * linear + 1e-3).all()
    clipped = rollout(plant, regulator(task), starts).total
    assert (nonlinear <= 1.05 * clipped + 1e-3).all()


def curve_of(*costs):
    task, floor = TASKS["pendulum"], np.array(costs[0], dtype=float)
    curve = Curve(task, lambda s: s, torch.zeros(len(floor), 2), floor)
    curve.costs = [np.array(c, dtype=float) for c in costs]
    curve.episodes = [5 * i for i in range(len(costs))]
    curve.failures = [0] * len(costs)
    return curve


def test_the_quality_of_a_curve_is_what_it_says():
    quality = curve_of([1.0, 3.0], [1.0, 5.0], [0.5, 3.2]).quality()
    assert quality["initial"] == 2.0
    assert quality["final"] == pytest.approx(1.85)
    assert quality["final_excess"] == pytest.approx(1.85 - 2.09)
    assert quality["curve_excess"] == pytest.approx(3.0 - 2.09)
    assert quality["start_excess"] == pytest.approx(5.0 - 3.25)
    assert quality["worst_increase"] == pytest.approx(0.2)
    assert quality["best_decrease"] == pytest.approx(0.5)


def test_wins_are_counted_start_by_start():
    method, plain = curve_of([1, 9, 3], [1, 1, 3], [2, 2, 2]), curve_of([0, 0, 0], [2, 2, 2])
    parts = [
        competitor(f"pendulum-{name}", name, "peer", curve, {}, Cost())
        for name, curve in (("yann", method), ("ddpg", plain))
    ]
    values = compared(parts, TASKS["pendulum"], 5).values
    assert values["pendulum_initial_wins"] == 1  # 1 < 2 alone
    assert values["pendulum_final_wins"] == 0  # no cost is below 2
    assert values["pendulum_early"] == pytest.approx(5 / 3)
    assert "pendulum_early" not in compared(parts, TASKS["pendulum"], 7).values
    assert not math.isnan(values["pendulum_early"])
