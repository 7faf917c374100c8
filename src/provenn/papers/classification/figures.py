"""Figures of a comparison of classifiers, drawn from stored trials.

Colours are those of the current style's cycle: the first for the method, the second for peers, the
third for baselines, so that a figure follows whatever page it stands in.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    EngFormatter,
    LogLocator,
    MaxNLocator,
    NullLocator,
    ScalarFormatter,
)

from provenn.evidence.metrics import Competitor
from provenn.evidence.records import Trial

COLOURS = {"method": "C0", "peer": "C1", "baseline": "C2", "oracle": "C3"}
DASHES = ((), (5, 2), (1, 1.5), (5, 1.5, 1, 1.5), (8, 2, 1, 2, 1, 2), (2, 2), (10, 3))
MARKERS = {"method": "o", "peer": "s", "baseline": "D", "oracle": "^"}


def accuracy_against_cost(trials: Sequence[Trial]) -> Figure:
    """Accuracy over parameters and over operations: a point a seed, a marker for their mean."""
    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    costs = (("parameters", "parameters"), ("flops", "operations for one image"))
    for axes, (cost, title) in zip(panels, costs, strict=True):
        means = []
        for competitor in competitors(trials):
            x = over_seeds(trials, f"{competitor.name}.{cost}")
            y = over_seeds(trials, f"{competitor.name}.accuracy")
            colour = COLOURS[competitor.role]
            axes.plot(x, y, ".", color=colour, alpha=0.45, markersize=4)
            axes.plot(x.mean(), y.mean(), MARKERS[competitor.role], color=colour, zorder=3)
            means.append((float(x.mean()), float(y.mean()), competitor.label, colour))
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel(title)
        axes.margins(x=0.08)
        label_at_the_side(axes, means)
    panels[0].set_ylabel("test accuracy (%)")
    return figure


def learning_curves(trials: Sequence[Trial]) -> Figure:
    """Training loss of each epoch, the mean over seeds with its range."""
    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    dashes = {role: iter(DASHES) for role in COLOURS}
    ends = []
    for competitor in competitors(trials):
        curves = np.stack([t.series[f"loss-{competitor.name}"] for t in finished(trials)])
        epochs = np.arange(1, curves.shape[1] + 1)
        colour = COLOURS[competitor.role]
        axes.fill_between(epochs, curves.min(0), curves.max(0), color=colour, alpha=0.1, lw=0)
        mean = curves.mean(0)
        axes.plot(epochs, mean, color=colour, lw=1.4, dashes=next(dashes[competitor.role]))
        ends.append((float(epochs[-1]), float(mean[-1]), competitor.label, colour))
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch")
    axes.set_ylabel("training loss")
    label_at_the_side(axes, ends)
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
        axes.hlines(rows, ratios.min(1), ratios.max(1), color="0.5", lw=1.2)
        axes.axvline(1.0, color="0.5", lw=0.8, ls=":")
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


def label_at_the_side(axes: Axes, points: Sequence[tuple[float, float, str, str]]) -> None:
    """Name points (x, y, label, colour) in a column right of the axes, with a line to each."""
    gap = 0.058
    axes.autoscale_view()
    to_axes = axes.transData + axes.transAxes.inverted()
    heights = [float(to_axes.transform((x, y))[1]) for x, y, *_ in points]
    order = np.argsort(heights)[::-1]
    column = np.array(heights)[order]
    for i in range(1, len(column)):
        column[i] = min(column[i], column[i - 1] - gap)
    column[-1] = max(column[-1], 0.02)
    for i in range(len(column) - 1, 0, -1):
        column[i - 1] = max(column[i - 1], column[i] + gap)
    for at, index in zip(column, order, strict=True):
        x, y, label, colour = points[index]
        axes.annotate(
            label,
            (x, y),
            (1.04, at),
            textcoords="axes fraction",
            va="center",
            fontsize=8,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.6, "alpha": 0.5, "shrinkB": 4},
        )
