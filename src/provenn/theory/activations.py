"""Activation functions with what the effective theory asks of them.

An activation is known by name, by its ``torch.nn`` module, or is any function that acts on each
number alone; derivatives that are not written down come from autograd. The closed forms of Gaussian
expectations over pairs ``z ~ N(0, K)`` are those of the arc-cosine, arcsine and sine kernels.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Elementwise = Callable[[Tensor], Tensor]
PairForm = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""``(K_11, K_22, K_12) -> (<s s>, <s' s'>)``."""


@dataclass(frozen=True, eq=False)
class Activation:
    """An activation function.

    Args:
        name: What it is called.
        function: The function, on tensors of any shape.
        first: Its derivative; taken by autograd if ``None``.
        slopes: ``(a_-, a_+)`` of a scale-invariant function ``a_± z``; ``None`` for any other.
        pair: Closed form of ``<s s>`` and ``<s' s'>`` over two inputs, if there is one.
    """

    name: str
    function: Elementwise
    first: Elementwise | None = None
    slopes: tuple[float, float] | None = None
    pair: PairForm | None = None

    def __call__(self, z: Tensor) -> Tensor:
        """Values of the activation."""
        return self.function(z)

    def derivative(self, z: Tensor) -> Tensor:
        """Values of the first derivative; at a kink, that of one side."""
        return self.first(z) if self.first is not None else self.derivatives(z, 1)[1]

    def derivatives(self, z: Tensor, order: int) -> list[Tensor]:
        """Values of the function and of its derivatives up to ``order``, by autograd."""
        with torch.inference_mode(False), torch.enable_grad():
            z = z.detach().clone().requires_grad_()
            found = [self.function(z)]
            for _ in range(order):
                found.append(_gradient(found[-1], z))
        return [values.detach() for values in found]

    def taylor(self) -> tuple[float, float, float, float] | None:
        """``σ_0..σ_3`` of ``σ(z) = Σ σ_p z^p / p!``; ``None`` if it is not smooth at 0."""
        zero = torch.zeros(1, dtype=torch.float64, device="cpu")
        here = [float(values) for values in self.derivatives(zero, 3)]
        for side in (-1e-6, 1e-6):
            beside = [float(values) for values in self.derivatives(zero + side, 3)]
            if any(not abs(a - b) < 1e-4 for a, b in zip(here, beside, strict=True)):
                return None
        return here[0], here[1], here[2], here[3]


def _gradient(values: Tensor, z: Tensor) -> Tensor:
    if not values.requires_grad:  # a constant, or a step
        return torch.zeros_like(z)
    found: tuple[Tensor, ...] = torch.autograd.grad(
        values.sum(), z, create_graph=True, allow_unused=True, materialize_grads=True
    )
    return found[0]


def angle(K_11: Tensor, K_22: Tensor, K_12: Tensor) -> Tensor:
    """Angle in [0, π] between two inputs whose kernel is given; π/2 where one of them is 0."""
    norm = (K_11 * K_22).sqrt()
    cosine = torch.where(norm > 0, K_12 / norm.clamp(min=1e-300), 0.0)
    # acos loses half of the digits near ±1, where the sine is known from the determinant
    sine = ((K_11 * K_22 - K_12**2).clamp(min=0).sqrt() / norm.clamp(min=1e-300)).clamp(max=1)
    return torch.atan2(torch.where(norm > 0, sine, 1.0), cosine)


def _piecewise_linear(name: str, minus: float, plus: float) -> Activation:
    even, odd = (plus - minus) / 2, (plus + minus) / 2

    def function(z: Tensor) -> Tensor:
        return torch.where(z >= 0, plus * z, minus * z)

    def first(z: Tensor) -> Tensor:
        return torch.where(z >= 0, torch.full_like(z, plus), minus)

    def pair(K_11: Tensor, K_22: Tensor, K_12: Tensor) -> tuple[Tensor, Tensor]:
        θ = angle(K_11, K_22, K_12)
        norm = (K_11 * K_22).sqrt()
        moduli = (2 / math.pi) * norm * (θ.sin() + (math.pi / 2 - θ) * θ.cos())
        return odd**2 * K_12 + even**2 * moduli, odd**2 + even**2 * (1 - 2 * θ / math.pi)

    return Activation(name, function, first, (float(minus), float(plus)), pair)


def _error_function(name: str, c: float) -> Activation:
    def first(z: Tensor) -> Tensor:
        return (2 * c / math.sqrt(math.pi)) * torch.exp(-((c * z) ** 2))

    def pair(K_11: Tensor, K_22: Tensor, K_12: Tensor) -> tuple[Tensor, Tensor]:
        both = (1 + 2 * c**2 * K_11) * (1 + 2 * c**2 * K_22)
        value = (2 / math.pi) * torch.asin((2 * c**2 * K_12 / both.sqrt()).clamp(-1, 1))
        return value, (4 * c**2 / math.pi) / (both - (2 * c**2 * K_12) ** 2).sqrt()

    return Activation(name, lambda z: torch.erf(c * z), first, None, pair)


def _sine_pair(K_11: Tensor, K_22: Tensor, K_12: Tensor) -> tuple[Tensor, Tensor]:
    mean = (K_11 + K_22) / 2
    near, far = torch.exp(K_12 - mean), torch.exp(-K_12 - mean)
    return (near - far) / 2, (near + far) / 2


def _gelu_first(z: Tensor) -> Tensor:
    below: Tensor = torch.special.ndtr(z)
    return below + z * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


def _silu_first(z: Tensor) -> Tensor:
    s = torch.sigmoid(z)
    return s * (1 + z * (1 - s))


def _sigmoid_first(z: Tensor) -> Tensor:
    s = torch.sigmoid(z)
    return s * (1 - s)


ACTIVATIONS = {
    a.name: a
    for a in (
        _piecewise_linear("linear", 1.0, 1.0),
        _piecewise_linear("relu", 0.0, 1.0),
        _piecewise_linear("leaky_relu", 0.01, 1.0),
        _piecewise_linear("abs", -1.0, 1.0),
        Activation("tanh", torch.tanh, lambda z: 1 - torch.tanh(z) ** 2),
        Activation("sin", torch.sin, torch.cos, None, _sine_pair),
        _error_function("erf", 1.0),
        _error_function("scaled_erf", math.sqrt(math.pi) / 2),
        Activation("gelu", functional.gelu, _gelu_first),
        Activation("silu", functional.silu, _silu_first),
        Activation("softplus", functional.softplus, torch.sigmoid),
        Activation("sigmoid", torch.sigmoid, _sigmoid_first),
    )
}
"""The activations that are known by name; ``swish`` is ``silu``."""

_ALIASES = {"swish": "silu", "identity": "linear"}
_FUNCTIONS: dict[Any, str] = {
    torch.relu: "relu", functional.relu: "relu", torch.tanh: "tanh", functional.tanh: "tanh",
    torch.sin: "sin", torch.erf: "erf", functional.gelu: "gelu", functional.silu: "silu",
    functional.softplus: "softplus", torch.sigmoid: "sigmoid", functional.sigmoid: "sigmoid",
    torch.abs: "abs", functional.leaky_relu: "leaky_relu",
}  # fmt: skip
_MODULES: dict[type[nn.Module], str] = {
    nn.ReLU: "relu", nn.Tanh: "tanh", nn.SiLU: "silu", nn.Sigmoid: "sigmoid",
    nn.Identity: "linear",
}  # fmt: skip

ActivationLike = str | Activation | Callable[..., Any]


def as_activation(activation: ActivationLike) -> Activation:
    """The activation of that name, module or function.

    Args:
        activation: A name of ``ACTIVATIONS``, a module such as ``nn.GELU()``, or a function of
            tensors that acts on each number alone.

    Raises:
        TypeError: If it is none of these.
        ValueError: If the name is unknown, or the function does not act on each number alone.
    """
    if isinstance(activation, Activation):
        return activation
    if isinstance(activation, str):
        name = _ALIASES.get(activation, activation)
        if name not in ACTIVATIONS:
            accepted = ", ".join([*ACTIVATIONS, *_ALIASES])
            raise ValueError(f"activation must be one of {accepted}, got {activation!r}")
        return ACTIVATIONS[name]
    if isinstance(activation, type) or not callable(activation):
        raise TypeError(
            "activation must be a name, a torch.nn.Module or a function of tensors, got "
            f"{activation!r:.80} of type {type(activation).__name__}"
        )
    if isinstance(activation, nn.Module):
        return _from_module(activation)
    try:
        known = _FUNCTIONS.get(activation)
    except TypeError:  # not hashable
        known = None
    return ACTIVATIONS[known] if known else _from_function(_called(activation), activation)


def _from_module(module: nn.Module) -> Activation:
    kind = type(module)
    if kind in _MODULES:
        return ACTIVATIONS[_MODULES[kind]]
    if isinstance(module, nn.LeakyReLU):
        return _piecewise_linear("leaky_relu", float(module.negative_slope), 1.0)
    if isinstance(module, nn.GELU) and module.approximate == "none":
        return ACTIVATIONS["gelu"]
    if any(True for _ in module.parameters()):
        raise ValueError(
            f"activation must have no parameters, got {kind.__name__} with some: give a function"
        )
    return _from_function(repr(module), module)


def _from_function(name: str, function: Callable[..., Any]) -> Activation:
    z = torch.linspace(-2.0, 3.0, 7, dtype=torch.float64, device="cpu")
    try:
        values = function(z)
        alone = torch.cat([function(z[i : i + 1]) for i in range(len(z))])
    except Exception as error:
        raise ValueError(
            f"activation must be a function of one tensor, got an error: {error}"
        ) from error
    if not isinstance(values, Tensor) or values.shape != z.shape or not torch.equal(values, alone):
        raise ValueError(
            f"activation must act on each number alone, got {name!r}, whose values for 7 numbers "
            "are not those for each of them"
        )
    if values.dtype != z.dtype or not bool(values.isfinite().all()):
        raise ValueError(
            f"activation must give finite numbers of its input's dtype, got {values.dtype} from "
            f"{name!r}"
        )
    twice, third = function(2 * z), function(z / 3)
    if torch.allclose(twice, 2 * values, 1e-10, 1e-10) and torch.allclose(
        third, values / 3, 1e-10, 1e-10
    ):
        minus, plus = float(-function(-z[-1:])) / 3, float(function(z[-1:])) / 3
        return _piecewise_linear(name, minus, plus)
    return Activation(name, function)


def _called(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))
