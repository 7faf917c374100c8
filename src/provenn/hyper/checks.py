"""When the values of a tensor may be looked at."""

import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor


def has_values(tensor: Tensor) -> bool:
    """Whether Python may look at the tensor's values here: not in a graph, a map or on meta."""
    return not (
        torch.compiler.is_compiling() or tensor.is_meta or is_functorch_wrapped_tensor(tensor)
    )
