"""Finding the files of a data set: the folder first, then earlier downloads, then public homes."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from provenn.data.cache import cache_folder
from provenn.data.catalogue import entry_of
from provenn.data.download import discard, download, local_path, read_download
from provenn.data.entry import AnyReader, Entry, Part
from provenn.data.errors import DataError
from provenn.data.records import check_types

T = TypeVar("T")
Root = str | os.PathLike[str] | None

_LARGEST = 2**30
"""Bytes of a file in the folder; the largest that was published has 162 MiB."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a data set is, or how it would be had.

    Attributes:
        name: Name of the set.
        found: Whether it can be loaded without the network.
        path: Its first file; ``None`` if it is bundled or was not found.
        says: The same in a sentence, with what to do if it was not found.

    Raises:
        TypeError: A field has the wrong type.
    """

    name: str
    found: bool
    path: Path | None
    says: str

    def __post_init__(self) -> None:
        check_types(self, {"name": str, "found": bool, "says": str})
        check_types(self, {"path": (Path, type(None))})


def where(name: str, *, root: Root = None) -> Place:
    """Say where a data set is, or how it would be had; nothing is read or fetched.

    Args:
        name: Name of the set, see :func:`names`.
        root: Folder of data sets to look in first; ``PROVENN_DATA`` if not given.

    Raises:
        TypeError: ``name`` is not a string.
        ValueError: No data set has this name.
        DataError: ``root`` or ``PROVENN_DATA`` is not a folder.

    Example:
        >>> where("digits").says
        'digits comes with scikit-learn'
    """
    entry = entry_of(name)
    if entry.info.bundled:
        return Place(name=name, found=True, path=None, says=f"{name} comes with scikit-learn")
    folder, _ = _folder(root)
    first: Path | None = None
    for key, part in entry.parts.items():
        files = _in_folder(part, folder) or _in_cache(name, part)
        if not files:
            return Place(name=name, found=False, path=None, says=_missing(name, key, part, folder))
        first = first or files[0]
    return Place(name=name, found=True, path=first, says=f"{name} is read from {first}")


def read_part(
    entry: Entry,
    key: str,
    decode: Callable[[Part, Sequence[bytes], AnyReader], T],
    *,
    root: Root,
    fetch: bool,
    renew: bool = False,
) -> tuple[T, str]:
    """Read the part ``key`` of a data set from where it is found first.

    Args:
        entry: The set.
        key: Its part: ``train``, ``test`` or ``all``.
        decode: Makes arrays of a part, the bytes of its files and their reader.
        root: Folder of data sets to look in first; ``PROVENN_DATA`` if ``None``.
        fetch: Whether the network may be used.
        renew: Whether a damaged download is fetched again; otherwise it is an error.

    Returns:
        What ``decode`` made, and where from, without a path of this machine.

    Raises:
        DataError: The part cannot be had or is damaged; the message says what to do.
        ImportError: An extra is needed and is not installed.
    """
    name, part = entry.info.name, entry.parts[key]
    folder, label = _folder(root)
    if paths := _in_folder(part, folder):
        try:
            files = [_read(path) for path in paths]
            return decode(part, files, part.read), f"{label}/{part.folder[0]}"
        except (DataError, OSError) as error:
            raise DataError(
                f"{name} ({key}) cannot be read from {paths[0]}: {error}. Replace it with what is "
                f"expected ({part.layout}), or take it away to have the set fetched."
            ) from error
    for mirror in part.mirrors:
        if not all(local_path(name, remote).is_file() for remote in mirror.files):
            continue
        try:
            files = [read_download(name, remote) for remote in mirror.files]
            return decode(part, files, mirror.read), mirror.label
        except (DataError, OSError) as error:
            if not renew:
                raise DataError(
                    f"the download of {name} ({key}) cannot be read: {error}. "
                    f"Run `provenn data fetch {name}` to download it again."
                ) from error
    failures = []
    for mirror in part.mirrors if fetch else ():
        try:
            files = [download(name, remote) for remote in mirror.files]
            return decode(part, files, mirror.read), mirror.label
        except DataError as error:
            failures.append(f"{mirror.label}: {error}")
            for remote in mirror.files:
                discard(name, remote)
    tried = f" Tried: {'; '.join(failures)}." if failures else ""
    raise DataError(_missing(name, key, part, folder) + tried)


def _folder(root: Root) -> tuple[Path | None, str]:
    """The folder of data sets, if there is one, and what to call it."""
    label = "root" if root is not None else "PROVENN_DATA"
    given = root if root is not None else os.environ.get("PROVENN_DATA") or None
    if given is None:
        return None, label
    if not isinstance(given, str | os.PathLike):
        raise TypeError(f"root must be a path, got {type(given).__name__}")
    if not given or not Path(given).is_dir():
        raise DataError(f"{label} must name a folder of data sets, got {str(given)!r}")
    return Path(given), label


def _in_folder(part: Part, folder: Path | None) -> list[Path]:
    """The part's files in the folder; none if not even one is there."""
    paths = [folder / path for path in part.folder] if folder else []
    return paths if any(path.exists() for path in paths) else []


def _in_cache(name: str, part: Part) -> list[Path]:
    """The part's files as an earlier download left them."""
    for mirror in part.mirrors:
        paths = [local_path(name, remote) for remote in mirror.files]
        if all(path.is_file() for path in paths):
            return paths
    return []


def _read(path: Path) -> bytes:
    size = path.stat().st_size
    if size > _LARGEST:
        raise DataError(f"it has {size} bytes, at most {_LARGEST} are accepted")
    return path.read_bytes()


def _missing(name: str, key: str, part: Part, folder: Path | None) -> str:
    cache = cache_folder()
    looked = f"it is neither in {folder} nor in {cache}"
    if not folder:
        looked = f"PROVENN_DATA is not set, and it is not in {cache}"
    fetch = f"run `provenn data fetch {name}`, or " if part.mirrors else ""
    return (
        f"{name} ({key}) is not on this machine: {looked}. To have it, {fetch}"
        f"set PROVENN_DATA to a folder that holds {', '.join(part.folder)} ({part.layout})."
    )
