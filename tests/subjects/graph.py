"""The networks of ``provenn.graph`` in their smallest sizes, on a graph of six nodes."""

import torch

from provenn.graph import DAGNN, AdaptivePropagation, DecoupledGNN, NodeMLP
from provenn.testing import Subject

EDGES = torch.tensor([[0, 1, 1, 2, 2, 3, 3, 0, 4, 4], [1, 0, 2, 1, 3, 2, 0, 3, 4, 0]])


def _rows(nodes: int, columns: int) -> torch.Tensor:
    return torch.randn(nodes, columns, generator=torch.Generator().manual_seed(0))


def _on_graph(build, columns, *weights, **expected_failures: str) -> Subject:
    """A network on features and edges, which have no batch axis: every node sees others."""
    return Subject(
        build,
        (_rows(6, columns), EDGES, *weights),
        batch_dim=None,
        backend="aot_eager",
        expected_failures=expected_failures,
    )


SUBJECTS = {
    "DAGNN": _on_graph(lambda **factory: DAGNN(3, 4, hidden=5, k=3, **factory), 3),
    "DAGNN-arxiv": _on_graph(
        lambda **factory: DAGNN(
            3, 4, hidden=5, k=2, dropout=0.2, input_dropout=0.0, batch_norm=True, **factory
        ),
        3,
    ),
    "DAGNN-row": _on_graph(
        lambda **factory: DAGNN(
            3, 1, hidden=2, k=2, dropout=0.0, gate_bias=False, normalization="row", **factory
        ),
        3,
    ),
    "AdaptivePropagation": _on_graph(lambda **factory: AdaptivePropagation(4, 3, **factory), 4),
    "AdaptivePropagation-weighted": _on_graph(
        lambda **factory: AdaptivePropagation(4, 3, **factory),
        4,
        torch.linspace(0.5, 2.0, EDGES.shape[1]),
        not_a_tensor="without edge_weight every edge has weight 1",
    ),
    "DecoupledGNN": _on_graph(lambda **factory: DecoupledGNN(3, 4, hidden=5, k=3, **factory), 3),
    "NodeMLP": Subject(
        lambda **factory: NodeMLP(3, 4, hidden=5, **factory), (_rows(6, 3),), backend="aot_eager"
    ),
    "NodeMLP-batch-norm": Subject(
        lambda **factory: NodeMLP(3, 4, hidden=5, input_dropout=0.0, batch_norm=True, **factory),
        (_rows(6, 3),),
        backend="aot_eager",
    ),
}
