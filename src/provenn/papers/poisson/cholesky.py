"""Incomplete Cholesky factors of Poisson operators, with no fill: IC(0) and MIC(0).

On a grid ``L`` has the entries ``-1/√p_j`` left of its diagonal ``√p_i``, with pivots::

    p_i = A_ii - Σ_j 1/p_j - τ Σ_j (neighbours of j beyond it, other than i) / p_j

over the fluid neighbours ``j`` before ``i``. The last sum is the fill that is dropped; the modified
factorisation moves the share ``τ = 0.97`` of it to the diagonal (Bridson, section 5.7), IC(0) none.
Cells with equal sums of indices do not depend on each other and are computed at once.
"""

from typing import Any

import numpy as np
from jaxtyping import Float64
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, splu

from provenn.linalg import PoissonOperator

Vector = Float64[np.ndarray, "active"]

SMALLEST_PIVOT = 0.25
"""A pivot below this share of the diagonal is replaced by the diagonal."""


class IncompleteCholesky:
    """``(L Lᵀ)⁻¹`` on the fluid cells of an operator.

    Args:
        A: The operator.
        modified: Share of the dropped fill that goes to the diagonal.
    """

    def __init__(self, A: PoissonOperator, modified: float = 0.0) -> None:
        self.factor = _factor(A, modified)
        self._lower: Any = splu(
            self.factor.tocsc(),
            permc_spec="NATURAL",
            diag_pivot_thresh=0.0,
            options={"Equil": False, "SymmetricMode": True},
        )

    def as_operator(self) -> LinearOperator:
        """The preconditioner in SciPy's form."""

        def solve(r: Vector) -> Vector:
            z: Vector = self._lower.solve(self._lower.solve(r), trans="T")
            return z

        return LinearOperator(self.factor.shape, matvec=solve, rmatvec=solve, dtype=np.float64)


def _factor(A: PoissonOperator, modified: float) -> sparse.csr_array:
    fluid = A.fluid.cpu().numpy()
    diagonal = A.diagonal().cpu().numpy()
    pivots = np.pad(diagonal, 1)
    flat, inside = pivots.reshape(-1), np.pad(fluid, 1).reshape(-1)
    strides = [s // pivots.itemsize for s in pivots.strides]
    original = flat.copy()
    for cells in _wavefronts(inside.reshape(pivots.shape)):
        p = original[cells].copy()
        for before in strides:
            j = cells - before
            beyond = sum(inside[j + other] for other in strides if other != before)
            present = inside[j]
            share = (1 + modified * np.asarray(beyond, dtype=float))[present] / flat[j[present]]
            p[present] -= share
        too_small = p < SMALLEST_PIVOT * original[cells]
        flat[cells] = np.where(too_small, np.maximum(original[cells], 1.0), p)
    return _lower(inside, flat, strides)


def _wavefronts(inside: np.ndarray) -> list[np.ndarray]:
    """Fluid cells as flat indices, by the sum of their grid indices."""
    cells = np.flatnonzero(inside)
    sums = np.sum(np.unravel_index(cells, inside.shape), axis=0)
    order = np.argsort(sums, kind="stable")
    starts = np.flatnonzero(np.diff(sums[order])) + 1
    return np.split(cells[order], starts)


def _lower(inside: np.ndarray, pivots: np.ndarray, strides: list[int]) -> sparse.csr_array:
    cells = np.flatnonzero(inside)
    number = np.full(inside.size, -1)
    number[cells] = np.arange(cells.size)
    rows, columns, values = [number[cells]], [number[cells]], [np.sqrt(pivots[cells])]
    for before in strides:
        joined = cells[inside[cells - before]]
        rows.append(number[joined])
        columns.append(number[joined - before])
        values.append(-1 / np.sqrt(pivots[joined - before]))
    entries = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_array((np.concatenate(values), entries), shape=(cells.size,) * 2)
