"""What the room's functions accept, said in one sentence each."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


def check_integer(name: str, value: Any, least: int = 1) -> None:
    """Refuse anything but an integer of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, got {value!r:.80} of type {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")


def check_number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
) -> None:
    """Refuse anything but a finite number within the limits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(
            f"{name} must be a number, got {value!r:.80} of type {type(value).__name__}"
        )
    limits = {"above": above, "at least": least, "below": below}
    accepted = " and ".join(
        f"{word} {limit:g}" for word, limit in limits.items() if limit is not None
    )
    number = float(value)
    if (
        not math.isfinite(number)
        or (above is not None and number <= above)
        or (least is not None and number < least)
        or (below is not None and number >= below)
    ):
        raise ValueError(f"{name} must be finite{' and ' * bool(accepted)}{accepted}, got {value}")


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
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(value).__name__}")
    if not value.is_floating_point():
        raise TypeError(f"{name} must be floating-point, got {value.dtype}")
    if value.ndim != 2 or 0 in value.shape:
        raise ValueError(f"{name} must have shape {axes}, not empty, got {tuple(value.shape)}")
    if value.device.type == "meta":
        raise ValueError(f"{name} must have values, got a tensor on meta")
    if not bool(value.isfinite().all()):
        raise ValueError(f"{name} must be finite, got NaN or infinity in it")


def check_module(name: str, value: Any) -> None:
    """Refuse anything but a module."""
    if not isinstance(value, nn.Module):
        raise TypeError(f"{name} must be a torch.nn.Module, got {type(value).__name__}")


def check_generator(value: Any) -> None:
    """Refuse anything but a generator of random numbers or ``None``."""
    if value is not None and not isinstance(value, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator or None, got {type(value).__name__}")


def check_dtype(value: Any) -> None:
    """Refuse anything but a floating-point type or ``None``."""
    if value is not None and not (isinstance(value, torch.dtype) and value.is_floating_point):
        raise TypeError(f"dtype must be a floating-point torch.dtype, got {value!r}")
