"""The linear problems whose laws are written as networks."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from provenn.control import (
    ClippedPendulum,
    MultiParametricQP,
    PiecewiseAffine,
    Plant,
    Polytope,
    Reactor,
    chain_of_masses,
    condense,
    explicit_mpc,
)

Setting = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """A linear problem with its explicit law.

    Args:
        name: Identifier.
        setting: Arguments of ``explicit_mpc``.
        program: The parametric program.
        law: Its law.
        solve_s: Processor seconds that finding the law took.
    """

    name: str
    setting: Setting
    program: MultiParametricQP
    law: PiecewiseAffine
    solve_s: float

    def points(self, count: int, seed: int) -> NDArray[np.float64]:
        """Random points of the domain."""
        low, high = self.law.domain.numpy()
        return np.random.default_rng(seed).uniform(low, high, (count, len(low)))


def pendulum(angle_weight: float = 1.0, speed_weight: float = 0.1) -> Setting:
    """The linear pendulum, held in its box."""
    weights = np.diag([angle_weight, speed_weight])
    return {**of_plant(ClippedPendulum()), "Q": weights}


def reactor() -> Setting:
    """The linear surrogate of the reactor: inputs are held in bounds, states are not."""
    return {**of_plant(Reactor()), "path": None, "terminal": None}


def printed_reactor() -> Setting:
    """The reactor's matrices as the paper prints them."""
    return {
        "A": [
            [0.9506, 0.0, 0.0, 0.0],
            [-0.0484, 0.9943, 0.0, 0.0],
            [0.0, 0.0, 0.9909, 0.0],
            [0.6970, 0.0678, 0.0, 1.0030],
        ],
        "B": [[0.0], [0.0], [0.0], [-0.0007]],
        "Q": 0.1 * np.eye(4),
        "R": 1e-4,
        "u_bounds": (-55.0, 55.0),
        "x_bounds": ([-2.0, -2.0, -2.0, -70.0], [2.0, 2.0, 2.0, 5.0]),
        "path": None,
        "terminal": None,
    }


def double_integrator() -> Setting:
    """The example of the authors' notebook: an output bound and a terminal set."""
    output = np.array([[1.0, 2.0]])
    rows = np.array([[0.6136, 1.6099], [0.3742, 0.3682]])
    box = Polytope.box([-10.0, -10.0], [10.0, 10.0])
    return {
        "A": [[1.0, 1.0], [0.0, 1.0]],
        "B": [[0.0], [1.0]],
        "Q": np.eye(2),
        "R": 0.01,
        "horizon": 10,
        "u_bounds": (-1.0, 1.0),
        "x_bounds": (-10.0, 10.0),
        "path": box.intersection(Polytope(np.vstack([output, -output]), [25.0, 25.0])),
        "terminal": Polytope(np.vstack([rows, -rows]), np.ones(4)),
    }


def masses() -> Setting:
    """Two masses between springs: four states and thousands of regions."""
    A, B = chain_of_masses(2)
    bounds = {"u_bounds": (-0.5, 0.5), "x_bounds": (-4.0, 4.0)}
    return {"A": A, "B": B, "Q": np.eye(4), "R": 0.1, "horizon": 8, **bounds}


SETTINGS: Mapping[str, Callable[[], Setting]] = {
    "pendulum": pendulum,
    "pendulum-9": lambda: pendulum(1.0, 1.0),
    "reactor": reactor,
    "printed-reactor": printed_reactor,
    "double-integrator": double_integrator,
    "masses": masses,
}


def of_plant(plant: Plant) -> Setting:
    """The linear problem of a plant, with a horizon of two steps."""
    A, B = plant.linear_model()
    return {
        "A": A,
        "B": B,
        "Q": plant.state_weight,
        "R": plant.input_weight,
        "horizon": 2,
        "u_bounds": plant.u_bounds,
        "x_bounds": plant.x_bounds,
    }


def solved(name: str) -> Case:
    """A problem with its law, found anew."""
    setting = SETTINGS[name]()
    start = time.process_time()
    law = explicit_mpc(**setting)
    took = time.process_time() - start
    return Case(name, setting, condense(**setting), law, took)


def scattered(seed: int, cuts: int = 4) -> PiecewiseAffine:
    """A random discontinuous law of two states and two inputs, on the parts of a cut square."""
    rng = np.random.default_rng(seed)
    square = Polytope.box([-1.0, -1.0], [1.0, 1.0])
    parts = [(square.A, square.b)]
    for _ in range(cuts):
        normal, offset = rng.normal(size=2), rng.uniform(-0.5, 0.5)
        halves = [
            (np.vstack([A, sign * normal]), np.append(b, sign * offset))
            for A, b in parts
            for sign in (1.0, -1.0)
        ]
        parts = [half for half in halves if Polytope(*half).chebyshev()[1] > 1e-3]
    laws = [(rng.normal(size=(2, 2)), rng.normal(size=2)) for _ in parts]
    return PiecewiseAffine.from_regions(
        [(*part, *law) for part, law in zip(parts, laws, strict=True)], dtype=torch.float64
    )
