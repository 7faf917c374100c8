"""Plants against other simulators of the same equations, and laws in closed loop on them."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from provenn.control import (
    ClippedPendulum,
    PlantEpisodes,
    Reactor,
    lqr,
    plot_trajectories,
    rollout,
)
from tests.control.plants import PLANTS, actor_of, law_of

gymnasium = pytest.importorskip("gymnasium", reason="needs the extra 'control'")


def starts_of(name, count, seed=0):
    return PLANTS[name].starts(count, torch.Generator().manual_seed(seed))


def test_the_pendulum_is_that_of_gymnasium():
    env = gymnasium.make("Pendulum-v1").unwrapped
    env.reset(seed=0)
    plant = ClippedPendulum()
    state = torch.tensor([2.5, -3.0], dtype=torch.float64)
    env.state = state.numpy().copy()
    rng = np.random.default_rng(0)
    for _ in range(300):
        u = rng.uniform(-3.0, 3.0, 1)
        state, cost, failed = plant.step(state, torch.from_numpy(u))
        observation, reward, *_ = env.step(u)
        np.testing.assert_allclose(plant.features(state).numpy(), observation, atol=1e-4)
        assert float(cost) == pytest.approx(-reward, abs=1e-9)
        assert not failed
    assert -math.pi <= float(state[0]) < math.pi


def test_the_linear_pendulum_is_that_of_the_paper():
    A, B = ClippedPendulum().linear_model()
    np.testing.assert_allclose(A, [[1.0188, 0.0503], [0.7547, 1.0188]], atol=5e-5)
    np.testing.assert_allclose(B, [[0.0038], [0.1509]], atol=5e-5)
    P, K = lqr(A, B, ClippedPendulum().state_weight, ClippedPendulum().input_weight)
    np.testing.assert_allclose(P, [[7.826, 0.298], [0.298, 0.145]], atol=0.02)
    np.testing.assert_allclose(K, [[19.65, 5.72]], atol=0.02)


def reaction(_, x, cooling):
    """The reactor's equations, as the sheet of the surrogate writes them."""
    a, b, s, t = x
    k1 = 4e14 * math.exp(-1.28e5 / (8.314 * t))
    k2 = 1e84 * math.exp(-8e5 / (8.314 * t))
    return [
        0.5 * (4.3 - a) - k1 * a * b,
        0.5 * (5.1 - b) - k1 * a * b,
        0.5 * (3.0 - s) - k2 * s,
        0.5 * (460 - t) + (45600 * k1 * a * b + 320000 * k2 * s) / 3150 - cooling * (t - 373),
    ]


def test_the_reactor_solves_its_equations():
    plant = Reactor()
    steady, idle = plant.steady
    np.testing.assert_allclose(steady, [0.45608, 1.25608, 2.99937, 475.0], atol=1e-5)
    assert float(idle) == pytest.approx(0.199557, abs=1e-6)
    for state in starts_of("reactor", 5):
        for u in (-0.19, 0.0, 0.1):
            solved = solve_ivp(
                reaction, (0, plant.dt), (state + steady).numpy(), rtol=1e-11, atol=1e-12,
                args=(float(idle) + u,),
            )  # fmt: skip
            after = plant.step(state, torch.tensor([u], dtype=torch.float64)).state
            np.testing.assert_allclose(after, solved.y[:, -1] - steady.numpy(), atol=1e-5)


def test_the_linear_reactor_is_that_of_its_sheet():
    A, B = Reactor().linear_model()
    expected = [
        [0.92424, -0.0245, 0, -0.0021], [-0.06747, 0.9672, 0, -0.0021], [0, 0, 0.9917, 0],
        [0.97512, 0.35406, 0.00018, 1.01893],
    ]  # fmt: skip
    np.testing.assert_allclose(A, expected, atol=5e-5)
    np.testing.assert_allclose(B, [[0.00181], [0.00181], [0], [-1.71645]], atol=5e-5)


def test_a_reactor_that_is_too_hot_fails_and_pays():
    plant = Reactor()
    hot = torch.tensor([[0.5, 0.5, 0.0, 4.9], [0.0, 0.0, 0.0, 0.0]], dtype=torch.float64)
    step = plant.step(hot, torch.full((2, 1), -0.19, dtype=torch.float64))
    assert step.failed.tolist() == [True, False]
    assert step.cost[0] > 1e5 > step.cost[1]
    run = rollout(plant, lambda s: torch.full((2, 1), -0.19, dtype=torch.float64), hot, steps=10)
    assert run.failed[0]
    assert run.costs[0, 1:].count_nonzero() == 0
    assert (run.states[0, 2:] == run.states[0, 1]).all()
    runaway = torch.tensor([0.0, 0.0, 0.0, 1e4], dtype=torch.float64)
    assert plant.step(runaway, torch.zeros(1, dtype=torch.float64)).failed


@pytest.mark.parametrize("name", PLANTS)
def test_single_precision_follows_double(name):
    plant, starts = PLANTS[name], starts_of(name, 20)
    u = torch.zeros(20, 1, dtype=torch.float64)
    double, single = plant.step(starts, u), plant.step(starts.float(), u.float())
    torch.testing.assert_close(single.state.double(), double.state, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(single.cost.double(), double.cost, atol=1e-3, rtol=1e-4)
    assert single.state.dtype == torch.float32


@pytest.mark.parametrize("name", PLANTS)
def test_copies_do_not_touch(name):
    plant, starts = PLANTS[name], starts_of(name, 6)
    u = 0.1 * torch.randn(6, 1, dtype=torch.float64)
    together = plant.step(starts, u)
    for i in range(6):
        alone = plant.step(starts[i], u[i])
        torch.testing.assert_close(alone.state, together.state[i])
    folded = plant.step(starts.reshape(2, 3, -1), u.reshape(2, 3, 1))
    torch.testing.assert_close(folded.state.reshape(6, -1), together.state)
    assert plant.features(starts).shape == (6, plant.n_features)


@pytest.mark.parametrize("name", PLANTS)
def test_a_new_actor_and_its_law_coincide_in_closed_loop_on_the_linear_plant(name):
    plant, law, actor = PLANTS[name], law_of(name), actor_of(name)
    A, B = (torch.from_numpy(m) for m in plant.linear_model())
    s = 0.3 * starts_of(name, 100)
    low, high = (torch.tensor(b, dtype=torch.float64) for b in plant.x_bounds)
    t = s.clone()
    for _ in range(20):
        u, v = actor(s), law(t)
        assert (u.abs() <= plant.u_bounds[1][0]).all()
        assert (u - v).abs().max() <= 1e-9
        s, t = s @ A.T + u @ B.T, t @ A.T + v @ B.T
        assert ((s >= low - 1e-9) & (s <= high + 1e-9)).all()


def test_the_law_keeps_the_reactor_safe_where_others_do_not():
    plant, starts = PLANTS["reactor"], starts_of("reactor", 20)
    assert not rollout(plant, actor_of("reactor"), starts).failed.any()
    half = -0.5 * float(plant.steady[1])
    careless = rollout(plant, lambda s: torch.full((len(s), 1), half, dtype=s.dtype), starts)
    assert careless.failed.sum() >= 15
    idle = rollout(plant, lambda s: torch.zeros(len(s), 1, dtype=s.dtype), starts)
    assert idle.failed.sum() <= 4


def test_the_law_catches_the_pendulum_from_most_starts():
    costs = rollout(PLANTS["pendulum"], actor_of("pendulum"), starts_of("pendulum", 50)).total
    caught, swung = costs[costs < 60], costs[costs >= 60]
    assert len(caught) >= 35
    assert caught.max() < 10
    assert ((swung > 115) & (swung < 145)).all()


# Advice, not faults: what is seen has no bounds, and inputs are in the plant's own units.
@pytest.mark.filterwarnings("ignore:.*infinity:UserWarning")
@pytest.mark.filterwarnings("ignore:.*normalized space:UserWarning")
@pytest.mark.parametrize("name", ["provenn/ClippedPendulum-v0", "provenn/Reactor-v0"])
@pytest.mark.parametrize("observe", ["state", "features"])
def test_the_environments_pass_the_checker_of_gymnasium(name, observe):
    from gymnasium.utils.env_checker import check_env

    env = gymnasium.make(name, observe=observe, render_mode="rgb_array")
    env.reset(seed=0)
    env.step(env.action_space.sample())
    check_env(env.unwrapped, skip_render_check=True)
    env.reset(seed=0)
    env.step(env.action_space.sample())
    picture = env.render()
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.shape[2] == 3
    env.close()


@pytest.mark.parametrize("name", PLANTS)
def test_an_environment_is_the_episodes_it_wraps(name):
    ids = {"pendulum": "provenn/ClippedPendulum-v0", "reactor": "provenn/Reactor-v0"}
    env = gymnasium.make(ids[name])
    first, _ = env.reset(seed=3)
    again, _ = env.reset(seed=3)
    assert (first == again).all()
    plant = PLANTS[name]
    total, steps, over = 0.0, 0, False
    while not over:
        _, reward, terminated, truncated, _ = env.step(np.zeros(1, np.float32))
        total, steps, over = total + reward, steps + 1, terminated or truncated
    run = rollout(plant, lambda s: 0 * s[:, :1], env.unwrapped.episodes.trajectory().states[:, 0])
    assert total == pytest.approx(-float(run.total), rel=1e-9)
    assert terminated == bool(run.failed)
    assert terminated or steps == plant.steps


def test_episodes_end_by_failure_or_by_time():
    episodes = PlantEpisodes(Reactor(steps=5))
    episodes.reset(seed=0)
    ends = [episodes.step(np.zeros(1))[2:4] for _ in range(5)]
    assert ends[:-1] == [(False, False)] * 4
    assert ends[-1] == (False, True)
    assert episodes.trajectory().states.shape == (1, 6, 4)


def test_trajectories_are_drawn_with_their_failures_in_red():
    plant, starts = PLANTS["reactor"], starts_of("reactor", 3)
    run = rollout(plant, lambda s: torch.full((3, 1), -0.1, dtype=s.dtype), starts, steps=60)
    figure = plot_trajectories(plant, run)
    assert [axes.get_ylabel() for axes in figure.axes] == [
        *plant.state_names, *plant.input_names, "cost so far",
    ]  # fmt: skip
    colours = [line.get_color() for line in figure.axes[0].lines[:3]]
    assert colours == ["C3" if failed else "C0" for failed in run.failed]
    figure.canvas.draw()
