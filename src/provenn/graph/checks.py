"""What the graph networks accept, said in one sentence each."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor
from torch.autograd import forward_ad


def check_integer(name: str, value: Any, least: int = 1) -> None:
    """Refuse anything but an integer of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, got {value!r} of type {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")


def check_number(
    name: str, value: Any, *, least: float = -math.inf, below: float = math.inf
) -> None:
    """Refuse anything but a finite number of at least ``least`` and less than ``below``."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, got {value!r} of type {type(value).__name__}")
    if not (math.isfinite(value) and least <= value < below):
        end = "finite" if below == math.inf else f"less than {below:g}"
        raise ValueError(f"{name} must be at least {least:g} and {end}, got {value}")


def check_flag(name: str, value: Any) -> None:
    """Refuse anything but a bool."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be a bool, got {value!r} of type {type(value).__name__}")


def check_choice(name: str, value: Any, accepted: Sequence[str]) -> None:
    """Refuse anything but one of the accepted strings."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, got {value!r} of type {type(value).__name__}")
    if value not in accepted:
        raise ValueError(f"{name} must be one of {', '.join(accepted)}, got {value!r}")


def check_rows(name: str, value: Any, columns: int | None = None) -> None:
    """Refuse anything but a floating-point matrix with a row for each node.

    Args:
        name: Name of the argument.
        value: What was given.
        columns: Columns that it must have; ``None`` for any.
    """
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(value).__name__}")
    if not value.is_floating_point():
        raise TypeError(f"{name} must be floating-point, got {value.dtype}")
    if value.ndim != 2:
        raise ValueError(
            f"{name} must have 2 axes, (nodes, columns), got {value.ndim} with shape "
            f"{tuple(value.shape)}"
        )
    if columns is not None and value.shape[1] != columns:
        raise ValueError(f"{name} must have {columns} columns, got shape {tuple(value.shape)}")


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


def is_constant(tensor: Tensor) -> bool:
    """Whether nothing is differentiated or mapped through the tensor."""
    return not (
        tensor.requires_grad
        or is_functorch_wrapped_tensor(tensor)
        or forward_ad.unpack_dual(tensor).tangent is not None
    )
