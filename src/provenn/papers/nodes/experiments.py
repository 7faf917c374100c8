"""The experiments of a trial: tables of accuracies, depth, few labels, and what follows of them."""

from collections.abc import Mapping, Sequence
from functools import cache

from provenn.data import DataError
from provenn.evidence.metrics import Metrics
from provenn.evidence.page import Context
from provenn.papers.nodes.measure import (
    Budget,
    Problems,
    limit_error,
    measure,
    propagate_labels,
    run_seed,
)
from provenn.papers.nodes.models import SETTINGS, Contender
from provenn.papers.nodes.problems import (
    PLANETOID,
    Problem,
    block_model,
    few_labels,
    load_problem,
)

RANDOM = "_random"
"""What ends the name of a citation graph that is split at random."""


class Experiments:
    """Trains contenders on a trial's problems.

    Args:
        contenders: The networks by name.
        ctx: Context of the trial.
    """

    def __init__(self, contenders: Mapping[str, Contender], ctx: Context) -> None:
        self._contenders = contenders
        self._ctx = ctx
        self._published = cache(lambda name: load_problem(name, ctx))

    def accuracy(self, name: str, data: str, budget: Budget) -> Metrics:
        """A network of the table, on a graph whose name may end in ``_random``."""
        settings = SETTINGS[data.removesuffix(RANDOM)]
        problems = self._problems(data)
        return measure(self._contenders[name], data, problems, 0, settings, budget, self._ctx)

    def label_propagation(self, data: str, runs: int) -> Metrics:
        """Label propagation on a graph of the table."""
        return propagate_labels(data, self._problems(data), runs, self._ctx)

    def depth(self, name: str, data: str, depth: int, epochs: int) -> Metrics:
        """A network of the given depth."""
        return measure(
            self._contenders[name],
            f"{data}_{depth}",
            self._problems(data),
            depth,
            SETTINGS[data],
            Budget(1, epochs),
            self._ctx,
        )

    def few_labels(self, name: str, data: str, labels: int, budget: Budget) -> Metrics:
        """A network on random splits with so many labels of each class."""

        def problems(run: int) -> Problem:
            return few_labels(self._published(data), labels, run_seed(self._ctx, run))

        return measure(
            self._contenders[name],
            f"{data}_{labels}-labels",
            problems,
            0,
            SETTINGS[data],
            budget,
            self._ctx,
        )

    def limit(self, data: str, steps: int) -> Metrics:
        """Distance of many propagations from their limit."""
        return limit_error(data, self._problems(data)(0), steps)

    def can_load(self, data: str) -> bool:
        """Whether a graph is at hand; PubMed may be missing, for any other that is an error."""
        if data.removesuffix(RANDOM) != "pubmed":
            return True
        try:
            self._published("pubmed")
        except DataError as error:
            self._ctx.progress(0, 1, f"no PubMed: {error}")
            return False
        return True

    def _problems(self, data: str) -> Problems:
        """The same problem for every run where the split is published, else one for each."""
        name = data.removesuffix(RANDOM)
        if name == "sbm":
            return lambda run: block_model(run_seed(self._ctx, run), self._ctx.device)
        if data in PLANETOID:
            return lambda run: self._published(name)
        return lambda run: load_problem(name, self._ctx, run_seed(self._ctx, run))


def depth_range(scalars: Mapping[str, float], data: str) -> dict[str, float]:
    """``dagnn_range_DATA``: how far DAGNN's accuracies at 10, 20 and 50 propagations are apart."""
    names = [f"dagnn.accuracy_{data}_{k}" for k in (10, 20, 50)]
    if not all(name in scalars for name in names):
        return {}
    at = [scalars[name] for name in names]
    return {f"dagnn_range_{data}": max(at) - min(at)}


def advantages(scalars: Mapping[str, float], data: str, peers: Sequence[str]) -> dict[str, float]:
    """``PEER_advantage_few``, ``_20``: how far DAGNN is ahead at 1 and 2 labels, and at 20."""
    found = {}
    for peer in peers:
        gain = {
            labels: scalars[f"dagnn.accuracy_{data}_{labels}-labels"]
            - scalars[f"{peer}.accuracy_{data}_{labels}-labels"]
            for labels in (1, 2, 20)
        }
        found[f"{peer}_advantage_few"] = (gain[1] + gain[2]) / 2
        found[f"{peer}_advantage_20"] = gain[20]
    return found


def wins(scalars: Mapping[str, float], graphs: Sequence[str]) -> dict[str, float]:
    """On how many graphs DAGNN is not ahead of GCN, and on how many by half a point."""
    names = [(f"dagnn.accuracy_{g}", f"gcn.accuracy_{g}") for g in graphs]
    if not all(name in scalars for pair in names for name in pair):
        return {}
    gains = [scalars[ours] - scalars[theirs] for ours, theirs in names]
    return {
        "lost_to_gcn": float(sum(gain <= 0 for gain in gains)),
        "won_by_half_a_point": float(sum(gain >= 0.5 for gain in gains)),
    }
