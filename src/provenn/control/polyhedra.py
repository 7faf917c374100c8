"""Polytopes ``{x : A x <= b}``: Chebyshev ball, bounding box, vertices, and rows that matter."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy.optimize import linprog
from scipy.spatial import ConvexHull, QhullError

from provenn.control.door import Array, ArrayLike, Indices, as_array, as_bounds

REDUNDANT = 1e-9
"""A row that the others let pass by no more than this, in units of length, is redundant."""

HULL_DIMENSIONS = 5
"""Up to this many dimensions facets are read off a convex hull; above, each row is a program."""

LARGEST_RADIUS = 1e6
"""Where a polytope is unbounded, its Chebyshev ball stops here."""


class Polytope:
    """The points ``x`` with ``A x <= b``, in one dimension or more.

    Args:
        A: Normals of the half-spaces, ``(rows, dim)``.
        b: Offsets, ``(rows,)``.

    Raises:
        TypeError: If an argument does not hold numbers.
        ValueError: If the shapes do not fit or an entry is not finite.

    Example:
        >>> square = Polytope.box([-1.0, -1.0], [1.0, 1.0])
        >>> round(square.chebyshev()[1], 6)
        1.0
        >>> Polytope([[1.0], [1.0], [-1.0]], [1.0, 2.0, 0.0]).irredundant().b
        array([1., 0.])
    """

    A: Float64[np.ndarray, "rows dim"]
    b: Float64[np.ndarray, " rows"]

    def __init__(self, A: ArrayLike, b: ArrayLike) -> None:
        self.A = as_array(A, "A", (None, None))
        self.b = as_array(b, "b", (len(self.A),))

    @classmethod
    def box(cls, low: ArrayLike, high: ArrayLike) -> "Polytope":
        """The points between two corners.

        Args:
            low: Least value of each coordinate, ``(dim,)``.
            high: Largest value of each coordinate, ``(dim,)``.

        Raises:
            TypeError: If an argument does not hold numbers.
            ValueError: If the sizes differ, or a lower bound is not below its upper bound.
        """
        least = as_array(low, "low", (None,))
        least, most = as_bounds((least, as_array(high, "high", least.shape)), "box", len(least))
        eye = np.eye(len(least))
        return cls(np.vstack([eye, -eye]), np.concatenate([most, -least]))

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return int(self.A.shape[1])

    def __len__(self) -> int:
        return len(self.b)

    def __repr__(self) -> str:
        return f"Polytope(rows={len(self)}, dim={self.dim})"

    def intersection(self, other: "Polytope") -> "Polytope":
        """The points of both."""
        return Polytope(np.vstack([self.A, other.A]), np.concatenate([self.b, other.b]))

    def normalized(self) -> "Polytope":
        """The same points with rows of unit length; rows of zeros become ``0 <= sign(b)``."""
        return Polytope(*normalized_rows(self.A, self.b))

    def contains(
        self, points: Float64[np.ndarray, "... dim"], tolerance: float = 1e-9
    ) -> Bool[np.ndarray, "..."]:
        """Whether each point is inside, up to a distance of ``tolerance`` beyond a row."""
        A, b = normalized_rows(self.A, self.b)
        return np.asarray((points @ A.T <= b + tolerance).all(-1))

    def chebyshev(self) -> tuple[Float64[np.ndarray, " dim"], float]:
        """Centre and radius of the largest ball inside; a negative radius if there is no point."""
        return chebyshev_ball(*normalized_rows(self.A, self.b))

    def bounding_box(self) -> tuple[Float64[np.ndarray, " dim"], Float64[np.ndarray, " dim"]]:
        """The least and the largest value of each coordinate.

        Raises:
            ValueError: If the polytope is empty or unbounded.
        """
        try:
            corners = self.vertices()
            return corners.min(0), corners.max(0)
        except ValueError:
            pass
        ends = np.empty((2, self.dim))
        for i in range(self.dim):
            for side, sign in ((0, 1.0), (1, -1.0)):
                direction = np.zeros(self.dim)
                direction[i] = sign
                ends[side, i] = sign * self._least(direction)
        return ends[0], ends[1]

    def irredundant(self) -> "Polytope":
        """The same points from the least number of rows.

        Raises:
            ValueError: If the polytope has no interior.
        """
        A, b = normalized_rows(self.A, self.b)
        kept, _ = facets(A, b, self._interior())
        return Polytope(A[kept], b[kept]) if len(kept) else Polytope(A[:1], b[:1])

    def vertices(self) -> Float64[np.ndarray, "vertices dim"]:
        """The corners, in the order of the angle around the centre where there are two coordinates.

        Raises:
            ValueError: If the polytope has no interior or is unbounded.
        """
        A, b = normalized_rows(self.A, self.b)
        centre = self._interior()
        try:
            corners = centre + _corners(A, b, centre)
        except QhullError:
            raise ValueError("the polytope must be bounded, got one that is not") from None
        if self.dim == 1:
            corners = np.sort(corners, axis=0)
        if self.dim == 2:
            around = corners - centre
            corners = corners[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]
        return corners

    def _interior(self) -> Array:
        centre, radius = self.chebyshev()
        if radius <= 0:
            raise ValueError("the polytope must have an interior, got one without")
        return centre

    def _least(self, direction: Array) -> float:
        found = linprog(direction, self.A, self.b, bounds=(None, None), method="highs")
        if found.x is None:
            how = "empty" if found.status == 2 else "unbounded"
            raise ValueError(f"the polytope must be bounded and not empty, got one that is {how}")
        return float(direction @ found.x)


def normalized_rows(
    A: Float64[np.ndarray, "*batch rows dim"], b: Float64[np.ndarray, "*batch rows"]
) -> tuple[Float64[np.ndarray, "*batch rows dim"], Float64[np.ndarray, "*batch rows"]]:
    """Rows of unit length; a row of zeros becomes ``0 <= 1``, or ``0 <= -1`` where nothing fits."""
    length = np.linalg.norm(A, axis=-1)
    zero = length < 1e-12
    scale = np.where(zero, 1.0, length)
    offsets = np.where(zero, np.where(b >= -REDUNDANT, 1.0, -1.0), b / scale)
    return np.where(zero[..., None], 0.0, A / scale[..., None]), offsets


def chebyshev_ball(
    A: Float64[np.ndarray, "rows dim"], b: Float64[np.ndarray, " rows"]
) -> tuple[Float64[np.ndarray, " dim"], float]:
    """Centre and radius of the largest ball inside rows of unit length.

    The radius is negative where the rows have no common point, and -infinity where one of them
    holds nowhere.
    """
    rows = np.any(A, axis=1)
    if (b[~rows] < 0).any():
        return np.zeros(A.shape[1]), -np.inf
    dim = A.shape[1]
    cost = np.zeros(dim + 1)
    cost[-1] = -1.0
    found = linprog(
        cost,
        np.column_stack([A[rows], np.ones(int(rows.sum()))]),
        b[rows],
        bounds=[(None, None)] * dim + [(None, LARGEST_RADIUS)],
        method="highs",
    )
    if found.x is None:
        return np.zeros(dim), -np.inf
    return found.x[:-1], float(found.x[-1])


def facets(
    A: Float64[np.ndarray, "rows dim"],
    b: Float64[np.ndarray, " rows"],
    centre: Float64[np.ndarray, " dim"],
) -> tuple[Int64[np.ndarray, " facets"], Float64[np.ndarray, "facets dim"]]:
    """The rows without which the polytope would be larger, and a point inside each facet.

    Args:
        A: Normals of unit length.
        b: Offsets.
        centre: A point well inside.

    Returns:
        Positions of the irredundant rows, ascending, and the points on their facets.
    """
    if A.shape[1] == 1:
        rows, ends = _interval(A, b, centre)
        return rows, centre + ends
    if A.shape[1] <= HULL_DIMENSIONS:
        try:
            return _facets_by_hull(A, b, centre)
        except QhullError:
            pass
    return _facets_by_programs(A, b, centre)


def _interval(A: Array, b: Array, centre: Array) -> tuple[Indices, Array]:
    """The nearest row on either side of a point of a line, and how far it is."""
    slack = b - A[:, 0] * centre[0]
    rows = []
    for sign in (-1.0, 1.0):
        side = np.flatnonzero(A[:, 0] * sign > 0)
        if len(side):
            rows.append(side[np.argmin(slack[side])])
    found = np.sort(np.array(rows, dtype=np.int64))
    return found, (slack[found] * A[found, 0])[:, None]


def _dual_hull(A: Array, b: Array, centre: Array) -> tuple[Any, Array]:
    """Rows that meet in each vertex, ``(vertices, dim)``, and the vertices relative to the centre.

    The row ``a y <= s`` is the point ``a / s`` of the dual, whose convex hull has the vertices of
    the polytope for facets.
    """
    if len(A) <= A.shape[1]:
        raise QhullError("the polytope is unbounded")
    slack = b - A @ centre
    hull = ConvexHull(A / slack[:, None])
    distance = -hull.equations[:, -1]
    if (distance <= 0).any():
        raise QhullError("the polytope is unbounded")
    return hull.simplices, hull.equations[:, :-1] / distance[:, None]


def _corners(A: Array, b: Array, centre: Array) -> Array:
    """The vertices relative to a point inside."""
    if A.shape[1] > 1:
        rows = A.any(1)
        return np.unique(_dual_hull(A[rows], b[rows], centre)[1].round(12), axis=0)
    ends = _interval(A, b, centre)[1]
    if len(ends) < 2:
        raise QhullError("the polytope is unbounded")
    return ends


def _facets_by_hull(A: Array, b: Array, centre: Array) -> tuple[Indices, Array]:
    rows = np.flatnonzero(A.any(1))
    simplices, vertices = _dual_hull(A[rows], b[rows], centre)
    kept, points = [], []
    for row in np.unique(simplices):
        corners = vertices[(simplices == row).any(1)]
        middle = corners.mean(0)
        spread = np.linalg.svd(corners - middle, compute_uv=False)
        if len(spread) >= A.shape[1] - 1 and spread[A.shape[1] - 2] > REDUNDANT:
            kept.append(rows[row])
            points.append(centre + middle)
    return np.array(kept, dtype=np.int64), np.array(points).reshape(-1, A.shape[1])


def _facets_by_programs(A: Array, b: Array, centre: Array) -> tuple[Indices, Array]:
    """One linear program for each row that no ray from the centre meets first."""
    kept = np.any(A, axis=1)
    slack = b - A @ centre
    speed = A @ A.T
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(speed > 1e-12, slack[:, None] / speed, np.inf)
    near = np.sort(reach, axis=0)
    first = reach.argmin(0)[near[0] < near[min(1, len(near) - 1)] - REDUNDANT]
    for row in np.setdiff1d(np.flatnonzero(kept), first):
        kept[row] = False
        bound = np.append(b[kept], b[row] + 1.0)
        found = linprog(
            -A[row], np.vstack([A[kept], A[row]]), bound, bounds=(None, None), method="highs"
        )
        kept[row] = found.x is not None and float(A[row] @ found.x) > b[row] + REDUNDANT
    rows = np.flatnonzero(kept)
    centres = [_facet_centre(A[rows], b[rows], i) for i in range(len(rows))]
    return rows, np.array(centres).reshape(-1, A.shape[1])


def _facet_centre(A: Array, b: Array, row: int) -> Array:
    """Centre of the largest ball inside the facet of that row."""
    others = np.delete(np.arange(len(b)), row)
    along = A[others] - np.outer(A[others] @ A[row], A[row])
    cost = np.append(np.zeros(A.shape[1]), -1.0)
    found = linprog(
        cost,
        np.column_stack([A[others], np.linalg.norm(along, axis=1)]),
        b[others],
        np.append(A[row], 0.0)[None],
        b[row : row + 1],
        bounds=[(None, None)] * A.shape[1] + [(None, LARGEST_RADIUS)],
        method="highs",
    )
    return np.asarray(found.x)[:-1]
