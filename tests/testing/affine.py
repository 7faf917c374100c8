"""A module that passes every check, and the ground that the broken ones are built on."""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


class Affine(nn.Module):
    """``y = x W^T + b``."""

    def __init__(self, in_features: int, out_features: int, *, device=None, dtype=None):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = nn.Parameter(
            torch.empty(out_features, in_features, device=device, dtype=dtype)
        )
        self.bias = nn.Parameter(torch.empty(out_features, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.uniform_(self.weight, -1, 1)
        nn.init.uniform_(self.bias, -1, 1)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}"

    def forward(self, x: Tensor) -> Tensor:
        if not isinstance(x, Tensor):
            raise TypeError(f"x must be a tensor, got {type(x).__name__}")
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            raise ValueError(
                f"x must have shape (..., {self.in_features}) with at least 1 axis, "
                f"got {tuple(x.shape)}"
            )
        if x.device != self.weight.device:
            raise ValueError(f"x must be on {self.weight.device}, got {x.device}")
        if x.dtype != self.weight.dtype and not torch.is_autocast_enabled(x.device.type):
            raise ValueError(f"x must be {self.weight.dtype}, got {x.dtype}")
        return linear(x, self.weight, self.bias)
