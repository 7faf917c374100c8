"""What the hypercomplex layers accept, said in one sentence each."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch._C._functorch import is_functorch_wrapped_tensor
from torch.autograd import forward_ad


def check_positive_int(name: str, value: Any) -> None:
    """Refuse anything but an integer of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, got {value!r} of type {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")


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


def check_divisible(name: str, value: int, blocks: int, because: str) -> None:
    """Refuse a size that is not a multiple of ``blocks``."""
    if value % blocks:
        raise ValueError(f"{name} must be divisible by {because} = {blocks}, got {value}")


def check_float_tensor(name: str, value: Any) -> None:
    """Refuse anything but a floating-point tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(value).__name__}")
    if not value.is_floating_point():
        raise TypeError(f"{name} must be floating-point, got {value.dtype}")


def per_axis(name: str, value: Any, axes: int, minimum: int) -> tuple[int, ...]:
    """Integer repeated for each axis, or the given sequence of ``axes`` integers."""
    values = (value,) * axes if isinstance(value, int) else value
    if not isinstance(values, (tuple, list)) or any(
        isinstance(v, bool) or not isinstance(v, int) for v in values
    ):
        raise TypeError(
            f"{name} must be an int or a tuple of {axes} ints, got {value!r} "
            f"of type {type(value).__name__}"
        )
    if len(values) != axes or min(values) < minimum:
        raise ValueError(
            f"{name} must be an int or {axes} ints, each at least {minimum}, got {value!r}"
        )
    return tuple(values)


def check_input(
    x: Any, size: int, axis: int, ndims: tuple[int, ...] | None, weight: Tensor
) -> None:
    """Refuse an input that the layer's weight cannot multiply.

    Args:
        x: The input.
        size: Features or channels that the layer expects.
        axis: Where it expects them, counted from the end.
        ndims: Numbers of dimensions that are accepted; ``None`` for any.
        weight: A parameter of the layer, for its dtype and device.
    """
    check_float_tensor("x", x)
    if ndims is not None and x.ndim not in ndims:
        accepted = " or ".join(str(n) for n in ndims)
        raise ValueError(
            f"x must have {accepted} dimensions, got {x.ndim} with shape {tuple(x.shape)}"
        )
    if x.ndim < -axis or x.shape[axis] != size:
        raise ValueError(
            f"x must have size {size} along dimension {axis}, got shape {tuple(x.shape)}"
        )
    if x.device != weight.device:
        raise ValueError(f"x must be on the layer's device {weight.device}, got {x.device}")
    if x.dtype != weight.dtype and not autocasts(x):
        raise TypeError(f"x must have the layer's dtype {weight.dtype}, got {x.dtype}")


def autocasts(x: Tensor) -> bool:
    """Whether automatic mixed precision is on for the tensor's device."""
    kind = x.device.type
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)


def is_constant(tensor: Tensor) -> bool:
    """Whether it is a plain tensor on the CPU through which nothing is differentiated or mapped."""
    return (
        type(tensor) in (Tensor, nn.Parameter)
        and tensor.device.type == "cpu"
        and not tensor.is_inference()
        and not (tensor.requires_grad and torch.is_grad_enabled())
        and not is_functorch_wrapped_tensor(tensor)
        and forward_ad.unpack_dual(tensor).tangent is None
    )
