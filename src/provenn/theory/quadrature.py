"""Gaussian expectations of activations: one input, two inputs, and up to four.

Every rule splits its domain where an activation of the usual kind has its kink, at 0: the line
into two half-lines, the plane into the four sectors between ``z_1 = 0`` and ``z_2 = 0``. Within a
half or a sector Gauss-Legendre nodes converge exponentially for kinked and for smooth functions
alike, also where two inputs coincide. Kinks elsewhere cost digits, not correctness.
"""

import math
from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from provenn.theory.activations import Activation, angle

CUT = 10.0
"""Standard deviations beyond which the Gaussian density, below 1e-22, is left out."""

HALF_LINE, RADIUS, SECTOR = 128, 48, 24
"""Nodes of a half-line, of the radius and of each of the four sectors: ten digits up to K = 10."""

HERMITE = {3: 40, 4: 24}
"""Nodes of each axis of a Gauss-Hermite product over three or four inputs."""

SOBOL = 2**16
"""Points of the quasi-random rule for kinked activations of three or four inputs."""


def line(K: float) -> tuple[Float[Tensor, " nodes"], Float[Tensor, " nodes"]]:
    """Nodes ``z`` and weights with ``<f> = Σ w f(z)`` over ``z ~ N(0, K)``."""
    u, w = _unit_line()
    return math.sqrt(K) * u, w


def plane(
    K_11: Float[Tensor, " pairs"], K_22: Float[Tensor, " pairs"], K_12: Float[Tensor, " pairs"]
) -> tuple[
    Float[Tensor, "pairs nodes"], Float[Tensor, "pairs nodes"], Float[Tensor, "pairs nodes"]
]:
    """Nodes ``z_1``, ``z_2`` and weights for each pair of inputs with the given kernel.

    In polar coordinates ``z_1 = √K_11 r cos θ`` and ``z_2 = √K_22 r cos(θ - φ)`` with
    ``cos φ = K_12 / √(K_11 K_22)``, so that identical inputs need no care.
    """
    r, w_r, t, w_t = _polar()
    φ = angle(K_11, K_22, K_12)[:, None]
    starts = torch.cat(
        [-math.pi / 2 + 0 * φ, φ - math.pi / 2, math.pi / 2 + 0 * φ, φ + math.pi / 2], 1
    )
    widths = torch.cat([φ, math.pi - φ, φ, math.pi - φ], 1)
    θ = (starts[..., None] + widths[..., None] * t).flatten(1)
    w_θ = (widths[..., None] * w_t).flatten(1) / (2 * math.pi)
    z_1 = K_11.sqrt()[:, None, None] * θ.cos()[..., None] * r
    z_2 = K_22.sqrt()[:, None, None] * (θ - φ).cos()[..., None] * r
    return z_1.flatten(1), z_2.flatten(1), (w_θ[..., None] * w_r).flatten(1)


def cloud(
    K: Float[Tensor, "inputs inputs"], activation: Activation
) -> tuple[Float[Tensor, "inputs nodes"], Float[Tensor, " nodes"]]:
    """Nodes and weights for three or four inputs: Gauss-Hermite, or quasi-random for a kink.

    The second is good to about 1e-3 of a fourth moment.
    """
    values, vectors = torch.linalg.eigh(K)
    root = vectors * values.clamp(min=0).sqrt()
    u, w = _hermite_product(len(K)) if activation.slopes is None else _sobol(len(K))
    return root @ u, w


@cache
def _unit_line() -> tuple[Tensor, Tensor]:
    t, w = _legendre(HALF_LINE)
    u = CUT * t
    half = CUT * w * np.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)
    return _tensor(np.concatenate([-u[::-1], u])), _tensor(np.concatenate([half[::-1], half]))


@cache
def _polar() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    t, w = _legendre(RADIUS)
    r = CUT * t
    weights = CUT * w * r * np.exp(-(r**2) / 2)
    θ, w_θ = _legendre(SECTOR)
    return _tensor(r), _tensor(weights), _tensor(θ), _tensor(w_θ)


@cache
def _hermite_product(axes: int) -> tuple[Tensor, Tensor]:
    u, w = np.polynomial.hermite_e.hermegauss(HERMITE[axes])
    w = w / w.sum()
    grid = np.stack(np.meshgrid(*(u,) * axes, indexing="ij")).reshape(axes, -1)
    weights = np.stack(np.meshgrid(*(w,) * axes, indexing="ij")).reshape(axes, -1).prod(0)
    kept = weights > 1e-20
    return _tensor(grid[:, kept]), _tensor(weights[kept])


@cache
def _sobol(axes: int) -> tuple[Tensor, Tensor]:
    from scipy.stats import norm, qmc  # costly to import

    points = qmc.Sobol(axes, scramble=True, seed=0).random(SOBOL)
    u = norm.ppf(np.clip(points, 1e-12, 1 - 1e-12)).T
    both = np.concatenate([u, -u], 1)
    return _tensor(both), _tensor(np.full(2 * SOBOL, 0.5 / SOBOL))


def _legendre(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights on [0, 1]."""
    t, w = np.polynomial.legendre.leggauss(n)
    return (t + 1) / 2, w / 2


def _tensor(values: np.ndarray) -> Tensor:
    # from_numpy, because no context that sets a default device reaches it
    return torch.from_numpy(np.ascontiguousarray(values))
