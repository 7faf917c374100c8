"""No sampled Jacobian may leave its bounds: more than a million of them, on every architecture."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from provenn.verify import jacobian_bounds, local_lipschitz
from provenn.verify.forward import forward_bounds
from provenn.verify.region import Region
from provenn.verify.tracing import trace

from .networks import (
    ARCHITECTURES,
    inputs,
    jacobians_at,
    network,
    points_in_ball,
    points_in_box,
)

N_POINTS = 100_000
"""Jacobians for each architecture; there are twelve."""


def assert_inside(model, points, lower, upper, per_class, norm):
    """Every Jacobian at the points lies between its bounds, and its row norms below theirs."""
    found = jacobians_at(model, points)
    slack = 1e-5 if points.dtype == torch.float32 else 1e-12
    size = float(upper.abs().max()) + float(lower.abs().max())
    assert (found >= lower - slack * size).all()
    assert (found <= upper + slack * size).all()
    norms = found.flatten(2).norm(p=1 if norm == "inf" else 2, dim=-1)
    assert (norms <= per_class * (1 + slack)).all()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_hundred_thousand_jacobians_lie_inside(name):
    model, shape = network(name, seed=1)
    x = inputs(shape, 1, seed=2)
    eps = 0.3 if len(shape) == 1 else 0.1
    lower, upper = jacobian_bounds(model, x, eps)
    per_class = local_lipschitz(model, x, eps, samples=0).per_class
    for part in range(10):
        points = points_in_box(x[0] - eps, x[0] + eps, N_POINTS // 10, seed=part)
        assert_inside(model, points, lower, upper, per_class, "inf")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_gradients_in_a_ball_stay_below_the_euclidean_bound(name):
    model, shape = network(name, seed=3)
    x = inputs(shape, 1, seed=4)
    ball = local_lipschitz(model, x, 0.3, norm=2, samples=0)
    found = jacobians_at(model, points_in_ball(x[0], 0.3, 5000, seed=5))
    assert (found.flatten(2).norm(dim=-1) <= ball.per_class * (1 + 1e-12)).all()


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(ARCHITECTURES)),
    seed=st.integers(0, 10_000),
    eps=st.sampled_from([0.0, 1e-6, 0.01, 0.1, 0.5, 2.0]),
    clip=st.sampled_from([None, (0.0, 1.0), (0.2, 0.7)]),
    method=st.sampled_from(["crown", "recurjac", "interval"]),
    forward=st.sampled_from(["crown", "alpha-crown"]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    norm=st.sampled_from(["inf", 2]),
)
def test_random_networks_boxes_and_methods(name, seed, eps, clip, method, forward, dtype, norm):
    model, shape = network(name, seed, dtype)
    x = inputs(shape, 2, seed, dtype)
    lo, hi = x - eps, x + eps
    if clip is not None:
        x = x.clamp(*clip)
        lo, hi = (x - eps).clamp(*clip), (x + eps).clamp(*clip)
    lower, upper = jacobian_bounds(model, x, eps, clip=clip, method=method, forward=forward)
    result = local_lipschitz(
        model, x, eps, clip=clip, method=method, forward=forward, norm=norm, samples=32, seed=seed
    )
    assert (result.lower_per_class <= result.per_class * (1 + 1e-5)).all()
    for i in range(2):
        if norm == 2:
            points = points_in_ball(x[i], eps, 300, seed)
            points = torch.minimum(torch.maximum(points, lo[i]), hi[i])
        else:
            points = points_in_box(lo[i], hi[i], 300, seed)
        assert_inside(model, points, lower[i], upper[i], result.per_class[i], norm)


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from(sorted(ARCHITECTURES)),
    seed=st.integers(0, 10_000),
    recompute=st.booleans(),
    look_ahead=st.integers(1, 3),
    score=st.sampled_from(["area", "babsr"]),
)
def test_branching_never_cuts_below_a_sample(name, seed, recompute, look_ahead, score):
    model, shape = network(name, seed)
    x = inputs(shape, 1, seed)
    result = local_lipschitz(
        model,
        x,
        0.2,
        samples=0,
        branch_and_bound={
            "max_domains": 60,
            "recompute": recompute,
            "look_ahead": look_ahead,
            "score": score,
        },
    )
    found = jacobians_at(model, points_in_box(x[0] - 0.2, x[0] + 0.2, 2000, seed))
    assert (found.flatten(2).abs().sum(-1) <= result.per_class * (1 + 1e-12)).all()


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from(sorted(ARCHITECTURES)),
    seed=st.integers(0, 10_000),
    optimise=st.booleans(),
    ball=st.booleans(),
)
def test_values_before_each_relu_lie_inside(name, seed, optimise, ball):
    model, shape = network(name, seed)
    x = inputs(shape, 1, seed)
    region = Region(lo=x - 0.3, hi=x + 0.3, centre=x, radius=0.3 if ball else None)
    graph = trace(model, x)
    with torch.no_grad():
        bounds = forward_bounds(graph, region, optimise=optimise).before
        points = region.sample(500, torch.Generator().manual_seed(seed)).flatten(0, 1)
        values = graph.values(points)
    for position, before in bounds.items():
        found = values[graph.relus[position].parents[0]]
        assert (found >= before.lower - 1e-12).all()
        assert (found <= before.upper + 1e-12).all()


def test_a_false_bound_would_be_caught():
    model, shape = network("mlp", seed=1)
    x = inputs(shape, 1, seed=2)
    lower, upper = jacobian_bounds(model, x, 0.01)
    per_class = local_lipschitz(model, x, 0.01).per_class
    points = points_in_box(x[0] - 0.5, x[0] + 0.5, 2000, seed=0)
    with pytest.raises(AssertionError):
        assert_inside(model, points, lower, upper, per_class, "inf")
