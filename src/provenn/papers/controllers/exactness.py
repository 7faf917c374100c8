"""How exactly a network is the law it was written from."""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from provenn.control import YANN, DenseYANN, PiecewiseAffine
from provenn.evidence.metrics import Metrics
from provenn.papers.controllers.cases import Case
from provenn.papers.controllers.evaluation import (
    has_daqp,
    is_small,
    network,
    online,
    sequential,
    tables,
)

States = NDArray[np.float64]

LOOPS = 100
"""Starts of closed loops."""
STEPS = 20
"""Their length."""
SETTLED = 60
"""Steps after which a closed loop is asked whether it has come to rest."""
EDGE = 1e-6
"""How far inside every constraint a state must be for two solvers to agree on feasibility."""


def is_exact(
    name: str,
    law: PiecewiseAffine,
    points: int,
    seed: int,
    *,
    selection: bool = True,
    single: bool = False,
) -> Metrics:
    """Largest and mean distance of the network's two forms from the law, facets included.

    Args:
        name: What the metrics are called after.
        law: The law.
        points: Random points of the domain; half as many on facets.
        seed: Seed of the points.
        selection: Whether layer 3 lets only one region speak (if not: negative control).
        single: Whether the network is rounded to single precision (negative control).

    Returns:
        ``NAME_error`` and ``NAME_mean_error`` over both forms, ``NAME_regions``,
        ``NAME_half_spaces``.
    """
    theta = np.concatenate([uniform(law, points, seed), on_facets(law, points // 2, seed)])
    expected = by_region(law, theta)
    yann = YANN.from_pwa(law)
    forms: list[torch.nn.Module] = [yann]
    if is_small(law):
        forms.append(without_selection(yann.layers()) if not selection else yann.layers())
    errors = []
    for form in forms:
        found = network(form.float() if single else form)(theta)
        errors.append(np.abs(found - expected))
    return Metrics(
        values={
            f"{name}_error": float(max(e.max() for e in errors)),
            f"{name}_mean_error": float(max(e.mean() for e in errors)),
            f"{name}_regions": float(law.n_regions),
            f"{name}_half_spaces": float(law.n_half_spaces),
        }
    )


def agrees_online(case: Case, points: int, seed: int) -> Metrics:
    """Distance from an online solver of the same program; nothing where none is installed.

    Returns:
        ``NAME_online_error`` over states that both call feasible, and ``NAME_uncovered``, the
        share of states inside the law's domain where only the solver finds an input.
    """
    if not has_daqp():
        return Metrics()
    theta = case.points(points, seed)
    solver = online(case.program, case.law.n_inputs)
    solved = np.stack([solver(row) for row in theta])
    region = case.law.locate(torch.from_numpy(theta)).numpy()
    feasible = ~np.isnan(solved[:, 0])
    both = feasible & (region >= 0)
    found = network(YANN.from_pwa(case.law))(theta[both])
    return Metrics(
        values={
            f"{case.name}_online_error": float(np.abs(found - solved[both]).max()),
            f"{case.name}_uncovered": float((feasible & (region < 0)).mean()),
        }
    )


def keeps_promises(case: Case, seed: int) -> Metrics:
    """Closed loops of network and law on the linear plant, from feasible starts.

    Returns:
        ``NAME_loop_error``, how far the two come apart in 20 steps; ``NAME_violation``, by how
        much a state or input leaves its bounds; ``NAME_lost``, the share of starts from which the
        law runs out of feasible states; ``NAME_rest``, the largest distance from rest at the end.
    """
    law = case.law
    A, B = (torch.as_tensor(np.asarray(case.setting[key], dtype=float)) for key in ("A", "B"))
    starts = torch.from_numpy(uniform(law, 40 * LOOPS, seed))
    starts = starts[law.locate(starts) >= 0][:LOOPS]
    low, high = law.domain
    u_low, u_high = case.setting["u_bounds"]
    yann = YANN.from_pwa(law)
    form = yann.layers() if is_small(law) else yann
    direct = sequential(law)
    by_network = by_law = starts
    apart = violation = 0.0
    lost = torch.zeros(len(starts), dtype=torch.bool)
    for step in range(SETTLED):
        u = form(by_network)
        if step < STEPS:
            v = torch.from_numpy(np.stack([direct(row) for row in by_law.numpy()]))
            by_law = by_law @ A.T + v @ B.T
        by_network = by_network @ A.T + u @ B.T
        if step < STEPS:
            apart = max(apart, float((by_network - by_law).abs().max()))
        lost |= law.locate(by_network) < 0
        beyond = torch.cat(
            [
                by_network - high,
                low - by_network,
                u - torch.as_tensor(u_high),
                -u + torch.as_tensor(u_low),
            ],
            -1,
        )
        violation = max(violation, float(beyond.max()))
    return Metrics(
        values={
            f"{case.name}_loop_error": apart,
            f"{case.name}_violation": max(0.0, violation),
            f"{case.name}_lost": float(lost.double().mean()),
            f"{case.name}_rest": float(by_network.abs().max()),
        }
    )


def uniform(law: PiecewiseAffine, count: int, seed: int) -> States:
    """Random points of the law's domain."""
    low, high = law.domain.double().numpy()
    return np.random.default_rng(seed).uniform(low, high, (count, law.state_dim))


def on_facets(law: PiecewiseAffine, count: int, seed: int) -> States:
    """Points where a ray from inside a region leaves it."""
    rng = np.random.default_rng(seed)
    found: list[States] = []
    while sum(map(len, found)) < count:
        theta = uniform(law, 4 * count, seed + 1 + len(found))
        region = law.locate(torch.from_numpy(theta)).numpy()
        theta, region = theta[region >= 0], region[region >= 0]
        ray = rng.normal(size=theta.shape)
        E, f = (table[region] for table in tables(law)[:2])
        speed = np.einsum("bqn,bn->bq", E, ray)
        room = f - np.einsum("bqn,bn->bq", E, theta)
        reach = np.divide(room, speed, out=np.full_like(room, np.inf), where=speed > 1e-9)
        found.append(theta + reach.min(1)[:, None] * ray)
    return np.concatenate(found)[:count]


def without_selection(dense: DenseYANN) -> DenseYANN:
    """The dense network with a third layer that lets every region that holds speak."""
    dense.first.weight.copy_(torch.eye(len(dense.first.weight)))
    return dense


def by_region(law: PiecewiseAffine, theta: States) -> States:
    """The law, one region at a time from the last to the first; zero outside."""
    outputs = np.zeros((len(theta), law.n_inputs))
    E, f, K, r = tables(law)
    for i in reversed(range(law.n_regions)):
        held = (theta @ E[i].T <= f[i] + law.tolerance).all(1)
        outputs[held] = theta[held] @ K[i].T + r[i]
    return outputs


def planes(cases: Iterable[Case], size: int = 81) -> Metrics:
    """Regions of laws of two states over a grid: ``regions-NAME``, ``axes-NAME``."""
    series: dict[str, States] = {}
    for case in cases:
        low, high = case.law.domain.numpy()
        axes = np.linspace(low, high, size)
        grid = np.stack(np.meshgrid(*axes.T), -1)
        series[f"axes-{case.name}"] = axes.T
        series[f"regions-{case.name}"] = case.law.locate(torch.from_numpy(grid)).numpy()
    return Metrics(series=series)
