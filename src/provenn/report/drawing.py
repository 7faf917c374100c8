"""A page's figures as SVG files that are small, harmless, and legible on light and dark pages.

The pages draw with matplotlib as they like; the style below gives text, grid and the colour cycle
colours of the gallery's light theme, and the file says how each of them looks where dark is
preferred. Only listed elements and attributes pass, so that a file is safe to open by itself too.
"""

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
from cycler import cycler
from matplotlib.figure import Figure

INK, MUTED, GRID = "#1d1f24", "#5b606b", "#e1e2e6"
SERIES = ("#0a66b7", "#c2501a", "#0b7f5f", "#9a4f96", "#7d6608", "#3d7d92", "#b03a5b", "#5d5fa8")
"""Distinguishable with every kind of colour blindness in pairs of neighbours, 4.5:1 on white."""

LARGEST = 250_000
"""Characters of matplotlib's SVG beyond which a figure's marks are turned into one picture."""

_CSS = Path(__file__).parent / "assets" / "gallery.css"
_THEMED = re.compile(
    r"--(?:page|ink|muted|line|series-\d): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)"
)
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
_CONTAINERS = ("svg", "g", "defs", "clipPath", "pattern")
_INHERITED = re.compile(
    r"fill(-opacity|-rule)?|text-anchor|font-(size|style|weight)"
    r"|stroke(-width|-opacity|-dasharray|-dashoffset|-linecap|-linejoin|-miterlimit)?"
)
_GEOMETRY = re.compile(
    r"id|d|x|y|width|height|transform|viewBox|clip-path|href|opacity"
    r"|patternUnits|preserveAspectRatio"
)
_FONT = re.compile(r"(?:(italic|oblique)\s+)?(?:(bold|[1-9]00)\s+)?(?:\S+\s+)??([\d.]+)px\b.*")
_REFERENCE = re.compile(r"url\(#([\w-]+)\)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
_COMMAND = re.compile(r"([MLQCz])([^MLQCz]*)")
_NO_ROTATION = re.compile(r"rotate\(-?0( [^)]*)?\)")


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


def svg(figure: Figure) -> str:
    """``figure`` as the text of an SVG file.

    Call it inside :func:`house_style`. The same figure gives the same bytes.
    """
    drawn = _savefig(figure)
    if len(drawn) > LARGEST:
        for axes in figure.axes:
            for artist in (*axes.lines, *axes.collections, *axes.patches):
                artist.set_rasterized(True)
        drawn = _savefig(figure)
    # The XML is matplotlib's own, and it has escaped every label.
    root = _clean(ElementTree.fromstring(drawn))  # noqa: S314
    _shorten_ids(root)
    root.insert(0, _definitions(root))
    classes: dict[str, str] = {}
    _flatten(root, {}, classes)
    _, _, width, height = root.attrib["viewBox"].split()
    root.attrib |= {
        "xmlns": "http://www.w3.org/2000/svg",
        "width": f"{float(width):.0f}",
        "height": f"{float(height):.0f}",
        "font-family": "sans-serif",
    }
    style = ElementTree.Element("style")
    style.text = _style_sheet(classes)
    root.insert(0, style)
    return ElementTree.tostring(root, encoding="unicode").replace(" />", "/>") + "\n"


def _style_sheet(classes: Mapping[str, str]) -> str:
    """The rules of ``classes``, and how their colours look on a dark page."""
    dark = dict(_THEMED.findall(_CSS.read_text(encoding="utf-8")))
    light, themed = [], []
    for declarations, name in classes.items():
        light.append(f".{name}{{{declarations}}}")
        changed = [
            f"{key}:{dark[value]}"
            for key, _, value in (d.partition(":") for d in declarations.split(";"))
            if value in dark
        ]
        if changed:
            themed.append(f".{name}{{{';'.join(changed)}}}")
    if themed:
        light.append(f"@media (prefers-color-scheme:dark){{{''.join(themed)}}}")
    return "".join(light)


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


def _clean(element: ElementTree.Element) -> ElementTree.Element:
    """The listed elements and attributes of ``element`` alone."""
    clean = ElementTree.Element(_plain(element.tag), _attributes(element.attrib))
    clean.text, clean.tail = element.text, element.tail
    for child in element:
        if _plain(child.tag) in _ELEMENTS:
            clean.append(_clean(child))
    if clean.tag not in ("text", "tspan"):
        clean.text = None
        for child in clean:
            child.tail = None
    return clean


def _attributes(attributes: Mapping[str, str]) -> dict[str, str]:
    given = {_plain(name): value for name, value in attributes.items()}
    declarations = (d.partition(":") for d in given.pop("style", "").split(";"))
    styled = {key.strip(): value.strip() for key, _, value in declarations}
    if font := _FONT.fullmatch(styled.pop("font", "")):
        slant, weight, size = font.groups()
        styled |= {"font-size": f"{size}px"}
        styled |= {"font-style": slant} if slant else {}
        styled |= {"font-weight": weight} if weight else {}
    given |= {k: v for k, v in styled.items() if k == "opacity" or _INHERITED.fullmatch(k)}
    return {name: _value(name, value) for name, value in given.items() if _is_allowed(name, value)}


def _is_allowed(name: str, value: str) -> bool:
    if not (_INHERITED.fullmatch(name) or _GEOMETRY.fullmatch(name)):
        return False
    if name == "href":
        return value.startswith(("#", "data:image/png;base64,"))
    if name == "transform":
        return not _NO_ROTATION.fullmatch(value)
    return "url(" not in value or bool(_REFERENCE.fullmatch(value))


def _value(name: str, value: str) -> str:
    if name == "d":
        return _relative(value)
    if name in ("x", "y", "width", "height", "viewBox"):
        return _NUMBER.sub(_short, value)
    if name in ("fill", "stroke"):
        return INK if value.lower() == "#000000" else value.lower()
    return value


def _short(number: re.Match[str]) -> str:
    return _hundredths(round(100 * float(number[0])))


def _hundredths(count: int) -> str:
    return f"{count / 100:.2f}".rstrip("0").rstrip(".")


def _relative(path: str) -> str:
    """A path of absolute M, L, Q, C and z with coordinates that count from the point before."""
    here = start = (0, 0)
    written = []
    for command, numbers in _COMMAND.findall(path):
        counts = [round(100 * float(number)) for number in numbers.split()]
        points = list(zip(counts[::2], counts[1::2], strict=True))
        moves = [f"{_hundredths(x - here[0])} {_hundredths(y - here[1])}" for x, y in points]
        written.append(command.lower() + " ".join(moves).replace(" -", "-"))
        here = points[-1] if points else start
        start = here if command == "M" else start
    return "".join(written)


def _shorten_ids(root: ElementTree.Element) -> None:
    """Number the ids that something refers to, and drop the others."""
    used: dict[str, str] = {}

    def short(name: str) -> str:
        return used.setdefault(name, f"i{len(used)}")

    for element in root.iter():
        for name, value in element.attrib.items():
            if name == "href" and value.startswith("#"):
                element.attrib[name] = f"#{short(value[1:])}"
            else:
                element.attrib[name] = _REFERENCE.sub(lambda m: f"url(#{short(m[1])})", value)
    for element in root.iter():
        if (identifier := element.attrib.pop("id", "")) in used:
            element.attrib["id"] = used[identifier]


def _definitions(root: ElementTree.Element) -> ElementTree.Element:
    """What is defined anywhere, taken out and put in one place."""
    together = ElementTree.Element("defs")
    for element in list(root.iter()):
        for defs in element.findall("defs"):
            element.remove(defs)
            together.extend(list(defs))
    return together


def _flatten(
    element: ElementTree.Element, given: Mapping[str, str], classes: dict[str, str]
) -> None:
    """Replace what marks inherit by a class of their own, and drop groups that then say nothing.

    Args:
        element: The element, changed in place.
        given: What it inherits.
        classes: Declarations to the name of their class, filled on the way.
    """
    own = {n: element.attrib.pop(n) for n in list(element.attrib) if _INHERITED.fullmatch(n)}
    style = {**given, **own}
    if element.tag in _CONTAINERS:
        children: list[ElementTree.Element] = []
        for child in element:
            _flatten(child, style, classes)
            children += list(child) if child.tag == "g" and not child.attrib else [child]
        element[:] = children
        return
    for part in element:  # of a text: what it does not say itself, it inherits from there
        _flatten(part, {}, classes)
    if style:
        declarations = ";".join(f"{name}:{value}" for name, value in sorted(style.items()))
        element.attrib["class"] = classes.setdefault(declarations, f"c{len(classes)}")


def _plain(name: str) -> str:
    return name.rpartition("}")[2]
