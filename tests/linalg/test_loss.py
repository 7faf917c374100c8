"""The loss against a loop over the batch, and what must hold of it."""

import pytest
import torch

from provenn.linalg import PoissonOperator, conjugate_direction_loss

A = PoissonOperator((4, 5), solid=torch.eye(4, 5, dtype=torch.bool))
MATRIX = torch.from_numpy(A.to_csr().toarray())


def vectors(seed, batch=3):
    generator = torch.Generator().manual_seed(seed)
    return A.project(torch.randn(batch, 4, 5, dtype=torch.float64, generator=generator))


def loss(q, r):
    return conjugate_direction_loss(q, r, A.matvec)


def test_it_is_the_mean_of_a_loop():
    q, r = vectors(0), vectors(1)
    total = 0.0
    for one_q, one_r in zip(q.flatten(1), r.flatten(1), strict=True):
        alpha = (one_r @ one_q) / (one_q @ MATRIX @ one_q)
        total += float(((one_r - alpha * MATRIX @ one_q) ** 2).sum())
    assert float(loss(q, r)) == pytest.approx(total / 3, rel=1e-12)


@pytest.mark.parametrize("c", [3.0, -0.25, 1e3])
def test_a_factor_of_the_direction_does_not_count(c):
    q, r = vectors(0), vectors(1)
    torch.testing.assert_close(loss(c * q, r), loss(q, r))


def test_the_solution_has_no_loss():
    r = A.matvec(vectors(0))
    solution = (torch.linalg.pinv(MATRIX) @ r.flatten(1).T).T.reshape(r.shape)
    assert float(loss(-2 * solution, r)) < 1e-24


def test_the_step_is_that_of_the_solver_and_not_of_least_squares():
    q, r = vectors(0, 1), vectors(1, 1)
    product = A.matvec(q)
    least = (r - (r * product).sum() / product.square().sum() * product).square().sum()
    assert float(loss(q, r)) > float(least)


def test_its_gradients_are_right():
    q, r = vectors(0).requires_grad_(), vectors(1)
    assert torch.autograd.gradcheck(loss, (q, r))


def test_a_zero_direction_leaves_all_of_the_residual():
    r = vectors(1)
    assert float(loss(torch.zeros_like(r), r)) == pytest.approx(float(r.square().sum() / 3))
