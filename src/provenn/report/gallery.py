"""The gallery as files: built beside its place, then swapped in whole."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from provenn.evidence.assess import assess
from provenn.evidence.controls import gather
from provenn.evidence.fields import check_sequence, check_type
from provenn.evidence.lock import history
from provenn.evidence.page import Page
from provenn.evidence.store import Store
from provenn.report.earlier import entry, origin, reread
from provenn.report.overview import overview, survivors
from provenn.report.paper_view import paper_view
from provenn.report.pictures import draw, finished
from provenn.report.rendering import gallery_files

MANIFEST = "gallery.json"
"""Marks a directory as a gallery, and lists its own files and what its figures come from."""


def build(pages: Sequence[Page], stores: Sequence[Store], out: Path) -> Path:
    """Write the gallery of ``pages`` with the evidence of ``stores``.

    The same stores give the same bytes. The gallery is never half-written: it is built in a
    directory beside ``out`` and then takes its place. Files in ``out`` that are not the gallery's
    own stay. Figures that ``out`` holds already, drawn from the same trials by the same code, are
    not drawn again.

    Args:
        pages: Pages to show.
        stores: Stores to read, with the negative controls beside their trials; where two hold the
            same, the earlier one wins.
        out: Directory of the gallery; created if absent.

    Returns:
        Path of ``index.html``.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If two pages have the same slug, or ``out`` holds files and is no gallery.
        StoreError: If the ``claims.lock`` beside a page cannot be read.
        OSError: If ``out`` cannot be written; what was there before is still there.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     build([], [], Path(folder) / "gallery").name
        'index.html'
    """
    check_sequence(pages, Page, "pages")
    check_sequence(stores, Store, "stores")
    check_type(out, Path, "out")
    slugs = [page.paper.slug for page in pages]
    if len(set(slugs)) != len(slugs):
        raise ValueError(f"pages must have different slugs, got {sorted(slugs)}")
    out = out.resolve()
    there = _manifest(out)

    assessments = [assess(page, stores) for page in sorted(pages, key=lambda p: p.paper.slug)]
    surviving = survivors(assessments)
    views, figures = [], {}
    for assessment in assessments:
        page, drawn = assessment.page, []
        slug = page.paper.slug
        for preset, trials in finished(assessment).items():
            name, made_from = f"{slug}/{preset}", origin(page, trials)
            found = there["figures"].get(name)
            known = reread(out / slug, found, made_from, page, preset, len(trials))
            some = known or draw(page, preset, trials)
            figures[name] = entry(made_from, some)
            drawn += some
        views.append(paper_view(assessment, drawn, surviving[slug], history(page)))
    files = gallery_files(views, overview(views, gather(stores, slugs)))
    manifest = {"gallery": 1, "figures": figures, "files": sorted((*files, MANIFEST))}
    files[MANIFEST] = json.dumps(manifest, indent=1) + "\n"
    _swap_in(files, out, set(there["files"]))
    return out / "index.html"


def _manifest(out: Path) -> dict[str, Any]:
    """What the gallery that ``out`` holds says of its ``files`` and ``figures``."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return {"files": [], "figures": {}}
    try:
        found = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        figures = found.get("figures")
        return {
            "files": [str(name) for name in found["files"]],
            "figures": figures if isinstance(figures, dict) else {},
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(
            f"out must be a new or empty directory or a gallery, and {out} has files but no "
            f"readable {MANIFEST}"
        ) from None


def _swap_in(files: Mapping[str, str], out: Path, own: set[str]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    workplace = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        new = workplace / "new"
        for name, content in files.items():
            _write(new / name, content)
        _keep_others(out, new, own)
        if out.exists():
            out.rename(workplace / "old")
        try:
            new.rename(out)
        except OSError:
            (workplace / "old").rename(out)
            raise
    finally:
        shutil.rmtree(workplace)


def _keep_others(out: Path, new: Path, own: set[str]) -> None:
    """Copy the files of ``out`` that are not the gallery's own into ``new``."""
    for folder, _, names in os.walk(out):
        for name in names:
            path = Path(folder) / name
            relative = path.relative_to(out)
            if relative.as_posix() not in own and not (new / relative).exists():
                (new / relative).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, new / relative, follow_symlinks=False)


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8", "replace"))
