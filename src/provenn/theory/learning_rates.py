"""Learning rates of each layer by the equivalence principle: all contribute alike to the NTK.

The neural tangent kernel of the output is a sum over layers, ``Θ^(L) = Σ_ℓ (λ_b^(ℓ) + λ_W^(ℓ)
<σ²>^(ℓ-1)) Π_{m=ℓ}^{L-1} χ_⊥^(m)``. With the same ``λ`` everywhere a deep tanh network learns
almost only by the biases of its late layers, and a ReLU network's kernel grows with depth. Training
uses ``lr λ_b`` for biases and ``lr λ_W / fan_in`` for weights.

Reference:
    Roberts, Yaida, Hanin: The Principles of Deep Learning Theory, section 9.4; arXiv 2106.10165.
"""

from typing import Any, NamedTuple

import torch
from torch import nn

from provenn.checks import check_integer, check_number
from provenn.theory.activations import ActivationLike
from provenn.theory.criticality import critical
from provenn.theory.flow import Flow
from provenn.theory.reading import read_mlp


class LearningRates(NamedTuple):
    """``λ_b`` and ``λ_W`` of each layer, to be given as ``lr``."""

    bias: tuple[float, ...]
    weight: tuple[float, ...]


def layer_learning_rates(
    activation: ActivationLike, depth: int, *, bias: float = 1.0, weight: float = 1.0
) -> LearningRates:
    """Learning rates of each layer of a critical network, by the universality class.

    Scale-invariant and half-stable: ``λ = λ̃ / L``. Class ``K*=0`` with ``p = p_⊥`` (1 for an odd
    activation): ``λ_b^(ℓ) = λ̃_b ℓ^-p L^(p-1)`` and ``λ_W^(ℓ) = λ̃_W (L/ℓ)^(p-1)``. These are the
    asymptotic forms; :func:`equal_learning_rates` has the exact ones for a given input.

    Args:
        activation: Name, module or function.
        depth: Number of affine layers ``L``.
        bias: ``λ̃_b``.
        weight: ``λ̃_W``.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a number is out of range, or the activation has no critical initialisation.

    Example:
        >>> layer_learning_rates("tanh", 4).bias
        (1.0, 0.5, 0.3333333333333333, 0.25)
        >>> layer_learning_rates("relu", 4).weight
        (0.25, 0.25, 0.25, 0.25)
    """
    check_integer("depth", depth)
    check_number("bias", bias, least=0)
    check_number("weight", weight, least=0)
    found = critical(activation)
    if found.klass == "none":
        raise ValueError(
            f"activation must have a critical initialisation, got {activation!r}: {found.reason}"
        )
    layers = range(1, depth + 1)
    if found.klass == "K*=0":
        p = found.p_perp
        return LearningRates(
            tuple(bias * n**-p * depth ** (p - 1) for n in layers),
            tuple(weight * (depth / n) ** (p - 1) for n in layers),
        )
    return LearningRates((bias / depth,) * depth, (weight / depth,) * depth)


def equal_learning_rates(flow: Flow, *, bias: float = 1.0, weight: float = 1.0) -> LearningRates:
    """Learning rates with which every layer contributes exactly alike for a given input.

    Args:
        flow: Flow of the input, computed with learning rates that are not 0.
        bias: What the biases contribute to ``Θ^(L)`` together.
        weight: What the weights contribute together.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a number is out of range, or a layer contributes nothing in ``flow``.

    Example:
        >>> from provenn.theory import EffectiveTheory
        >>> theory = EffectiveTheory("gelu")
        >>> rates = equal_learning_rates(theory.flow(1.0, depth=3))
        >>> theory.flow(1.0, depth=3, lr=rates).contributions.sum()
        tensor(2.0000, dtype=torch.float64)
    """
    if not isinstance(flow, Flow):
        raise TypeError(f"flow must be a Flow, got {type(flow).__name__}")
    check_number("bias", bias, least=0)
    check_number("weight", weight, least=0)
    given = flow.contributions
    if not bool((given > 0).all()):
        raise ValueError(
            "flow must have contributions above 0 from every layer, got 0: compute it with lr > 0"
        )
    depth = given.shape[1]
    total = torch.tensor([[bias], [weight]], dtype=given.dtype, device=given.device)
    unit = flow.rates * total / (depth * given)
    return LearningRates(tuple(unit[0].tolist()), tuple(unit[1].tolist()))


def parameter_groups(
    model: nn.Module,
    lr: float,
    *,
    rates: LearningRates | None = None,
    activation: ActivationLike | None = None,
) -> list[dict[str, Any]]:
    """Parameter groups for a ``torch.optim`` optimiser: one for each layer's weight and bias.

    Weights get ``lr λ_W / fan_in``, biases ``lr λ_b``; parameters of no linear layer get ``lr``.
    For the summed squared error ``½ Σ (z - y)²`` gradient descent is stable for ``lr`` up to
    ``2 / λ_max`` of ``Θ`` over the training set.

    Args:
        model: A multilayer perceptron, as :func:`critical_init_` reads it.
        lr: Global learning rate.
        rates: ``λ`` of each layer; those of :func:`layer_learning_rates` if ``None``.
        activation: What stands between the layers, where it cannot be read.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the model cannot be read, or ``rates`` has another number of layers.

    Example:
        >>> model = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 3))
        >>> groups = parameter_groups(model, 0.1)
        >>> [(group["name"], group["lr"]) for group in groups]
        [('0.weight', 0.0125), ('0.bias', 0.1), ('2.weight', 0.0015625), ('2.bias', 0.05)]
        >>> optimizer = torch.optim.SGD(groups)
    """
    check_number("lr", lr, above=0)
    reading = read_mlp(model, activation)
    depth = len(reading.layers)
    if rates is None:
        rates = layer_learning_rates(reading.activation, depth)
    if not isinstance(rates, tuple) or len(rates) != 2:
        raise TypeError(f"rates must be LearningRates, got {type(rates).__name__}")
    for name, column in zip(("bias", "weight"), rates, strict=True):
        if len(column) != depth:
            raise ValueError(
                f"rates.{name} must have one number for each of {depth} layers, got {len(column)}"
            )
    groups: list[dict[str, Any]] = []
    for layer, λ_b, λ_W in zip(reading.layers, *rates, strict=True):
        prefix, linear = f"{layer.name}." * bool(layer.name), layer.linear
        weight_lr = lr * λ_W / linear.in_features
        groups.append({"params": [linear.weight], "lr": weight_lr, "name": f"{prefix}weight"})
        if linear.bias is not None:
            groups.append({"params": [linear.bias], "lr": lr * λ_b, "name": f"{prefix}bias"})
    taken = {id(p) for group in groups for p in group["params"]}
    rest = [p for p in model.parameters() if id(p) not in taken]
    return [*groups, {"params": rest, "lr": lr, "name": "other"}] if rest else groups
