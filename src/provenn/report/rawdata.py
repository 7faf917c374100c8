"""The numbers behind a figure, read from its axes and written as CSV."""

import csv
import io
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import (
    Collection,
    LineCollection,
    PathCollection,
    PolyCollection,
    QuadMesh,
)
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from numpy.typing import NDArray

LARGEST = 5_000
"""Rows of one CSV; a figure that draws more says how many were left out."""

HEADER = ("panel", "kind", "series", "x", "y", "value")

Row = tuple[str, str, str, float | str, float | str, float | str]


@dataclass(frozen=True)
class RawData:
    """A figure's numbers.

    Args:
        text: CSV with the columns ``panel, kind, series, x, y, value``.
        rows: Rows that it holds.
        left_out: Rows beyond :data:`LARGEST`.
    """

    text: str
    rows: int
    left_out: int


def raw_data(figure: Figure) -> RawData:
    """Every line, point, bar, segment, band and image of ``figure``."""
    rows = [row for i, axes in enumerate(figure.axes, start=1) for row in _axes(axes, i)]
    kept = rows[:LARGEST]
    return RawData(
        text=table([HEADER, *kept]), rows=len(kept), left_out=max(len(rows) - LARGEST, 0)
    )


def table(rows: Iterable[Iterable[float | str]]) -> str:
    """``rows`` as CSV that a spreadsheet reads as data, never as a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: float | str) -> str:
    if isinstance(value, str):
        text = value.replace("\n", " ").replace("\r", " ")[:200]
        text = text.encode("utf-8", "replace").decode()
        return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
    return f"{value:.6g}" if math.isfinite(value) else ""


def _axes(axes: Axes, index: int) -> Iterator[Row]:
    panel = axes.get_title() or str(index)
    for line in axes.lines:
        yield from _line(line, panel)
    for collection in axes.collections:
        yield from _collection(collection, panel)
    for container in axes.containers:
        if isinstance(container, BarContainer):
            yield from _bars(axes, container, panel)
    for image in axes.images:
        yield from _image(image, panel)


def _line(line: Line2D, panel: str) -> Iterator[Row]:
    label = _label(line.get_label())
    x, y = np.asarray(line.get_xdata(orig=False)), np.asarray(line.get_ydata(orig=False))
    for a, b in zip(x, y, strict=True):
        yield panel, "line", label, float(a), float(b), ""


def _collection(collection: Collection, panel: str) -> Iterator[Row]:
    label = _label(collection.get_label())
    if isinstance(collection, QuadMesh):
        yield from _grid(collection.get_array(), panel, "mesh", label)
    elif isinstance(collection, PathCollection):
        values = collection.get_array()
        for i, (x, y) in enumerate(np.ma.filled(collection.get_offsets(), np.nan)):
            value = float(values[i]) if values is not None and i < len(values) else ""
            yield panel, "point", label, float(x), float(y), value
    elif isinstance(collection, LineCollection | PolyCollection):
        kind = "segment" if isinstance(collection, LineCollection) else "band"
        for i, path in enumerate(collection.get_paths()):
            for x, y in np.asarray(path.vertices):
                yield panel, kind, label, float(x), float(y), i


def _bars(axes: Axes, container: BarContainer, panel: str) -> Iterator[Row]:
    label = _label(container.get_label())
    upright = container.orientation != "horizontal"
    axis = axes.xaxis if upright else axes.yaxis
    ticks = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=False)
    names = {round(float(at), 6): text.get_text() for at, text in ticks if text.get_text()}
    for bar in container.patches:
        if upright:
            at, height = bar.get_x() + bar.get_width() / 2, bar.get_height()
        else:
            at, height = bar.get_y() + bar.get_height() / 2, bar.get_width()
        place = names.get(round(float(at), 6), float(at))
        yield panel, "bar", label, place, float(height), ""


def _image(image: AxesImage, panel: str) -> Iterator[Row]:
    yield from _grid(image.get_array(), panel, "image", _label(image.get_label()))


def _grid(cells: NDArray[Any] | None, panel: str, kind: str, label: str) -> Iterator[Row]:
    """One row a cell of a picture with one channel; a colour picture holds no measurement."""
    if cells is not None and cells.ndim == 2:
        for (row, column), value in np.ndenumerate(np.ma.filled(cells.astype(float), np.nan)):
            yield panel, kind, label, float(column), float(row), float(value)


def _label(label: object) -> str:
    text = str(label)
    return "" if text.startswith("_") else text
