"""Reads a multilayer perceptron out of a module: layers, activation, skips and normalisation."""

import operator
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from provenn.checks import check_module, check_number
from provenn.theory.activations import Activation, ActivationLike, as_activation
from provenn.theory.networks import CriticalMLP

_NORMS = (
    nn.LayerNorm, nn.RMSNorm, nn.GroupNorm, nn.BatchNorm1d, nn.InstanceNorm1d,
)  # fmt: skip
_PASSED = (nn.Dropout, nn.AlphaDropout, nn.Flatten, nn.Unflatten, nn.Identity)
_RESHAPES: tuple[Any, ...] = (
    torch.flatten, torch.reshape, functional.dropout,
    "flatten", "reshape", "view", "contiguous", "float", "double",
)  # fmt: skip
_ACTIVATIONS: dict[Any, str] = {
    torch.relu: "relu", functional.relu: "relu", "relu": "relu",
    torch.tanh: "tanh", functional.tanh: "tanh", "tanh": "tanh",
    torch.sigmoid: "sigmoid", functional.sigmoid: "sigmoid", "sigmoid": "sigmoid",
    torch.sin: "sin", "sin": "sin", torch.erf: "erf", "erf": "erf",
    torch.abs: "abs", "abs": "abs", functional.silu: "silu", functional.softplus: "softplus",
}  # fmt: skip
_ADD: tuple[Any, ...] = (operator.add, operator.iadd, torch.add, "add", "add_")
_MULTIPLY: tuple[Any, ...] = (operator.mul, torch.mul, "mul")


@dataclass(frozen=True, eq=False)
class ReadLayer:
    """An affine layer of the perceptron.

    Args:
        name: Its name in the model.
        linear: The layer.
        gamma: Strength of the skip from the layer before it into its output.
    """

    name: str
    linear: nn.Linear
    gamma: float = 0.0


@dataclass(frozen=True, eq=False)
class Reading:
    """A module as a multilayer perceptron.

    Args:
        layers: Affine layers in the order in which they are computed.
        activation: The activation between them.
        norms: Names of the normalisation layers, which the effective theory does not describe.
        notes: What else was met and not understood, a sentence each.
    """

    layers: tuple[ReadLayer, ...]
    activation: Activation
    norms: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def widths(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return tuple(layer.linear.out_features for layer in self.layers[:-1])

    @property
    def gamma(self) -> float:
        """Strongest skip."""
        return max(layer.gamma for layer in self.layers)


def read_mlp(
    model: nn.Module, activation: ActivationLike | None = None, gamma: float | None = None
) -> Reading:
    """Read a module as a multilayer perceptron.

    Args:
        model: A module that ``torch.fx`` can trace, or a :class:`CriticalMLP`.
        activation: What stands between the layers, where it cannot be read.
        gamma: Strength of the skips into all layers but the first and the last, where it cannot be
            read.

    Raises:
        TypeError: If ``model`` is no module.
        ValueError: If it cannot be traced, has fewer than two linear layers, layers that are no
            chain, or more than one activation.
    """
    check_module("model", model)
    if gamma is not None:
        check_number("gamma", gamma, least=0, below=1)
    trace = _Trace(model)
    if len(trace.layers) < 2:
        raise ValueError(
            f"model must have at least two nn.Linear layers, got {len(trace.layers)} in "
            f"{type(model).__name__}"
        )
    found = {a.name: a for a in trace.activations}
    if activation is None and len(found) > 1:
        raise ValueError(
            f"model must have one activation, got {', '.join(sorted(found))}: give activation=..."
        )
    chosen = activation if activation is not None else next(iter(found.values()), "linear")
    layers = trace.layers
    if gamma is not None:
        last = len(layers) - 1
        layers = [replace(v, gamma=gamma * (0 < i < last)) for i, v in enumerate(layers)]
    return Reading(tuple(layers), as_activation(chosen), tuple(trace.norms), tuple(trace.notes))


@dataclass(frozen=True)
class _Value:
    """What is known of a traced value: the layer it comes from, whether σ acted, its factor."""

    source: int = -1
    is_activated: bool = False
    factor: float = 1.0


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, CriticalMLP) or super().is_leaf_module(m, module_qualified_name)


@dataclass(eq=False)
class _Trace:
    """Walks a traced module and collects its layers."""

    model: nn.Module
    layers: list[ReadLayer] = field(default_factory=list)
    activations: list[Activation] = field(default_factory=list)
    norms: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        values: dict[fx.Node, _Value] = {}
        for node in _graph(self.model).nodes:
            given = [values[n] for n in node.all_input_nodes if n in values] or [_Value()]
            if node.op == "call_module":
                values[node] = self._module(str(node.target), given[0])
            elif node.op in ("call_function", "call_method"):
                values[node] = self._function(node, given)
            elif node.op == "placeholder":
                values[node] = _Value()

    def _module(self, name: str, value: _Value) -> _Value:
        module = self.model.get_submodule(name) if name else self.model
        if isinstance(module, CriticalMLP):
            self.activations.append(as_activation(module.activation))
            for i, layer in enumerate(module.affine):
                inner = f"{name}.layers.{i}".lstrip(".")
                self.layers.append(ReadLayer(inner, layer, module.skip_into(i)))
            return _Value(len(self.layers) - 1)
        if isinstance(module, nn.Linear):
            if value.source != len(self.layers) - 1:
                self.notes.append(f"{name} does not follow the layer before it")
            elif self.layers and not value.is_activated:
                self.notes.append(f"no activation between {self.layers[-1].name} and {name}")
            self.layers.append(ReadLayer(name, module))
            return _Value(len(self.layers) - 1)
        if isinstance(module, _NORMS):
            self.norms.append(name)
            return value
        if isinstance(module, _PASSED):
            return value
        return self._activated(module, name, value)

    def _function(self, node: fx.Node, given: list[_Value]) -> _Value:
        target: Any = node.target
        if target in _ADD and len(given) == 2:
            return self._skip(*given)
        if target in _MULTIPLY and len(node.all_input_nodes) == 1:
            constants = [a for a in node.args if isinstance(a, int | float)]
            if constants:
                return replace(given[0], factor=given[0].factor * float(constants[0]))
        if target in _ACTIVATIONS:
            return self._activated(_ACTIVATIONS[target], str(node.name), given[0])
        if target in (functional.gelu, functional.leaky_relu):
            return self._activated(_with_options(target, node), str(node.name), given[0])
        if target not in _RESHAPES:
            self.notes.append(f"{getattr(target, '__name__', target)} is not understood")
        return given[0]

    def _activated(self, activation: ActivationLike, name: str, value: _Value) -> _Value:
        try:
            self.activations.append(as_activation(activation))
        except (TypeError, ValueError):
            kind = activation if isinstance(activation, str) else type(activation).__name__
            self.notes.append(f"{name} ({kind}) is not understood")
            return value
        return replace(value, is_activated=True)

    def _skip(self, a: _Value, b: _Value) -> _Value:
        trunk, branch = sorted((a, b), key=lambda value: value.source)
        plain = not (trunk.is_activated or branch.is_activated) and branch.factor == 1
        if plain and trunk.source == branch.source - 1 and 0 <= trunk.factor < 1:
            self.layers[branch.source] = replace(self.layers[branch.source], gamma=trunk.factor)
        else:
            name = self.layers[branch.source].name if branch.source >= 0 else "the input"
            self.notes.append(
                f"the sum after {name} adds no gamma * z of the layer before with gamma < 1, and "
                "is left out"
            )
        return replace(branch, factor=1.0)


def _graph(model: nn.Module) -> fx.Graph:
    if isinstance(model, CriticalMLP | nn.Linear):
        graph = fx.Graph()
        graph.call_module("", (graph.placeholder("x"),))
        return graph
    try:
        return _Tracer().trace(model)
    except Exception as error:
        raise ValueError(
            f"model must be one that torch.fx can trace, got {type(model).__name__}: {error}"
        ) from error


def _with_options(function: Callable[..., Any], node: fx.Node) -> ActivationLike:
    """GELU or leaky ReLU as the call has it."""
    options = {k: v for k, v in node.kwargs.items() if k in ("approximate", "negative_slope")}
    if function is functional.gelu:
        return nn.GELU(str(options.get("approximate", "none")))
    slope = node.args[1] if len(node.args) > 1 else options.get("negative_slope", 0.01)
    return nn.LeakyReLU(float(slope))  # type: ignore[arg-type]
