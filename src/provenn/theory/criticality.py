"""Critical initialisation and universality class of an activation function.

With biases of variance ``C_b`` and weights of variance ``C_W / fan_in`` the kernel of one input
runs through the layers as ``K' = C_b + C_W <σ²>_K``. Small deviations grow by

    χ_∥ = C_W d<σ²>/dK      of the norm,        χ_⊥ = C_W <σ'²>      of the angle and of gradients

for each layer. ``(C_b, C_W)`` is critical where ``K*`` is a fixed point and both are 1: nothing
then grows or decays exponentially with depth. With skip connections ``γ z`` both gain ``γ²``.

Reference:
    Roberts, Yaida, Hanin: The Principles of Deep Learning Theory, chapter 5; arXiv 2106.10165.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import numpy as np
import torch

from provenn.checks import check_number
from provenn.theory.activations import Activation, ActivationLike, as_activation
from provenn.theory.quadrature import CUT, line
from provenn.theory.residual import hidden_nu

UniversalityClass = Literal["scale-invariant", "K*=0", "half-stable", "none"]

GRID = np.geomspace(1e-3, 100.0, 161)
"""Kernels between which fixed points are looked for."""

NOISE = 1e-10
"""What of ``χ_∥ - χ_⊥`` is rounding."""


@dataclass(frozen=True)
class Moments:
    """Expectations over ``z ~ N(0, K)`` of one input that the recursions are made of.

    Args:
        s2: ``<σ²>``.
        s4: ``<σ⁴>``.
        d2: ``<σ'²>``.
        d4: ``<σ'⁴>``.
        s2d2: ``<σ² σ'²>``.
        zsd: ``<z σ σ'> / K``, which is ``d<σ²>/dK``.
        d2z: ``<σ'² (z² - K)> / 4K²``, half of ``d<σ'²>/dK``, without its ``C_W`` that is ``h``.
        s2q: ``<σ² (z⁴/K² - 6 z²/K + 3)>``, ``4 K² d²<σ²>/dK²``, without its ``C_W`` that is ``j``.
    """

    s2: float
    s4: float
    d2: float
    d4: float
    s2d2: float
    zsd: float
    d2z: float
    s2q: float


def moments(activation: Activation, K: float) -> Moments:
    """The expectations at a positive kernel."""
    z, w = line(K)
    s, d = activation(z), activation.derivative(z)
    u2 = z**2 / K
    rows = torch.stack(
        (s**2, s**4, d**2, d**4, (s * d) ** 2, z * s * d / K, d**2 * (u2 - 1) / (4 * K),
         s**2 * (u2**2 - 6 * u2 + 3))
    )  # fmt: skip
    return Moments(*(rows @ w).tolist())


@dataclass(frozen=True)
class FixedPoint:
    """A kernel at which some ``(C_b, C_W)`` makes both susceptibilities 1.

    Args:
        K_star: The kernel.
        C_b: Variance of biases.
        C_W: Variance of weights, times the number of inputs.
        slope: ``dχ_∥/dK`` there: negative if flows from above are attracted.
    """

    K_star: float
    C_b: float
    C_W: float
    slope: float


@dataclass(frozen=True)
class Criticality:
    """How to initialise networks of an activation so that depth does no harm.

    Args:
        klass: Universality class: ``"scale-invariant"`` (any kernel stays), ``"K*=0"`` (the kernel
            decays like ``1/ℓ``), ``"half-stable"`` (it stays near ``K_star > 0``) or ``"none"``.
        C_b: Critical variance of biases; NaN if there is none.
        C_W: Critical variance of weights, times the number of inputs; NaN if there is none.
        K_star: The fixed point; NaN where every kernel is one, or none.
        nu: ``ν`` of ``V / (n K²) -> ν L / n``, the strength of fluctuations for each layer.
        a_1: ``K^(ℓ) -> 1 / (-(1 - γ²) a_1 ℓ)`` in the class ``K*=0``; NaN elsewhere.
        p_parallel: Perturbations of the norm fall like ``ℓ^-p``.
        p_perp: Perturbations of the angle, and gradients, fall like ``ℓ^-p``; NaN if not known.
        gamma: Strength of the skip connections.
        roots: All fixed points with ``K* > 0`` and ``C_b >= 0``, the preferred first.
        reason: Why there is none.

    Example:
        >>> from provenn.theory import EffectiveTheory
        >>> EffectiveTheory("relu").critical()
        Criticality(klass='scale-invariant', C_b=0.0, C_W=2.0, ...)
    """

    klass: UniversalityClass
    C_b: float = math.nan
    C_W: float = math.nan
    K_star: float = math.nan
    nu: float = math.nan
    a_1: float = math.nan
    p_parallel: float = math.nan
    p_perp: float = math.nan
    gamma: float = 0.0
    roots: tuple[FixedPoint, ...] = ()
    reason: str = ""


def critical(activation: ActivationLike, gamma: float = 0.0) -> Criticality:
    """Universality class and critical initialisation of an activation.

    Args:
        activation: Name, module or function.
        gamma: Strength of the skip connections, ``z' = b + W σ(z) + γ z``.

    Returns:
        The class and the initialisation, of class ``"none"`` where there is none.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the activation is not known or ``gamma`` is not in [0, 1).

    Reference:
        The Principles of Deep Learning Theory, sections 5.2 to 5.4, and appendix B for skips.

    Example:
        >>> tanh = critical("tanh")
        >>> tanh.klass, tanh.C_b, tanh.C_W
        ('K*=0', 0.0, 1.0)
        >>> round(critical("gelu").K_star, 6), critical("softplus").klass
        (3.561553, 'none')
    """
    check_number("gamma", gamma, least=0, below=1)
    return _critical(as_activation(activation), float(gamma))


@lru_cache(maxsize=256)
def _critical(activation: Activation, gamma: float) -> Criticality:
    free = 1 - gamma**2
    if activation.slopes is not None:
        return _scale_invariant(activation, *activation.slopes, gamma)
    taylor = activation.taylor()
    if taylor is not None and abs(taylor[0]) < 1e-12 and taylor[1] != 0:
        σ_1, σ_2, σ_3 = taylor[1:]
        b_1 = σ_3 / σ_1 + (σ_2 / σ_1) ** 2
        a_1 = b_1 - (σ_2 / σ_1) ** 2 / 4
        if a_1 < 0:
            return Criticality(
                "K*=0", 0.0, free / σ_1**2, 0.0, 2 / 3 * (1 - gamma**4), a_1, 2.0, b_1 / a_1, gamma
            )
    roots, refused = _roots(activation)
    if not roots:
        return Criticality("none", gamma=gamma, reason=_reason(activation, taylor, refused))
    best = roots[0]
    at = moments(activation, best.K_star)
    plain = best.C_W**2 * (at.s4 - at.s2**2) / best.K_star**2
    scaled = tuple(FixedPoint(r.K_star, free * r.C_b, free * r.C_W, free * r.slope) for r in roots)
    C_W = scaled[0].C_W
    nu = published_nu(plain, gamma) + hidden_nu(activation, best.K_star, C_W, gamma)
    return Criticality(
        "half-stable", scaled[0].C_b, C_W, best.K_star, nu,
        p_parallel=1.0, gamma=gamma, roots=scaled,
    )  # fmt: skip


def _scale_invariant(
    activation: Activation, minus: float, plus: float, gamma: float
) -> Criticality:
    A_2, A_4 = (plus**2 + minus**2) / 2, (plus**4 + minus**4) / 2
    if A_2 == 0:
        return Criticality("none", gamma=gamma, reason="it is 0 everywhere")
    C_W = (1 - gamma**2) / A_2
    nu = published_nu(3 * A_4 / A_2**2 - 1, gamma) + hidden_nu(activation, 1.0, C_W, gamma)
    return Criticality("scale-invariant", 0.0, C_W, nu=nu, p_parallel=0.0, p_perp=0.0, gamma=gamma)


def published_nu(nu: float, gamma: float) -> float:
    """``(1 - γ²) ((1 - γ²) ν + 4 γ²)``, of a residual network whose kernel stays.

    It lacks what :func:`hidden_nu` adds.
    """
    free = 1 - gamma**2
    return free * (free * nu + 4 * gamma**2)


@lru_cache(maxsize=64)
def _roots(activation: Activation) -> tuple[list[FixedPoint], list[FixedPoint]]:
    """Fixed points above 0: those that can be initialised, and those that need C_b < 0."""
    from scipy.optimize import brentq  # costly to import

    def excess(K: float) -> float:
        at = moments(activation, K)
        return at.zsd - at.d2

    grid = [float(K) for K in GRID if _is_resolved(activation, float(K))]
    values = [excess(K) for K in grid]
    kept: list[FixedPoint] = []
    refused: list[FixedPoint] = []
    for (low, f_low), (high, f_high) in pairwise(zip(grid, values, strict=True)):
        if not (f_low * f_high < 0 and min(abs(f_low), abs(f_high)) > NOISE):
            continue
        K = float(brentq(excess, low, high, xtol=1e-13, rtol=1e-14))
        at = moments(activation, K)
        C_W = 1 / at.d2
        C_b = K - C_W * at.s2
        found = FixedPoint(K, C_b, C_W, C_W * at.s2q / (4 * K**2))
        (kept if C_b >= 0 and math.isfinite(C_W) else refused).append(found)
    return sorted(kept, key=lambda root: abs(root.slope)), refused


def _is_resolved(activation: Activation, K: float) -> bool:
    """Whether the activation grows so slowly that nothing is lost beyond the last node."""
    end = torch.tensor([-CUT, CUT], dtype=torch.float64, device="cpu") * math.sqrt(K)
    z, w = line(K)
    lost = float((activation.derivative(end) ** 2).max()) * math.exp(-(CUT**2) / 2)
    return lost <= 1e-12 * float((w * activation.derivative(z) ** 2).sum())


def _reason(
    activation: Activation, taylor: tuple[float, ...] | None, refused: list[FixedPoint]
) -> str:
    if refused:
        return f"at K* = {refused[0].K_star:.4g} it needs C_b = {refused[0].C_b:.4g}, less than 0"
    nowhere = "both susceptibilities are equal at no K > 0"
    if taylor is None:
        return f"it is not smooth at 0, and {nowhere}"
    if abs(taylor[0]) >= 1e-12:
        return f"its value at 0 is {taylor[0]:.4g}, not 0, and {nowhere}"
    if taylor[1] == 0:
        return f"its slope at 0 is 0, and {nowhere}"
    return f"K* = 0 repels (a_1 >= 0), and {nowhere}"
