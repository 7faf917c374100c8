"""Facet search: from region to region across their facets.

Beyond a facet one constraint joins the active set or leaves it. Where that rule does not hold
(degenerate facets), the program is solved at a point just beyond.
"""

import numpy as np

from provenn.control.mpqp.problem import ActiveSet, ShortestVector
from provenn.control.mpqp.regions import CriticalRegion, order, regions_of

STEP = 1e-6
"""How far beyond a facet the program is solved."""

STARTS = 64
"""Random parameters at which the search starts, beside the unconstrained optimum."""


def by_facets(problem: ShortestVector) -> list[CriticalRegion]:
    """Every region that is reached across facets from the regions of a few parameters."""
    frontier = {(), *_starts(problem)}
    seen: set[ActiveSet] = set()
    found: list[CriticalRegion] = []
    while frontier:
        seen |= frontier
        new = regions_of(problem, frontier)
        found += new
        frontier = {active for region in new for active in _beyond(problem, region)} - seen
    return sorted(found, key=lambda region: order(region.active))


def _starts(problem: ShortestVector) -> list[ActiveSet]:
    low, high = problem.box
    points = np.random.default_rng(0).uniform(low, high, (STARTS, len(low)))
    inside = points[problem.domain.contains(points)]
    active = [problem.active_at(point) for point in (problem.domain.chebyshev()[0], *inside)]
    return [found for found in active if found is not None]


def _beyond(problem: ShortestVector, region: CriticalRegion) -> list[ActiveSet]:
    """Active sets that may be optimal beyond the facets of a region."""
    found = []
    own = set(region.active)
    for row, origin in enumerate(region.origins.tolist()):
        if origin < 0:
            continue
        point = region.facet_points[row] + STEP * region.E[row]
        neighbour = tuple(sorted(own ^ {origin}))
        sets = np.array(neighbour, dtype=np.int64)
        independent = problem.independent(sets[None])[0]
        if independent:
            found.append(neighbour)
        if not independent or not problem.is_optimal(sets, point):
            solved = problem.active_at(point)
            if solved is not None:
                found.append(solved)
    return found
