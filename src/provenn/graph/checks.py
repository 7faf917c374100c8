"""What the graph networks accept, said in one sentence each."""

from typing import Any

from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor
from torch.autograd import forward_ad

from provenn.checks import check_float_tensor


def check_rows(name: str, value: Any, columns: int | None = None) -> None:
    """Refuse anything but a floating-point matrix with a row for each node.

    Args:
        name: Name of the argument.
        value: What was given.
        columns: Columns that it must have; ``None`` for any.
    """
    check_float_tensor(name, value)
    if value.ndim != 2:
        raise ValueError(
            f"{name} must have 2 axes, (nodes, columns), got {value.ndim} with shape "
            f"{tuple(value.shape)}"
        )
    if columns is not None and value.shape[1] != columns:
        raise ValueError(f"{name} must have {columns} columns, got shape {tuple(value.shape)}")


def is_constant(tensor: Tensor) -> bool:
    """Whether nothing is differentiated or mapped through the tensor."""
    return not (
        tensor.requires_grad
        or is_functorch_wrapped_tensor(tensor)
        or forward_ad.unpack_dual(tensor).tangent is not None
    )
