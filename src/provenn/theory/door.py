"""What the room's functions accept, said in one sentence each."""

from collections.abc import Sequence
from typing import Any

from provenn.checks import check_float_tensor, check_number


def per_layer(name: str, value: Any, depth: int, **limits: float) -> tuple[float, ...]:
    """A number repeated for each layer, or a sequence with one number for each layer."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        check_number(name, value, **limits)
        return (float(value),) * depth
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(
            f"{name} must be a number or a sequence of {depth} numbers, got {value!r:.80} of type "
            f"{type(value).__name__}"
        )
    if len(value) != depth:
        raise ValueError(
            f"{name} must have one number for each of {depth} layers, got {len(value)}"
        )
    for i, number in enumerate(value):
        check_number(f"{name}[{i}]", number, **limits)
    return tuple(float(number) for number in value)


def check_matrix(name: str, value: Any, axes: str = "(batch, features)") -> None:
    """Refuse anything but a finite matrix of floating point with at least one row and column."""
    check_float_tensor(name, value)
    if value.ndim != 2 or 0 in value.shape:
        raise ValueError(f"{name} must have shape {axes}, not empty, got {tuple(value.shape)}")
    if value.device.type == "meta":
        raise ValueError(f"{name} must have values, got a tensor on meta")
    if not bool(value.isfinite().all()):
        raise ValueError(f"{name} must be finite, got NaN or infinity in it")
