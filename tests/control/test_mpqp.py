"""The parametric solver against online solvers, optimality conditions, and the known counts."""

import time

import numpy as np
import pytest
from scipy.optimize import linprog, lsq_linear

from provenn.control import MultiParametricQP, Polytope, condense, explicit_mpc, lqr, solve
from provenn.control.mpqp import CriticalRegion

from .systems import Setting, double_integrator, pendulum, random_system, reactor

RANDOM = [
    random_system(0),
    random_system(1, n=3),
    random_system(2, n=2, m=2),
    random_system(3, n=1, horizon=4),
    random_system(4, n=3, horizon=3, path=None, terminal=None),
    random_system(5, horizon=1),
    random_system(6, horizon=3, set_point=[0.1, -0.2]),
]
COUNTS = [
    pytest.param(pendulum(), 7, 32, id="pendulum"),
    pytest.param(pendulum(np.eye(2)), 9, 40, id="pendulum-identity"),
    pytest.param(reactor(), 7, 56, id="reactor"),
    pytest.param({**reactor(), "path": "box", "terminal": "box"}, 7, 79, id="reactor-path"),
    pytest.param(double_integrator(), 115, 472, id="double-integrator"),
]


def sampled(problem: MultiParametricQP, count: int, seed: int = 0) -> np.ndarray:
    """Random parameters of the domain."""
    low, high = problem.domain.bounding_box()
    points = np.random.default_rng(seed).uniform(low, high, (count, len(low)))
    return points[problem.domain.contains(points)]


def holds(region: CriticalRegion, points: np.ndarray, tolerance: float = 0.0) -> np.ndarray:
    """Which points the region holds; a negative tolerance asks for a margin."""
    return (points @ region.E.T <= region.f + tolerance).all(-1)


def inside(region: CriticalRegion, count: int = 5) -> np.ndarray:
    """Points of a region: its centre, and points halfway to its facets."""
    return np.vstack([region.centre, (region.centre + region.facet_points[:count]) / 2])


@pytest.mark.parametrize(("setting", "regions", "half_spaces"), COUNTS)
def test_counts_of_regions_and_half_spaces(setting: Setting, regions: int, half_spaces: int):
    law = explicit_mpc(**setting)
    assert (law.n_regions, law.n_half_spaces) == (regions, half_spaces)


@pytest.mark.parametrize(("setting", "seconds"), [(pendulum(), 0.5), (double_integrator(), 10.0)])
def test_time(setting: Setting, seconds: float):
    start = time.process_time()
    explicit_mpc(**setting)
    assert time.process_time() - start < seconds


@pytest.mark.parametrize("setting", [*RANDOM, pendulum(), reactor(), double_integrator(3)])
def test_facets_and_enumeration_find_the_same(setting: Setting):
    problem = condense(**setting)
    followed, enumerated = solve(problem), solve(problem, "enumeration")
    assert [r.active for r in followed] == [r.active for r in enumerated]
    for a, b in zip(followed, enumerated, strict=True):
        assert np.array_equal(a.origins, b.origins)


@pytest.mark.parametrize("setting", [*RANDOM, pendulum(), reactor(), double_integrator()])
def test_kkt_conditions(setting: Setting):
    problem = condense(**setting)
    for region in solve(problem):
        active = list(region.active)
        for theta in inside(region):
            z = region.gain @ theta + region.intercept
            right = problem.W + problem.S @ theta
            assert (problem.G @ z - right).max() <= 1e-9
            assert np.abs(problem.G[active] @ z - right[active]).max(initial=0.0) <= 1e-9
            slope = problem.H @ z + problem.Z @ theta + problem.c
            multipliers, *_ = np.linalg.lstsq(problem.G[active].T, -slope, rcond=None)
            scale = max(1.0, np.abs(slope).max())
            assert np.abs(problem.G[active].T @ multipliers + slope).max() <= 1e-9 * scale
            assert multipliers.min(initial=0.0) >= -1e-9 * scale


@pytest.mark.parametrize("setting", [*RANDOM, pendulum(), double_integrator()])
def test_regions_are_disjoint_and_cover_what_is_feasible(setting: Setting):
    problem = condense(**setting)
    regions = solve(problem)
    points = sampled(problem, 400)
    count = sum(holds(region, points, -1e-7).astype(int) for region in regions)
    assert count.max() == 1
    touched = sum(holds(region, points, 1e-7).astype(int) for region in regions) > 0
    for theta, found in zip(points, touched, strict=True):
        right = problem.W + problem.S @ theta
        program = linprog(np.zeros(problem.n_variables), problem.G, right, bounds=(None, None))
        assert found == (program.status == 0), theta


@pytest.mark.parametrize("setting", [*RANDOM, pendulum(), reactor(), double_integrator()])
def test_against_an_online_solver(setting: Setting):
    daqp = pytest.importorskip("daqp", reason="needs the solver DAQP")
    problem = condense(**setting)
    regions = solve(problem)
    for theta in sampled(problem, 200, seed=1):
        owners = [region for region in regions if holds(region, theta, 1e-9)]
        right = problem.W + problem.S @ theta
        linear = problem.Z @ theta + problem.c
        below = np.full(len(right), -1e30)
        z, _, flag, _ = daqp.solve(
            problem.H, linear, problem.G, right, below, primal_tol=1e-11, dual_tol=1e-12
        )
        assert (flag == 1) == bool(owners), theta
        for region in owners:
            assert np.abs(region.gain @ theta + region.intercept - z).max() <= 1e-8


def test_input_bounds_alone_against_bounded_least_squares():
    setting = random_system(7, n=3, m=2, horizon=2, path=None, terminal=None)
    problem = condense(**setting)
    regions = solve(problem)
    root = np.linalg.cholesky(problem.H)
    low, high = (np.tile(bound, 2) for bound in setting["u_bounds"])
    for theta in sampled(problem, 100):
        target = -np.linalg.solve(root, problem.Z @ theta)
        expected = lsq_linear(root.T, target, (low, high), method="bvls", tol=1e-14).x
        region = next(region for region in regions if holds(region, theta, 1e-9))
        assert np.abs(region.gain @ theta + region.intercept - expected).max() <= 1e-8


@pytest.mark.parametrize("setting", [*RANDOM, pendulum(), reactor(), double_integrator()])
def test_the_solution_is_continuous_across_facets(setting: Setting):
    regions = solve(condense(**setting))
    for region in regions:
        for theta in region.facet_points:
            z = region.gain @ theta + region.intercept
            for other in regions:
                if holds(other, theta, 1e-9):
                    assert np.abs(other.gain @ theta + other.intercept - z).max() <= 1e-7


def test_the_optimal_cost_is_convex():
    problem = condense(**double_integrator())
    regions = solve(problem)

    def cost(theta: np.ndarray) -> float:
        region = next(region for region in regions if holds(region, theta, 1e-9))
        return float(problem.value(theta, region.gain @ theta + region.intercept))

    points = sampled(problem, 400)
    feasible = [theta for theta in points if any(holds(region, theta) for region in regions)]
    pairs = zip(feasible[::2], feasible[1::2], strict=False)
    for a, b in pairs:
        ends = cost(a), cost(b)
        for t in (0.25, 0.5, 0.75):
            chord = (1 - t) * ends[0] + t * ends[1]
            assert cost((1 - t) * a + t * b) <= chord + 1e-9 * (1 + abs(chord))


def test_rows_given_twice_change_nothing():
    problem = condense(**pendulum())
    twice = MultiParametricQP(
        problem.H,
        problem.Z,
        np.vstack([problem.G, 3.0 * problem.G[::-1]]),
        np.concatenate([problem.W, 3.0 * problem.W[::-1]]),
        np.vstack([problem.S, 3.0 * problem.S[::-1]]),
        problem.domain,
        c=problem.c,
    )
    for a, b in zip(solve(problem), solve(twice), strict=True):
        assert a.active == b.active
        assert np.allclose(a.gain, b.gain, rtol=0, atol=1e-9)


def test_dependent_active_rows_are_not_lost():
    """Three rows meet in one point of the plane of z: any two of them are enough."""
    problem = MultiParametricQP(
        H=np.eye(2),
        Z=-np.eye(2),
        G=[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]],
        W=[1.0, 1.0, 2.0],
        S=np.zeros((3, 2)),
        domain=Polytope.box([-3.0, -3.0], [3.0, 3.0]),
    )
    regions = solve(problem)
    points = sampled(problem, 500)
    for theta in points:
        owners = [region for region in regions if holds(region, theta, 1e-9)]
        assert owners, theta
        for region in owners:
            expected = np.minimum(theta, 1.0)
            assert np.abs(region.gain @ theta + region.intercept - expected).max() <= 1e-9


@pytest.mark.parametrize("horizon", [1, 2, 3, 5])
def test_without_active_constraints_the_law_is_the_regulator(horizon: int):
    setting = {**pendulum(), "horizon": horizon}
    regions = solve(condense(**setting))
    gain = lqr(*(setting[name] for name in "ABQR"))[1].numpy()
    assert regions[0].active == ()
    assert np.abs(regions[0].gain[:1] + gain).max() <= 1e-9
    assert np.abs(regions[0].intercept).max() <= 1e-12


def test_problems_without_a_feasible_parameter_have_no_region():
    problem = MultiParametricQP(
        [[1.0]], [[0.0]], [[1.0], [-1.0]], [-1.0, -1.0], [[0.0], [0.0]], Polytope.box([0.0], [1.0])
    )
    assert solve(problem) == []
    assert solve(problem, "enumeration") == []
