"""The plants of the paper and small random ones, as arguments of ``condense``."""

from typing import Any

import numpy as np

from provenn.control import Polytope, zero_order_hold

Setting = dict[str, Any]


def pendulum(Q: Any = ((1.0, 0.0), (0.0, 0.1))) -> Setting:
    """The linearised pendulum of the paper's first case study."""
    A, B = zero_order_hold([[0.0, 1.0], [15.0, 0.0]], [[0.0], [3.0]], 0.05)
    box = ([-2.0, -8.0], [2.0, 8.0])
    return {"A": A, "B": B, "Q": Q, "R": 1e-3, "horizon": 2, "u_bounds": (-2, 2), "x_bounds": box}


def reactor() -> Setting:
    """The linear model of the paper's second case study, without path constraints."""
    A = [[0.9506, 0, 0, 0], [-0.0484, 0.9943, 0, 0], [0, 0, 0.9909, 0], [0.6970, 0.0678, 0, 1.0030]]
    B = [[0.0], [0.0], [0.0], [-0.0007]]
    free = {"path": None, "terminal": None}
    box = ([-2.0, -2.0, -2.0, -70.0], [2.0, 2.0, 2.0, 5.0])
    weights = {"Q": 0.1 * np.eye(4), "R": 1e-4}
    return {"A": A, "B": B, **weights, **free, "horizon": 2, "u_bounds": (-55, 55), "x_bounds": box}


def double_integrator(horizon: int = 10) -> Setting:
    """The example of the official notebook, with its output bound and its terminal set."""
    output = np.array([[1.0, 2.0]])
    path = Polytope.box([-10, -10], [10, 10]).intersection(
        Polytope(np.vstack([output, -output]), [25.0, 25.0])
    )
    rows = np.array([[0.6136, 1.6099], [0.3742, 0.3682]])
    return {
        "A": [[1.0, 1.0], [0.0, 1.0]],
        "B": [[0.0], [1.0]],
        "Q": np.eye(2),
        "R": 0.01,
        "horizon": horizon,
        "u_bounds": (-1, 1),
        "x_bounds": (-10, 10),
        "path": path,
        "terminal": Polytope(np.vstack([rows, -rows]), np.ones(4)),
    }


def random_system(seed: int, n: int = 2, m: int = 1, horizon: int = 2, **given: Any) -> Setting:
    """A random plant, weights and bounds; path and terminal set are the box of the states."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n, n))
    A *= rng.uniform(0.7, 1.2) / np.abs(np.linalg.eigvals(A)).max()
    root = rng.normal(size=(n, n))
    half = rng.uniform(0.5, 2.0, n)
    return {
        "A": A,
        "B": rng.normal(size=(n, m)),
        "Q": root @ root.T,
        "R": np.diag(rng.uniform(0.05, 1.0, m)),
        "horizon": horizon,
        "u_bounds": (-rng.uniform(0.2, 1.0, m), rng.uniform(0.2, 1.0, m)),
        "x_bounds": (-half, half * rng.uniform(0.5, 1.5, n)),
        **given,
    }
