"""Figures of the page, drawn from stored trials."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from provenn.evidence.metrics import Competitor
from provenn.evidence.records import Trial
from provenn.papers.classification.figures import label_at_the_side
from provenn.papers.posteriors.known import LEVELS, PICTURE

COLOURS = {"method": "C0", "peer": "C1", "baseline": "C2", "oracle": "C7"}
MARKERS = {"method": "o", "peer": "s", "baseline": "D", "oracle": "^"}

Panel = tuple[str, list[Competitor], str]
"""Title, competitors, and what the names of their losses begin with."""


def picture(trials: Sequence[Trial]) -> Figure | None:
    """Predictions from one data set as points are added, beside the exact ones."""
    series = trials[0].series
    if "picture_x" not in series:
        return None
    figure = Figure(figsize=(9.6, 3.4), layout="constrained")
    panels = figure.subplots(1, len(PICTURE), sharey=True)
    x, y, grid = (series[f"picture_{name}"] for name in ("x", "y", "grid"))
    pairs = len(LEVELS) // 2
    for axes, n in zip(panels, PICTURE, strict=True):
        levels = series[f"picture_levels_n{n}"]
        for i in range(pairs):
            axes.fill_between(grid, levels[i], levels[-1 - i], color="C0", alpha=0.16, lw=0)
        axes.plot(grid, series[f"picture_mean_n{n}"], color="C0", label="PFN")
        mean, std = series[f"picture_exact_n{n}"]
        axes.plot(grid, mean, "--", color="C1", lw=1.2, label="exact Gaussian process")
        for sign in (-1, 1):
            axes.plot(grid, mean + sign * 1.96 * std, "--", color="C1", lw=0.8)
        axes.plot(x[:n], y[:n], "o", color="C3", markersize=4, zorder=3, label="points")
        axes.set_title(f"{n} points")
        axes.set_xlabel("x")
    panels[0].set_ylabel("y")
    _legend_below(figure, panels[0])
    return figure


def closure(trials: Sequence[Trial]) -> Figure | None:
    """Share of the way from the prior predictive to the exact answer, by context size."""
    competitors = _with(trials, "closure_")
    if not competitors:
        return None
    figure = Figure(figsize=(7.2, 4.0), layout="constrained")
    axes = figure.subplots()
    highest, ends = 1.0, []
    for competitor in competitors:
        if competitor.role == "oracle":
            continue
        sizes = _sizes(competitor, "closure_")
        shares = _by_seed(trials, competitor, [f"closure_n{n}" for n in sizes])
        colour = COLOURS[competitor.role]
        style = {"method": "-", "peer": "--", "baseline": ":"}[competitor.role]
        axes.fill_between(sizes, shares.min(0), shares.max(0), color=colour, alpha=0.13, lw=0)
        mean = shares.mean(0)
        axes.plot(sizes, mean, style, color=colour, marker=".")
        highest = max(highest, float(mean.max()))
        ends.append((float(sizes[-1]), float(mean[-1]), competitor.label, colour))
    axes.axhline(1.0, color="C7", lw=0.8, ls="--")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylim(max(0.0, axes.get_ylim()[0]), highest + 0.02)
    axes.set_xlabel("points in the context")
    axes.set_ylabel("way to the exact answer")
    label_at_the_side(axes, ends)
    return figure


def hyper_panels(trials: Sequence[Trial]) -> list[Panel]:
    """Competitors under a hyper-prior, for each shipped network."""
    titles = {"paper": "the paper's hyper-prior", "own": "noisy curves (gp-1d)"}
    found = _with(trials, "few_")
    panels = [
        (title, [c for c in found if c.name.startswith(f"{tag}-")], "few_")
        for tag, title in titles.items()
    ]
    return [panel for panel in panels if panel[1]]


def label_panels(trials: Sequence[Trial]) -> list[Panel]:
    """Competitors on labels of Bayesian neural networks, for each kind of network."""
    titles = {"bnn-linear": "without nonlinearity", "bnn-tanh": "tanh"}
    competitors = trials[0].metrics.competitors
    panels = [
        (title, [c for c in competitors if c.name.startswith(name)], "nll")
        for name, title in titles.items()
    ]
    return [panel for panel in panels if panel[1]]


def loss_and_time(trials: Sequence[Trial], panels: Sequence[Panel]) -> Figure | None:
    """Mean loss over seconds for a data set: a point a seed, a marker for their mean."""
    if not panels:
        return None
    figure = Figure(figsize=(6.4 * len(panels), 4.4), layout="constrained")
    for axes, (title, competitors, prefix) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
    ):
        points = []
        for competitor in competitors:
            keys = [key for key in competitor.quality if key.startswith(prefix)]
            losses = _by_seed(trials, competitor, keys).mean(1)
            seconds = _values(trials, f"{competitor.name}.seconds")
            colour = COLOURS[competitor.role]
            axes.plot(seconds, losses, ".", color=colour, alpha=0.4, markersize=4)
            at = (float(np.exp(np.log(seconds).mean())), float(losses.mean()))
            axes.plot(*at, MARKERS[competitor.role], color=colour)
            points.append((*at, competitor.label, colour))
        axes.set_xscale("log")
        axes.set_title(title)
        axes.set_xlabel("seconds for a data set")
        label_at_the_side(axes, points)
    figure.axes[0].set_ylabel("loss (nats for a query)")
    return figure


def ranks(trials: Sequence[Trial]) -> Figure | None:
    """Mean rank by AUC, and calibration error, of every classifier."""
    competitors = _with(trials, "rank")
    if not competitors:
        return None
    figure = Figure(figsize=(8.4, 1.0 + 0.34 * len(competitors)), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    rows = np.arange(len(competitors))[::-1]
    for axes, metric, title in zip(
        panels,
        ("rank", "calibration_error"),
        ("mean rank by AUC (1 is best)", "expected calibration error"),
        strict=True,
    ):
        for row, competitor in zip(rows, competitors, strict=True):
            values = _values(trials, f"{competitor.name}.{metric}")
            colour = COLOURS[competitor.role]
            axes.plot(values, np.full(len(values), row), ".", color=colour, alpha=0.5)
            axes.plot(values.mean(), row, MARKERS[competitor.role], color=colour)
        axes.set_title(title)
    panels[0].set_yticks(rows, [c.label for c in competitors])
    panels[0].set_ylim(-0.6, len(competitors) - 0.4)
    return figure


def _with(trials: Sequence[Trial], prefix: str) -> list[Competitor]:
    """Competitors that have a quality of that name."""
    return [
        c for c in trials[0].metrics.competitors if any(k.startswith(prefix) for k in c.quality)
    ]


def _sizes(competitor: Competitor, prefix: str) -> list[int]:
    return sorted(
        int(key.rpartition("n")[2]) for key in competitor.quality if key.startswith(prefix)
    )


def _values(trials: Sequence[Trial], metric: str) -> NDArray[np.float64]:
    return np.array([trial.scalars()[metric] for trial in trials])


def _by_seed(
    trials: Sequence[Trial], competitor: Competitor, keys: Sequence[str]
) -> NDArray[np.float64]:
    """Qualities of a competitor, (seeds, keys)."""
    return np.stack([_values(trials, f"{competitor.name}.{key}") for key in keys], axis=1)


def _legend_below(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
