"""The stores that a verb reads: the reader's own, and the evidence that was committed."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenn.cli.door import UsageError

if TYPE_CHECKING:
    from provenn.evidence.store import Store

StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="DIR",
        readable=False,
        help="Directory of the trials (default: $PROVENN_STORE, or the home of user data).",
    ),
]


def own_store(directory: Path | None) -> "Store":
    """The reader's store.

    Raises:
        UsageError: If ``directory`` is something else than a directory.
    """
    from provenn.evidence.files import StoreError
    from provenn.evidence.store import Store, default_store

    try:
        return default_store() if directory is None else Store(directory)
    except (OSError, RuntimeError, StoreError) as error:
        raise UsageError(f"--store: {error}") from error


def writable_store(directory: Path | None) -> "Store":
    """The reader's store, made if it is missing.

    Raises:
        UsageError: If nothing can be written there.
    """
    store = own_store(directory)
    try:
        store.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--store: cannot make {store.root}: {error.strerror}") from error
    if not os.access(store.root, os.W_OK | os.X_OK):
        raise UsageError(f"--store: {store.root} must be a directory that can be written")
    return store


def stores(directory: Path | None) -> "list[Store]":
    """The reader's store and the committed evidence."""
    from provenn.evidence.store import committed_store

    committed = committed_store()
    return [own_store(directory), *([committed] if committed else [])]
