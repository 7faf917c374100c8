"""The hidden layers of a hypernetwork: linear, normalisation, activation, in turns."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

Activation = Literal["leaky_relu", "relu", "gelu", "silu", "tanh"]
Norm = Literal["none", "layer", "batch", "weight"]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "leaky_relu": nn.LeakyReLU,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}
NORMS = ("none", "layer", "batch", "weight")


def gain(activation: Activation) -> float:
    """Gain of Kaiming's initialisation; GELU and SiLU have that of leaky ReLU."""
    if activation == "gelu" or activation == "silu":
        activation = "leaky_relu"
    return nn.init.calculate_gain(activation)


class WeightNormLinear(nn.Module):
    """Linear layer whose weight is a direction and a length, ``w_i = s_i v_i / ||v_i||``.

    Args:
        in_features: Size of each input.
        out_features: Size of each output.
        device: Device of the parameters.
        dtype: Floating-point type of the parameters.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = nn.Parameter(
            torch.empty(out_features, in_features, device=device, dtype=dtype)
        )
        self.length = nn.Parameter(torch.empty(out_features, 1, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(out_features, device=device, dtype=dtype))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the directions, and set the lengths to theirs; biases zero."""
        self.weight.normal_(0, 1 / math.sqrt(self.in_features))
        self.length.copy_(self.weight.norm(dim=1, keepdim=True))
        self.bias.zero_()

    def forward(
        self, x: Float[Tensor, "*batch in_features"]
    ) -> Float[Tensor, "*batch out_features"]:
        """Multiply by the weight and add the bias."""
        weight = self.weight * (self.length / self.weight.norm(dim=1, keepdim=True))
        return functional.linear(x, weight, self.bias)

    def extra_repr(self) -> str:
        """Sizes."""
        return f"in_features={self.in_features}, out_features={self.out_features}"


def build_hidden(
    features: int,
    sizes: Sequence[int],
    activation: Activation,
    norm: Norm,
    factory: dict[str, Any],
) -> nn.Sequential:
    """Hidden layers, not initialised yet.

    Args:
        features: Features of the encoded input.
        sizes: Units of each layer.
        activation: Name of the activation.
        norm: What stands between each linear layer and its activation; ``weight`` normalises the
            linear layer's own weight.
        factory: Device and dtype of the parameters.
    """
    linear = WeightNormLinear if norm == "weight" else nn.Linear
    layers: list[nn.Module] = []
    for size in sizes:
        layers.append(linear(features, size, **factory))
        if norm == "layer":
            layers.append(nn.LayerNorm(size, **factory))
        elif norm == "batch":
            layers.append(nn.BatchNorm1d(size, **factory))
        layers.append(ACTIVATIONS[activation]())
        features = size
    return nn.Sequential(*layers)


@torch.no_grad()
def init_hidden_(hidden: nn.Sequential, activation: Activation) -> None:
    """Kaiming normal, fan-out, because the output layer is far larger; biases zero."""
    for layer in hidden:
        if isinstance(layer, nn.Linear | WeightNormLinear):
            layer.weight.normal_(0, gain(activation) / math.sqrt(layer.out_features))
            layer.bias.zero_()
        if isinstance(layer, WeightNormLinear):
            layer.length.copy_(layer.weight.norm(dim=1, keepdim=True))
