"""The loss that a direction ``q`` for a residual ``r`` leaves after an exact line search.

``L = ‖r - α A q‖²`` with ``α = rᵀq / qᵀAq``, the step that the solver takes. It does not change
when ``q`` is multiplied by a number, so that a network learns directions and not lengths.
"""

from collections.abc import Callable
from typing import Any

from jaxtyping import Float
from torch import Tensor

from provenn.checks import check_float_tensor


def conjugate_direction_loss(
    q: Float[Tensor, "batch *grid"],
    r: Float[Tensor, "batch *grid"],
    matvec: Callable[[Tensor], Tensor],
) -> Float[Tensor, ""]:
    """Mean over a batch of the squared residual norm after a step along ``q``.

    ``α`` is the step that minimises the error in the norm of ``A``, as in the solver, and not the
    one that minimises this loss; so the loss can exceed ``‖r‖²``. It is zero exactly where ``A q``
    is a multiple of ``r``.

    Args:
        q: Directions, zero in cells that are not unknowns.
        r: Residuals, likewise.
        matvec: Product with ``A`` for a batch, such as ``PoissonOperator.matvec``.

    Returns:
        The mean loss.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the shapes differ, or there is nothing in the batch.

    Reference:
        arXiv 2205.10763, section 4.

    Example:
        >>> import torch
        >>> from provenn.linalg import PoissonOperator
        >>> A = PoissonOperator((8,))
        >>> q = torch.randn(2, 8, dtype=torch.float64)
        >>> float(conjugate_direction_loss(q, 3 * A.matvec(q), A.matvec)) < 1e-20
        True
    """
    _check(q, r, matvec)
    q, product = q.flatten(1), matvec(q).flatten(1)
    r = r.flatten(1)
    alpha = (r * q).sum(1) / (q * product).sum(1).clamp(min=1e-12)
    return (r - alpha[:, None] * product).square().sum(1).mean()


def _check(q: Any, r: Any, matvec: Any) -> None:
    check_float_tensor("q", q)
    check_float_tensor("r", r)
    if q.ndim < 2 or not q.numel():
        raise ValueError(
            f"q must have shape (batch, *grid) with at least one entry, got {tuple(q.shape)}"
        )
    if r.shape != q.shape:
        raise ValueError(f"r must have the shape of q, {tuple(q.shape)}, got {tuple(r.shape)}")
    if not callable(matvec):
        raise TypeError(f"matvec must be a function, got {type(matvec).__name__}")
