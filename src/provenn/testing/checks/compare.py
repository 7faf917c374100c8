"""Comparisons whose failure is a sentence."""

from collections.abc import Callable

import torch
from torch import Tensor

from provenn.testing.outcome import CheckFailed

TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4}
"""Largest difference that counts as equal, relative to the largest entry."""


def require(condition: bool, message: str) -> None:
    """Raise ``CheckFailed`` with the message unless the condition is true."""
    if not condition:
        raise CheckFailed(message)


def same(given: tuple[Tensor, ...], expected: tuple[Tensor, ...], what: str) -> None:
    """Require equal shapes, dtypes and bits (NaN equal to NaN); ``what`` begins the message."""
    _require_alike(given, expected, what)
    for a, b in zip(given, expected, strict=True):
        if not torch.equal(torch.nan_to_num(a), torch.nan_to_num(b)):
            raise CheckFailed(f"{what}: differs by up to {_distance(a, b):.3g}")


def close(
    given: tuple[Tensor, ...],
    expected: tuple[Tensor, ...],
    what: str,
    tolerance: float | None = None,
) -> None:
    """Require equal shapes and values within ``tolerance``, by default that of the dtype.

    The tolerance is relative to the tensor's largest expected entry, or to a hundredth of the
    largest of all tensors where that is more.
    """
    _require_alike(given, expected, what, dtypes=tolerance is None)
    largest = [float(b.detach().double().abs().max()) if b.numel() else 0.0 for b in expected]
    for a, b, own in zip(given, expected, largest, strict=True):
        allowed = TOLERANCE.get(b.dtype, 0.0) if tolerance is None else tolerance
        limit = allowed * max(own, 0.01 * max(largest))
        distance = _distance(a, b)
        if not distance <= limit:
            raise CheckFailed(f"{what}: differs by up to {distance:.3g}, allowed {limit:.3g}")


def finite(tensors: dict[str, Tensor], what: str) -> None:
    """Require every entry of every tensor to be a finite number."""
    for name, tensor in tensors.items():
        require(bool(tensor.isfinite().all()), f"{what}: {name} has entries that are not finite")


def error_of(function: Callable[..., object], *arguments: object) -> Exception | None:
    """The exception that the function raises on these arguments, if it raises one."""
    try:
        function(*arguments)
    except Exception as error:
        return error
    return None


def described(error: Exception) -> str:
    """Type and message of an error on one line of bounded length."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:400]}{'...' if len(text) > 400 else ''}"


def _require_alike(
    given: tuple[Tensor, ...], expected: tuple[Tensor, ...], what: str, *, dtypes: bool = True
) -> None:
    require(len(given) == len(expected), f"{what}: {len(given)} tensors instead of {len(expected)}")
    for a, b in zip(given, expected, strict=True):
        require(a.shape == b.shape, f"{what}: shape {tuple(a.shape)} instead of {tuple(b.shape)}")
        if dtypes:
            require(a.dtype == b.dtype, f"{what}: dtype {a.dtype} instead of {b.dtype}")


def _distance(a: Tensor, b: Tensor) -> float:
    difference = (a.detach().double() - b.detach().double()).abs()
    return float(difference.max()) if difference.numel() else 0.0
