"""Smoothness against pairs one by one, and propagation against its limits."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from provenn.graph import gcn_normalize, limit_propagation, smoothness
from tests.graph.graphs import both_ways, cycle, dense_normalized, graphs, path, rows

MANY = 20_000


def one_by_one(h: torch.Tensor) -> torch.Tensor:
    n = len(h)
    unit = [row / row.norm() if row.norm() > 0 else row for row in h]
    distances = [[0.5 * float((a - b).norm()) for b in unit] for a in unit]
    return torch.tensor(distances, dtype=torch.float64).sum(1) / (n - 1)


@settings(max_examples=40)
@given(st.integers(2, 9), st.integers(1, 4), st.integers(0, 50), st.integers(1, 5))
def test_smoothness_is_the_mean_over_pairs(n, columns, seed, block):
    h = rows(n, columns, seed)
    h[0] = 0 if seed % 3 == 0 else h[0]
    expected = one_by_one(h)
    given_ = smoothness(h, reduction="none", block=block)
    torch.testing.assert_close(given_, expected, rtol=0, atol=1e-14)
    assert float(smoothness(h)) == pytest.approx(float(expected.mean()), abs=1e-14)
    assert 0 <= float(smoothness(h)) <= 1


@settings(max_examples=30)
@given(st.integers(0, 50), st.lists(st.floats(1e-3, 1e3), min_size=5, max_size=5))
def test_the_lengths_of_rows_do_not_count(seed, lengths):
    h = rows(5, 3, seed)
    scaled = torch.tensor(lengths, dtype=torch.float64).unsqueeze(1) * h
    torch.testing.assert_close(smoothness(scaled), smoothness(h), rtol=0, atol=1e-13)


def test_known_values_of_smoothness():
    u, v = rows(6, 1).abs(), rows(1, 3)
    assert float(smoothness(u @ v)) <= 1e-15
    eye = torch.eye(4, dtype=torch.float64)
    torch.testing.assert_close(
        smoothness(eye, reduction="none"), torch.full((4,), math.sqrt(2) / 2).double()
    )
    assert float(smoothness(torch.tensor([[1.0], [-2.0]]))) == 1.0
    assert float(smoothness(torch.zeros(3, 2))) == 0.0


@settings(max_examples=30)
@given(graphs(undirected=True), st.sampled_from(["symmetric", "row"]))
def test_powers_converge_to_the_limit(graph, kind):
    n, edges = graph
    limit = limit_propagation(edges, n, normalization=kind, dtype=torch.float64)
    powers = dense_normalized(edges, n, kind=kind)
    for _ in range(12):
        powers = powers @ powers
    eye = torch.eye(n, dtype=torch.float64)
    torch.testing.assert_close(limit(eye), powers, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("edges", "n"),
    [(cycle(8), 8), (path(7), 7), (both_ways(torch.tensor([[0, 1, 3], [1, 2, 4]])), 6)],
    ids=["bipartite cycle", "path", "three components"],
)
def test_many_propagations_are_the_limit(edges, n):
    for kind in ("symmetric", "row"):
        adjacency = gcn_normalize(edges, n, normalization=kind, dtype=torch.float64)
        z = rows(n, 3)
        h = z
        for _ in range(MANY // 100):
            h = adjacency.hops(h, 10)[-1]
        limit = limit_propagation(edges, n, normalization=kind, dtype=torch.float64)
        torch.testing.assert_close(limit(z), h, rtol=0, atol=1e-10)


def test_the_rate_is_that_of_the_second_eigenvalue():
    edges, n = path(6), 6
    a_hat = dense_normalized(edges, n)
    second = torch.linalg.eigvalsh(a_hat).abs().sort().values[-2]
    limit = limit_propagation(edges, n, dtype=torch.float64)(torch.eye(n, dtype=torch.float64))
    distance = [
        torch.linalg.matrix_norm(torch.linalg.matrix_power(a_hat, k) - limit, 2) for k in (9, 10)
    ]
    assert float(distance[1] / distance[0]) == pytest.approx(float(second), rel=1e-9)


def test_the_limit_in_closed_form():
    edges, weight = path(3), torch.tensor([2.0, 2.0, 3.0, 3.0], dtype=torch.float64)
    edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    limit = limit_propagation(edges, 3, weight)
    degree = torch.tensor([3.0, 6.0, 4.0], dtype=torch.float64)
    torch.testing.assert_close(limit.share, degree / 13)
    torch.testing.assert_close(limit.v, (degree / 13).sqrt())
    assert repr(limit) == "PropagationLimit(3 nodes, 1 components)"
    none = limit_propagation(torch.empty(2, 0, dtype=torch.long), 0)
    assert none(torch.empty(0, 2)).shape == (0, 2)


def test_rows_of_a_component_become_parallel():
    edges = both_ways(torch.tensor([[0, 1, 2, 4], [1, 2, 3, 5]]))
    limit = limit_propagation(edges, 6, dtype=torch.float64)(rows(6, 3))
    assert float(smoothness(limit[:4])) < 1e-15
    assert float(smoothness(limit)) > 0.1
