"""What is known of a data set beforehand, and the files that it is read from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from provenn.data.dataset import Expected
from provenn.data.download import Remote
from provenn.data.records import check_texts, check_types

AnyReader = Callable[[Sequence[bytes], Expected], Any]
"""A ``Reader``, or a ``GraphReader`` for a graph."""

Kind = Literal["images", "table", "graph"]


@dataclass(frozen=True, kw_only=True)
class Info:
    """What is known of a data set before it is read.

    Attributes:
        name: Name for :func:`load`, or for :func:`load_graph` if ``kind`` is ``graph``.
        title: What it is, in one line.
        kind: ``images``, ``table`` or ``graph``.
        shape: Shape of one example: ``(C, H, W)`` of an image, ``(d,)`` of a row or a node.
        classes: Name of each class; empty for a regression set.
        splits: Number of examples in each split; for a graph ``all``, its nodes.
        homepage: Where it was published.
        licence: As its publisher states it.
        bundled: Whether it needs neither a file nor the network.
        extra: Extra of this package that it needs; empty if none.

    Raises:
        TypeError: A field has the wrong type.
        ValueError: ``kind`` or ``extra`` is unknown, or a size is not a positive integer.
    """

    name: str
    title: str
    kind: Kind
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    splits: Mapping[str, int]
    homepage: str
    licence: str
    bundled: bool = False
    extra: Literal["", "data", "graph"] = ""

    def __post_init__(self) -> None:
        texts = dict.fromkeys(("name", "title", "kind", "homepage", "licence", "extra"), str)
        check_types(self, {**texts, "shape": tuple, "splits": Mapping, "bundled": bool})
        check_texts(self, "classes")
        for name, accepted in (("kind", get_args(Kind)), ("extra", ("", "data", "graph"))):
            value = getattr(self, name)
            if value not in accepted:
                raise ValueError(f"{name} must be one of {accepted}, got {value!r}")
        for name, sizes in (("shape", self.shape), ("splits", tuple(self.splits.values()))):
            if not sizes or not all(type(size) is int and size > 0 for size in sizes):
                raise ValueError(f"{name} must hold positive integers, got {sizes}")


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """One public home of a part of a data set.

    Attributes:
        label: Its name in a data set's ``source``.
        files: Its files, in the order that ``read`` takes them.
        read: Their reader.
    """

    label: str
    files: Sequence[Remote]
    read: AnyReader


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a data set that has files of its own.

    Attributes:
        name: Its name in the cache, e.g. ``mnist-train``.
        expected: What the files must hold.
        folder: Their paths under ``PROVENN_DATA``.
        read: Reader of those.
        layout: What those files are, for the message when they are missing.
        mirrors: Public homes, the first one first.
        sha256: Fingerprint of the published arrays, where it is known.
    """

    name: str
    expected: Expected
    folder: Sequence[str]
    read: AnyReader
    layout: str
    mirrors: Sequence[Mirror] = ()
    sha256: str = ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A data set and its parts: ``train`` and ``test``, or ``all``, or none if it is bundled."""

    info: Info
    parts: Mapping[str, Part] = field(default_factory=dict)
