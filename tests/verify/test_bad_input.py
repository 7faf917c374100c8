"""Bad input to the public functions: the error names the argument, what it was, what it may be."""

import pytest
import torch
from torch import nn

from provenn.verify import BranchAndBound, jacobian_bounds, local_lipschitz

from .networks import mlp

MODEL = mlp(4, 5, 3)
X = torch.rand(2, 4)
BAD = (TypeError, ValueError)
"""Ours is a ValueError; the shape and type checker of the tests is there first with a TypeError."""

REGIONS = [
    ({"model": lambda x: x}, TypeError, "model"),
    (
        {"model": nn.Sequential(nn.Flatten(), nn.Unflatten(1, (2, 2)))},
        ValueError,
        "model must return one tensor of shape",
    ),
    ({"model": mlp(4, 5, 3).double()}, ValueError, "x must have the dtype and device of the model"),
    ({"x": None}, ValueError, "x and eps must be given together"),
    ({"x": "image"}, TypeError, "x"),
    ({"x": X.long()}, TypeError, "x"),
    ({"x": X.half()}, TypeError, "x must be float32 or float64, got torch.float16"),
    ({"x": torch.rand(4)}, ValueError, r"x must have shape \(batch, \*features\)"),
    ({"x": torch.rand(0, 4)}, ValueError, r"not be empty, got \(0, 4\)"),
    ({"x": torch.full((1, 4), float("nan"))}, ValueError, "x must be finite"),
    (
        {"x": torch.rand(2, 5)},
        ValueError,
        r"x must have a shape that the model accepts, got \(5,\)",
    ),
    ({"eps": None}, ValueError, "x and eps must be given together"),
    ({"eps": -0.1}, ValueError, "eps must be finite and at least 0, got -0.1"),
    ({"eps": float("inf")}, ValueError, "eps must be finite and at least 0, got inf"),
    ({"eps": True}, TypeError, "eps"),
    ({"eps": "0.1"}, TypeError, "eps"),
    (
        {"eps": torch.rand(3)},
        ValueError,
        r"eps must be a number or broadcast to x \(2, 4\), got \(3,\)",
    ),
    ({"eps": torch.rand(5, 2, 4)}, ValueError, "eps must be a number or broadcast"),
    ({"clip": 1.0}, TypeError, "clip"),
    ({"clip": (0.0, 0.5, 1.0)}, TypeError, "clip"),
    ({"clip": (1.0, 0.0)}, ValueError, r"clip must be \(least, largest\)"),
    ({"clip": (2.0, 3.0)}, ValueError, "clip must leave some of the region"),
    ({"lo": X}, ValueError, "either by x and eps or by lo and hi"),
    ({"lo": X, "hi": X}, ValueError, "either by x and eps or by lo and hi"),
    ({"x": None, "eps": None}, ValueError, "either by x and eps or by lo and hi"),
    ({"x": None, "eps": None, "lo": X, "hi": X[:1]}, BAD, "hi"),
    ({"x": None, "eps": None, "lo": X, "hi": X.double()}, ValueError, "lo and hi must agree"),
    ({"x": None, "eps": None, "lo": X + 1, "hi": X}, ValueError, "lo must be at most hi"),
    ({"x": None, "eps": None, "lo": X, "hi": X * float("nan")}, ValueError, "hi must be finite"),
    (
        {"x": None, "eps": None, "lo": X, "hi": X, "clip": (0.0, 1.0)},
        ValueError,
        "clip must be None",
    ),
    ({"method": "fast-lip"}, BAD, "method"),
    ({"forward": "ibp"}, BAD, "forward"),
    ({"memory_budget": 0}, ValueError, "memory_budget must be at least 1, got 0"),
    ({"memory_budget": 1e6}, TypeError, "memory_budget"),
]

LIPSCHITZ = [
    *REGIONS,
    ({"norm": 1}, BAD, "norm"),
    ({"norm": True}, BAD, "norm"),
    ({"norm": 2, "eps": torch.rand(4)}, ValueError, "eps must be one number for norm=2"),
    ({"norm": 2, "clip": (0.9, 1.0)}, ValueError, "x must lie inside clip for norm=2"),
    ({"norm": 2, "method": "exact"}, ValueError, "method='exact' needs a box"),
    ({"samples": -1}, ValueError, "samples must be at least 0, got -1"),
    ({"samples": 1.5}, TypeError, "samples"),
    ({"seed": "0"}, TypeError, "seed"),
    (
        {"method": "recurjac", "branch_and_bound": {}},
        ValueError,
        "needs method='crown', got method='recurjac'",
    ),
    ({"branch_and_bound": 60}, TypeError, "branch_and_bound"),
    ({"branch_and_bound": {"domains": 9}}, ValueError, "no 'domains'; accepted: max_domains"),
]

OPTIONS = [
    ({"max_domains": 0}, ValueError, "max_domains must be an integer of at least 1, got 0"),
    ({"max_domains": 2.0}, BAD, "max_domains"),
    ({"max_domains": True}, ValueError, "max_domains"),
    ({"batch_size": 0}, ValueError, "batch_size"),
    ({"look_ahead": -1}, ValueError, "look_ahead"),
    ({"timeout": 0.0}, ValueError, "timeout must be positive, got 0.0"),
    ({"timeout": float("nan")}, ValueError, "timeout must be positive, got nan"),
    ({"timeout": "1 min"}, TypeError, "timeout"),
    ({"score": "random"}, BAD, "score"),
]


@pytest.mark.parametrize(("change", "error", "message"), REGIONS)
def test_jacobian_bounds(change, error, message):
    with pytest.raises(error, match=message):
        jacobian_bounds(**{"model": MODEL, "x": X, "eps": 0.1, **change})


@pytest.mark.parametrize(("change", "error", "message"), LIPSCHITZ)
def test_local_lipschitz(change, error, message):
    with pytest.raises(error, match=message):
        local_lipschitz(**{"model": MODEL, "x": X, "eps": 0.1, **change})


@pytest.mark.parametrize(("change", "error", "message"), OPTIONS)
def test_branch_and_bound(change, error, message):
    with pytest.raises(error, match=message):
        BranchAndBound(**change)
