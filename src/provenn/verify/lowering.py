"""How each operator of a traced program becomes a node of the graph."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from provenn.verify.graph import Add, Affine, Input, Node, ReLU
from provenn.verify.operators import Convolution, Dense, LinearOperator, Reshape, Scale, Shape

BATCH = 2
"""Batch size of the shapes that the model sees while it is traced."""

_SUPPORTED = (
    "Linear, Conv1d, Conv2d, ReLU, LeakyReLU, BatchNorm1d, BatchNorm2d, AvgPool1d, AvgPool2d, "
    "AdaptiveAvgPool1d, AdaptiveAvgPool2d, Flatten, Unflatten, Identity, Dropout, "
    "reshape/view/flatten, mean over the spatial dimensions, +, -, and * or / by constants"
)
_ADVICE = {
    "MaxPool1d": "use AvgPool1d or a strided Conv1d",
    "MaxPool2d": "use AvgPool2d or a strided Conv2d",
    "max_pool2d": "use avg_pool2d or a strided convolution",
    "ConvTranspose2d": "use Conv2d",
    "Softmax": "bound the logits: leave the softmax out of the model",
    "LogSoftmax": "bound the logits: leave the log-softmax out of the model",
    "softmax": "bound the logits: leave the softmax out of the model",
    "log_softmax": "bound the logits: leave the log-softmax out of the model",
}
RESHAPES = {"view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "contiguous"}
IDENTITIES = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout)


class UnsupportedOperatorError(ValueError):
    """The model has an operator that has no sound bound here."""


@dataclass(frozen=True)
class Symbol:
    """A value that depends on the input: a position in the graph, and its shape."""

    position: int
    shape: Shape


class Builder:
    """A graph under construction.

    Args:
        like: Tensor with the shape, dtype and device of a batch of inputs.
    """

    def __init__(self, like: Tensor) -> None:
        self.like = like
        self.nodes: list[Node] = [Input(parents=(), shape=tuple(like.shape[1:]))]

    def affine(self, x: Symbol, op: LinearOperator) -> Symbol:
        """Append an affine layer."""
        return self._append(Affine(parents=(x.position,), shape=op.out_shape, operator=op))

    def relu(self, x: Symbol, slope: float) -> Symbol:
        """Append a ReLU or leaky ReLU."""
        if not 0 <= slope <= 1:
            raise UnsupportedOperatorError(
                f"negative_slope of a leaky ReLU must be between 0 and 1, got {slope}"
            )
        return self._append(ReLU(parents=(x.position,), shape=x.shape, slope=float(slope)))

    def add(self, x: Symbol, y: Symbol) -> Symbol:
        """Append a sum."""
        if x.shape != y.shape:
            raise UnsupportedOperatorError(
                f"an addition must have two terms of one shape, got {x.shape} and {y.shape}; "
                f"expand the smaller one before it"
            )
        return self._append(Add(parents=(x.position, y.position), shape=x.shape))

    def linear(self, x: Symbol, weight: Tensor, bias: Tensor | None = None) -> Symbol:
        """Append a linear layer."""
        op = Dense(
            in_shape=x.shape,
            out_shape=(*x.shape[:-1], weight.shape[0]),
            bias=_detach(bias),
            weight=weight.detach(),
        )
        return self.affine(x, op)

    def convolution(
        self,
        x: Symbol,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: int | Shape = 1,
        padding: int | str | Shape = 0,
        dilation: int | Shape = 1,
        groups: int = 1,
    ) -> Symbol:
        """Append a convolution."""
        if x.shape[:1] != (weight.shape[1] * groups,) or len(x.shape) != weight.ndim - 1:
            raise UnsupportedOperatorError(
                f"a convolution must read (batch, channels, *spatial), got {(BATCH, *x.shape)}"
            )
        spatial = weight.ndim - 2
        stride, dilation = _each(stride, spatial), _each(dilation, spatial)
        padding = _padding(padding, weight.shape[2:], dilation)
        out_shape = tuple(
            (size + 2 * p - d * (k - 1) - 1) // s + 1
            for size, k, s, p, d in zip(
                x.shape[1:], weight.shape[2:], stride, padding, dilation, strict=True
            )
        )
        op = Convolution(
            in_shape=x.shape,
            out_shape=(weight.shape[0], *out_shape),
            bias=None if bias is None else bias.detach().reshape(-1, *(1,) * spatial),
            weight=weight.detach(),
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
        )
        return self.affine(x, op)

    def scale(self, x: Symbol, factor: Any, bias: Any = None) -> Symbol:
        """Append a factor and an offset for each element."""
        op = Scale(
            in_shape=x.shape,
            out_shape=x.shape,
            bias=None if bias is None else self._broadcastable(bias, x),
            factor=self._broadcastable(factor, x),
        )
        return self.affine(x, op)

    def average(self, x: Symbol, kernel: Shape, stride: Shape, padding: Shape) -> Symbol:
        """Append an average pooling, as a convolution of each channel."""
        channels = x.shape[0]
        like = self.like
        weight = torch.ones(channels, 1, *kernel, dtype=like.dtype, device=like.device)
        return self.convolution(
            x, weight / weight[0].numel(), None, stride, padding, 1, groups=channels
        )

    def reshape(self, x: Symbol, function: Callable[[Tensor], Tensor]) -> Symbol:
        """Append a change of shape that keeps the batch."""
        out = tuple(function(torch.empty(BATCH, *x.shape, device="meta")).shape)
        if not out or out[0] != BATCH:
            raise UnsupportedOperatorError(
                f"a reshape must keep the batch as its first dimension, but it turns "
                f"{(BATCH, *x.shape)} into {out}"
            )
        op = Reshape(in_shape=x.shape, out_shape=out[1:], bias=None)
        return self.affine(x, op)

    def _broadcastable(self, value: Any, x: Symbol) -> Tensor:
        like = self.like
        constant = torch.as_tensor(value, dtype=like.dtype, device=like.device).detach()
        if constant.ndim > len(x.shape) and constant.shape[0] == 1:
            constant = constant[0]
        shape = constant.shape
        if len(shape) > len(x.shape) or torch.broadcast_shapes(shape, x.shape) != x.shape:
            raise UnsupportedOperatorError(
                f"a constant must broadcast to the value {x.shape} that it is combined with, "
                f"got shape {tuple(shape)}"
            )
        return constant

    def _append(self, node: Node) -> Symbol:
        self.nodes.append(node)
        return Symbol(len(self.nodes) - 1, node.shape)


def _batch_norm(build: Builder, module: nn.BatchNorm1d | nn.BatchNorm2d, x: Symbol) -> Symbol:
    if module.running_mean is None or module.running_var is None:
        raise UnsupportedOperatorError(
            "batch normalisation must track running statistics to be bounded, got "
            "track_running_stats=False"
        )
    factor = (module.running_var + module.eps).rsqrt()
    if module.weight is not None:
        factor = factor * module.weight
    bias = -module.running_mean * factor
    if module.bias is not None:
        bias = bias + module.bias
    spatial = (-1, *(1,) * (len(x.shape) - 1))
    return build.scale(x, factor.reshape(spatial), bias.reshape(spatial))


def _avg_pool(
    build: Builder,
    x: Symbol,
    kernel_size: int | Shape,
    stride: int | Shape | None = None,
    padding: int | Shape = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Symbol:
    spatial = len(x.shape) - 1
    kernel, pad = _each(kernel_size, spatial), _each(padding, spatial)
    if ceil_mode or divisor_override is not None or (any(pad) and not count_include_pad):
        raise UnsupportedOperatorError(
            "average pooling must have ceil_mode=False, divisor_override=None and, if padded, "
            "count_include_pad=True"
        )
    return build.average(x, kernel, _each(stride or kernel, spatial), pad)


def _adaptive_pool(build: Builder, x: Symbol, output_size: Any) -> Symbol:
    sizes = x.shape[1:]
    wanted = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * len(sizes)
    wanted = tuple(s if w is None else w for s, w in zip(sizes, wanted, strict=True))
    if any(s % w for s, w in zip(sizes, wanted, strict=True)):
        raise UnsupportedOperatorError(
            f"adaptive average pooling must divide the input evenly, got {sizes} -> {wanted}"
        )
    kernel = tuple(s // w for s, w in zip(sizes, wanted, strict=True))
    return build.average(x, kernel, kernel, (0,) * len(sizes))


def _mean(build: Builder, x: Symbol, dim: Any = None, keepdim: bool = False) -> Symbol:
    rank = len(x.shape) + 1
    dims = {d % rank for d in (dim if isinstance(dim, (tuple, list)) else (dim,)) if d is not None}
    if rank < 3 or dims != set(range(2, rank)):
        raise UnsupportedOperatorError(
            f"mean must be over all spatial dimensions {(*range(2, rank),)}, got dim={dim}"
        )
    pooled = _adaptive_pool(build, x, 1)
    return pooled if keepdim else build.reshape(pooled, lambda value: value.flatten(1))


def _dropout(
    build: Builder, x: Symbol, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Symbol:
    if training:
        raise UnsupportedOperatorError("dropout must be off (training=False) to be bounded")
    return x


def _plus(build: Builder, x: Any, y: Any) -> Symbol:
    if isinstance(x, Symbol) and isinstance(y, Symbol):
        return build.add(x, y)
    return build.scale(x, 1.0, y) if isinstance(x, Symbol) else build.scale(y, 1.0, x)


def _minus(build: Builder, x: Any, y: Any) -> Symbol:
    if isinstance(y, Symbol):
        return _plus(build, x, build.scale(y, -1.0))
    return build.scale(x, 1.0, -torch.as_tensor(y))


def _times(build: Builder, x: Any, y: Any) -> Symbol:
    if isinstance(x, Symbol) and isinstance(y, Symbol):
        raise unsupported("product of two activations", "mul")
    return build.scale(x, y) if isinstance(x, Symbol) else build.scale(y, x)


def _over(build: Builder, x: Any, y: Any) -> Symbol:
    if isinstance(y, Symbol):
        raise unsupported("division by an activation", "truediv")
    return build.scale(x, 1 / torch.as_tensor(y, dtype=build.like.dtype))


MODULES: Mapping[type[nn.Module], Callable[[Builder, Any, Symbol], Symbol]] = {
    nn.Linear: lambda b, m, x: b.linear(x, m.weight, m.bias),
    nn.Conv1d: lambda b, m, x: _conv_module(b, m, x),
    nn.Conv2d: lambda b, m, x: _conv_module(b, m, x),
    nn.ReLU: lambda b, m, x: b.relu(x, 0.0),
    nn.LeakyReLU: lambda b, m, x: b.relu(x, m.negative_slope),
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.AvgPool1d: lambda b, m, x: _avg_pool(
        b, x, m.kernel_size, m.stride, m.padding, m.ceil_mode, m.count_include_pad
    ),
    nn.AvgPool2d: lambda b, m, x: _avg_pool(
        b,
        x,
        m.kernel_size,
        m.stride,
        m.padding,
        m.ceil_mode,
        m.count_include_pad,
        m.divisor_override,
    ),
    nn.AdaptiveAvgPool1d: lambda b, m, x: _adaptive_pool(b, x, m.output_size),
    nn.AdaptiveAvgPool2d: lambda b, m, x: _adaptive_pool(b, x, m.output_size),
}

FUNCTIONS: Mapping[str, Callable[..., Symbol]] = {
    "relu": lambda b, x, inplace=False: b.relu(x, 0.0),
    "leaky_relu": lambda b, x, negative_slope=0.01, inplace=False: b.relu(x, negative_slope),
    "linear": lambda b, x, weight, bias=None: b.linear(x, weight, bias),
    "conv1d": lambda b, *args, **kwargs: b.convolution(*args, **kwargs),
    "conv2d": lambda b, *args, **kwargs: b.convolution(*args, **kwargs),
    "avg_pool1d": _avg_pool,
    "avg_pool2d": _avg_pool,
    "adaptive_avg_pool1d": _adaptive_pool,
    "adaptive_avg_pool2d": _adaptive_pool,
    "mean": _mean,
    "dropout": _dropout,
    "add": _plus,
    "iadd": _plus,
    "sub": _minus,
    "isub": _minus,
    "mul": _times,
    "imul": _times,
    "truediv": _over,
    "itruediv": _over,
    "div": _over,
    "neg": lambda b, x: b.scale(x, -1.0),
    "matmul": lambda b, x, weight: b.linear(x, weight.T),
}


def _conv_module(build: Builder, module: nn.Conv1d | nn.Conv2d, x: Symbol) -> Symbol:
    if module.padding_mode != "zeros" and any(module._reversed_padding_repeated_twice):
        raise UnsupportedOperatorError(
            f"padding_mode of a convolution must be 'zeros', got {module.padding_mode!r}"
        )
    return build.convolution(
        x,
        module.weight,
        module.bias,
        module.stride,
        module.padding,
        module.dilation,
        module.groups,
    )


def _padding(padding: int | str | Shape, kernel: Shape, dilation: Shape) -> Shape:
    if padding == "valid":
        return (0,) * len(kernel)
    if padding != "same":
        assert not isinstance(padding, str)  # noqa: S101 - torch accepts no other word
        return _each(padding, len(kernel))
    total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if any(t % 2 for t in total):
        raise UnsupportedOperatorError(
            f"padding='same' must be symmetric, got kernel {tuple(kernel)} with dilation "
            f"{dilation}; use an odd kernel"
        )
    return tuple(t // 2 for t in total)


def unsupported(operator_name: str, where: str) -> UnsupportedOperatorError:
    """The error that names an operator, where it stands and what to do about it."""
    advice = _ADVICE.get(operator_name, "replace it by supported operators")
    return UnsupportedOperatorError(
        f"operator {operator_name} (at {where!r}) has no bound here; {advice}. "
        f"Supported: {_SUPPORTED}"
    )


def _each(value: int | Shape, n: int) -> Shape:
    if isinstance(value, int):
        return (value,) * n
    return tuple(value) if len(value) == n else tuple(value) * n


def _detach(value: Tensor | None) -> Tensor | None:
    return None if value is None else value.detach()
