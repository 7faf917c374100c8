"""A linear system as the solver sees it, whatever the operator was given as."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from scipy.sparse.linalg import aslinearoperator
from torch import Tensor

from provenn.linalg.poisson import PoissonOperator

Vector = Float64[Tensor, "n"]


@dataclass(frozen=True)
class System:
    """A symmetric, positive semi-definite operator on flat float64 vectors.

    Attributes:
        matvec: Product with a vector.
        project: Removes the part in the null space.
        grid_shape: Shape in which a network sees vectors.
        device: Device of the vectors.
    """

    matvec: Callable[[Vector], Vector]
    project: Callable[[Vector], Vector]
    grid_shape: tuple[int, ...]
    device: torch.device

    @property
    def size(self) -> int:
        """Length of the vectors."""
        return int(np.prod(self.grid_shape))


def as_system(A: Any, grid_shape: Sequence[int] | None, null_space: Any) -> System:
    """The system of an operator.

    Args:
        A: A ``PoissonOperator``, a SciPy ``LinearOperator``, a sparse matrix or a dense array.
        grid_shape: Shape in which a network sees vectors; not for a ``PoissonOperator``.
        null_space: Rows that span the null space; not for a ``PoissonOperator``.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the operator is not square, or shapes do not fit.
    """
    if isinstance(A, PoissonOperator):
        for name, given in (("grid_shape", grid_shape), ("null_space", null_space)):
            if given is not None:
                raise ValueError(
                    f"{name} must be left out for a PoissonOperator, got {given!r:.80}"
                )
        return _of_poisson(A)
    return _of_scipy(A, grid_shape, null_space)


def _of_poisson(A: PoissonOperator) -> System:
    def on_grid(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return lambda x: function(x.view(A.grid_shape)).view(-1)

    return System(on_grid(A.matvec), on_grid(A.project), A.grid_shape, A.device)


def _of_scipy(A: Any, grid_shape: Any, null_space: Any) -> System:
    try:
        operator = aslinearoperator(A)
    except TypeError:
        raise TypeError(
            "A must be a PoissonOperator, a SciPy LinearOperator, a sparse matrix or an array, "
            f"got {type(A).__name__}"
        ) from None
    n = operator.shape[0]
    if operator.shape != (n, n):
        raise ValueError(f"A must be square, got shape {operator.shape}")
    if np.dtype(operator.dtype).kind not in "fiu":
        raise TypeError(f"A must be real, got {operator.dtype}")
    if not isinstance(grid_shape, Sequence) or isinstance(grid_shape, str):
        raise TypeError(
            "grid_shape must be a sequence of integers for an operator that is no PoissonOperator, "
            f"got {grid_shape!r:.80}"
        )
    if int(np.prod(grid_shape)) != n:
        raise ValueError(f"grid_shape must have {n} cells, as A has rows, got {tuple(grid_shape)}")
    basis = _null_basis(null_space, n)

    def matvec(x: Tensor) -> Tensor:
        return torch.from_numpy(np.asarray(operator.matvec(x.numpy()), dtype=np.float64))

    def project(x: Tensor) -> Tensor:
        return x if basis is None else x - (basis @ x) @ basis

    return System(matvec, project, tuple(grid_shape), torch.device("cpu"))


def _null_basis(null_space: Any, n: int) -> Tensor | None:
    """Orthonormal rows with the span of the given ones."""
    if null_space is None:
        return None
    rows = torch.as_tensor(null_space, dtype=torch.float64)
    if rows.ndim != 2 or rows.shape[1] != n:
        raise ValueError(f"null_space must have shape (k, {n}), got {tuple(rows.shape)}")
    basis: Tensor = torch.linalg.qr(rows.T).Q.T.contiguous()
    return basis
