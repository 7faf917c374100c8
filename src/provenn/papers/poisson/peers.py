"""What else solves the same systems: conjugate gradients in four forms, and fast transforms.

All work in float64 on the fluid cells alone, with the tolerance relative to the right-hand side.
"""

import importlib
import importlib.util
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64
from scipy import sparse
from scipy.fft import dctn, idctn
from scipy.linalg import cho_factor, cho_solve, eigh_tridiagonal
from scipy.sparse.linalg import LinearOperator, cg

from provenn.linalg import PoissonOperator
from provenn.papers.poisson.cholesky import IncompleteCholesky

Vector = Float64[np.ndarray, "active"]

HAS_PYAMG = importlib.util.find_spec("pyamg") is not None
DEFLATED = 16
"""Ritz vectors of deflation, from as many Lanczos steps, as in the authors' script."""
MAXITER = 5000
MOST_UNKNOWNS = 3_000_000
"""Systems beyond are not given to peers on the CPU."""
REPROJECT = 20
"""Steps after which deflated conjugate gradients project anew."""


@dataclass
class Solved:
    """How a solve went.

    Attributes:
        iterations: Steps; 0 for a direct method.
        residual: True residual norm relative to that of the right-hand side.
        solve_s: Seconds, without what depends on the matrix alone.
        history: Relative residual norms by step, where they were recorded.
    """

    iterations: int
    residual: float
    solve_s: float
    history: list[float] = field(default_factory=list)


@dataclass
class Clock:
    """Seconds of a block."""

    seconds: float = 0.0


@contextmanager
def timed(device: str = "cpu") -> Iterator[Clock]:
    """Time a block: processor seconds on the CPU, wall time elsewhere."""
    now = time.process_time if device == "cpu" else time.perf_counter
    clock, start = Clock(), now()
    yield clock
    clock.seconds = now() - start


@dataclass(frozen=True)
class System:
    """The fluid cells of an operator as a sparse matrix."""

    A: PoissonOperator
    matrix: sparse.csr_array
    null_space: Float64[np.ndarray, "nullity active"]

    @classmethod
    def of(cls, A: PoissonOperator) -> "System":
        """The system of an operator."""
        inside = A.fluid.flatten().cpu().numpy()
        null_space = A.null_space().flatten(1).cpu().numpy()[:, inside]
        return cls(A, A.to_csr()[inside][:, inside], null_space)

    def vector(self, grid: Float64[np.ndarray, "*grid"]) -> Vector:
        """The entries of the fluid cells."""
        return np.asarray(grid[self.A.fluid.cpu().numpy()])

    def project(self, x: Vector) -> Vector:
        """Remove the part in the null space."""
        return np.asarray(x - (self.null_space @ x) @ self.null_space)

    def relative(self, x: Vector, b: Vector) -> float:
        """Residual norm relative to ``b``."""
        return float(np.linalg.norm(b - self.matrix @ x) / np.linalg.norm(b))


Solve = Callable[[System, Vector, float, bool], Solved]
"""System, right-hand side, tolerance and whether residuals are recorded."""


@dataclass(frozen=True)
class Peer:
    """A solver.

    Args:
        name: Identifier.
        label: What the page calls it.
        prepare: Takes a system to its solver; what it does is set-up.
        package: Distribution that provides it, when that is third-party.
    """

    name: str
    label: str
    prepare: Callable[[System], Solve]
    package: str = ""


def _plain(system: System) -> Solve:
    return preconditioned(None)


def _incomplete(modified: float) -> Callable[[System], Solve]:
    return lambda system: preconditioned(IncompleteCholesky(system.A, modified).as_operator())


def _multigrid(kind: str) -> Callable[[System], Solve]:
    def prepare(system: System) -> Solve:
        import pyamg

        build = {
            "rs": pyamg.ruge_stuben_solver,
            "sa": pyamg.smoothed_aggregation_solver,
        }[kind]
        hierarchy = build(sparse.csr_matrix(system.matrix), coarse_solver="pinv")
        return preconditioned(hierarchy.aspreconditioner())

    return prepare


def preconditioned(M: LinearOperator | None) -> Solve:
    """SciPy's conjugate gradients with a preconditioner, whose answers are projected.

    Without the projection a multigrid hierarchy on a singular matrix stalls near 1e-7.
    """

    def solve(system: System, b: Vector, rtol: float, record: bool) -> Solved:
        operator, seen = None, [1.0]
        if M is not None:
            operator = LinearOperator(
                system.matrix.shape, matvec=lambda r: system.project(M @ r), dtype=np.float64
            )

        def note(x: Vector) -> None:
            seen.append(system.relative(x, b) if record else math.nan)

        with timed() as clock:
            x, _ = cg(system.matrix, b, rtol=rtol, maxiter=MAXITER, M=operator, callback=note)
        return Solved(len(seen) - 1, system.relative(x, b), clock.seconds, seen if record else [])

    return solve


def _deflated(system: System) -> Solve:
    return deflated


def deflated(system: System, b: Vector, rtol: float, record: bool) -> Solved:
    """Conjugate gradients without the span of 16 Ritz vectors, with Jacobi's preconditioner.

    With ``Z`` the Ritz vectors of 16 Lanczos steps from ``b``, ``E = ZᵀAZ`` and
    ``P = I - Z E⁻¹ (A Z)ᵀ``, the start is ``Z E⁻¹ Zᵀb`` and every direction is projected by ``P``.
    """
    matrix = system.matrix
    seen = [1.0]
    with timed() as clock:
        Z = ritz_vectors(matrix, b, DEFLATED)
        AZ = matrix @ Z
        E = cho_factor(Z.T @ AZ)

        def project(v: Vector) -> Vector:
            return np.asarray(v - Z @ cho_solve(E, AZ.T @ v))

        jacobi = 1 / np.maximum(matrix.diagonal(), 1.0)
        x = Z @ cho_solve(E, Z.T @ b)
        r = b - matrix @ x
        z = jacobi * r
        p, rz = project(z), r @ z
        target = rtol * np.linalg.norm(b)
        while np.linalg.norm(r) >= target and len(seen) <= MAXITER:
            Ap = matrix @ p
            alpha = rz / (p @ Ap)
            x += alpha * p
            r -= alpha * Ap
            if len(seen) % REPROJECT == 0:
                x += Z @ cho_solve(E, Z.T @ (b - matrix @ x))
                r = b - matrix @ x
            z = jacobi * r
            rz, before = r @ z, rz
            p = project(z + rz / before * p)
            seen.append(float(np.linalg.norm(r) / np.linalg.norm(b)))
    return Solved(len(seen) - 1, system.relative(x, b), clock.seconds, seen if record else [])


def ritz_vectors(matrix: sparse.csr_array, start: Vector, k: int) -> Float64[np.ndarray, "n k"]:
    """Ritz vectors of ``k`` Lanczos steps with full re-orthogonalisation."""
    V = np.zeros((k, len(start)))
    alpha, beta = np.zeros(k), np.zeros(k)
    v = start
    for i in range(k):
        V[i] = v / np.linalg.norm(v)
        v = matrix @ V[i]
        alpha[i] = V[i] @ v
        for _ in range(2):
            v = v - V[: i + 1].T @ (V[: i + 1] @ v)
        beta[i] = np.linalg.norm(v)
        if beta[i] <= 1e-10:
            k = i + 1
            break
    _, vectors = eigh_tridiagonal(alpha[:k], beta[: k - 1])
    ritz: Float64[np.ndarray, "n k"] = V[:k].T @ vectors
    return ritz


def _transform(system: System) -> Solve:
    """The direct solution of an empty box by fast cosine transforms."""
    shape = system.A.grid_shape
    frequencies = [2 - 2 * np.cos(np.pi * np.arange(n) / n) for n in shape]
    values = frequencies[0]
    for more in frequencies[1:]:
        values = np.add.outer(values, more)
    values.flat[0] = np.inf

    def solve(system: System, b: Vector, rtol: float, record: bool) -> Solved:
        with timed() as clock:
            x = idctn(dctn(b.reshape(shape), norm="ortho") / values, norm="ortho").ravel()
        residual = system.relative(x, b)
        return Solved(0, residual, clock.seconds, [1.0, residual] if record else [])

    return solve


CG = Peer("cg", "conjugate gradients", _plain, "scipy")
IC = Peer("ic", "IC(0)-preconditioned CG", _incomplete(0.0))
MIC = Peer("mic", "MIC(0)-preconditioned CG", _incomplete(0.97))
DEFLATION = Peer("deflated", "deflated CG", _deflated)
AMG = (
    Peer("amg-rs", "Ruge-Stüben AMG-preconditioned CG", _multigrid("rs"), "pyamg"),
    Peer("amg-sa", "smoothed-aggregation AMG-preconditioned CG", _multigrid("sa"), "pyamg"),
)
DCT = Peer("dct", "fast cosine transform (empty boxes only)", _transform, "scipy")


def peers_for(A: PoissonOperator) -> tuple[Peer, ...]:
    """The peers that an operator can be given to, and whose packages are there."""
    if A.unknowns > MOST_UNKNOWNS:
        return ()
    if HAS_PYAMG:
        importlib.import_module("pyamg")  # now, so that no peer is charged for it
    direct = (DCT,) if A.is_empty_box else ()
    return (CG, IC, MIC, DEFLATION, *(AMG if HAS_PYAMG else ()), *direct)
