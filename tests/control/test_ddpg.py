"""Learning: the updates are those of the algorithm, repeat themselves, and improve a plant."""

import copy

import numpy as np
import pytest
import torch

from provenn.control import (
    DDPG,
    YANNDDPG,
    ClippedPendulum,
    MLPActor,
    MLPCritic,
    PlantEpisodes,
    Reactor,
    rollout,
)
from provenn.control.replay import ReplayBuffer, Transitions
from tests.control.plants import PLANTS, actor_of, critic_of


def batch_of(count=16):
    g = torch.Generator().manual_seed(0)
    draw = [torch.randn(count, n, generator=g, dtype=torch.float64) for n in (2, 1, 2)]
    done = (torch.arange(count) % 4 == 0).double()
    return Transitions(draw[0], draw[1], torch.rand(count, dtype=torch.float64), draw[2], done)


def plain_agent(**options):
    torch.manual_seed(0)
    actor = MLPActor(2, 1, dtype=torch.float64, u_bounds=(-2.0, 2.0), hidden=(8,))
    return DDPG(actor, MLPCritic(2, 1, dtype=torch.float64, hidden=(8,)), **options)


def weights(module):
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def test_an_update_is_that_of_the_algorithm():
    agent = plain_agent(gamma=0.9, tau_actor=0.25, tau_critic=0.125)
    actor, critic = copy.deepcopy(agent.actor), copy.deepcopy(agent.critic)
    target_actor, target_critic = (copy.deepcopy(t) for t in agent.targets)
    batch = batch_of()
    agent.update(batch)
    y = batch.cost.clone()
    with torch.no_grad():
        ahead = target_critic(batch.after, target_actor(batch.after))
        y[batch.done == 0] += 0.9 * ahead[batch.done == 0]
    optimiser = torch.optim.Adam(critic.parameters(), lr=1e-3)
    (critic(batch.state, batch.u) - y).pow(2).mean().backward()
    optimiser.step()
    torch.testing.assert_close(weights(agent.critic), weights(critic))
    critic.requires_grad_(False)
    optimiser = torch.optim.Adam(actor.parameters(), lr=1e-4)
    critic(batch.state, actor(batch.state)).mean().backward()
    optimiser.step()
    torch.testing.assert_close(weights(agent.actor), weights(actor))
    moved = 0.75 * weights(target_actor) + 0.25 * weights(actor)
    torch.testing.assert_close(weights(agent.targets[0]), moved)
    moved = 0.875 * weights(target_critic) + 0.125 * weights(critic)
    torch.testing.assert_close(weights(agent.targets[1]), moved)


def test_the_actor_goes_down_the_cost():
    agent = plain_agent(lr_actor=1e-2)
    batch = batch_of(256)
    before = agent.critic(batch.state, agent.actor(batch.state)).mean().item()
    frozen = copy.deepcopy(agent.critic)
    for _ in range(20):
        agent.critic.load_state_dict(frozen.state_dict())
        agent.update(batch)
    assert frozen(batch.state, agent.actor(batch.state)).mean().item() < before - 0.01


def test_a_broken_limit_is_the_end_and_a_time_limit_is_not():
    seen = []

    class Watched(DDPG):
        def observe(self, state, u, cost, after, *, done):
            seen.append((cost, done))
            super().observe(state, u, cost, after, done=done)

    actor = MLPActor(4, 1, u_bounds=(-0.19, -0.18), hidden=(4,))
    agent = Watched(actor, MLPCritic(4, 1, hidden=(4,)), noise=0)
    record = agent.learn(PlantEpisodes(Reactor(), "features"), episodes=1)
    assert record.failures == [True]
    assert seen[-1][1] is True
    assert seen[-1][0] > 1e5
    assert record.costs == [pytest.approx(sum(cost for cost, _ in seen))]
    agent = Watched(MLPActor(2, 1, u_bounds=(-2.0, 2.0), hidden=(4,)), MLPCritic(2, 1, hidden=(4,)))
    seen.clear()
    agent.learn(PlantEpisodes(ClippedPendulum(steps=7)), episodes=2)
    assert [done for _, done in seen] == [False] * 14


def test_yann_ddpg_explores_nothing_and_starts_as_its_law():
    plant, actor = PLANTS["pendulum"], actor_of("pendulum")
    agent = YANNDDPG(actor, critic_of("pendulum"), batch_size=1000)
    episodes = PlantEpisodes(plant)
    record = agent.learn(episodes, episodes=1)
    start = episodes.trajectory().states[:, 0]
    expected = rollout(plant, actor_of("pendulum"), start)
    torch.testing.assert_close(episodes.trajectory().inputs, expected.inputs)
    assert record.costs == [pytest.approx(float(expected.total))]
    assert agent.noise == 0


def test_noise_is_gaussian_in_units_of_half_the_range():
    agent = plain_agent(noise=0.05)
    quiet = agent.predict(torch.zeros(2, dtype=torch.float64))
    state = torch.zeros(2, dtype=torch.float64)
    draws = torch.stack([agent._explore(state) for _ in range(2000)]) - quiet
    assert float(draws.std()) == pytest.approx(0.1, rel=0.1)
    assert float(draws.mean()) == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("name", PLANTS)
def test_learning_repeats_itself(name):
    plant = type(PLANTS[name])(steps=40)
    results = []
    for _ in range(2):
        torch.manual_seed(5)
        agent = YANNDDPG(actor_of(name), critic_of(name), seed=3, batch_size=16)
        record = agent.learn(PlantEpisodes(plant), episodes=2)
        results.append((record.costs, weights(agent.actor), weights(agent.critic)))
    assert results[0][0] == results[1][0]
    assert (results[0][1] == results[1][1]).all()
    assert (results[0][2] == results[1][2]).all()
    torch.manual_seed(5)
    other = YANNDDPG(actor_of(name), critic_of(name), seed=4, batch_size=16)
    assert other.learn(PlantEpisodes(plant), episodes=2).costs != results[0][0]


def test_small_steps_keep_the_law_on_a_plant_it_knows():
    plant, starts = PLANTS["reactor"], PLANTS["reactor"].starts(10, torch.Generator())
    before = rollout(plant, actor_of("reactor"), starts)
    torch.manual_seed(0)
    agent = YANNDDPG(actor_of("reactor"), critic_of("reactor"), seed=1)
    record = agent.learn(PlantEpisodes(plant), episodes=2)
    after = rollout(plant, agent.predict, starts)
    assert record.failures == [False, False]
    assert not after.failed.any()
    assert (after.total <= 1.05 * before.total + 0.1).all()
    assert (weights(agent.actor) != weights(actor_of("reactor"))).any()


def test_an_ordinary_agent_learns_a_short_task():
    plant = ClippedPendulum(steps=30)
    starts = plant.starts(20, torch.Generator().manual_seed(9))
    torch.manual_seed(0)
    agent = DDPG(
        MLPActor(2, 1, u_bounds=(-2.0, 2.0), hidden=(32,)), MLPCritic(2, 1, hidden=(64, 64)),
        lr_actor=3e-3, lr_critic=1e-2, gamma=0.95, tau_actor=0.02, tau_critic=0.02, noise=0.3,
    )  # fmt: skip

    def cost():
        return float(rollout(plant, lambda s: agent.predict(s).double(), starts).total.mean())

    before = cost()
    finished = []
    agent.learn(PlantEpisodes(plant), episodes=60, callback=finished.append)
    assert cost() < 0.5 * before
    assert finished == list(range(1, 61))


def test_predictions_come_back_as_they_were_asked():
    agent = plain_agent()
    assert isinstance(agent.predict(np.zeros(2)), np.ndarray)
    assert agent.predict(np.zeros((5, 2))).shape == (5, 1)
    tensor = agent.predict(torch.zeros(3, 2, dtype=torch.float64))
    assert isinstance(tensor, torch.Tensor)
    assert not tensor.requires_grad


def test_learning_goes_on_where_it_stopped():
    plant = ClippedPendulum(steps=10)
    episodes = PlantEpisodes(plant)
    agent = YANNDDPG(actor_of("pendulum"), critic_of("pendulum"), seed=0)
    first, second = agent.learn(episodes, 2), agent.learn(episodes, 2)
    assert first.costs != second.costs
    assert first.steps == second.steps == 20


def test_gradients_of_the_critic_are_clipped():
    changes = []
    for limit in (None, 1e-12):
        agent = plain_agent(max_grad_norm=limit)
        before = weights(agent.critic)
        agent.update(batch_of())
        changes.append(float((weights(agent.critic) - before).abs().max()))
    assert changes[1] < 0.5 * changes[0]


def test_the_buffer_grows_and_forgets():
    buffer = ReplayBuffer(1, 1, capacity=5000, dtype=torch.float64)
    for i in range(6000):
        value = torch.tensor([float(i)], dtype=torch.float64)
        buffer.add(value, 2 * value, 3.0 * i, value + 1, done=i % 2 == 0)
    assert len(buffer) == 5000
    drawn = buffer.sample(20_000, torch.Generator().manual_seed(0))
    assert int(drawn.state.min()) == 1000
    assert int(drawn.state.max()) == 5999
    assert (drawn.u == 2 * drawn.state).all()
    assert (drawn.after == drawn.state + 1).all()
    assert (drawn.cost == 3 * drawn.state.squeeze(1)).all()
    assert (drawn.done == (drawn.state.squeeze(1) % 2 == 0)).all()
    endless = ReplayBuffer(1, 1)
    for _ in range(5000):
        endless.add(torch.zeros(1), torch.zeros(1), 0.0, torch.zeros(1), done=False)
    assert len(endless) == 5000
