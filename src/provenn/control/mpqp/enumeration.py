"""Enumeration of active sets, smallest first, without the supersets of impossible ones.

Rows can be active together if some point of the program has them all tight. Each linear program
that asks this returns a vertex, where as a rule more rows are tight than were asked for: they vouch
for many other sets.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from scipy.optimize import linprog

from provenn.control.door import Array, Mask
from provenn.control.mpqp.problem import ActiveSet, ShortestVector
from provenn.control.mpqp.regions import CriticalRegion, order, regions_of

TIGHT = 1e-9
"""Slack up to which a row counts as tight at a vertex."""


def by_enumeration(problem: ShortestVector) -> list[CriticalRegion]:
    """Every region of the program, found by trying all active sets that are possible."""
    possible = _Possible(problem)
    found: list[CriticalRegion] = []
    level: list[ActiveSet] = [()] if possible(()) else []
    while level:
        found += regions_of(problem, level)
        level = [active for active in _joined(problem, level) if possible(active)]
    return sorted(found, key=lambda region: order(region.active))


def _joined(problem: ShortestVector, level: list[ActiveSet]) -> Iterator[ActiveSet]:
    """Independent sets of one row more whose subsets of the level's size are all in the level."""
    known = set(level)
    last = {active: active[-1] + 1 if active else 0 for active in level}
    larger = [
        (*active, row)
        for active in level
        for row in range(last[active], len(problem.G))
        if all(subset in known for subset in _without_one((*active, row)))
    ]
    if larger:
        kept = problem.independent(np.array(larger, dtype=np.int64))
        yield from (active for active, keep in zip(larger, kept, strict=True) if keep)


def _without_one(active: ActiveSet) -> Iterable[ActiveSet]:
    """The subsets with one row less."""
    return (active[:i] + active[i + 1 :] for i in range(len(active)))


class _Possible:
    """Whether rows can be tight together; remembers the vertices at which programs ended."""

    def __init__(self, problem: ShortestVector) -> None:
        A, b = problem.domain.A, problem.domain.b
        n_y = problem.G.shape[1]
        self.rows = np.column_stack([problem.G, -problem.right[:, 1:]])
        self.right = problem.right[:, 0]
        self.domain = np.column_stack([np.zeros((len(A), n_y)), A]), b
        self.vouched: Mask = np.zeros((0, len(self.rows)), dtype=bool)

    def __call__(self, active: ActiveSet) -> bool:
        held = list(active)
        if self.vouched[:, held].all(1).any():
            return True
        vertex = self._vertex(held)
        if vertex is None:
            return False
        tight = self.right - self.rows @ vertex <= TIGHT
        tight[held] = True
        self.vouched = np.vstack([self.vouched, tight])
        return True

    def _vertex(self, held: list[int]) -> Array | None:
        """A vertex at which these rows are tight and the others nearly; ``None`` if there is none.

        Least is the sum of all slacks, which is bounded whatever the program.
        """
        found = linprog(
            -self.rows.sum(0),
            np.vstack([self.rows, self.domain[0]]),
            np.concatenate([self.right, self.domain[1]]),
            self.rows[held] if held else None,
            self.right[held] if held else None,
            bounds=(None, None),
            method="highs",
        )
        return np.asarray(found.x) if found.status == 0 else None
