"""Readers of tables: LIBSVM's sparse text, CSV with a header, KEEL's ``.dat``, zipped or not."""

import csv
import io
import math
import warnings
import zipfile
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Int64

from provenn.data.dataset import Decoded, Expected, Labels, Targets
from provenn.data.errors import DAMAGE, DataError

_MISSING = {"", "?", "<null>"}
_LARGEST = 64 * 2**20
"""No table of the catalogue is over 2 MiB."""


def read_libsvm(files: Sequence[bytes], expected: Expected) -> Decoded:
    """Read ``label index:value ...`` lines; columns are named ``f1``, ``f2``, ...

    Raises:
        DataError: The text is damaged or is not the table that was expected.
    """
    from sklearn.datasets import load_svmlight_file

    columns = expected.shape[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            x, y = load_svmlight_file(
                io.BytesIO(files[0]), n_features=columns, dtype=np.float64, zero_based=False
            )
    except (*DAMAGE, Warning) as error:
        raise DataError(f"it is not a table in LIBSVM's format: {error}") from error
    return _table(x.toarray(), [f"{label:g}" for label in y], _numbered(columns), expected)


def read_csv(files: Sequence[bytes], expected: Expected) -> Decoded:
    """Read a CSV table whose first line names the columns and whose last column is the label.

    Raises:
        DataError: The text is damaged or is not the table that was expected.
    """
    header, *rows = _split(_text(files[0])) or [[]]
    names = tuple(name.strip() for name in header[:-1])
    columns = _columns(rows, len(header))
    x = [_numbers(column) for column in columns[:-1]]
    if len(names) != expected.shape[0] or any(column is None for column in x):
        raise DataError(f"it must have {expected.shape[0]} columns of numbers, then the label")
    return _table(np.array(x).T, columns[-1], names, expected)


def read_keel(files: Sequence[bytes], expected: Expected) -> Decoded:
    """Read a KEEL table, zipped or not: comma-separated, ``@`` lines are its header.

    The last column is the label. A column of words becomes one column of 0 and 1 for each of its
    words, in alphabetical order (``f1=b``, ``f1=c``, ...). Rows with a missing value are left out.

    Raises:
        DataError: The text is damaged or is not the table that was expected.
    """
    lines = [line for line in _split(_text(_unzipped(files[0]))) if not line[0].startswith("@")]
    rows = [[value.strip() for value in line] for line in lines]
    rows = [row for row in rows if _MISSING.isdisjoint(row)]
    columns = _columns(rows, len(rows[0]) if rows else 0)
    names: list[str] = []
    x: list[Sequence[float]] = []
    for name, column in zip(_numbered(len(columns) - 1), columns[:-1], strict=True):
        numbers = _numbers(column)
        if numbers is not None:
            names.append(name)
            x.append(numbers)
            continue
        for word in sorted(set(column)):
            if len(x) == expected.shape[0]:
                raise DataError(f"it must have {expected.shape[0]} columns, it has more")
            names.append(f"{name}={word}")
            x.append([float(value == word) for value in column])
    return _table(np.array(x).T, columns[-1], tuple(names), expected)


def fixed_split(
    y: Labels | Targets, test: int
) -> tuple[Int64[np.ndarray, " train"], Int64[np.ndarray, " test"]]:
    """The split of a set that was published without one: rows of train and of test, sorted.

    ``test`` rows are drawn by :func:`sklearn.model_selection.train_test_split` with seed 0, from
    each class in proportion.
    """
    from sklearn.model_selection import train_test_split

    classes = y if y.dtype == np.int64 else None
    train, held_out = train_test_split(
        np.arange(len(y)), test_size=test, random_state=0, stratify=classes
    )
    return np.sort(train), np.sort(held_out)


def _table(
    x: np.ndarray, labels: Sequence[str], features: tuple[str, ...], expected: Expected
) -> Decoded:
    shape = (expected.rows, *expected.shape)
    if x.shape != shape:
        raise DataError(f"it must be a table of {shape[0]} x {shape[1]}, it is {_by(x.shape)}")
    values = _float32(x)
    if set(labels) != set(expected.classes):
        raise DataError(
            f"its labels must be {', '.join(expected.classes)}, "
            f"they are {', '.join(sorted(set(labels)))[:200]}"
        )
    number = {name: i for i, name in enumerate(expected.classes)}
    y = np.array([number[label] for label in labels], np.int64)
    return Decoded(x=values, y=y, classes=expected.classes, features=features)


def _float32(x: np.ndarray) -> Float32[np.ndarray, "n d"]:
    if not (np.abs(x) < np.finfo(np.float32).max).all():
        raise DataError("its values must be finite numbers")
    return x.astype(np.float32)


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(str(size) for size in shape)


def _numbered(columns: int) -> tuple[str, ...]:
    return tuple(f"f{i + 1}" for i in range(columns))


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"it is not a text file: {error}") from error


def _split(text: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except csv.Error as error:
        raise DataError(f"it is not a comma-separated table: {error}") from error


def _columns(rows: list[list[str]], width: int) -> list[list[str]]:
    if width < 2 or not rows or any(len(row) != width for row in rows):
        raise DataError("every line must hold the same number of values, two at least")
    return [[row[i].strip() for row in rows] for i in range(width)]


def _numbers(column: list[str]) -> list[float] | None:
    """The column as numbers, ``None`` if one of its values is not a finite number."""
    try:
        numbers = [float(value) for value in column]
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def _unzipped(content: bytes) -> bytes:
    """The one ``.dat`` file of a zip archive; anything else as it is."""
    if not content.startswith(b"PK"):
        return content
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            tables = [member for member in archive.infolist() if member.filename.endswith(".dat")]
            if len(tables) != 1 or tables[0].file_size > _LARGEST:
                raise DataError("the archive must hold one .dat file of at most 64 MiB")
            return archive.read(tables[0])
    except DAMAGE as error:
        raise DataError(f"it is not a zip archive, or is damaged: {error}") from error
