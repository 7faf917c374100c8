"""Normalisation and propagation against the dense way and against PyTorch Geometric."""

import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck
from torch_geometric.data import Data
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from provenn.graph import Adjacency, gcn_normalize
from provenn.graph.adjacency import AdjacencyCache
from tests.graph.graphs import both_ways, cycle, dense_normalized, graphs, path, rows

pytestmark = pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
KINDS = ("symmetric", "row")


def matrix(adjacency: Adjacency) -> torch.Tensor:
    return adjacency.propagate(torch.eye(adjacency.num_nodes, dtype=adjacency.dtype))


@settings(max_examples=40)
@given(graphs(), st.sampled_from(KINDS), st.booleans())
def test_propagation_is_the_dense_product(graph, kind, weighted):
    n, edges = graph
    weight = 0.5 + torch.arange(edges.shape[1], dtype=torch.float64) if weighted else None
    adjacency = gcn_normalize(edges, n, weight, normalization=kind, dtype=torch.float64)
    expected = dense_normalized(edges, n, weight, kind)
    torch.testing.assert_close(matrix(adjacency), expected, rtol=0, atol=1e-14)
    h = rows(n, 3)
    stack = [torch.linalg.matrix_power(expected, power) @ h for power in range(4)]
    torch.testing.assert_close(adjacency.hops(h, 3), torch.stack(stack), rtol=0, atol=1e-13)


@settings(max_examples=40)
@given(graphs(undirected=True))
def test_weights_are_those_of_pytorch_geometric(graph):
    n, edges = graph
    adjacency = gcn_normalize(edges, n, dtype=torch.float64)
    index, weight = gcn_norm(edges, None, n, dtype=torch.float64)
    expected = torch.zeros(n, n, dtype=torch.float64)
    expected[index[1], index[0]] = weight
    torch.testing.assert_close(matrix(adjacency), expected, rtol=0, atol=1e-15)


@settings(max_examples=40)
@given(graphs(undirected=True))
def test_the_symmetric_form_is_symmetric_with_its_spectrum_above_minus_one(graph):
    n, edges = graph
    adjacency = gcn_normalize(edges, n, dtype=torch.float64)
    a_hat = matrix(adjacency)
    assert torch.equal(a_hat, a_hat.T)
    assert adjacency.matrix.transposed_csr is adjacency.matrix.csr
    eigenvalues = torch.linalg.eigvalsh(a_hat)
    assert eigenvalues.max() == pytest.approx(1.0, abs=1e-12)
    assert eigenvalues.min() > -1.0
    degree = torch.zeros(n, dtype=torch.float64)
    degree.index_add_(0, edges[1], torch.ones(edges.shape[1], dtype=torch.float64))
    loops = torch.zeros(n, dtype=torch.bool)
    loops[edges[0, edges[0] == edges[1]]] = True
    root = (degree + (~loops).double()).sqrt().unsqueeze(1)
    torch.testing.assert_close(adjacency.propagate(root), root, rtol=1e-12, atol=0)


@settings(max_examples=40)
@given(graphs())
def test_rows_of_the_row_form_add_up_to_one(graph):
    n, edges = graph
    adjacency = gcn_normalize(edges, n, normalization="row", dtype=torch.float64)
    ones = torch.ones(n, 1, dtype=torch.float64)
    torch.testing.assert_close(adjacency.propagate(ones), ones, rtol=1e-13, atol=0)


@settings(max_examples=40)
@given(graphs(undirected=True))
def test_an_explicit_self_loop_of_weight_one_changes_nothing(graph):
    n, edges = graph
    edges = edges[:, edges[0] != edges[1]]
    loop = torch.tensor([[n - 1], [n - 1]])
    with_loop = gcn_normalize(torch.cat([edges, loop], 1), n, dtype=torch.float64)
    assert torch.equal(matrix(with_loop), matrix(gcn_normalize(edges, n, dtype=torch.float64)))


def test_a_self_loop_keeps_its_weight():
    edges, weight = torch.tensor([[0, 0, 1], [0, 1, 0]]), torch.tensor([3.0, 1.0, 1.0])
    a_rw = matrix(gcn_normalize(edges, 2, weight, normalization="row"))
    torch.testing.assert_close(a_rw, torch.tensor([[0.75, 0.25], [0.5, 0.5]]))


def test_without_self_loops_a_lonely_node_takes_nothing():
    adjacency = gcn_normalize(path(2), 3, add_self_loops=False)
    torch.testing.assert_close(matrix(adjacency), torch.tensor([[0.0, 1, 0], [1, 0, 0], [0, 0, 0]]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("by_edges", [False, True])
def test_derivatives_of_products(kind, by_edges):
    edges = torch.tensor([[0, 1, 2, 2, 3], [1, 2, 0, 3, 3]])
    weight = torch.linspace(0.5, 1.5, 5, dtype=torch.float64, requires_grad=by_edges)
    adjacency = gcn_normalize(edges, 4, weight, normalization=kind)
    h = rows(4, 2).requires_grad_()
    for function in (adjacency.propagate, lambda z: adjacency.hops(z, 3)):
        assert gradcheck(function, h)
        assert gradgradcheck(function, h)


def test_derivatives_in_the_edge_weights():
    edges = both_ways(torch.tensor([[0, 1, 2], [1, 2, 3]]))
    weight = torch.linspace(0.5, 1.5, 6, dtype=torch.float64, requires_grad=True)

    def outputs(w):
        return gcn_normalize(edges, 4, w).hops(rows(4, 2), 2)

    assert gradcheck(outputs, weight)
    assert gradgradcheck(outputs, weight)


def test_vmap_over_rows_and_forward_mode():
    adjacency = gcn_normalize(cycle(5), 5, dtype=torch.float64)
    stack = torch.stack([rows(5, 2, seed) for seed in range(3)])
    for function in (adjacency.propagate, lambda z: adjacency.hops(z, 2)):
        expected = torch.stack([function(h) for h in stack])
        torch.testing.assert_close(torch.func.vmap(function)(stack), expected)
        gradient = torch.func.vmap(torch.func.grad(lambda z, f=function: f(z).square().sum()))
        loop = [torch.func.grad(lambda z, f=function: f(z).square().sum())(h) for h in stack]
        torch.testing.assert_close(gradient(stack), torch.stack(loop))
        tangent = torch.func.jvp(function, (stack[0],), (stack[1],))[1]
        torch.testing.assert_close(tangent, function(stack[1]))


def test_every_form_of_a_graph_is_the_same_graph():
    edges = torch.tensor([[0, 1, 2, 3], [1, 2, 0, 0]])
    weight = torch.tensor([1.0, 2.0, 0.5, 3.0])
    expected = matrix(gcn_normalize(edges, 5, weight))
    incoming = torch.sparse_coo_tensor(edges.flip(0), weight, (5, 5), check_invariants=True)
    forms = {
        "data": Data(edge_index=edges, edge_weight=weight, num_nodes=5),
        "coo": incoming,
        "csr": incoming.to_sparse_csr(),
        "csc": incoming.to_sparse_csc(),
        "sparse tensor": Sparse(edges, weight, 5),
    }
    for name, form in forms.items():
        assert torch.equal(matrix(gcn_normalize(form)), expected), name
    unweighted = Sparse(edges, None, 5)
    assert torch.equal(matrix(gcn_normalize(unweighted)), matrix(gcn_normalize(edges, 5)))
    assert gcn_normalize(edges).num_nodes == 4


class Sparse:
    """What of ``torch_sparse.SparseTensor`` is read; that package needs a compiled extension."""

    def __init__(self, edges, weight, n):
        self.edges, self.weight, self.n = edges, weight, n

    def sparse_sizes(self):
        return self.n, self.n

    def coo(self):
        return self.edges[1], self.edges[0], self.weight


def test_half_precision_is_added_up_in_the_adjacencys():
    adjacency = gcn_normalize(cycle(6), 6)
    h = rows(6, 3).bfloat16()
    assert torch.equal(adjacency.propagate(h), adjacency.propagate(h.float()).bfloat16())
    assert adjacency.hops(h, 2).dtype == torch.float32


def test_graphs_without_edges_or_nodes():
    none = torch.empty(2, 0, dtype=torch.long)
    h = torch.rand(3, 2)
    assert torch.equal(gcn_normalize(none, 3).propagate(h), h)
    assert gcn_normalize(none, 0).hops(torch.rand(0, 2), 3).shape == (4, 0, 2)
    assert gcn_normalize(none).num_nodes == 0


def test_moving_and_showing_an_adjacency():
    adjacency = gcn_normalize(cycle(4), 4)
    assert adjacency.to("cpu") is adjacency
    assert adjacency.to(dtype=torch.float64).dtype == torch.float64
    assert repr(adjacency) == "Adjacency(4 nodes, 12 edges, torch.float32, cpu)"


def test_the_cache_keeps_the_last_edges_until_they_change():
    cache, edges, weight = AdjacencyCache("symmetric", True), cycle(4), torch.ones(8)
    first = cache.get(edges, 4, None, torch.float32)
    assert cache.get(edges, 4, None, torch.float32) is first
    others = (
        (edges, 5, None, torch.float32),
        (edges, 4, None, torch.float64),
        (edges, 4, weight, torch.float32),
        (edges.clone(), 4, None, torch.float32),
    )
    for other in others:
        assert cache.get(*other) is not cache.get(edges, 4, None, torch.float32)
    weighted = cache.get(edges, 4, weight, torch.float32)
    weight[0] = 5.0
    assert cache.get(edges, 4, weight, torch.float32) is not weighted
    before = matrix(cache.get(edges, 4, None, torch.float32))
    edges[:, 0] = edges[:, 1]
    assert not torch.equal(matrix(cache.get(edges, 4, None, torch.float32)), before)


def test_the_cache_leaves_alone_what_it_cannot_follow():
    cache, edges = AdjacencyCache("symmetric", True), cycle(4)
    weight = torch.ones(8, requires_grad=True)
    first = cache.get(edges, 4, weight, torch.float32)
    assert cache.get(edges, 4, weight, torch.float32) is not first
    with torch.inference_mode():
        inside = torch.clone(edges)
        assert cache.get(inside, 4, None, torch.float32) is not cache.get(
            inside, 4, None, torch.float32
        )
        kept = cache.get(edges, 4, None, torch.float32)
    assert not kept.edge_weight.is_inference()
    for duplicate in (copy.deepcopy(cache), pickle.loads(pickle.dumps(cache))):  # noqa: S301
        assert duplicate.get(edges, 4, None, torch.float32) is not kept
