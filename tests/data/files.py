"""Small true files of each format, made by the tests."""

import gzip
import io
import pickle
import struct
import tarfile
from collections import defaultdict
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from scipy.sparse import csr_matrix, random_array

from provenn.data.dataset import Expected, Reader
from provenn.data.entry import Entry, Info, Mirror, Part
from provenn.data.graph_files import PLANETOID_PARTS

GREY = (1, 6, 5)
COLOUR = (3, 6, 5)


def expected(rows: int, shape: tuple[int, ...], classes: int | tuple[str, ...]) -> Expected:
    names = tuple(str(i) for i in range(classes)) if isinstance(classes, int) else classes
    return Expected(rows=rows, shape=shape, classes=names)


def pixels(rows: int, shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (rows, *shape), dtype=np.uint8)


def encoded(image: np.ndarray, kind: str = "PNG") -> bytes:
    """One ``C x H x W`` image as PNG or JPEG."""
    picture = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(out, kind)
    return out.getvalue()


def parquet(images: list[bytes], labels: list[int], column: str = "image") -> bytes:
    struct_type = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows = pa.array([{"bytes": image, "path": None} for image in images], struct_type)
    out = io.BytesIO()
    pq.write_table(pa.table({column: rows, "label": pa.array(labels, pa.int64())}), out)
    return out.getvalue()


def image_file(rows: int, shape: tuple[int, int, int], kind: str = "PNG", seed: int = 0) -> bytes:
    images = [encoded(image, kind) for image in pixels(rows, shape, seed)]
    return parquet(images, [i % 3 for i in range(rows)])


def idx(x: np.ndarray, y: np.ndarray) -> list[bytes]:
    images = struct.pack(">4I", 2051, len(x), *x.shape[2:]) + x.tobytes()
    labels = struct.pack(">2I", 2049, len(y)) + y.astype(np.uint8).tobytes()
    return [gzip.compress(images), gzip.compress(labels)]


def archive(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def npz_graph(nodes: int = 6, columns: int = 4, **changes: np.ndarray) -> bytes:
    attr = csr_matrix(random_array((nodes, columns), density=0.5, rng=0, dtype=np.float32))
    ring = np.arange(nodes)
    adj = csr_matrix((np.ones(nodes, np.float32), (ring, (ring + 1) % nodes)), (nodes, nodes))
    arrays = {"labels": (ring % 3).astype(np.int32)}
    for name, matrix in (("attr", attr), ("adj", adj)):
        arrays |= {
            f"{name}_data": matrix.data,
            f"{name}_indices": matrix.indices.astype(np.int32),
            f"{name}_indptr": matrix.indptr.astype(np.int32),
            f"{name}_shape": np.array(matrix.shape),
        }
    out = io.BytesIO()
    np.savez(out, **(arrays | changes))
    return out.getvalue()


def planetoid_graph() -> list[bytes]:
    """A graph of 512 nodes: 6 for training, 500 for validation, 6 for test, the last one unlisted.

    Pickled as Python 2 did, under the names that SciPy and NumPy had then, as the published files.
    """
    rng = np.random.default_rng(0)
    known, test = 506, [508, 506, 507, 510, 509]
    one_hot = np.eye(3, dtype=np.int32)
    allx = csr_matrix((rng.random((known, 4)) < 0.5).astype(np.float32))
    tx = csr_matrix(np.ones((len(test), 4), np.float32))
    ally, ty = one_hot[np.arange(known) % 3], one_hot[[0, 1, 2, 0, 1]]
    graph = defaultdict(list, {i: [(i + 1) % 512, (i - 1) % 512] for i in range(512)})
    parts = {
        "tx": tx,
        "allx": allx,
        "y": ally[:6],
        "ty": ty,
        "ally": ally,
        "graph": graph,
    }
    files = {name: _old_pickle(part) for name, part in parts.items()}
    files["test.index"] = "\n".join(map(str, test)).encode()
    return [files[name] for name in PLANETOID_PARTS]


class _OldPickler(pickle._Pickler):
    """Writes byte strings as Python 2 did."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_string(self, value: bytes) -> None:
        self.write(pickle.BINSTRING + struct.pack("<i", len(value)) + value)
        self.memoize(value)

    dispatch[bytes] = save_string


def _old_pickle(value: object) -> bytes:
    out = io.BytesIO()
    _OldPickler(out, protocol=2).dump(value)
    content = out.getvalue()
    for new, old in (
        (b"cscipy.sparse._csr\ncsr_matrix", b"cscipy.sparse.csr\ncsr_matrix"),
        (b"cnumpy._core.multiarray\n_reconstruct", b"cnumpy.core.multiarray\n_reconstruct"),
    ):
        content = content.replace(new, old)
    return content


def image_entry(
    name: str = "tiny",
    rows: int = 9,
    shape: tuple[int, int, int] = GREY,
    mirrors: tuple[Mirror, ...] = (),
    read: Reader | None = None,
    sha256: str = "",
) -> Entry:
    """A set of images with a train part and a test part of ``rows`` each."""
    from provenn.data.images import read_parquet

    classes = ("a", "b", "c")
    info = Info(
        name=name,
        title="",
        kind="images",
        shape=shape,
        classes=classes,
        splits={"train": rows, "test": rows},
        homepage="",
        licence="",
    )
    parts = {
        split: Part(
            name=f"{name}-{split}",
            expected=Expected(rows=rows, shape=shape, classes=classes),
            folder=[f"{name}/{split}.parquet"],
            read=read or read_parquet,
            layout="Parquet, columns image {bytes, path} and label",
            mirrors=mirrors,
            sha256=sha256,
        )
        for split in ("train", "test")
    }
    return Entry(info=info, parts=parts)
