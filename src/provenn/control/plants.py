"""Linear plants: sampling of continuous ones, and a chain of masses of any length."""

import numpy as np
from jaxtyping import Float64
from scipy.linalg import expm

from provenn.checks import check_integer
from provenn.control.door import ArrayLike, as_array
from provenn.control.riccati import system

Sampled = tuple[
    Float64[np.ndarray, "state_dim state_dim"], Float64[np.ndarray, "state_dim n_inputs"]
]


def zero_order_hold(A: ArrayLike, B: ArrayLike, dt: float) -> Sampled:
    r"""The plant ``ẋ = A x + B u`` sampled every ``dt``, the input being held in between.

    .. math::
        \begin{pmatrix} A_d & B_d \\ 0 & I \end{pmatrix}
        = \exp\left( \begin{pmatrix} A & B \\ 0 & 0 \end{pmatrix} dt \right)

    Args:
        A: State matrix, ``(state_dim, state_dim)``.
        B: Input matrix, ``(state_dim, n_inputs)``.
        dt: Time between samples, positive.

    Returns:
        State and input matrix of ``x⁺ = A_d x + B_d u``.

    Raises:
        TypeError: If an argument does not hold numbers.
        ValueError: If shapes do not fit or ``dt`` is not positive.

    Example:
        >>> A, B = zero_order_hold([[0.0, 1.0], [0.0, 0.0]], [[0.0], [1.0]], dt=0.5)
        >>> A.tolist(), B.tolist()
        ([[1.0, 0.5], [0.0, 1.0]], [[0.125], [0.5]])
    """
    a, b = system(A, B)
    step = float(as_array(dt, "dt", ()))
    if step <= 0:
        raise ValueError(f"dt must be positive, got {step}")
    n, m = b.shape
    block = np.zeros((n + m, n + m))
    block[:n] = np.hstack([a, b])
    held = expm(block * step)
    return held[:n, :n], held[:n, n:]


def chain_of_masses(n_masses: int = 2, *, dt: float = 0.5) -> Sampled:
    """Unit masses between two walls, joined by unit springs, with a force on the last one.

    Args:
        n_masses: Number of masses; there are twice as many states, first positions, then speeds.
        dt: Time between samples.

    Returns:
        State and input matrix of the sampled plant.

    Raises:
        TypeError: If ``n_masses`` is not an integer.
        ValueError: If an argument is not positive.

    Example:
        >>> A, B = chain_of_masses(2)
        >>> A.shape, B.shape
        ((4, 4), (4, 1))
    """
    k = check_integer("n_masses", n_masses)
    springs = 2 * np.eye(k) - np.eye(k, k=1) - np.eye(k, k=-1)
    A = np.block([[np.zeros((k, k)), np.eye(k)], [-springs, np.zeros((k, k))]])
    return zero_order_hold(A, np.eye(2 * k)[:, -1:], dt)
