"""Gaussian processes whose hyper-parameters are fitted to each data set (MLE-II)."""

import warnings
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor, nn

from provenn.papers.posteriors.gaussian import HyperPrior, normal_log_density
from provenn.papers.posteriors.problems import Predictions, Problems, timed

BOUNDS = (-15.0, 1e3)
"""Of a parameter before its softplus: keeps L-BFGS where a Cholesky factor exists."""


def scikit_learn_mle(problems: Problems, prior: HyperPrior, *, restarts: int = 0) -> Predictions:
    """Maximum likelihood II with scikit-learn, which knows no hyper-prior but its bounds.

    Args:
        problems: The data sets.
        prior: Its kernel, its means as starting point, and its floor of the noise.
        restarts: Further starting points, drawn log-uniformly within the bounds.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

    d = problems.x.shape[2]
    stationary = RBF if prior.kernel == "rbf" else partial(Matern, nu=2.5)
    start = prior.lengthscale.shape / prior.lengthscale.rate
    kernel = ConstantKernel(
        prior.outputscale.shape / prior.outputscale.rate, (1e-3, 1e4)
    ) * stationary(length_scale=np.full(d, start), length_scale_bounds=(1e-2, 1e2))
    kernel += WhiteKernel(max(10 * prior.floor, 1e-3), (prior.floor, 1e2))
    density = np.empty_like(problems.y_query)
    with timed() as watch, warnings.catch_warnings():
        # A parameter that ends at a bound, or a line search that ends early, is no news here.
        warnings.simplefilter("ignore", ConvergenceWarning)
        for i, (x, y, x_query, y_query) in enumerate(zip(*vars(problems).values(), strict=True)):
            model = GaussianProcessRegressor(kernel, n_restarts_optimizer=restarts, random_state=i)
            mean, std = model.fit(x, y).predict(x_query, return_std=True)
            variance = np.maximum(std**2, prior.floor)
            density[i] = -0.5 * (np.log(2 * np.pi * variance) + (y_query - mean) ** 2 / variance)
    return Predictions(density, watch.wall_s, watch.cpu_s)


def gpytorch_map(problems: Problems, prior: HyperPrior, *, restarts: int = 1) -> Predictions:
    """The paper's MLE-II: GPyTorch's marginal likelihood, hyper-priors as penalties, L-BFGS.

    Args:
        problems: The data sets.
        prior: The hyper-prior.
        restarts: Starting points beside the hyper-prior's means, drawn from the hyper-prior; the
            best end counts.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it uses torch.jit as it is imported
        import gpytorch.models  # noqa: F401
    density = np.empty_like(problems.y_query)
    with timed() as watch:
        for i, (x, y, x_query, y_query) in enumerate(zip(*problems.tensors(), strict=True)):
            model, objective = exact_gp(x, y, prior)
            starts = starting_points(prior, x.shape[1], restarts, seed=i)
            ends = [_minimise(model, objective, start) for start in starts]
            best = min(ends, key=lambda end: end[0])[1]
            nn.utils.vector_to_parameters(torch.from_numpy(best), model.parameters())
            model.eval()
            with torch.no_grad():
                said = model.likelihood(model(x_query))
                variance = said.variance.clamp(min=prior.floor)
                density[i] = normal_log_density(y_query, said.mean, variance).numpy()
    return Predictions(density, watch.wall_s, watch.cpu_s)


def exact_gp(
    x: Float64[Tensor, "n d"], y: Float64[Tensor, " n"], prior: HyperPrior
) -> tuple[Any, Any]:
    """GPyTorch's model of a data set, and its penalised log marginal likelihood over ``n``.

    The parameters are, in their order, those of noise, variance and lengthscales.
    """
    from gpytorch.constraints import GreaterThan
    from gpytorch.distributions import MultivariateNormal
    from gpytorch.kernels import MaternKernel, RBFKernel, ScaleKernel
    from gpytorch.likelihoods import GaussianLikelihood
    from gpytorch.means import ZeroMean
    from gpytorch.mlls import ExactMarginalLogLikelihood
    from gpytorch.models import ExactGP
    from gpytorch.priors import GammaPrior

    def gamma(of: Any) -> GammaPrior:
        return GammaPrior(of.shape, of.rate)

    stationary = RBFKernel if prior.kernel == "rbf" else partial(MaternKernel, nu=2.5)

    class Model(ExactGP):  # type: ignore[misc]
        def __init__(self) -> None:
            noise = GaussianLikelihood(
                noise_prior=gamma(prior.noise), noise_constraint=GreaterThan(prior.floor)
            )
            super().__init__(x, y, noise)
            self.mean = ZeroMean()
            self.covariance = ScaleKernel(
                stationary(ard_num_dims=x.shape[1], lengthscale_prior=gamma(prior.lengthscale)),
                outputscale_prior=gamma(prior.outputscale),
            )

        def forward(self, inputs: Tensor) -> MultivariateNormal:
            return MultivariateNormal(self.mean(inputs), self.covariance(inputs))

    model = Model().double()
    return model, ExactMarginalLogLikelihood(model.likelihood, model)


def starting_points(
    prior: HyperPrior, d: int, restarts: int, seed: int
) -> list[tuple[Float64[np.ndarray, " d"], float, float]]:
    """Lengthscales, variance and noise to start from: the means of the hyper-prior, then draws.

    The noise starts at ten times its floor, then log-uniformly between a tenth and a thousand
    times the floor above the floor.
    """
    length, output = prior.lengthscale, prior.outputscale
    rng = np.random.default_rng(seed)
    points = [
        (np.full(d, length.shape / length.rate), output.shape / output.rate, 10 * prior.floor)
    ]
    for _ in range(restarts):
        scales = np.maximum(rng.gamma(length.shape, 1 / length.rate, d), 1e-2)
        variance = max(rng.gamma(output.shape, 1 / output.rate), 1e-2)
        points.append((scales, variance, prior.floor * (1 + 10 ** rng.uniform(-1, 3))))
    return points


def _minimise(
    model: Any, objective: Any, start: tuple[Float64[np.ndarray, " d"], float, float]
) -> tuple[float, Float64[np.ndarray, " parameters"]]:
    """Least negative objective, and where, with L-BFGS within ``BOUNDS``."""
    from scipy.optimize import minimize

    model.train()
    parameters = list(model.parameters())
    (x,), y = model.train_inputs, model.train_targets

    def negative(raw: Float64[np.ndarray, " parameters"]) -> tuple[float, np.ndarray]:
        nn.utils.vector_to_parameters(torch.from_numpy(raw), parameters)
        loss = -objective(model(x), y)
        slopes = torch.autograd.grad(loss, parameters)
        return loss.item(), torch.cat([slope.flatten() for slope in slopes]).numpy()

    lengthscale, variance, noise = start
    model.covariance.base_kernel.lengthscale = torch.from_numpy(lengthscale)
    model.covariance.outputscale = torch.tensor(variance)
    model.likelihood.noise = torch.tensor(noise)
    raw = nn.utils.parameters_to_vector(parameters).detach().numpy()
    raw = np.clip(raw.copy(), *BOUNDS)
    end = minimize(negative, raw, jac=True, method="L-BFGS-B", bounds=[BOUNDS] * len(raw))
    return float(end.fun), end.x
