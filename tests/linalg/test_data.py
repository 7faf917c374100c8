"""Training vectors: spectra against SciPy, Lanczos against its identities, the shares of energy."""

import numpy as np
import pytest
import torch
from scipy.fft import idctn
from scipy.sparse.linalg import eigsh
from scipy.stats import ks_2samp

from provenn.linalg import PoissonOperator, lanczos, ritz_rhs, spectrum
from provenn.linalg.conjugate_direction import data

DISC = torch.zeros(9, 8, dtype=torch.bool)
DISC[3:6, 2:5] = True


def energies(A, b):
    """Squared coefficients of vectors in the operator's eigenvectors, and the eigenvalues."""
    values, vectors = torch.linalg.eigh(torch.from_numpy(A.to_csr().toarray()))
    return (b.double().flatten(1) @ vectors).square(), values


@pytest.mark.parametrize("shape", [(7, 5), (4, 3, 5)])
def test_cosines_are_the_eigenvectors_of_an_empty_box(shape):
    A = PoissonOperator(shape)
    found = spectrum(A, "cosines")
    exact = spectrum(A, "exact")
    torch.testing.assert_close(found.values, exact.values)
    vectors = found.combine(torch.eye(len(found.values), dtype=torch.float64))
    scaled = found.values.reshape(-1, *[1] * len(shape)) * vectors
    torch.testing.assert_close(A.matvec(vectors), scaled, atol=1e-12, rtol=0)
    flat = vectors.flatten(1)
    torch.testing.assert_close(flat @ flat.T, torch.eye(len(flat), dtype=torch.float64))


def test_cosines_are_summed_as_by_the_fast_transform():
    A = PoissonOperator((6, 8))
    found = spectrum(A, "cosines")
    c = np.random.default_rng(0).standard_normal(47)
    waves = np.zeros(48)
    k = 2 - 2 * np.cos(np.pi * np.arange(6) / 6)
    order = np.argsort(
        np.add.outer(k, 2 - 2 * np.cos(np.pi * np.arange(8) / 8)).ravel(), kind="stable"
    )
    waves[order[1:]] = c
    expected = idctn(waves.reshape(6, 8), norm="ortho")
    np.testing.assert_allclose(
        found.combine(torch.from_numpy(c[None]))[0].numpy(), expected, atol=1e-12
    )


def test_exact_values_are_those_of_scipy():
    A = PoissonOperator((9, 8), solid=DISC, open_sides=((True, False), (False, False)))
    inside = A.fluid.flatten().numpy()
    expected = eigsh(A.to_csr()[inside][:, inside], k=10, which="SM", return_eigenvectors=False)
    np.testing.assert_allclose(spectrum(A).values[:10].numpy(), np.sort(expected), rtol=1e-8)


def test_lanczos_rows_are_orthonormal_and_tridiagonal():
    A = PoissonOperator((9, 8), solid=DISC)
    W, alpha, beta = lanczos(A, 40)
    eye = torch.eye(40, dtype=torch.float64)
    assert float((W @ W.T - eye).abs().max()) < 1e-12
    T = torch.diag(alpha) + torch.diag(beta, 1) + torch.diag(beta, -1)
    projected = W @ A.matvec(W.reshape(40, 9, 8)).flatten(1).T
    torch.testing.assert_close(projected, T, atol=1e-12, rtol=0)


def test_ritz_values_lie_between_the_extreme_eigenvalues():
    A = PoissonOperator((9, 8), solid=DISC)
    ritz, exact = spectrum(A, "lanczos", steps=20).values, spectrum(A, "exact").values
    assert len(ritz) == 20
    assert exact[0] - 1e-12 <= ritz[0]
    assert ritz[-1] <= exact[-1] + 1e-12
    more = spectrum(A, "lanczos", steps=21, generator=torch.Generator().manual_seed(0)).values
    fewer = spectrum(A, "lanczos", steps=20, generator=torch.Generator().manual_seed(0)).values
    assert (more[:-1] <= fewer + 1e-12).all()
    assert (fewer <= more[1:] + 1e-12).all()


def test_an_exhausted_krylov_space_ends_lanczos():
    A = PoissonOperator((4, 4))  # 9 different eigenvalues above zero, each met once
    W, alpha, beta = lanczos(A, 16)
    distinct = np.unique(np.linalg.eigvalsh(A.to_csr().toarray()).round(9))
    assert len(W) == len(alpha) == len(beta) + 1 == len(distinct) - 1


@pytest.mark.parametrize("method", ["cosines", "exact", "lanczos"])
def test_vectors_have_norm_one_and_no_part_in_the_null_space(method):
    A = PoissonOperator((8, 6), solid=None if method == "cosines" else DISC[:8, :6])
    b = ritz_rhs(A, 7, method=method, dtype=torch.float64)
    assert b.shape == (7, 8, 6)
    torch.testing.assert_close(b.flatten(1).norm(dim=1), torch.ones(7, dtype=torch.float64))
    torch.testing.assert_close(A.project(b), b, atol=1e-12, rtol=0)


def test_the_low_part_has_its_weight(generator):
    A = PoissonOperator((8, 6))
    b = ritz_rhs(A, 4000, generator=generator)
    energy, _ = energies(A, b)
    low = round(0.55 * 47)
    expected = 81 * low / (81 * low + (47 - low))
    assert float(energy[:, 1 : low + 1].sum(1).mean()) == pytest.approx(expected, rel=2e-3)
    even, _ = energies(A, ritz_rhs(A, 4000, low_weight=1.0, generator=generator))
    np.testing.assert_allclose(even[:, 1:].mean(0), 1 / 47, rtol=0.15)


def test_lanczos_and_exact_vectors_have_the_same_spectrum(generator):
    A = PoissonOperator((9, 8), solid=DISC)
    quotients = []
    for method in ("exact", "lanczos"):
        b = ritz_rhs(A, 1500, method=method, generator=generator, dtype=torch.float64)
        quotients.append((b * A.matvec(b)).flatten(1).sum(1).numpy())
    assert ks_2samp(*quotients).pvalue > 0.01


def test_auto_takes_what_is_cheapest_and_right(monkeypatch):
    box, disc = PoissonOperator((5, 5)), PoissonOperator((9, 8), solid=DISC)
    taken = []
    for name in ("_cosines", "_exact"):
        original = getattr(data, name)
        monkeypatch.setattr(data, name, lambda A, f=original, n=name: taken.append(n) or f(A))
    spectrum(box)
    spectrum(disc)
    monkeypatch.setattr(data, "EXACT_LIMIT", 10)
    spectrum(disc)
    assert taken == ["_cosines", "_exact"]


def test_a_generator_decides():
    A = PoissonOperator((9, 8), solid=DISC)
    draws = [
        ritz_rhs(A, 3, method="lanczos", generator=torch.Generator().manual_seed(seed))
        for seed in (0, 0, 1)
    ]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
