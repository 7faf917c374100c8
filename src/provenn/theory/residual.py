"""Fluctuations of residual networks to first order in 1/width, for one input.

A skip carries a neuron's value on, so that the neuron meets its own earlier contribution to the
kernel again, and functions of it stay correlated with the kernel at order ``1/n``, not its square
alone. With normalised Hermite polynomials ``h_k`` of ``z / √K``, ``s_k = <σ² h_k>``, the
correlations ``c_k = n Cov(h_2(z_i), h_k(z_j))`` of two neurons and the deviations
``e_k = n E[h_k(z_i)]`` of one, ``ρ = γ √(K/K')``, ``t = C_W / √2 K'`` and ``a = ρ² + t s_2``,
which is ``χ_∥ K / K'``:

    c'_k = ρ^k (a c_k + t s_k)                                                   k ≠ 2
    c'_2 = a² c_2 + 2 t ρ² s_2 + t² (<σ⁴> - <σ²>²) + 2 t a Σ_{k≠2} s_k c_k
    V'   = 2 K'² c'_2,      G1' = √2 K' e'_2

The published recursion keeps ``c_2`` alone, which is exact without skips, for linear networks, and
in the class ``K*=0`` as the kernel goes to 0; for ReLU the other terms are as large as those that
are kept.
"""

import math
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from provenn.theory.activations import Activation
from provenn.theory.quadrature import line

MODES = 64
"""Hermite polynomials that are kept; coefficients of ``σ²`` fall quickly."""


def hermite_coefficients(activation: Activation, K: float) -> Float[Tensor, " modes"]:
    """``s_k = <σ² h_k>`` for ``k = 0..MODES-1``."""
    z, w = line(K)
    return _polynomials() @ (w * activation(z) ** 2)


class Fluctuations:
    """Correlations and deviations of a layer, carried from layer to layer."""

    def __init__(self) -> None:
        self.c = torch.zeros(MODES, dtype=torch.float64, device="cpu")
        self.e = torch.zeros(MODES, dtype=torch.float64, device="cpu")

    def step(
        self, activation: Activation, K: float, following: float, C_W: float, gamma: float
    ) -> tuple[float, float]:
        """Go on to the layer whose kernel is ``following``; its ``V`` and ``G1``."""
        s = hermite_coefficients(activation, K)
        z, w = line(K)
        spread = float((w * activation(z) ** 4).sum() - s[0] ** 2)
        s_2, c_2 = float(s[2]), float(self.c[2])
        k = torch.arange(MODES, dtype=torch.float64, device="cpu")
        ρ = gamma * math.sqrt(K / following)
        t = C_W / (math.sqrt(2) * following)
        a = ρ**2 + t * s_2
        hidden = float((s * self.c)[1:].sum()) - s_2 * c_2
        variance = spread + 2 * s_2 * hidden + s_2**2 * c_2  # of the mean of σ², times n
        with_kernel = s + s_2 * self.c
        with_kernel[2] = s_2 + s_2 * c_2 + hidden
        fall = ρ**k

        c = fall * (a * self.c + t * s)
        c[2] = a**2 * c_2 + 2 * t * ρ**2 * s_2 + t**2 * spread + 2 * t * a * hidden
        c[0] = 0.0

        e = fall * self.e
        e[2] += t * float((s * self.e)[1:].sum())
        ladder = (k[3:] * (k[3:] - 1)).sqrt() / (2 * following)
        e[3:] += ladder * fall[1:-2] * C_W * with_kernel[1:-2]
        e[4] += math.sqrt(24) / (8 * following**2) * C_W**2 * variance

        self.c, self.e = c, e
        return 2 * following**2 * float(c[2]), math.sqrt(2) * following * float(e[2])


def hidden_nu(activation: Activation, K: float, C_W: float, gamma: float) -> float:
    """What the correlations beyond the square add to ``ν`` where the kernel stays at ``K``.

    ``2 Σ_{k≠2} (C_W s_k / K)² γ^k / (1 - γ^k)``.
    """
    if gamma == 0:
        return 0.0
    s = hermite_coefficients(activation, K)
    k = torch.arange(MODES, dtype=torch.float64, device="cpu")
    terms = (C_W * s[1:] / K) ** 2 / (gamma ** -k[1:] - 1)
    terms[1] = 0.0
    return 2 * float(terms.sum())


@cache
def _polynomials() -> Float[Tensor, "modes nodes"]:
    u, _ = line(1.0)
    rows = [torch.ones_like(u), u]
    for k in range(1, MODES - 1):
        rows.append((u * rows[k] - math.sqrt(k) * rows[k - 1]) / math.sqrt(k + 1))
    return torch.stack(rows)
