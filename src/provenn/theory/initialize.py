"""Critical initialisation of an existing model, in place."""

from typing import TypeVar

import torch
from torch import nn

from provenn.checks import check_generator
from provenn.theory.activations import ActivationLike
from provenn.theory.criticality import critical
from provenn.theory.reading import read_mlp

Model = TypeVar("Model", bound=nn.Module)


@torch.no_grad()
def critical_init_(
    model: Model,
    activation: ActivationLike | None = None,
    gamma: float | None = None,
    *,
    generator: torch.Generator | None = None,
) -> Model:
    """Draw the linear layers of a multilayer perceptron anew, at criticality.

    Weights are ``N(0, C_W / in_features)``, biases ``N(0, C_b)``, with the critical variances of
    the activation and of the skip into the layer. Other parameters stay.

    Args:
        model: A module that ``torch.fx`` can trace: linear layers with activations between them,
            with or without skips ``b + W σ(z) + γ z``.
        activation: What stands between the layers, where it cannot be read.
        gamma: Strength of the skips into all layers but the first and the last, where it cannot be
            read.
        generator: Source of randomness.

    Returns:
        The model.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the model cannot be read, or its activation has no critical initialisation.

    Reference:
        Roberts, Yaida, Hanin: The Principles of Deep Learning Theory, chapter 5.

    Example:
        >>> model = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 3))
        >>> _ = critical_init_(model)
        >>> float(model[0].bias.detach().abs().max())
        0.0
    """
    check_generator(generator)
    reading = read_mlp(model, activation, gamma)
    for layer in reading.layers:
        found = critical(reading.activation, layer.gamma)
        if found.klass == "none":
            raise ValueError(
                f"activation must have a critical initialisation, got {reading.activation.name}: "
                f"{found.reason}"
            )
        linear = layer.linear
        has_bias = getattr(linear, "bias", None) is not None
        if found.C_b > 0 and not has_bias:
            raise ValueError(
                f"model must have biases for {reading.activation.name}, whose critical C_b is not "
                f"0, got {layer.name!r} without"
            )
        std = (found.C_W / linear.in_features) ** 0.5
        nn.init.normal_(linear.weight, std=std, generator=generator)
        if has_bias:
            nn.init.normal_(linear.bias, std=found.C_b**0.5, generator=generator)
    return model
