"""Readers of image files: what they give, and what they refuse."""

import gzip
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from provenn.data.errors import DataError
from provenn.data.images import cifar_batches, read_idx, read_parquet

from .files import (
    COLOUR,
    GREY,
    archive,
    encoded,
    expected,
    idx,
    image_file,
    parquet,
    pixels,
)


@pytest.mark.parametrize("shape", [GREY, COLOUR])
@pytest.mark.parametrize("column", ["image", "img"])
def test_png_pixels_are_exact(shape, column):
    x = pixels(9, shape)
    file = parquet([encoded(image) for image in x], [i % 3 for i in range(9)], column)
    decoded = read_parquet([file], expected(9, shape, 3))
    np.testing.assert_array_equal(decoded.x, x)
    assert decoded.y.tolist() == [0, 1, 2] * 3
    assert (decoded.levels, decoded.note) == (255, "")


def test_many_row_groups_keep_their_order():
    x = pixels(3000, GREY)
    table = pq.read_table(pa.BufferReader(parquet([encoded(i) for i in x], [0] * 3000)))
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=700)
    np.testing.assert_array_equal(read_parquet([out.getvalue()], expected(3000, GREY, 1)).x, x)


def test_one_jpeg_among_many_is_noted():
    images = [encoded(image) for image in pixels(4, COLOUR)]
    images[2] = encoded(pixels(1, COLOUR)[0], "JPEG")
    assert "lossy" in read_parquet([parquet(images, [0] * 4)], expected(4, COLOUR, 1)).note


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        ([encoded(i) for i in pixels(2, GREY)], [0, 1], "must hold 3 rows, it holds 2"),
        ([encoded(i) for i in pixels(3, GREY)], [0, 1, 2], "labels must be from 0 to 1"),
        ([encoded(i) for i in pixels(3, GREY)], [0, -1, 1], "labels must be from 0 to 1"),
        ([encoded(i) for i in pixels(3, COLOUR)], [0, 1, 0], "in mode L, one is 5 x 6 in mode RGB"),
        ([encoded(i) for i in pixels(3, (1, 5, 6))], [0, 1, 0], "must be 5 x 6"),
        ([b"", b"", b""], [0, 1, 0], "damaged"),
        ([None, None, None], [0, 1, 0], "damaged"),
        ([encoded(i)[:40] for i in pixels(3, GREY)], [0, 1, 0], "damaged"),
    ],
)
def test_a_file_that_is_not_the_set_is_refused(images, labels, message):
    with pytest.raises(DataError, match=message):
        read_parquet([parquet(images, labels)], expected(3, GREY, 2))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"picture": [b"x"], "label": [0]}, "must have a column 'image'"),
        ({"image": [b"x"], "label": [0]}, "must have a column 'image'"),
        ({"image": [{"path": "x"}], "label": [0]}, "damaged"),
        ({"image": [{"bytes": "x"}], "label": [0]}, "must have a column 'image'"),
        ({"image": [{"bytes": b"x"}]}, "must have a column 'label'"),
        ({"image": [{"bytes": b"x"}], "label": ["0"]}, "must have a column 'label' of integers"),
        ({"image": [{"bytes": b"x"}], "label": pa.array([None], pa.int64())}, "damaged"),
    ],
)
def test_other_columns_are_refused(columns, message):
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    with pytest.raises(DataError, match=message):
        read_parquet([out.getvalue()], expected(1, GREY, 2))


def test_a_large_image_is_refused_before_it_is_decoded(monkeypatch):
    """Equal pixels compress a thousandfold, so the file itself is small."""
    from PIL import Image

    out = io.BytesIO()
    Image.new("L", (1000, 1000)).save(out, "PNG")

    def load(self):
        raise AssertionError("the pixels were decoded")

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", load)
    with pytest.raises(DataError, match="one is 1000 x 1000"):
        read_parquet([parquet([out.getvalue()], [0])], expected(1, (1, 28, 28), 1))


def test_a_column_that_would_inflate_is_refused():
    zeros = [bytes(200_000)] * 9
    with pytest.raises(DataError, match="would inflate to"):
        read_parquet([parquet_plain(zeros)], expected(9, GREY, 1))


def parquet_plain(images: list[bytes]) -> bytes:
    table = pq.read_table(pa.BufferReader(parquet(images, [0] * len(images))))
    out = io.BytesIO()
    pq.write_table(table, out, use_dictionary=False)
    return out.getvalue()


def test_other_kinds_of_image_are_refused():
    from PIL import Image

    out = io.BytesIO()
    Image.new("L", (5, 6)).save(out, "BMP")
    with pytest.raises(DataError, match="damaged"):
        read_parquet([parquet([out.getvalue()], [0])], expected(1, GREY, 1))


def test_idx_gives_what_parquet_gives():
    x, y = pixels(9, GREY), np.arange(9) % 3
    decoded = read_idx(idx(x, y), expected(9, GREY, 3))
    same = read_parquet([image_file(9, GREY)], expected(9, GREY, 3))
    assert decoded.sha256 == same.sha256


@pytest.mark.parametrize("rows", [8, 10])
def test_idx_of_another_length_is_refused(rows):
    with pytest.raises(DataError):
        read_idx(idx(pixels(9, GREY), np.zeros(9)), expected(rows, GREY, 3))


def test_idx_of_another_kind_is_refused():
    images, labels = idx(pixels(9, GREY), np.zeros(9, int))
    with pytest.raises(DataError, match="IDX file of 9 images"):
        read_idx([gzip.compress(bytes(len(gzip.decompress(images)))), labels], expected(9, GREY, 3))
    with pytest.raises(DataError, match="IDX file of 9 labels"):
        read_idx([images, gzip.compress(bytes(17))], expected(9, GREY, 3))
    with pytest.raises(DataError, match="not a gzip file"):
        read_idx([b"no", labels], expected(9, GREY, 3))


def test_a_gzip_bomb_is_not_inflated():
    bomb = gzip.compress(bytes(50_000_000))
    with pytest.raises(DataError, match="must hold 286 bytes"):
        read_idx([bomb, bomb], expected(9, GREY, 3))


def test_cifar_batches_are_joined_in_the_order_asked_for():
    x, y = pixels(6, COLOUR), np.arange(6) % 3
    rows = np.concatenate([y[:, None].astype(np.uint8), x.reshape(6, -1)], axis=1)
    file = archive({"c/one": rows[:3].tobytes(), "c/two": rows[3:].tobytes(), "c/readme": b"hi"})
    decoded = cifar_batches("c/two", "c/one")([file], expected(6, COLOUR, 3))
    order = [3, 4, 5, 0, 1, 2]
    np.testing.assert_array_equal(decoded.x, x[order])
    np.testing.assert_array_equal(decoded.y, y[order])


def test_a_cifar_archive_without_a_batch_is_refused():
    read = cifar_batches("c/one", "c/two")
    with pytest.raises(DataError, match="must hold c/one, c/two of 273 bytes each"):
        read([archive({"c/one": bytes(273), "c/two": bytes(272)})], expected(6, COLOUR, 3))
    with pytest.raises(DataError, match="not a gzipped tar archive"):
        read([b"no"], expected(6, COLOUR, 3))
