"""Linear model-predictive control: condensed to a parametric program, and solved for its law.

From the state ``θ = s_0`` the inputs ``U = [u_0; ...; u_{N-1}]`` give ``s_k = A^k θ + B̄_k U``. Path
constraints hold for ``k = 1..N``, inputs for ``k = 0..N-1``, the terminal set for ``k = N``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from provenn.checks import check_choice, check_integer
from provenn.control.door import Array, ArrayLike, as_array, as_bounds, as_weight
from provenn.control.mpqp import MultiParametricQP, solve
from provenn.control.piecewise import PiecewiseAffine
from provenn.control.polyhedra import Polytope
from provenn.control.riccati import lqr, system

Bounds = Polytope | tuple[ArrayLike, ArrayLike]
"""A polytope, or the corners ``(low, high)`` of a box, numbers standing for every coordinate."""


def explicit_mpc(
    A: ArrayLike,
    B: ArrayLike,
    Q: ArrayLike,
    R: ArrayLike,
    horizon: int = 2,
    *,
    u_bounds: Bounds,
    x_bounds: Bounds,
    path: Bounds | str | None = "box",
    terminal: Bounds | str | None = "box",
    set_point: ArrayLike | tuple[ArrayLike, ArrayLike] | None = None,
    P: ArrayLike | None = None,
    method: str = "facets",
    outside: str = "zero",
    dtype: torch.dtype = torch.float64,
) -> PiecewiseAffine:
    """The law of linear model-predictive control, as a piecewise-affine function of the state.

    Args:
        A: State matrix, see :func:`condense` for this and what follows.
        B: Input matrix.
        Q: State weight.
        R: Input weight.
        horizon: Number of inputs ``N``.
        u_bounds: Inputs that are allowed.
        x_bounds: States over which the law is wanted.
        path: States allowed on the way.
        terminal: States allowed at the end.
        set_point: State, or state and input, that the cost is measured from.
        P: Terminal weight.
        method: ``"facets"`` follows the facets from region to region; ``"enumeration"`` tries all
            active sets, which only suits small problems.
        outside: What the law does where the program has no solution, see
            :class:`PiecewiseAffine`.
        dtype: Type of the law's buffers.

    Returns:
        The first input, with the smallest active sets first.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument cannot be used; the message names it. Also if no state of the
            domain can be controlled within the constraints.

    Example:
        >>> law = explicit_mpc(
        ...     [[1.0, 1.0], [0.0, 1.0]], [[0.0], [1.0]], np.eye(2), 0.1, horizon=2,
        ...     u_bounds=(-1, 1), x_bounds=(-10, 10), path=None, terminal=None,
        ... )
        >>> law(torch.tensor([8.0, 1.0], dtype=torch.float64)).round(decimals=6)
        tensor([-1.], dtype=torch.float64)
    """
    problem = condense(
        A,
        B,
        Q,
        R,
        horizon,
        u_bounds=u_bounds,
        x_bounds=x_bounds,
        path=path,
        terminal=terminal,
        set_point=set_point,
        P=P,
    )
    found = solve(problem, method)
    if not found:
        raise ValueError(
            "x_bounds must hold states that can be controlled within the constraints, got none"
        )
    n_inputs = as_array(B, "B", (None, None)).shape[1]
    return PiecewiseAffine.from_regions(
        [(cr.E, cr.f, cr.gain[:n_inputs], cr.intercept[:n_inputs]) for cr in found],
        domain=problem.domain.bounding_box(),
        outside=outside,
        dtype=dtype,
    )


def condense(
    A: ArrayLike,
    B: ArrayLike,
    Q: ArrayLike,
    R: ArrayLike,
    horizon: int = 2,
    *,
    u_bounds: Bounds,
    x_bounds: Bounds,
    path: Bounds | str | None = "box",
    terminal: Bounds | str | None = "box",
    set_point: ArrayLike | tuple[ArrayLike, ArrayLike] | None = None,
    P: ArrayLike | None = None,
) -> MultiParametricQP:
    r"""The parametric program of linear model-predictive control, in the inputs alone.

    .. math::
        J(θ) = \min_U \sum_{k=0}^{N-1} (s_k^⊤ Q s_k + u_k^⊤ R u_k) + s_N^⊤ P s_N
        \quad \text{s.t. } s_{k+1} = A s_k + B u_k, \; s_0 = θ

    Args:
        A: State matrix, ``(state_dim, state_dim)``.
        B: Input matrix, ``(state_dim, n_inputs)``.
        Q: State weight, positive semidefinite.
        R: Input weight, positive definite.
        horizon: Number of inputs ``N``, at least 1.
        u_bounds: Inputs that are allowed: a pair ``(low, high)`` or a :class:`Polytope`.
        x_bounds: The states θ of interest, in the same form, bounded.
        path: States ``s_1 .. s_N`` that are allowed, in the same form; ``"box"`` for
            ``x_bounds``, ``None`` for any.
        terminal: States ``s_N`` that are allowed, likewise.
        set_point: State ``s`` or pair ``(s, u)`` from which states and inputs are measured in the
            cost. For a state alone, the input that comes closest to holding it.
        P: Terminal weight; by default that of the regulator (:func:`lqr`), with which the law is
            the regulator's wherever no constraint is active.

    Returns:
        The program, with the terms of ``J`` that do not depend on the inputs.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument cannot be used; the message names it.

    Reference:
        Braniff and Tian, Reinforcement Learning-based Control via Y-wise Affine Neural Networks,
        2026, equations 8 and 9.
    """
    a, b = system(A, B)
    n, m = b.shape
    q = as_weight(Q, "Q", n, definite=False)
    r = as_weight(R, "R", m, definite=True)
    p = lqr(a, b, q, r)[0].numpy() if P is None else as_weight(P, "P", n, definite=False)
    steps = check_integer("horizon", horizon)
    domain = _as_polytope(x_bounds, "x_bounds", n)
    sets = _Sets(
        inputs=_as_polytope(u_bounds, "u_bounds", m),
        path=_as_set(path, "path", domain),
        terminal=_as_set(terminal, "terminal", domain),
    )
    s_ref, u_ref = _as_set_point(set_point, a, b)
    prediction = _Prediction.of(a, b, steps)
    weights = [q] * (steps - 1) + [p]
    H = np.kron(np.eye(steps), r)
    Z, M, c, d = np.zeros((steps * m, n)), q.copy(), np.tile(-2 * r @ u_ref, steps), -2 * q @ s_ref
    e = float(s_ref @ q @ s_ref + steps * u_ref @ r @ u_ref)
    for free, forced, weight in zip(prediction.free, prediction.forced, weights, strict=True):
        H = H + forced.T @ weight @ forced
        Z += 2 * forced.T @ weight @ free
        M += free.T @ weight @ free
        c -= 2 * forced.T @ weight @ s_ref
        d = d - 2 * free.T @ weight @ s_ref
        e += float(s_ref @ weight @ s_ref)
    G, W, S = sets.rows(prediction, m)
    H = H + H.T
    return MultiParametricQP(H, Z, G, W, S, domain, c=c, constant=((M + M.T) / 2, d, e))


@dataclass(frozen=True)
class _Prediction:
    """``s_k = free_k θ + forced_k U`` for ``k = 1..N``."""

    free: Sequence[Array]
    forced: Sequence[Array]

    @classmethod
    def of(cls, a: Array, b: Array, steps: int) -> "_Prediction":
        """The prediction over a number of steps."""
        n, m = b.shape
        free, forced = [np.eye(n)], [np.zeros((n, steps * m))]
        for k in range(steps):
            free.append(a @ free[-1])
            after = a @ forced[-1]
            after[:, k * m : (k + 1) * m] = b
            forced.append(after)
        return cls(free[1:], forced[1:])


@dataclass(frozen=True)
class _Sets:
    """What inputs and states are held to."""

    inputs: Polytope
    path: Polytope | None
    terminal: Polytope | None

    def rows(self, prediction: _Prediction, n_inputs: int) -> tuple[Array, Array, Array]:
        """``G``, ``W`` and ``S`` of ``G U <= W + S θ``."""
        steps, n = len(prediction.free), prediction.free[0].shape[0]
        G = [np.kron(np.eye(steps), self.inputs.A)]
        W = [np.tile(self.inputs.b, steps)]
        S = [np.zeros((len(W[0]), n))]
        held = [(self.path, k) for k in range(steps)] + [(self.terminal, steps - 1)]
        for polytope, k in held:
            if polytope is not None:
                G.append(polytope.A @ prediction.forced[k])
                W.append(polytope.b)
                S.append(-polytope.A @ prediction.free[k])
        return np.vstack(G), np.concatenate(W), np.vstack(S)


def _as_polytope(value: object, name: str, dim: int) -> Polytope:
    if isinstance(value, Polytope):
        if value.dim != dim:
            raise ValueError(f"{name} must have {dim} coordinates, got a polytope of {value.dim}")
        return value
    return Polytope.box(*as_bounds(value, name, dim))


def _as_set(value: object, name: str, domain: Polytope) -> Polytope | None:
    if isinstance(value, str):
        check_choice(name, value, ("box",))
        return domain
    return None if value is None else _as_polytope(value, name, domain.dim)


def _as_set_point(value: object, a: Array, b: Array) -> tuple[Array, Array]:
    n, m = b.shape
    if value is None:
        return np.zeros(n), np.zeros(m)
    if isinstance(value, tuple):
        if len(value) != 2:
            raise ValueError(f"set_point must be a state or (state, input), got {len(value)} parts")
        state, given = value
        return as_array(state, "set_point", (n,)), as_array(given, "set_point input", (m,))
    state = as_array(value, "set_point", (n,))
    held: Array = np.linalg.pinv(b) @ (state - a @ state)
    return state, held
