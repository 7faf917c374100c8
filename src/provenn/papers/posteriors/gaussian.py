"""Gaussian processes whose hyper-parameters are known, or are integrated over on a grid.

With ``K = k(X, X) + σ²I = LLᵀ`` the noisy target at ``x*`` is normal with mean ``k*ᵀK⁻¹y`` and
variance ``σ_f² − ‖L⁻¹k*‖² + σ²``.
"""

import math
from dataclasses import dataclass
from typing import Literal, cast

import torch
from jaxtyping import Float64
from torch import Tensor

from provenn.bayes import Gamma as GammaPrior
from provenn.bayes import GaussianProcessPrior
from provenn.bayes.pfn.priors.gaussian_process import NOISE_FLOOR
from provenn.papers.posteriors.problems import Predictions, Problems, timed

Kernel = Literal["rbf", "matern52"]


class Gamma(GammaPrior):
    """Gamma distribution with what an integral over it needs."""

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density."""
        a, b = self.shape, self.rate
        return (a - 1) * value.log() - b * value + a * math.log(b) - math.lgamma(a)

    def cdf(self, value: float) -> float:
        """Probability of at most ``value``."""
        from scipy.stats import gamma  # costly to import

        return float(gamma.cdf(value, self.shape, scale=1 / self.rate))

    def quantile(self, level: float) -> float:
        """The value that is exceeded with probability ``1 − level``."""
        from scipy.stats import gamma  # costly to import

        return float(gamma.ppf(level, self.shape, scale=1 / self.rate))


PAPER = (Gamma(3.0, 6.0), Gamma(2.0, 0.15), Gamma(1e-4, 1.0))
"""The paper's distributions of lengthscale, variance and noise variance."""


@dataclass(frozen=True)
class HyperPrior:
    """Gaussian process with a hyper-prior: lengthscale of each feature, variance, noise variance.

    The noise variance is ``max(noise draw, floor)``, so that the floor itself has a probability.
    The defaults are the paper's, which leave 99.9 % of it on the floor.
    """

    kernel: Kernel = "matern52"
    lengthscale: Gamma = PAPER[0]
    outputscale: Gamma = PAPER[1]
    noise: Gamma = PAPER[2]
    floor: float = 1e-4

    @classmethod
    def of(cls, prior: GaussianProcessPrior) -> "HyperPrior":
        """That of a prior over data sets whose hyper-parameters are all random."""

        def gamma(value: object) -> Gamma:
            if not isinstance(value, GammaPrior):
                raise TypeError(f"prior must have Gamma hyper-parameters, got {value!r}")
            return Gamma(value.shape, value.rate)

        return cls(
            cast(Kernel, prior.kernel),
            gamma(prior.lengthscale),
            gamma(prior.outputscale),
            gamma(prior.noise),
            NOISE_FLOOR,
        )

    def __post_init__(self) -> None:
        if not 0 < self.floor < math.inf:
            raise ValueError(f"floor must be positive and finite, got {self.floor}")


def correlation(
    kernel: Kernel,
    a: Float64[Tensor, "*batch n d"],
    b: Float64[Tensor, "*batch m d"],
    lengthscale: Float64[Tensor, "*batch d"],
) -> Float64[Tensor, "*batch n m"]:
    """Kernel of unit variance between two sets of points."""
    scale = lengthscale.unsqueeze(-2)
    r = torch.cdist(a / scale, b / scale, compute_mode="donot_use_mm_for_euclid_dist")
    if kernel == "rbf":
        return (-r.square() / 2).exp()
    r = math.sqrt(5) * r
    return (1 + r + r.square() / 3) * (-r).exp()


def normal_log_density(y: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """Log density of ``N(mean, variance)`` at ``y``."""
    return -0.5 * ((2 * math.pi * variance).log() + (y - mean).square() / variance)


def quadrature(
    problems: Problems, prior: HyperPrior, *, grid: tuple[int, int, int] = (40, 32, 16)
) -> Predictions:
    """Posterior predictive under a hyper-prior, by quadrature: exact but for the grid.

    The trapezoidal rule in the logarithms of lengthscale, variance and noise variance, with the
    floor of the noise as one more node that holds its probability. One eigendecomposition
    ``R = QΛQᵀ`` of the correlations for each lengthscale serves every variance and noise.

    Args:
        problems: Data sets with one feature.
        prior: The hyper-prior.
        grid: Nodes of lengthscale, of variance and of noise above the floor.

    Raises:
        ValueError: The data sets have several features.
    """
    if problems.x.shape[2] != 1:
        raise ValueError(f"problems must have 1 feature, they have {problems.x.shape[2]}")
    with timed() as watch:
        nodes = _nodes(prior, grid)
        every = zip(*problems.tensors(), strict=True)
        rows = [_integrated(prior.kernel, nodes, *each) for each in every]
    return Predictions(torch.stack(rows).numpy(), watch.wall_s, watch.cpu_s)


Nodes = list[tuple[Tensor, Tensor]]
"""Values of lengthscale, variance, noise, each with their log weights."""


def _nodes(prior: HyperPrior, grid: tuple[int, int, int]) -> Nodes:
    def between(gamma: Gamma, low: float, high: float, count: int) -> tuple[Tensor, Tensor]:
        values = torch.linspace(math.log(low), math.log(high), count, dtype=torch.float64).exp()
        step = math.log(high / low) / (count - 1)
        weights = gamma.log_prob(values) + values.log() + math.log(step)
        weights[[0, -1]] -= math.log(2)
        return values, weights

    scales = (prior.lengthscale, prior.outputscale)
    ends = [(gamma.quantile(1e-8), gamma.quantile(1 - 1e-10)) for gamma in scales]
    top = 2 * max(prior.floor, 20 / prior.noise.rate)
    above, weights = between(prior.noise, prior.floor, top, grid[2])
    floor = torch.tensor([prior.floor], dtype=torch.float64)
    on_floor = torch.tensor([prior.noise.cdf(prior.floor)], dtype=torch.float64)
    return [
        between(prior.lengthscale, *ends[0], grid[0]),
        between(prior.outputscale, *ends[1], grid[1]),
        (torch.cat([floor, above]), torch.cat([on_floor.log(), weights])),
    ]


def _integrated(
    kernel: Kernel, nodes: Nodes, x: Tensor, y: Tensor, x_query: Tensor, y_query: Tensor
) -> Float64[Tensor, " m"]:
    (lengthscales, weight_l), (f, weight_f), (s, weight_s) = nodes
    f, s = f[:, None, None], s[None, :, None]
    evidence, joint = [], []
    for lengthscale, weight in zip(lengthscales, weight_l, strict=True):
        scale = lengthscale[None]
        eigenvalues, q = torch.linalg.eigh(correlation(kernel, x, x, scale))
        spectrum = f * eigenvalues.clamp(min=0) + s  # variance, noise, n
        target = q.mT @ y
        likelihood = normal_log_density(target, torch.zeros(()), spectrum).sum(-1)
        k = q.mT @ correlation(kernel, x, x_query, scale)  # n, m
        mean = f * ((target / spectrum) @ k)
        variance = f + s - f.square() * ((1 / spectrum) @ k.square())
        density = normal_log_density(y_query, mean, torch.maximum(variance, s))
        log_weight = likelihood + weight + weight_f[:, None] + weight_s
        evidence.append(log_weight.flatten())
        joint.append((log_weight[..., None] + density).flatten(0, 1))
    return torch.cat(joint).logsumexp(0) - torch.cat(evidence).logsumexp(0)
