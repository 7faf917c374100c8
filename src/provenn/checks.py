"""What public functions of several rooms accept, said in one sentence each."""

import math
from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn


def check_integer(name: str, value: Any, least: int = 1) -> int:
    """The value; refuse anything but an integer of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, got {_shown(value)}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return value


def check_number(
    name: str,
    value: Any,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
) -> float:
    """The value; refuse anything but a finite number within the limits that are given."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, got {_shown(value)}")
    limits = {"at least": least, "greater than": above, "at most": most, "less than": below}
    within = (
        math.isfinite(value)
        and (least is None or value >= least)
        and (above is None or value > above)
        and (most is None or value <= most)
        and (below is None or value < below)
    )
    if not within:
        texts = [f"{text} {limit:g}" for text, limit in limits.items() if limit is not None]
        raise ValueError(f"{name} must be {' and '.join(['finite', *texts])}, got {value}")
    return value


def check_flag(name: str, value: Any) -> bool:
    """The value; refuse anything but a bool."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be a bool, got {_shown(value)}")
    return value


def check_choice(name: str, value: Any, accepted: Collection[str]) -> str:
    """The value; refuse anything but one of the accepted strings."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, got {_shown(value)}")
    if value not in accepted:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, accepted))}, got {value!r}")
    return value


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


def check_float_tensor(name: str, value: Any) -> None:
    """Refuse anything but a floating-point tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(value).__name__}")
    if not value.is_floating_point():
        raise TypeError(f"{name} must be floating-point, got {value.dtype}")


def check_like(name: str, value: Any, weight: Tensor) -> None:
    """Refuse what is not on the device of ``weight``, or not of its dtype without autocast."""
    if value.device != weight.device:
        raise ValueError(f"{name} must be on the device {weight.device}, got {value.device}")
    if value.dtype != weight.dtype and not autocasts(value.device.type):
        raise TypeError(f"{name} must be of dtype {weight.dtype}, got {value.dtype}")


def autocasts(device_type: str) -> bool:
    """Whether automatic mixed precision is on for this type of device."""
    available = torch.amp.is_autocast_available(device_type)
    return available and torch.is_autocast_enabled(device_type)


def _shown(value: Any) -> str:
    return f"{value!r:.80} of type {type(value).__name__}"
