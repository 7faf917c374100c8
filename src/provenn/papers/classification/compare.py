"""One competitor trained and measured in a trial, and the parts of a trial put together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import nn

from provenn.evidence.metrics import Competitor, Metrics, Role
from provenn.evidence.page import Context
from provenn.papers.classification.cost import flops_per_example, latency_ms, parameters
from provenn.papers.classification.data import Split
from provenn.papers.classification.training import Recipe, accuracy, fit


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A competitor before it has run.

    Args:
        name: Identifier.
        label: What the page calls it.
        build: Makes its network.
        role: Its part in the comparison.
        package: Distribution that provides its layers, when that is third-party.
        quality: What is known of it without training.
    """

    name: str
    label: str
    build: Callable[[], nn.Module]
    role: Role = "peer"
    package: str = ""
    quality: dict[str, float] = field(default_factory=dict)


def train_and_measure(
    entry: Entry,
    split: Split,
    recipe: Recipe,
    ctx: Context,
    *,
    latency_s: float,
    progress: Callable[[int], None],
) -> Metrics:
    """Train a competitor; measure accuracy, cost, latency and its curve of training loss.

    Args:
        entry: The competitor.
        split: Images.
        recipe: How to train.
        ctx: Context of the trial.
        latency_s: Seconds for which one evaluation of one image is timed.
        progress: Called with the number of steps done.

    Returns:
        One competitor with ``accuracy`` (per cent) and ``train_loss``, the timing
        ``NAME.latency_ms`` and the series ``loss-NAME``.
    """
    model = entry.build().to(ctx.device)
    with ctx.measure() as meter:
        losses = fit(model, split, recipe, ctx.seed, progress)
        right = accuracy(model, split.test_x, split.test_y)
    competitor = Competitor(
        name=entry.name,
        label=entry.label,
        role=entry.role,
        package=entry.package,
        quality={"accuracy": right, "train_loss": losses[-1], **entry.quality},
        cost=meter.cost(parameters=parameters(model), flops=flops_per_example(model, split.test_x)),
    )
    return Metrics(
        competitors=[competitor],
        series={f"loss-{entry.name}": np.asarray(losses)},
        timings={f"{entry.name}.latency_ms": latency_ms(model, split.test_x, latency_s)},
    )


def join_parts(parts: Sequence[Metrics]) -> Metrics:
    """All that the parts of a trial measured."""
    return Metrics(
        values={k: v for part in parts for k, v in part.values.items()},
        timings={k: v for part in parts for k, v in part.timings.items()},
        series={k: v for part in parts for k, v in part.series.items()},
        competitors=[c for part in parts for c in part.competitors],
    )
