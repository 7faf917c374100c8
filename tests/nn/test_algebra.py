"""Algebras: their tables, against products written out by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from provenn.nn import algebra, cayley_dickson, left_multiplication

NORMED = ("real", "complex", "quaternion", "octonion")

HAMILTON = torch.tensor(
    [
        [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
        [[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 0, -1], [0, 0, 1, 0]],
        [[0, 0, -1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, -1, 0, 0]],
        [[0, 0, 0, -1], [0, 0, -1, 0], [0, 1, 0, 0], [1, 0, 0, 0]],
    ],
    dtype=torch.float64,
)


def product(A, a, b):
    return torch.einsum("ikj,i,j->k", A, a, b)


def hamilton_product(q, p):
    a, b, c, d = q
    w, x, y, z = p
    return torch.stack(
        [
            a * w - b * x - c * y - d * z,
            a * x + b * w + c * z - d * y,
            a * y - b * z + c * w + d * x,
            a * z + b * y - c * x + d * w,
        ]
    )


def random_pair(n, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, n, dtype=torch.float64, generator=generator)


def test_quaternion_matrices_are_hamiltons():
    torch.testing.assert_close(algebra("quaternion"), HAMILTON, rtol=0, atol=0)


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_quaternion_product(seed):
    q, p = random_pair(4, seed)
    torch.testing.assert_close(product(algebra("quaternion"), q, p), hamilton_product(q, p))


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_complex_product(seed):
    a, b = random_pair(2, seed)
    expected = torch.view_as_real(torch.view_as_complex(a) * torch.view_as_complex(b))
    torch.testing.assert_close(product(algebra("complex"), a, b), expected)


@pytest.mark.parametrize(("name", "square"), [("complex", -1), ("dual", 0), ("split-complex", 1)])
def test_square_of_the_new_unit(name, square):
    unit = algebra(name)[1]
    torch.testing.assert_close(unit @ unit, square * torch.eye(2, dtype=torch.float64))


@pytest.mark.parametrize("name", NORMED)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_norm_is_multiplicative(name, seed):
    A = algebra(name)
    a, b = random_pair(A.shape[0], seed)
    torch.testing.assert_close(product(A, a, b).norm(), a.norm() * b.norm())


def test_sedenions_have_zero_divisors():
    A = cayley_dickson(algebra("octonion"))
    a, b = torch.zeros(2, 16, dtype=torch.float64)
    a[3], a[10] = 1, 1
    norms = []
    for j in range(16):
        for k in range(j):
            for sign in (1, -1):
                b = torch.zeros(16, dtype=torch.float64)
                b[j], b[k] = 1, sign
                norms.append(float(product(A, a, b).norm()))
    assert min(norms) == 0


def test_octonions_are_alternative_but_not_associative():
    A = algebra("octonion")
    a, b = random_pair(8, 0)
    c = random_pair(8, 1)[0]
    torch.testing.assert_close(product(A, a, product(A, a, b)), product(A, product(A, a, a), b))
    difference = product(A, a, product(A, b, c)) - product(A, product(A, a, b), c)
    assert difference.norm() > 0.1


@pytest.mark.parametrize("name", [*NORMED, "dual", "split-complex"])
def test_first_element_is_the_unit(name):
    A = algebra(name)
    n = A.shape[0]
    torch.testing.assert_close(A[0], torch.eye(n, dtype=torch.float64))
    torch.testing.assert_close(A[:, :, 0], torch.eye(n, dtype=torch.float64))


def test_left_multiplication_of_any_table():
    table = torch.randn(3, 3, 3, dtype=torch.float64)
    A = left_multiplication(table)
    a, b = random_pair(3, 5)
    torch.testing.assert_close(product(A, a, b), torch.einsum("ijk,i,j->k", table, a, b))
