"""Encodings of a hypernetwork's input whose norm does not depend on the value.

With piecewise-linear activations and zero biases a hypernetwork is positively homogeneous,
``h(a g) = a h(g)``: the scale of its input is the scale of all weights that it predicts. An
encoding of constant norm takes that away.
"""

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from provenn.checks import check_float_tensor
from provenn.hyper.checks import has_values

Encoding = Literal["circle", "complement", "none"]

FEATURES = {"circle": 2, "complement": 2, "none": 1}
"""Features into which each entry of the input is encoded."""


def circle_encoding(gamma: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch 2*d"]:
    """Points on a quarter of the unit circle, ``E(g) = [cos(pi g / 2), sin(pi g / 2)]``.

    ``||E(g)||_2 = sqrt(d)`` for every ``g``, and ``E`` is injective on ``[0, 1]^d``; beyond it
    angles leave the quarter circle.

    Args:
        gamma: Values in [0, 1], shape ``(*, d)``.

    Returns:
        All cosines, then all sines, shape ``(*, 2 d)``.

    Raises:
        TypeError: If ``gamma`` is no floating-point tensor.
        ValueError: If it has no axis, or values outside of [0, 1].

    Reference:
        arXiv 2304.07645, section 4.

    Example:
        >>> circle_encoding(torch.tensor([0.0, 1.0])).round()
        tensor([1., -0., 0., 1.])
    """
    _check_unit(gamma)
    return encode(gamma, "circle")


def complement_encoding(gamma: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch 2*d"]:
    """The value and what it lacks to 1, ``E(g) = [g, 1 - g]``.

    ``||E(g)||_1 = d`` for every ``g`` in ``[0, 1]^d``.

    Args:
        gamma: Values in [0, 1], shape ``(*, d)``.

    Returns:
        The values, then their complements, shape ``(*, 2 d)``.

    Raises:
        TypeError: If ``gamma`` is no floating-point tensor.
        ValueError: If it has no axis, or values outside of [0, 1].

    Example:
        >>> complement_encoding(torch.tensor([0.25, 1.0]))
        tensor([0.2500, 1.0000, 0.7500, 0.0000])
    """
    _check_unit(gamma)
    return encode(gamma, "complement")


def encode(
    gamma: Float[Tensor, "*batch d"], encoding: Encoding
) -> Float[Tensor, "*batch features"]:
    """The encoding of that name, of values that are known to be in its domain."""
    if encoding == "circle":
        angle = (math.pi / 2) * gamma
        return torch.cat([angle.cos(), angle.sin()], dim=-1)
    if encoding == "complement":
        return torch.cat([gamma, 1 - gamma], dim=-1)
    return gamma


def _check_unit(gamma: Tensor) -> None:
    check_float_tensor("gamma", gamma)
    if gamma.ndim == 0:
        raise ValueError("gamma must have shape (*, d), got ()")
    if has_values(gamma) and bool(((gamma < 0) | (gamma > 1)).any()):
        low, high = gamma.min().item(), gamma.max().item()
        raise ValueError(f"gamma must lie within [0, 1], got values from {low:g} to {high:g}")
