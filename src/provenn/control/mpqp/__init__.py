"""Multi-parametric quadratic programs: the problem, and two ways of finding its regions."""

from dataclasses import replace

import numpy as np

from provenn.checks import check_choice
from provenn.control.mpqp.enumeration import by_enumeration
from provenn.control.mpqp.problem import MultiParametricQP
from provenn.control.mpqp.regions import CriticalRegion
from provenn.control.mpqp.search import by_facets

__all__ = ["CriticalRegion", "MultiParametricQP", "solve"]

METHODS = {"facets": by_facets, "enumeration": by_enumeration}


def solve(problem: MultiParametricQP, method: str = "facets") -> list[CriticalRegion]:
    """The critical regions of a multi-parametric quadratic program.

    Args:
        problem: The program.
        method: ``"facets"`` goes from region to region across their facets; ``"enumeration"`` tries
            every set of constraints that can be active together, whose number explodes.

    Returns:
        The regions with a Chebyshev ball larger than 1e-8, the smallest active sets first. Their
        interiors are disjoint unless constraints are degenerate; then they agree where they
        overlap. No region where the program has no solution.

    Raises:
        TypeError: If ``problem`` is not a program.
        ValueError: If ``method`` is another word.

    Example:
        >>> from provenn.control import Polytope
        >>> problem = MultiParametricQP(  # the z in [-1, 1] that is closest to θ
        ...     H=[[1.0]], Z=[[-1.0]], G=[[1.0], [-1.0]], W=[1.0, 1.0], S=[[0.0], [0.0]],
        ...     domain=Polytope.box([-3.0], [3.0]),
        ... )
        >>> [(r.active, r.gain.item(), r.intercept.item()) for r in solve(problem)]
        [((), 1.0, 0.0), ((0,), 0.0, 1.0), ((1,), 0.0, -1.0)]
    """
    if not isinstance(problem, MultiParametricQP):
        raise TypeError(f"problem must be a MultiParametricQP, got {type(problem).__name__}")
    check_choice("method", method, tuple(METHODS))
    return [_renumbered(problem, region) for region in METHODS[method](problem.shortest)]


def _renumbered(problem: MultiParametricQP, region: CriticalRegion) -> CriticalRegion:
    """The region with the constraints' numbers in the program as it was given."""
    numbers = problem.shortest.numbers
    origins = np.where(region.origins < 0, -1, numbers[region.origins])
    return replace(region, active=tuple(numbers[list(region.active)].tolist()), origins=origins)
