"""The linear-quadratic regulator, discounted or not."""

import numpy as np
import torch
from jaxtyping import Float64
from scipy.linalg import solve_discrete_are
from torch import Tensor

from provenn.checks import check_number
from provenn.control.door import ArrayLike, as_array, as_weight


def lqr(
    A: ArrayLike, B: ArrayLike, Q: ArrayLike, R: ArrayLike, gamma: float = 1.0
) -> tuple[Float64[Tensor, "state_dim state_dim"], Float64[Tensor, "n_inputs state_dim"]]:
    r"""Cost matrix and gain of the controller ``u = -K x`` of least discounted quadratic cost.

    .. math::
        P = Q + γ A^⊤ P A - γ^2 A^⊤ P B (R + γ B^⊤ P B)^{-1} B^⊤ P A, \quad
        K = (R + γ B^⊤ P B)^{-1} γ B^⊤ P A

    Args:
        A: State matrix of ``x⁺ = A x + B u``, ``(state_dim, state_dim)``.
        B: Input matrix, ``(state_dim, n_inputs)``.
        Q: State weight, positive semidefinite.
        R: Input weight, positive definite.
        gamma: Discount for each step, in (0, 1].

    Returns:
        ``P``, with which the least cost from ``x`` is ``xᵀ P x``, and ``K``, in float64.

    Raises:
        TypeError: If an argument does not hold numbers.
        ValueError: If shapes do not fit, a weight is not definite, or no gain stabilises.

    Reference:
        Braniff and Tian, Reinforcement Learning-based Control via Y-wise Affine Neural Networks,
        2026, equation 6, with the discount of section 4.2.

    Example:
        >>> P, K = lqr([[1.0, 1.0], [0.0, 1.0]], [[0.0], [1.0]], [[1.0, 0.0], [0.0, 1.0]], 1.0)
        >>> K.shape
        torch.Size([1, 2])
    """
    a, b = system(A, B)
    q = as_weight(Q, "Q", len(a), definite=False)
    r = as_weight(R, "R", b.shape[1], definite=True)
    check_number("gamma", gamma, above=0.0, most=1.0)
    root = float(np.sqrt(gamma))
    try:
        p = solve_discrete_are(root * a, root * b, q, r)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            "A and B must be stabilisable and Q must see every unstable mode, got matrices "
            f"without a stabilising solution: {error}"
        ) from None
    gain = np.linalg.solve(r + gamma * b.T @ p @ b, gamma * b.T @ p @ a)
    return torch.from_numpy(p), torch.from_numpy(gain)


def system(
    A: ArrayLike, B: ArrayLike
) -> tuple[Float64[np.ndarray, "state_dim state_dim"], Float64[np.ndarray, "state_dim n_inputs"]]:
    """The matrices of ``x⁺ = A x + B u``, checked."""
    a = as_array(A, "A", (None, None))
    if a.shape[0] != a.shape[1]:
        raise ValueError(f"A must be square, got shape {a.shape}")
    return a, as_array(B, "B", (len(a), None))
