"""The solver against conjugate gradients, dense algebra and what must hold for any network."""

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, aslinearoperator, cg

from provenn.linalg import DCDMNet, PoissonOperator, dcdm
from tests.linalg.conftest import domains

DISC = (torch.cartesian_prod(*[torch.arange(24)] * 2) - torch.tensor([11.5, 9.5])).norm(dim=1) < 4
BOX = PoissonOperator((24, 24))
OBSTACLE = PoissonOperator((24, 24), solid=DISC.reshape(24, 24))
OPEN = PoissonOperator((24, 24), open_sides=((False, True), (False, False)))
POCKETS = PoissonOperator(
    (24, 24), solid=torch.rand(24, 24, generator=torch.Generator().manual_seed(3)) < 0.35
)
DOMAINS = {"box": BOX, "obstacle": OBSTACLE, "open": OPEN, "pockets": POCKETS}


def rhs(A, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return A.project(torch.randn(*A.grid_shape, dtype=torch.float64, generator=generator))


@lru_cache(8)
def pseudoinverse(A):
    return torch.linalg.pinv(torch.from_numpy(A.to_csr().toarray()), hermitian=True)


def inverting(A, c):
    inverse = pseudoinverse(A)
    return lambda r: c * (inverse @ r.flatten()).reshape(r.shape)


def untrained(dim=2, seed=0):
    torch.manual_seed(seed)
    return DCDMNet(dim, channels=8).eval()


def residual(A, x, b):
    return float((b - A.matvec(x)).norm() / b.norm())


def errors(A, b, net, **options):
    """Error in the norm of A after each step, and the iterates."""
    exact = (pseudoinverse(A) @ b.flatten()).reshape(b.shape)
    iterates = [torch.zeros_like(b)]
    dcdm(A, b, net, callback=lambda x: iterates.append(x.clone()), **options)
    gaps = [x - exact for x in iterates]
    return np.array([math.sqrt(max(0.0, float((e * A.matvec(e)).sum()))) for e in gaps]), iterates


class Unfit:
    """Networks that no one should use."""

    @staticmethod
    def zero(r):
        return torch.zeros_like(r)

    @staticmethod
    def nan(r):
        return torch.full_like(r, torch.nan)

    @staticmethod
    def infinite(r):
        return torch.full_like(r, torch.inf)

    @staticmethod
    def huge(r):
        return 1e200 * r

    @staticmethod
    def vanishing(r):
        return 1e-200 * r

    @staticmethod
    def constant(r):
        return torch.ones_like(r)

    @staticmethod
    def same(r):
        grid = torch.linspace(0, 1, r.shape[-1], dtype=r.dtype)
        return grid.expand(r.shape)

    @staticmethod
    def orthogonal(r):
        """Directions along which no step lowers the error: orthogonal to the residual."""
        noise = torch.randn(r.shape, dtype=r.dtype, generator=torch.Generator().manual_seed(0))
        return noise - (noise * r).sum() / (r * r).sum() * r

    @staticmethod
    def barely(r):
        """Almost orthogonal: every step gains a little, none enough."""
        return Unfit.orthogonal(r) + 1e-3 * r


UNFIT = {name: f.__func__ for name, f in vars(Unfit).items() if isinstance(f, staticmethod)}


@pytest.mark.parametrize("name", DOMAINS)
def test_with_the_residual_as_direction_it_is_conjugate_gradients(name):
    A, history = DOMAINS[name], []
    b = rhs(A)
    flat, matrix = b.flatten().numpy(), A.to_csr()
    cg(matrix, flat, rtol=1e-12, maxiter=20, callback=lambda x: history.append(flat - matrix @ x))
    for window in (1, 2, 5):
        _, info = dcdm(A, b, lambda r: r, maxiter=20, rtol=1e-12, window=window)
        expected = [np.linalg.norm(flat), *map(np.linalg.norm, history)]
        np.testing.assert_allclose(info.residuals, expected, rtol=1e-10)


@pytest.mark.parametrize("c", [1.0, -3.0, 1e-6])
@pytest.mark.parametrize("name", DOMAINS)
def test_the_inverse_takes_one_step(name, c):
    A = DOMAINS[name]
    b = rhs(A)
    x, info = dcdm(A, b, inverting(A, c), rtol=1e-10)
    assert info.n_iter == 1
    assert residual(A, x, b) < 1e-10


@given(domains(), st.integers(0, 5), st.booleans())
@settings(max_examples=40)
def test_the_error_never_grows_whatever_the_network_says(domain, seed, safeguard):
    A = PoissonOperator(**domain)
    generator = torch.Generator().manual_seed(seed)

    def noise(r):
        return torch.randn(r.shape, dtype=r.dtype, generator=generator)

    error, _ = errors(A, rhs(A, seed), noise, maxiter=15, rtol=1e-9, safeguard=safeguard)
    assert (np.diff(error) <= 1e-9 * error[0]).all()


def test_the_error_falls_strictly_with_a_random_network():
    b = rhs(BOX)
    error, iterates = errors(BOX, b, untrained(), maxiter=30, rtol=1e-12, safeguard=False)
    for (before, after), gain in zip(pairwise(iterates), -np.diff(error**2), strict=True):
        d = after - before
        r = b - BOX.matvec(before)
        step = float((d * r).sum()) ** 2 / float((d * BOX.matvec(d)).sum())
        assert gain == pytest.approx(step, rel=1e-6, abs=1e-12 * error[0] ** 2)
        assert gain > 0 or step < 1e-12 * error[0] ** 2


@pytest.mark.parametrize("window", [1, 2, 4])
def test_directions_are_conjugate_to_the_window_and_the_residual_to_the_direction(window):
    b = rhs(OBSTACLE)
    iterates = [torch.zeros_like(b)]
    dcdm(
        OBSTACLE, b, untrained(), window=window, maxiter=12, safeguard=False, recompute=1,
        callback=lambda x: iterates.append(x.clone()),
    )  # fmt: skip
    steps = [after - before for before, after in pairwise(iterates)]
    steps = [d / (d * OBSTACLE.matvec(d)).sum().sqrt() for d in steps]
    for k, d in enumerate(steps):
        for earlier in steps[max(0, k - window) : k]:
            assert abs(float((d * OBSTACLE.matvec(earlier)).sum())) < 1e-10
        r = b - OBSTACLE.matvec(iterates[k + 1])
        assert abs(float((d * r).sum())) < 1e-10 * float(b.norm() * d.norm())


@pytest.mark.parametrize("name", DOMAINS)
def test_reported_residuals_are_true(name):
    A = DOMAINS[name]
    b = rhs(A)
    true = [float(b.norm())]
    x, info = dcdm(
        A,
        b,
        untrained(),
        rtol=1e-9,
        callback=lambda x: true.append(float((b - A.matvec(x)).norm())),
    )
    np.testing.assert_allclose(info.residuals, true, rtol=1e-6, atol=1e-12 * true[0])
    assert info.residuals[-1] == pytest.approx(float((b - A.matvec(x)).norm()), rel=1e-6)
    assert info.residuals[-1] < 1e-9 * info.residuals[0]
    assert len(info.residuals) == info.n_iter + 1


def test_a_full_window_ends_after_as_many_steps_as_unknowns():
    A = PoissonOperator((5, 4), open_sides=((True, False), (False, False)))
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(20, 20, dtype=torch.float64, generator=generator)
    preconditioner = root @ root.T + torch.eye(20, dtype=torch.float64)
    _, info = dcdm(
        A, rhs(A), lambda r: (preconditioner @ r.flatten()).reshape(r.shape),
        window=20, rtol=1e-9, safeguard=False,
    )  # fmt: skip
    assert info.converged
    assert info.n_iter <= 20


@pytest.mark.parametrize("unfit", UNFIT)
@pytest.mark.parametrize("name", DOMAINS)
def test_any_network_gives_a_solution(name, unfit):
    A = DOMAINS[name]
    b = rhs(A)
    x, info = dcdm(A, b, UNFIT[unfit], rtol=1e-10)
    assert info.converged
    assert residual(A, x, b) < 1e-10
    expected = (pseudoinverse(A) @ b.flatten()).reshape(b.shape)
    torch.testing.assert_close(x, expected, rtol=0, atol=1e-6 * float(expected.abs().max()))
    assert info.n_iter <= most_steps(A, 1e-10)


def most_steps(A, rtol, patience=20):
    """The bound of the docs page."""
    values = np.linalg.eigvalsh(A.to_csr().toarray())
    condition = values[-1] / values[values > 1e-9][0]
    steps = int(0.5 * math.sqrt(condition) * math.log(2 * math.sqrt(condition) / rtol)) + 1
    good = math.log(2 * condition) / math.log(1.1) + math.log(1 / rtol) / math.log(10 / 9)
    bad = max(0, math.ceil(math.log2(steps / patience))) + 1
    return patience * (good + bad + 2) + 4 * max(steps, patience)


@pytest.mark.parametrize("window", [0, 1, 2])
def test_an_untrained_network_is_rescued_in_time(window):
    b = rhs(BOX)
    plain = dcdm(BOX, b, lambda r: r, rtol=1e-10)[1].n_iter
    info = dcdm(BOX, b, untrained(), rtol=1e-10, window=window)[1]
    assert info.converged
    assert 0 < info.n_fallback < info.n_iter
    assert info.n_iter < 4 * plain


def test_the_papers_method_stagnates_with_an_untrained_network():
    A = PoissonOperator((48, 48))
    _, info = dcdm(A, rhs(A), untrained(), maxiter=150, safeguard=False)
    assert info.reason == "maxiter"
    assert not info.converged
    assert info.n_fallback == 0
    assert info.residuals.min() > 0.3 * info.residuals[0]


def test_the_safeguard_leaves_a_good_network_alone():
    b = rhs(BOX)
    smooth = torch.linalg.inv(
        torch.from_numpy(BOX.to_csr().toarray()) + 0.01 * torch.eye(576, dtype=torch.float64)
    )

    def good(r):
        return (smooth @ r.flatten()).reshape(r.shape)

    guarded = dcdm(BOX, b, good, rtol=1e-10)
    literal = dcdm(BOX, b, good, rtol=1e-10, safeguard=False)
    assert torch.equal(guarded[0], literal[0])
    assert guarded[1].n_fallback == 0


def test_without_a_window_it_is_steepest_descent():
    b = rhs(BOX)
    error, iterates = errors(BOX, b, lambda r: r, window=0, maxiter=5, safeguard=False)
    x = torch.zeros_like(b)
    for found in iterates[1:]:
        r = b - BOX.matvec(x)
        x = x + (r * r).sum() / (r * BOX.matvec(r)).sum() * r
        torch.testing.assert_close(found, x)
    assert (np.diff(error) < 0).all()


def test_it_solves_whatever_scipy_calls_an_operator():
    matrix = OBSTACLE.to_csr()
    b = rhs(OBSTACLE)
    expected, info = dcdm(OBSTACLE, b, untrained(), rtol=1e-10)
    dead = np.eye(576)[~OBSTACLE.fluid.flatten().numpy()]
    null_space = np.concatenate((OBSTACLE.null_space().flatten(1).numpy(), dead))
    shape = {"grid_shape": (24, 24), "null_space": null_space}
    given = b.flatten().numpy()
    operators = (
        matrix, sparse.coo_matrix(matrix), matrix.toarray(), aslinearoperator(matrix),
        OBSTACLE.as_linear_operator(),
    )  # fmt: skip
    for A in operators:
        x, other = dcdm(A, given, untrained(), rtol=1e-10, **shape)
        assert isinstance(x, np.ndarray)
        assert x.shape == (576,)
        assert other.converged
        np.testing.assert_allclose(x, expected.flatten().numpy(), atol=1e-8)
        assert abs(other.n_iter - info.n_iter) <= 2


def test_the_solution_has_the_kind_and_shape_of_the_right_hand_side():
    b = rhs(OPEN)
    for form in (b, b.float(), b.flatten(), b.numpy(), b.flatten().numpy()):
        seen = []
        x, _ = dcdm(OPEN, form, lambda r: r, callback=seen.append)
        assert type(x) is type(form) is type(seen[0])
        assert x.shape == form.shape == seen[0].shape
        assert "float64" in str(x.dtype)


def test_it_takes_any_strides_and_leaves_gradients_alone():
    b = rhs(OPEN)
    expected, _ = dcdm(OPEN, b, lambda r: r)
    locked = b.numpy().copy()
    locked.flags.writeable = False
    for form in (b.clone().requires_grad_(), b.T.contiguous().T, locked, locked[::-1][::-1]):
        x, _ = dcdm(OPEN, form, untrained(), x0=form)
        assert not getattr(x, "requires_grad", False)
    backwards = dcdm(OPEN, b.numpy()[::-1].copy()[::-1], lambda r: r)[0]
    np.testing.assert_array_equal(backwards, expected.numpy())


def test_it_starts_where_it_is_told_and_forgets_what_has_no_effect():
    b = rhs(OBSTACLE)
    x, _ = dcdm(OBSTACLE, b, lambda r: r, rtol=1e-12)
    again, info = dcdm(OBSTACLE, b, lambda r: r, x0=x, atol=1e-9)
    assert info.n_iter == 0
    torch.testing.assert_close(again, x)
    polluted = x + 5.0 + 1e3 * ~OBSTACLE.fluid
    clean, _ = dcdm(OBSTACLE, b + 2.0, lambda r: r, x0=polluted, atol=1e-9)
    torch.testing.assert_close(clean, x, atol=1e-7, rtol=0)


def test_a_zero_right_hand_side_needs_no_step():
    x, info = dcdm(BOX, torch.zeros(24, 24), lambda r: r)
    assert info.converged
    assert info.n_iter == 0
    assert not x.any()


def test_it_stops_at_its_limit_and_says_so():
    _, info = dcdm(BOX, rhs(BOX), lambda r: r, maxiter=3)
    assert (info.converged, info.reason, info.n_iter) == (False, "maxiter", 3)
    assert dcdm(BOX, rhs(BOX), lambda r: r, maxiter=0)[1].n_iter == 0


@pytest.mark.parametrize("A", [np.diag([1.0, 1.0, -1.0]), np.diag([1.0, 1.0, 0.0])])
def test_an_operator_that_is_not_definite_is_noticed(A):
    _, info = dcdm(A, np.array([0.0, 0.0, 1.0]), lambda r: r, grid_shape=(3,))
    assert info.reason == "breakdown"
    assert not info.converged


def test_an_unattainable_tolerance_ends_at_the_limit():
    x, info = dcdm(BOX, rhs(BOX), lambda r: r, rtol=1e-18, maxiter=400)
    assert info.reason == "maxiter"
    assert residual(BOX, x, rhs(BOX)) < 1e-13


def test_three_dimensions_and_a_network_in_half_precision():
    A = PoissonOperator((8, 6, 10), open_sides=((False, True), (False, False), (False, False)))
    for dtype in (torch.float32, torch.bfloat16, torch.float64):
        x, info = dcdm(A, rhs(A), untrained(3).to(dtype), rtol=1e-10)
        assert info.converged
        assert residual(A, x, rhs(A)) < 1e-10


def test_a_linear_operator_may_be_a_function():
    A = LinearOperator((6, 6), matvec=lambda x: (1 + np.arange(6)) * x, dtype=np.float64)
    x, info = dcdm(A, np.ones(6), lambda r: r, grid_shape=(2, 3), rtol=1e-12)
    np.testing.assert_allclose(x, 1 / (1 + np.arange(6)))
    assert info.n_iter <= 6


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_it_solves_on_a_gpu():
    A = PoissonOperator((24, 24)).to("cuda")
    x, info = dcdm(A, rhs(BOX).cuda(), untrained().cuda(), rtol=1e-10)
    assert info.converged
    assert residual(BOX, x.cpu(), rhs(BOX)) < 1e-9
