"""Initial values of a hypernetwork's output layer, and of the parameters to which it adds."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from provenn.hyper.layout import Piece

OutputInit = Literal["per_tensor", "hyperfan_in", "hyperfan_out", "zero"]
OUTPUT_INITS = ("per_tensor", "hyperfan_in", "hyperfan_out", "zero")


@torch.no_grad()
def init_output_(
    weight: Tensor,
    pieces: Sequence[Piece],
    init: OutputInit,
    *,
    gain: float,
    zero_bias: bool,
    mean_square_norm: float,
) -> None:
    """Fill the weight of the output layer, row block by row block.

    Args:
        weight: Weight, entries of the flat output x features of the last hidden layer.
        pieces: The predicted parameters.
        init: ``per_tensor``: each parameter as if it had a layer of its own, Kaiming normal,
            fan-out, so that its change has the squared norm ``gain^2 ||z||^2`` whatever its size;
            of a low-rank change the first factor is zero. ``hyperfan_in``, ``hyperfan_out``: so
            that predicted weights have the variance of Kaiming's rule for the primary network.
            ``zero``: no change at the start.
        gain: Gain of the activation before the layer.
        zero_bias: Whether ``per_tensor`` leaves the change of biases zero.
        mean_square_norm: ``E ||z||^2`` of the last hidden layer's output over the domain.

    Reference:
        Chang, Flokas, Lipson: Principled weight initialization for hypernetworks, ICLR 2020,
        table 1, with ``2^{1_ReLU} = 2``.
    """
    weight.zero_()
    if init == "zero":
        return
    shapes = {piece.name: piece.shape for piece in pieces}
    blocks = weight.split([piece.entries for piece in pieces])
    for piece, rows in zip(pieces, blocks, strict=True):
        if piece.rank:
            rows = rows[piece.sizes[0] :]
        if init == "per_tensor":
            std = 0.0 if zero_bias and _is_bias(piece.name) else gain
            rows.normal_(0, std / math.sqrt(len(rows)))
        else:
            variance = _hyperfan_variance(piece, shapes, fan_in=init == "hyperfan_in")
            rows.normal_(0, math.sqrt(variance / mean_square_norm))


@torch.no_grad()
def init_base_(base: Mapping[str, Tensor], *, residual: bool) -> None:
    """Fill what the hypernetwork's output is added to.

    As in an ordinary network if ``residual``: Kaiming normal, fan-in, for parameters of two axes
    or more; zero for biases; others, such as the scales of normalisation layers, are left as they
    are. Zero otherwise.
    """
    for name, parameter in base.items():
        if not residual or _is_bias(name):
            parameter.zero_()
        elif parameter.ndim > 1:
            nn.init.kaiming_normal_(parameter, a=0.01, nonlinearity="leaky_relu")


def _hyperfan_variance(
    piece: Piece, shapes: Mapping[str, tuple[int, ...]], *, fan_in: bool
) -> float:
    """Variance that the predicted parameter should have."""
    prefix = piece.name.rpartition(".")[0]
    sibling = f"{prefix}.weight" if prefix else "weight"
    has_bias = f"{sibling.removesuffix('weight')}bias" in shapes
    if len(piece.shape) > 1:
        inputs, outputs = _fans(piece.shape)
        return (1.0 if has_bias else 2.0) / inputs if fan_in else 2.0 / outputs
    if not _is_bias(piece.name) or len(shapes.get(sibling, ())) < 2:
        return 0.0
    inputs, outputs = _fans(shapes[sibling])
    return 1.0 if fan_in else max(2.0 * (1 - inputs / outputs), 0.0)


def _fans(shape: Sequence[int]) -> tuple[int, int]:
    """Fan-in and fan-out of a weight ``out x in x kernel``."""
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def _is_bias(name: str) -> bool:
    return name.rpartition(".")[2] == "bias"
