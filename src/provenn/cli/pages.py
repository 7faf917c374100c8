"""Pages by their slug, with an answer for every slug or preset that does not exist."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from provenn.cli.door import UsageError, unknown

if TYPE_CHECKING:
    from provenn.evidence import Page

Slug = Annotated[str, typer.Argument(metavar="SLUG", help="Paper, as `provenn list` names it.")]
Slugs = Annotated[
    list[str] | None,
    typer.Argument(metavar="SLUG...", help="Papers, as `provenn list` names them."),
]
Preset = Annotated[str, typer.Option(metavar="PRESET", help="How large: quick, laptop or full.")]
All = Annotated[bool, typer.Option("--all", help="Every paper.")]


def page(slug: str) -> "Page":
    """The page of ``slug``, or an error that lists the slugs."""
    from provenn import papers

    if slug not in papers.slugs():
        raise unknown(f"paper {slug!r}", slug, papers.slugs())
    try:
        return papers.load(slug)
    except (ImportError, SyntaxError, TypeError, ValueError) as error:
        raise UsageError(f"the page of {slug!r} cannot be read: {error}") from error


def pages(slugs: Sequence[str] | None, every: bool) -> "list[Page]":
    """The pages of ``slugs``, each once, or all pages."""
    from provenn import papers

    if every and slugs:
        raise UsageError(f"name papers or give --all, not both; got --all and {', '.join(slugs)}")
    if not every and not slugs:
        raise UsageError(f"name a paper or give --all; accepted: {', '.join(papers.slugs())}")
    return [page(slug) for slug in dict.fromkeys(papers.slugs() if every else slugs or ())]


def readable_pages() -> "tuple[list[Page], dict[str, str]]":
    """All pages, and for each that cannot be read its slug with the reason."""
    from provenn import papers

    found: list[Page] = []
    broken: dict[str, str] = {}
    for slug in papers.slugs():
        try:
            found.append(page(slug))
        except UsageError as error:
            broken[slug] = str(error)
    return found, broken


def check_preset(preset: str) -> str:
    """Return ``preset`` if there is one of that name."""
    from provenn.evidence.claims import PRESETS

    if preset not in PRESETS:
        raise unknown(f"preset {preset!r}", preset, PRESETS)
    return preset
