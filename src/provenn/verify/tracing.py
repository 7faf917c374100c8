"""From an ``nn.Module`` to a graph of supported operators, through ``torch.fx``.

Supported: linear layers and convolutions (1-D and 2-D), ReLU and leaky ReLU, batch normalisation
in evaluation mode, average pooling, reshaping, additions (residual connections), arithmetic with
constants, identity and dropout in evaluation mode. Everything else raises
:class:`UnsupportedOperatorError`, which names the operator and what to do about it.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from provenn.verify.graph import Add, Affine, Graph, Input, Node, ReLU
from provenn.verify.operators import Convolution, Dense, Reshape, Scale, Shape

_BATCH = 2
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
_RESHAPES = {"view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "contiguous"}
_IDENTITIES = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout)


class UnsupportedOperatorError(ValueError):
    """The model has an operator that has no sound bound here."""


@dataclass(frozen=True)
class _Symbol:
    """A value that depends on the input: a position in the graph, and its shape."""

    position: int
    shape: Shape


def trace(model: nn.Module, like: Tensor) -> Graph:
    """Trace a model into a graph that ends in one vector of outputs.

    Args:
        model: Module that maps ``(batch, *in_shape)`` to ``(batch, outputs)``, in evaluation mode.
        like: Tensor with the shape, dtype and device of a batch of inputs, which may be empty.

    Raises:
        UnsupportedOperatorError: If an operator is not supported.
        ValueError: If the model is in training mode where that matters, has parameters that are
            not finite, or does not return one vector.

    Example:
        >>> graph = trace(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), torch.empty(0, 3))
        >>> [type(node).__name__ for node in graph.nodes]
        ['Input', 'Affine', 'ReLU', 'Affine']
    """
    _check_model(model)
    try:
        traced = fx.symbolic_trace(model)
    except Exception as error:
        raise UnsupportedOperatorError(
            f"model could not be traced by torch.fx ({error}); its forward must not branch on "
            f"the values of its input"
        ) from error
    builder = _Builder(traced, like)
    output = builder.run()
    if not isinstance(output, _Symbol) or len(output.shape) != 1:
        given = (_BATCH, *output.shape) if isinstance(output, _Symbol) else type(output).__name__
        raise ValueError(f"model must return one tensor of shape (batch, outputs), got {given}")
    return Graph(nodes=_reachable(builder.nodes, output.position), like=like.new_empty(0))


class _Builder:
    """Interprets the traced program on symbols."""

    def __init__(self, traced: fx.GraphModule, like: Tensor) -> None:
        self.traced = traced
        self.like = like
        self.modules = dict(traced.named_modules())
        self.nodes: list[Node] = [Input(parents=(), shape=tuple(like.shape[1:]))]

    def run(self) -> Any:
        values: dict[fx.Node, Any] = {}
        inputs = 0
        for node in self.traced.graph.nodes:
            args = fx.map_arg(node.args, values.__getitem__)
            kwargs = fx.map_arg(node.kwargs, values.__getitem__)
            if node.op == "placeholder":
                values[node] = args[0] if inputs else _Symbol(0, self.nodes[0].shape)
                inputs += 1
            elif node.op == "get_attr":
                values[node] = operator.attrgetter(node.target)(self.traced)
            elif node.op == "output":
                return args[0]
            else:
                values[node] = self._call(node, args, kwargs)
        raise AssertionError("a traced program ends in an output")

    def _call(self, node: fx.Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not any(isinstance(a, _Symbol) for a in (*_leaves(args), *_leaves(kwargs))):
            return self._constant(node, args, kwargs)
        if node.op == "call_module":
            return self._module(str(node.target), args[0])
        name = node.target if isinstance(node.target, str) else node.target.__name__
        if name == "getattr" and args[1] == "shape":
            return torch.Size((_BATCH, *args[0].shape))
        if name == "size":
            size = torch.Size((_BATCH, *args[0].shape))
            return size if len(args) == 1 and not kwargs else size[(*args[1:], *kwargs.values())[0]]
        if name in _RESHAPES:
            return self._reshape(args[0], lambda x: getattr(torch.Tensor, name)(x, *args[1:], **kwargs))
        handler = _FUNCTIONS.get(name.rstrip("_") if not name.startswith("__") else name)
        if handler is None:
            raise _unsupported(name, node.name)
        return handler(self, *args, **kwargs)

    def _constant(self, node: fx.Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if node.op == "call_module":
            return self.modules[str(node.target)](*args, **kwargs)
        if node.op == "call_method":
            return getattr(args[0], str(node.target))(*args[1:], **kwargs)
        assert callable(node.target)  # noqa: S101 - a call_function's target
        return node.target(*args, **kwargs)

    def _module(self, name: str, x: _Symbol) -> _Symbol:
        module = self.modules[name]
        if isinstance(module, _IDENTITIES):
            return x
        if isinstance(module, (nn.Flatten, nn.Unflatten)):
            return self._reshape(x, module)
        for kind, handler in _MODULES.items():
            if isinstance(module, kind):
                return handler(self, module, x)
        raise _unsupported(type(module).__name__, name)

    def affine(self, x: _Symbol, op: Any) -> _Symbol:
        return self._append(
            Affine(parents=(x.position,), shape=op.out_shape, operator=op)
        )

    def relu(self, x: _Symbol, slope: float) -> _Symbol:
        if not 0 <= slope <= 1:
            raise UnsupportedOperatorError(
                f"negative_slope of a leaky ReLU must be between 0 and 1, got {slope}"
            )
        return self._append(ReLU(parents=(x.position,), shape=x.shape, slope=float(slope)))

    def add(self, x: _Symbol, y: _Symbol) -> _Symbol:
        if x.shape != y.shape:
            raise UnsupportedOperatorError(
                f"an addition must have two terms of one shape, got {x.shape} and {y.shape}; "
                f"expand the smaller one before it"
            )
        return self._append(Add(parents=(x.position, y.position), shape=x.shape))

    def linear(self, x: _Symbol, weight: Tensor, bias: Tensor | None = None) -> _Symbol:
        op = Dense(
            in_shape=x.shape,
            out_shape=(*x.shape[:-1], weight.shape[0]),
            bias=_detach(bias),
            weight=weight.detach(),
        )
        return self.affine(x, op)

    def convolution(
        self,
        x: _Symbol,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: int | Shape = 1,
        padding: int | str | Shape = 0,
        dilation: int | Shape = 1,
        groups: int = 1,
    ) -> _Symbol:
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

    def scale(self, x: _Symbol, factor: Tensor | float, bias: Any = None) -> _Symbol:
        factor = self._broadcastable(factor, x)
        bias = None if bias is None else self._broadcastable(bias, x)
        return self.affine(x, Scale(in_shape=x.shape, out_shape=x.shape, bias=bias, factor=factor))

    def average(self, x: _Symbol, kernel: Shape, stride: Shape, padding: Shape) -> _Symbol:
        channels = x.shape[0]
        like = self.like
        weight = torch.ones(channels, 1, *kernel, dtype=like.dtype, device=like.device)
        return self.convolution(
            x, weight / weight[0].numel(), None, stride, padding, 1, groups=channels
        )

    def _reshape(self, x: _Symbol, function: Callable[[Tensor], Tensor]) -> _Symbol:
        out = tuple(function(torch.empty(_BATCH, *x.shape, device="meta")).shape)
        if not out or out[0] != _BATCH:
            raise UnsupportedOperatorError(
                f"a reshape must keep the batch as its first dimension, but it turns "
                f"{(_BATCH, *x.shape)} into {out}"
            )
        op = Reshape(in_shape=x.shape, out_shape=out[1:], bias=None)
        return self.affine(x, op)

    def _broadcastable(self, value: Any, x: _Symbol) -> Tensor:
        like = self.like
        value = torch.as_tensor(value, dtype=like.dtype, device=like.device).detach()
        if value.ndim > len(x.shape) and value.shape[0] == 1:
            value = value[0]
        if value.ndim > len(x.shape) or torch.broadcast_shapes(value.shape, x.shape) != x.shape:
            raise UnsupportedOperatorError(
                f"a constant must broadcast to the value {x.shape} that it is combined with, "
                f"got shape {tuple(value.shape)}"
            )
        return value

    def _append(self, node: Node) -> _Symbol:
        self.nodes.append(node)
        return _Symbol(len(self.nodes) - 1, node.shape)


def _batch_norm(build: _Builder, module: nn.BatchNorm1d | nn.BatchNorm2d, x: _Symbol) -> _Symbol:
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
    build: _Builder,
    x: _Symbol,
    kernel_size: int | Shape,
    stride: int | Shape | None = None,
    padding: int | Shape = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> _Symbol:
    spatial = len(x.shape) - 1
    kernel, pad = _each(kernel_size, spatial), _each(padding, spatial)
    if ceil_mode or divisor_override is not None or (any(pad) and not count_include_pad):
        raise UnsupportedOperatorError(
            "average pooling must have ceil_mode=False, divisor_override=None and, if padded, "
            "count_include_pad=True"
        )
    return build.average(x, kernel, _each(stride or kernel, spatial), pad)


def _adaptive_pool(build: _Builder, x: _Symbol, output_size: Any) -> _Symbol:
    sizes = x.shape[1:]
    wanted = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * len(sizes)
    wanted = tuple(s if w is None else w for s, w in zip(sizes, wanted, strict=True))
    if any(s % w for s, w in zip(sizes, wanted, strict=True)):
        raise UnsupportedOperatorError(
            f"adaptive average pooling must divide the input evenly, got {sizes} -> {wanted}"
        )
    kernel = tuple(s // w for s, w in zip(sizes, wanted, strict=True))
    return build.average(x, kernel, kernel, (0,) * len(sizes))


def _mean(build: _Builder, x: _Symbol, dim: Any = None, keepdim: bool = False) -> _Symbol:
    rank = len(x.shape) + 1
    dims = {d % rank for d in (dim if isinstance(dim, (tuple, list)) else (dim,)) if d is not None}
    if rank < 3 or dims != set(range(2, rank)):
        raise UnsupportedOperatorError(
            f"mean must be over all spatial dimensions {(*range(2, rank),)}, got dim={dim}"
        )
    pooled = _adaptive_pool(build, x, 1)
    return pooled if keepdim else build._reshape(pooled, lambda value: value.flatten(1))


def _dropout(build: _Builder, x: _Symbol, p: float = 0.5, training: bool = True, *_: Any) -> _Symbol:
    if training:
        raise UnsupportedOperatorError("dropout must be off (training=False) to be bounded")
    return x


def _plus(build: _Builder, x: Any, y: Any) -> _Symbol:
    if isinstance(x, _Symbol) and isinstance(y, _Symbol):
        return build.add(x, y)
    return build.scale(x, 1.0, y) if isinstance(x, _Symbol) else build.scale(y, 1.0, x)


def _minus(build: _Builder, x: Any, y: Any) -> _Symbol:
    if isinstance(y, _Symbol):
        return _plus(build, x, build.scale(y, -1.0))
    return build.scale(x, 1.0, -torch.as_tensor(y))


def _times(build: _Builder, x: Any, y: Any) -> _Symbol:
    if isinstance(x, _Symbol) and isinstance(y, _Symbol):
        raise _unsupported("product of two activations", "mul")
    return build.scale(x, y) if isinstance(x, _Symbol) else build.scale(y, x)


def _over(build: _Builder, x: Any, y: Any) -> _Symbol:
    if isinstance(y, _Symbol):
        raise _unsupported("division by an activation", "truediv")
    return build.scale(x, 1 / torch.as_tensor(y, dtype=build.like.dtype))


_MODULES: Mapping[type[nn.Module], Callable[[_Builder, Any, _Symbol], _Symbol]] = {
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

_FUNCTIONS: Mapping[str, Callable[..., _Symbol]] = {
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
    "mul": _times,
    "truediv": _over,
    "div": _over,
    "neg": lambda b, x: b.scale(x, -1.0),
}


def _conv_module(build: _Builder, module: nn.Conv1d | nn.Conv2d, x: _Symbol) -> _Symbol:
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


def _reachable(nodes: list[Node], output: int) -> tuple[Node, ...]:
    """The nodes that the output is computed from, renumbered; the input stays the first."""
    used = {0, output}
    for position in range(output, 0, -1):
        if position in used:
            used.update(nodes[position].parents)
    number = {position: i for i, position in enumerate(sorted(used))}
    return tuple(
        replace(nodes[position], parents=tuple(number[p] for p in nodes[position].parents))
        for position in number
    )


def _check_model(model: nn.Module) -> None:
    for name, module in model.named_modules():
        if module.training and isinstance(
            module, (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)
        ):
            raise ValueError(
                f"model must be in evaluation mode, got {type(module).__name__} ({name!r}) in "
                f"training mode; call model.eval()"
            )
    for name, value in (*model.named_parameters(), *model.named_buffers()):
        if value.is_floating_point() and not value.isfinite().all():
            raise ValueError(f"model must have finite parameters, got {name!r} with NaN or inf")


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


def _unsupported(operator_name: str, where: str) -> UnsupportedOperatorError:
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


def _leaves(tree: Any) -> tuple[Any, ...]:
    if isinstance(tree, (tuple, list)):
        return tuple(leaf for item in tree for leaf in _leaves(item))
    if isinstance(tree, Mapping):
        return tuple(leaf for item in tree.values() for leaf in _leaves(item))
    return (tree,)
