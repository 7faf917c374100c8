"""The networks that a trial fits: their priors, sizes and fitting."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch

from provenn.bayes import (
    BarDistribution,
    BernoulliLikelihood,
    BetaBernoulliPrior,
    BNNPrior,
    GaussianLikelihood,
    GaussianProcessPrior,
    Prior,
    PriorFittedNetwork,
    PriorFitting,
)
from provenn.evidence.page import Context


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A network and its fitting.

    Args:
        label: What the page calls it.
        prior: Where data sets come from.
        steps: Optimiser steps.
        network: Arguments of ``PriorFittedNetwork`` beside its likelihood.
        fitting: Arguments of ``PriorFitting``.
        head: ``bars``, ``gaussian``, or ``bernoulli``.
        n_buckets: Bars.
        bar_datasets: Data sets from which the borders of the bars are taken.
    """

    label: str
    prior: Prior
    steps: int
    network: Mapping[str, Any]
    fitting: Mapping[str, Any]
    head: Literal["bars", "gaussian", "bernoulli"] = "bars"
    n_buckets: int = 100
    bar_datasets: int = 20_000

    def build(self, device: torch.device) -> PriorFittedNetwork:
        """The network before it is fitted."""
        heads: dict[str, Callable[[], Any]] = {
            "bars": lambda: BarDistribution.from_prior(
                self.prior, self.n_buckets, datasets=self.bar_datasets
            ),
            "gaussian": GaussianLikelihood,
            "bernoulli": BernoulliLikelihood,
        }
        likelihood = heads[self.head]()
        return PriorFittedNetwork(self.prior.n_features, likelihood, **self.network).to(device)


CURVES = GaussianProcessPrior(1, lengthscale=0.2, noise=0.01)
"""The fixed Gaussian process of the small presets."""
CURVES_5D = GaussianProcessPrior(5, lengthscale=0.6, noise=1e-4)
"""The paper's."""

_SMALL = {"d_model": 32, "n_layers": 3, "n_heads": 2, "d_ff": 64}
_MIDDLE = {"d_model": 64, "n_layers": 4, "n_heads": 4, "d_ff": 128}
_LARGE = {"d_model": 512, "n_layers": 6, "n_heads": 4, "d_ff": 1024}


def _small(label: str, *, head: Literal["bars", "gaussian"] = "bars", **network: Any) -> Fit:
    """A network that learns curves from a thousand batches."""
    return Fit(
        label=label,
        prior=CURVES,
        steps=1000,
        network={**_SMALL, **network},
        fitting={"n_points": 21, "batch_size": 32, "lr": 3e-3, "context": "uniform"},
        head=head,
        n_buckets=300,
    )


def _large(label: str, steps: int) -> Fit:
    """The paper's network on curves over five dimensions."""
    return Fit(
        label=label,
        prior=CURVES_5D,
        steps=steps,
        network=_LARGE,
        fitting={
            "n_points": 500,
            "max_context": 490,
            "batch_size": 64,
            "lr": 3e-4,
            "autocast": True,
        },
        n_buckets=1000,
        bar_datasets=100_000,
    )


def _paper_curves(label: str, lengthscale: float) -> Fit:
    """A network that learns the curves of the paper's pictures."""
    return Fit(
        label=label,
        prior=GaussianProcessPrior(1, lengthscale=lengthscale, noise=1e-4),
        steps=10_000,
        network={"d_model": 256, "n_layers": 4, "n_heads": 4, "d_ff": 512},
        fitting={"n_points": 31, "batch_size": 128, "lr": 5e-4, "context": "uniform"},
        n_buckets=1000,
        bar_datasets=100_000,
    )


def _logistic(label: str, activation: str | None) -> Fit:
    """A network that learns the labels of the paper's small Bayesian neural network."""
    return Fit(
        label=label,
        prior=BNNPrior(3, 5, activation),
        steps=1000,
        network={**_SMALL, "standardize": True},
        fitting={"n_points": 120, "max_context": 100, "batch_size": 16, "lr": 2e-3},
        head="bernoulli",
    )


FITS = {
    "coins": Fit(
        label="PFN, biased coins",
        prior=BetaBernoulliPrior(),
        steps=600,
        network={"d_model": 32, "n_layers": 2, "n_heads": 2, "d_ff": 64},
        fitting={"n_points": 33, "batch_size": 64, "lr": 3e-3, "context": "uniform"},
        head="bernoulli",
    ),
    "pfn-small": _small("PFN, 1,000 steps"),
    "pfn-gaussian": _small("PFN, Gaussian head", head="gaussian"),
    "pfn-positional": _small("PFN, positional encodings", positional=True),
    "pfn": Fit(
        label="PFN",
        prior=CURVES,
        steps=7500,
        network=_MIDDLE,
        fitting={"n_points": 31, "batch_size": 32, "lr": 2e-3, "context": "uniform"},
        n_buckets=1000,
    ),
    "pfn-500k": _large("PFN, 0.5 M data sets", 7_800),
    "pfn-1m": _large("PFN, 1 M data sets", 15_600),
    "pfn-smooth": _paper_curves("PFN, lengthscale 0.6", 0.6),
    "pfn-rough": _paper_curves("PFN, lengthscale 0.1", 0.1),
    "bnn-linear": _logistic("PFN, linear BNN", None),
    "bnn-tanh": _logistic("PFN, tanh BNN", "tanh"),
}


def fitted(name: str, ctx: Context) -> PriorFittedNetwork:
    """One of the networks after fitting, in evaluation mode.

    Args:
        name: Its name among ``FITS``.
        ctx: Context of the trial; its seed is that of initialisation and data sets.
    """
    fit = FITS[name]
    torch.manual_seed(ctx.seed)  # whatever was fitted before
    network = fit.build(ctx.device)
    fitting = PriorFitting(network, fit.prior, fit.steps, seed=ctx.seed, **fit.fitting)
    while not fitting.done:
        fitting.step()
        if fitting.taken % 100 == 0:
            ctx.progress(fitting.taken, fit.steps, fit.label)
    return network.eval()
