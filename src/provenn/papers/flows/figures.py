"""Figures of the page, drawn from stored trials."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from provenn.evidence.records import Trial
from provenn.papers.flows.ensembles import FALLING, NORMS, SKIPS
from provenn.papers.flows.trainability import FACTORS, SKIP_FACTORS
from provenn.papers.flows.trainability import SKIPS as SCAN_SKIPS
from provenn.theory import critical, optimal_aspect_ratio

NAMES = {
    "linear": "linear", "relu": "ReLU", "leaky_relu": "leaky ReLU", "tanh": "tanh", "sin": "sin",
    "scaled_erf": "erf", "gelu": "GELU", "silu": "SWISH",
}  # fmt: skip
COLOURS = {name: f"C{i}" for i, name in enumerate(NAMES)}
ROLES = {"method": "C0", "peer": "C1", "baseline": "C2"}


def draw(trials: Sequence[Trial]) -> Mapping[str, Figure]:
    """Every figure for which the trials hold what it shows."""
    series = trials[0].series
    drawn = {
        "fluctuations": fluctuations(trials),
        "flow": kernels(trials),
        "trainability": trainability(trials) if "scan_depths" in series else None,
        "universality": universality(trials[0]),
        "skips": residual(trials),
        "collapse": collapsed(trials) if _tags(trials[0], "collapse-") else None,
        "accuracy": accuracies(trials),
        "change": changes(trials),
        "shares": shares(trials[0]),
        "shapes": shapes(trials) if _tags(trials[0], "aspect-ratio-") else None,
    }
    return {name: figure for name, figure in drawn.items() if figure is not None}


def kernels(trials: Sequence[Trial]) -> Figure:
    """Mean kernels by layer: theory as lines, measurement as points with errors."""
    names = _tags(trials[0], "k-theory-")
    figure = Figure(figsize=(8.4, 3.8), layout="constrained")
    still, falling = figure.subplots(1, 2)
    for name in names:
        axes = falling if name in FALLING else still
        theory = trials[0].series[f"k-theory-{name}"]
        layers = np.arange(1, len(theory) + 1)
        axes.plot(layers, theory, color=COLOURS[name], lw=1.2, label=NAMES[name])
        mean, error = _pooled(trials, f"k-measured-{name}", f"k-error-{name}")
        every = slice(0, None, max(1, len(theory) // 12))
        axes.errorbar(
            layers[every], mean[every], 2 * error[every], fmt=".", color=COLOURS[name], capsize=2
        )
    falling.set_xscale("log")
    falling.set_yscale("log")
    for axes in (still, falling):
        axes.set_xlabel("layer")
        axes.legend(fontsize=8)
    still.set_ylabel("kernel K")
    still.set_ylim(bottom=0)
    return figure


def fluctuations(trials: Sequence[Trial]) -> Figure:
    """``V / n K²`` against ``ℓ / n``, theory as lines and measurement as bands."""
    names = _tags(trials[0], "v-theory-")
    figure = Figure(figsize=(8.4, 4.0), layout="constrained")
    steep, flat = figure.subplots(1, 2)
    for name in names:
        axes = flat if name in FALLING else steep
        first = trials[0].series
        x = first[f"depth-over-width-{name}"]
        mean, error = _pooled(trials, f"v-measured-{name}", f"v-error-{name}")
        colour = COLOURS[name]
        nu = critical(name).nu
        axes.fill_between(x, mean - 2 * error, mean + 2 * error, color=colour, alpha=0.25, lw=0)
        axes.plot(x, mean, ".", color=colour, markersize=3)
        axes.plot(
            x, first[f"v-theory-{name}"], color=colour, lw=1.2, label=f"{NAMES[name]}: {nu:.3g}"
        )
        if critical(name).klass == "scale-invariant":
            n = round(float(1 / x[0]))
            axes.plot(x, (1 + nu / n) ** np.arange(len(x)) - 1, "--", color=colour, lw=1)
    for axes in (steep, flat):
        axes.set_xlabel("depth / width")
        axes.legend(fontsize=8, title="slope nu", title_fontsize=8)
    steep.set_ylabel("V / n K²")
    return figure


def universality(trial: Trial) -> Figure:
    """``K (-a_1) ℓ`` of the class ``K*=0`` from several norms."""
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for name in FALLING:
        for norm, style in zip(NORMS, ("--", "-", ":"), strict=True):
            reached = trial.series[f"universal-{name}-{str(norm).replace('.', '-')}"]
            layers = trial.series["universal_layers"]
            label = NAMES[name] if style == "-" else None
            axes.plot(layers, reached, style, color=COLOURS[name], lw=1.2, label=label)
    axes.axhline(1, color="C7", lw=0.8)
    axes.set_xscale("log")
    axes.set_xlabel("layer")
    axes.set_ylabel("|a₁| · K · layer")
    axes.legend(fontsize=8)
    return figure


def residual(trials: Sequence[Trial]) -> Figure:
    """``V / K²`` of residual networks by layer."""
    figure = Figure(figsize=(8.4, 3.8), layout="constrained")
    panels = figure.subplots(1, 2)
    for axes, name in zip(panels, ("tanh", "relu"), strict=True):
        for i, gamma in enumerate(SKIPS):
            tag = f"{name}-{str(gamma).replace('.', '-')}"
            first = trials[0].series
            layers = np.arange(1, len(first[f"skip-complete-{tag}"]) + 1)
            mean, error = _pooled(trials, f"skip-measured-{tag}", f"skip-error-{tag}")
            colour = f"C{i}"
            axes.plot(layers, first[f"skip-published-{tag}"], ":", color=colour, lw=1.4)
            axes.plot(layers, first[f"skip-complete-{tag}"], color=colour, lw=1.2)
            axes.errorbar(
                layers, mean, 2 * error, fmt=".", color=colour, capsize=2, label=f"gamma = {gamma}"
            )
        axes.set_title(f"{NAMES[name]}: dotted as published, solid complete")
        axes.set_xlabel("layer")
        axes.legend(fontsize=8)
    panels[0].set_ylabel("V / K²")
    return figure


def collapsed(trials: Sequence[Trial]) -> Figure:
    """Fluctuations of several widths over ``(ℓ - 1) / n``."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.subplots()
    widths = sorted(int(tag) for tag in _tags(trials[0], "collapse-"))
    for i, n in enumerate(widths):
        curves = np.stack([t.series[f"collapse-{n}"] for t in trials])
        x = np.arange(curves.shape[1]) / n
        axes.plot(x, curves.mean(0), ".-", color=f"C{i}", lw=1, label=f"width {n}")
    axes.plot([0, 1 / 8], [0, 5 / 8], color="C7", lw=0.8, ls="--", label="slope 5")
    axes.set_xlabel("(layer - 1) / width")
    axes.set_ylabel("log(1 + V / n K²)")
    axes.legend(fontsize=8)
    return figure


def accuracies(trials: Sequence[Trial]) -> Figure:
    """Test accuracy of each initialisation: a point a seed, a bar their mean."""
    competitors = [c for c in trials[0].metrics.competitors if "accuracy" in c.quality][::-1]
    figure = Figure(figsize=(7.6, 0.9 + 0.3 * len(competitors)), layout="constrained")
    axes = figure.subplots()
    for row, c in enumerate(competitors):
        found = np.array([t.scalars()[f"{c.name}.accuracy"] for t in trials])
        axes.barh(row, found.mean(), color=ROLES[c.role], alpha=0.7, height=0.6)
        axes.plot(found, np.full(len(found), row), ".", color="C7")
    axes.set_yticks(range(len(competitors)), [c.label for c in competitors])
    axes.set_xlim(0, 1)
    axes.set_xlabel("test accuracy")
    return figure


def trainability(trials: Sequence[Trial]) -> Figure:
    """Maps of test accuracy over depth and ``C_W``: a row an activation, a column a skip."""
    depths = [int(d) for d in trials[0].series["scan_depths"]]
    columns = (
        ("0-0", FACTORS, "no skips"),
        *((str(g).replace(".", "-"), SKIP_FACTORS, f"gamma = {g}") for g in SCAN_SKIPS),
    )
    figure = Figure(figsize=(8.8, 5.2), layout="constrained")
    grid = figure.subplots(
        2, len(columns), sharey=True, width_ratios=[len(factors) for _, factors, _ in columns]
    )
    for row, activation in zip(grid, ("tanh", "relu"), strict=True):
        for axes, (tag, factors, title) in zip(row, columns, strict=True):
            mean = np.mean([t.series[f"scan-{activation}-{tag}"] for t in trials], axis=0)
            _heat(axes, mean)
            axes.set_xticks(range(len(factors)), [f"{c:g}" for c in factors])
            axes.set_yticks(range(len(depths)), [str(d) for d in depths])
            axes.set_title(f"{NAMES[activation]}, {title}")
        row[0].set_ylabel("depth")
    figure.supxlabel("C_W / critical C_W", fontsize=9)
    return figure


def changes(trials: Sequence[Trial]) -> Figure:
    """Change of the tangent kernel, and error of the prediction, over width."""
    figure = Figure(figsize=(8.4, 3.6), layout="constrained")
    panels = figure.subplots(1, 2)
    titles = (
        ("change", "relative change of the tangent kernel"),
        ("prediction-error", "error of the infinite-width prediction"),
    )
    for axes, (what, title) in zip(panels, titles, strict=True):
        for i, depth in enumerate((3, 6)):
            for k, trial in enumerate(trials):
                axes.plot(
                    trial.series[f"change-widths-{depth}"], trial.series[f"{what}-{depth}"], ".-",
                    color=f"C{i}", alpha=0.7, lw=1, label=None if k else f"depth {depth}",
                )  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        widths = [int(n) for n in trials[0].series["change-widths-3"]]
        axes.set_xticks(widths, [str(n) for n in widths])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("width")
        axes.set_title(title)
        axes.legend(fontsize=8)
    return figure


def shares(trial: Trial) -> Figure:
    """Share of each layer's biases in the tangent kernel of tanh networks."""
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = figure.subplots()
    for i, (scheme, label) in enumerate(
        (("equal-rates", "equivalence principle"), ("class-rates", "asymptotic form"),
         ("uniform-rates", "uniform"))
    ):  # fmt: skip
        found = trial.series[f"shares-{scheme}-tanh"][0]
        axes.plot(np.arange(1, len(found) + 1), found, ".-", color=f"C{i}", label=label)
    axes.axhline(1, color="C7", lw=0.8)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("layer")
    axes.set_ylabel("share / mean share")
    axes.legend(fontsize=8)
    return figure


def shapes(trials: Sequence[Trial]) -> Figure:
    """Test accuracy over ``L / n`` at a fixed number of parameters."""
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for name in ("relu", "tanh"):
        colour = COLOURS[name]
        for k, trial in enumerate(trials):
            axes.plot(
                trial.series[f"aspect-ratio-{name}"], trial.series[f"aspect-accuracy-{name}"], ".-",
                color=colour, alpha=0.7, lw=1, label=None if k else NAMES[name],
            )  # fmt: skip
        axes.axvline(optimal_aspect_ratio(10, name), color=colour, ls=":", lw=1)
    axes.set_xscale("log")
    axes.set_xlabel("depth / width")
    axes.set_ylabel("test accuracy")
    axes.legend(fontsize=8)
    return figure


def _tags(trial: Trial, prefix: str) -> list[str]:
    """What follows the prefix in the names of series, in the page's order where there is one."""
    found = [name.removeprefix(prefix) for name in trial.series if name.startswith(prefix)]
    return sorted(found, key=lambda tag: [*NAMES].index(tag) if tag in NAMES else 0)


def _pooled(
    trials: Sequence[Trial], mean: str, error: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean over trials and its standard error."""
    means = np.mean([t.series[mean] for t in trials], axis=0)
    errors = np.sqrt(np.sum([t.series[error] ** 2 for t in trials], axis=0)) / len(trials)
    return means, errors


def _heat(axes: Axes, values: NDArray[np.float64]) -> None:
    """Accuracies as shades of one colour, with their numbers."""
    axes.set_xlim(-0.5, values.shape[1] - 0.5)
    axes.set_ylim(-0.5, values.shape[0] - 0.5)
    for row, line in enumerate(values):
        for column, value in enumerate(line):
            axes.fill_between(
                [column - 0.5, column + 0.5], row - 0.5, row + 0.5, color="C0", lw=0,
                alpha=0.65 * float(value),
            )  # fmt: skip
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8)
    axes.grid(visible=False)
