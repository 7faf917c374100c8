"""Gaussian processes with fixed or random hyper-parameters, and their exact prediction."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from provenn.bayes.pfn.priors.checks import check_data
from provenn.bayes.pfn.priors.distributions import Gamma, sample_or_repeat
from provenn.bayes.pfn.priors.prior import check_request
from provenn.checks import (
    check_choice,
    check_flag,
    check_float_tensor,
    check_integer,
    check_number,
)

NOISE_FLOOR = 1e-4
"""Least variance of the noise; a smaller draw is raised to it."""


def _rbf(r: Tensor) -> Tensor:
    return r.square().mul_(-0.5).exp_()


def _matern12(r: Tensor) -> Tensor:
    return (-r).exp_()


def _matern32(r: Tensor) -> Tensor:
    r = math.sqrt(3) * r
    return (1 + r) * (-r).exp_()


def _matern52(r: Tensor) -> Tensor:
    r = math.sqrt(5) * r
    return r.square().div_(3).add_(r).add_(1) * (-r).exp_()


KERNELS: dict[str, Callable[[Tensor], Tensor]] = {
    "rbf": _rbf,
    "matern12": _matern12,
    "matern32": _matern32,
    "matern52": _matern52,
}
"""Correlation as a function of the distance in lengthscales."""


@dataclass(frozen=True)
class GaussianProcessPrior:
    """Noisy values of a Gaussian process at points that are uniform in the unit cube.

    Inputs are ``x ~ U[0, 1]^d``, targets ``y = f(x) + ε`` with ``f ~ GP(0, k)`` and
    ``ε ~ N(0, σ²)``. With ``r² = Σ_j (x_j - x'_j)² / ℓ_j²`` the kernel ``k`` is ``σ_f²`` times

    ==========  =================================
    rbf         ``exp(-r²/2)``
    matern12    ``exp(-r)``
    matern32    ``(1 + √3 r) exp(-√3 r)``
    matern52    ``(1 + √5 r + 5r²/3) exp(-√5 r)``
    ==========  =================================

    A hyper-parameter that is a :class:`Gamma` is drawn anew for each data set, a lengthscale for
    each feature too. Everything is computed in float64 and rounded at the end: at a noise of 1e-4
    the covariance is too ill-conditioned for float32. The points are exchangeable.

    Args:
        n_features: Number of features ``d``.
        kernel: ``"rbf"``, ``"matern12"``, ``"matern32"`` or ``"matern52"``.
        lengthscale: ``ℓ``: a number, one number for each feature, or a :class:`Gamma`.
        outputscale: ``σ_f²``, the variance of ``f``: a number or a :class:`Gamma`.
        noise: ``σ²``, the *variance* of ``ε``: a number of at least 1e-4, or a :class:`Gamma`,
            whose draws below 1e-4 are raised to it.
        vary_n_features: Whether each data set has its own number of features, uniform from 1 to
            ``n_features``; those not in use are 0 at every point.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of its range.

    Reference:
        Müller et al., Transformers Can Do Bayesian Inference (arXiv 2112.10510), appendix F.

    Example:
        >>> import torch
        >>> prior = GaussianProcessPrior(lengthscale=0.2, noise=0.01)
        >>> x, y = prior.sample(3, 10, generator=torch.Generator().manual_seed(0))
        >>> mean, variance = prior.predictive(x[:, :9], y[:, :9], x[:, 9:])
        >>> mean.shape
        torch.Size([3, 1])
        >>> bool((variance > 0.01).all() and (variance < 1.01).all())
        True
    """

    n_features: int = 1
    kernel: str = "rbf"
    lengthscale: float | Sequence[float] | Gamma = 0.6
    outputscale: float | Gamma = 1.0
    noise: float | Gamma = NOISE_FLOOR
    vary_n_features: bool = False

    def __post_init__(self) -> None:
        check_integer("n_features", self.n_features)
        check_choice("kernel", self.kernel, tuple(KERNELS))
        if isinstance(self.lengthscale, (tuple, list)):
            object.__setattr__(self, "lengthscale", tuple(self.lengthscale))
            if len(self.lengthscale) != self.n_features:
                raise ValueError(
                    f"lengthscale must be one number or n_features={self.n_features} numbers, "
                    f"got {len(self.lengthscale)}"
                )
            for one in self.lengthscale:
                check_number("lengthscale", one, above=0.0)
        elif not isinstance(self.lengthscale, Gamma):
            check_number("lengthscale", self.lengthscale, above=0.0)
        if not isinstance(self.outputscale, Gamma):
            check_number("outputscale", self.outputscale, above=0.0)
        if not isinstance(self.noise, Gamma):
            check_number("noise", self.noise, least=NOISE_FLOOR)
        check_flag("vary_n_features", self.vary_n_features)

    @classmethod
    def with_hyperprior(cls, n_features: int = 1) -> "GaussianProcessPrior":
        """The paper's prior over hyper-parameters.

        Matérn-5/2 with ``ℓ_j ~ Γ(3, rate 6)``, ``σ_f² ~ Γ(2, rate 0.15)`` and
        ``σ² ~ Γ(1e-4, rate 1)``, the last of them almost always at its floor of 1e-4.

        Args:
            n_features: Number of features.

        Example:
            >>> GaussianProcessPrior.with_hyperprior(5).lengthscale
            Gamma(shape=3.0, rate=6.0)
        """
        return cls(
            n_features,
            "matern52",
            lengthscale=Gamma(3.0, 6.0),
            outputscale=Gamma(2.0, 0.15),
            noise=Gamma(1e-4, 1.0),
        )

    @property
    def n_classes(self) -> None:
        """A Gaussian process has numbers as targets."""
        return None

    def sample(
        self,
        batch: int,
        n: int,
        *,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> tuple[Float[Tensor, "batch n n_features"], Float[Tensor, "batch n"]]:
        """Draw ``batch`` data sets of ``n`` points; see :class:`Prior`."""
        place = check_request(batch, n, generator, device, dtype)
        x = torch.rand(batch, n, self.n_features, generator=generator, device=place, dtype=dtype)
        if self.vary_n_features:
            used = torch.randint(
                1, self.n_features + 1, (batch, 1, 1), generator=generator, device=place
            )
            x = x * (torch.arange(self.n_features, device=place) < used)
        lengthscale, outputscale, noise = self.sample_hyperparameters(batch, generator, place)
        points = x.double()
        covariance = covariance_matrix(points, points, self.kernel, lengthscale, outputscale)
        factor = _cholesky(covariance, noise)
        z = torch.randn(batch, 1, n, generator=generator, device=place, dtype=torch.float64)
        return x, (factor * z).sum(-1).to(dtype)

    def sample_hyperparameters(
        self,
        batch: int,
        generator: torch.Generator | None = None,
        device: torch.device | None = None,
    ) -> tuple[
        Float64[Tensor, "batch n_features"], Float64[Tensor, "batch"], Float64[Tensor, "batch"]
    ]:
        """Lengthscales, outputscale and noise of ``batch`` data sets.

        Args:
            batch: Number of data sets.
            generator: Source of randomness; ``None`` for torch's global one.
            device: Where to draw; ``None`` for torch's default.

        Returns:
            ``ℓ``, ``σ_f²`` and ``σ²``.

        Example:
            >>> _, _, noise = GaussianProcessPrior.with_hyperprior().sample_hyperparameters(2)
            >>> bool((noise >= 1e-4).all())
            True
        """
        size = (batch, self.n_features)
        lengthscale = sample_or_repeat(self.lengthscale, size, generator, device)
        outputscale = sample_or_repeat(self.outputscale, (batch,), generator, device)
        noise = sample_or_repeat(self.noise, (batch,), generator, device)
        return lengthscale, outputscale, noise.clamp(min=NOISE_FLOOR)

    def predictive(
        self,
        x: Float[Tensor, "*batch n n_features"],
        y: Float[Tensor, "*batch n"],
        x_query: Float[Tensor, "*batch m n_features"],
    ) -> tuple[Float64[Tensor, "*batch m"], Float64[Tensor, "*batch m"]]:
        """Exact posterior predictive distribution of the noisy target, a Gaussian.

        With ``K = k(x, x) + σ²I = LLᵀ`` the mean is ``k_*ᵀ K⁻¹ y`` and the variance
        ``σ_f² - ‖L⁻¹ k_*‖² + σ²``.

        Args:
            x: Inputs of the context; ``n`` may be 0.
            y: Its targets.
            x_query: Inputs to predict at.

        Returns:
            Mean and variance.

        Raises:
            TypeError: If an argument is not a floating-point tensor.
            ValueError: If a hyper-parameter is random, as there is no closed form then, or the
                arguments do not fit.
        """
        x, y, x_query = check_data(self.n_features, x, y, x_query)
        lengthscale, outputscale, noise = self._fixed(x.device)
        factor = _cholesky(covariance_matrix(x, x, self.kernel, lengthscale, outputscale), noise)
        cross = covariance_matrix(x, x_query, self.kernel, lengthscale, outputscale)
        solved = torch.linalg.solve_triangular(
            factor, torch.cat([cross, y.unsqueeze(-1)], -1), upper=False
        )
        cross, y = solved[..., :-1], solved[..., -1:]
        return (cross * y).sum(-2), outputscale + noise - cross.square().sum(-2)

    def log_predictive(
        self,
        x: Float[Tensor, "*batch n n_features"],
        y: Float[Tensor, "*batch n"],
        x_query: Float[Tensor, "*batch m n_features"],
        y_query: Float[Tensor, "*batch m"],
    ) -> Float64[Tensor, "*batch m"]:
        """Log-density of each query target by itself under :meth:`predictive`, in nats.

        Args:
            x: Inputs of the context; ``n`` may be 0.
            y: Its targets.
            x_query: Inputs of the queries.
            y_query: Their targets.

        Raises:
            TypeError: If an argument is not a floating-point tensor.
            ValueError: If :meth:`predictive` refuses, or ``y_query`` does not fit ``x_query``.

        Example:
            >>> import torch
            >>> prior, x = GaussianProcessPrior(noise=0.5), torch.zeros(1, 1)
            >>> log_density = prior.log_predictive(x[:0], x[:0, 0], x, torch.zeros(1))
            >>> round(log_density.item(), 4)  # of N(0, 1.5)
            -1.1217
        """
        mean, variance = self.predictive(x, y, x_query)
        check_float_tensor("y_query", y_query)
        if y_query.shape != mean.shape:
            raise ValueError(
                f"y_query must have the shape of x_query without features, {tuple(mean.shape)}, "
                f"got {tuple(y_query.shape)}"
            )
        return -0.5 * ((2 * math.pi * variance).log() + (y_query - mean).square() / variance)

    def _fixed(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        for name in ("lengthscale", "outputscale", "noise"):
            if isinstance(getattr(self, name), Gamma):
                raise ValueError(
                    f"{name} must be a number for the predictive distribution to have a closed "
                    f"form, got {getattr(self, name)}"
                )
        lengthscale, outputscale, noise = self.sample_hyperparameters(1, device=device)
        return lengthscale[0], outputscale[0], noise[0]


def covariance_matrix(
    x: Float64[Tensor, "*batch n d"],
    z: Float64[Tensor, "*batch m d"],
    kernel: str,
    lengthscale: Float64[Tensor, "*#batch d"],
    outputscale: Float64[Tensor, "*#batch"],
) -> Float64[Tensor, "*batch n m"]:
    """Covariance of the noise-free function at ``x`` and at ``z``.

    Args:
        x: Points.
        z: Other points.
        kernel: Name of the kernel, see :class:`GaussianProcessPrior`.
        lengthscale: ``ℓ`` of each feature, one for all data sets or one for each.
        outputscale: ``σ_f²``.

    Example:
        >>> import torch
        >>> x, one = torch.zeros(1, 1, dtype=torch.float64), torch.ones((), dtype=torch.float64)
        >>> round(covariance_matrix(x, x + 1, "matern12", one[None], one).item(), 4)
        0.3679
    """
    scale = lengthscale.unsqueeze(-2)
    # The faster product form of the distances loses half of the digits where points are close.
    r = torch.cdist(x / scale, z / scale, compute_mode="donot_use_mm_for_euclid_dist")
    return KERNELS[kernel](r) * outputscale[..., None, None]


def _cholesky(covariance: Tensor, noise: Tensor) -> Tensor:
    """Factor of a covariance to whose diagonal the noise is added in place."""
    covariance.diagonal(dim1=-2, dim2=-1).add_(noise.unsqueeze(-1))
    factor: Tensor
    factor, failed = torch.linalg.cholesky_ex(covariance)
    if bool(failed.any()):
        raise ValueError(
            "noise must be large enough beside outputscale for the covariance to be factored in "
            f"float64, got noise {noise.min().item():g} and variance {covariance.max().item():g}"
        )
    return factor
