"""The exact network against the ways of evaluating a controller, and the parametric solver's time.

One thread, float64. Sequential search is how parametric toolboxes evaluate a solution: region after
region until one holds the point. The online solver is DAQP, warm data, one program a state. The
dense network is the paper's five layers; at 2,813 regions it has 9e7 weights and is left out.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import daqp
import numpy as np
import torch

from benchmarks.table import Row, compare, show
from provenn.control import (
    YANN,
    MultiParametricQP,
    Polytope,
    chain_of_masses,
    condense,
    explicit_mpc,
    solve,
    zero_order_hold,
)

ROUNDS = 5
"""Pairs of timings."""

BATCH = 10_000
FEW = 100
"""States that the one-by-one ways are timed on, so that a round ends."""

DENSE = 1_000
"""Regions up to which the dense network is built."""


def pendulum() -> dict[str, Any]:
    A, B = zero_order_hold([[0.0, 1.0], [15.0, 0.0]], [[0.0], [3.0]], 0.05)
    weights = {"Q": np.diag([1.0, 0.1]), "R": 1e-3, "horizon": 2}
    return {"A": A, "B": B, **weights, "u_bounds": (-2, 2), "x_bounds": ([-2, -8], [2, 8])}


def double_integrator() -> dict[str, Any]:
    output, rows = np.array([[1.0, 2.0]]), np.array([[0.6136, 1.6099], [0.3742, 0.3682]])
    path = Polytope(np.vstack([output, -output]), [25.0, 25.0])
    return {
        "A": [[1.0, 1.0], [0.0, 1.0]],
        "B": [[0.0], [1.0]],
        **{"Q": np.eye(2), "R": 0.01, "horizon": 10, "u_bounds": (-1, 1), "x_bounds": (-10, 10)},
        "path": Polytope.box([-10, -10], [10, 10]).intersection(path),
        "terminal": Polytope(np.vstack([rows, -rows]), np.ones(4)),
    }


def chain() -> dict[str, Any]:
    A, B = chain_of_masses(2)
    weights = {"Q": np.eye(4), "R": 0.1, "horizon": 9}
    free = {"path": None, "terminal": None}
    return {"A": A, "B": B, **weights, **free, "u_bounds": (-1, 1), "x_bounds": (-4, 4)}


@dataclass
class Controller:
    """One law, evaluated in every way."""

    problem: MultiParametricQP
    yann: YANN

    def __post_init__(self) -> None:
        law = self.yann.law
        regions = [law.region(i) for i in range(law.n_regions)]
        self.regions = [
            (region.A, region.b + 1e-9, K, r)
            for region, K, r in zip(regions, law.gains.numpy(), law.intercepts.numpy(), strict=True)
        ]
        self.normals, self.offsets = law.normals.numpy(), law.offsets.numpy() + 1e-9
        self.lower = np.full(len(self.problem.W), -1e30)

    def states(self, count: int) -> torch.Tensor:
        """Random states that the law holds for."""
        low, high = self.yann.law.domain
        generator = torch.Generator().manual_seed(0)
        drawn = torch.rand(100 + 4 * count, len(low), dtype=torch.float64, generator=generator)
        points = low + (high - low) * drawn
        return points[self.yann.law.locate(points) >= 0][:count]

    def sequential(self, theta: np.ndarray) -> np.ndarray:
        """The first region that holds one state, tried one after the other."""
        for E, f, K, r in self.regions:
            if np.all(E @ theta <= f):
                return K @ theta + r
        return np.zeros(self.yann.law.n_inputs)

    def vectorised(self, theta: np.ndarray) -> np.ndarray:
        """All regions at once, by NumPy."""
        holds = (np.einsum("qpn,bn->bqp", self.normals, theta) <= self.offsets).all(1)
        index = holds.argmax(1)
        law = self.yann.law
        gains, intercepts = law.gains.numpy()[index], law.intercepts.numpy()[index]
        return np.einsum("bmn,bn->bm", gains, theta) + intercepts

    def online(self, theta: np.ndarray) -> np.ndarray:
        """The quadratic program of one state."""
        problem = self.problem
        z, *_ = daqp.solve(
            problem.H,
            problem.Z @ theta + problem.c,
            problem.G,
            problem.W + problem.S @ theta,
            self.lower,
        )
        return z[: self.yann.law.n_inputs]


def each(function: Callable[[np.ndarray], np.ndarray], states: np.ndarray) -> np.ndarray:
    """A function of one state, at all of them."""
    return np.stack([function(theta) for theta in states])


@torch.no_grad()
def evaluation(setting: dict[str, Any]) -> list[Row]:
    problem, law = condense(**setting), explicit_mpc(**setting)
    controller = Controller(problem, YANN.from_pwa(law))
    yann = controller.yann
    one, few, many = (controller.states(count) for count in (1, FEW, BATCH))
    expected = yann(few).numpy()
    for way in (controller.sequential, controller.online):
        np.testing.assert_allclose(each(way, few.numpy()), expected, atol=1e-5)
    np.testing.assert_allclose(controller.vectorised(few.numpy()), expected, atol=1e-9)
    rows = []

    def row(batch: str, other: str, states: torch.Tensor, reference: Callable[[], object]) -> None:
        what = f"{law.n_regions:5d} regions, {batch}: network against {other}"
        rows.append(compare(what, lambda: yann(states), reference, rounds=ROUNDS))

    single = one.numpy()
    row("one state", "sequential search", one, lambda: controller.sequential(single[0]))
    row("one state", "vectorised NumPy", one, lambda: controller.vectorised(single))
    row("one state", "DAQP", one, lambda: controller.online(single[0]))
    listed = few.numpy()
    row(f"{FEW} states", "sequential search", few, lambda: each(controller.sequential, listed))
    row(f"{FEW} states", "vectorised NumPy", few, lambda: controller.vectorised(listed))
    row(f"{FEW} states", "DAQP", few, lambda: each(controller.online, listed))
    array = many.numpy()
    row(f"{BATCH} states", "DAQP", many, lambda: each(controller.online, array))
    if law.n_regions <= DENSE:
        dense = yann.layers()
        row("one state", "its five dense layers", one, lambda: dense(one))
        row(f"{BATCH} states", "its five dense layers", many, lambda: dense(many))
    return rows


def solving(setting: dict[str, Any], seconds: float) -> Row:
    """Time to the regions, against what it may take."""
    start = time.process_time()
    law = explicit_mpc(**setting)
    taken = 1e3 * (time.process_time() - start)
    what = f"{law.n_regions:5d} regions: solved, against the {seconds:g} s allowed"
    return Row(what, taken, 1e3 * seconds, 1e3 * seconds / taken, (">=", 1.0))


def enumerating() -> Row:
    problem = condense(**{**double_integrator(), "horizon": 3})
    return compare(
        f"{len(solve(problem)):5d} regions: facet search against enumeration",
        lambda: solve(problem),
        lambda: solve(problem, "enumeration"),
        rounds=3,
    )


def main() -> int:
    torch.set_num_threads(1)
    rows = [solving(pendulum(), 0.5), solving(double_integrator(), 10.0), solving(chain(), 150.0)]
    rows.append(enumerating())
    for setting in (pendulum(), double_integrator(), chain()):
        rows += evaluation(setting)
    print(show("yann-rl", rows))
    return int(not all(row.reached for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
