"""Fits a network to a prior: draw data sets, hide the targets of some points, predict them.

The loss is the mean of ``-log q(y | x, D)`` over queries and data sets. Up to the entropy of the
prior, which no network can change, it is the expected Kullback-Leibler divergence from the exact
posterior predictive distribution (arXiv 2112.10510, section 3). Every data set is fresh.
"""

import math
from typing import Any, Literal, cast

import torch
from jaxtyping import Float64
from torch import Tensor, nn

from provenn.bayes.pfn.likelihoods import ClassificationLikelihood
from provenn.bayes.pfn.network import PriorFittedNetwork
from provenn.bayes.pfn.priors import Prior, draw
from provenn.bayes.pfn.priors.prior import check_prior
from provenn.checks import check_choice, check_flag, check_integer, check_number

CONTEXT_SIZES = ("weighted", "uniform")


def context_sizes(
    n_points: int, max_context: int, rule: Literal["weighted", "uniform"] = "weighted"
) -> Float64[Tensor, "sizes"]:
    """Probability of each context size 0, ..., ``max_context``.

    Args:
        n_points: Points of a data set, context and queries together.
        max_context: Largest size, less than ``n_points``.
        rule: ``weighted``, ``P(n) ∝ 1 / (n_points - n)``, so that every size has the same expected
            number of queries; or ``uniform``.

    Returns:
        Probabilities, shape (max_context + 1,).

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a number is out of range or the rule is not known.

    Reference:
        arXiv 2112.10510, appendix E.1.

    Example:
        >>> context_sizes(4, 3)
        tensor([0.1200, 0.1600, 0.2400, 0.4800], dtype=torch.float64)
    """
    check_integer("n_points", n_points)
    check_integer("max_context", max_context, least=0)
    if max_context >= n_points:
        raise ValueError(f"max_context must be less than n_points = {n_points}, got {max_context}")
    check_choice("rule", rule, CONTEXT_SIZES)
    sizes = torch.arange(max_context + 1, dtype=torch.float64)
    weights = 1 / (n_points - sizes) if rule == "weighted" else torch.ones_like(sizes)
    return weights / weights.sum()


class PriorFitting:
    """The fitting of a network to a prior, one optimiser step at a time.

    Adam with a learning rate that rises linearly over the first ``warmup`` of all steps and falls
    to zero along half a cosine; the norm of the gradient is clipped.

    Args:
        network: Fitted in place; put into training mode.
        prior: Where data sets come from.
        steps: Optimiser steps in all.
        n_points: Points of a data set, context and queries together.
        batch_size: Data sets of a batch; they share one context size.
        context: Rule by which context sizes are drawn (see :func:`context_sizes`), or a fixed size.
        max_context: Largest context size; ``n_points - 1`` by default.
        lr: Highest learning rate.
        warmup: Share of the steps in which the learning rate rises.
        accumulate: Batches whose mean gradient makes one step.
        clip: Largest norm of the gradient.
        seed: Seed of data sets and context sizes; the network's initialisation and dropout follow
            torch's global generator.
        autocast: Whether the network computes in bfloat16 where that is safe.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a number is out of range, or the prior does not fit the network.

    Reference:
        arXiv 2112.10510, algorithm 1 and appendix E.1.

    Example:
        >>> from provenn.bayes import BarDistribution, GaussianProcessPrior, PriorFittedNetwork
        >>> prior = GaussianProcessPrior(1, lengthscale=0.2, noise=0.01)
        >>> bars = BarDistribution.from_prior(prior, n_buckets=10, datasets=100)
        >>> network = PriorFittedNetwork(1, bars, d_model=16, n_layers=2, n_heads=2)
        >>> fitting = PriorFitting(network, prior, steps=2, n_points=8, batch_size=4)
        >>> losses = [fitting.step(), fitting.step()]
        >>> fitting.done
        True
    """

    def __init__(
        self,
        network: PriorFittedNetwork,
        prior: Prior,
        steps: int,
        *,
        n_points: int,
        batch_size: int = 64,
        context: Literal["weighted", "uniform"] | int = "weighted",
        max_context: int | None = None,
        lr: float = 1e-3,
        warmup: float = 0.25,
        accumulate: int = 1,
        clip: float = 1.0,
        seed: int = 0,
        autocast: bool = False,
    ) -> None:
        _check_pair(network, prior)
        counts = {"steps": steps, "batch_size": batch_size, "accumulate": accumulate}
        for name, count in counts.items():
            check_integer(name, count)
        check_integer("n_points", n_points)
        check_integer("seed", seed, least=0)
        for name, number, most in (("lr", lr, math.inf), ("clip", clip, math.inf)):
            check_number(name, number, above=0.0, most=most)
        check_number("warmup", warmup, least=0.0, most=1.0)
        check_flag("autocast", autocast)
        self.network = network.train()
        self.prior = prior
        self.steps, self.batch_size, self.accumulate = steps, batch_size, accumulate
        self.n_points, self.clip, self.autocast = n_points, clip, autocast
        self.size_probabilities = _size_probabilities(n_points, context, max_context)
        largest = len(self.size_probabilities) - 1
        network.config["max_context"] = max(network.config["max_context"] or 0, largest)
        weight = network.x_encoder.weight
        self.device, self.dtype = weight.device, weight.dtype
        self.generator = torch.Generator(self.device).manual_seed(seed)
        self.optimizer = torch.optim.Adam(network.parameters(), lr, fused=True)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: _rise_and_fall(step, steps, warmup)
        )

    @property
    def taken(self) -> int:
        """Steps taken so far."""
        return self.schedule.last_epoch

    @property
    def done(self) -> bool:
        """Whether all steps are taken."""
        return self.taken >= self.steps

    def step(self) -> float:
        """Take one optimiser step.

        Returns:
            The loss before it: nats per query.

        Raises:
            RuntimeError: If all steps are taken already, or the loss is not finite.
        """
        if self.done:
            raise RuntimeError(f"all {self.steps} steps are taken")
        self.optimizer.zero_grad()
        total = torch.zeros((), device=self.device)
        for _ in range(self.accumulate):
            loss = self._loss() / self.accumulate
            loss.backward()
            total += loss.detach()
        if not bool(total.isfinite()):
            raise RuntimeError(
                f"the loss of step {self.taken} is {float(total)}; lower lr = "
                f"{self.optimizer.defaults['lr']} or look at what the prior draws"
            )
        nn.utils.clip_grad_norm_(self.network.parameters(), self.clip)
        self.optimizer.step()
        self.schedule.step()
        return float(total)

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on as if never stopped, apart from torch's global generator."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state of :meth:`state_dict`.

        Args:
            state: The state.

        Raises:
            KeyError: If it lacks a part.
            RuntimeError: If the network's part does not fit.
        """
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.generator.set_state(state["generator"])

    def _loss(self) -> Tensor:
        sizes = self.size_probabilities
        drawn = torch.multinomial(sizes.to(self.device), 1, generator=self.generator)
        n = int(drawn)
        x, y = draw(
            self.prior,
            self.batch_size,
            self.n_points,
            generator=self.generator,
            device=self.device,
            dtype=self.dtype,
        )
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
            outputs = self.network(x[:, :n], y[:, :n], x[:, n:])
        return -self.network.likelihood.log_prob(outputs, y[:, n:]).mean()


def _check_pair(network: Any, prior: Any) -> None:
    if not isinstance(network, PriorFittedNetwork):
        raise TypeError(f"network must be a PriorFittedNetwork, got {type(network).__name__}")
    check_prior(prior)
    if prior.n_features > network.n_features:
        raise ValueError(
            f"prior must have at most n_features = {network.n_features} features, as the network "
            f"has, got {prior.n_features}"
        )
    likelihood = network.likelihood
    classes = likelihood.n_classes if isinstance(likelihood, ClassificationLikelihood) else None
    if prior.n_classes != classes:
        raise ValueError(
            f"prior must have n_classes = {classes}, as the network's likelihood has, "
            f"got {prior.n_classes}"
        )


def _size_probabilities(
    n_points: int, context: str | int, max_context: int | None
) -> Float64[Tensor, "sizes"]:
    if isinstance(context, str):
        check_choice("context", context, CONTEXT_SIZES)
        largest = n_points - 1 if max_context is None else max_context
        return context_sizes(n_points, largest, cast(Literal["weighted", "uniform"], context))
    check_integer("context", context, least=0)
    if context >= n_points:
        raise ValueError(f"context must be less than n_points = {n_points}, got {context}")
    if max_context not in (None, context):
        raise ValueError(f"max_context must be left out with a fixed context, got {max_context}")
    return torch.nn.functional.one_hot(torch.tensor(context), context + 1).double()


def _rise_and_fall(step: int, steps: int, warmup: float) -> float:
    """Factor of the learning rate in a step, counted from 0."""
    rise = warmup * steps
    if step < rise:
        return (step + 1) / (rise + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / (steps - rise + 1e-9)))
