"""The normalised adjacency of a graph, and propagation along its edges.

With self-loops and the degrees ``d_i = 1 + sum_j w_ji``, nodes average over themselves and their
neighbours:

    symmetric:  A_hat = D^-1/2 (A + I) D^-1/2        row:  A_rw = D^-1 (A + I)

Source: Kipf, Welling, Semi-Supervised Classification with Graph Convolutional Networks, 2017.
"""

import weakref
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from provenn.checks import autocasts, check_choice, check_flag, check_integer
from provenn.graph.checks import check_rows, is_constant
from provenn.graph.sparse import Pattern, SparseMatrix

if TYPE_CHECKING:
    from torch_geometric.data import Data
else:
    Data = Any

Normalization = Literal["symmetric", "row", "none"]
NORMALIZATIONS: tuple[str, ...] = get_args(Normalization)


class Adjacency:
    """Edges of a graph with the weights along which :meth:`propagate` averages.

    Made by :func:`gcn_normalize`. Keep it for as long as the graph stays: propagation then costs
    one sparse product a step, forwards and backwards. ``edge_index`` and ``edge_weight`` are as
    PyTorch Geometric has them, so that they can be put into a ``Data`` object for its loaders.

    Args:
        edge_index: Source and target of each edge, (2, edges).
        edge_weight: What the target takes of its source, (edges,).
        num_nodes: Number of nodes.

    Attributes:
        edge_index: Source and target of each edge.
        edge_weight: Weight of each edge.
        num_nodes: Number of nodes.
    """

    def __init__(
        self,
        edge_index: Int64[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        num_nodes: int,
    ) -> None:
        if not torch.compiler.is_compiling():
            _check_edges(edge_index, num_nodes)
            _check_weights(edge_weight, edge_index)
        self.edge_index = edge_index
        self.edge_weight = edge_weight
        self.num_nodes = num_nodes

    def __repr__(self) -> str:
        kept = f"{self.num_nodes} nodes, {self.edge_index.shape[1]} edges"
        return f"Adjacency({kept}, {self.dtype}, {self.device})"

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return self.edge_weight.dtype

    @property
    def device(self) -> torch.device:
        """Where the edges are."""
        return self.edge_weight.device

    @cached_property
    def matrix(self) -> SparseMatrix:
        """The weights as a sparse matrix: row i holds what node i takes of each other node."""
        source, target = self.edge_index
        shape = (self.num_nodes, self.num_nodes)
        pattern, place, places = Pattern.of_entries(target, source, shape)
        weight = self.edge_weight.detach()
        return SparseMatrix(pattern, weight.new_zeros(places).index_add(0, place, weight))

    def propagate(self, h: Float[Tensor, "nodes channels"]) -> Float[Tensor, "nodes channels"]:
        """What each node takes of the others: ``A_hat h``.

        Differentiable in ``h``, and in the weights if they require a gradient.

        Args:
            h: A row for each node, of the adjacency's dtype; half precision is added up in the
                adjacency's and rounded at the end.

        Raises:
            TypeError: If ``h`` is no floating-point tensor, or of another dtype.
            ValueError: If it has not a row for each node, or is on another device.
        """
        _check_propagated(h, self)
        rows = h.to(self.dtype)
        taken = self._gather(rows) if self._by_edges else self.matrix @ rows
        return taken.to(h.dtype)

    def hops(
        self, h: Float[Tensor, "nodes channels"], k: int
    ) -> Float[Tensor, "hops nodes channels"]:
        """``h`` after 0, 1, ..., k propagations, in the adjacency's dtype.

        Args:
            h: As :meth:`propagate` takes it.
            k: Number of propagations.

        Raises:
            TypeError: If ``h`` is no floating-point tensor, or an argument is of another type.
            ValueError: If ``k`` is negative, ``h`` has not a row for each node, or is on another
                device.
        """
        check_integer("k", k, least=0)
        _check_propagated(h, self)
        rows = h.to(self.dtype)
        if not self._by_edges:
            return self.matrix.powers(rows, k)
        stack = [rows]
        for _ in range(k):
            stack.append(self._gather(stack[-1]))
        return torch.stack(stack)

    def to(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> "Adjacency":
        """The adjacency on a device and in a dtype; itself if it is there already."""
        weight = self.edge_weight.to(device=device, dtype=dtype)
        if weight is self.edge_weight:
            return self
        return Adjacency(self.edge_index.to(device=weight.device), weight, self.num_nodes)

    @property
    def _by_edges(self) -> bool:
        """Whether messages are gathered edge by edge, which any transformation sees through."""
        return torch.compiler.is_compiling() or not is_constant(self.edge_weight)

    def _gather(self, h: Tensor) -> Tensor:
        source, target = self.edge_index
        messages = h[source] * self.edge_weight.unsqueeze(-1)
        return torch.zeros_like(h).index_add(0, target, messages)


def gcn_normalize(
    edge_index: Tensor | Data | Adjacency | Any,
    num_nodes: int | None = None,
    edge_weight: Float[Tensor, " edges"] | None = None,
    *,
    normalization: Normalization = "symmetric",
    add_self_loops: bool = True,
    dtype: torch.dtype | None = None,
) -> Adjacency:
    """Normalise the adjacency of a graph once, to propagate along it many times.

    Self-loops of weight 1 are added to the nodes that have none; one that is there keeps its
    weight. Parallel edges count by the sum of their weights.

    Args:
        edge_index: Source and target of each edge, (2, edges); a ``Data`` object of PyTorch
            Geometric; or its adjacency as it has it, a sparse matrix (COO, CSR, CSC or
            ``SparseTensor``) in which row i holds the edges that lead to node i.
        num_nodes: Number of nodes; without it the highest that an edge names, plus 1.
        edge_weight: Weight of each edge, (edges,), not negative; 1 without it.
        normalization: ``"symmetric"``, ``"row"`` (each node's weights add up to 1), or ``"none"``
            for weights that are normalised already.
        add_self_loops: Whether nodes without a self-loop get one.
        dtype: Type of the weights; that of ``edge_weight``, else PyTorch's default.

    Returns:
        The adjacency.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an edge names a node that is not there, a weight is negative, NaN or
            infinite, or shapes do not fit.

    Example:
        >>> import torch
        >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> adjacency = gcn_normalize(path, 3)
        >>> adjacency.propagate(torch.eye(3))
        tensor([[0.5000, 0.4082, 0.0000],
                [0.4082, 0.3333, 0.4082],
                [0.0000, 0.4082, 0.5000]])
    """
    check_choice("normalization", normalization, NORMALIZATIONS)
    check_flag("add_self_loops", add_self_loops)
    if isinstance(edge_index, Adjacency):
        raise TypeError("edge_index must be edges that are not normalised, got an Adjacency")
    index, weight, nodes = _edges_of(edge_index, num_nodes, edge_weight)
    if not torch.compiler.is_compiling():
        _check_edges(index, nodes)
    if weight is None:
        kind = torch.get_default_dtype() if dtype is None else _floating(dtype)
        weight = torch.ones(index.shape[1], dtype=kind, device=index.device)
    else:
        _check_weights(weight, index)
        weight = weight if dtype is None else weight.to(_floating(dtype))
    if add_self_loops:
        index, weight = _with_self_loops(index, weight, nodes)
    return Adjacency(index, _normalized(index, weight, nodes, normalization), nodes)


class AdjacencyCache:
    """The adjacency of the edges that were seen last, for as long as they stay as they are.

    Copies and pickles of it are empty.
    """

    def __init__(self, normalization: Normalization, add_self_loops: bool) -> None:
        self._arguments = (normalization, add_self_loops)
        self._seen: tuple[Any, ...] = ()
        self._kept: Adjacency | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return AdjacencyCache, self._arguments

    def get(
        self,
        edge_index: Any,
        num_nodes: int,
        edge_weight: Tensor | None,
        dtype: torch.dtype,
    ) -> Adjacency:
        """The adjacency of these edges, normalised anew if they are others than the last ones."""
        normalization, add_self_loops = self._arguments
        if torch.compiler.is_compiling() or not _is_followed(edge_index, edge_weight):
            return gcn_normalize(
                edge_index,
                num_nodes,
                edge_weight,
                normalization=normalization,
                add_self_loops=add_self_loops,
                dtype=dtype,
            )
        weight_seen = () if edge_weight is None else (edge_weight, edge_weight._version)
        now = (edge_index, edge_index._version, num_nodes, dtype, *weight_seen)
        if self._kept is None or not _same(self._seen, now):
            with torch.inference_mode(False):
                self._kept = gcn_normalize(
                    edge_index,
                    num_nodes,
                    edge_weight,
                    normalization=normalization,
                    add_self_loops=add_self_loops,
                    dtype=dtype,
                )
            self._seen = tuple(weakref.ref(v) if isinstance(v, Tensor) else v for v in now)
        return self._kept


def _is_followed(edge_index: Any, edge_weight: Tensor | None) -> bool:
    """Whether PyTorch counts the changes of the edges, and nothing is differentiated by them."""
    tensors = [edge_index] if edge_weight is None else [edge_index, edge_weight]
    return all(type(t) is Tensor and not t.is_inference() and is_constant(t) for t in tensors)


def _same(seen: tuple[Any, ...], now: tuple[Any, ...]) -> bool:
    if len(seen) != len(now):
        return False
    known = (ref() if isinstance(ref, weakref.ref) else ref for ref in seen)
    return all(a is b if isinstance(b, Tensor) else a == b for a, b in zip(known, now, strict=True))


def _edges_of(
    given: Any, num_nodes: int | None, edge_weight: Tensor | None
) -> tuple[Tensor, Tensor | None, int]:
    """Edges, their weights and the number of nodes, of whatever stands for a graph."""
    is_matrix = isinstance(given, Tensor) and given.layout != torch.strided
    if is_matrix or hasattr(given, "sparse_sizes"):
        return _edges_of_matrix(given, num_nodes, edge_weight)
    if not isinstance(given, Tensor) and isinstance(getattr(given, "edge_index", None), Tensor):
        index = given.edge_index
        weight = getattr(given, "edge_weight", None) if edge_weight is None else edge_weight
        nodes = given.num_nodes if num_nodes is None else num_nodes
    else:
        index, weight, nodes = given, edge_weight, num_nodes
    if nodes is None and isinstance(index, Tensor):
        nodes = int(index.max()) + 1 if index.numel() else 0
    return index, weight, 0 if nodes is None else nodes


def _edges_of_matrix(
    matrix: Any, num_nodes: int | None, edge_weight: Tensor | None
) -> tuple[Tensor, Tensor, int]:
    """Edges of a sparse matrix whose rows are targets."""
    if edge_weight is not None:
        raise ValueError(
            "edge_weight must be None where edge_index is a matrix, which holds the weights; got "
            f"a {type(edge_weight).__name__}"
        )
    if isinstance(matrix, Tensor):
        rows, columns = matrix.shape
        entries = matrix.to_sparse_coo().coalesce()
        (target, source), weight = entries.indices(), entries.values()
    else:
        rows, columns = matrix.sparse_sizes()
        target, source, weight = matrix.coo()
    if rows != columns or num_nodes not in (None, rows):
        wanted = "square" if num_nodes is None else f"of {num_nodes} rows and columns"
        raise ValueError(f"edge_index must be {wanted}, got a matrix of shape {(rows, columns)}")
    if weight is None:
        weight = torch.ones(len(target), device=target.device)
    if not weight.is_floating_point():
        weight = weight.to(torch.get_default_dtype())
    return torch.stack([source, target]), weight, rows


def _with_self_loops(index: Tensor, weight: Tensor, nodes: int) -> tuple[Tensor, Tensor]:
    """The edges between different nodes, then a self-loop for every node.

    While compiling, self-loops that were there stay in their places with weight 0, so that shapes
    do not depend on the edges.
    """
    source, target = index
    loops = source == target
    own = weight.new_zeros(nodes).index_add(0, target, torch.where(loops, weight, 0))
    found = weight.new_zeros(nodes).index_add(0, target, loops.to(weight.dtype))
    own = torch.where(found > 0, own, 1)
    if torch.compiler.is_compiling():
        weight = torch.where(loops, 0, weight)
    else:
        index, weight = index[:, ~loops], weight[~loops]
    every = torch.arange(nodes, device=index.device)
    return torch.cat([index, torch.stack([every, every])], 1), torch.cat([weight, own])


def _normalized(index: Tensor, weight: Tensor, nodes: int, normalization: Normalization) -> Tensor:
    if normalization == "none":
        return weight
    source, target = index
    degree = weight.new_zeros(nodes).index_add(0, target, weight)
    some = degree > 0
    inverse = torch.where(some, 1 / torch.where(some, degree, 1), 0)
    if normalization == "row":
        return weight * inverse[target]
    # The product of the roots comes first, so that the matrix is symmetric to the last bit.
    root = inverse.sqrt()
    return weight * (root[source] * root[target])


def _check_edges(index: Any, nodes: Any) -> None:
    check_integer("num_nodes", nodes, least=0)
    if not isinstance(index, Tensor):
        raise TypeError(
            "edge_index must be a torch.Tensor of shape (2, edges), a sparse matrix or a Data "
            f"object with edge_index, got {type(index).__name__}"
        )
    if index.dtype != torch.int64:
        raise TypeError(f"edge_index must be of dtype torch.int64 (long), got {index.dtype}")
    if index.ndim != 2 or index.shape[0] != 2:
        raise ValueError(f"edge_index must have shape (2, edges), got {tuple(index.shape)}")
    if index.is_meta:
        return
    if index.numel() == 0:
        return
    least, most = int(index.min()), int(index.max())
    if least < 0 or most >= nodes:
        raise ValueError(f"edge_index must name nodes from 0 to {nodes - 1}, got {least} to {most}")


def _check_weights(weight: Any, index: Tensor) -> None:
    if not isinstance(weight, Tensor) or not weight.is_floating_point():
        kind = weight.dtype if isinstance(weight, Tensor) else type(weight).__name__
        raise TypeError(f"edge_weight must be a floating-point torch.Tensor, got {kind}")
    if weight.shape != index.shape[1:]:
        raise ValueError(
            f"edge_weight must have shape ({index.shape[1]},) for {index.shape[1]} edges, got "
            f"{tuple(weight.shape)}"
        )
    if weight.device != index.device:
        raise ValueError(f"edge_weight must be on {index.device}, got {weight.device}")
    if torch.compiler.is_compiling() or weight.is_meta or not is_constant(weight.detach()):
        return
    if not bool(((weight >= 0) & weight.isfinite()).all()):
        raise ValueError("edge_weight must be finite and at least 0, got NaN, infinity or less")


def _check_propagated(h: Any, adjacency: Adjacency) -> None:
    check_rows("h", h)
    if h.device != adjacency.device:
        raise ValueError(f"h must be on the device {adjacency.device}, got {h.device}")
    if h.shape[0] != adjacency.num_nodes:
        raise ValueError(
            f"h must have a row for each of {adjacency.num_nodes} nodes, got shape {tuple(h.shape)}"
        )
    half = h.dtype in (torch.float16, torch.bfloat16)
    if h.dtype != adjacency.dtype and not half and not autocasts(h.device.type):
        raise TypeError(f"h must be of dtype {adjacency.dtype}, got {h.dtype}")


def _floating(dtype: Any) -> torch.dtype:
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise TypeError(f"dtype must be a floating-point torch.dtype, got {dtype!r}")
    return dtype
