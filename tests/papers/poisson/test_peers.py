"""The peers against dense algebra, and the factors against a loop over cells."""

import itertools

import numpy as np
import pytest
import torch

from provenn.papers.poisson import peers as module
from provenn.papers.poisson.cholesky import IncompleteCholesky
from provenn.papers.poisson.peers import System, peers_for, ritz_vectors
from provenn.papers.poisson.problems import KINDS, Case

CASES = [
    Case("box", 12),
    Case("disc", 12),
    Case("random", 16),
    Case("open", 12),
    Case("block", 8, 3),
]


def dense(system):
    return system.matrix.toarray()


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.key)
def test_every_peer_solves_to_the_tolerance(case):
    A = case.operator(0)
    system = System.of(A)
    for kind in KINDS:
        b = system.vector(case.right_hand_sides((kind,), 0)[0].numpy())
        for peer in peers_for(A):
            solve = peer.prepare(system)
            for rtol in (1e-4, 1e-10):
                solved = solve(system, b, rtol, True)
                assert solved.residual <= rtol * (1 + 1e-6), (peer.name, kind)
                assert len(solved.history) == max(solved.iterations, 1) + 1
                assert solved.history[-1] == pytest.approx(solved.residual, rel=1e-3, abs=1e-12)


def by_definition(matrix, modified):
    """The incomplete factor, entry by entry (Appendix B of any textbook)."""
    n = len(matrix)
    L, pivots = np.zeros((n, n)), np.diag(matrix).astype(float)
    for j in range(n):
        if pivots[j] < 0.25 * matrix[j, j]:
            pivots[j] = max(matrix[j, j], 1.0)
        L[j, j] = np.sqrt(pivots[j])
        below = [i for i in range(j + 1, n) if matrix[i, j]]
        for i in below:
            L[i, j] = matrix[i, j] / L[j, j]
            pivots[i] -= L[i, j] ** 2
        for i, k in itertools.permutations(below, 2):
            pivots[i] -= modified * L[i, j] * L[k, j]
    return L


@pytest.mark.parametrize("modified", [0.0, 0.97])
@pytest.mark.parametrize(
    "case", [*CASES[:2], Case("random", 8), Case("open", 4, 3)], ids=lambda c: c.key
)
def test_the_incomplete_factor_is_that_of_its_definition(case, modified):
    A = case.operator(0)
    found = IncompleteCholesky(A, modified)
    expected = by_definition(dense(System.of(A)), modified)
    np.testing.assert_allclose(found.factor.toarray(), expected, atol=1e-12)
    r = np.random.default_rng(0).standard_normal(len(expected))
    z = np.linalg.solve(expected @ expected.T, r)
    np.testing.assert_allclose(found.as_operator() @ r, z, rtol=1e-8, atol=1e-10)


def test_ritz_vectors_diagonalise_the_matrix():
    system = System.of(Case("disc", 12).operator(0))
    b = np.random.default_rng(0).standard_normal(system.matrix.shape[0])
    Z = ritz_vectors(system.matrix, b, 10)
    np.testing.assert_allclose(Z.T @ Z, np.eye(10), atol=1e-12)
    projected = Z.T @ system.matrix @ Z
    np.testing.assert_allclose(projected, np.diag(np.diag(projected)), atol=1e-10)


def test_a_small_krylov_space_is_found_whole():
    system = System.of(Case("open", 3).operator(0))
    b = np.linalg.eigh(dense(system))[1][:, :2].sum(1)
    assert ritz_vectors(system.matrix, b, 5).shape == (9, 2)


def test_deflation_takes_fewer_steps_where_few_eigenvalues_are_small():
    case = Case("open", 24)
    A = case.operator(0)
    system = System.of(A)
    b = system.vector(case.right_hand_sides(("blobs",), 0)[0].numpy())
    by_name = {p.name: p for p in peers_for(A)}
    plain, deflated = (
        by_name[name].prepare(system)(system, b, 1e-8, False) for name in ("cg", "deflated")
    )
    assert deflated.iterations < plain.iterations


def test_large_systems_are_not_given_to_them(monkeypatch):
    monkeypatch.setattr(module, "MOST_UNKNOWNS", 15)
    assert peers_for(Case("box", 4).operator(0)) == ()


def test_absent_packages_are_left_out(monkeypatch):
    monkeypatch.setattr(module, "HAS_PYAMG", False)
    names = [p.name for p in peers_for(Case("box", 4).operator(0))]
    assert names == ["cg", "ic", "mic", "deflated", "dct"]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.key)
def test_problems_can_be_solved_and_are_new(case):
    A = case.operator(3)
    assert A.nullity == (case.domain != "open")
    first, again, other = (case.right_hand_sides(tuple(KINDS), seed) for seed in (3, 3, 4))
    for b, same, different in zip(first, again, other, strict=True):
        torch.testing.assert_close(A.project(b), b, atol=1e-12, rtol=0)
        assert torch.equal(b, same)
        assert b.shape != different.shape or not torch.equal(b, different)


def test_a_flow_has_no_net_source():
    case = Case("disc", 16)
    A = case.operator(0)
    b = KINDS["flow"](A, torch.Generator().manual_seed(0))
    assert abs(float(b.sum())) < 1e-12
    assert not b[~A.fluid].any()


def test_cases_are_named_for_metrics():
    assert Case("disc", 64).key == "disc-64"
    assert Case("box", 16, 3).key == "box-16-3d"
