"""``provenn report``: the gallery, from the reader's own trials and the committed evidence."""

import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenn.cli.door import CommandError, UsageError
from provenn.cli.output import AsJson, print_json, warn
from provenn.cli.pages import readable_pages
from provenn.cli.stores import StoreOption, own_store, stores

if TYPE_CHECKING:
    from provenn.evidence.store import Store


def report(
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Directory of the gallery (default: beside the store)."),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    store: StoreOption = None,
    as_json: AsJson = False,
) -> None:
    """Build the gallery of all papers and print its path."""
    index = build_gallery(stores(store), own_store(store).root, out)
    if as_json:
        print_json({"gallery": index})
    else:
        print(index)
    if open_:
        webbrowser.open(index.as_uri())


def build_gallery(stores: "Sequence[Store]", root: Path, out: Path | None = None) -> Path:
    """Build the gallery in ``out``, by default beside the store at ``root``; its ``index.html``.

    Raises:
        CommandError: If it cannot be written.
    """
    from provenn import report

    pages, broken = readable_pages()
    for slug, message in broken.items():
        warn(f"{slug} is left out of the gallery: {message}")
    place = out or root.with_name(f"{root.name}-gallery")
    try:
        return report.build(pages, stores, place)
    except ValueError as error:
        raise UsageError(f"gallery: {error}") from error
    except OSError as error:
        where = error.filename or place
        raise CommandError(f"gallery: cannot write {where}: {error.strerror}") from error
