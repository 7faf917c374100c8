"""What prior-data fitted networks accept, said in one sentence each."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def check_integer(name: str, value: Any, least: int = 1) -> None:
    """Refuse anything but an integer of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, got {value!r} of type {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")


def check_number(
    name: str,
    value: Any,
    *,
    least: float = -math.inf,
    above: float | None = None,
    most: float = math.inf,
    below: float | None = None,
) -> None:
    """Refuse anything but a finite number within the bounds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, got {value!r} of type {type(value).__name__}")
    low_enough = value >= least if above is None else value > above
    high_enough = value <= most if below is None else value < below
    if not (math.isfinite(value) and low_enough and high_enough):
        low = f"at least {least:g}" if above is None else f"greater than {above:g}"
        high = f"at most {most:g}" if below is None else f"less than {below:g}"
        end = "finite" if below is None and most == math.inf else high
        raise ValueError(f"{name} must be {low} and {end}, got {value}")


def check_flag(name: str, value: Any) -> None:
    """Refuse anything but a bool."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be a bool, got {value!r} of type {type(value).__name__}")


def check_choice(name: str, value: Any, accepted: Sequence[str | None]) -> None:
    """Refuse anything but one of the accepted strings, or ``None`` where that is one of them."""
    if not isinstance(value, str) and value not in accepted:
        raise TypeError(f"{name} must be a str, got {value!r} of type {type(value).__name__}")
    if value not in accepted:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, accepted))}, got {value!r}")


def check_float_tensor(name: str, value: Any, like: Tensor | None = None) -> None:
    """Refuse anything but a floating-point tensor, of the dtype and device of ``like`` if given.

    Under automatic mixed precision any floating-point dtype is accepted.
    """
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(value).__name__}")
    if not value.is_floating_point():
        raise TypeError(f"{name} must be floating-point, got {value.dtype}")
    if like is None:
        return
    if value.dtype != like.dtype and not torch.is_autocast_enabled(value.device.type):
        raise TypeError(f"{name} must be of dtype {like.dtype}, got {value.dtype}")
    if value.device != like.device:
        raise ValueError(f"{name} must be on {like.device}, got {value.device}")
