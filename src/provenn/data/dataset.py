"""What a data set is once it is in memory, and the hash that names its content."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Float64, Int64, Shaped
from numpy.typing import NDArray

from provenn.data.records import check_texts, check_types

SPLITS = ("train", "test", "all")

Labels = Int64[np.ndarray, " n"]
Targets = Float64[np.ndarray, " n"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """A split of a data set, in memory.

    Attributes:
        name: Name of the set, e.g. ``mnist``.
        split: ``train``, ``test`` or ``all``.
        x: Inputs, float32: images ``N x C x H x W`` in [0, 1], tables ``N x d`` in their own units.
        y: Class numbers, int64 in ``[0, len(classes))``; for a regression set its targets, float64.
        classes: Name of each class; empty for a regression set.
        features: Name of each column of a table; empty for images.
        sha256: Hash of the decoded arrays in the layout of :func:`fingerprint`.
        source: Where the arrays were read from, without a path of this machine.
        note: What a user should know about this copy, e.g. that it is lossy; mostly empty.

    Raises:
        TypeError: A field has the wrong type.
        ValueError: ``x`` and ``y`` differ in length, ``split`` is unknown, or ``sha256`` is none.
    """

    name: str
    split: str
    x: Float32[np.ndarray, "n ..."] = field(repr=False)
    y: Labels | Targets = field(repr=False)
    classes: tuple[str, ...]
    features: tuple[str, ...] = field(repr=False)
    sha256: str
    source: str
    note: str = ""

    def __post_init__(self) -> None:
        texts = dict.fromkeys(("name", "split", "sha256", "source", "note"), str)
        check_types(self, {**texts, "x": np.ndarray, "y": np.ndarray})
        check_texts(self, "classes", "features")
        if self.x.dtype != np.float32:
            raise TypeError(f"x must be float32, got {self.x.dtype}")
        if self.y.dtype not in (np.int64, np.float64):
            raise TypeError(f"y must be int64 or float64, got {self.y.dtype}")
        if self.y.ndim != 1 or self.x.shape[:1] != self.y.shape:
            raise ValueError(
                f"y must have shape (n,) as x has n rows, got {self.y.shape} for x {self.x.shape}"
            )
        if self.split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {self.split!r}")
        if not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise ValueError(f"sha256 must be 64 hexadecimal digits, got {self.sha256!r:.80}")

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, kw_only=True, eq=False)
class Decoded:
    """Arrays as a reader gives them and as the cache keeps them.

    Attributes:
        x: float32 table, or uint8 images ``N x C x H x W`` whose levels run from 0 to ``levels``.
        y: Class numbers or targets.
        classes: Name of each class.
        features: Name of each column.
        levels: Level that means 1.0; 0 for a table.
        note: What a user should know about this copy.
    """

    x: Shaped[np.ndarray, "n ..."]
    y: Labels | Targets
    classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    levels: int = 0
    note: str = ""

    @cached_property
    def sha256(self) -> str:
        """Hash of the arrays, see :func:`fingerprint`."""
        return fingerprint({"x": self.x, "y": self.y})

    def rows(self, index: Int64[np.ndarray, " m"]) -> "Decoded":
        """The rows of ``index``, in its order."""
        return replace(self, x=self.x[index], y=self.y[index])

    def floats(self) -> Float32[np.ndarray, "n ..."]:
        """The inputs as float32, images scaled to [0, 1]."""
        if not self.levels:
            return self.x
        scaled: Float32[np.ndarray, n * shape] = np.divide(
            self.x, np.float32(self.levels), dtype=np.float32
        )
        return scaled


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a file must hold; a reader believes nothing else that the file says of itself.

    Attributes:
        rows: Number of examples.
        shape: Shape of one example.
        classes: Name of each class; empty for a regression set.
    """

    rows: int
    shape: tuple[int, ...]
    classes: tuple[str, ...]


Reader = Callable[[Sequence[bytes], Expected], Decoded]
"""Reader of a part of a data set from the bytes of its files; raises ``DataError``."""


def fingerprint(arrays: dict[str, NDArray[np.generic]]) -> str:
    """SHA-256 of named arrays.

    For each array in the order given, the ASCII line ``name dtype shape`` (``x |u1 (2, 1, 8, 8)``)
    and a newline, then its elements in C order, little-endian. A data set hashes ``x`` and ``y``;
    images as unsigned bytes before they are scaled to [0, 1].

    Example:
        >>> fingerprint({"y": np.array([0, 1])})[:12]
        'dc6c8d2bf4ec'
    """
    digest = hashlib.sha256()
    for name, array in arrays.items():
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(f"{name} {little.dtype.str} {little.shape}\n".encode())
        digest.update(little.data if little.size else b"")
    return digest.hexdigest()
