"""Condensing against simulated plants; the law against symmetry, set points and the regulator."""

import numpy as np
import pytest
import torch
from scipy.linalg import solve_discrete_are

from provenn.control import (
    Polytope,
    chain_of_masses,
    condense,
    explicit_mpc,
    lqr,
    solve,
    zero_order_hold,
)

from .systems import Setting, double_integrator, pendulum, random_system

SETTINGS = [
    random_system(0, horizon=1),
    random_system(1, horizon=2),
    random_system(2, n=3, m=2, horizon=4),
    random_system(3, horizon=3, set_point=[0.3, -0.1]),
    random_system(4, n=2, m=2, horizon=2, set_point=([0.3, -0.1], [0.2, 0.1])),
    random_system(5, horizon=3, P=np.eye(2)),
    double_integrator(4),
]


def as_polytope(value: object, dim: int) -> Polytope:
    """A polytope, or the box between two corners."""
    if isinstance(value, Polytope):
        return value
    low, high = (np.full(dim, part) if np.ndim(part) == 0 else part for part in value)
    return Polytope.box(low, high)


def simulated(setting: Setting, theta: np.ndarray, inputs: np.ndarray) -> tuple[float, bool]:
    """Cost of a sequence of inputs, and whether it keeps all constraints, step by step."""
    A, B, Q, R = (np.asarray(setting[name], dtype=float) for name in "ABQR")
    n, m = B.shape
    R = R.reshape(m, m)
    domain = as_polytope(setting["x_bounds"], n)
    path = setting.get("path", "box")
    path = domain if isinstance(path, str) else path
    terminal = setting.get("terminal", "box")
    terminal = domain if isinstance(terminal, str) else terminal
    allowed = as_polytope(setting["u_bounds"], m)
    aim = setting.get("set_point", np.zeros(n))
    s_ref, u_ref = aim if isinstance(aim, tuple) else (np.asarray(aim), None)
    if u_ref is None:
        u_ref = np.linalg.lstsq(B, s_ref - A @ s_ref, rcond=None)[0]
    P = setting.get("P")
    P = solve_discrete_are(A, B, Q, R) if P is None else P
    cost, kept, state = 0.0, True, theta
    for u in inputs.reshape(-1, m):
        cost += (state - s_ref) @ Q @ (state - s_ref) + (u - u_ref) @ R @ (u - u_ref)
        state = A @ state + B @ u
        kept &= bool((allowed.A @ u <= allowed.b).all())
        kept &= path is None or bool((path.A @ state <= path.b).all())
    kept &= terminal is None or bool((terminal.A @ state <= terminal.b).all())
    return float(cost + (state - s_ref) @ P @ (state - s_ref)), kept


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_program_says_what_a_simulation_says(setting: Setting):
    problem = condense(**setting)
    rng = np.random.default_rng(0)
    low, high = problem.domain.bounding_box()
    answers = set()
    for scale in np.repeat([0.02, 0.1, 0.5, 1.0], 40):
        theta = scale * rng.uniform(low, high)
        inputs = scale * rng.normal(size=problem.n_variables)
        cost, kept = simulated(setting, theta, inputs)
        assert float(problem.value(theta, inputs)) == pytest.approx(cost, rel=1e-9, abs=1e-9)
        assert bool((problem.G @ inputs <= problem.W + problem.S @ theta).all()) == kept
        answers.add(kept)
    assert answers == {True, False}


def test_the_law_of_a_symmetric_problem_is_odd():
    law = explicit_mpc(**pendulum())
    theta = torch.rand(2000, 2, dtype=torch.float64) * 4 - 2
    inside = law.locate(theta) >= 0
    assert torch.equal(inside, law.locate(-theta) >= 0)
    assert (law(theta) + law(-theta))[inside].abs().max() <= 1e-9


def test_the_law_is_the_first_input():
    setting = random_system(2, n=2, m=2, horizon=3)
    law = explicit_mpc(**setting)
    regions = solve(condense(**setting))
    assert law.n_regions == len(regions)
    assert law.n_inputs == 2
    for i, region in enumerate(regions):
        theta = torch.from_numpy(region.centre)
        assert int(law.locate(theta)) == i
        expected = (region.gain @ region.centre + region.intercept)[:2]
        assert law(theta).numpy() == pytest.approx(expected, abs=1e-12)


def test_closed_loop_reaches_the_set_point():
    A, B = zero_order_hold([[0.0, 1.0], [0.0, 0.0]], [[0.0], [1.0]], 0.5)
    law = explicit_mpc(
        A, B, np.eye(2), 0.1, 3, u_bounds=(-1, 1), x_bounds=(-5, 5), set_point=[2.0, 0.0]
    )
    state = torch.tensor([-3.0, 0.5], dtype=torch.float64)
    for _ in range(60):
        state = torch.from_numpy(A) @ state + torch.from_numpy(B) @ law(state)
    assert state.tolist() == pytest.approx([2.0, 0.0], abs=1e-9)


def test_general_input_sets():
    """Two inputs whose sum of magnitudes is bounded."""
    corners = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    setting = random_system(1, m=2, u_bounds=Polytope(corners, np.ones(4)))
    law = explicit_mpc(**setting)
    theta = torch.rand(2000, 2, dtype=torch.float64) * 4 - 2
    u = law(theta[law.locate(theta) >= 0])
    assert u.abs().sum(-1).max() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("gamma", [1.0, 0.9])
def test_regulator(gamma: float):
    setting = random_system(4, n=3, m=2)
    A, B, Q, R = (setting[name] for name in "ABQR")
    P, K = (part.numpy() for part in lqr(A, B, Q, R, gamma))
    closed = A - B @ K
    assert np.abs(gamma * closed.T @ P @ closed + Q + K.T @ R @ K - P).max() <= 1e-9
    for shift in np.eye(K.size).reshape(-1, *K.shape) * 1e-3:
        other = A - B @ (K + shift)
        worse = gamma * other.T @ P @ other + Q + (K + shift).T @ R @ (K + shift)
        assert np.linalg.eigvalsh(worse - P)[0] >= -1e-12


def test_a_plant_that_cannot_be_stabilised_is_refused():
    with pytest.raises(ValueError, match="stabilisable"):
        lqr([[2.0, 0.0], [0.0, 0.5]], [[0.0], [1.0]], np.eye(2), 1.0)


def test_states_that_cannot_be_controlled_are_refused():
    far = Polytope.box([50.0], [60.0])
    with pytest.raises(ValueError, match="can be controlled"):
        explicit_mpc([[2.0]], [[1.0]], 1.0, 1.0, u_bounds=(-1, 1), x_bounds=far, terminal=(-1, 1))


def test_sampling_a_double_integrator():
    A, B = zero_order_hold([[0.0, 1.0], [0.0, 0.0]], [[0.0], [1.0]], 0.1)
    assert pytest.approx(np.array([[1.0, 0.1], [0.0, 1.0]])) == A
    assert pytest.approx(np.array([[0.005], [0.1]])) == B


def test_the_chain_keeps_its_energy():
    A, _ = chain_of_masses(3, dt=0.3)
    springs = 2 * np.eye(3) - np.eye(3, k=1) - np.eye(3, k=-1)
    energy = np.block([[springs, np.zeros((3, 3))], [np.zeros((3, 3)), np.eye(3)]])
    assert np.abs(A.T @ energy @ A - energy).max() <= 1e-12
