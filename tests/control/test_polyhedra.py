"""Polytopes: what is redundant, where the corners are, against programs and closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from provenn.control import Polytope
from provenn.control.polyhedra import _facets_by_hull, _facets_by_programs, chebyshev_ball, facets


def random_rows(seed: int, rows: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Half-spaces of unit normals around the origin, and a box that bounds them."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(rows, dim))
    A /= np.linalg.norm(A, axis=1, keepdims=True)
    A = np.vstack([A, np.eye(dim), -np.eye(dim)])
    return A, np.concatenate([rng.uniform(0.3, 2.0, rows), np.full(2 * dim, 1.5)])


def needed(A: np.ndarray, b: np.ndarray) -> list[int]:
    """The rows that the others do not imply, by one linear program each."""
    found = []
    for row in range(len(b)):
        others = np.delete(np.arange(len(b)), row)
        program = linprog(-A[row], A[others], b[others], bounds=(None, None))
        if program.status == 3 or -program.fun > b[row] + 1e-9:
            found.append(row)
    return found


@given(st.integers(0, 10_000), st.integers(0, 25), st.integers(1, 4))
@settings(max_examples=40)
def test_facets_are_the_rows_that_the_others_do_not_imply(seed: int, rows: int, dim: int):
    A, b = random_rows(seed, rows, dim)
    found, points = facets(A, b, chebyshev_ball(A, b)[0])
    assert found.tolist() == needed(A, b)
    assert np.abs((A[found] * points).sum(1) - b[found]).max() <= 1e-9
    assert (points @ A.T <= b + 1e-9).all()


@given(st.integers(0, 10_000), st.integers(2, 4))
@settings(max_examples=15)
def test_hull_and_programs_find_the_same_facets(seed: int, dim: int):
    A, b = random_rows(seed, 15, dim)
    centre = chebyshev_ball(A, b)[0]
    (rows, _), (again, points) = _facets_by_hull(A, b, centre), _facets_by_programs(A, b, centre)
    assert rows.tolist() == again.tolist()
    assert np.abs((A[again] * points).sum(1) - b[again]).max() <= 1e-9


def test_many_dimensions():
    A, b = random_rows(0, 10, 7)
    found, points = facets(A, b, chebyshev_ball(A, b)[0])
    assert found.tolist() == needed(A, b)
    assert (points @ A.T <= b + 1e-9).all()


def test_a_row_that_only_touches_a_corner_is_redundant():
    square = Polytope.box([-1.0, -1.0], [1.0, 1.0])
    touching = square.intersection(Polytope([[1.0, 1.0]], [2.0]))
    assert len(touching.irredundant()) == 4


def test_equal_rows_count_once():
    square = Polytope.box([-1.0, -1.0], [1.0, 1.0])
    assert len(square.intersection(square).irredundant()) == 4


def test_chebyshev_ball_of_a_triangle():
    triangle = Polytope([[-1.0, 0.0], [0.0, -1.0], [3.0, 4.0]], [0.0, 0.0, 12.0])
    centre, radius = triangle.chebyshev()
    assert radius == pytest.approx(1.0)
    assert centre == pytest.approx([1.0, 1.0])


def test_an_empty_polytope_has_a_negative_radius():
    assert Polytope([[1.0], [-1.0]], [-1.0, -1.0]).chebyshev()[1] < 0
    assert Polytope([[0.0], [1.0]], [-1.0, 1.0]).chebyshev()[1] < 0


def test_corners_and_bounding_box():
    triangle = Polytope([[-1.0, 0.0], [0.0, -1.0], [3.0, 4.0]], [0.0, 0.0, 12.0])
    corners = triangle.vertices()
    expected = {(0.0, 0.0), (4.0, 0.0), (0.0, 3.0)}
    assert {tuple(corner) for corner in corners.round(9) + 0.0} == expected
    first, second = np.roll(corners, -1, 0) - corners, np.roll(corners, -2, 0) - corners
    assert (first[:, 0] * second[:, 1] > first[:, 1] * second[:, 0]).all()
    low, high = triangle.bounding_box()
    assert low == pytest.approx([0.0, 0.0])
    assert high == pytest.approx([4.0, 3.0])
    assert Polytope.box([-1.0], [3.0]).vertices().ravel().tolist() == [-1.0, 3.0]


def test_bounding_box_without_an_interior():
    segment = Polytope([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]], [1.0, 1.0, 0.0, 0.0])
    low, high = segment.bounding_box()
    assert low == pytest.approx([-1.0, 0.0])
    assert high == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_unbounded_polytopes_have_no_corners(dim: int):
    half = Polytope(np.eye(dim), np.ones(dim))
    with pytest.raises(ValueError, match="bounded"):
        half.vertices()
    with pytest.raises(ValueError, match="bounded"):
        half.bounding_box()


def test_what_has_no_interior_has_no_corners():
    with pytest.raises(ValueError, match="interior"):
        Polytope([[1.0], [-1.0]], [0.0, 0.0]).irredundant()


def test_few_rows():
    """The whole plane, and a half of it with a row twice."""
    assert Polytope(np.zeros((2, 2)), [1.0, 0.0]).irredundant().A.tolist() == [[0.0, 0.0]]
    half = Polytope([[1.0, 0.0], [1.0, 0.0]], [1.0, 1.0]).irredundant()
    assert half.A.tolist() == [[1.0, 0.0]]


def test_contains():
    square = Polytope.box([-1.0, -1.0], [1.0, 1.0])
    points = np.array([[0.0, 0.0], [1.0, 1.0], [1.0 + 1e-6, 0.0]])
    assert square.contains(points).tolist() == [True, True, False]
    assert bool(square.contains(points[0]))
    scaled = Polytope(1e6 * square.A, 1e6 * square.b)
    assert scaled.contains(points).tolist() == [True, True, False]
