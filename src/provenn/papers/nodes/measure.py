"""Training a network of nodes, and what is measured of it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from provenn.evidence.metrics import Competitor, Cost, Metrics
from provenn.evidence.page import Context
from provenn.graph import gcn_normalize, limit_propagation, smoothness
from provenn.graph.training import train_full_batch
from provenn.papers.nodes.models import (
    Adaptive,
    Contender,
    Decoupled,
    NodeClassifier,
    Settings,
)
from provenn.papers.nodes.problems import Problem

Problems = Callable[[int], Problem]
"""The problem of each run: the same one, or another split or graph each time."""


@dataclass(frozen=True)
class Budget:
    """How often and how long a network is trained.

    Args:
        runs: Runs, each from another initialisation.
        max_epochs: Most epochs.
        early_stopping: Validation losses that are averaged to end early; 0 never does.
    """

    runs: int
    max_epochs: int
    early_stopping: int = 0


@dataclass(frozen=True)
class Trained:
    """A network at its lowest validation loss."""

    network: NodeClassifier
    accuracy: float
    epochs: int


def train(
    contender: Contender, problem: Problem, depth: int, settings: Settings, budget: Budget
) -> Trained:
    """Train a contender by the paper's procedure, and test it.

    Args:
        contender: The network.
        problem: The graph.
        depth: Layers or propagations.
        settings: What is chosen for the data set.
        budget: How long.

    Returns:
        The network, its test accuracy in per cent at the lowest validation loss, and the epochs.
    """
    network = contender.build(problem, depth, settings).to(problem.y.device)
    optimizer = torch.optim.Adam(network.groups(), lr=network.lr)
    best: dict[str, Tensor] = {}
    right = [0.0]

    def logits(training: bool) -> Tensor:
        scores: Tensor = network.train(training)(problem)
        return scores

    def keep(scores: Tensor) -> None:
        best.update({k: v.clone() for k, v in network.state_dict().items()})
        hits = scores[problem.test].argmax(1) == problem.y[problem.test]
        right[0] = 100 * float(hits.double().mean())

    curves = train_full_batch(
        logits,
        optimizer,
        problem.y,
        problem.train,
        problem.val,
        max_epochs=budget.max_epochs,
        early_stopping=budget.early_stopping,
        improved=keep,
    )
    network.load_state_dict(best)
    return Trained(network.eval(), right[0], len(curves))


def run_seed(ctx: Context, run: int) -> int:
    """Seed of a run, different for all runs of all trials."""
    return 1000 * ctx.seed + run


def measure(
    contender: Contender,
    key: str,
    problems: Problems,
    depth: int,
    settings: Settings,
    budget: Budget,
    ctx: Context,
) -> Metrics:
    """Train a contender several times.

    Args:
        contender: The network.
        key: What its metrics end in.
        problems: The problem of each run.
        depth: Layers or propagations; 0 for what the table of contenders or the settings say.
        settings: What is chosen for the data set.
        budget: How often and how long.
        ctx: Context of the trial.

    Returns:
        One competitor with ``accuracy_KEY``, the mean over runs in per cent; the accuracies of the
        runs as the series ``runs-NAME_KEY``. Of DAGNN also, over the nodes of the last run, the
        10 % quantile, mean and 90 % quantile of the retainment scores of each hop, ``gates_KEY``;
        of the decoupled network its smoothness ``smv_KEY``.
    """
    depth = depth or contender.depth or settings.k
    values: dict[str, float] = {}
    series: dict[str, NDArray[Any]] = {}
    trained = []
    with ctx.measure() as meter:
        for run in range(budget.runs):
            problem = problems(run)
            torch.manual_seed(run_seed(ctx, run))
            found = train(contender, problem, depth, settings, budget)
            trained.append(found.accuracy)
    parameters = sum(p.numel() for p in found.network.parameters())
    if isinstance(found.network, Adaptive):
        scores = found.network.network.retainment_scores(problem.x, problem.adjacency)
        low, high = scores.quantile(scores.new_tensor([0.1, 0.9]), dim=0)
        series[f"gates_{key}"] = torch.stack([low, scores.mean(0), high]).cpu().numpy()
    if isinstance(found.network, Decoupled):
        with torch.no_grad():
            values[f"smv_{key}"] = float(smoothness(found.network(problem)))
    accuracies = np.array(trained)
    competitor = Competitor(
        name=contender.name,
        label=contender.label,
        role=contender.role,
        package=contender.package,
        quality={f"accuracy_{key}": float(accuracies.mean())},
        cost=meter.cost(parameters=parameters, flops=math.nan),
    )
    series[f"runs-{contender.name}_{key}"] = accuracies
    return Metrics(values=values, series=series, competitors=[competitor])


def propagate_labels(key: str, problems: Problems, runs: int, ctx: Context) -> Metrics:
    """Label propagation: no features, nothing learned; 50 steps with 0.9 from the neighbours."""
    from torch_geometric.nn import LabelPropagation

    method = LabelPropagation(num_layers=50, alpha=0.9)
    accuracies = []
    with ctx.measure() as meter:
        for run in range(runs):
            problem = problems(run)
            scores = method(problem.y, problem.edge_index, problem.train)
            right = scores[problem.test].argmax(1) == problem.y[problem.test]
            accuracies.append(100 * float(right.double().mean()))
    competitor = Competitor(
        name="label-propagation",
        label="label propagation",
        role="baseline",
        package="torch-geometric",
        quality={f"accuracy_{key}": float(np.mean(accuracies))},
        cost=meter.cost(parameters=0, flops=math.nan),
    )
    return Metrics(competitors=[competitor])


def limit_error(key: str, problem: Problem, steps: int, columns: int = 16) -> Metrics:
    """Largest distance of many propagations, in float64, from their limit.

    Args:
        key: What the metric's name ends in.
        problem: The graph.
        steps: Propagations.
        columns: Columns of the identity that are propagated, drawn at random.
    """
    nodes = len(problem.y)
    chosen = torch.randperm(nodes)[:columns].to(problem.y.device)
    z = torch.zeros(nodes, len(chosen), dtype=torch.float64, device=problem.y.device)
    z[chosen, torch.arange(len(chosen), device=z.device)] = 1.0
    error = 0.0
    for kind in ("symmetric", "row"):
        adjacency = gcn_normalize(
            problem.edge_index, nodes, normalization=kind, dtype=torch.float64
        )
        limit = limit_propagation(
            problem.edge_index, nodes, normalization=kind, dtype=torch.float64
        )
        h = z
        for _ in range(steps):
            h = adjacency.propagate(h)
        error = max(error, float((h - limit(z)).abs().max()))
    return Metrics(values={f"limit_error_{key}": error})


def merge(parts: Sequence[Metrics]) -> Metrics:
    """All that the parts measured; of a competitor in several, qualities are put together.

    Its seconds add up; its parameters and memory are the largest.
    """
    competitors: dict[str, Competitor] = {}
    for part in parts:
        for new in part.competitors:
            old = competitors.setdefault(new.name, new)
            if old is not new:
                cost = Cost(
                    parameters=max(old.cost.parameters, new.cost.parameters),
                    wall_s=old.cost.wall_s + new.cost.wall_s,
                    peak_bytes=max(old.cost.peak_bytes, new.cost.peak_bytes),
                )
                quality = {**old.quality, **new.quality}
                competitors[new.name] = replace(old, quality=quality, cost=cost)
    return Metrics(
        values={k: v for part in parts for k, v in part.values.items()},
        series={k: v for part in parts for k, v in part.series.items()},
        competitors=list(competitors.values()),
    )
