"""Figures of a comparison of classifiers of nodes, drawn from stored trials."""

import re
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray
from scipy import stats

from provenn.evidence.metrics import Competitor
from provenn.evidence.records import Trial

COLOURS = {"method": "C0", "peer": "C1", "baseline": "C2"}
STYLES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
TITLES = {"sbm": "block model", "cora": "Cora", "citeseer": "CiteSeer", "pubmed": "PubMed"}


def accuracies(trials: Sequence[Trial]) -> Figure:
    """Accuracy of every network, a panel for each graph: points are trials, bars intervals."""
    graphs = _keys(trials, r"accuracy_([a-z_]+)")
    names = [c for c in _competitors(trials) if f"accuracy_{graphs[0]}" in c.quality]
    figure = Figure(figsize=(2.4 + 2.2 * len(graphs), 0.9 + 0.3 * len(names)), layout="constrained")
    panels = figure.subplots(1, len(graphs), sharey=True, squeeze=False)[0]
    rows = np.arange(len(names))[::-1]
    for axes, graph in zip(panels, graphs, strict=True):
        for row, competitor in zip(rows, names, strict=True):
            if f"accuracy_{graph}" not in competitor.quality:
                continue
            values = _over_trials(trials, f"{competitor.name}.accuracy_{graph}")
            colour, mean = COLOURS[competitor.role], float(values.mean())
            axes.plot(values, [row] * len(values), ".", color=colour, alpha=0.4, markersize=5)
            axes.errorbar(mean, row, xerr=_half_width(values), fmt="o", color=colour, capsize=3)
            axes.annotate(
                f"{mean:.1f}", (mean, row), (0, 6), textcoords="offset points", ha="center",
                fontsize=7.5,
            )  # fmt: skip
        axes.set_title(_title(graph))
        axes.margins(x=0.12, y=0.08)
    panels[0].set_yticks(rows, [c.label for c in names])
    figure.supxlabel("test accuracy (%)", fontsize=9)
    return figure


def accuracy_by_depth(trials: Sequence[Trial]) -> Figure | None:
    """Accuracy against depth for every network, a panel for each graph."""
    graphs = _keys(trials, r"accuracy_([a-z_]+)_\d+")
    if not graphs:
        return None
    figure = Figure(figsize=(1.5 + 5.0 * len(graphs), 4.0), layout="constrained")
    panels = figure.subplots(1, len(graphs), squeeze=False)[0]
    for axes, graph in zip(panels, graphs, strict=True):
        _lines(axes, trials, rf"accuracy_{graph}_(\d+)")
        _powers_of_two(axes)
        axes.set_xlabel("layers or propagations")
        axes.set_title(_title(graph))
    panels[0].set_ylabel("test accuracy (%)")
    _legend(figure, panels[0])
    return figure


def accuracy_by_labels(trials: Sequence[Trial]) -> Figure | None:
    """Accuracy against the number of labels of each class."""
    graphs = _keys(trials, r"accuracy_([a-z_]+)_\d+-labels")
    if not graphs:
        return None
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.subplots()
    counts = _lines(axes, trials, rf"accuracy_{graphs[0]}_(\d+)-labels")
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.set_xlabel(f"labels of each class, {_title(graphs[0])}")
    axes.set_ylabel("test accuracy (%)")
    _legend(figure, axes)
    return figure


def retainment_by_hop(trials: Sequence[Trial]) -> Figure:
    """Retainment scores of each hop over the nodes: a panel for each graph, a line a trial."""
    graphs = [
        match[1] for name in trials[0].series if (match := re.fullmatch(r"gates_([a-z_]+)", name))
    ]
    figure = Figure(figsize=(1.0 + 3.0 * len(graphs), 3.4), layout="constrained")
    panels = figure.subplots(1, len(graphs), sharey=True, squeeze=False)[0]
    for axes, graph in zip(panels, graphs, strict=True):
        for trial in trials:
            low, mean, high = trial.series[f"gates_{graph}"]
            hops = np.arange(len(mean))
            axes.fill_between(hops, low, high, color="C0", alpha=0.3 / len(trials), lw=0)
            axes.plot(hops, mean, ".-", color="C0", alpha=0.6)
        axes.set_title(_title(graph))
        axes.set_xlabel("hop")
        axes.set_ylim(0, 1)
    panels[0].set_ylabel("retainment score")
    return figure


def smoothness_by_depth(trials: Sequence[Trial]) -> Figure | None:
    """Smoothness and accuracy of the decoupled network against its propagations."""
    points = [
        (match[1], int(match[2]))
        for name in trials[0].metrics.values
        if (match := re.fullmatch(r"smv_([a-z_]+)_(\d+)", name))
    ]
    if not points:
        return None
    figure = Figure(figsize=(8.0, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    graphs = list(dict.fromkeys(graph for graph, _ in points))
    for colour, graph in zip(("C0", "C1", "C2"), graphs, strict=False):
        depths = sorted(depth for name, depth in points if name == graph)
        for trial in trials:
            scalars = trial.scalars()
            smv = [scalars[f"smv_{graph}_{k}"] for k in depths]
            accuracy = [scalars[f"decoupled.accuracy_{graph}_{k}"] for k in depths]
            label = _title(graph) if trial is trials[0] else None
            left.plot(depths, smv, ".-", color=colour, alpha=0.6, label=label)
            right.plot(depths, accuracy, ".-", color=colour, alpha=0.6)
    for axes, label in ((left, "smoothness metric value"), (right, "test accuracy (%)")):
        _powers_of_two(axes)
        axes.set_xlabel("propagations")
        axes.set_ylabel(label)
    left.legend(fontsize=8)
    return figure


def _lines(axes: Axes, trials: Sequence[Trial], pattern: str) -> list[int]:
    """A line for each competitor over the number that its metrics end in; returns all numbers."""
    styles = {role: iter(STYLES) for role in COLOURS}
    seen: set[int] = set()
    for competitor in _competitors(trials):
        at = sorted(int(m[1]) for key in competitor.quality if (m := re.fullmatch(pattern, key)))
        if not at:
            continue
        key = pattern.replace(r"(\d+)", "{}")
        curves = np.stack([_over_trials(trials, f"{competitor.name}.{key.format(n)}") for n in at])
        colour, style = COLOURS[competitor.role], next(styles[competitor.role])
        axes.fill_between(at, curves.min(1), curves.max(1), color=colour, alpha=0.1, lw=0)
        mean = curves.mean(1)
        axes.plot(at, mean, color=colour, ls=style, marker=".", label=competitor.label)
        seen.update(at)
    return sorted(seen)


def _powers_of_two(axes: Axes) -> None:
    """A logarithmic axis of whole numbers."""
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    low, high = axes.get_xlim()
    ticks = [2**i for i in range(12) if low <= 2**i <= high]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize=8)


def _competitors(trials: Sequence[Trial]) -> Sequence[Competitor]:
    return trials[0].metrics.competitors


def _keys(trials: Sequence[Trial], pattern: str) -> list[str]:
    """What the pattern's group matches among the method's qualities, in their order."""
    (method,) = (c for c in _competitors(trials) if c.role == "method")
    found = (re.fullmatch(pattern, key) for key in method.quality)
    return list(dict.fromkeys(match[1] for match in found if match))


def _over_trials(trials: Sequence[Trial], metric: str) -> NDArray[np.float64]:
    return np.array([t.scalars()[metric] for t in trials])


def _half_width(values: NDArray[np.float64]) -> float:
    """Half the width of the two-sided 95 % interval of the mean; 0 for one value."""
    n = len(values)
    if n < 2:
        return 0.0
    return float(stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n))


def _title(graph: str) -> str:
    name, random = graph.removesuffix("_random"), graph.endswith("_random")
    title = TITLES.get(name, name.replace("_", " "))
    return f"{title}, random splits" if random else title
