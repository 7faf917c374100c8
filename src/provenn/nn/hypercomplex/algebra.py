"""Algebras as the matrices of left multiplication by their basis elements.

A finite-dimensional algebra with basis ``e_1..e_n`` is its multiplication table
``e_i e_j = sum_k T[i, j, k] e_k``. Multiplying by ``w = sum_i w_i e_i`` from the left is the matrix
``sum_i w_i A_i`` with ``A_i[k, j] = T[i, j, k]``: the form in which a parameterized hypercomplex
layer holds (and learns) its algebra.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from provenn.nn.hypercomplex.checks import check_choice, check_float_tensor

ALGEBRAS = ("real", "complex", "split-complex", "dual", "quaternion", "octonion")


def algebra(name: str) -> Float[Tensor, "n n n"]:
    """Matrices of left multiplication of an algebra that has a name.

    Args:
        name: ``"real"`` (n = 1), ``"complex"``, ``"split-complex"``, ``"dual"`` (n = 2),
            ``"quaternion"`` (n = 4) or ``"octonion"`` (n = 8).

    Returns:
        ``A`` in float64 on the CPU; ``A[i]`` multiplies by the i-th basis element from the left.

    Raises:
        TypeError: If ``name`` is not a string.
        ValueError: If there is no such algebra.

    Example:
        >>> algebra("complex")[1]
        tensor([[ 0., -1.],
                [ 1.,  0.]], dtype=torch.float64)
    """
    check_choice("name", name, ALGEBRAS)
    real = torch.ones(1, 1, 1, dtype=torch.float64, device="cpu")
    if name == "real":
        return real
    if name == "split-complex":
        return cayley_dickson(real, gamma=1.0)
    if name == "dual":
        return cayley_dickson(real, gamma=0.0)
    doublings = {"complex": 1, "quaternion": 2, "octonion": 3}[name]
    for _ in range(doublings):
        real = cayley_dickson(real)
    return real


def left_multiplication(table: Float[Tensor, "n n n"]) -> Float[Tensor, "n n n"]:
    """Matrices of left multiplication of the algebra with a given multiplication table.

    Args:
        table: ``T`` of shape (n, n, n) with ``e_i e_j = sum_k T[i, j, k] e_k``.

    Returns:
        ``A`` of shape (n, n, n) with ``A[i][k, j] = T[i, j, k]``.

    Raises:
        TypeError: If ``table`` is not a floating-point tensor.
        ValueError: If its shape is not (n, n, n) or an entry is not finite.

    Example:
        The dual numbers, where ``e_2 e_2 = 0``:

        >>> table = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 0.0]]])
        >>> left_multiplication(table)[1]
        tensor([[0., 0.],
                [1., 0.]])
    """
    check_cube("table", table)
    return table.transpose(1, 2).contiguous()


def cayley_dickson(
    algebra: Float[Tensor, "n n n"], gamma: float = -1.0
) -> Float[Tensor, "2*n 2*n 2*n"]:
    """Double an algebra by the Cayley-Dickson construction.

    ``(a, b)(c, d) = (a c + gamma d* b, d a + b c*)``, where ``*`` flips the sign of every basis
    element but the first.

    Args:
        algebra: Matrices of left multiplication, shape (n, n, n), with unit ``e_1``.
        gamma: Square of the new unit: -1 (complex, quaternion, octonion, ...), 0 (dual) or
            1 (split).

    Returns:
        Matrices of left multiplication of the doubled algebra, shape (2n, 2n, 2n).

    Raises:
        TypeError: If ``algebra`` is not a floating-point tensor.
        ValueError: If its shape is not (n, n, n), or an entry or ``gamma`` is not finite.

    Example:
        >>> quaternion = cayley_dickson(algebra("complex"))
        >>> i, j, k = quaternion[1:]
        >>> torch.equal(i @ j, k)
        True
    """
    check_cube("algebra", algebra)
    if isinstance(gamma, bool) or not isinstance(gamma, (int, float)):
        raise TypeError(f"gamma must be a number, got {type(gamma).__name__}")
    if not math.isfinite(gamma):
        raise ValueError(f"gamma must be finite, got {gamma}")
    n = algebra.shape[0]
    left = algebra  # left[i] @ x = e_i x
    right = algebra.permute(2, 1, 0)  # right[i] @ x = x e_i
    sign = algebra.new_full((n,), -1.0)
    sign[0] = 1.0
    conjugate = torch.diag(sign)
    doubled = algebra.new_zeros(2 * n, 2 * n, 2 * n)
    doubled[:n, :n, :n] = left  # (a, 0): c -> a c
    doubled[:n, n:, n:] = right  # (a, 0): d -> d a
    doubled[n:, n:, :n] = left @ conjugate  # (0, b): c -> b c*
    doubled[n:, :n, n:] = gamma * (right @ conjugate)  # (0, b): d -> gamma d* b
    return doubled


def check_cube(name: str, value: Tensor) -> None:
    """Refuse anything but a finite floating-point tensor of shape (n, n, n)."""
    check_float_tensor(name, value)
    if value.ndim != 3 or len(set(value.shape)) != 1 or value.numel() == 0:
        raise ValueError(f"{name} must have shape (n, n, n) with n >= 1, got {tuple(value.shape)}")
    if value.device.type != "meta" and not bool(torch.isfinite(value).all()):
        raise ValueError(f"{name} must be finite, got an infinite or NaN entry")
