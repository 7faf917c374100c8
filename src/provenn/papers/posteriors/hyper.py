"""The posterior of a Gaussian process's hyper-parameters in JAX: its mode, and NUTS.

The parameters are the logarithms of lengthscales, variance and noise variance. The noise variance
is ``max(draw, floor)``: below the floor the draw does not matter, and the paper's Gamma would
spread it over thousands of orders of magnitude, where no sampler arrives. There the logarithm is
given a truncated normal density of the same probability instead, three of its deviations below the
floor: the distribution of the noise is the same.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from provenn.papers.posteriors.compiled import Array, nuts, run_compiled
from provenn.papers.posteriors.gaussian import Gamma, HyperPrior
from provenn.papers.posteriors.likelihood import starting_points
from provenn.papers.posteriors.problems import Predictions, Problems

BELOW = 3.0
"""Distance from the floor to the centre of the draws below it, in nats and in deviations."""


def mode(problems: Problems, prior: HyperPrior, *, restarts: int = 2) -> Predictions:
    """MLE-II compiled to machine code: the penalised likelihood, BFGS from several points.

    The objective is that of :func:`provenn.papers.posteriors.likelihood.gpytorch_map`; the noise is
    its floor and a positive part.

    Args:
        problems: The data sets.
        prior: The hyper-prior.
        restarts: Starting points beside the hyper-prior's means; the best end counts.
    """
    return _run(_mode, (prior, restarts), problems, seed=0)


def sampled(problems: Problems, prior: HyperPrior, *, samples: int, seed: int) -> Predictions:
    """NUTS: one chain of ``samples`` warm-up steps and as many samples, densities averaged.

    Args:
        problems: The data sets.
        prior: The hyper-prior.
        samples: Samples, and steps of warm-up.
        seed: Seed of the chains.
    """
    return _run(_sampled, (prior, samples), problems, seed)


def _run(
    build: Callable[..., Callable[..., Array]],
    settings: tuple[Any, ...],
    problems: Problems,
    seed: int,
) -> Predictions:
    density, watch, compile_s = run_compiled(build, settings, seed, *vars(problems).values())
    return Predictions(density, watch.wall_s, watch.cpu_s, compile_s)


Hyper = tuple[Array, Array, Array]
"""Lengthscales, variance, noise variance."""


def _mode(prior: HyperPrior, restarts: int) -> Callable[..., Array]:
    import jax
    import jax.numpy as jnp
    from jax.scipy.optimize import minimize

    def hyper(theta: Array) -> Hyper:
        return jnp.exp(theta[:-2]), jnp.exp(theta[-2]), prior.floor + jnp.exp(theta[-1])

    def one(problem: tuple[Array, ...]) -> Array:
        x, y, x_query, y_query = problem

        def negative(theta: Array) -> Array:
            length, output, noise = hyper(theta)
            penalty = (
                _log_density(prior.lengthscale, length).sum()
                + _log_density(prior.outputscale, output)
                + _log_density(prior.noise, noise)
            )
            return -(_log_evidence(prior, (length, output, noise), x, y) + penalty) / len(y)

        points = [
            np.log([*length, output, noise - prior.floor])
            for length, output, noise in starting_points(prior, x.shape[1], restarts, seed=0)
        ]
        ends = jax.lax.map(lambda start: minimize(negative, start, method="BFGS"), np.stack(points))
        best = hyper(ends.x[jnp.nanargmin(ends.fun)])
        return _log_predictive(prior, best, x, y, x_query, y_query)

    return lambda seed, *arrays: jax.lax.map(one, arrays)


def _sampled(prior: HyperPrior, samples: int) -> Callable[..., Array]:
    import jax
    import jax.numpy as jnp
    from jax.scipy.special import logsumexp

    def hyper(theta: Array) -> Hyper:
        noise = jnp.exp(jnp.maximum(theta[-1], math.log(prior.floor)))
        return jnp.exp(theta[:-2]), jnp.exp(theta[-2]), noise

    def one(problem: tuple[Array, ...]) -> Array:
        key, x, y, x_query, y_query = problem

        def potential(theta: Array) -> Array:
            length, output, noise = hyper(theta)
            log_prior = (
                (_log_density(prior.lengthscale, length) + theta[:-2]).sum()
                + _log_density(prior.outputscale, output)
                + theta[-2]
                + _log_noise(prior, theta[-1])
            )
            return -_log_evidence(prior, (length, output, noise), x, y) - log_prior

        length, output, noise = starting_points(prior, x.shape[1], 0, seed=0)[0]
        start = jnp.log(jnp.array([*length, output, noise]))
        chain = nuts(potential, start, key, samples, samples)
        density = jax.lax.map(
            lambda theta: _log_predictive(prior, hyper(theta), x, y, x_query, y_query), chain
        )
        return logsumexp(density, axis=0) - math.log(samples)

    def every(seed: Array, *arrays: Array) -> Array:
        keys = jax.random.split(jax.random.key(seed), len(arrays[0]))
        return jax.lax.map(one, (keys, *arrays))

    return every


def _log_density(gamma: Gamma, value: Array) -> Array:
    import jax.numpy as jnp

    a, b = gamma.shape, gamma.rate
    return (a - 1) * jnp.log(value) - b * value + a * math.log(b) - math.lgamma(a)


def _log_noise(prior: HyperPrior, log_noise: Array) -> Array:
    """Log density of the logarithm of the noise before it is cut off at its floor."""
    import jax.numpy as jnp

    edge = math.log(prior.floor)
    above = jnp.maximum(log_noise, edge)
    slab = _log_density(prior.noise, jnp.exp(above)) + above
    mass = max(prior.noise.cdf(prior.floor), 1e-300) / (0.5 * math.erfc(-BELOW / math.sqrt(2)))
    deviation = jnp.minimum(log_noise, edge) - (edge - BELOW)
    hump = math.log(mass) - 0.5 * deviation**2 - 0.5 * math.log(2 * math.pi)
    return jnp.where(log_noise < edge, hump, slab)


def _covariances(prior: HyperPrior, hyper: Hyper, a: Array, b: Array) -> Array:
    import jax.numpy as jnp

    length, output, _ = hyper
    square = jnp.square((a[:, None] - b[None]) / length).sum(-1)
    if prior.kernel == "rbf":
        return output * jnp.exp(-square / 2)
    r = jnp.sqrt(5 * square + 1e-18)  # the root of zero has no slope
    return output * (1 + r + r**2 / 3) * jnp.exp(-r)


def _root(prior: HyperPrior, hyper: Hyper, x: Array) -> Array:
    import jax.numpy as jnp

    diagonal = hyper[2] + 1e-12 * hyper[1]
    return jnp.linalg.cholesky(
        _covariances(prior, hyper, x, x) + diagonal * jnp.eye(len(x)), symmetrize_input=False
    )


def _log_evidence(prior: HyperPrior, hyper: Hyper, x: Array, y: Array) -> Array:
    import jax.numpy as jnp
    from jax.scipy.linalg import solve_triangular

    root = _root(prior, hyper, x)
    white = solve_triangular(root, y, lower=True)
    return -0.5 * (white @ white + len(y) * math.log(2 * math.pi)) - jnp.log(jnp.diag(root)).sum()


def _log_predictive(
    prior: HyperPrior, hyper: Hyper, x: Array, y: Array, x_query: Array, y_query: Array
) -> Array:
    import jax.numpy as jnp
    from jax.scipy.linalg import solve_triangular
    from jax.scipy.stats import norm

    root = _root(prior, hyper, x)
    half = solve_triangular(root, _covariances(prior, hyper, x, x_query), lower=True)
    mean = half.T @ solve_triangular(root, y, lower=True)
    variance = hyper[1] + hyper[2] - jnp.square(half).sum(0)
    return norm.logpdf(y_query, mean, jnp.sqrt(jnp.maximum(variance, hyper[2])))
