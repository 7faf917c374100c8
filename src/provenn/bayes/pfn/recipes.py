"""How the shipped networks were made.

The command that makes one again::

    OMP_NUM_THREADS=1 python -m provenn.bayes.pfn.recipes gp-1d weights/gp-1d

Each takes about half an hour on one processor core. Beside the network's own files stands
``fitting.json``: the recipe, the loss along the way and the loss on data sets held out.
"""

import argparse
import dataclasses
import json
import logging
import platform
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from provenn.bayes.pfn.bars import BarDistribution
from provenn.bayes.pfn.fitting import PriorFitting
from provenn.bayes.pfn.likelihoods import BernoulliLikelihood
from provenn.bayes.pfn.network import PriorFittedNetwork
from provenn.bayes.pfn.priors import Gamma, GaussianProcessPrior, Prior, TabularBNNPrior, draw
from provenn.checks import check_choice

logger = logging.getLogger(__name__)

SEED = 0
HELD_OUT_SEED = 1
HELD_OUT = 2000
"""Data sets held out for each context size."""
N_QUERIES = 10
"""Queries of each of them."""
REPORTED = 1000
"""Steps whose losses make one figure of the loss along the way."""


@dataclass(frozen=True)
class Recipe:
    """A prior, a network and how it is fitted.

    Args:
        prior: Where data sets come from.
        steps: Optimiser steps.
        network: Arguments of :class:`PriorFittedNetwork` beside its likelihood.
        fitting: Arguments of :class:`PriorFitting`.
        n_buckets: Bars of a regression.
        held_out_sizes: Context sizes at which the result is tested.
    """

    prior: Prior
    steps: int
    network: Mapping[str, Any]
    fitting: Mapping[str, Any]
    n_buckets: int = 100
    held_out_sizes: tuple[int, ...] = (1, 5, 10, 20, 30)

    def build(self) -> PriorFittedNetwork:
        """The network before fitting, with the initialisation that ``SEED`` gives."""
        torch.manual_seed(SEED)
        likelihood = (
            BarDistribution.from_prior(self.prior, self.n_buckets, seed=SEED)
            if self.prior.n_classes is None
            else BernoulliLikelihood()
        )
        return PriorFittedNetwork(self.prior.n_features, likelihood, **self.network)


_GP_NETWORK = {"d_model": 64, "n_layers": 6, "n_heads": 4, "d_ff": 128}

RECIPES: dict[str, Recipe] = {
    "gp-1d": Recipe(
        GaussianProcessPrior(
            1,
            kernel="matern52",
            lengthscale=Gamma(2.0, 8.0),
            outputscale=Gamma(4.0, 4.0),
            noise=Gamma(1.0, 20.0),
        ),
        steps=15_000,
        network=_GP_NETWORK,
        fitting={"n_points": 110, "max_context": 100, "batch_size": 16, "lr": 1.5e-3},
        n_buckets=200,
        held_out_sizes=(1, 5, 10, 20, 30, 50, 100),
    ),
    "gp-1d-paper": Recipe(
        GaussianProcessPrior.with_hyperprior(1),
        steps=30_000,
        network=_GP_NETWORK,
        fitting={"n_points": 40, "max_context": 30, "batch_size": 32, "lr": 1.5e-3},
        n_buckets=1000,
    ),
    "tabular-binary": Recipe(
        TabularBNNPrior(),
        steps=16_000,
        network={"d_model": 128, "n_layers": 4, "n_heads": 4, "standardize": True},
        fitting={
            "n_points": 50,
            "context": "uniform",
            "max_context": 40,
            "batch_size": 32,
            "lr": 1e-3,
            "autocast": True,
        },
    ),
}


def make(name: str, directory: str | Path) -> None:
    """Make a shipped network again and write it.

    Args:
        name: One of the recipes.
        directory: Where to; its files are replaced.

    Raises:
        TypeError: If ``name`` is not a string.
        ValueError: If there is no such recipe.
    """
    check_choice("name", name, tuple(RECIPES))
    recipe = RECIPES[name]
    network = recipe.build()
    fitting = PriorFitting(network, recipe.prior, recipe.steps, seed=SEED, **recipe.fitting)
    losses: list[float] = []
    start = time.process_time()
    while not fitting.done:
        losses.append(fitting.step())
        if fitting.taken % REPORTED == 0:
            logger.info("%d of %d: %.4f", fitting.taken, fitting.steps, _last(losses))
    network.eval()
    record = {
        "command": f"python -m provenn.bayes.pfn.recipes {name} DIRECTORY",
        "prior": repr(recipe.prior),
        "recipe": {k: v for k, v in dataclasses.asdict(recipe).items() if k != "prior"},
        "seed": SEED,
        "processor_seconds": round(time.process_time() - start),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "loss": [_last(losses[:i]) for i in range(REPORTED, len(losses) + 1, REPORTED)],
        "held_out": {str(n): held_out(network, recipe.prior, n) for n in recipe.held_out_sizes},
    }
    network.save_pretrained(directory)
    _write(Path(directory) / "fitting.json", json.dumps(record, indent=2) + "\n")


@torch.no_grad()
def held_out(network: PriorFittedNetwork, prior: Prior, n: int) -> dict[str, float]:
    """Loss on new data sets of a prior, in nats per query.

    Args:
        network: The network.
        prior: The prior.
        n: Context size.

    Returns:
        Mean over data sets, and its standard error.
    """
    generator = torch.Generator().manual_seed(HELD_OUT_SEED)
    x, y = draw(prior, HELD_OUT, n + N_QUERIES, generator=generator)
    outputs = network(x[:, :n], y[:, :n], x[:, n:])
    loss = -network.likelihood.log_prob(outputs, y[:, n:]).mean(1).double()
    return {"nats": float(loss.mean()), "standard_error": float(loss.std() / HELD_OUT**0.5)}


def _last(losses: list[float]) -> float:
    recent = losses[-REPORTED:]
    return round(sum(recent) / len(recent), 4)


def _write(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=".saving-", delete=False, encoding="utf-8"
    ) as file:
        file.write(text)
    Path(file.name).replace(path)


def main() -> None:
    """Make the network that the command line names."""
    parser = argparse.ArgumentParser(description="Make a shipped network again.")
    parser.add_argument("name", choices=RECIPES)
    parser.add_argument("directory", type=Path)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    make(arguments.name, arguments.directory)


if __name__ == "__main__":
    main()
