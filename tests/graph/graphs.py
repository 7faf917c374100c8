"""Small graphs, at random and by name, and the obvious dense way to normalise them."""

import torch
from hypothesis import strategies as st
from torch import Tensor


def both_ways(edges: Tensor) -> Tensor:
    return torch.cat([edges, edges.flip(0)], 1).unique(dim=1)


def cycle(n: int) -> Tensor:
    nodes = torch.arange(n)
    return both_ways(torch.stack([nodes, (nodes + 1) % n]))


def path(n: int) -> Tensor:
    nodes = torch.arange(n)
    return both_ways(torch.stack([nodes[:-1], nodes[1:]]))


def dense(edges: Tensor, n: int, weight: Tensor | None = None) -> Tensor:
    """Row i holds what node i takes; self-loops of weight 1 where there are none."""
    matrix = torch.zeros(n, n, dtype=torch.float64)
    has_loop = torch.zeros(n, dtype=torch.bool)
    for e, (source, target) in enumerate(edges.T.tolist()):
        matrix[target, source] += 1.0 if weight is None else float(weight[e])
        has_loop[source] |= source == target
    return matrix + torch.diag((~has_loop).double())


def dense_normalized(edges: Tensor, n: int, weight: Tensor | None = None, kind="symmetric"):
    matrix = dense(edges, n, weight)
    degree = matrix.sum(1)
    inverse = torch.where(degree > 0, 1 / degree, 0)
    if kind == "row":
        return inverse[:, None] * matrix
    return inverse.sqrt()[:, None] * matrix * inverse.sqrt()[None, :]


@st.composite
def graphs(draw, *, undirected: bool = False, most: int = 7):
    """Number of nodes and edges, in which self-loops and parallel edges may be."""
    n = draw(st.integers(1, most))
    node = st.integers(0, n - 1)
    pairs = draw(st.lists(st.tuples(node, node), max_size=14))
    edges = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).T.contiguous()
    return n, both_ways(edges) if undirected and pairs else edges


def rows(n: int, columns: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, columns, dtype=torch.float64, generator=generator)
