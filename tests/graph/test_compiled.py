"""Compiled and exported networks, run without the type checker around the package."""

import pytest
import torch

from provenn.graph import DAGNN, gcn_normalize
from tests.graph.graphs import cycle, path

pytestmark = pytest.mark.compiled


@pytest.fixture
def network():
    torch.manual_seed(0)
    torch.compiler.reset()
    return DAGNN(5, 3, hidden=6, k=4).eval()


def test_edges_and_adjacency_compile_to_one_graph(network):
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    x, edges = torch.rand(6, 5), torch.cat([cycle(6), torch.tensor([[2], [2]])], 1)
    torch.testing.assert_close(compiled(x, edges), network(x, edges))
    weight = torch.rand(13)
    torch.testing.assert_close(compiled(x, edges, weight), network(x, edges, weight))
    adjacency = gcn_normalize(edges, 6)
    torch.testing.assert_close(compiled(x, adjacency), network(x, adjacency))


def test_an_exported_network_takes_other_graphs(network):
    nodes, edges = torch.export.Dim("nodes", min=2), torch.export.Dim("edges", min=2)
    example = (torch.rand(6, 5), cycle(6))
    program = torch.export.export(
        network, example, dynamic_shapes=({0: nodes}, {1: edges}, None)[:2]
    )
    x = torch.rand(9, 5)
    torch.testing.assert_close(program.module()(x, path(9)), network(x, path(9)))
