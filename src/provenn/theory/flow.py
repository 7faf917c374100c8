"""Layer-to-layer flow of one input's statistics, at infinite width and to first order in 1/width.

Superscripts count layers; a quantity of layer ``ℓ+1`` that belongs to finite width is the
coefficient of ``1/n_ℓ``, and ``r = n_ℓ / n_{ℓ-1}``. With ``χ_⊥`` and ``χ_∥`` including ``γ²``:

    K'  = C_b + C_W <σ²> + γ² K
    V'  = C_W² (<σ⁴> - <σ²>²) + r χ_∥² V
    G1' = r (χ_∥ G1 + j V / 8 K²)
    Θ'  = λ_b + λ_W <σ²> + χ_⊥ Θ

where there are no skips; with them ``V`` and ``G1`` are those of ``residual.py``.

``V / n`` is the variance of the kernel over networks (its connected four-point correlation),
``K + G1 / n`` its mean, ``Θ`` the mean neural tangent kernel. Its fluctuations, with
``Ω = λ_W σ² + C_W Θ σ'²`` and ``R = λ_W/C_W χ_∥ + 2 h Θ``, for networks without skips:

    F' = C_W² <σ² σ'²> Θ + r χ_∥² F
    D' = C_W (<σ² Ω> - <σ²> <Ω>) + r (χ_∥ χ_⊥ D + χ_∥ R V)
    B' = C_W² <σ'⁴> Θ² + r χ_⊥² B
    A' = <Ω²> - <Ω>² + r (χ_⊥² A + 2 χ_⊥ R D + R² V)

Reference:
    Roberts, Yaida, Hanin: The Principles of Deep Learning Theory, chapters 4, 5, 8 and appendix B;
    arXiv 2106.10165.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from provenn.checks import check_integer, check_number
from provenn.theory.activations import Activation
from provenn.theory.criticality import moments
from provenn.theory.residual import Fluctuations

Layers = Float[Tensor, " depth"]


@dataclass(frozen=True)
class Hyperparameters:
    """Variances, skips and learning rates of each layer; entry ``ℓ - 1`` is layer ``ℓ``'s.

    Args:
        C_b: Variance of the biases.
        C_W: Variance of the weights, times the number of inputs.
        gamma: Strength of the skip into each layer; that of the first is not used.
        lr_bias: ``λ_b``, the learning rate of biases relative to the global one.
        lr_weight: ``λ_W``, that of weights times the number of inputs.
    """

    C_b: tuple[float, ...]
    C_W: tuple[float, ...]
    gamma: tuple[float, ...]
    lr_bias: tuple[float, ...]
    lr_weight: tuple[float, ...]

    @property
    def has_skips(self) -> bool:
        """Whether any layer but the first has a skip into it."""
        return any(self.gamma[1:])


@dataclass(frozen=True, eq=False)
class Flow:
    """Statistics of each layer's preactivations for one input; entry ``ℓ - 1`` is layer ``ℓ``'s.

    Args:
        K: Kernel, ``E[z²]`` at infinite width.
        chi_parallel: ``χ_∥`` from this layer into the next.
        chi_perp: ``χ_⊥`` from this layer into the next.
        V: Four-point vertex: ``V / n`` is the variance of the kernel over networks.
        G1: ``K + G1 / n`` is the mean kernel over networks.
        Theta: Frozen neural tangent kernel.
        F: ``E[H_12 z_1 z_2] = F / n`` for two neurons; ``None`` with skips.
        D: ``Cov(H_11, z_2²) = D / n``; ``None`` with skips.
        B: ``E[H_12²] = B / n``; ``None`` with skips.
        A: ``Cov(H_11, H_22) = A / n``; ``None`` with skips.
        previous_width: ``n_{ℓ-1}`` for each layer, by which the coefficients are divided; NaN for
            the first and where no width was given.
        rates: ``λ_b`` (first row) and ``λ_W`` (second) of each layer.
        seen: What they multiply in the layer itself: 1, and ``<σ²>`` of the layer before.
    """

    K: Layers
    chi_parallel: Layers
    chi_perp: Layers
    V: Layers
    G1: Layers
    Theta: Layers
    F: Layers | None
    D: Layers | None
    B: Layers | None
    A: Layers | None
    previous_width: Layers
    rates: Float[Tensor, "two depth"]
    seen: Float[Tensor, "two depth"]

    @property
    def fluctuation(self) -> Layers:
        """``V / (n K²)``: squared relative spread of the kernel over networks of these widths."""
        spread = self.V / (self.previous_width * self.K**2)
        return torch.where(self.V == 0, torch.zeros_like(spread), spread)

    @property
    def mean_kernel(self) -> Layers:
        """``K + G1 / n``: mean kernel of networks of these widths, to first order."""
        correction = self.G1 / self.previous_width
        return self.K + torch.where(self.G1 == 0, torch.zeros_like(correction), correction)

    @property
    def contributions(self) -> Float[Tensor, "two depth"]:
        """What biases (first row) and weights (second) of each layer give to the last ``Θ``."""
        behind = self.chi_perp[:-1].flip(0).cumprod(0).flip(0)
        return self.rates * self.seen * torch.cat([behind, behind.new_ones(1)])


def run(
    activation: Activation,
    mean_square: float,
    given: Hyperparameters,
    widths: Sequence[int] | None,
) -> Flow:
    """Iterate the recursions.

    Args:
        activation: The activation.
        mean_square: ``x·x / n_0`` of the input.
        given: Hyperparameters of each layer.
        widths: Widths of the hidden layers.
    """
    depth = len(given.C_W)
    state = _State(
        K=given.C_b[0] + given.C_W[0] * mean_square,
        Theta=given.lr_bias[0] + given.lr_weight[0] * mean_square,
    )
    states, chi, seen = [state], [], [mean_square]
    fluctuations = Fluctuations()
    for layer in range(1, depth + 1):
        ratio = widths[layer - 1] / widths[layer - 2] if widths and 1 < layer < depth else 1.0
        # What would follow the last layer has that layer's own hyperparameters.
        following = min(layer, depth - 1)
        kernel = state.K
        state, susceptibilities, s2 = _step(activation, state, given, following, ratio)
        if given.has_skips:
            vertex, correction = fluctuations.step(
                activation, kernel, state.K, given.C_W[following], given.gamma[following]
            )
            state = replace(state, V=vertex, G1=correction)
        chi.append(susceptibilities)
        states.append(state)
        seen.append(s2)
    states, seen = states[:depth], seen[:depth]
    K, Θ, V, G1, *tangent = (_row(c) for c in zip(*(s.values() for s in states), strict=True))
    F, D, B, A = (None,) * 4 if given.has_skips else tangent
    parallel, perp = (_row(column) for column in zip(*chi, strict=True))
    unknown = [math.nan] * depth if widths is None else [math.nan, *map(float, widths)]
    return Flow(
        K=K,
        chi_parallel=parallel,
        chi_perp=perp,
        V=V,
        G1=G1,
        Theta=Θ,
        F=F,
        D=D,
        B=B,
        A=A,
        previous_width=_row(unknown),
        rates=torch.stack((_row(given.lr_bias), _row(given.lr_weight))),
        seen=torch.stack((_row([1.0] * depth), _row(seen))),
    )


@dataclass(frozen=True)
class _State:
    K: float
    Theta: float
    V: float = 0.0
    G1: float = 0.0
    F: float = 0.0
    D: float = 0.0
    B: float = 0.0
    A: float = 0.0

    def values(self) -> tuple[float, ...]:
        return (self.K, self.Theta, self.V, self.G1, self.F, self.D, self.B, self.A)


def _step(
    activation: Activation, at: _State, given: Hyperparameters, layer: int, r: float
) -> tuple[_State, tuple[float, float], float]:
    """State of the next layer, the susceptibilities into it, and ``<σ²>``."""
    C_b, C_W, skip = given.C_b[layer], given.C_W[layer], given.gamma[layer] ** 2
    λ_b, λ_W = given.lr_bias[layer], given.lr_weight[layer]
    K, V, Θ = at.K, at.V, at.Theta
    m = moments(activation, K)
    parallel, perp = C_W * m.zsd + skip, C_W * m.d2 + skip
    Ω = λ_W * m.s2 + C_W * Θ * m.d2
    σ2Ω = λ_W * m.s4 + C_W * Θ * m.s2d2
    Ω2 = λ_W**2 * m.s4 + 2 * λ_W * C_W * Θ * m.s2d2 + (C_W * Θ) ** 2 * m.d4
    R = λ_W * m.zsd + 2 * C_W * m.d2z * Θ
    following = _State(
        K=C_b + C_W * m.s2 + skip * K,
        V=C_W**2 * (m.s4 - m.s2**2) + r * parallel**2 * V,
        G1=r * (parallel * at.G1 + C_W * m.s2q / 8 * V / K**2),
        Theta=λ_b + λ_W * m.s2 + perp * Θ,
        F=C_W**2 * m.s2d2 * Θ + r * parallel**2 * at.F,
        D=C_W * (σ2Ω - m.s2 * Ω) + r * (parallel * perp * at.D + parallel * R * V),
        B=C_W**2 * m.d4 * Θ**2 + r * perp**2 * at.B,
        A=Ω2 - Ω**2 + r * (perp**2 * at.A + 2 * perp * R * at.D + R**2 * V),
    )
    return following, (parallel, perp), m.s2


def _row(values: Sequence[float]) -> Tensor:
    return torch.tensor([float(v) for v in values], dtype=torch.float64, device="cpu")


def scale_invariant_spread(nu: float, widths: tuple[int, ...] | list[int]) -> float:
    """Exact ``E[Ĝ²] / K² = Π (1 + ν / n)`` of a scale-invariant network without skips.

    ``Ĝ`` is the random kernel of one input behind hidden layers of the given widths. For large
    depth over width its logarithm is normal with variance ``Σ ν / n``.

    Args:
        nu: ``ν`` of the activation.
        widths: Widths ``n`` of the hidden layers.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a number is out of range or there are no widths.

    Example:
        >>> round(scale_invariant_spread(5.0, (100, 100)), 6)
        1.1025
    """
    check_number("nu", nu, least=0)
    if not isinstance(widths, tuple | list):
        raise TypeError(f"widths must be a tuple or list of ints, got {widths!r:.80}")
    if not widths:
        raise ValueError("widths must hold at least one width, got none")
    for n in widths:
        check_integer("widths", n)
    return math.prod(1 + nu / n for n in widths)
