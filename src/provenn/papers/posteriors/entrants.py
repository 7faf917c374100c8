"""Competitors that answer the same questions: what they said, and what it took them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from provenn.bayes import Prior, PriorFittedNetwork
from provenn.bayes.pfn.likelihoods import ClassificationLikelihood
from provenn.bayes.pfn.priors import draw
from provenn.evidence.metrics import Competitor, Cost, Role
from provenn.evidence.page import Context
from provenn.papers.posteriors.problems import Predictions, Problems, timed

Answer = Callable[[Problems], Predictions]
Said = Mapping[int, Predictions]
"""Predictions by context size."""

HELD_OUT_SEED = 1_000_000
"""Added to a trial's seed for the data sets that are held out from fitting."""
QUERIES = 10
BATCH = 256


@dataclass(frozen=True)
class Entrant:
    """A competitor before it has answered.

    Args:
        name: Identifier.
        label: What the page calls it.
        role: Its part in the comparison.
        answer: Predicts the queries of data sets.
        datasets: How many it is given; all if ``None``.
        package: Distribution that provides it, when that is third-party.
        tuning_trials: Configurations that it tries.
    """

    name: str
    label: str
    role: Role
    answer: Answer
    datasets: int | None = None
    package: str = ""
    tuning_trials: int = 1


def run(
    entrants: Sequence[Entrant],
    problems: Mapping[int, Problems],
    ctx: Context,
    quality: Callable[[Said], dict[str, float]],
    costs: Mapping[str, Cost] = MappingProxyType({}),
) -> tuple[list[Competitor], dict[str, float]]:
    """Let every entrant answer; competitors, and their seconds for a data set.

    What is known of a cost beforehand is kept, with the time of answering added.
    """
    competitors: list[Competitor] = []
    timings: dict[str, float] = {}
    for i, entrant in enumerate(entrants):
        ctx.progress(i, len(entrants), entrant.label)
        with ctx.measure() as meter:
            said = {
                n: entrant.answer(each.first(entrant.datasets or len(each)))
                for n, each in problems.items()
            }
        known = costs.get(entrant.name, Cost())
        cost = meter.cost(
            parameters=known.parameters, flops=known.flops, tuning_trials=entrant.tuning_trials
        )
        competitors.append(
            Competitor(
                name=entrant.name,
                label=entrant.label,
                role=entrant.role,
                package=entrant.package,
                quality=quality(said),
                cost=cost,
            )
        )
        timings |= seconds(entrant.name, said)
    return competitors, timings


@torch.no_grad()
def ask(network: PriorFittedNetwork, problems: Problems, *, blind: bool) -> Predictions:
    """A network's predictions, in batches of ``BATCH`` data sets.

    Args:
        network: The network.
        problems: Data sets of one size.
        blind: Whether the context's targets are hidden from it: all zero.
    """
    weight = network.x_encoder.weight
    tensors = [t.to(weight.device, weight.dtype) for t in problems.tensors()]
    likelihood = network.likelihood
    network(tensors[0][:2], tensors[1][:2], tensors[2][:2])  # what only a first call takes
    densities, probabilities = [], []
    with timed() as watch:
        for x, y, x_query, y_query in zip(*(t.split(BATCH) for t in tensors), strict=True):
            outputs = network(x, y * (not blind), x_query)
            densities.append(likelihood.log_prob(outputs, y_query))
            if isinstance(likelihood, ClassificationLikelihood):
                probabilities.append(likelihood.probabilities(outputs))
    return Predictions(
        torch.cat(densities).double().cpu().numpy(),
        watch.wall_s,
        watch.cpu_s,
        probabilities=torch.cat(probabilities).double().cpu().numpy() if probabilities else None,
    )


def held_out(
    prior: Prior, sizes: Sequence[int], datasets: int, ctx: Context, queries: int = QUERIES
) -> dict[int, Problems]:
    """Data sets for each context size, from a seed that no fitting has."""
    generator = torch.Generator().manual_seed(HELD_OUT_SEED + ctx.seed)
    problems = {}
    for n in sizes:
        x, y = draw(prior, datasets, n + queries, generator=generator, dtype=torch.float64)
        problems[n] = Problems.of(x[:, :n], y[:, :n], x[:, n:], y[:, n:])
    return problems


def seconds(name: str, said: Said) -> dict[str, float]:
    """Seconds for a data set, the mean over context sizes."""
    return {f"{name}.seconds": float(np.mean([each.seconds for each in said.values()]))}


def parameters(network: PriorFittedNetwork) -> int:
    """Trainable numbers of a network."""
    return sum(p.numel() for p in network.parameters())


@torch.no_grad()
def flops(network: PriorFittedNetwork, n: int, m: int) -> float:
    """Operations for one data set of n points and m queries."""
    weight = network.x_encoder.weight
    d = network.n_features
    x, x_query = weight.new_zeros(1, n, d), weight.new_zeros(1, m, d)
    with FlopCounterMode(display=False) as counter:
        network(x, x[..., 0], x_query)
    return float(counter.get_total_flops())
