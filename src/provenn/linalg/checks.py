"""What the room of linear systems accepts, said in one sentence each."""

import math
from typing import Any

import torch
from torch import Tensor


def check_integer(name: str, value: Any, least: int = 1) -> None:
    """Refuse anything but an integer of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, got {value!r:.80} of type {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")


def check_number(name: str, value: Any, least: float = 0.0, most: float = math.inf) -> None:
    """Refuse anything but a finite number from ``least`` to ``most``."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(
            f"{name} must be a number, got {value!r:.80} of type {type(value).__name__}"
        )
    if not (math.isfinite(value) and least <= value <= most):
        end = "finite" if most == math.inf else f"at most {most:g}"
        raise ValueError(f"{name} must be at least {least:g} and {end}, got {value}")


def check_flag(name: str, value: Any) -> None:
    """Refuse anything but a bool."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be a bool, got {value!r:.80} of type {type(value).__name__}")


def check_choice(name: str, value: Any, accepted: tuple[str, ...]) -> None:
    """Refuse anything but one of the accepted strings."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, got {value!r:.80} of type {type(value).__name__}")
    if value not in accepted:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, accepted))}, got {value!r}")


def check_float(name: str, value: Any) -> None:
    """Refuse anything but a floating-point tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(value).__name__}")
    if not value.is_floating_point():
        raise TypeError(f"{name} must be floating-point, got {value.dtype}")


def check_generator(value: Any) -> None:
    """Refuse anything but a generator of PyTorch, or none."""
    if value is not None and not isinstance(value, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator, got {type(value).__name__}")
