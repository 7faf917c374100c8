"""Pictures of learned algebras, drawn from stored trials."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from provenn.evidence.records import Trial
from provenn.papers.hypercomplex.learning import ALGEBRAS


def algebra_figure(trial: Trial) -> Figure:
    """The matrices of the Hamilton product, learned and true."""
    figure = Figure(figsize=(7.2, 3.9), layout="constrained")
    grid = figure.subplots(2, 4)
    for row, source in zip(grid, ("learned", "true"), strict=True):
        matrices = trial.series[f"algebra-{source}-quaternion"]
        for axes, matrix, unit in zip(row, matrices, "1ijk", strict=True):
            image = axes.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
            axes.set(xticks=[], yticks=[])
            axes.grid(visible=False)
            if source == "learned":
                axes.set_title(f"times {unit}")
        row[0].set_ylabel(source)
    figure.colorbar(image, ax=grid, shrink=0.8, ticks=[-1, 0, 1])
    return figure


def recovery_figure(trials: Sequence[Trial]) -> Figure:
    """Curves of the two tasks on which an algebra is learned, a line a seed."""
    figure = Figure(figsize=(8.4, 3.6), layout="constrained")
    known, unknown = figure.subplots(1, 2)
    for axes, series, label, bound in (
        (known, "recovery", "largest error of A", 1e-3),
        (unknown, "joint", "mean squared error", 1e-4),
    ):
        for colour, name in enumerate(ALGEBRAS):
            for i, trial in enumerate(trials):
                curve = trial.series[f"{series}-{name}"]
                steps = 20 * np.arange(1, len(curve) + 1)
                axes.plot(steps, curve, f"C{colour}", lw=1.3, label="" if i else name)
        axes.axhline(bound, color="0.5", lw=0.9, ls=":")
        axes.annotate(
            "must fall below", (1, bound), (-2, 3), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", fontsize=7.5,
        )  # fmt: skip
        axes.set(yscale="log", xlabel="step of Adam", ylabel=label)
    known.set_title("filters known")
    unknown.set_title("filters learned too")
    known.legend(fontsize=8)
    return figure
