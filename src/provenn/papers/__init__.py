"""One executable page a paper; pages of other distributions join through ``provenn.papers``."""

import importlib
import pkgutil
from functools import cache
from importlib.metadata import entry_points

from provenn.evidence.names import nearest
from provenn.evidence.page import Page

__all__ = ["load", "slugs"]

ENTRY_POINT_GROUP = "provenn.papers"


def slugs() -> list[str]:
    """Slugs of all pages that are installed, in alphabetical order."""
    return sorted(_modules())


def load(slug: str) -> Page:
    """The page of a paper.

    Raises:
        TypeError: If ``slug`` is not a string.
        ValueError: If there is no such page; the message names the nearest slug.
    """
    if not isinstance(slug, str):
        raise TypeError(f"slug must be a string such as 'phnn', got {slug!r:.80}")
    return _load(slug)


@cache
def _load(slug: str) -> Page:
    modules = _modules()
    if slug not in modules:
        raise ValueError(f"unknown paper {slug!r}; {nearest(slug, modules)}")
    page = Page.from_module(importlib.import_module(modules[slug]))
    if page.paper.slug != slug:
        raise ValueError(
            f"page {modules[slug]} is registered as {slug!r} but says {page.paper.slug!r}"
        )
    return page


@cache
def _modules() -> dict[str, str]:
    own = {
        info.name.replace("_", "-"): f"{__name__}.{info.name}"
        for info in pkgutil.iter_modules(__path__)
        if not info.ispkg
    }
    others = {entry.name: entry.value for entry in entry_points(group=ENTRY_POINT_GROUP)}
    return {**others, **own}
