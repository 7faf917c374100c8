"""Figures of the page, drawn from stored trials."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from provenn.evidence.records import Trial
from provenn.papers.hypernetworks.measure import ACTIVATIONS, ARCHITECTURES, GRID, NORMS

COLOURS = {
    "mip": "C0",
    "mip-scaled": "C0",
    "hyperlight": "C4",
    "default": "C1",
    "encoding": "C2",
    "residual": "C3",
    "ordinary": "C7",
}
STYLES = {
    "mip-scaled": "--",
    "hyperlight": ":",
    "hyperfan-in": "--",
    "hyperfan-out": ":",
    "film": "-.",
    "low-rank": (0, (5, 1)),
    "concat": (0, (1, 2)),
}


def all_figures(trials: Sequence[Trial]) -> Mapping[str, Figure]:
    """Every figure for which there are measurements."""
    if not trials:
        return {}
    drawn = {
        "magnitude": magnitudes(trials),
        "gradients": gradients(trials),
        "learning": learning(trials),
    }
    series = trials[0].series
    if any(name.startswith("bayes-") for name in series):
        drawn["steps"] = bayes_curves(trials)
    if any(name.startswith("registration-") for name in series):
        drawn["registration"] = registration_curves(trials)
    if "grid" in series:
        drawn["grid"] = grid(trials)
    drawn["cost"] = cost(trials)
    return drawn


def magnitudes(trials: Sequence[Trial]) -> Figure:
    """Norm of the predicted weights against the input, at each mark of the training by Adam."""
    names = [n for n in ("default", "encoding", "residual", "mip") if _has(trials, "magnitude", n)]
    figure = Figure(figsize=(2.6 * len(names), 3.2), layout="constrained")
    panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    steps = [0, *trials[0].series["digits_marks"].astype(int)]
    for axes, name in zip(panels, names, strict=True):
        curves = _stacked(trials, f"magnitude-adam-{name}").mean(0)
        for i, (step, curve) in enumerate(zip(steps, curves, strict=False)):
            shade = 0.35 + 0.65 * i / (len(steps) - 1)
            axes.plot(
                GRID, curve, ".-", color=COLOURS[name], alpha=shade, label=f"step {step}",
                lw=1 + 0.25 * i,
            )  # fmt: skip
        axes.set_title(_label(trials, name))
        axes.set_xlabel("input")
        axes.legend(fontsize=7)
    panels[0].set_ylabel("norm of predicted weights")
    return figure


def gradients(trials: Sequence[Trial]) -> Figure:
    """Gradient norms of one seed, and their variation of all seeds."""
    figure = Figure(figsize=(9.0, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    names = [c.name for c in trials[0].metrics.competitors if _has(trials, "gradient", c.name)]
    names = [name for name in names if name in COLOURS]
    for row, name in enumerate(names):
        norms = trials[0].series[f"gradient-{name}"]
        left.plot(norms, color=COLOURS[name], lw=0.8, alpha=0.8, label=_label(trials, name))
        variation = [t.scalars()[f"{name}.gradient_cv_adam"] for t in trials]
        right.barh(-row, np.mean(variation), color=COLOURS[name], alpha=0.5, height=0.6)
        right.plot(variation, [-row] * len(variation), ".", color=COLOURS[name])
    left.set_yscale("log")
    left.set_xlabel("step")
    left.set_ylabel("norm of the gradient")
    left.legend(fontsize=7)
    right.set_yticks([-row for row in range(len(names))], [_label(trials, n) for n in names])
    right.set_xlabel("standard deviation / mean")
    return figure


def learning(trials: Sequence[Trial]) -> Figure:
    """Accuracy on digits over steps, by optimiser."""
    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, optimizer, title in zip(panels, ("adam", "sgd"), ("Adam", "SGD"), strict=True):
        _curves(axes, trials, f"digits-{optimizer}", trials[0].series["digits_marks"])
        axes.set_title(title)
        axes.set_xlabel("step")
    panels[0].set_ylabel("test accuracy")
    _legend(figure)
    return figure


def bayes_curves(trials: Sequence[Trial]) -> Figure:
    """Accuracy on MNIST over steps, by optimiser and number of entries."""
    keys = sorted(
        {name.split("-")[1] for name in trials[0].series if name.startswith("bayes-")},
        key=lambda key: (key.split("_")[0], int(key.partition("_d")[2])),
    )
    columns = sum(key.startswith("adam") for key in keys)
    figure = Figure(figsize=(3.1 * columns, 5.6), layout="constrained")
    panels = figure.subplots(2, columns, sharex=True, sharey=True, squeeze=False)
    for axes, key in zip(panels.flat, keys, strict=True):
        _curves(axes, trials, f"bayes-{key}", trials[0].series["bayes_marks"])
        optimizer, _, d = key.partition("_d")
        axes.set_title(f"{optimizer.upper() if optimizer == 'sgd' else 'Adam'}, d = {d}")
    for axes in panels[-1]:
        axes.set_xlabel("step")
    for axes in panels[:, 0]:
        axes.set_ylabel("test accuracy")
    _legend(figure)
    return figure


def registration_curves(trials: Sequence[Trial]) -> Figure:
    """Loss of registration over steps."""
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    axes = figure.subplots()
    _curves(axes, trials, "registration", trials[0].series["registration_marks"])
    axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.set_ylabel("loss, mean over trade-offs")
    _legend(figure)
    return figure


def grid(trials: Sequence[Trial]) -> Figure:
    """Default and MIP in each cell, after half the steps and after all."""
    labels = [f"{a}, {n}" for a in ACTIVATIONS for n in NORMS]
    labels += [f"{name} {sizes}" for name, sizes in ARCHITECTURES.items()]
    cells = np.concatenate(
        [_stacked(trials, "grid").mean(0), _stacked(trials, "architectures").mean(0)]
    )
    figure = Figure(figsize=(8.4, 4.6), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True, sharex=True)
    rows = -np.arange(len(labels))
    for axes, mark, title in zip(panels, (0, 1), ("half of the steps", "all steps"), strict=True):
        default, mip = cells[:, 0, mark], cells[:, 1, mark]
        axes.hlines(rows, default, mip, color="C7", lw=1.2)
        axes.plot(default, rows, "o", color=COLOURS["default"], label="default")
        axes.plot(mip, rows, "o", color=COLOURS["mip"], label="MIP")
        axes.set_title(title)
        axes.set_xlabel("test accuracy")
    panels[0].set_yticks(rows, labels)
    _legend(figure)
    return figure


def cost(trials: Sequence[Trial]) -> Figure:
    """Time of a step and parameters on digits, as multiples of the default's."""
    scalars = [t.scalars() for t in trials]
    names = [c.name for c in trials[0].metrics.competitors if "accuracy_adam_half" in c.quality]
    figure = Figure(figsize=(8.4, 0.9 + 0.28 * len(names)), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    rows = -np.arange(len(names))
    for axes, metric, title in zip(
        panels, ("step_ms", "parameters"), ("time of a step", "parameters"), strict=True
    ):
        for row, name in zip(rows, names, strict=True):
            if f"{name}.{metric}" not in scalars[0]:
                continue
            ratios = [s[f"{name}.{metric}"] / s[f"default.{metric}"] for s in scalars]
            axes.barh(row, np.mean(ratios), color=COLOURS.get(name, "C5"), alpha=0.6)
            axes.plot(ratios, [row] * len(ratios), ".", color=COLOURS.get(name, "C5"))
            axes.annotate(
                f"{np.mean(ratios):.2f}", (max(ratios), row), (4, 0), va="center", fontsize=7.5,
                textcoords="offset points",
            )  # fmt: skip
        axes.axvline(1.0, color="C7", lw=0.8, ls=":")
        axes.margins(x=0.15)
        axes.set_title(title)
        axes.set_xlabel("multiple of the default's")
    panels[0].set_yticks(rows, [_label(trials, name) for name in names])
    return figure


def _curves(axes: Axes, trials: Sequence[Trial], kind: str, marks: NDArray[np.float64]) -> None:
    """Curves of every method that has them: the mean over seeds, and the range of the main two."""
    for competitor in trials[0].metrics.competitors:
        name = competitor.name
        if f"{kind}-{name}" not in trials[0].series:
            continue
        curves = _stacked(trials, f"{kind}-{name}")
        colour = COLOURS.get(name, "C5")
        if name in ("mip", "default"):
            axes.fill_between(marks, curves.min(0), curves.max(0), color=colour, alpha=0.15, lw=0)
        axes.plot(
            marks[: curves.shape[1]],
            curves.mean(0),
            color=colour,
            ls=STYLES.get(name, "-"),
            lw=2.0 if name in ("mip", "default") else 1.2,
            label=competitor.label,
        )


def _legend(figure: Figure) -> None:
    """One legend of everything that the figure's panels show."""
    shown: dict[str, Artist] = {}
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        shown.update(zip(labels, handles, strict=True))
    figure.legend(
        list(shown.values()), list(shown), loc="outside lower center", ncols=4, fontsize=8
    )


def _has(trials: Sequence[Trial], kind: str, name: str) -> bool:
    keys = (f"{kind}-{name}", f"{kind}-adam-{name}")
    return any(key in trials[0].series for key in keys)


def _label(trials: Sequence[Trial], name: str) -> str:
    return next(c.label for c in trials[0].metrics.competitors if c.name == name)


def _stacked(trials: Sequence[Trial], series: str) -> NDArray[np.float64]:
    return np.stack([t.series[series] for t in trials])
