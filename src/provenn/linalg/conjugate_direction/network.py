"""The convolutional network that maps a residual to a search direction.

One level of pooling between two full-resolution parts, residual blocks throughout::

    F = conv(r);  a = relu(conv(F));  a = blocks(a);  skip = relu(conv(a))
    u = upsample(blocks(avgpool(skip))) + skip;  q = linear(blocks(u))

with blocks ``x -> relu(conv(relu(conv(x)))) + x``: the sum comes after the last ReLU.
"""

from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from provenn.checks import check_choice, check_float_tensor, check_integer
from provenn.nn.pretrained import PretrainedModule

Wiring = Literal["n64", "n128"]
WIRINGS: dict[str, tuple[int, int, int]] = {"n64": (1, 3, 2), "n128": (2, 5, 3)}
"""Residual blocks before pooling, at half resolution, and after upsampling."""

_CONV = {2: nn.Conv2d, 3: nn.Conv3d}


class DCDMNet(PretrainedModule):
    """Fully convolutional network that approximates ``A⁻¹ r`` up to a factor.

    Weights are drawn as in the authors' code: Glorot uniform, biases zero.

    Args:
        dim: Axes of the grid, 2 or 3.
        channels: Filters of every convolution.
        wiring: ``n64``, the authors' network for grids of 64 cells a side, or ``n128``, deeper.
        device: Device of the parameters.
        dtype: Their dtype.

    Shape:
        - Input: ``(batch, 1, *grid)``. An odd axis is padded with one layer of zeros.
        - Output: ``(batch, 1, *grid)``.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a number or the wiring is not accepted.

    Reference:
        arXiv 2205.10763, section 5.1, and the authors' ``src/train.py``.

    Example:
        >>> net = DCDMNet(dim=2)
        >>> net(torch.randn(1, 1, 16, 24)).shape
        torch.Size([1, 1, 16, 24])
        >>> sum(p.numel() for p in DCDMNet(dim=3).parameters())
        97457
    """

    def __init__(
        self,
        dim: int,
        channels: int = 16,
        wiring: Wiring = "n64",
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_integer("dim", dim)
        if dim not in _CONV:
            raise ValueError(f"dim must be 2 or 3, got {dim}")
        check_integer("channels", channels)
        check_choice("wiring", wiring, tuple(WIRINGS))
        self.dim = dim
        self.config = {"dim": dim, "channels": channels, "wiring": wiring}

        def conv(inputs: int, outputs: int, size: int) -> nn.Module:
            kind = _CONV[dim]
            return kind(inputs, outputs, size, padding=size // 2, device=device, dtype=dtype)

        def blocks(count: int) -> nn.Sequential:
            return nn.Sequential(
                *(_Residual(*(conv(channels, channels, 3) for _ in range(2))) for _ in range(count))
            )

        before, coarse, after = WIRINGS[wiring]
        self.lift = conv(1, channels, 3)
        self.first = conv(channels, channels, 3)
        self.fine = blocks(before)
        self.last = conv(channels, channels, 3)
        self.coarse = blocks(coarse)
        self.up = blocks(after)
        self.out = conv(channels, 1, 1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights from Glorot's uniform distribution and set biases to zero."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Conv3d):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, r: Float[Tensor, "batch 1 *grid"]) -> Float[Tensor, "batch 1 *grid"]:
        """Search directions, up to a factor, for residuals of norm 1."""
        self._check(r)
        odd = [n % 2 for n in r.shape[2:]]
        if any(odd):
            r = functional.pad(r, [p for n in reversed(odd) for p in (0, n)])
        a = functional.relu(self.first(_channels_last(self.lift(r))))
        skip = functional.relu(self.last(self.fine(a)))
        coarse = functional.interpolate(self.coarse(_halve(skip)), scale_factor=2.0)
        q: Tensor = self.out(self.up(skip + coarse))
        for axis, padded in enumerate(odd, start=2):
            if padded:
                q = q.narrow(axis, 0, q.shape[axis] - 1)
        return q

    def extra_repr(self) -> str:
        """Arguments of the constructor."""
        return ", ".join(f"{name}={value!r}" for name, value in self.config.items())

    def _check(self, r: Any) -> None:
        check_float_tensor("r", r)
        if r.ndim != self.dim + 2 or r.shape[1] != 1:
            axes = ", ".join(("height", "width") if self.dim == 2 else ("depth", "height", "width"))
            raise ValueError(f"r must have shape (batch, 1, {axes}), got {tuple(r.shape)}")
        if min(r.shape[2:]) < 2:
            raise ValueError(
                f"r must have at least 2 cells along each axis, got {tuple(r.shape[2:])}"
            )
        weight = next(self.parameters())
        if r.dtype != weight.dtype and not torch.is_autocast_enabled(r.device.type):
            raise TypeError(f"r must be of dtype {weight.dtype}, as the network is, got {r.dtype}")
        if r.device != weight.device:
            raise ValueError(f"r must be on {weight.device}, as the network is, got {r.device}")


class _Residual(nn.Module):
    """``relu(conv(relu(conv(x)))) + x``."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = functional.relu(self.second(functional.relu(self.first(x))))
        return y + x


def _channels_last(x: Tensor) -> Tensor:
    """The same in memory with channels last, which later layers keep: the fastest for few."""
    return x.movedim(1, -1).contiguous().movedim(-1, 1)


def _halve(x: Tensor) -> Tensor:
    """Mean over cells of two by two (by two)."""
    if x.ndim == 4:
        return functional.avg_pool2d(x, 2)
    for axis in (2, 3, 4):  # avg_pool3d knows neither bfloat16 on the CPU nor channels last
        first, second = x.unflatten(axis, (-1, 2)).unbind(axis + 1)
        x = 0.5 * (first + second)
    return x
