"""Ways to evaluate an explicit law, and how long each takes."""

import importlib.util
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray

from provenn.control import YANN, MultiParametricQP, PiecewiseAffine
from provenn.evidence.metrics import Competitor, Cost, Metrics, Role
from provenn.papers.controllers.cases import Case

Point = NDArray[np.float64]
Evaluate = Callable[[Point], Point]
"""From one state to the input, or from states to inputs; NaN where there is none."""

LARGEST_LAYER = 2e7
"""Entries of the dense network's largest matrix beyond which it is not built."""
SINGLE = 200
"""States that are evaluated one by one."""
BATCH = 1000
"""States that are evaluated together."""
LABELS = {
    "yann": "YANN, block form",
    "yann-literal": "YANN, five dense layers",
    "vectorised": "all regions at once (NumPy)",
    "sequential": "region by region (NumPy)",
    "daqp": "online QP (DAQP)",
}
ROLES: Mapping[str, Role] = {
    "yann": "method",
    "yann-literal": "method",
    "vectorised": "baseline",
    "sequential": "peer",
    "daqp": "peer",
}


def sequential(law: PiecewiseAffine) -> Evaluate:
    """Region by region, until one holds the state, as PPOPT evaluates a solution."""
    regions = [
        (E[:n].copy(), f[:n] + law.tolerance, K, r)
        for E, f, K, r, n in zip(*tables(law), law.rows.tolist(), strict=True)
    ]

    def evaluate(theta: Point) -> Point:
        for E, f, K, r in regions:
            if np.all(E @ theta <= f):
                return np.asarray(K @ theta + r)
        return np.zeros(law.n_inputs)

    return evaluate


def vectorised(law: PiecewiseAffine) -> Evaluate:
    """All half-spaces at once, then the first region that holds."""
    E, f, K, r = tables(law)
    rows, limits = E.reshape(-1, law.state_dim), f.ravel() + law.tolerance

    def evaluate(theta: Point) -> Point:
        many = np.atleast_2d(theta)
        holds = np.less_equal(many @ rows.T, limits).reshape(len(many), *f.shape)
        inside = np.all(holds, -1)
        first = np.argmax(inside, -1)
        u = np.einsum("bmn,bn->bm", K[first], many) + r[first]
        u[~np.any(inside, -1)] = 0.0
        return np.asarray(u if theta.ndim == 2 else u[0])

    return evaluate


def online(program: MultiParametricQP, n_inputs: int) -> Evaluate:
    """A quadratic program for each state, by DAQP; NaN where it is infeasible."""
    import daqp

    below = np.full(len(program.W), -1e30)

    def evaluate(theta: Point) -> Point:
        linear, right = program.Z @ theta + program.c, program.W + program.S @ theta
        z, _, flag, _ = daqp.solve(program.H, linear, program.G, right, below, primal_tol=1e-11)
        return np.asarray(z[:n_inputs]) if flag == 1 else np.full(n_inputs, np.nan)

    return evaluate


def network(module: torch.nn.Module) -> Evaluate:
    """A network as it is called, in its own precision."""
    dtype = next(module.buffers()).dtype

    def evaluate(theta: Point) -> Point:
        with torch.inference_mode():
            u: Point = module(torch.from_numpy(theta).to(dtype)).double().numpy()
        return u

    return evaluate


def tables(law: PiecewiseAffine) -> tuple[Point, Point, Point, Point]:
    """Normals, offsets, gains and intercepts in double precision, regions first."""
    normals, offsets = law.normals.transpose(0, 1), law.offsets.T
    E, f, K, r = (
        np.ascontiguousarray(b.double().numpy())
        for b in (normals, offsets, law.gains, law.intercepts)
    )
    return E, f, K, r


def has_daqp() -> bool:
    """Whether DAQP is installed."""
    return importlib.util.find_spec("daqp") is not None


def is_small(law: PiecewiseAffine) -> bool:
    """Whether the dense network fits in memory."""
    return law.n_half_spaces * law.n_regions <= LARGEST_LAYER


def evaluation_times(cases: Sequence[Case], seed: int, seconds: float) -> Metrics:
    """Time and memory of every way of evaluation, for each law.

    Args:
        cases: Laws and their programs.
        seed: Seed of the states, which the laws hold.
        seconds: Time spent on each way, for each law.

    Returns:
        A competitor for each way, and the timings ``WAY.single_CASE_us`` and
        ``WAY.batch_CASE_us``, microseconds of processor time for a state, one state a call and a
        thousand a call. The dense layers are left out where they would not fit in memory.
    """
    timings: dict[str, float] = {}
    scalars: dict[str, float] = {}
    for case in cases:
        single, together = _ways(case)
        states = held(case, BATCH, seed)
        one = list(states[:SINGLE])
        for way, each in _microseconds(single, one, seconds).items():
            timings[f"{way}.single_{case.name}_us"] = each
            scalars[way] = max(scalars.get(way, 0.0), _stored(way, case))
        for way, each in _microseconds(together, [states], seconds).items():
            timings[f"{way}.batch_{case.name}_us"] = each / len(states)
    entrants = [
        Competitor(
            name=way,
            label=label,
            role=ROLES[way],
            quality={"stored_scalars": scalars[way]},
            cost=Cost(parameters=0),
            package="daqp" if way == "daqp" else "",
        )
        for way, label in LABELS.items()
        if way in scalars
    ]
    return Metrics(timings=timings, competitors=entrants)


def _ways(case: Case) -> tuple[dict[str, Evaluate], dict[str, Evaluate]]:
    """The ways for one state and for many."""
    law = case.law
    yann = YANN.from_pwa(law)
    single = {
        "yann": network(yann),
        "vectorised": vectorised(law),
        "sequential": sequential(law),
    }
    if is_small(law):
        single["yann-literal"] = network(yann.layers())
    together = {way: run for way, run in single.items() if way != "sequential"}
    if has_daqp():
        single["daqp"] = online(case.program, law.n_inputs)
    return single, together


def _stored(way: str, case: Case) -> float:
    """Scalars that a way of evaluation keeps for the largest law that it is given."""
    law, program = case.law, case.program
    if way == "daqp":
        return float(sum(part.size for part in (program.H, program.Z, program.G, program.S)))
    if way == "yann-literal":
        return float(sum(b.numel() for b in YANN.from_pwa(law).layers().buffers()))
    return float(sum(table.size for table in tables(law)))


def held(case: Case, count: int, seed: int) -> NDArray[np.float64]:
    """Random states that some region holds."""
    found: list[NDArray[np.float64]] = []
    while sum(map(len, found)) < count:
        points = case.points(4 * count, seed + len(found))
        found.append(points[case.law.locate(torch.from_numpy(points)).numpy() >= 0])
    return np.concatenate(found)[:count]


def _microseconds(
    ways: Mapping[str, Evaluate], calls: list[Point], seconds: float
) -> dict[str, float]:
    """Median over rounds of the mean over calls; the ways take turns."""
    for evaluate in ways.values():
        evaluate(calls[0])
    times: dict[str, list[float]] = {way: [] for way in ways}
    end = time.process_time() + seconds * len(ways)
    while not all(times.values()) or time.process_time() < end:
        for way, evaluate in ways.items():
            start = time.process_time()
            for theta in calls:
                evaluate(theta)
            times[way].append(1e6 * (time.process_time() - start) / len(calls))
    return {way: median(found) for way, found in times.items()}
