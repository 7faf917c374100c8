"""Advice on a multilayer perceptron: its class, initialisation, width or skips, learning rates."""

import math
from dataclasses import dataclass
from statistics import harmonic_mean

import torch
from torch import nn

from provenn.checks import check_integer, check_number
from provenn.theory.activations import ActivationLike
from provenn.theory.aspect import optimal_aspect_ratio, optimal_width, skip_strength
from provenn.theory.criticality import Criticality
from provenn.theory.effective_theory import EffectiveTheory
from provenn.theory.flow import Flow
from provenn.theory.learning_rates import LearningRates, layer_learning_rates
from provenn.theory.reading import Reading, read_mlp

SHOWN = 12
"""Layers of a deep network that the text shows."""


@dataclass(frozen=True, eq=False)
class Advice:
    """What the effective theory says about a model; ``str`` of it is a readable text.

    Args:
        reading: What was recognised in the model.
        criticality: Class and critical initialisation of plain layers of its activation.
        now: Flow under the variances that the model's weights have at present.
        critical: Flow under the critical variances; ``None`` if there are none.
        n_out: Neurons of the output layer.
        aspect_ratio: ``L / n``, with the harmonic mean of the widths.
        optimal_aspect_ratio: ``r*`` for the skips as they are; NaN without critical initialisation.
        optimal_width: Width for this depth and these skips; 0 without critical initialisation.
        optimal_gamma: Skips for this depth and width; NaN without critical initialisation.
        rates: Learning rates of each layer; ``None`` without critical initialisation.
        warnings: What to mind, a sentence each.
    """

    reading: Reading
    criticality: Criticality
    now: Flow
    critical: Flow | None
    n_out: int
    aspect_ratio: float
    optimal_aspect_ratio: float
    optimal_width: int
    optimal_gamma: float
    rates: LearningRates | None
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([*self._head(), "", *self._advice(), "", *self._table()])

    def _head(self) -> list[str]:
        reading, found = self.reading, self.criticality
        widths = sorted(set(reading.widths))
        width = str(widths[0]) if len(widths) == 1 else f"{widths[0]} to {widths[-1]}"
        skips = f", skips gamma = {reading.gamma:g}" if reading.gamma else ""
        first = reading.layers[0].linear.in_features
        return [
            f"Recognised: {len(reading.layers)} affine layers, {first} inputs, width {width}, "
            f"{self.n_out} outputs, activation {reading.activation.name}{skips}",
            f"Class: {_describe(found)}",
            *(f"Mind: {warning}" for warning in self.warnings),
        ]

    def _advice(self) -> list[str]:
        found = self.criticality
        if self.critical is None or self.rates is None:
            return [
                "Initialisation: no choice of C_b, C_W keeps signals and gradients over many "
                "layers.",
                "  Take tanh, GELU, SiLU or ReLU instead, or keep the network shallow.",
            ]
        gamma = self.reading.gamma
        weights = f"variance {found.C_W:.6g} / fan_in"
        if gamma:
            weights += f", times {1 - gamma**2:.4g} = 1 - gamma² in layers with a skip"
        lines = [
            f"Initialisation: weights of {weights}; biases of variance {found.C_b:.6g}: "
            "critical_init_(model)",
            f"Shape: L / n = {self.aspect_ratio:.3g}; best by mutual information at "
            f"{self.optimal_aspect_ratio:.3g}",
        ]
        if self.aspect_ratio <= self.optimal_aspect_ratio:
            lines.append("  Wide enough for its depth.")
        else:
            lines.append(
                f"  Too deep for its width: take a width of {self.optimal_width}, or skips of "
                f"gamma = {self.optimal_gamma:.3g} at this width."
            )
        (b, *_, b_last), (w, *_, w_last) = self.rates
        lines.append(
            "Learning rates: lr * bias for biases, lr * weight / fan_in for weights: "
            "parameter_groups(model, lr)\n"
            f"  bias from {b:.3g} in the first layer to {b_last:.3g} in the last, weight from "
            f"{w:.3g} to {w_last:.3g}"
        )
        return lines

    def _table(self) -> list[str]:
        layers = self.reading.layers
        name = max(5, *(len(layer.name) for layer in layers))
        rows = [
            f"{'layer':>5}  {'name':<{name}}  {'C_b now':>9} {'C_W now':>9} {'K now':>10} "
            f"{'gradient':>9}  {'K critical':>10} {'gradient':>9} {'V/(nK²)':>8}"
        ]
        n = len(layers)
        shown = [*range(n)] if n <= SHOWN else [*range(SHOWN - 3), n - 2, n - 1]
        now = _carried(self.now)
        best = None if self.critical is None else _carried(self.critical)
        previous = -1
        for i in shown:
            if i > previous + 1:
                rows.append(f"{'...':>5}")
            previous = i
            C_b, C_W = _variances(layers[i].linear)
            row = (
                f"{i + 1:>5}  {layers[i].name:<{name}}  {C_b:>9.3g} {C_W:>9.3g} "
                f"{float(self.now.K[i]):>10.3g} {float(now[i]):>9.2g}"
            )
            if self.critical is not None and best is not None:
                row += (
                    f"  {float(self.critical.K[i]):>10.3g} {float(best[i]):>9.2g} "
                    f"{float(self.critical.fluctuation[i]):>8.3g}"
                )
            rows.append(row)
        rows.append(
            "K: mean square of the preactivations; gradient: squared gradient at the layer over "
            "that at the output."
        )
        return rows


def advise(
    model: nn.Module,
    *,
    activation: ActivationLike | None = None,
    gamma: float | None = None,
    n_out: int | None = None,
    mean_square: float = 1.0,
) -> Advice:
    """Advise on initialisation, shape and learning rates of a multilayer perceptron.

    Args:
        model: Linear layers with one activation between them, with or without skips
            ``b + W σ(z) + γ z`` and normalisation layers, as ``torch.fx`` traces it.
        activation: What stands between the layers, where it cannot be read.
        gamma: Strength of the skips into all layers but the first and the last, where it cannot be
            read.
        n_out: Neurons of the output that matter together; all of them if ``None``.
        mean_square: Mean square of the input's features, 1 for standardised data.

    Returns:
        The advice; print it.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the model cannot be read as a multilayer perceptron, or a number is out of
            range.

    Reference:
        Roberts, Yaida, Hanin: The Principles of Deep Learning Theory; arXiv 2106.10165.

    Example:
        >>> model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 3))
        >>> print(str(advise(model)).splitlines()[1])
        Class: scale-invariant, any kernel stays; nu = 5
    """
    check_number("mean_square", mean_square, above=0)
    reading = read_mlp(model, activation, gamma)
    outputs = reading.layers[-1].linear.out_features
    if n_out is None:
        n_out = outputs
    check_integer("n_out", n_out)
    theory = EffectiveTheory(reading.activation)
    found = theory.critical()
    depth = len(reading.layers)
    skips = [layer.gamma for layer in reading.layers]
    equal = len(set(reading.widths)) == 1
    width: int | list[int] = list(reading.widths)
    warnings = [
        *(f"{note}." for note in reading.notes),
        *([f"{', '.join(reading.norms)} normalise{'s' * (len(reading.norms) == 1)} what the "
           "theory lets flow: kernels below are those without."] if reading.norms else []),
    ]  # fmt: skip
    if any(skips) and not equal:
        width = round(harmonic_mean(reading.widths))
        warnings.append(f"skips join layers of different widths, read as {width} throughout.")
    C_b, C_W = zip(*(_variances(layer.linear) for layer in reading.layers), strict=True)
    now = theory.flow(
        mean_square, depth, width=width, C_b=C_b, C_W=[max(c, 1e-30) for c in C_W], gamma=skips
    )
    n = harmonic_mean(reading.widths)
    if found.klass == "none":
        return Advice(
            reading, found, now, None, n_out, depth / n, math.nan, 0, math.nan, None,
            tuple(warnings),
        )  # fmt: skip
    return Advice(
        reading=reading,
        criticality=found,
        now=now,
        critical=theory.flow(mean_square, depth, width=width, gamma=skips),
        n_out=n_out,
        aspect_ratio=depth / n,
        optimal_aspect_ratio=optimal_aspect_ratio(n_out, reading.activation, gamma=reading.gamma),
        optimal_width=optimal_width(depth, n_out, reading.activation, gamma=reading.gamma),
        optimal_gamma=skip_strength(depth, round(n), n_out, reading.activation),
        rates=layer_learning_rates(reading.activation, depth),
        warnings=tuple(warnings),
    )


def _describe(found: Criticality) -> str:
    if found.klass == "scale-invariant":
        return f"scale-invariant, any kernel stays; nu = {found.nu:.4g}"
    if found.klass == "K*=0":
        rate = -1 / found.a_1
        return f"K*=0, kernels fall like {rate:.3g} / layer whatever the input; nu = {found.nu:.4g}"
    if found.klass == "half-stable":
        return f"half-stable, kernels stay near {found.K_star:.4g}; nu = {found.nu:.4g}"
    return f"none, {found.reason}"


def _variances(linear: nn.Linear) -> tuple[float, float]:
    """``C_b`` and ``C_W`` that a layer's parameters have at present."""
    with torch.no_grad():
        C_W = float(linear.weight.double().square().mean()) * linear.in_features
        C_b = 0.0 if linear.bias is None else float(linear.bias.double().square().mean())
    return C_b, C_W


def _carried(flow: Flow) -> torch.Tensor:
    """Squared gradient at each layer over that at the output."""
    behind = flow.chi_perp[:-1].flip(0).cumprod(0).flip(0)
    return torch.cat([behind, behind.new_ones(1)])
