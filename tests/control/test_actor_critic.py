"""The actor equals its law at the start, the critic the cost of linear-quadratic control."""

import pytest
import torch

from provenn.control import YANNActor, lqr
from tests.control.plants import (
    HIDDEN,
    PLANTS,
    actor_of,
    critic_of,
    law_in_the_paper,
    law_of,
    states_of,
    two_inputs,
)

NAMES = tuple(PLANTS)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("coupled", [False, True])
@pytest.mark.parametrize("mode", ["paired", "sum", "zero"])
def test_a_new_actor_is_its_law(name, coupled, mode):
    states = states_of(name, 10_000)
    actor, law = actor_of(name, coupled=coupled, mode=mode), law_of(name)
    low, high = (torch.tensor(b, dtype=torch.float64) for b in PLANTS[name].u_bounds)
    assert (actor(states) == law(states).clamp(low, high)).all()
    unclipped = YANNActor(law, 4)
    assert (unclipped(states) == law(states)).all()


def test_the_parameters_are_counted_as_in_the_paper():
    pendulum = YANNActor(law_of("pendulum"), HIDDEN["pendulum"], coupled=True)
    reactor = YANNActor(law_in_the_paper(), HIDDEN["reactor"], coupled=True)
    assert pendulum.literal_parameters() == {"frozen": 2308, "trainable": 12_880}
    assert reactor.literal_parameters() == {"frozen": 1904, "trainable": 3416}
    assert sum(pendulum.literal_parameters().values()) == 15_188
    assert sum(reactor.literal_parameters().values()) == 5320
    separate = YANNActor(law_of("pendulum"), 16)
    assert separate.literal_parameters()["trainable"] == 7 * (3 * 16 + 16 * 16)


@pytest.mark.parametrize("coupled", [False, True])
def test_the_output_is_law_plus_network_of_the_active_region(coupled):
    law = two_inputs()
    actor = YANNActor(law, 4, coupled=coupled)
    with torch.no_grad():
        for parameter in actor.parameters():
            parameter.uniform_(-1, 1)
    states = 2 * torch.rand(200, 3, dtype=torch.float64) - 1
    region = law.locate(states)
    assert set(region.tolist()) == {0, 1}
    of_all = actor.network(states).reshape(200, 2, 2)
    expected = law(states) + of_all[torch.arange(200), region]
    torch.testing.assert_close(actor(states), expected)


def test_regions_learn_apart_unless_they_are_coupled():
    states = states_of("pendulum", 2000)
    region = law_of("pendulum").locate(states)
    here, there = states[region == 0], states[region == 1]
    for coupled in (False, True):
        actor = actor_of("pendulum", coupled=coupled)
        before = actor(there).detach()
        optimiser = torch.optim.SGD(actor.parameters(), lr=1e-2)
        for _ in range(3):
            optimiser.zero_grad()
            actor(here).square().sum().backward()
            optimiser.step()
        assert (actor(there) != before).any() == coupled


def test_regions_and_laws_are_out_of_reach_of_an_optimiser():
    actor = actor_of("pendulum")
    before = {name: b.clone() for name, b in actor.law.named_buffers()}
    optimiser = torch.optim.AdamW(actor.parameters(), lr=0.1, weight_decay=0.5)
    for _ in range(3):
        actor(states_of("pendulum", 50)).sum().backward()
        optimiser.step()
    assert all((b == before[name]).all() for name, b in actor.law.named_buffers())
    assert not list(actor.law.parameters())


def test_outside_every_region_the_law_alone_holds():
    actor = actor_of("pendulum")
    with torch.no_grad():
        for parameter in actor.parameters():
            parameter.uniform_(-1, 1)
    outside = torch.tensor([[3.0, 0.0], [0.0, 9.0]], dtype=torch.float64)
    assert not actor(outside).any()
    law = law_of("pendulum")
    law = type(law)(**{**law.config, "outside": "nearest"}, dtype=torch.float64)
    law.load_state_dict(law_of("pendulum").state_dict())
    assert (YANNActor(law)(outside) == law(outside)).all()
    assert law(outside).any()


def test_the_output_is_clipped_and_its_bounds_are_kept():
    actor = actor_of("pendulum")
    with torch.no_grad():
        actor.network.mixing.fill_(3.0)
        actor.network.weight.uniform_(0, 1)
    u = actor(states_of("pendulum", 1000))
    assert u.abs().max() == 2.0


def test_precisions_agree():
    states = states_of("pendulum", 1000)
    single = actor_of("pendulum", dtype=torch.float32)(states.float())
    torch.testing.assert_close(single.double(), actor_of("pendulum")(states), atol=1e-4, rtol=0.0)


@pytest.mark.parametrize("name", NAMES)
def test_the_critic_is_the_value_of_the_regulator(name):
    plant, gamma = PLANTS[name], 0.97
    A, B = (torch.from_numpy(m) for m in plant.linear_model())
    Q, R = torch.from_numpy(plant.state_weight), torch.from_numpy(plant.input_weight)
    critic = critic_of(name, gamma=gamma)
    P, K = lqr(A, B, Q, R, gamma)
    s = states_of(name, 200)
    u = torch.randn(200, 1, dtype=torch.float64)
    after = s @ A.T + u @ B.T
    stage = ((s @ Q) * s).sum(-1) + ((u @ R) * u).sum(-1)
    best = -(s @ K.T)
    # Bellman: Q(s, u) = C(s, u) + gamma min Q(s+, .), and the minimum is the regulator's.
    ahead = critic(after, -(after @ K.T))
    torch.testing.assert_close(critic(s, u), stage + gamma * ahead)
    torch.testing.assert_close(critic(s, best), ((s @ P) * s).sum(-1))
    for nudge in (1e-3, -1e-3):
        assert (critic(s, best + nudge) > critic(s, best)).all()
    matrix = critic.matrix.detach()
    assert (matrix == matrix.T).all()
    assert torch.linalg.eigvalsh(matrix)[0] > 0


def test_the_papers_critic_takes_the_undiscounted_cost():
    plant = PLANTS["pendulum"]
    A, B = (torch.from_numpy(m) for m in plant.linear_model())
    P, _ = lqr(A, B, plant.state_weight, plant.input_weight)
    matrix = critic_of("pendulum", gamma=0.9, discount_consistent=False).matrix.detach()
    expected = torch.from_numpy(plant.state_weight) + 0.9 * A.T @ P @ A
    torch.testing.assert_close(matrix[:2, :2], expected)
    assert (critic_of("pendulum", gamma=0.9).matrix - matrix).abs().max() > 1e-3


def test_the_form_stays_symmetric_while_it_is_trained():
    critic = critic_of("pendulum")
    optimiser = torch.optim.Adam(critic.parameters(), lr=1e-2)
    for _ in range(5):
        optimiser.zero_grad()
        s, u = states_of("pendulum", 64), torch.randn(64, 1, dtype=torch.float64)
        (critic(s, u) - 1).square().mean().backward()
        optimiser.step()
    torch.testing.assert_close(critic.matrix, critic.matrix.T, atol=1e-9, rtol=1e-9)


def test_a_batch_is_its_rows():
    actor, critic = actor_of("reactor"), critic_of("reactor")
    s = states_of("reactor", 6)
    u = actor(s)
    torch.testing.assert_close(torch.stack([actor(row) for row in s]), u)
    rows = [critic(row, v) for row, v in zip(s, u, strict=True)]
    torch.testing.assert_close(torch.stack(rows), critic(s, u))
    torch.testing.assert_close(actor(s.reshape(2, 3, 4)), u.reshape(2, 3, 1))
