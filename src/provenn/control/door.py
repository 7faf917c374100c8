"""What the public functions of the room do first: read their arguments as float64 arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]
ArrayLike = Tensor | NDArray[Any] | Sequence[Any] | float
"""What is taken for a matrix or a vector: a tensor, an array, nested sequences or a number."""


def as_array(value: object, name: str, shape: tuple[int | None, ...]) -> Array:
    """The value as a finite float64 array of that shape, ``None`` standing for any size from 1 on.

    A number stands for a vector or matrix with that entry only.

    Raises:
        TypeError: If it holds anything but numbers.
        ValueError: If the shape differs or an entry is NaN or infinite.
    """
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, (str, bytes, bool)) or value is None:
        raise TypeError(f"{name} must be {_shape_text(shape)}, got {type(value).__name__}")
    try:
        raw = np.asarray(value)
        if raw.dtype.kind not in "fiu":
            raise TypeError
        array = raw.astype(np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} must be {_shape_text(shape)} of real numbers, got {type(value).__name__}"
        ) from None
    if array.ndim == 0 and all(size in (None, 1) for size in shape):
        array = array.reshape((1,) * len(shape))
    fits = array.ndim == len(shape) and all(
        size >= 1 if wanted is None else size == wanted
        for size, wanted in zip(array.shape, shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{name} must be {_shape_text(shape)}, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity in it")
    return array


def as_weight(value: object, name: str, size: int, *, definite: bool) -> Array:
    """The value as a symmetric matrix that is positive definite, or positive semidefinite.

    Raises:
        TypeError: If it holds anything but numbers.
        ValueError: If it has another shape, is not symmetric, or has a negative eigenvalue.
    """
    matrix = as_array(value, name, (size, size))
    if not np.allclose(matrix, matrix.T, rtol=1e-9, atol=1e-12):
        raise ValueError(f"{name} must be symmetric, got {matrix.tolist()}")
    least = float(np.linalg.eigvalsh(matrix)[0])
    scale = max(1.0, float(np.abs(matrix).max()))
    if definite and least <= 1e-14 * scale:
        raise ValueError(f"{name} must be positive definite, got an eigenvalue of {least:g}")
    if not definite and least < -1e-9 * scale:
        raise ValueError(f"{name} must be positive semidefinite, got an eigenvalue of {least:g}")
    return matrix


def as_bounds(
    value: object, name: str, size: int
) -> tuple[Float64[np.ndarray, " dim"], Float64[np.ndarray, " dim"]]:
    """The pair ``(low, high)`` as two vectors of that size; numbers hold for every entry.

    Raises:
        TypeError: If it is not a pair of numbers or vectors.
        ValueError: If a size differs or a lower bound is not below its upper bound.
    """
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"{name} must be a pair (low, high), got {value!r:.60}")
    low, high = (
        np.full(size, float(part))
        if isinstance(part, (int, float)) and not isinstance(part, bool)
        else as_array(part, name, (size,))
        for part in value
    )
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError(f"{name} must be finite, got {value!r:.80}")
    if not (low < high).all():
        raise ValueError(f"{name} must be (low, high) with low < high, got {value!r:.80}")
    return low, high


def _shape_text(shape: tuple[int | None, ...]) -> str:
    sizes = ", ".join("any" if size is None else str(size) for size in shape)
    return f"{'a matrix' if len(shape) == 2 else 'a vector'} of shape ({sizes})"
