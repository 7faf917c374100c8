"""The door: load a data set by name, or fetch it beforehand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from provenn.data import cache
from provenn.data.bundled import bundled_source, read_bundled
from provenn.data.catalogue import entry_of
from provenn.data.dataset import SPLITS, Dataset, Decoded
from provenn.data.entry import AnyReader, Entry, Part
from provenn.data.errors import DataError
from provenn.data.find import Place, Root, read_part, where
from provenn.data.tables import fixed_split


def load(name: str, split: str = "train", *, root: Root = None, download: bool = True) -> Dataset:
    """Load a split of a table or of a set of images.

    Images are float32, ``N x C x H x W``, in [0, 1]; tables float32, ``N x d``, in their own units;
    labels int64. A set that was published without a split has a fixed one: a fifth of the rows,
    drawn with seed 0 and stratified by class, is for test. ``all`` is train followed by test, or
    every row in the order of the file where the split is ours.

    Args:
        name: Name of the set, see :func:`names`.
        split: ``train``, ``test`` or ``all``.
        root: Folder of data sets to look in first; ``PROVENN_DATA`` if not given.
        download: Whether to fetch the set if it is neither in the folder nor in the cache.

    Raises:
        TypeError: ``name`` is not a string or ``download`` no bool.
        ValueError: The set or the split is unknown, or the set is a graph.
        DataError: It cannot be had or is damaged; the message says what to do.
        ImportError: The extra ``data`` is needed and is not installed.

    Example:
        >>> wine = load("wine", "test")
        >>> wine.x.shape, wine.classes
        ((36, 13), ('class_0', 'class_1', 'class_2'))
    """
    entry = entry_of(name)
    if entry.info.kind == "graph":
        raise ValueError(f"{name!r} is a graph: use load_graph({name!r})")
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    if not isinstance(download, bool):
        raise TypeError(f"download must be a bool, got {download!r:.80}")
    if entry.info.bundled:
        decoded, source = _select(entry, read_bundled(name), split), bundled_source()
    elif "all" in entry.parts:
        whole, source = read_part(entry, "all", decode, root=root, fetch=download)
        decoded = _select(entry, whole, split)
    elif split == "all":
        parts = [read_part(entry, key, decode, root=root, fetch=download) for key in entry.parts]
        decoded = _joined([part for part, _ in parts])
        source = ", ".join(dict.fromkeys(place for _, place in parts))
    else:
        decoded, source = read_part(entry, split, decode, root=root, fetch=download)
    return Dataset(
        name=name,
        split=split,
        x=decoded.floats(),
        y=decoded.y,
        classes=decoded.classes,
        features=decoded.features,
        sha256=decoded.sha256,
        source=source,
        note=decoded.note,
    )


def fetch(name: str, *, root: Root = None) -> Place:
    """Make a data set ready for use without the network, and say where it is.

    What is in the folder of data sets is checked; what is not is downloaded, a damaged download
    again. Images are decoded and kept in the cache.

    Args:
        name: Name of the set, see :func:`names`.
        root: Folder of data sets to look in first; ``PROVENN_DATA`` if not given.

    Raises:
        TypeError: ``name`` is not a string.
        ValueError: No data set has this name.
        DataError: It cannot be had or is damaged; the message says what to do.
        ImportError: The extra ``data`` is needed and is not installed.
    """
    entry = entry_of(name)
    make = _check_graph if entry.info.kind == "graph" else decode
    for key in entry.parts:
        read_part(entry, key, make, root=root, fetch=True, renew=True)
    return where(name, root=root)


def decode(part: Part, files: Sequence[bytes], read: AnyReader) -> Decoded:
    """Arrays of a part: from the cache, or read from the bytes of its files and then kept there.

    Raises:
        DataError: The files are damaged or are not the published ones.
    """
    path = cache.entry_path(part.name, files)
    kept = cache.recall(path)
    decoded: Decoded = read(files, part.expected) if kept is None else kept
    if part.sha256 and decoded.sha256 != part.sha256:
        raise DataError(
            "these are not the published pixels and labels: the SHA-256 of the decoded arrays is "
            f"{decoded.sha256}, it must be {part.sha256}"
        )
    if kept is None:
        cache.keep(path, decoded)
    return decoded


def _check_graph(part: Part, files: Sequence[bytes], read: AnyReader) -> None:
    read(files, part.expected)


def _select(entry: Entry, whole: Decoded, split: str) -> Decoded:
    """A split of a set that was published without one."""
    if split == "all":
        return whole
    train, test = fixed_split(whole.y, entry.info.splits["test"])
    return whole.rows(train if split == "train" else test)


def _joined(parts: Sequence[Decoded]) -> Decoded:
    x = np.concatenate([part.x for part in parts])
    y = np.concatenate([part.y for part in parts])
    return replace(parts[0], x=x, y=y)
