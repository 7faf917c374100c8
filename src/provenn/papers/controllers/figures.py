"""Figures of the page, drawn from stored trials."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from provenn.evidence.metrics import Competitor
from provenn.evidence.records import Trial
from provenn.papers.classification.figures import label_at_the_side

COLOURS = {
    "yann": "C0",
    "residual": "C2",
    "ddpg": "C1",
    "td3": "C4",
    "sac": "C5",
    "mpc": "C7",
    "lqr": "C3",
    "nmpc": "C6",
    "yann-literal": "C9",
    "vectorised": "C2",
    "sequential": "C1",
    "daqp": "C3",
}
PLANTS = {"pendulum": ("angle (rad)", "speed (rad/s)"), "reactor": ()}
AXES = {"pendulum": PLANTS["pendulum"], "double-integrator": ("position", "speed")}
MODELS = ("pendulum", "pendulum-9", "double-integrator", "masses")

Values = NDArray[np.float64]


def regions(trials: Sequence[Trial]) -> Figure:
    """Regions of the laws of two states, and what the trained actor does on the pendulum."""
    series = trials[0].series
    names = [name for name in AXES if f"regions-{name}" in series]
    figure = Figure(figsize=(5.2 * len(names), 4.2), layout="constrained")
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        x, y = series[f"axes-{name}"]
        index = series[f"regions-{name}"]
        count = trials[0].scalars()[f"{name}_regions"]
        shown = np.where(index < 0, np.nan, (7 * index) % 19)
        axes.pcolormesh(x, y, shown, cmap=_pastel(), shading="nearest", rasterized=True)
        for path in series.get(f"{name}-yann_paths", ()):
            inside = np.abs(path[:, 0]) <= x[-1]
            axes.plot(*np.where(inside[:, None], path, np.nan).T, color="k", lw=0.7, alpha=0.7)
        axes.set_xlim(x[0], x[-1])
        axes.set_ylim(y[0], y[-1])
        axes.set_xlabel(AXES[name][0])
        axes.set_ylabel(AXES[name][1])
        axes.set_title(f"{name.replace('-', ' ')}: {count:.0f} regions")
    return figure


def learning(trials: Sequence[Trial]) -> Figure:
    """Learning curves over the failures of training, a column a plant."""
    plants = [p for p in PLANTS if f"{p}-yann_curve" in trials[0].series]
    figure = Figure(figsize=(5.4 * len(plants), 6.0), layout="constrained")
    panels = figure.subplots(2, len(plants), squeeze=False, height_ratios=(2, 1), sharex="col")
    for column, plant in enumerate(plants):
        curve, count = panels[:, column]
        ends = []
        for name, competitor in _learners(trials, plant):
            colour = COLOURS[name]
            x = trials[0].series[f"{competitor.name}_episodes"]
            y = _stacked(trials, f"{competitor.name}_curve")
            _band(curve, x, y, colour)
            ends.append((float(x[-1]), float(y[:, -1].mean()), _short(competitor), colour))
            if f"{competitor.name}_failures" in trials[0].series:
                broken = _stacked(trials, f"{competitor.name}_failures")
                _band(count, np.arange(1.0, broken.shape[1] + 1), broken, colour)
        for name in ("lqr", "nmpc"):
            level = _fixed(trials, f"{plant}-{name}")
            if level is not None:
                curve.axhline(level, color=COLOURS[name], lw=0.9, ls=":")
                ends.append((float(x[-1]), level, name.upper(), COLOURS[name]))
        curve.set_yscale("log")
        curve.set_title(plant)
        label_at_the_side(curve, ends)
        count.set_xlabel("episodes of training")
        count.set_ylim(bottom=0, top=max(1.0, 1.05 * count.get_ylim()[1]))
    panels[0, 0].set_ylabel("mean cost of test episodes")
    panels[1, 0].set_ylabel("limits broken in training")
    return figure


def starts(trials: Sequence[Trial]) -> Figure:
    """Costs of the test episodes before and after training, a panel a plant."""
    plants = [p for p in PLANTS if f"{p}-yann_costs" in trials[0].series]
    figure = Figure(figsize=(5.2 * len(plants), 4.6), layout="constrained")
    for axes, plant in zip(figure.subplots(1, len(plants), squeeze=False)[0], plants, strict=True):
        for name, competitor in _learners(trials, plant):
            costs = np.concatenate([t.series[f"{competitor.name}_costs"] for t in trials], 1)
            axes.loglog(*costs, ".", color=COLOURS[name], alpha=0.7, label=_short(competitor))
        low, high = axes.get_xlim()
        axes.plot([low, high], [low, high], color="C7", lw=0.8, ls=":", zorder=0)
        axes.set_xlabel("cost before training")
        axes.set_ylabel("cost after training")
        axes.set_title(plant)
        axes.legend(fontsize=8)
    return figure


def evaluation(trials: Sequence[Trial]) -> Figure:
    """Microseconds for a state against the number of regions."""
    scalars = [t.scalars() for t in trials]
    figure = Figure(figsize=(10.4, 4.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    ways = [c for c in trials[0].metrics.competitors if "stored_scalars" in c.quality]
    for axes, kind, title in zip(
        panels, ("single", "batch"), ("one state a call", "a thousand a call"), strict=True
    ):
        ends = []
        for way in ways:
            keys = {m: f"{way.name}.{kind}_{m}_us" for m in MODELS}
            found = [m for m in MODELS if keys[m] in scalars[0]]
            if not found:
                continue
            x = np.array([scalars[0][f"{m}_regions"] for m in found])
            y = np.array([[s[keys[m]] for m in found] for s in scalars])
            order = np.argsort(x)
            _band(axes, x[order], y[:, order], COLOURS[way.name], marker="o")
            ends.append(
                (float(x.max()), float(y[:, order[-1]].mean()), way.label, COLOURS[way.name])
            )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title(title)
        axes.set_xlabel("regions of the law")
        label_at_the_side(axes, ends)
    panels[0].set_ylabel("microseconds for a state")
    return figure


def _learners(trials: Sequence[Trial], plant: str) -> list[tuple[str, Competitor]]:
    """Competitors that learned on the plant, by their short names."""
    found = []
    for competitor in trials[0].metrics.competitors:
        name = competitor.name.removeprefix(f"{plant}-")
        if name != competitor.name and "training_cost" in competitor.quality:
            found.append((name, competitor))
    return found


def _fixed(trials: Sequence[Trial], name: str) -> float | None:
    values = [t.scalars().get(f"{name}.final") for t in trials]
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None


def _stacked(trials: Sequence[Trial], name: str) -> Values:
    return np.stack([t.series[name] for t in trials])


def _band(axes: Axes, x: Values, y: Values, colour: str, marker: str = "") -> None:
    axes.fill_between(x, y.min(0), y.max(0), color=colour, alpha=0.15, lw=0)
    axes.plot(x, y.mean(0), color=colour, marker=marker, markersize=4)


def _short(competitor: Competitor) -> str:
    """Its label without the plant."""
    return competitor.label.rpartition(",")[0]


def _pastel() -> ListedColormap:
    """Nineteen soft colours, so that neighbours differ."""
    angles = 2 * np.pi * np.arange(19)[:, None] / 19 + np.array([0.0, 2.1, 4.2])
    return ListedColormap(0.78 + 0.2 * np.cos(5 * angles))
