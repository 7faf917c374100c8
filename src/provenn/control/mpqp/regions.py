"""Critical regions: the polytopes of parameters over which one active set stays optimal."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from jaxtyping import Float64, Int64

from provenn.control.mpqp.problem import ActiveSet, ShortestVector
from provenn.control.polyhedra import chebyshev_ball, facets

LEAST_RADIUS = 1e-8
"""Regions with a smaller Chebyshev ball are dropped."""


@dataclass(frozen=True, eq=False)
class CriticalRegion:
    """The parameters over which ``z = gain θ + intercept`` is optimal.

    Args:
        active: Constraints that hold with equality there.
        E: Normals of unit length of the region's half-spaces ``E θ <= f``, none of them redundant.
        f: Their offsets.
        gain: ``(n_z, n_θ)``.
        intercept: ``(n_z,)``.
        centre: Centre of the region's Chebyshev ball.
        radius: Its radius.
        origins: For each half-space the constraint that joins or leaves the active set beyond it;
            -1 at the domain's own boundary.
        facet_points: A point inside each facet.
    """

    active: ActiveSet
    E: Float64[np.ndarray, "rows n_theta"]
    f: Float64[np.ndarray, " rows"]
    gain: Float64[np.ndarray, "n_z n_theta"]
    intercept: Float64[np.ndarray, " n_z"]
    centre: Float64[np.ndarray, " n_theta"]
    radius: float
    origins: Int64[np.ndarray, " rows"]
    facet_points: Float64[np.ndarray, "rows n_theta"]


def regions_of(problem: ShortestVector, candidates: Iterable[ActiveSet]) -> list[CriticalRegion]:
    """The regions with an interior among those of the candidate sets, sorted by set."""
    found = []
    for size, group in groupby(sorted(candidates, key=order), key=len):
        listed = list(group)
        sets = np.array(listed, dtype=np.int64).reshape(len(listed), size)
        found += _regions(problem, sets[problem.independent(sets)])
    return found


def order(active: ActiveSet) -> tuple[int, ActiveSet]:
    """Smaller sets first, then by the constraints' numbers."""
    return len(active), active


def _regions(
    problem: ShortestVector, active: Int64[np.ndarray, "sets size"]
) -> list[CriticalRegion]:
    """The regions with an interior of independent sets of one size."""
    A, b = problem.conditions(active)
    low, high = problem.box
    middle, half = (low + high) / 2, (high - low) / 2
    possible = (A @ middle - np.abs(A) @ half <= b).all(1)
    found = []
    for i in np.flatnonzero(possible):
        centre, radius = chebyshev_ball(A[i], b[i])
        if radius <= LEAST_RADIUS:
            continue
        rows, points = facets(A[i], b[i], centre)
        solution = problem.solution(active[i])
        found.append(
            CriticalRegion(
                active=tuple(active[i].tolist()),
                E=A[i][rows],
                f=b[i][rows],
                gain=solution[:, 1:],
                intercept=solution[:, 0],
                centre=centre,
                radius=radius,
                origins=np.where(rows < len(problem.G), rows, -1),
                facet_points=points,
            )
        )
    return found
