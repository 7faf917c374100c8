"""Trainable networks whose output is exactly zero at the start.

Added to a law that is known to be good, such a network changes nothing until it is trained, and
every one of its weights can be trained.
"""

from typing import Any, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from provenn.checks import (
    check_choice,
    check_dtype,
    check_flag,
    check_float_tensor,
    check_integer,
    check_like,
    check_number,
)

Mode = Literal["paired", "sum", "zero"]


class PairedZero(nn.Module):
    r"""Two tanh layers that are zero for every input when they are new.

    .. math::
        y_k = \sum_{l=1}^{T} \tanh\Bigl(\sum_j V_{(k,l),j} \tanh(w_j^⊤ x + b_j)\Bigr)

    At the start the second half of the first layer is the negative of the first half,
    ``w' = -w`` and ``b' = -b``, and both halves have the same weights ``V`` in the second layer:
    their contributions cancel. The gradients do not, so that one step breaks the symmetry and the
    halves learn apart. Where ``hidden`` is odd, one more unit starts with ``w = 0`` and ``b = 0``.

    Args:
        in_features: Size of the input.
        out_features: Size of the output.
        device: Device of the parameters.
        dtype: Floating-point type of the parameters.
        hidden: Units of the first layer.
        terms: Units ``T`` of the second layer that each output adds up; ``hidden`` if ``None``.
        blocks: Number of independent networks side by side, which all read the same input; ``None``
            for one, whose output has no axis for it.
        mode: ``"paired"``; ``"sum"``, the literal wording of the paper's proof, which adds up the
            first layer before its activation and so can only ever follow one direction of ``x``; or
            ``"zero"``, an ordinary first layer and a second one that starts at zero.
        readout: Whether the outputs weigh their terms with trainable weights that start at 1,
            instead of adding them up.
        init_scale: Largest magnitude of a weight or bias at the start, except for ``mode="zero"``,
            whose first layer starts as ``torch.nn.Linear`` does.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a size is less than 1, ``mode`` is unknown or ``init_scale`` not positive.

    Reference:
        Braniff and Tian, arXiv 2508.16474, section 3.2, theorems 1 and 2.

    Example:
        >>> network = PairedZero(2, 1, hidden=8)
        >>> network(torch.randn(3, 2)).abs().max().item()
        0.0
        >>> network(torch.randn(3, 2)).sum().backward()
        >>> all(bool(p.grad.any()) for p in network.parameters())
        True
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        hidden: int = 64,
        terms: int | None = None,
        blocks: int | None = None,
        mode: Mode = "paired",
        readout: bool = False,
        init_scale: float = 1e-2,
    ) -> None:
        super().__init__()
        self.in_features = check_integer("in_features", in_features)
        self.out_features = check_integer("out_features", out_features)
        self.hidden = check_integer("hidden", hidden, least=2)
        self.terms = hidden if terms is None else check_integer("terms", terms)
        self.blocks = None if blocks is None else check_integer("blocks", blocks)
        self.mode = check_choice("mode", mode, get_args(Mode))
        self.init_scale = check_number("init_scale", init_scale, above=0.0)
        check_flag("readout", readout)
        check_dtype(dtype)
        side = () if blocks is None else (blocks,)
        units = out_features * self.terms

        def empty(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.empty(*side, *shape, device=device, dtype=dtype))

        self.weight = empty(hidden, in_features)
        self.bias = empty(hidden)
        self.mixing = empty(units, hidden)
        self.readout: nn.Parameter | None
        self.register_parameter("readout", empty(units) if readout else None)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw new parameters with which the output is zero."""
        half = self.hidden // 2
        if self.mode == "zero":
            bound = self.in_features**-0.5
            for parameter in (self.weight, self.bias):
                parameter.uniform_(-bound, bound)
            self.mixing.zero_()
        else:
            for parameter in (self.weight, self.bias, self.mixing):
                parameter.uniform_(-self.init_scale, self.init_scale)
            _negate(self.weight, half, axis=-2)
            _negate(self.bias, half, axis=-1)
            self.mixing[..., half : 2 * half] = self.mixing[..., :half]
        if self.readout is not None:
            self.readout.fill_(1.0)

    def extra_repr(self) -> str:
        """Sizes and mode."""
        blocks = "" if self.blocks is None else f", blocks={self.blocks}"
        return (
            f"{self.in_features}, {self.out_features}, hidden={self.hidden}, "
            f"terms={self.terms}{blocks}, mode={self.mode!r}, readout={self.readout is not None}"
        )

    def forward(self, x: Float[Tensor, "*batch in_features"]) -> Float[Tensor, "*out"]:
        """Outputs of every block.

        Args:
            x: Inputs, ``(*batch, in_features)``.

        Returns:
            ``(*batch, out_features)``, or ``(*batch, blocks, out_features)``.

        Raises:
            TypeError: If ``x`` is not a floating-point tensor of the parameters' dtype.
            ValueError: If ``x`` has another size or device.
        """
        check_features(x, "x", self.in_features, self.weight)
        if self.blocks is not None:
            x = x.unsqueeze(-2)
        return self.mixed(x, self.weight, self.bias, self.mixing, self.readout)

    def of_blocks(
        self, x: Float[Tensor, "*batch in_features"], index: Tensor
    ) -> Float[Tensor, "*batch out_features"]:
        """Outputs of one block for each input.

        Args:
            x: Inputs, ``(*batch, in_features)``.
            index: The block that each input goes to, ``(*batch,)``.
        """
        readout = None if self.readout is None else self.readout[index]
        return self.mixed(x, self.weight[index], self.bias[index], self.mixing[index], readout)

    def mixed(
        self, x: Tensor, weight: Tensor, bias: Tensor, mixing: Tensor, readout: Tensor | None
    ) -> Tensor:
        """Outputs of the parameters that are given, which may have batch axes like ``x``."""
        half = self.hidden // 2
        pairs = (slice(0, half), slice(half, 2 * half))
        first, second = (_affine(x, weight[..., part, :], bias[..., part]) for part in pairs)
        odd = slice(2 * half, None)
        rest = None
        if self.hidden % 2:
            rest = _affine(x, weight[..., odd, :], bias[..., odd])
        # Pairs meet before anything else is added, so that rounding leaves no trace of them.
        if self.mode == "sum":
            total = (first + second).sum(-1, keepdim=True)
            if rest is not None:
                total = total + rest
            hidden = torch.tanh(total) * mixing.sum(-1)
        else:
            a, b = torch.tanh(first), torch.tanh(second)
            va, vb = (mixing[..., part] for part in pairs)
            hidden = _affine(a + b, 0.5 * (va + vb)) + _affine(a - b, 0.5 * (va - vb))
            if rest is not None:
                hidden = hidden + _affine(torch.tanh(rest), mixing[..., odd])
        hidden = torch.tanh(hidden)
        if readout is not None:
            hidden = hidden * readout
        y: Tensor = hidden.unflatten(-1, (self.out_features, self.terms)).sum(-1)
        return y


def check_features(x: Any, name: str, size: int, like: Tensor) -> None:
    """Refuse anything but rows of that size, in the dtype and on the device of ``like``.

    Raises:
        TypeError: If it is no floating-point tensor, or of another dtype.
        ValueError: If it has another size or device.
    """
    check_float_tensor(name, x)
    if x.ndim < 1 or x.shape[-1] != size:
        raise ValueError(
            f"{name} must have size {size} along its last dimension, got shape {tuple(x.shape)}"
        )
    check_like(name, x, like)


def _negate(parameter: Tensor, half: int, axis: int) -> None:
    """Make the second half the negative of the first, and the odd one out zero."""
    first, second = (parameter.narrow(axis, start, half) for start in (0, half))
    second.copy_(-first)
    parameter.narrow(axis, 2 * half, parameter.shape[axis] - 2 * half).zero_()


def _affine(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``weight @ x + bias`` for each row, with one weight for all or one for each."""
    if weight.ndim == 2:
        return functional.linear(x, weight, bias)
    y = (weight @ x.unsqueeze(-1)).squeeze(-1)
    return y if bias is None else y + bias
