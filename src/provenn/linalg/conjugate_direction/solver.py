"""The deep conjugate direction method for ``A x = b``.

With ``r_k = b - A x_k`` and a network ``f``, step ``k`` is::

    q   = f(r_{k-1} / ‖r_{k-1}‖)
    d_k = q - Σ_{i=k-w}^{k-1} (qᵀA d_i) / (d_iᵀA d_i) d_i
    x_k = x_{k-1} + α_k d_k,    α_k = d_kᵀr_{k-1} / d_kᵀA d_k

The line search is exact, so that the error never grows in the norm of ``A``, whatever ``f`` says.
That it goes to zero is the part of :mod:`provenn.linalg.conjugate_direction.safeguard`.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Float64
from scipy.sparse.linalg import LinearOperator
from torch import Tensor, nn

from provenn.checks import check_flag, check_integer, check_number
from provenn.linalg.conjugate_direction.safeguard import Safeguard
from provenn.linalg.conjugate_direction.system import System, as_system
from provenn.linalg.poisson import PoissonOperator

Array = Float[Tensor, "..."] | Float[np.ndarray, "..."]
Vector = Float64[Tensor, "n"]
Reason = Literal["converged", "maxiter", "breakdown"]

TINY = 1e-30
"""A direction with ``dᵀA d`` below this times ``dᵀd`` is none."""


@dataclass(frozen=True)
class DCDMInfo:
    """How a solve went.

    Attributes:
        converged: Whether the true residual met the tolerance.
        reason: Why it ended: ``converged``; ``maxiter``; or ``breakdown``, where ``A`` is zero or
            negative along the residual, so that it is not positive semi-definite or ``b`` is not
            in its range.
        n_iter: Steps taken.
        n_fallback: Steps whose direction came from the residual and not from the network.
        residuals: Norms ``‖r_0‖, ..., ‖r_n‖``; the last one is that of ``b - A x``.
    """

    converged: bool
    reason: Reason
    n_iter: int
    n_fallback: int
    residuals: Float64[np.ndarray, "steps"]


def dcdm(
    A: PoissonOperator | LinearOperator | Any,
    b: Array,
    net: nn.Module | Callable[[Tensor], Tensor],
    *,
    x0: Array | None = None,
    rtol: float = 1e-4,
    atol: float = 0.0,
    maxiter: int | None = None,
    window: int = 2,
    safeguard: bool = True,
    patience: int = 20,
    recompute: int = 20,
    grid_shape: Sequence[int] | None = None,
    null_space: Array | None = None,
    callback: Callable[[Array], object] | None = None,
) -> tuple[Array, DCDMInfo]:
    """Solve ``A x = b`` for a symmetric, positive semi-definite ``A``, with learned directions.

    Vectors are float64 throughout; the network computes in its own precision. ``b`` is projected
    onto the range of ``A`` and ``x`` is orthogonal to its null space.

    Args:
        A: A :class:`PoissonOperator`, or a SciPy ``LinearOperator``, sparse matrix or array.
        b: Right-hand side, a tensor or an array, flat or of the grid's shape.
        net: Network from residuals of norm 1, of shape ``(batch, 1, *grid)``, to directions of the
            same shape, whose length does not matter; or any function of that kind, which is given
            float64.
        x0: Where to start; zero by default.
        rtol: Tolerance relative to the first residual: stop when ``‖r_k‖ < rtol ‖r_0‖``.
        atol: Absolute tolerance: stop as well when ``‖r_k‖ < atol``.
        maxiter: Most steps; ten times the number of unknowns by default.
        window: Earlier directions to which each is made A-orthogonal; 0 is steepest descent with
            the network.
        safeguard: Whether conjugate gradients take over while the network does not get on, so that
            the method converges with any network. ``False`` is the paper's method, which need not.
        patience: Steps after which the safeguard judges the network.
        recompute: Steps after which the residual is computed anew; in between it is updated.
        grid_shape: Shape in which the network sees vectors; only where ``A`` is no
            ``PoissonOperator``.
        null_space: Rows that span the null space of ``A``; only there.
        callback: Called after each step with ``x``, which it must not change.

    Returns:
        The solution, of the kind and shape of ``b`` in float64, and how the solve went.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a number is out of range, shapes or devices do not fit, ``b`` or ``x0`` is
            not finite, or the network returns another shape than it was given.

    Reference:
        arXiv 2205.10763, algorithm 1.

    Example:
        >>> from provenn.linalg import DCDMNet
        >>> A = PoissonOperator((16, 16))
        >>> b = torch.randn(16, 16, dtype=torch.float64)
        >>> x, info = dcdm(A, b, DCDMNet(dim=2), rtol=1e-8)  # untrained: the safeguard solves it
        >>> info.converged
        True
    """
    system = as_system(A, grid_shape, null_space)
    rhs = _vector("b", b, system)
    start = None if x0 is None else _vector("x0", x0, system)
    check_number("rtol", rtol, least=0.0)
    check_number("atol", atol, least=0.0)
    check_integer("window", window, least=0)
    check_flag("safeguard", safeguard)
    check_integer("patience", patience)
    check_integer("recompute", recompute)
    if maxiter is None:
        maxiter = 10 * (A.unknowns if isinstance(A, PoissonOperator) else system.size)
    check_integer("maxiter", maxiter, least=0)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function, got {type(callback).__name__}")

    def as_given(x: Vector) -> Array:
        shaped = x.view(b.shape)
        return shaped if isinstance(b, Tensor) else shaped.cpu().numpy()

    proposals = _Proposals(net, system)
    solve = _Solve(system, rhs, start, proposals, window, patience if safeguard else 0)
    target = max(rtol * solve.residual, atol)
    residuals = [solve.residual]
    reason: Reason = "converged"
    with torch.no_grad():
        while not solve.meets(target):
            if len(residuals) > maxiter:
                reason = "maxiter"
                break
            if not solve.step():
                reason = "breakdown"
                break
            if len(residuals) % recompute == 0:
                solve.recompute()
            residuals.append(solve.residual)
            if callback is not None:
                callback(as_given(solve.x))
        x = system.project(solve.x)
    residuals[-1] = solve.residual
    info = DCDMInfo(
        converged=reason == "converged",
        reason=reason,
        n_iter=len(residuals) - 1,
        n_fallback=solve.n_fallback,
        residuals=np.array(residuals),
    )
    return as_given(x), info


class _Solve:
    """The state of a solve."""

    def __init__(
        self,
        system: System,
        b: Vector,
        x0: Vector | None,
        proposals: "_Proposals",
        window: int,
        patience: int,
    ) -> None:
        self.system, self.proposals, self.window = system, proposals, window
        self.b = system.project(b)
        self.x = torch.zeros_like(b) if x0 is None else x0.clone()
        self.r = self.b.clone() if x0 is None else self.b - system.matvec(x0)
        self.residual = float(torch.linalg.vector_norm(self.r))
        self.is_true = True
        self.n_fallback = 0
        self.previous = _Previous(max(window, int(patience > 0)), b)
        self.safeguard = None
        if patience:
            along = self.r / (self.residual or 1.0)
            curvature = float(along @ system.matvec(along))
            energy = self.residual**2 / curvature if curvature > 0 else 0.0
            self.safeguard = Safeguard(patience, self.residual, energy)

    def meets(self, target: float) -> bool:
        """Whether the true residual is below the target (or zero)."""
        if self.residual < target and not self.is_true:
            self.recompute()
        return self.residual < target or self.residual == 0

    def recompute(self) -> None:
        """Set the residual to ``b - A x``."""
        self.r = self.b - self.system.matvec(self.x)
        self.residual = float(torch.linalg.vector_norm(self.r))
        self.is_true = True

    def step(self) -> bool:
        """Take a step; ``False`` if there is no direction along which ``A`` is positive."""
        for d, from_network in self._directions():
            product = self.system.matvec(d)
            dr, dAd, dd = torch.stack((d @ self.r, d @ product, d @ d)).tolist()
            if math.isfinite(dAd) and math.isfinite(dr) and dAd > TINY * dd:
                self._advance(d, product, dr, dAd)
                self.n_fallback += not from_network
                return True
        return False

    def _advance(self, d: Vector, product: Vector, dr: float, dAd: float) -> None:
        alpha = dr / dAd
        self.x.add_(d, alpha=alpha)
        self.r.sub_(product, alpha=alpha)
        self.residual = float(torch.linalg.vector_norm(self.r))
        self.is_true = False
        self.previous.append(d, product, dAd)
        if self.safeguard is not None and self.safeguard.record(self.residual, alpha * dr):
            self.previous.clear()

    def _directions(self) -> Iterator[tuple[Vector, bool]]:
        """Directions to try, in order, and whether they come from the network."""
        trusted = self.safeguard is None or self.safeguard.trusts_network
        if trusted:
            q = self.proposals.of(self.r, self.residual)
            yield self.previous.orthogonal(q) if self.window else q, True
        yield self.previous.orthogonal(self.r), False
        self.previous.clear()
        yield self.r.clone(), False


class _Previous:
    """The last directions, their products with ``A`` and their energies."""

    def __init__(self, capacity: int, like: Vector) -> None:
        self.capacity, self.like = capacity, like
        self.clear()

    def clear(self) -> None:
        self.taken = 0
        self.d = self.like.new_empty(0, len(self.like))
        self.product = self.d.clone()
        self.energy = self.like.new_empty(0)

    def append(self, d: Vector, product: Vector, energy: float) -> None:
        """Keep a direction; the oldest one goes where there are too many."""
        if len(self.d) < self.capacity:
            self.d = torch.cat((self.d, d[None]))
            self.product = torch.cat((self.product, product[None]))
            self.energy = torch.cat((self.energy, self.energy.new_tensor([energy])))
        elif self.capacity:
            oldest = self.taken % self.capacity
            self.d[oldest], self.product[oldest], self.energy[oldest] = d, product, energy
        self.taken += 1

    def orthogonal(self, q: Vector) -> Vector:
        """``q`` made A-orthogonal to all of them, by classical Gram-Schmidt."""
        if not len(self.d):
            return q.clone()
        coefficients = (self.product @ q) / self.energy
        return q - coefficients @ self.d


class _Proposals:
    """What a network says of residuals."""

    def __init__(self, net: Any, system: System) -> None:
        if not callable(net):
            raise TypeError(
                "net must be a module or a function from residuals to directions, got "
                f"{type(net).__name__}"
            )
        self.net, self.system = net, system
        self.grid = (1, 1, *system.grid_shape)
        self.dtype = torch.float64
        self.copies = 1
        weight = next(net.parameters(), None) if isinstance(net, nn.Module) else None
        if weight is not None:
            self.dtype = weight.dtype
            if weight.device != system.device:
                raise ValueError(
                    f"net must be on the operator's {system.device}, got {weight.device}"
                )
            # PyTorch's fast convolution on the CPU is not chosen for one small 3-D image.
            small = len(self.grid) == 5 and math.prod(self.grid[2:4]) <= 1280
            self.copies = 2 if small and system.device.type == "cpu" else 1

    def of(self, r: Vector, norm: float) -> Vector:
        """The network's direction for a residual of that norm, without a part in the null space."""
        image = (r / norm).to(self.dtype).view(self.grid)
        shape = (self.copies, *self.grid[1:])
        q = self.net(image.expand(shape))
        if not isinstance(q, Tensor) or q.shape != shape:
            given = tuple(q.shape) if isinstance(q, Tensor) else type(q).__name__
            raise ValueError(
                f"net must return a tensor of shape {shape}, as it was given, got {given}"
            )
        return self.system.project(q[0].to(self.system.device, torch.float64).reshape(-1))


def _vector(name: str, given: Any, system: System) -> Vector:
    """A right-hand side or a start as a flat tensor."""
    if not isinstance(given, Tensor | np.ndarray):
        raise TypeError(f"{name} must be a tensor or an array, got {type(given).__name__}")
    kind = given.dtype.is_floating_point if isinstance(given, Tensor) else given.dtype.kind == "f"
    if not kind:
        raise TypeError(f"{name} must be floating-point, got {given.dtype}")
    if tuple(given.shape) not in {(system.size,), system.grid_shape}:
        raise ValueError(
            f"{name} must have shape ({system.size},) or {system.grid_shape}, "
            f"got {tuple(given.shape)}"
        )
    copied = given if isinstance(given, Tensor) else np.array(given, dtype=np.float64)
    vector = torch.as_tensor(copied).detach()
    if vector.device != system.device:
        raise ValueError(f"{name} must be on the operator's {system.device}, got {vector.device}")
    vector = vector.to(torch.float64).reshape(-1)
    if not bool(vector.isfinite().all()):
        raise ValueError(f"{name} must be finite, got NaN or infinity in it")
    return vector
