"""What the room accepts, said in one sentence each."""

import math
from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn
from torch._C._functorch import is_functorch_wrapped_tensor


def check_count(name: str, value: Any) -> None:
    """Refuse anything but an integer of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, got {value!r} of type {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")


def check_number(name: str, value: Any) -> None:
    """Refuse anything but a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, got {value!r} of type {type(value).__name__}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")


def check_flag(name: str, value: Any) -> None:
    """Refuse anything but a bool."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be a bool, got {value!r} of type {type(value).__name__}")


def check_choice(name: str, value: Any, accepted: Collection[str]) -> None:
    """Refuse anything but one of the accepted strings."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, got {value!r} of type {type(value).__name__}")
    if value not in accepted:
        raise ValueError(f"{name} must be one of {', '.join(accepted)}, got {value!r}")


def check_module(name: str, value: Any) -> None:
    """Refuse anything but a module."""
    if not isinstance(value, nn.Module):
        raise TypeError(f"{name} must be a torch.nn.Module, got {type(value).__name__}")


def check_float_tensor(name: str, value: Any) -> None:
    """Refuse anything but a floating-point tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(value).__name__}")
    if not value.is_floating_point():
        raise TypeError(f"{name} must be floating-point, got {value.dtype}")


def check_like(name: str, value: Tensor, weight: Tensor) -> None:
    """Refuse a tensor of another device or dtype than the weight that will multiply it."""
    if value.device != weight.device:
        raise ValueError(
            f"{name} must be on the network's device {weight.device}, got {value.device}"
        )
    if value.dtype != weight.dtype and not torch.is_autocast_enabled(value.device.type):
        raise TypeError(f"{name} must have the network's dtype {weight.dtype}, got {value.dtype}")


def has_values(tensor: Tensor) -> bool:
    """Whether Python may look at the tensor's values here: not in a graph, a map or on meta."""
    return not (
        torch.compiler.is_compiling() or tensor.is_meta or is_functorch_wrapped_tensor(tensor)
    )
