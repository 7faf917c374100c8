"""Data sets by name."""

import difflib
from typing import get_args

from provenn.data.entry import Entry, Info, Kind
from provenn.data.sets import ENTRIES


def names(kind: Kind | None = None) -> list[str]:
    """Names of all data sets, or of one kind: ``images``, ``table`` or ``graph``.

    Raises:
        ValueError: ``kind`` is unknown.

    Example:
        >>> names("images")
        ['cifar10', 'cifar10_lossless', 'digits', 'fashion_mnist', 'mnist']
    """
    if kind is not None and kind not in get_args(Kind):
        raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}, got {kind!r}")
    return sorted(name for name, entry in ENTRIES.items() if kind in (None, entry.info.kind))


def info(name: str) -> Info:
    """What is known of a data set before it is read.

    Raises:
        TypeError: ``name`` is not a string.
        ValueError: No data set has this name.

    Example:
        >>> info("digits").shape, dict(info("digits").splits)
        ((1, 8, 8), {'train': 1437, 'test': 360})
    """
    return entry_of(name).info


def entry_of(name: str) -> Entry:
    """Entry of the data set ``name``; the error names the nearest match.

    Raises:
        TypeError: ``name`` is not a string.
        ValueError: No data set has this name.
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a string, got {type(name).__name__}")
    if name not in ENTRIES:
        close = difflib.get_close_matches(name, ENTRIES, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"data set {name!r} is unknown; {hint}accepted: {', '.join(names())}")
    return ENTRIES[name]
