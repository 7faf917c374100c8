"""Right-hand sides to learn from: random sums of eigenvectors, with weight on the smooth ones.

Solvers meet residuals in which small eigenvalues dominate. So each training vector is a combination
``b = Σ_j c_j v_j`` of eigenvectors, or of Ritz vectors where there are too many, with coefficients
``c_j ~ N(0, 1)``, nine times as large in the lower 55 % of the spectrum, divided by its norm.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Float64
from scipy.linalg import eigh, eigh_tridiagonal
from torch import Tensor
from torch.nn import functional

from provenn.checks import check_choice, check_generator, check_integer, check_number
from provenn.linalg.poisson import PoissonOperator

Method = Literal["auto", "cosines", "exact", "lanczos"]
METHODS = ("auto", "cosines", "exact", "lanczos")
EXACT_LIMIT = 2048
"""Unknowns up to which ``auto`` decomposes a matrix that has no closed form."""
SMALLEST = 1e-8
"""Eigenvalues below are taken for zero."""


@dataclass(frozen=True)
class Spectrum:
    """Orthonormal vectors with their eigenvalues or Ritz values, to be summed with random weights.

    Attributes:
        values: Eigenvalues, ascending, without those that are zero, shape (m,).
        combine: Takes coefficients of shape (batch, m) to sums of shape (batch, *grid).
    """

    values: Float64[Tensor, "m"]
    combine: Callable[[Float64[Tensor, "batch m"]], Float64[Tensor, "batch *grid"]]

    def sample(
        self,
        n: int,
        *,
        low_weight: float = 9.0,
        low_fraction: float = 0.55,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> Float[Tensor, "n *grid"]:
        """Draw training vectors.

        Args:
            n: How many.
            low_weight: Factor of the coefficients in the lower part of the spectrum.
            low_fraction: Share of the eigenvalues that is the lower part.
            generator: Where random numbers come from; PyTorch's own by default.
            dtype: Dtype of the result.

        Returns:
            Vectors of norm 1, orthogonal to the null space.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If a number is out of range.
        """
        check_integer("n", n)
        check_number("low_weight", low_weight, least=0.0)
        check_number("low_fraction", low_fraction, least=0.0, most=1.0)
        check_generator(generator)
        m, device = len(self.values), self.values.device
        c = torch.randn(n, m, dtype=torch.float64, device=device, generator=generator)
        c[:, : round(low_fraction * m)] *= low_weight
        b = self.combine(c / torch.linalg.vector_norm(c, dim=1, keepdim=True))
        return b.to(dtype)


def spectrum(
    A: PoissonOperator,
    method: Method = "auto",
    *,
    steps: int | None = None,
    generator: torch.Generator | None = None,
) -> Spectrum:
    """Eigenvectors of an operator, or Ritz vectors in their place.

    Args:
        A: The operator.
        method: ``cosines``, the closed form on an empty box; ``exact``, a dense eigendecomposition;
            ``lanczos``, Ritz vectors as in the paper; or ``auto``: cosines where they are right,
            else exact up to 2,048 unknowns, else Lanczos.
        steps: Steps of Lanczos; the lesser of 10,000, as in the paper, and the unknowns.
        generator: Where the first vector of Lanczos comes from.

    Returns:
        The vectors and their values.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the method is not known, or ``cosines`` is asked for of another domain than
            an empty box, or no eigenvalue is above zero.

    Reference:
        arXiv 2205.10763, section 5.2, and the authors' ``src/datasetcreate.py``.

    Example:
        >>> A = PoissonOperator((4, 4))
        >>> spectrum(A, "cosines").values[:3]
        tensor([0.5858, 0.5858, 1.1716], dtype=torch.float64)
    """
    _check_operator(A)
    check_choice("method", method, METHODS)
    if steps is not None:
        check_integer("steps", steps)
    check_generator(generator)
    if method == "auto":
        small = A.unknowns <= EXACT_LIMIT
        method = "cosines" if A.is_empty_box else "exact" if small else "lanczos"
    if method == "cosines":
        return _cosines(A)
    if method == "exact":
        return _exact(A)
    basis, alpha, beta = lanczos(A, steps or min(10_000, A.unknowns), generator=generator)
    values, vectors = eigh_tridiagonal(alpha.cpu().numpy(), beta.cpu().numpy())
    rotation = torch.from_numpy(vectors).to(basis)
    return _dense(A, torch.from_numpy(values).to(A.device), rotation.T @ basis)


def ritz_rhs(
    A: PoissonOperator,
    n: int,
    *,
    low_weight: float = 9.0,
    low_fraction: float = 0.55,
    method: Method = "auto",
    steps: int | None = None,
    generator: torch.Generator | None = None,
    dtype: torch.dtype = torch.float32,
) -> Float[Tensor, "n *grid"]:
    """Training vectors for an operator: :func:`spectrum`, then :meth:`Spectrum.sample`.

    Args:
        A: The operator.
        n: How many.
        low_weight: Factor of the coefficients in the lower part of the spectrum.
        low_fraction: Share of the eigenvalues that is the lower part.
        method: How eigenvectors are found.
        steps: Steps of Lanczos.
        generator: Where random numbers come from; PyTorch's own by default.
        dtype: Dtype of the result.

    Returns:
        Vectors of norm 1, orthogonal to the null space, shape ``(n, *grid_shape)``.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a number or the method is not accepted.

    Reference:
        arXiv 2205.10763, section 5.2.

    Example:
        >>> ritz_rhs(PoissonOperator((8, 8)), 5).shape
        torch.Size([5, 8, 8])
    """
    found = spectrum(A, method, steps=steps, generator=generator)
    return found.sample(
        n, low_weight=low_weight, low_fraction=low_fraction, generator=generator, dtype=dtype
    )


def lanczos(
    A: PoissonOperator,
    steps: int,
    *,
    generator: torch.Generator | None = None,
) -> tuple[Float64[Tensor, "m n"], Float64[Tensor, "m"], Float64[Tensor, "off"]]:
    """Lanczos iteration with full re-orthogonalisation, started from ``A`` times white noise.

    Args:
        A: The operator.
        steps: Vectors to find; fewer are returned where the Krylov space is exhausted.
        generator: Where the noise comes from; PyTorch's own by default.

    Returns:
        Orthonormal rows ``W``, and the diagonal and the sub-diagonal of the tridiagonal
        ``T = W A Wᵀ``.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If ``steps`` is below 1 or above the number of unknowns.

    Example:
        >>> W, alpha, beta = lanczos(PoissonOperator((6, 6)), 8)
        >>> torch.allclose(W @ W.T, torch.eye(8, dtype=torch.float64), atol=1e-12)
        True
    """
    _check_operator(A)
    check_integer("steps", steps)
    check_generator(generator)
    if steps > A.unknowns:
        raise ValueError(f"steps must be at most the {A.unknowns} unknowns, got {steps}")
    options: dict[str, Any] = {"dtype": torch.float64, "device": A.device}
    W = torch.zeros(steps, A.size, **options)
    alpha, beta = torch.zeros(steps, **options), torch.zeros(steps, **options)
    v = A.matvec(torch.randn(A.grid_shape, generator=generator, **options)).flatten()
    norm, scale = torch.linalg.vector_norm(v), 4.0 * A.dim
    for k in range(steps):
        if float(norm) <= 1e-10 * scale:
            return W[:k], alpha[:k], beta[: max(k - 1, 0)]
        W[k] = v / norm
        v = A.matvec(W[k].reshape(A.grid_shape)).flatten()
        alpha[k] = W[k] @ v
        for _ in range(2):  # once is not enough in floating point, twice is
            v -= (W[: k + 1] @ v) @ W[: k + 1]
        beta[k] = norm = torch.linalg.vector_norm(v)
    return W, alpha, beta[:-1]


def _cosines(A: PoissonOperator) -> Spectrum:
    """Products of cosines: eigenvectors of the Neumann problem on an empty box."""
    if not A.is_empty_box:
        raise ValueError(f"method must not be 'cosines' for a domain with obstacles, got {A}")
    frequencies = [2 - 2 * np.cos(np.pi * np.arange(n) / n) for n in A.grid_shape]
    total = functools.reduce(np.add.outer, frequencies).ravel()
    order = np.argsort(total, kind="stable")[1:]
    _check_any(order)
    indices = torch.from_numpy(order).to(A.device)
    bases = [_cosine_basis(n).to(A.device) for n in A.grid_shape]

    def combine(c: Tensor) -> Tensor:
        b = c.new_zeros(len(c), A.size)
        b[:, indices] = c
        b = b.reshape(-1, *A.grid_shape)
        for axis, basis in enumerate(bases, start=1):
            b = torch.tensordot(b, basis, dims=([axis], [0])).movedim(-1, axis)
        return b.contiguous()

    return Spectrum(torch.from_numpy(total[order]).to(A.device), combine)


def _cosine_basis(n: int) -> Float64[Tensor, "n n"]:
    """Orthonormal rows ``cos(π k (i + ½) / n)``."""
    k = torch.arange(n, dtype=torch.float64)
    rows = torch.cos(math.pi / n * k[:, None] * (k + 0.5))
    return functional.normalize(rows, dim=1)


def _exact(A: PoissonOperator) -> Spectrum:
    inside = A.fluid.flatten().cpu().numpy()
    values, vectors = eigh(A.to_csr()[inside][:, inside].toarray())
    basis = np.zeros((len(values), A.size))
    basis[:, inside] = vectors.T
    return _dense(A, torch.from_numpy(values).to(A.device), torch.from_numpy(basis).to(A.device))


def _dense(A: PoissonOperator, values: Tensor, basis: Tensor) -> Spectrum:
    """The spectrum of vectors that are held in memory, the rows of ``basis``."""
    kept = values >= SMALLEST
    _check_any(values[kept])
    basis = basis[kept]
    return Spectrum(values[kept], lambda c: (c @ basis).reshape(-1, *A.grid_shape))


def _check_operator(A: Any) -> None:
    if not isinstance(A, PoissonOperator):
        raise TypeError(f"A must be a PoissonOperator, got {type(A).__name__}")


def _check_any(values: Any) -> None:
    if not len(values):
        raise ValueError("A must have a positive eigenvalue, got an operator without neighbours")
