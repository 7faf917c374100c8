"""Readers of image files: Parquet as on the Hugging Face hub, IDX, CIFAR's binary batches.

What a file claims is checked before it is believed: row counts, image sizes and inflated sizes are
known beforehand, so a damaged or hostile file cannot ask for more memory than the true one.
"""

import gzip
import io
import math
import os
import struct
import tarfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8

from provenn.data.dataset import Decoded, Expected, Reader
from provenn.data.errors import DAMAGE, DataError

_BATCH = 1024
_MODES = {1: "L", 3: "RGB"}
_JPEG_NOTE = "JPEG copy: lossy, the pixels are not the published ones"


def read_parquet(files: Sequence[bytes], expected: Expected) -> Decoded:
    """Read a Parquet file with columns ``image`` (or ``img``; ``{bytes, path}``) and ``label``.

    Raises:
        DataError: The file is damaged or does not hold what it must.
        ImportError: pyarrow or Pillow is not installed.
    """
    try:
        import PIL.Image
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ImportError(
            "image sets need pyarrow and Pillow: pip install 'provenn[data]'"
        ) from error
    try:
        table = pq.ParquetFile(pa.BufferReader(files[0]))
        column = _image_column(table.schema_arrow)
        _check_size(table.metadata, expected)
        batches = table.iter_batches(_BATCH, columns=[f"{column}.bytes", "label"])
        decode = partial(_decode_batch, column=column, shape=expected.shape)
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            images, labels, jpeg = zip(*pool.map(decode, batches), strict=True)
    except (pa.ArrowException, PIL.Image.DecompressionBombError, *DAMAGE) as error:
        raise DataError(f"it is not a Parquet file of images, or is damaged: {error}") from error
    return _checked(
        np.concatenate(images), np.concatenate(labels), expected, _JPEG_NOTE if any(jpeg) else ""
    )


def _image_column(schema: Any) -> str:
    """Name of the image column; the label column is checked too."""
    import pyarrow as pa

    types = dict(zip(schema.names, schema.types, strict=True))
    if not pa.types.is_integer(types.get("label", pa.null())):
        raise DataError(f"it must have a column 'label' of integers; its columns: {_show(types)}")
    for name in ("image", "img"):
        kind = types.get(name, pa.null())
        if pa.types.is_struct(kind) and pa.types.is_binary({f.name: f.type for f in kind}["bytes"]):
            return name
    raise DataError(f"it must have a column 'image' {{bytes, path}}; its columns: {_show(types)}")


def _show(types: dict[str, Any]) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in types.items())[:200]


def _check_size(metadata: Any, expected: Expected) -> None:
    if metadata.num_rows != expected.rows:
        raise DataError(f"it must hold {expected.rows} rows, it holds {metadata.num_rows}")
    size = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    most = expected.rows * (4 * math.prod(expected.shape) + 4096)
    if size > most:
        raise DataError(f"it would inflate to {size} bytes, at most {most} are accepted")


def _decode_batch(
    batch: Any, column: str, shape: tuple[int, ...]
) -> tuple[UInt8[np.ndarray, "n c h w"], Int64[np.ndarray, " n"], bool]:
    """Pixels and labels of a record batch, and whether one of its images is a JPEG."""
    from PIL import Image

    channels, height, width = shape
    size, mode = (width, height), _MODES[channels]
    pixels = np.empty((batch.num_rows, *shape), np.uint8)
    jpeg = False
    for row, image in enumerate(batch.column(column).to_pylist()):
        with Image.open(io.BytesIO(image["bytes"]), formats=("PNG", "JPEG")) as picture:
            if picture.size != size or picture.mode != mode:
                raise DataError(
                    f"every image must be {width} x {height} in mode {mode}, one is "
                    f"{picture.size[0]} x {picture.size[1]} in mode {picture.mode}"
                )
            pixels[row] = np.asarray(picture).reshape(height, width, channels).transpose(2, 0, 1)
            jpeg = jpeg or picture.format == "JPEG"
    return pixels, np.array(batch.column("label").to_pylist(), np.int64), jpeg


def _checked(
    x: UInt8[np.ndarray, "n c h w"], y: Int64[np.ndarray, " n"], expected: Expected, note: str = ""
) -> Decoded:
    if len(x) != expected.rows:
        raise DataError(f"it must hold {expected.rows} rows, it holds {len(x)}")
    last = len(expected.classes) - 1
    if y.min() < 0 or y.max() > last:
        raise DataError(f"labels must be from 0 to {last}, they run from {y.min()} to {y.max()}")
    return Decoded(x=x, y=y, classes=expected.classes, levels=255, note=note)


def read_idx(files: Sequence[bytes], expected: Expected) -> Decoded:
    """Read two gzipped IDX files, images and labels, as MNIST was first published.

    Raises:
        DataError: A file is damaged or does not hold what it must.
    """
    rows, (_, height, width) = expected.rows, expected.shape
    images = _inflate(files[0], 16 + rows * height * width)
    labels = _inflate(files[1], 8 + rows)
    if images[:16] != struct.pack(">4I", 2051, rows, height, width):
        raise DataError(f"it must be an IDX file of {rows} images of {width} x {height}")
    if labels[:8] != struct.pack(">2I", 2049, rows):
        raise DataError(f"it must be an IDX file of {rows} labels")
    x = np.frombuffer(images, np.uint8, offset=16).reshape(rows, *expected.shape)
    y = np.frombuffer(labels, np.uint8, offset=8)
    return _checked(x.copy(), y.astype(np.int64), expected)


def cifar_batches(*members: str) -> Reader:
    """Reader of the named batches of CIFAR-10's binary archive, in that order."""

    def read(files: Sequence[bytes], expected: Expected) -> Decoded:
        record = 1 + math.prod(expected.shape)
        size = record * expected.rows // len(members)
        found = {}
        try:
            with tarfile.open(fileobj=io.BytesIO(files[0]), mode="r:gz") as archive:
                for member in archive:
                    if member.name in members and member.isfile() and member.size == size:
                        file = archive.extractfile(member)
                        found[member.name] = file.read() if file else b""
        except DAMAGE as error:
            raise DataError(f"it is not a gzipped tar archive, or is damaged: {error}") from error
        if any(len(found.get(member, b"")) != size for member in members):
            raise DataError(f"it must hold {', '.join(members)} of {size} bytes each")
        batches = b"".join(found[member] for member in members)
        rows = np.frombuffer(batches, np.uint8).reshape(expected.rows, record)
        x = rows[:, 1:].reshape(expected.rows, *expected.shape)
        return _checked(x.copy(), rows[:, 0].astype(np.int64), expected)

    return read


def _inflate(content: bytes, size: int) -> bytes:
    """Gunzip ``content``, which must hold exactly ``size`` bytes."""
    try:
        with gzip.open(io.BytesIO(content)) as file:
            inflated = file.read(size + 1)
    except DAMAGE as error:
        raise DataError(f"it is not a gzip file, or is damaged: {error}") from error
    if len(inflated) != size:
        raise DataError(f"it must hold {size} bytes when inflated, it does not")
    return inflated
