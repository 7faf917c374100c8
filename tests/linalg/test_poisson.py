"""The Poisson operator against its definition, written as a loop, and against its own matrix."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import cg

from provenn.linalg import PoissonOperator
from tests.linalg.conftest import domains

BOUNDED = settings(max_examples=60)


def by_definition(solid, air, sides):
    """The dense matrix from the definition, cell by cell."""
    shape = solid.shape
    number = {cell: i for i, cell in enumerate(itertools.product(*map(range, shape)))}
    matrix = np.zeros((solid.size, solid.size))
    for cell, i in number.items():
        if solid[cell] or air[cell]:
            continue
        for axis, step in itertools.product(range(len(shape)), (-1, 1)):
            other = tuple(c + step * (k == axis) for k, c in enumerate(cell))
            if other not in number:
                matrix[i, i] += sides[axis][step > 0]
            elif not solid[other]:
                matrix[i, i] += 1
                if not air[other]:
                    matrix[i, number[other]] = -1
    return matrix


def vector(A, seed=0, batch=()):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*batch, *A.grid_shape, dtype=torch.float64, generator=generator)


@given(domains())
@BOUNDED
def test_it_is_the_matrix_of_its_definition(domain):
    A = PoissonOperator(**domain)
    expected = by_definition(domain["solid"], domain["air"], domain["open_sides"])
    np.testing.assert_array_equal(A.to_csr().toarray(), expected)


@given(domains())
@BOUNDED
def test_the_stencil_is_the_sparse_matrix(domain):
    A = PoissonOperator(**domain)
    x = vector(A, batch=(2, 3))
    product = A.matvec(x)
    expected = A.to_csr() @ x.reshape(6, -1).T.numpy()
    np.testing.assert_allclose(product.reshape(6, -1).T.numpy(), expected, atol=1e-13)
    linear = A.as_linear_operator()
    np.testing.assert_allclose(linear @ x[0, 0].flatten().numpy(), expected[:, 0], atol=1e-13)


@given(domains())
@BOUNDED
def test_it_is_symmetric_and_positive_semidefinite(domain):
    A = PoissonOperator(**domain)
    matrix = A.to_csr().toarray()
    np.testing.assert_array_equal(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix).min() > -1e-12
    np.testing.assert_array_equal(A.diagonal().flatten().numpy(), np.diag(matrix))


@given(domains())
@BOUNDED
def test_cells_that_are_not_fluid_have_zero_rows_and_columns(domain):
    A = PoissonOperator(**domain)
    dead = ~A.fluid.flatten().numpy()
    matrix = A.to_csr().toarray()
    assert not matrix[dead].any()
    assert not matrix[:, dead].any()
    x = vector(A)
    disturbed = x + 1e6 * ~A.fluid
    assert torch.equal(A.matvec(x), A.matvec(disturbed))
    assert not A.matvec(x)[~A.fluid].any()


@given(domains())
@BOUNDED
def test_the_null_space_is_that_of_the_matrix(domain):
    A = PoissonOperator(**domain)
    fluid = A.fluid.flatten().numpy()
    matrix = A.to_csr().toarray()[fluid][:, fluid]
    assert A.nullity == int((np.linalg.eigvalsh(matrix) < 1e-10).sum())
    basis = A.null_space().flatten(1)
    assert basis.shape == (A.nullity, A.size)
    torch.testing.assert_close(basis @ basis.T, torch.eye(A.nullity, dtype=torch.float64))
    assert all(not A.matvec(v.reshape(A.grid_shape)).any() for v in basis)


def test_without_air_there_is_one_constant_for_each_component():
    generator = np.random.default_rng(1)
    for _ in range(5):
        solid = generator.random((8, 9)) < 0.4
        A = PoissonOperator((8, 9), solid=solid)
        fluid = ~solid.ravel()
        n, _ = connected_components(A.to_csr()[fluid][:, fluid])
        assert A.nullity == n
        assert np.abs(A.to_csr().sum(axis=1)).max() == 0


@given(domains())
@BOUNDED
def test_projection_removes_exactly_the_null_space(domain):
    A = PoissonOperator(**domain)
    x = vector(A, batch=(2,))
    basis = A.null_space().flatten(1)
    expected = (x * A.fluid).flatten(1)
    expected = expected - (expected @ basis.T) @ basis
    torch.testing.assert_close(A.project(x).flatten(1), expected, atol=1e-12, rtol=0)
    torch.testing.assert_close(A.project(A.project(x)), A.project(x), atol=1e-12, rtol=0)


def test_scipy_solves_with_the_linear_operator():
    A = PoissonOperator((6, 7), open_sides=((False, True), (False, False)))
    b = vector(A).flatten().numpy()
    x, info = cg(A.as_linear_operator(), b, rtol=1e-12)
    assert info == 0
    np.testing.assert_allclose(A.to_csr() @ x, b, atol=1e-9)


def test_it_keeps_dtype_and_takes_gradients():
    A = PoissonOperator((3, 4), solid=np.eye(3, 4, dtype=bool))
    x = vector(A, batch=(2,)).requires_grad_()
    assert torch.autograd.gradcheck(A.matvec, x)
    assert A.matvec(x.detach().float()).dtype == torch.float32
    torch.testing.assert_close(torch.func.vmap(A.matvec)(x), A.matvec(x))


def test_only_an_empty_box_is_one():
    assert PoissonOperator((3, 3)).is_empty_box
    assert not PoissonOperator((3, 3), solid=np.eye(3, dtype=bool)).is_empty_box
    assert not PoissonOperator((3, 3), open_sides=((True, False), (False, False))).is_empty_box


def test_it_says_what_it_is():
    said = repr(PoissonOperator((3, 3), solid=np.eye(3, dtype=bool)))
    assert said == "PoissonOperator((3, 3), unknowns=6, nullity=2, device='cpu')"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_it_moves_to_a_gpu():
    A = PoissonOperator((3, 4), solid=np.eye(3, 4, dtype=bool))
    x = vector(A)
    expected = A.matvec(x)
    torch.testing.assert_close(A.to("cuda").matvec(x.cuda()).cpu(), expected)
