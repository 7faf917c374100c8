"""How alike the rows of a graph's nodes have become, and what they become in the limit.

    D(x, y) = 1/2 || x / |x| - y / |y| ||,   SMV_i = mean over j != i of D(x_i, x_j)

Source: Liu, Gao, Ji, Towards Deeper Graph Neural Networks, KDD 2020, section 3.
"""

from typing import Any, Literal, get_args

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from provenn.checks import check_choice, check_integer
from provenn.graph.adjacency import Adjacency, gcn_normalize
from provenn.graph.checks import check_rows

Reduction = Literal["mean", "none"]


def smoothness(
    h: Float[Tensor, "nodes channels"], *, reduction: Reduction = "mean", block: int = 4096
) -> Float[Tensor, ""] | Float[Tensor, " nodes"]:
    """Smoothness metric value: the mean distance between the directions of the nodes' rows.

    0 where all rows point the same way, 1 where all pairs are opposite. A row of zeros has no
    direction and counts as the origin. Takes time in the square of the number of nodes, and memory
    for ``block`` times it.

    Args:
        h: A row for each of at least two nodes.
        reduction: ``"mean"`` for the value of the graph, ``"none"`` for that of each node.
        block: Rows that are compared with all others at once.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If there are fewer than two rows, or ``block`` is less than 1.

    Reference:
        arXiv 2007.09296, equations 4 to 6.

    Example:
        >>> import torch
        >>> smoothness(torch.tensor([[1.0, 0.0], [5.0, 0.0], [0.0, 3.0]]), reduction="none")
        tensor([0.3536, 0.3536, 0.7071])
    """
    check_rows("h", h)
    check_choice("reduction", reduction, get_args(Reduction))
    check_integer("block", block)
    if len(h) < 2:
        raise ValueError(f"h must have at least 2 rows, got shape {tuple(h.shape)}")
    length = torch.linalg.vector_norm(h, dim=1, keepdim=True)
    direction = h / torch.where(length > 0, length, 1)
    # By differences: products would lose half the digits of near rows.
    exact = "donot_use_mm_for_euclid_dist"
    values = torch.cat(
        [torch.cdist(rows, direction, compute_mode=exact).sum(1) for rows in direction.split(block)]
    ) / (2 * (len(h) - 1))
    return values if reduction == "none" else values.mean()


class PropagationLimit:
    """``A^k`` as k grows without end, for an undirected graph with a self-loop at each node.

    Within each component, with ``d`` the degrees,

        symmetric:  v v^T,  v_j = sqrt(d_j / sum d)        row:  1 pi^T,  pi_j = d_j / sum d

    Made by :func:`limit_propagation`; call it with ``z`` for the limit of ``A^k z``.

    Attributes:
        component: Number of each node's component, (nodes,).
        share: Each node's share of its component's degrees, ``pi``, (nodes,).
        normalization: ``symmetric`` or ``row``.
    """

    def __init__(
        self,
        component: Int64[Tensor, " nodes"],
        share: Float[Tensor, " nodes"],
        normalization: Literal["symmetric", "row"],
    ) -> None:
        self.component = component
        self.share = share
        self.normalization = normalization
        self._components = int(component.max()) + 1 if len(component) else 0

    def __repr__(self) -> str:
        nodes = len(self.component)
        return f"PropagationLimit({nodes} nodes, {self._components} components)"

    @property
    def v(self) -> Float[Tensor, " nodes"]:
        """The vector ``sqrt(pi)``: the eigenvector of ``A_hat`` for 1 in each component."""
        return self.share.sqrt()

    def __call__(self, z: Float[Tensor, "nodes channels"]) -> Float[Tensor, "nodes channels"]:
        """The limit of ``A^k z``, in time linear in the nodes.

        Raises:
            TypeError: If ``z`` is no floating-point tensor.
            ValueError: If it has not a row for each node.
        """
        check_rows("z", z)
        if len(z) != len(self.component):
            raise ValueError(
                f"z must have a row for each of {len(self.component)} nodes, got shape "
                f"{tuple(z.shape)}"
            )
        symmetric = self.normalization == "symmetric"
        left = (self.v if symmetric else torch.ones_like(self.share)).to(z.dtype)
        right = (self.v if symmetric else self.share).to(z.dtype)
        taken = z.new_zeros(self._components, z.shape[1])
        taken = taken.index_add(0, self.component, right.unsqueeze(1) * z)
        return left.unsqueeze(1) * taken[self.component]


def limit_propagation(
    edge_index: Tensor | Any,
    num_nodes: int | None = None,
    edge_weight: Float[Tensor, " edges"] | None = None,
    *,
    normalization: Literal["symmetric", "row"] = "symmetric",
    dtype: torch.dtype | None = None,
) -> PropagationLimit:
    """What any number of propagations comes to: for inference at very large k, and for tests.

    Args:
        edge_index: Edges, both directions of each, as :func:`~provenn.graph.gcn_normalize` takes
            them. Nodes without a self-loop get one.
        num_nodes: Number of nodes.
        edge_weight: Weight of each edge, the same in both directions.
        normalization: Which adjacency is propagated.
        dtype: Type of the degrees; that of ``edge_weight``, else PyTorch's default.

    Returns:
        The limit: a function of ``z``, with the eigenvector ``v`` and each node's ``component``.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an edge has no counterpart of the same weight in the other direction, or a
            node's self-loop has weight 0.

    Reference:
        arXiv 2007.09296, theorems 1 and 2.

    Example:
        >>> import torch
        >>> limit = limit_propagation(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), 4)
        >>> limit(torch.eye(4))[:, 3]  # node 3 is on its own
        tensor([0., 0., 0., 1.])
        >>> limit.share
        tensor([0.2857, 0.4286, 0.2857, 1.0000])
    """
    check_choice("normalization", normalization, ("symmetric", "row"))
    plain = gcn_normalize(edge_index, num_nodes, edge_weight, normalization="none", dtype=dtype)
    matrix = plain.matrix
    if matrix.transposed_csr is not matrix.csr:
        raise ValueError(
            "edge_index and edge_weight must hold both directions of each edge with the same "
            "weight, got a directed graph"
        )
    _check_loops(plain)
    component = _components(plain)
    degree = matrix @ torch.ones(plain.num_nodes, 1, dtype=plain.dtype, device=plain.device)
    degree = degree.squeeze(1)
    count = int(component.max()) + 1 if len(component) else 0
    total = degree.new_zeros(count).index_add(0, component, degree)
    return PropagationLimit(component, degree / total[component], normalization)


def _check_loops(adjacency: Adjacency) -> None:
    source, target = adjacency.edge_index
    loops = source == target
    weight = adjacency.edge_weight.new_zeros(adjacency.num_nodes)
    weight = weight.index_add(0, target[loops], adjacency.edge_weight.detach()[loops])
    if not bool((weight > 0).all()):
        node = int((weight <= 0).nonzero()[0])
        raise ValueError(
            f"edge_weight must be positive at self-loops, got 0 at node {node}: propagation might "
            "oscillate"
        )


def _components(adjacency: Adjacency) -> Int64[Tensor, " nodes"]:
    """Number of each node's connected component."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    linked = adjacency.edge_weight.detach() > 0
    source, target = adjacency.edge_index[:, linked].cpu().numpy()
    shape = (adjacency.num_nodes, adjacency.num_nodes)
    graph = coo_array((linked[linked].cpu().numpy(), (source, target)), shape=shape)
    _, label = connected_components(graph, directed=False)
    return torch.from_numpy(label).long().to(adjacency.device)
