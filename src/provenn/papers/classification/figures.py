"""Figures of a comparison of classifiers, drawn from stored trials.

Colours are those of the current style's cycle: the first for the method, the second for peers, the
third for baselines, so that a figure follows whatever page it stands in.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from provenn.evidence.metrics import Competitor
from provenn.evidence.records import Trial

COLOURS = {"method": "C0", "peer": "C1", "baseline": "C2", "oracle": "C3"}
MARKERS = {"method": "o", "peer": "s", "baseline": "D", "oracle": "^"}


def accuracy_against_cost(trials: Sequence[Trial]) -> Figure:
    """Accuracy over parameters and over operations: a point a seed, a marker for their mean."""
    figure = Figure(figsize=(8.4, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, cost, label in (
        (left, "parameters", "parameters"),
        (right, "flops", "operations for one image"),
    ):
        for competitor in competitors(trials):
            x = over_seeds(trials, f"{competitor.name}.{cost}")
            y = over_seeds(trials, f"{competitor.name}.accuracy")
            colour = COLOURS[competitor.role]
            axes.plot(x, y, ".", color=colour, alpha=0.45, markersize=4)
            axes.plot(
                x.mean(), y.mean(), MARKERS[competitor.role], color=colour, markersize=7, zorder=3
            )
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel(label)
        _label_means(axes, trials, cost)
    left.set_ylabel("test accuracy (%)")
    return figure


def learning_curves(trials: Sequence[Trial]) -> Figure:
    """Training loss of each epoch, the mean over seeds with its range."""
    figure = Figure(figsize=(6.8, 4.2), layout="constrained")
    axes = figure.subplots()
    styles = ("-", "--", ":", "-.")
    seen: dict[str, int] = {}
    ends = []
    for competitor in competitors(trials):
        curves = np.stack([t.series[f"loss-{competitor.name}"] for t in finished(trials)])
        epochs = np.arange(1, curves.shape[1] + 1)
        colour = COLOURS[competitor.role]
        style = styles[seen.setdefault(competitor.role, 0) % len(styles)]
        seen[competitor.role] += 1
        axes.fill_between(epochs, curves.min(0), curves.max(0), color=colour, alpha=0.1, lw=0)
        axes.plot(epochs, curves.mean(0), style, color=colour, lw=1.4, label=competitor.label)
        ends.append((float(curves.mean(0)[-1]), competitor))
    axes.set_yscale("log")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(epochs)
    axes.set_xlabel("epoch")
    axes.set_ylabel("training loss")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
    return figure


def cost_bars(trials: Sequence[Trial], reference: str) -> Figure:
    """What each competitor costs, as a multiple of the ``reference`` competitor's cost."""
    names = [c.name for c in competitors(trials)]
    labels = [c.label for c in competitors(trials)]
    colours = [COLOURS[c.role] for c in competitors(trials)]
    figure = Figure(figsize=(8.4, 0.9 + 0.3 * len(names)), layout="constrained")
    panels = (
        ("parameters", "parameters"),
        ("flops", "operations"),
        ("wall_s", "training time"),
        ("latency_ms", "latency, 1 image"),
    )
    grid = figure.subplots(1, len(panels), sharey=True)
    rows = np.arange(len(names))[::-1]
    for axes, (metric, title) in zip(grid, panels, strict=True):
        base = over_seeds(trials, f"{reference}.{metric}")
        ratios = np.stack([over_seeds(trials, f"{name}.{metric}") / base for name in names])
        means = ratios.mean(1)
        axes.barh(rows, means, color=colours, height=0.62, alpha=0.85)
        axes.hlines(rows, ratios.min(1), ratios.max(1), color="C7", lw=1.2)
        axes.axvline(1.0, color="C7", lw=0.8, ls=":")
        for row, mean, high in zip(rows, means, ratios.max(1), strict=True):
            axes.annotate(
                f"{mean:.2f}", (max(mean, high), row), (3, 0), textcoords="offset points",
                va="center", fontsize=7.5,
            )  # fmt: skip
        axes.set_xlim(0, 1.28 * float(ratios.max()))
        axes.set_title(title)
        axes.grid(visible=False)
    grid[0].set_yticks(rows, labels)
    figure.supxlabel(f"multiple of: {labels[names.index(reference)]}", fontsize=8.5)
    return figure


def competitors(trials: Sequence[Trial]) -> Sequence[Competitor]:
    """Competitors of the trials that finished, in the page's order."""
    return finished(trials)[0].metrics.competitors


def finished(trials: Sequence[Trial]) -> list[Trial]:
    """Trials that did not crash."""
    return [t for t in trials if not t.failed]


def over_seeds(trials: Sequence[Trial], metric: str) -> np.ndarray:
    """A metric of every finished trial."""
    return np.array([t.scalars()[metric] for t in finished(trials)])


def _label_means(axes: Axes, trials: Sequence[Trial], cost: str) -> None:
    """Name the markers, from top to bottom, each label pushed below the one above it."""
    span = np.ptp(axes.get_ylim())
    low, high = np.log10(axes.get_xlim())
    axes.set_xlim(10**low, 10 ** (high + 0.5 * (high - low)))
    placed: list[tuple[float, float]] = []
    marks = [
        (
            over_seeds(trials, f"{c.name}.accuracy").mean(),
            over_seeds(trials, f"{c.name}.{cost}").mean(),
            c.label,
        )
        for c in competitors(trials)
    ]
    for y, x, label in sorted(marks, reverse=True):
        at = y
        for other_x, other_at in placed:
            near = abs(np.log10(x / other_x)) < 0.45 * (high - low)
            if near and abs(at - other_at) < 0.045 * span:
                at = other_at - 0.045 * span
        placed.append((x, at))
        axes.annotate(
            label, (x, y), (10 ** (np.log10(x) + 0.035 * (high - low)), at), textcoords="data",
            va="center", fontsize=7.5,
        )  # fmt: skip
