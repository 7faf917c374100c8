"""Figures of the gallery that is there already, so that only what is new has to be drawn."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

import provenn
from provenn.evidence.files import read_bounded
from provenn.evidence.names import check_id
from provenn.evidence.page import Page
from provenn.evidence.records import Trial
from provenn.report.pictures import Picture
from provenn.report.rawdata import RawData

LARGEST_FILE = 10_000_000

_PACKAGE = Path(provenn.__file__).parent


def origin(page: Page, trials: Sequence[Trial]) -> str:
    """SHA-256 of all that figures come from: our code, the packages that draw, and the trials.

    Empty for a page from outside, whose code may lie anywhere.
    """
    if not page.module.startswith(f"{provenn.__name__}."):
        return ""
    digest = hashlib.sha256(_code().encode())
    for trial in trials:
        digest.update(trial.record.model_dump_json().encode())
    return digest.hexdigest()


def entry(made_from: str, pictures: Sequence[Picture]) -> dict[str, Any]:
    """What the manifest of a gallery says of the figures of one page and preset.

    Where one of them could not be drawn there is no origin, so that all are tried again.
    """
    figures = [
        {
            "name": picture.name,
            "rows": picture.data.rows,
            "left_out": picture.data.left_out,
            "sha256": _sha256(picture.svg, picture.data.text),
        }
        for picture in pictures
        if picture.data
    ]
    whole = not any(picture.problem for picture in pictures)
    return {"origin": made_from if whole else "", "figures": figures}


def reread(
    folder: Path, found: Any, made_from: str, page: Page, preset: str, n: int
) -> list[Picture]:
    """The figures that an earlier gallery drew from the same code and the same trials.

    Args:
        folder: The page's folder in that gallery.
        found: The :func:`entry` of its manifest, or anything else that was there.
        made_from: The :func:`origin` of what would be drawn now.
        page: The page.
        preset: A preset.
        n: Number of its trials.

    Returns:
        The figures, none if anything differs or cannot be read.
    """
    try:
        if not made_from or found["origin"] != made_from:
            return []
        return [_read(folder, figure, page, preset, n) for figure in found["figures"]]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return []


def _read(folder: Path, found: Mapping[str, Any], page: Page, preset: str, n: int) -> Picture:
    name = found["name"]
    check_id(name.replace("_", "-"), "figure name")
    svg, numbers = (
        read_bounded(folder / f"{preset}-{name}.{suffix}", LARGEST_FILE).decode()
        for suffix in ("svg", "csv")
    )
    if _sha256(svg, numbers) != found["sha256"]:
        raise ValueError(f"figure {name} was changed")
    data = RawData(text=numbers, rows=int(found["rows"]), left_out=int(found["left_out"]))
    caption = page.captions.get(name, "")
    return Picture(name=name, preset=preset, n=n, caption=caption, svg=svg, data=data)


def _sha256(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "replace")).hexdigest()


@cache
def _code() -> str:
    digest = hashlib.sha256(f"{mpl.__version__} {np.__version__}".encode())
    for path in sorted(p for p in _PACKAGE.rglob("*") if p.suffix in (".py", ".css")):
        digest.update(path.relative_to(_PACKAGE).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()
