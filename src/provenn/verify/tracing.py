"""From an ``nn.Module`` to a graph of supported operators, through ``torch.fx``.

Supported: linear layers and convolutions (1-D and 2-D), ReLU and leaky ReLU, batch normalisation
in evaluation mode, average pooling, reshaping, additions (residual connections), arithmetic with
constants, identity and dropout in evaluation mode. Everything else raises
:class:`UnsupportedOperatorError`, which names the operator and what to do about it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, fx, nn

from provenn.verify.graph import Graph, Node
from provenn.verify.lowering import (
    BATCH,
    FUNCTIONS,
    IDENTITIES,
    MODULES,
    RESHAPES,
    Builder,
    Symbol,
    UnsupportedOperatorError,
    unsupported,
)


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
        >>> model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
        >>> [type(node).__name__ for node in trace(model, torch.empty(0, 3)).nodes]
        ['Input', 'Affine', 'ReLU', 'Affine']
    """
    _check_model(model)
    try:
        program = fx.Tracer().trace(model)
    except Exception as error:
        raise UnsupportedOperatorError(
            f"model could not be traced by torch.fx ({error}); its forward must not branch on "
            f"the values of its input"
        ) from error
    lowering = _Lowering(model, program, like)
    output = lowering.run(Symbol(0, tuple(like.shape[1:])))
    if not isinstance(output, Symbol) or len(output.shape) != 1:
        given = (BATCH, *output.shape) if isinstance(output, Symbol) else type(output).__name__
        raise ValueError(f"model must return one tensor of shape (batch, outputs), got {given}")
    nodes = _reachable(lowering.builder.nodes, output.position)
    return Graph(nodes=nodes, like=like.new_empty(0))


class _Lowering(fx.Interpreter):
    """Runs the traced program on symbols; what no symbol enters is computed as it stands."""

    def __init__(self, model: nn.Module, program: fx.Graph, like: Tensor) -> None:
        super().__init__(model, graph=program)
        self.extra_traceback = False
        self.builder = Builder(like)

    def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
        """Lower a module."""
        x = args[0] if args else None
        if not isinstance(x, Symbol):
            return super().call_module(target, args, kwargs)
        module = self.fetch_attr(target)
        if isinstance(module, IDENTITIES):
            return x
        if isinstance(module, (nn.Flatten, nn.Unflatten)):
            return self.builder.reshape(x, module)
        for kind, handler in MODULES.items():
            if isinstance(module, kind):
                return handler(self.builder, module, x)
        raise unsupported(type(module).__name__, target)

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        """Lower a function."""
        if not _has_symbol((args, kwargs)):
            return super().call_function(target, args, kwargs)
        return self._apply(target.__name__, args, dict(kwargs))

    def call_method(self, target: Any, args: Any, kwargs: Any) -> Any:
        """Lower a method of a tensor."""
        if not _has_symbol((args, kwargs)):
            return super().call_method(target, args, kwargs)
        return self._apply(target, args, dict(kwargs))

    def _apply(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if "input" in kwargs:
            args = (kwargs.pop("input"), *args)
        x, *rest = args
        if name == "getattr" and rest[0] == "shape":
            return torch.Size((BATCH, *x.shape))
        if name == "size":
            return torch.empty(BATCH, *x.shape, device="meta").size(*rest, **kwargs)
        if name in RESHAPES:
            return self.builder.reshape(x, lambda t: getattr(t, name)(*rest, **kwargs))
        handler = FUNCTIONS.get(name.rstrip("_"))
        if handler is None:
            raise unsupported(name, name)
        try:
            return handler(self.builder, *args, **kwargs)
        except TypeError as error:
            raise unsupported(f"{name} with these arguments", name) from error


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


def _has_symbol(tree: Any) -> bool:
    if isinstance(tree, (tuple, list)):
        return any(_has_symbol(item) for item in tree)
    if isinstance(tree, Mapping):
        return any(_has_symbol(item) for item in tree.values())
    return isinstance(tree, Symbol)
