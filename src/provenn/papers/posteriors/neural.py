"""Bayesian neural network of two linear layers: NUTS, and mean-field variational inference.

All weights and biases are normal, ``N(0, 1)``; two logits give the class. Both peers come with two
predictions: the average over posterior samples of the probability of each class, and, as the
paper's own evaluation had it, of one label drawn from each sample, its logarithm cut off at −100.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from provenn.papers.posteriors.compiled import Array, Program, nuts, run_compiled
from provenn.papers.posteriors.problems import Predictions, Problems, classified

Activation = Literal["none", "tanh"]


@dataclass(frozen=True)
class Network:
    """The network's hidden units and what follows them."""

    hidden: int = 5
    activation: Activation = "tanh"

    def __post_init__(self) -> None:
        if self.hidden < 1:
            raise ValueError(f"hidden must be at least 1, got {self.hidden}")

    def weights(self, d: int) -> int:
        """Number of weights and biases for ``d`` features."""
        return self.hidden * (d + 3) + 2

    def logits(self, weights: Array, x: Array) -> Array:
        """Logits of both classes; all weights and biases are one vector."""
        import jax.numpy as jnp

        h, d = self.hidden, x.shape[1]
        w1, b1, w2, b2 = jnp.split(weights, [h * d, h * (d + 1), h * (d + 3)])
        hidden = x @ w1.reshape(d, h) + b1
        hidden = jnp.tanh(hidden) if self.activation == "tanh" else hidden
        return hidden @ w2.reshape(h, 2) + b2


@dataclass(frozen=True, eq=False)
class Posterior:
    """What the posterior samples predict.

    Attributes:
        averaged: Averages of class probabilities.
        drawn: Averages of labels, one drawn from each sample.
    """

    averaged: Predictions
    drawn: Predictions


def sampled(problems: Problems, network: Network, *, samples: int, seed: int) -> Posterior:
    """NUTS: one chain of ``samples`` warm-up steps and as many samples.

    Args:
        problems: Data sets of two classes.
        network: The network.
        samples: Samples, and steps of warm-up.
        seed: Seed of the chains.
    """
    return _run(_nuts, (network, samples), problems, seed)


def variational(
    problems: Problems, network: Network, *, steps: int, seed: int, lr: float = 1e-3
) -> Posterior:
    """Bayes by backprop: a diagonal normal guide, Adam, one sample of the ELBO for each step.

    Args:
        problems: Data sets of two classes.
        network: The network.
        steps: Steps of Adam, and predictive samples.
        seed: Seed of starting points, steps and samples.
        lr: Learning rate.
    """
    return _run(_svi, (network, steps, lr), problems, seed)


def _run(
    build: Callable[..., Program], settings: tuple[Any, ...], problems: Problems, seed: int
) -> Posterior:
    arrays = vars(problems).values()
    both, watch, compile_s = run_compiled(build, settings, seed, *arrays)
    return Posterior(
        classified(both[:, 0], problems, watch, compile_s),
        classified(both[:, 1], problems, watch, compile_s, floor=math.exp(-100)),
    )


def _model(network: Network) -> Callable[[Array, Array], None]:
    import numpyro
    from numpyro.distributions import Categorical, Normal

    def model(x: Array, y: Array) -> None:
        prior = Normal(0, 1).expand([network.weights(x.shape[1])]).to_event(1)
        logits = network.logits(numpyro.sample("weights", prior), x)
        numpyro.sample("labels", Categorical(logits=logits).to_event(1), obs=y)

    return model


def _nuts(network: Network, samples: int) -> Program:
    import jax
    from numpyro.infer.util import potential_energy

    model = _model(network)

    def posterior(key: Array, x: Array, y: Array) -> Array:
        begin, key = jax.random.split(key)
        start = jax.random.normal(begin, (network.weights(x.shape[1]),))
        return nuts(
            lambda weights: potential_energy(model, (x, y), {}, {"weights": weights}),
            start,
            key,
            samples,
            samples,
        )

    return _predict(network, posterior, side_by_side=False)


def _svi(network: Network, steps: int, lr: float) -> Program:
    import jax
    from numpyro.infer import SVI, Trace_ELBO, init_to_median
    from numpyro.infer.autoguide import AutoDiagonalNormal
    from numpyro.optim import Adam

    model = _model(network)

    def posterior(key: Array, x: Array, y: Array) -> Array:
        guide = AutoDiagonalNormal(model, init_loc_fn=init_to_median)
        svi = SVI(model, guide, Adam(lr), Trace_ELBO())
        begin, end = jax.random.split(key)
        state, _ = jax.lax.scan(
            lambda state, _: (svi.update(state, x, y)[0], None),
            svi.init(begin, x, y),
            length=steps,
        )
        draws = guide.sample_posterior(end, svi.get_params(state), sample_shape=(steps,))
        return draws["weights"]

    return _predict(network, posterior, side_by_side=True)


def _predict(
    network: Network, posterior: Callable[[Array, Array, Array], Array], *, side_by_side: bool
) -> Program:
    """Program that gives, for each data set, both predictions of the posterior's samples.

    Chains of NUTS wait for the longest trajectory when they run side by side, so they do not.
    """
    import jax
    import jax.numpy as jnp

    def one(problem: tuple[Array, ...]) -> Array:
        key, x, y, x_query = problem
        begin, end = jax.random.split(key)
        weights = posterior(begin, x, y.astype(int))
        keys = jax.random.split(end, len(weights))

        def add(total: Array, sample: tuple[Array, Array]) -> tuple[Array, None]:
            key, w = sample
            logits = network.logits(w, x_query)
            labels = jax.nn.one_hot(jax.random.categorical(key, logits), 2)
            return total + jnp.stack([jax.nn.softmax(logits), labels]), None

        total, _ = jax.lax.scan(add, jnp.zeros((2, len(x_query), 2)), (keys, weights))
        return total / len(weights)

    def every(seed: Array, x: Array, y: Array, x_query: Array, y_query: Array) -> Array:
        keys = jax.random.split(jax.random.key(seed), len(x))
        problems = (keys, x, y, x_query)
        return jax.vmap(one)(problems) if side_by_side else jax.lax.map(one, problems)

    return every
