"""Malformed calls of the room of sound bounds."""

from typing import Any

import torch
from torch import nn

from provenn.verify import BranchAndBound, is_monotone, jacobian_bounds, local_lipschitz
from tests.bad_inputs.case import BadCase

MODEL = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
X = torch.linspace(0, 1, 8).reshape(2, 4)
BAD = (TypeError, ValueError)
"""Where the shape checker of the tests may be there before the room's own check."""


def bad(function: Any, given: dict[str, Any], error: Any, *words: str) -> BadCase:
    """The call with some arguments replaced."""
    good: dict[str, Any] = {"model": MODEL, "x": X, "eps": 0.1}
    if function is is_monotone:
        good = {"model": MODEL, "x": X, "feature": 0, "output": 1}
    if function is BranchAndBound:
        good = {}
    says = ", ".join(f"{name}={value!r}" for name, value in given.items())
    argument, shown, accepted = words
    return BadCase(says, lambda: function(**{**good, **given}), error, (argument, shown, accepted))


def region(function: Any) -> list[BadCase]:
    """Malformed models and regions, which both bounding functions read."""
    corners = {"x": None, "eps": None}
    return [
        bad(function, {"model": 3}, TypeError, "model", "int", "Module"),
        bad(function, {"model": MODEL.double}, TypeError, "model", "method", "Module"),
        bad(function, {"x": X.double()}, ValueError, "x", "torch.float64", "torch.float32"),
        bad(function, {"x": X.half()}, TypeError, "x", "torch.float16", "float32 or float64"),
        bad(function, {"x": X[0, :0]}, ValueError, "x", "(0,)", "(batch, *features)"),
        bad(function, {"x": X[:0]}, ValueError, "x", "(0, 4)", "(batch, *features)"),
        bad(function, {"x": X * float("nan")}, ValueError, "x", "NaN", "finite"),
        bad(function, {"x": X[:, :3]}, ValueError, "x", "(3,)", "shape that the model accepts"),
        bad(function, {"eps": -0.5}, ValueError, "eps", "-0.5", "at least 0"),
        bad(function, {"eps": float("inf")}, ValueError, "eps", "inf", "finite"),
        bad(function, {"eps": torch.ones(3)}, ValueError, "eps", "(3,)", "broadcast to x (2, 4)"),
        bad(function, {"clip": (1.0, 0.0)}, ValueError, "clip", "1 elements", "least <= largest"),
        bad(function, {"clip": (5.0, 6.0)}, ValueError, "clip", "8 elements", "some of the region"),
        bad(function, {"lo": X}, ValueError, "lo", "lo=...", "either by x and eps or by lo and hi"),
        bad(
            function,
            {**corners, "lo": X + 1, "hi": X},
            ValueError,
            "lo",
            "8 elements",
            "at most hi",
        ),
        bad(function, {"method": "fast"}, BAD, "method", "fast", "recurjac"),
        bad(function, {"forward": "ibp"}, BAD, "forward", "ibp", "alpha-crown"),
        bad(function, {"memory_budget": 0}, ValueError, "memory_budget", "got 0", "at least 1"),
    ]


CASES = {
    "provenn.verify.jacobian_bounds": region(jacobian_bounds),
    "provenn.verify.local_lipschitz": [
        *region(local_lipschitz),
        bad(local_lipschitz, {"norm": 1}, BAD, "norm", "1", "inf"),
        bad(local_lipschitz, {"samples": -1}, ValueError, "samples", "-1", "at least 0"),
        bad(local_lipschitz, {"seed": -2}, ValueError, "seed", "-2", "at least 0"),
        bad(
            local_lipschitz,
            {"branch_and_bound": {"domains": 9}},
            ValueError,
            "branch_and_bound",
            "'domains'",
            "max_domains",
        ),
        bad(
            local_lipschitz,
            {"branch_and_bound": {}, "method": "interval"},
            ValueError,
            "branch_and_bound",
            "'interval'",
            "method='crown'",
        ),
    ],
    "provenn.verify.is_monotone": [
        bad(is_monotone, {"model": 3}, TypeError, "model", "int", "Module"),
        bad(is_monotone, {"x": X.half()}, TypeError, "x", "torch.float16", "float32 or float64"),
        bad(is_monotone, {"x": X[:0]}, ValueError, "x", "(0, 4)", "(batch, *features)"),
        bad(is_monotone, {"x": X * float("nan")}, ValueError, "x", "NaN", "finite"),
        bad(is_monotone, {"feature": 4}, ValueError, "feature", "got 4", "less than 4"),
        bad(is_monotone, {"feature": -1}, ValueError, "feature", "got -1", "at least 0"),
        bad(is_monotone, {"feature": True}, TypeError, "feature", "bool", "integer"),
        bad(is_monotone, {"output": 3}, ValueError, "output", "got 3", "less than 3"),
        bad(
            is_monotone, {"value_range": (1.0, 0.0)}, ValueError, "value_range", "(1.0, 0.0)",
            "least <= largest",
        ),
        bad(is_monotone, {"memory_budget": 0}, ValueError, "memory_budget", "got 0", "at least 1"),
    ],
    "provenn.verify.BranchAndBound": [
        bad(BranchAndBound, {"max_domains": 0}, ValueError, "max_domains", "0", "at least 1"),
        bad(BranchAndBound, {"max_domains": True}, ValueError, "max_domains", "True", "integer"),
        bad(BranchAndBound, {"batch_size": -1}, ValueError, "batch_size", "-1", "at least 1"),
        bad(BranchAndBound, {"look_ahead": 0}, ValueError, "look_ahead", "0", "at least 1"),
        bad(BranchAndBound, {"timeout": 0.0}, ValueError, "timeout", "0.0", "positive"),
        bad(
            BranchAndBound, {"timeout": float("nan")}, ValueError, "timeout", "nan", "positive"
        ),
        bad(BranchAndBound, {"timeout": True}, TypeError, "timeout", "True", "number of seconds"),
        bad(BranchAndBound, {"score": "random"}, BAD, "score", "random", "babsr"),
    ],
}  # fmt: skip
