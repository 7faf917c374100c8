"""The multi-parametric quadratic program, and its form as a search for the shortest vector.

With ``H = L Lᵀ`` and ``y = Lᵀ (z + H⁻¹ (Z θ + c))`` the program asks for the shortest ``y`` with
``Ĝ y <= w + T θ``. For a set 𝒜 of rows that hold with equality

    λ = -(Ĝ_𝒜 Ĝ_𝒜ᵀ)⁻¹ (w_𝒜 + T_𝒜 θ),        y = -Ĝ_𝒜ᵀ λ,

both affine in θ, and 𝒜 is optimal where ``λ >= 0`` and all other rows hold.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64, Int64
from scipy.linalg import solve_triangular
from scipy.optimize import nnls

from provenn.control.door import Array, ArrayLike, Indices, Mask, as_array, as_weight
from provenn.control.polyhedra import Polytope, normalized_rows

SAME_ROW = 1e-10
"""Rows of unit length that differ by no more than this in any entry are the same."""

DEPENDENT = 1e-9
"""Active rows are independent (LICQ) if their Gram matrix has no eigenvalue below this."""

OPTIMAL = 1e-7
"""By how much a multiplier or a row may be wrong at a point where a set is taken as optimal."""

LONGEST = 1e12
"""A point whose shortest ``y`` would have a larger square is taken as infeasible."""

ActiveSet = tuple[int, ...]


class MultiParametricQP:
    r"""Quadratic program in ``z`` with parameters ``θ`` in its linear term and right-hand side.

    .. math::
        \min_z \tfrac12 z^⊤ H z + (Z θ + c)^⊤ z
        \quad \text{s.t.} \quad G z \le W + S θ, \quad θ \in Θ

    Args:
        H: Positive definite, ``(n_z, n_z)``.
        Z: ``(n_z, n_θ)``.
        G: ``(rows, n_z)``.
        W: ``(rows,)``.
        S: ``(rows, n_θ)``.
        domain: The parameters Θ: a bounded polytope with an interior.
        c: ``(n_z,)``; zero by default.
        constant: Terms ``(M, d, e)`` of :meth:`value` that do not depend on ``z``:
            ``θᵀ M θ + d θ + e``.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If shapes do not fit, ``H`` is not positive definite, or Θ has no interior.

    Reference:
        Bemporad, Morari, Dua and Pistikopoulos, The explicit linear quadratic regulator for
        constrained systems, 2002.

    Example:
        >>> MultiParametricQP(  # the z in [-1, 1] that is closest to θ
        ...     H=[[1.0]], Z=[[-1.0]], G=[[1.0], [-1.0]], W=[1.0, 1.0], S=[[0.0], [0.0]],
        ...     domain=Polytope.box([-3.0], [3.0]),
        ... )
        MultiParametricQP(n_variables=1, n_parameters=1, rows=2)
    """

    def __init__(
        self,
        H: ArrayLike,
        Z: ArrayLike,
        G: ArrayLike,
        W: ArrayLike,
        S: ArrayLike,
        domain: Polytope,
        *,
        c: ArrayLike | None = None,
        constant: tuple[ArrayLike, ArrayLike, float] | None = None,
    ) -> None:
        if not isinstance(domain, Polytope):
            raise TypeError(f"domain must be a Polytope, got {type(domain).__name__}")
        n_theta = domain.dim
        self.Z = as_array(Z, "Z", (None, n_theta))
        n_z = len(self.Z)
        self.H = as_weight(H, "H", n_z, definite=True)
        self.G = as_array(G, "G", (None, n_z))
        rows = len(self.G)
        self.W = as_array(W, "W", (rows,))
        self.S = as_array(S, "S", (rows, n_theta))
        self.c = np.zeros(n_z) if c is None else as_array(c, "c", (n_z,))
        self.domain = domain
        M, d, e = (np.zeros((n_theta, n_theta)), np.zeros(n_theta), 0.0)
        if constant is not None:
            if not isinstance(constant, tuple) or len(constant) != 3:
                raise TypeError(f"constant must be (M, d, e), got {type(constant).__name__}")
            M = as_array(constant[0], "constant M", (n_theta, n_theta))
            d = as_array(constant[1], "constant d", (n_theta,))
            e = float(constant[2])
        self.M, self.d, self.e = M, d, e
        if domain.chebyshev()[1] <= 0:
            raise ValueError("domain must have an interior, got a polytope without")
        try:
            domain.bounding_box()
        except ValueError:
            raise ValueError("domain must be bounded, got a polytope that is not") from None

    @property
    def n_variables(self) -> int:
        """Size of ``z``."""
        return len(self.Z)

    @property
    def n_parameters(self) -> int:
        """Size of ``θ``."""
        return self.domain.dim

    def __repr__(self) -> str:
        return (
            f"MultiParametricQP(n_variables={self.n_variables}, n_parameters={self.n_parameters}, "
            f"rows={len(self.W)})"
        )

    def value(
        self, theta: Float64[np.ndarray, "*batch n_theta"], z: Float64[np.ndarray, "*batch n_z"]
    ) -> Float64[np.ndarray, "*batch"]:
        """The cost of ``z`` with the constant terms."""
        quadratic = 0.5 * np.einsum("...i,ij,...j->...", z, self.H, z)
        linear = ((theta @ self.Z.T + self.c) * z).sum(-1)
        rest = np.einsum("...i,ij,...j->...", theta, self.M, theta) + theta @ self.d + self.e
        return np.asarray(quadratic + linear + rest)

    @cached_property
    def shortest(self) -> "ShortestVector":
        """The same program as a search for the shortest vector, without rows that say the same."""
        lower = np.linalg.cholesky(self.H)
        back = solve_triangular(lower, np.eye(self.n_variables), lower=True).T
        offset = back @ back.T @ np.column_stack([self.c, self.Z])
        G = self.G @ back
        right = np.column_stack([self.W, self.S]) + self.G @ offset
        length = np.linalg.norm(G, axis=1)
        free = length <= 1e-12 * max(1.0, float(length.max()))
        numbers = np.flatnonzero(~free)
        rows = np.column_stack([G, right])[numbers] / length[numbers, None]
        kept = _distinct(rows)
        rows, numbers = rows[kept], numbers[kept]
        A = np.vstack([-right[free, 1:], self.domain.A])
        b = np.concatenate([right[free, 0], self.domain.b])
        A, b = normalized_rows(A, b)
        n_z = self.n_variables
        return ShortestVector(
            G=np.ascontiguousarray(rows[:, :n_z]),
            right=np.ascontiguousarray(rows[:, n_z:]),
            domain=Polytope(A, b),
            back=back,
            offset=offset,
            numbers=numbers,
        )


@dataclass(frozen=True, eq=False)
class ShortestVector:
    """``min ½|y|²`` subject to ``Ĝ y <= w + T θ`` and ``θ`` in the domain; rows of unit length.

    Args:
        G: ``Ĝ``.
        right: ``[w | T]``.
        domain: The parameters, cut by the rows that do not depend on ``y``.
        back: ``L⁻ᵀ``.
        offset: ``H⁻¹ [c | Z]``; ``z = L⁻ᵀ y - H⁻¹ (Z θ + c)``.
        numbers: Number of each row in the program as it was given.
    """

    G: Float64[np.ndarray, "rows n_z"]
    right: Float64[np.ndarray, "rows columns"]
    domain: Polytope
    back: Float64[np.ndarray, "n_z n_z"]
    offset: Float64[np.ndarray, "n_z columns"]
    numbers: Int64[np.ndarray, " rows"]

    @cached_property
    def box(self) -> tuple[Array, Array]:
        """Corners of the box around the domain."""
        return self.domain.bounding_box()

    @cached_property
    def gram(self) -> Array:
        """``Ĝ Ĝᵀ``."""
        return np.asarray(self.G @ self.G.T)

    def independent(self, active: Int64[np.ndarray, "sets size"]) -> Mask:
        """Which of the sets of rows are linearly independent."""
        if active.shape[1] == 0:
            return np.ones(len(active), dtype=bool)
        if active.shape[1] > self.G.shape[1]:
            return np.zeros(len(active), dtype=bool)
        gram = self.gram[active[:, :, None], active[:, None, :]]
        return np.asarray(np.linalg.eigvalsh(gram)[:, 0] > DEPENDENT)

    def laws(
        self, active: Int64[np.ndarray, "sets size"]
    ) -> tuple[Float64[np.ndarray, "sets size columns"], Float64[np.ndarray, "sets n_z columns"]]:
        """Multipliers and ``y`` of independent active sets, each as ``[constant | gain]``."""
        gram = self.gram[active[:, :, None], active[:, None, :]]
        multipliers = -np.linalg.solve(gram, self.right[active])
        return multipliers, -np.swapaxes(self.G[active], 1, 2) @ multipliers

    def conditions(
        self, active: Int64[np.ndarray, "sets size"]
    ) -> tuple[Float64[np.ndarray, "sets rows n_theta"], Float64[np.ndarray, "sets rows"]]:
        """Where each set is optimal, as ``(A, b)`` with rows of unit length.

        Row ``i`` says that the constraint holds or, if it is active, that its multiplier is not
        negative; the rows of the domain come last.
        """
        multipliers, y = self.laws(active)
        rows = self.right - self.G @ y
        np.put_along_axis(rows, active[:, :, None], multipliers, axis=1)
        domain = np.column_stack([self.domain.b, -self.domain.A])
        rows = np.concatenate([rows, np.broadcast_to(domain, (len(rows), *domain.shape))], axis=1)
        return normalized_rows(-rows[:, :, 1:], rows[:, :, 0])

    def solution(self, active: Int64[np.ndarray, " size"]) -> Float64[np.ndarray, "n_z columns"]:
        """``z`` of an active set as ``[constant | gain]``."""
        return np.asarray(self.back @ self.laws(active[None])[1][0] - self.offset)

    def is_optimal(self, active: Int64[np.ndarray, " size"], theta: Array) -> bool:
        """Whether an independent set is optimal at a point, up to rounding."""
        point = np.append(1.0, theta)
        multipliers, y = self.laws(active[None])
        slack = (self.right - self.G @ y[0]) @ point
        return bool(
            slack.min(initial=0.0) >= -OPTIMAL
            and (multipliers[0] @ point).min(initial=0.0) >= -OPTIMAL
        )

    def active_at(self, theta: Float64[np.ndarray, " n_theta"]) -> ActiveSet | None:
        """The rows with a positive multiplier at a point; ``None`` where no ``y`` fits.

        The shortest vector is found by non-negative least squares (Lawson and Hanson, chapter 23).
        """
        right = self.right @ np.append(1.0, theta)
        if right.min(initial=0.0) >= 0:
            return ()
        matrix = -np.vstack([self.G.T, right[None]])
        target = np.zeros(len(matrix))
        target[-1] = 1.0
        try:
            weights, residual = nnls(matrix, target)
        except RuntimeError:
            return None
        if residual**2 * LONGEST < 1:
            return None
        active = np.flatnonzero(weights > 0)
        return tuple(active.tolist()) if self.independent(active[None])[0] else None


def _distinct(rows: Array) -> Indices:
    """Positions of rows that differ from all before them."""
    kept: list[int] = []
    for i, row in enumerate(rows):
        if not kept or np.abs(rows[kept] - row).max(1).min() > SAME_ROW:
            kept.append(i)
    return np.array(kept, dtype=np.int64)
