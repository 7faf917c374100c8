"""DAGNN: the invariants of its definition, and the same thing said in other ways."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional
from torch_geometric.nn import APPNP, GCNConv

from provenn.graph import (
    DAGNN,
    AdaptivePropagation,
    DecoupledGNN,
    NodeMLP,
    SparseFeatures,
    dagnn_propagate,
    gcn_normalize,
    retainment_scores,
)
from tests.graph.graphs import both_ways, cycle, dense_normalized, graphs, path, rows

pytestmark = pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")


def network(n_classes=3, k=4, **options) -> DAGNN:
    torch.manual_seed(0)
    return DAGNN(5, n_classes, hidden=6, k=k, **options).double().eval()


@settings(max_examples=40)
@given(graphs(), st.integers(0, 4), st.booleans())
def test_the_definition_said_densely(graph, k, bias):
    n, edges = graph
    z, s = rows(n, 3), rows(3, 1, seed=1).squeeze(1)
    b = torch.tensor(0.3, dtype=torch.float64) if bias else None
    adjacency = gcn_normalize(edges, n, dtype=torch.float64)
    a_hat = dense_normalized(edges, n)
    expected = torch.zeros_like(z)
    for hop in range(k + 1):
        h = torch.linalg.matrix_power(a_hat, hop) @ z
        for i in range(n):
            gate = 1 / (1 + math.exp(-(float(h[i] @ s) + (0.3 if bias else 0.0))))
            expected[i] += gate * h[i]
    given_ = dagnn_propagate(z, adjacency, s, b, k=k)
    torch.testing.assert_close(given_, expected, rtol=0, atol=1e-13)


def test_without_propagation_it_sees_no_graph():
    net, x = network(k=0), rows(4, 5)
    z = net.encoder(x)
    gate = (z @ net.propagation.weight + net.propagation.bias).sigmoid()
    torch.testing.assert_close(net(x, path(4)), gate.unsqueeze(1) * z, rtol=0, atol=1e-15)
    assert torch.equal(net(x, path(4)), net(x, cycle(4)))


@pytest.mark.parametrize(("bias", "share"), [(0.0, 0.5), (800.0, 1.0), (-800.0, 0.0)])
def test_a_constant_gate_takes_an_equal_share_of_every_hop(bias, share):
    z, adjacency = rows(5, 3), gcn_normalize(cycle(5), 5, dtype=torch.float64)
    out = dagnn_propagate(z, adjacency, torch.zeros(3).double(), torch.tensor(bias).double(), k=6)
    total = adjacency.hops(z, 6).sum(0)
    torch.testing.assert_close(out, share * total, rtol=1e-13, atol=1e-13)


@settings(max_examples=40)
@given(graphs(), st.randoms(use_true_random=False))
def test_renaming_the_nodes_renames_the_outputs(graph, random):
    n, edges = graph
    order = torch.tensor(random.sample(range(n), n))
    net, x = network(), rows(n, 5)
    renamed = torch.empty_like(x)
    renamed[order] = x
    torch.testing.assert_close(net(renamed, order[edges])[order], net(x, edges), rtol=0, atol=1e-13)


@settings(max_examples=40)
@given(graphs(), st.integers(0, 5))
def test_a_lonely_node_changes_nothing_else_and_adds_itself_up(graph, k):
    n, edges = graph
    net, x = network(k=k), rows(n + 1, 5)
    out = net(x, edges)
    torch.testing.assert_close(out[:n], net(x[:n], edges), rtol=0, atol=1e-14)
    z = net.encoder(x[n:])
    gate = (z @ net.propagation.weight + net.propagation.bias).sigmoid()
    torch.testing.assert_close(out[n:], (k + 1) * gate.unsqueeze(1) * z, rtol=1e-13, atol=0)


@pytest.mark.parametrize("k", [0, 1, 3])
def test_a_node_sees_exactly_k_hops(k):
    net, x = network(k=k), rows(9, 5).requires_grad_()
    out = net(x, path(9))[0].square().sum()
    (gradient,) = torch.autograd.grad(out, x)
    reached = gradient.abs().sum(1) > 0
    assert reached.tolist() == [i <= k for i in range(9)]


@pytest.mark.parametrize(("n", "n_classes"), [(1, 3), (4, 1), (1, 1)])
def test_one_class_and_one_node_keep_their_axes(n, n_classes):
    net = network(n_classes=n_classes)
    x = rows(n, 5)
    edges = path(n) if n > 1 else torch.empty(2, 0, dtype=torch.long)
    assert net(x, edges).shape == (n, n_classes)
    assert net.retainment_scores(x, edges).shape == (n, 5)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({}, 5 * 6 + 6 + 6 * 3 + 3 + 3 + 1),
        ({"gate_bias": False}, 5 * 6 + 6 + 6 * 3 + 3 + 3),
        ({"batch_norm": True}, 5 * 6 + 6 + 2 * 6 + 6 * 3 + 3 + 3 + 1),
    ],
)
def test_the_number_of_parameters(options, count):
    assert sum(p.numel() for p in network(**options).parameters()) == count


def test_the_network_for_ogbn_arxiv_has_the_published_size():
    net = DAGNN(128, 40, 256, 16, 0.2, input_dropout=0.0, batch_norm=True)
    assert sum(p.numel() for p in net.parameters()) == 43_857
    x = torch.rand(7, 128)
    first = net.train()(x, cycle(7))
    assert net.encoder.norm.num_batches_tracked == 1
    assert first.shape == (7, 40)


def test_initialisation_is_that_of_a_linear_layer():
    torch.manual_seed(0)
    gates = [AdaptivePropagation(4, 1) for _ in range(500)]
    values = torch.stack([torch.cat([g.weight, g.bias.view(1)]) for g in gates]).detach()
    assert values.abs().max() <= 0.5
    torch.testing.assert_close(values.var(), torch.tensor(0.25 / 3), rtol=0.1, atol=0)


def test_dropout_falls_on_features_and_hidden_units_and_nowhere_else(monkeypatch):
    seen = []

    def follow(x, p, training):
        seen.append((tuple(x.shape), p, training))
        return x

    monkeypatch.setattr(functional, "dropout", follow)
    net = network(dropout=0.7, input_dropout=0.2)
    x, edges = rows(4, 5), path(4)
    trained = net.train()(x, edges)
    assert seen == [((4, 5), 0.2, True), ((4, 6), 0.7, True)]
    assert torch.equal(trained, net.eval()(x, edges))


def test_sparse_features_are_dense_ones_with_fewer_products(monkeypatch):
    net = network()
    torch.manual_seed(1)
    x = torch.where(torch.rand(6, 5) < 0.4, rows(6, 5), 0.0)
    features, edges = SparseFeatures(x), cycle(6)
    torch.testing.assert_close(net(features, edges), net(x, edges), rtol=0, atol=1e-14)
    torch.testing.assert_close(net(x.to_sparse_csr(), edges), net(x, edges), rtol=0, atol=1e-14)
    # The same entries dropped of both.
    keep = torch.rand(6, 5) < 0.5

    def drop(values, p, training=True):
        mask = keep[x != 0] if values.ndim == 1 else keep if values.shape == x.shape else None
        return values if mask is None or not training else values * mask / (1 - p)

    monkeypatch.setattr(functional, "dropout", drop)
    gradients = []
    for given_ in (features, x):
        net.zero_grad()
        net.train()(given_, edges).square().sum().backward()
        gradients.append([p.grad.clone() for p in net.parameters()])
    for sparse, dense in zip(*gradients, strict=True):
        torch.testing.assert_close(sparse, dense, rtol=1e-12, atol=1e-13)


def test_edges_and_their_adjacency_are_the_same():
    edges, weight = both_ways(torch.tensor([[0, 1, 2], [1, 2, 3]])), torch.rand(6).double()
    net, x = network(), rows(4, 5)
    adjacency = gcn_normalize(edges, 4, weight)
    assert torch.equal(net(x, adjacency), net(x, edges, weight))
    decoupled = DecoupledGNN(5, 3, 6, k=2).double().eval()
    assert torch.equal(decoupled(x, adjacency), decoupled(x, edges, weight))


def test_the_decoupled_network_takes_the_last_hop_alone():
    net = DecoupledGNN(5, 3, hidden=6, k=7).double().eval()
    x = rows(5, 5)
    a_hat = dense_normalized(cycle(5), 5)
    expected = torch.linalg.matrix_power(a_hat, 7) @ net.encoder(x)
    torch.testing.assert_close(net(x, cycle(5)), expected, rtol=0, atol=1e-14)


def test_one_hop_is_pytorch_geometrics_convolution():
    net, x = DecoupledGNN(5, 3, hidden=6, k=1).eval(), torch.rand(6, 5)
    conv = GCNConv(6, 3)
    conv.lin.weight.data = net.encoder.lin2.weight.data
    conv.bias.data.zero_()
    net.encoder.lin2.bias.data.zero_()
    hidden = net.encoder.lin1(x).relu()
    torch.testing.assert_close(net(x, cycle(6)), conv(hidden, cycle(6)))


def test_appnp_is_a_polynomial_of_the_hops():
    z, edges, alpha, k = rows(6, 3), both_ways(path(6)), 0.1, 5
    hops = gcn_normalize(edges, 6, dtype=torch.float64).hops(z, k)
    weights = [alpha * (1 - alpha) ** hop for hop in range(k)] + [(1 - alpha) ** k]
    expected = (torch.tensor(weights, dtype=torch.float64).view(-1, 1, 1) * hops).sum(0)
    torch.testing.assert_close(APPNP(k, alpha)(z, edges), expected, rtol=1e-13, atol=1e-14)


def test_scores_are_those_that_the_output_is_made_of():
    net, x, edges = network(), rows(6, 5), cycle(6)
    scores = net.retainment_scores(x, edges)
    hops = gcn_normalize(edges, 6, dtype=torch.float64).hops(net.encoder(x), 4)
    torch.testing.assert_close((scores.T.unsqueeze(-1) * hops).sum(0), net(x, edges))
    assert not scores.requires_grad
    assert ((scores > 0) & (scores < 1)).all()
    gate = net.propagation
    torch.testing.assert_close(retainment_scores(hops, gate.weight, gate.bias).T, scores)


def test_a_network_can_be_saved_and_built_again(tmp_path):
    net = DAGNN(5, 3, hidden=6, k=4, dropout=0.3, gate_bias=False, normalization="row").eval()
    net.save_pretrained(tmp_path)
    again = DAGNN.from_pretrained(tmp_path)
    x = torch.rand(6, 5)
    assert torch.equal(again(x, cycle(6)), net(x, cycle(6)))
    assert again.config == net.config


def test_the_encoder_is_what_pytorchs_own_layers_make():
    net = NodeMLP(5, 3, 6, dropout=0.5).eval()
    plain = torch.nn.Sequential(net.lin1, torch.nn.ReLU(), net.lin2)
    x = torch.rand(4, 5)
    assert torch.equal(net(x), plain(x))
