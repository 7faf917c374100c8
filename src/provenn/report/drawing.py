"""A page's figures as SVG that takes its colours from the page around it.

The pages draw with matplotlib as they like; the style below gives text, grid and the colour cycle
marked colours, and the SVG that comes out has them replaced by CSS variables (with the light
theme's colour as the fallback), so that a figure follows the reader's theme. Only listed elements
and attributes pass, no ``style`` and no script among them, so the figure is safe inside a page with
a strict content-security policy.
"""

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
from cycler import cycler
from matplotlib.figure import Figure

INK, MUTED, GRID = "#1d1f24", "#5b606b", "#e1e2e6"
SERIES = ("#0a66b7", "#c2501a", "#0b7f5f", "#9a4f96", "#7d6608", "#3d7d92", "#b03a5b", "#5d5fa8")
"""Distinguishable with every kind of colour blindness in pairs of neighbours, 4.5:1 on white."""

LARGEST = 250_000
"""Characters of SVG beyond which a figure's marks are turned into one picture."""

_VARIABLES = {INK: "ink", MUTED: "muted", GRID: "line", "#000000": "ink", "#ffffff": "page"} | {
    colour: f"series-{i}" for i, colour in enumerate(SERIES, start=1)
}
_ELEMENTS = (
    "svg",
    "g",
    "defs",
    "clipPath",
    "pattern",
    "path",
    "rect",
    "use",
    "image",
    "text",
    "tspan",
)
_PRESENTATION = re.compile(
    r"fill(-opacity|-rule)?|opacity|text-anchor|font-(size|style|weight)"
    r"|stroke(-width|-opacity|-dasharray|-dashoffset|-linecap|-linejoin|-miterlimit)?"
)
_GEOMETRY = re.compile(
    r"id|d|x|y|width|height|transform|viewBox|clip-path|href|patternUnits|preserveAspectRatio"
)
_FONT = re.compile(r"(?:(italic|oblique)\s+)?(?:(bold|[1-9]00)\s+)?(?:\S+\s+)??([\d.]+)px\b.*")
_REFERENCE = re.compile(r"url\(#([\w-]+)\)")
_LONG_DECIMAL = re.compile(r"(\.\d\d)\d+")
_FALLBACK = re.compile(r"var\(--[\w-]+,(#[0-9a-f]{6})\)")


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the gallery's style inside the block, whatever the reader's own settings are."""
    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "provenn",
        "font.family": "DejaVu Sans",
        "font.size": 9.5,
        "figure.figsize": (6.4, 3.8),
        "figure.facecolor": "none",
        "savefig.facecolor": "none",
        "axes.facecolor": "none",
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.titlesize": 10,
        "axes.titlecolor": INK,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.prop_cycle": cycler(color=SERIES),
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "lines.linewidth": 1.8,
        "patch.linewidth": 0.8,
        "text.color": INK,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "legend.frameon": False,
        "legend.labelcolor": INK,
    }
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(settings)
        yield


def svg(figure: Figure, name: str) -> str:
    """``figure`` as an inline SVG element whose ids start with ``name``.

    Call it inside :func:`house_style`. The same figure gives the same bytes.
    """
    drawn = _savefig(figure)
    if len(drawn) > LARGEST:
        for axes in figure.axes:
            for artist in (*axes.lines, *axes.collections, *axes.patches):
                artist.set_rasterized(True)
        drawn = _savefig(figure)
    # The XML is matplotlib's own, and it has escaped every label.
    root = _clean(ElementTree.fromstring(drawn), f"{name}-")  # noqa: S314
    _drop_unused_ids(root)
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    root.set("xmlns", "http://www.w3.org/2000/svg")
    return ElementTree.tostring(root, encoding="unicode")


def standalone(inline: str) -> str:
    """An inline figure as a file of its own, in the light theme's colours."""
    fixed = _FALLBACK.sub(r"\1", inline)
    return fixed.replace("<svg ", '<svg font-family="sans-serif" ', 1) + "\n"


def _savefig(figure: Figure) -> str:
    out = io.StringIO()
    metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with warnings.catch_warnings():
        # The reader's fonts show the text, so it does not matter which glyphs ours has.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(
            out, format="svg", metadata=metadata, bbox_inches="tight", pad_inches=0.04, dpi=144
        )
    return out.getvalue()


def _clean(element: ElementTree.Element, prefix: str) -> ElementTree.Element:
    clean = ElementTree.Element(_plain(element.tag), _attributes(element.attrib, prefix))
    clean.text, clean.tail = element.text, element.tail
    for child in element:
        if _plain(child.tag) in _ELEMENTS:
            clean.append(_clean(child, prefix))
    if clean.tag not in ("text", "tspan"):
        clean.text = None
        for child in clean:
            child.tail = None
    return clean


def _attributes(attributes: Mapping[str, str], prefix: str) -> dict[str, str]:
    given = {_plain(name): value for name, value in attributes.items()}
    declarations = (d.partition(":") for d in given.pop("style", "").split(";"))
    styled = {key.strip(): value.strip() for key, _, value in declarations}
    if font := _FONT.fullmatch(styled.pop("font", "")):
        slant, weight, size = font.groups()
        styled |= {"font-size": size}
        styled |= {"font-style": slant} if slant else {}
        styled |= {"font-weight": weight} if weight else {}
    given |= {key: value for key, value in styled.items() if _PRESENTATION.fullmatch(key)}
    return {
        name: _value(name, value, prefix)
        for name, value in given.items()
        if _is_allowed(name, value)
    }


def _is_allowed(name: str, value: str) -> bool:
    if not (_PRESENTATION.fullmatch(name) or _GEOMETRY.fullmatch(name)):
        return False
    if name == "href":
        return value.startswith(("#", "data:image/png;base64,"))
    return "url(" not in value or bool(_REFERENCE.fullmatch(value))


def _value(name: str, value: str, prefix: str) -> str:
    if name == "id":
        return prefix + value
    if name == "href" and value.startswith("#"):
        return f"#{prefix}{value[1:]}"
    if name == "d":
        return " ".join(_LONG_DECIMAL.sub(r"\1", value).split())
    if name in ("fill", "stroke"):
        variable = _VARIABLES.get(value.lower())
        if variable:
            return f"var(--{variable},{value.lower()})"
    return _REFERENCE.sub(rf"url(#{prefix}\1)", value)


def _drop_unused_ids(root: ElementTree.Element) -> None:
    used: set[str] = set()
    for element in root.iter():
        used.update(r for value in element.attrib.values() for r in _REFERENCE.findall(value))
        if element.get("href", "").startswith("#"):
            used.add(element.attrib["href"][1:])
    for element in root.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)


def _plain(name: str) -> str:
    return name.rpartition("}")[2]
