"""Figures of the page, drawn from stored trials."""

import re
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from provenn.evidence.metrics import Competitor
from provenn.evidence.records import Trial
from provenn.papers.bounds.networks import NETWORKS, radius, tag

COLOURS = {
    "crown": "C0",
    "crown-bab": "C0",
    "recurjac": "C1",
    "interval": "C2",
    "global": "C3",
    "exact": "C7",
    "sampled": "C7",
}
STYLES = {"crown-bab": "--", "exact": ":", "sampled": ":"}
_SWEEP = re.compile(r"(depth|width)-(\d+)")


def networks(trials: Sequence[Trial]) -> list[str]:
    """Networks that the trials bounded, in the page's order."""
    measured = trials[0].metrics.values
    return [name for name in NETWORKS if f"accuracy_{name}" in measured]


def bounds_by_radius(trials: Sequence[Trial]) -> Figure:
    """Mean bound against the radius of the box: a panel for each network with several radii."""
    names = [n for n in networks(trials) if len(NETWORKS[n].eps) > 1]
    figure = Figure(figsize=(4.2 * len(names), 4.0), layout="constrained")
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        x = [radius(eps) for eps in NETWORKS[name].eps]
        for competitor in _competitors(trials):
            curves = _curves(trials, competitor, name)
            if curves is None:
                continue
            colour, style = COLOURS[competitor.name], STYLES.get(competitor.name, "-")
            mean = curves.mean(0)
            if competitor.name == "sampled":
                axes.fill_between(x, mean, mean.min() / 2, color=colour, alpha=0.15, lw=0)
            axes.fill_between(x, curves.min(0), curves.max(0), color=colour, alpha=0.15, lw=0)
            axes.plot(x, mean, style, color=colour, marker=".", label=competitor.label)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(x, NETWORKS[name].eps)
        axes.minorticks_off()
        axes.set_xlabel("radius of the box")
        axes.set_title(NETWORKS[name].label)
    panels[0].set_ylabel("local Lipschitz constant, mean over points")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
    return figure


def ratio_to_exact(trials: Sequence[Trial]) -> Figure:
    """Bound over exact constant, for each tiny network, against its unstable neurons."""
    figure = Figure(figsize=(7.0, 4.0), layout="constrained")
    axes = figure.subplots()
    shift = {"crown-bab": -0.2, "crown": 0.0, "recurjac": 0.2}
    labels = {c.name: c.label for c in _competitors(trials)}
    for name, by in shift.items():
        x = np.concatenate([t.series["tiny_unstable"] for t in trials])
        y = np.concatenate([t.series[f"tiny_ratio_{name}"] for t in trials])
        marker = "x" if name == "crown-bab" else "."
        axes.plot(x + by, y, marker, color=COLOURS[name], alpha=0.7, label=labels[name])
    axes.axhline(1.0, color="C7", lw=0.8, ls=":")
    axes.set_xlabel("unstable neurons")
    axes.set_ylabel("bound / exact constant")
    axes.legend(fontsize=8)
    return figure


def ratio_by_size(trials: Sequence[Trial]) -> Figure:
    """Bound over RecurJac's bound, by depth and by width of the synthetic networks."""
    figure = Figure(figsize=(7.6, 3.6), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, sweep, label in zip(
        panels, ("depth", "width"), ("hidden layers of width 32", "width of 2 hidden layers"),
        strict=True,
    ):  # fmt: skip
        matches = [_SWEEP.fullmatch(name) for name in networks(trials)]
        sizes = [int(m[2]) for m in matches if m and m[1] == sweep]
        for trial in trials:
            scalars = trial.scalars()
            ratios = [
                scalars[f"crown.relative_{sweep}-{n}_{tag(NETWORKS[f'{sweep}-{n}'].eps[0])}"]
                for n in sizes
            ]
            axes.plot(sizes, ratios, ".-", color="C0", alpha=0.6)
        axes.set_xscale("log" if sweep == "width" else "linear")
        axes.set_xticks(sizes, [str(n) for n in sizes])
        axes.minorticks_off()
        axes.set_xlabel(label)
    panels[0].set_ylabel("bound / RecurJac's bound")
    return figure


def tightness_and_time(trials: Sequence[Trial]) -> Figure:
    """Mean ratio to RecurJac's bound against wall time: a point a seed."""
    figure = Figure(figsize=(7.0, 4.0), layout="constrained")
    axes = figure.subplots()
    for competitor in _competitors(trials):
        relative = [k for k in competitor.quality if k.startswith("relative_")]
        if not relative:
            continue
        name = competitor.name
        scalars = [t.scalars() for t in trials]
        x = [s[f"{name}.wall_s"] for s in scalars]
        y = [np.mean([s[f"{name}.{k}"] for k in relative]) for s in scalars]
        marker = "x" if name == "crown-bab" else "o"
        axes.plot(x, y, marker, color=COLOURS[name], alpha=0.7)
        axes.annotate(
            competitor.label, (max(x), float(np.mean(y))), (6, 0), textcoords="offset points",
            va="center", fontsize=8,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.margins(x=0.25)
    axes.set_xlabel("seconds, all networks and points")
    axes.set_ylabel("bound / RecurJac's bound")
    return figure


def _competitors(trials: Sequence[Trial]) -> Sequence[Competitor]:
    return trials[0].metrics.competitors


def _curves(
    trials: Sequence[Trial], competitor: Competitor, network: str
) -> NDArray[np.float64] | None:
    """Mean bounds by seed and radius; ``None`` where the competitor did not bound the network."""
    keys = [f"bound_{network}_{tag(eps)}" for eps in NETWORKS[network].eps]
    if keys[0] not in competitor.quality:
        return None
    return np.array([[t.scalars()[f"{competitor.name}.{k}"] for k in keys] for t in trials])
