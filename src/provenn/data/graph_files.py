"""Readers of graph files that run nothing: Planetoid's pickles and the ``.npz`` collections.

Planetoid was published as Python 2 pickles of SciPy matrices. Unpickling runs whatever a file asks
for, so these are read by an unpickler that knows a handful of names and maps each to an inert
stand-in, which only notes down what it is given; any other name ends the reading. Arrays are made
from those notes afterwards. ``.npz`` members are read one by one, bounded and without pickle.
"""

import io
import math
import pickle
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Int64

from provenn.data.dataset import Expected, fingerprint
from provenn.data.errors import DAMAGE, DataError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
else:
    csr_matrix = Any  # importing SciPy would double the time that this package takes to import

PLANETOID_PARTS = ("tx", "allx", "y", "ty", "ally", "graph", "test.index")
"""An eighth file, ``x``, repeats the first rows of ``allx``."""

_LARGEST = 256 * 2**20
"""Bytes of an array in a file; the largest that was published has 15 MB."""
_MOST_EDGES = 10_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class GraphArrays:
    """A graph as its files give it.

    Attributes:
        x: Node features, ``n x d``, float32.
        y: Class of each node.
        edges: Source and target of each edge as published, in no order, with what is listed twice.
        masks: Published training, validation and test nodes, if a split was published.
    """

    x: csr_matrix
    y: Int64[np.ndarray, " n"]
    edges: Int64[np.ndarray, "2 e"]
    masks: Bool[np.ndarray, "3 n"] | None = None

    @cached_property
    def sha256(self) -> str:
        """Hash of the features in CSR form, the labels and the edges, see :func:`fingerprint`."""
        return fingerprint(
            {
                "data": self.x.data,
                "indices": self.x.indices.astype(np.int64),
                "indptr": self.x.indptr.astype(np.int64),
                "y": self.y,
                "edges": self.edges,
            }
        )


GraphReader = Callable[[Sequence[bytes], Expected], GraphArrays]
"""Reader of a graph from the bytes of its files; raises ``DataError``."""


def read_npz(files: Sequence[bytes], expected: Expected) -> GraphArrays:
    """Read a graph kept as two CSR matrices, ``adj`` and ``attr``, and the array ``labels``.

    Features are made binary, as is usual for these sets.

    Raises:
        DataError: The file is damaged or does not hold the graph that was expected.
    """
    nodes, columns = expected.rows, expected.shape[0]
    try:
        with zipfile.ZipFile(io.BytesIO(files[0])) as archive:
            x = _member_csr(archive, "attr", (nodes, columns))
            pairs = _member_csr(archive, "adj", (nodes, nodes)).tocoo()
            y = _integers(_member(archive, "labels"))
    except DAMAGE as error:
        raise DataError(f"it is not an .npz file of a graph, or is damaged: {error}") from error
    x.data = (x.data > 0).astype(np.float32)
    edges = np.stack([pairs.row, pairs.col]).astype(np.int64)
    return _checked(GraphArrays(x=x, y=y, edges=edges), expected)


def read_planetoid(files: Sequence[bytes], expected: Expected) -> GraphArrays:
    """Read the raw files of a Planetoid set, in the order of ``PLANETOID_PARTS``.

    The fifteen test nodes of CiteSeer that no file describes get no features and class 0.

    Raises:
        DataError: A file is damaged or the files do not hold the graph that was expected.
    """
    from scipy.sparse import csr_matrix

    nodes, columns = expected.rows, expected.shape[0]
    try:
        parts = dict(zip(PLANETOID_PARTS, files, strict=True))
        known = _csr(_notes(parts["allx"]), columns).tocoo()
        tested = _csr(_notes(parts["tx"]), columns).tocoo()
        train = len(_array(_notes(parts["y"])))
        test = np.array([int(line) for line in parts["test.index"].split()], np.int64)
        if test.min() < known.shape[0] or test.max() >= nodes or train + 500 > known.shape[0]:
            raise DataError("its training, validation and test nodes do not go together")
        row = np.concatenate([known.row, test[tested.row]])
        column = np.concatenate([known.col, tested.col])
        value = np.concatenate([known.data, tested.data]).astype(np.float32)
        x = csr_matrix((value, (row, column)), (nodes, columns))
        y = np.zeros(nodes, np.int64)
        y[: known.shape[0]] = _array(_notes(parts["ally"])).argmax(1)
        y[test] = _array(_notes(parts["ty"])).argmax(1)
        edges = _edges(_notes(parts["graph"]))
    except DAMAGE as error:
        raise DataError(f"it is not a Planetoid set, or is damaged: {error}") from error
    masks = np.zeros((3, nodes), bool)
    masks[0, :train] = masks[1, train : train + 500] = masks[2, test] = True
    return _checked(GraphArrays(x=x, y=y, edges=edges, masks=masks), expected)


def _checked(graph: GraphArrays, expected: Expected) -> GraphArrays:
    nodes, last = expected.rows, len(expected.classes) - 1
    if len(graph.y) != nodes or graph.y.min() < 0 or graph.y.max() != last:
        raise DataError(f"it must label {nodes} nodes from 0 to {last}, it does not")
    if not graph.edges.size or graph.edges.min() < 0 or graph.edges.max() >= nodes:
        raise DataError(f"its edges must join nodes from 0 to {nodes - 1}, they do not")
    if not np.isfinite(graph.x.data).all():
        raise DataError("its node features must be finite numbers")
    return graph


# -- .npz ------------------------------------------------------------------------------------------


def _member(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """Array of an ``.npz`` archive, read without pickle; its header cannot ask for more memory."""
    member = archive.getinfo(f"{name}.npy")
    if member.file_size > _LARGEST:
        raise DataError(f"{name} would have {member.file_size} bytes, at most {_LARGEST}")
    content = archive.read(member)
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    shape, _, dtype = read_header(file)
    if dtype.kind not in "fiu" or math.prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise DataError(f"{name} must be an array of numbers as long as its header says")
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def _member_csr(archive: zipfile.ZipFile, name: str, shape: tuple[int, int]) -> csr_matrix:
    data, indices, indptr, found = (
        _member(archive, f"{name}_{part}") for part in ("data", "indices", "indptr", "shape")
    )
    if tuple(found.tolist()) != shape:
        raise DataError(f"{name} must be {shape[0]} x {shape[1]}, it is {found.tolist()}")
    return _csr_of(data, indices, indptr, shape)


def _csr_of(
    data: np.ndarray, indices: np.ndarray, indptr: np.ndarray, shape: tuple[int, int]
) -> csr_matrix:
    from scipy.sparse import csr_matrix

    matrix = csr_matrix((data, _integers(indices), _integers(indptr)), shape, copy=True)
    matrix.check_format(full_check=True)
    matrix.sum_duplicates()
    return matrix


def _integers(array: np.ndarray) -> Int64[np.ndarray, "..."]:
    if array.dtype.kind not in "iu":
        raise DataError(f"whole numbers are expected, it has {array.dtype}")
    return array.astype(np.int64)


# -- Planetoid's pickles ---------------------------------------------------------------------------


class _Note:
    """Stand-in that notes down what an object would have been made from and its state."""

    made: tuple[Any, ...] = ()
    state: Any = None

    def __init__(self, *made: Any) -> None:
        self.made = made

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Matrix(_Note):
    """For ``scipy.sparse.csr_matrix``."""


class _Array(_Note):
    """For ``numpy.ndarray``."""


class _Type(_Note):
    """For ``numpy.dtype``."""


def _dictionary(*_: Any) -> dict[Any, Any]:
    """For ``collections.defaultdict``."""
    return {}


class _Notes(pickle._Unpickler):
    """Unpickler that gives notes; the one in Python, as that in C can be made to eat memory."""

    _NAMES: dict[tuple[str, str], Any] = {  # noqa: RUF012
        ("scipy.sparse.csr", "csr_matrix"): _Matrix,
        ("numpy.core.multiarray", "_reconstruct"): _Array,
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Type,
        ("collections", "defaultdict"): _dictionary,
        ("__builtin__", "list"): list,
    }

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name; any name but these few is refused."""
        try:
            return self._NAMES[module, name]
        except KeyError:
            raise DataError(f"it asks for {module}.{name}, which is not data") from None


def _notes(content: bytes) -> Any:
    return _Notes(io.BytesIO(content), encoding="latin1").load()


def _array(note: Any) -> np.ndarray:
    """The array that a note of ``numpy.ndarray`` describes."""
    if not isinstance(note, _Array):
        raise DataError("an array is expected")
    _, shape, kind, fortran, raw = note.state
    code, order = kind.made[0], kind.state[1]
    if not re.fullmatch("[fiu][1248]", code) or order not in ("<", ">", "|"):
        raise DataError(f"an array of numbers is expected, it has {order}{code}")
    content = raw.encode("latin1") if isinstance(raw, str) else raw
    array = np.frombuffer(content, np.dtype(order + code))
    return array.reshape(shape, order="F" if fortran else "C")


def _csr(note: Any, columns: int) -> csr_matrix:
    """The matrix that a note of ``scipy.sparse.csr_matrix`` describes; it must have ``columns``."""
    if not isinstance(note, _Matrix):
        raise DataError("a sparse matrix is expected")
    rows, found = note.state["_shape"]
    if found != columns:
        raise DataError(f"{columns} columns are expected, it has {found}")
    data, indices, indptr = (_array(note.state[part]) for part in ("data", "indices", "indptr"))
    return _csr_of(data, indices, indptr, (rows, columns))


def _edges(neighbours: Any) -> Int64[np.ndarray, "2 e"]:
    """Every pair of a node and one of its neighbours, from lists of neighbours."""
    if not isinstance(neighbours, dict):
        raise DataError("lists of neighbours are expected")
    lengths = [len(listed) for listed in neighbours.values()]
    if sum(lengths) > _MOST_EDGES:
        raise DataError(f"it lists {sum(lengths)} edges, at most {_MOST_EDGES} are accepted")
    source = np.repeat(np.array(list(neighbours)), lengths)
    target = np.array([node for listed in neighbours.values() for node in listed])
    return _integers(np.stack([source, target]))
