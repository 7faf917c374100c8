"""Plants, laws and agents that the tests of learning share."""

from functools import cache

import torch

from provenn.control import (
    ClippedPendulum,
    PiecewiseAffine,
    Reactor,
    YANNActor,
    YANNCritic,
    explicit_mpc,
)

PLANTS = {"pendulum": ClippedPendulum(), "reactor": Reactor()}
UNHELD = {"path": None, "terminal": None}
HIDDEN = {"pendulum": 16, "reactor": 8}


@cache
def law_of(name: str) -> PiecewiseAffine:
    plant = PLANTS[name]
    sets = UNHELD if name == "reactor" else {}
    return explicit_mpc(
        *plant.linear_model(), plant.state_weight, plant.input_weight, 2,
        u_bounds=plant.u_bounds, x_bounds=plant.x_bounds, **sets,
    )  # fmt: skip


@cache
def law_in_the_paper() -> PiecewiseAffine:
    """The reactor's law from the matrices that the paper prints."""
    A = [[0.9506, 0, 0, 0], [-0.0484, 0.9943, 0, 0], [0, 0, 0.9909, 0], [0.6970, 0.0678, 0, 1.0030]]
    B = [[0.0], [0.0], [0.0], [-0.0007]]
    return explicit_mpc(
        A, B, 0.1 * torch.eye(4), 1e-4, 2, u_bounds=(-55.0, 55.0),
        x_bounds=([-2.0, -2.0, -2.0, -70.0], [2.0, 2.0, 2.0, 5.0]), **UNHELD,
    )  # fmt: skip


def actor_of(name: str, **options: object) -> YANNActor:
    return YANNActor(law_of(name), HIDDEN[name], u_bounds=PLANTS[name].u_bounds, **options)


def critic_of(name: str, **options: object) -> YANNCritic:
    plant = PLANTS[name]
    return YANNCritic(*plant.linear_model(), plant.state_weight, plant.input_weight, **options)


def states_of(name: str, count: int, seed: int = 0) -> torch.Tensor:
    """Points of the plant's domain."""
    low, high = (torch.tensor(b, dtype=torch.float64) for b in PLANTS[name].x_bounds)
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(
        count, len(low), generator=generator, dtype=torch.float64
    )


def two_inputs() -> PiecewiseAffine:
    """A discontinuous law of three states and two inputs, over the halves of a cube."""
    cube = torch.cat([torch.eye(3), -torch.eye(3)]).double()
    ones = torch.ones(6, dtype=torch.float64)
    left, right = ones.clone(), ones.clone()
    left[0], right[3] = 0.0, 0.0
    generator = torch.Generator().manual_seed(3)
    gains = torch.randn(2, 2, 3, generator=generator, dtype=torch.float64)
    shifts = torch.randn(2, 2, generator=generator, dtype=torch.float64)
    return PiecewiseAffine.from_regions(
        [(cube, left, gains[0], shifts[0]), (cube, right, gains[1], shifts[1])]
    )
