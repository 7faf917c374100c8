"""Facet search: from region to region across their facets.

Beyond a facet one constraint joins the active set or leaves it. Where that rule does not hold
(degenerate facets), the program is solved at a point just beyond. When no region is left to
leave, the program is solved at random parameters that no region holds, and the search goes on from
what is new there.
"""

import numpy as np

from provenn.control.mpqp.problem import OPTIMAL, ActiveSet, ShortestVector
from provenn.control.mpqp.regions import CriticalRegion, order, regions_of

STEP = 1e-6
"""How far beyond a facet the program is solved."""

SAMPLES = 1024
"""Random parameters that are looked at once the search has come to its end."""


def by_facets(problem: ShortestVector) -> list[CriticalRegion]:
    """Every region that is reached across facets, from that without active constraints on."""
    low, high = problem.box
    points = np.random.default_rng(0).uniform(low, high, (SAMPLES, len(low)))
    points = points[problem.domain.contains(points)]
    frontier: set[ActiveSet] = {()}
    seen: set[ActiveSet] = set()
    found: list[CriticalRegion] = []
    while frontier:
        while frontier:
            seen |= frontier
            new = regions_of(problem, frontier)
            found += new
            points = _left_out(new, points)
            frontier = {active for region in new for active in _beyond(problem, region)} - seen
        frontier = {
            active for active in map(problem.active_at, points) if active is not None
        } - seen
    return sorted(found, key=lambda region: order(region.active))


def _left_out(regions: list[CriticalRegion], points: np.ndarray) -> np.ndarray:
    """The points that none of the regions holds."""
    for region in regions:
        points = points[(points @ region.E.T > region.f + OPTIMAL).any(1)]
    return points


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
