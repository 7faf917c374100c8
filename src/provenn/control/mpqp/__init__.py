"""Multi-parametric quadratic programs: the problem, and two ways of finding its regions."""

from provenn.control.door import as_choice
from provenn.control.mpqp.problem import MultiParametricQP
from provenn.control.mpqp.regions import CriticalRegion
from provenn.control.mpqp.search import by_facets

__all__ = ["CriticalRegion", "MultiParametricQP", "solve"]


def solve(problem: MultiParametricQP, method: str = "facets") -> list[CriticalRegion]:
    """The critical regions."""
    if not isinstance(problem, MultiParametricQP):
        raise TypeError(f"problem must be a MultiParametricQP, got {type(problem).__name__}")
    as_choice(method, "method", ("facets",))
    return by_facets(problem.shortest)
