"""Figures of the page, drawn from stored trials."""

import re
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from provenn.evidence.metrics import Competitor
from provenn.evidence.records import Trial

LOOK = {
    "dcdm": ("DCDM", "C0", "-"),
    "dcdm-w0": ("DCDM without A-orthogonality", "C0", "--"),
    "dcdm-3d": ("DCDM", "C0", "-"),
    "cg": ("CG", "C1", "-"),
    "cg-torch": ("CG in PyTorch", "C1", "--"),
    "deflated": ("deflated CG", "C4", "-"),
    "ic": ("IC(0)-CG", "C2", "-"),
    "mic": ("MIC(0)-CG", "C2", "--"),
    "amg-rs": ("AMG-CG, Ruge-Stüben", "C3", "-"),
    "amg-sa": ("AMG-CG, smoothed aggregation", "C3", "--"),
    "dct": ("cosine transform", "C7", ":"),
}
"""Label, colour and line of each competitor, in the order of legends."""

_CASE = re.compile(r"([a-z]+)-(\d+)(-3d)?")


def histories(trials: Sequence[Trial]) -> Figure | None:
    """Residuals by iteration: a panel for each domain of the training size."""
    series = trials[0].series
    keys = [name.removeprefix("history-") for name in series if name.startswith("history-")]
    found = [match for key in keys if (match := re.fullmatch(r"([a-z]+-\d+(?:-3d)?)-(.+)", key))]
    cases = list(dict.fromkeys(match[1] for match in found))
    if not cases:
        return None
    columns = min(len(cases), 3)
    rows = -(-len(cases) // columns)
    figure = Figure(figsize=(3.6 * columns, 3.2 * rows), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False, sharey=True).ravel())
    for axes, case in zip(panels, cases, strict=False):
        for name, (label, colour, line) in LOOK.items():
            history = series.get(f"history-{case}-{name}")
            if history is not None and name != "dct":
                axes.plot(history, line, color=colour, label=label, lw=1.3)
        axes.set_yscale("log")
        axes.set_xscale("symlog", linthresh=10)
        axes.set_xticks([0, 10, 100], ["0", "10", "100"])
        axes.set_title(_title(case))
        axes.set_xlabel("iteration")
    for axes in panels[len(cases) :]:
        axes.set_axis_off()
    panels[0].set_ylabel("residual / first residual")
    _legend(figure, panels[: len(cases)])
    return figure


def iterations_by_size(trials: Sequence[Trial]) -> Figure | None:
    """Iterations against the size of empty boxes."""
    if "own_cells" not in trials[0].series:
        return None
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    for name, line, label in (("own", "-", "a network for each"), ("moved", "--", "one, moved")):
        cells = trials[0].series[f"{name}_cells"]
        found = np.mean([t.series[f"{name}_iterations"] for t in trials], axis=0)
        axes.plot(cells, found, f"o{line}", color="C0", label=f"DCDM, {label}")
    for name, (label, colour, line) in LOOK.items():
        if name.startswith("dcdm") or name == "dct":
            continue
        quality = _quality(trials, name)
        sizes = _box_sizes(quality, "") or _box_sizes(quality, "-3d")
        if len(sizes) > 1:
            y = [quality[key] for key in sizes.values()]
            axes.plot([*sizes], y, f".{line}", color=colour, label=label)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    ticks = sorted({int(n) for s in ("own", "moved") for n in trials[0].series[f"{s}_cells"]})
    axes.set_xticks(ticks, [str(n) for n in ticks])
    axes.set_xlabel("cells along each axis")
    axes.set_ylabel("iterations to 1e-4")
    axes.legend(fontsize=8)
    return figure


def seconds(trials: Sequence[Trial]) -> Figure | None:
    """Time for a system, by domain and size."""
    timings = [t.metrics.timings for t in trials]
    cases = list(
        dict.fromkeys(
            key.partition(".seconds_")[2] for key in timings[0] if key.startswith("cg.seconds_")
        )
    )
    if not cases:
        return None
    figure = Figure(figsize=(7.6, 1.4 + 0.55 * len(cases)), layout="constrained")
    axes = figure.subplots()
    for name, (label, colour, line) in LOOK.items():
        shown = {"-": "o", "--": "D", ":": "s"}[line]
        x, y = [], []
        for row, case in enumerate(cases):
            for timing in timings:
                if (value := timing.get(f"{name}.seconds_{case}")) is not None:
                    x.append(value)
                    y.append(row)
        if x:
            axes.plot(x, y, shown, color=colour, label=label, alpha=0.6, markersize=5)
    axes.set_xscale("log")
    axes.set_yticks(range(len(cases)), [_title(case) for case in cases])
    axes.invert_yaxis()
    axes.set_xlabel("processor seconds for a system")
    _legend(figure, [axes])
    return figure


def windows(trials: Sequence[Trial]) -> Figure | None:
    """Iterations by window."""
    if "windows" not in trials[0].series:
        return None
    figure = Figure(figsize=(5.6, 3.4), layout="constrained")
    axes = figure.subplots()
    chosen = [int(w) for w in trials[0].series["windows"]]
    for trial in trials:
        found = trial.series["windows_iterations"]
        axes.plot(range(len(chosen)), found, ".-", color="C0", alpha=0.6)
    axes.set_xticks(range(len(chosen)), [str(w) for w in chosen])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("window w")
    axes.set_ylabel("iterations to 1e-4")
    return figure


def losses(trials: Sequence[Trial]) -> Figure | None:
    """Training losses of every network of the first seed."""
    series = trials[0].series
    curves = {k.removeprefix("loss-"): v for k, v in series.items() if k.startswith("loss-")}
    curves = {name: curve for name, curve in curves.items() if len(curve) >= 20}
    if not curves:
        return None
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, curve in curves.items():
        blocks = curve[: len(curve) // 20 * 20].reshape(-1, 20).mean(1)
        axes.plot(20 * np.arange(1, len(blocks) + 1), blocks, label=_network(name))
    axes.set_yscale("log")
    axes.set_xlabel("optimiser step")
    axes.set_ylabel("loss")
    axes.legend(fontsize=8)
    return figure


def _network(name: str) -> str:
    named = {"main": "the network under test", "plain": "plain vectors", "volume": "3-D"}
    return named.get(name, f"{name.removeprefix('n')} cells a side")


def _title(case: str) -> str:
    """``box-64`` as words: ``box, 64²``."""
    match = _CASE.fullmatch(case)
    if match is None:
        return case
    return f"{match[1]}, {match[2]}{'³' if match[3] else '²'}"


def _quality(trials: Sequence[Trial], name: str) -> dict[str, float]:
    """Mean qualities of a competitor over seeds."""
    of_seeds = [_named(t, name) for t in trials]
    if not all(of_seeds):
        return {}
    first = of_seeds[0]
    return {
        key: float(np.mean([c.quality[key] for c in of_seeds if c and key in c.quality]))
        for key in (first.quality if first else {})
    }


def _named(trial: Trial, name: str) -> Competitor | None:
    return next((c for c in trial.metrics.competitors if c.name == name), None)


def _box_sizes(quality: dict[str, float], suffix: str) -> dict[int, str]:
    """Key of the iterations in empty boxes by size, ascending."""
    pattern = re.compile(rf"iterations_box-(\d+){suffix}")
    found = {int(m[1]): key for key in quality if (m := pattern.fullmatch(key))}
    return dict(sorted(found.items()))


def _legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """One legend of all panels below them."""
    entries = {}
    for axes in panels:
        handles, labels = axes.get_legend_handles_labels()
        entries.update(dict(zip(labels, handles, strict=True)))
    figure.legend([*entries.values()], [*entries], loc="outside lower center", ncols=4, fontsize=8)
