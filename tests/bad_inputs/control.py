"""Malformed calls of the room of control."""

from typing import Any

import numpy as np
import torch
from torch import nn

from provenn.control import (
    YANN,
    DenseYANN,
    MultiParametricQP,
    PiecewiseAffine,
    Polytope,
    chain_of_masses,
    condense,
    explicit_mpc,
    lqr,
    solve,
    zero_order_hold,
)
from tests.bad_inputs.case import BadCase

BAD = (TypeError, ValueError)
"""Where the shape checker of the tests may be there before the room's own check."""
NAN = float("nan")
A, B = [[1.0, 1.0], [0.0, 1.0]], [[0.0], [1.0]]
REGION = ([[1.0], [-1.0]], [1.0, 1.0], [[2.0]], [0.5])
LAW = PiecewiseAffine.from_regions([REGION])
QP = {
    "H": np.eye(1),
    "Z": [[1.0]],
    "G": [[1.0], [-1.0]],
    "W": [1.0, 1.0],
    "S": np.zeros((2, 1)),
    "domain": Polytope.box([-1.0], [1.0]),
}
MPC = {"A": A, "B": B, "Q": np.eye(2), "R": 1.0, "u_bounds": (-1, 1), "x_bounds": (-5, 5)}
SIZES = {"state_dim": 2, "n_inputs": 1, "n_regions": 3, "max_rows": 4}


def bad(good: dict[str, Any], function: Any, given: dict[str, Any], error: Any, *words: str) -> Any:
    """The call with some arguments replaced."""
    says = ", ".join(f"{name}={value!r:.80}" for name, value in given.items())
    argument, shown, accepted = words
    return BadCase(says, lambda: function(**{**good, **given}), error, (argument, shown, accepted))


def sizes(kind: Any) -> list[BadCase]:
    """Malformed sizes, which laws and their networks read alike."""
    return [
        bad(SIZES, kind, {"state_dim": 0}, ValueError, "state_dim", "0", "at least 1"),
        bad(SIZES, kind, {"state_dim": 2.5}, TypeError, "state_dim", "float", "int"),
        bad(SIZES, kind, {"n_inputs": -1}, ValueError, "n_inputs", "-1", "at least 1"),
        bad(SIZES, kind, {"n_regions": 0}, ValueError, "n_regions", "0", "at least 1"),
        bad(SIZES, kind, {"n_regions": True}, TypeError, "n_regions", "bool", "an int"),
        bad(SIZES, kind, {"max_rows": 0}, ValueError, "max_rows", "0", "at least 1"),
        bad(SIZES, kind, {"outside": "hold"}, ValueError, "outside", "'hold'", "'nearest'"),
        bad(SIZES, kind, {"tolerance": -1.0}, ValueError, "tolerance", "-1.0", "at least 0"),
        bad(SIZES, kind, {"tolerance": NAN}, ValueError, "tolerance", "nan", "less than 1"),
        bad(SIZES, kind, {"tolerance": True}, TypeError, "tolerance", "bool", "number"),
    ]


def regions(given: Any, error: Any, *words: str, **options: Any) -> BadCase:
    """A law from these regions."""
    return bad({}, PiecewiseAffine.from_regions, {"regions": given, **options}, error, *words)


def replaced(position: int, value: Any) -> list[Any]:
    """The region with one of its four parts replaced."""
    return [tuple(value if i == position else part for i, part in enumerate(REGION))]


def mpc(function: Any) -> list[BadCase]:
    """Malformed plants, weights and sets."""
    return [
        bad(MPC, function, {"A": np.eye(3)[:2]}, ValueError, "A", "(2, 3)", "square"),
        bad(MPC, function, {"A": [[NAN, 0], [0, 1]]}, ValueError, "A", "NaN", "finite"),
        bad(MPC, function, {"B": [[1.0]]}, ValueError, "B", "(1, 1)", "(2, any)"),
        bad(MPC, function, {"B": [["a"], ["b"]]}, TypeError, "B", "list", "real numbers"),
        bad(MPC, function, {"Q": np.eye(3)}, ValueError, "Q", "(3, 3)", "(2, 2)"),
        bad(MPC, function, {"Q": [[1, 0], [1, 1]]}, ValueError, "Q", "[[1.0, 0.0]", "symmetric"),
        bad(MPC, function, {"Q": -np.eye(2)}, ValueError, "Q", "-1", "semidefinite"),
        bad(MPC, function, {"R": 0.0}, ValueError, "R", "0", "positive definite"),
        bad(MPC, function, {"horizon": 0}, ValueError, "horizon", "0", "at least 1"),
        bad(MPC, function, {"horizon": True}, TypeError, "horizon", "True", "an int"),
        bad(MPC, function, {"u_bounds": (1, -1)}, ValueError, "u_bounds", "(1, -1)", "low < high"),
        bad(
            MPC, function, {"x_bounds": (-np.ones(3), 1)}, ValueError, "x_bounds", "(3,)", "(2)"
        ),
        bad(
            MPC, function, {"x_bounds": Polytope.box([-1.0], [1.0])}, ValueError, "x_bounds",
            "polytope of 1", "2 coordinates",
        ),
        bad(
            MPC, function, {"x_bounds": Polytope(np.eye(2), [1, 1])}, ValueError, "domain",
            "not", "bounded",
        ),
        bad(MPC, function, {"path": "cube"}, ValueError, "path", "'cube'", "'box'"),
        bad(MPC, function, {"terminal": "cube"}, ValueError, "terminal", "'cube'", "'box'"),
        bad(MPC, function, {"set_point": [1.0]}, ValueError, "set_point", "(1,)", "(2)"),
        bad(MPC, function, {"P": np.eye(1)}, ValueError, "P", "(1, 1)", "(2, 2)"),
    ]  # fmt: skip


def theta(value: Any, error: Any, *words: str) -> BadCase:
    """A malformed point."""
    return bad({}, LAW, {"theta": value}, error, "theta", *words)


CASES = {
    "provenn.control.Polytope": [
        bad({"A": np.eye(2), "b": np.ones(2)}, Polytope, given, error, *words)
        for given, error, words in [
            ({"A": "rows"}, TypeError, ("A", "str", "matrix")),
            ({"A": [["a", "b"]]}, TypeError, ("A", "list", "real numbers")),
            ({"A": np.ones(2)}, ValueError, ("A", "(2,)", "(any, any)")),
            ({"A": np.ones((0, 2))}, ValueError, ("A", "(0, 2)", "(any, any)")),
            ({"A": [[1.0, NAN], [0.0, 1.0]]}, ValueError, ("A", "NaN", "finite")),
            ({"b": np.ones(3)}, ValueError, ("b", "(3,)", "(2)")),
            ({"b": [1.0, float("inf")]}, ValueError, ("b", "infinity", "finite")),
            ({"b": [1.0, 1j]}, TypeError, ("b", "list", "real numbers")),
        ]
    ],
    "provenn.control.Polytope.box": [
        bad({"low": [1.0]}, Polytope.box, given, ValueError, *words)
        for given, words in [
            ({"high": [0.0]}, ("box", "1.", "low < high")),
            ({"high": [2.0, 3.0]}, ("high", "(2,)", "(1)")),
        ]
    ],
    "provenn.control.PiecewiseAffine": sizes(PiecewiseAffine),
    "provenn.control.PiecewiseAffine.from_regions": [
        regions([], ValueError, "regions", "none", "at least one"),
        regions(3, TypeError, "regions", "int", "(E, f, K, r)"),
        regions([REGION[:3]], BAD, "regions", "tuple", "(E, f, K, r)"),
        regions(replaced(0, np.ones((2, 2))), ValueError, "regions[0]", "(2, 2)", "(any, 1)"),
        regions(replaced(1, [1.0]), ValueError, "offsets f", "(1,)", "(2)"),
        regions(replaced(2, [[NAN]]), ValueError, "gain K", "NaN", "finite"),
        regions(replaced(3, [1.0, 2.0]), ValueError, "intercept r", "(2,)", "(1)"),
        regions([REGION, *replaced(2, [[1.0, 2.0]])], ValueError, "regions[1]", "(1, 2)", "(1, 1)"),
        regions([REGION], BAD, "domain", "(2, 1)", "low < high", domain=(2, 1)),
        regions([REGION], BAD, "dtype", "int64", "float", dtype=torch.int64),
        regions(replaced(0, [[1.0], [1.0]]), ValueError, "regions[0]", "unbounded", "domain"),
    ],
    "provenn.control.PiecewiseAffine.forward": [
        theta([0.5], TypeError, "list", "ensor"),
        theta(torch.zeros(2, 2, dtype=torch.float64), BAD, "2", "1"),
        theta(torch.zeros((), dtype=torch.float64), BAD, "()", "1"),
        theta(torch.zeros(2, 1), TypeError, "torch.float32", "torch.float64"),
        theta(torch.zeros(2, 1, dtype=torch.float64, device="meta"), ValueError, "meta", "cpu"),
    ],
    "provenn.control.PiecewiseAffine.region": [
        bad({}, LAW.region, {"index": 1}, ValueError, "index", "got 1", "less than 1"),
        bad({}, LAW.region, {"index": -1}, ValueError, "index", "-1", "at least 0"),
        bad({}, LAW.region, {"index": True}, TypeError, "index", "bool", "an int"),
    ],
    "provenn.control.YANN": sizes(YANN),
    "provenn.control.YANN.from_pwa": [
        bad({"law": LAW}, YANN.from_pwa, given, error, *words)
        for given, error, words in [
            ({"law": nn.Linear(1, 1)}, TypeError, ("law", "Linear", "PiecewiseAffine")),
            ({"big_m": 1.0}, ValueError, ("big_m", "1.0", "at least 2.5")),
            ({"big_m": NAN}, ValueError, ("big_m", "nan", "at least")),
            ({"big_m": True}, TypeError, ("big_m", "bool", "number")),
            ({"domain": (1, 0)}, ValueError, ("domain", "(1, 0)", "low < high")),
            ({"outside": "hold"}, ValueError, ("outside", "'hold'", "'zero'")),
        ]
    ],
    "provenn.control.DenseYANN": [
        bad({"law": LAW, "big_m": 3.0}, DenseYANN, given, error, *words)
        for given, error, words in [
            ({"law": None}, TypeError, ("law", "None", "PiecewiseAffine")),
            ({"law": nn.Linear(1, 1)}, TypeError, ("law", "Linear", "PiecewiseAffine")),
            ({"law": [REGION]}, TypeError, ("law", "list", "PiecewiseAffine")),
            ({"big_m": "large"}, TypeError, ("big_m", "str", "number")),
            ({"big_m": True}, TypeError, ("big_m", "True", "number")),
            ({"big_m": -1.0}, ValueError, ("big_m", "-1.0", "at least 0")),
            ({"big_m": NAN}, ValueError, ("big_m", "nan", "finite")),
            ({"big_m": float("inf")}, ValueError, ("big_m", "inf", "finite")),
        ]
    ],
    "provenn.control.MultiParametricQP": [
        bad(QP, MultiParametricQP, given, error, *words)
        for given, error, words in [
            ({"H": [[0.0]]}, ValueError, ("H", "eigenvalue", "positive definite")),
            ({"H": np.eye(2)}, ValueError, ("H", "(2, 2)", "(1, 1)")),
            ({"Z": [[1.0, 2.0]]}, ValueError, ("Z", "(1, 2)", "(any, 1)")),
            ({"G": np.ones((2, 3))}, ValueError, ("G", "(2, 3)", "(any, 1)")),
            ({"W": [1.0]}, ValueError, ("W", "(1,)", "(2)")),
            ({"S": np.zeros((1, 1))}, ValueError, ("S", "(1, 1)", "(2, 1)")),
            ({"S": [[NAN], [0.0]]}, ValueError, ("S", "NaN", "finite")),
            ({"c": [1.0, 2.0]}, ValueError, ("c", "(2,)", "(1)")),
            ({"domain": (-1, 1)}, TypeError, ("domain", "tuple", "Polytope")),
            ({"domain": Polytope([[1.0]], [1.0])}, ValueError, ("domain", "not", "bounded")),
            (
                {"domain": Polytope([[1.0], [-1.0]], [0.0, 0.0])},
                ValueError,
                ("domain", "without", "interior"),
            ),
        ]
    ],
    "provenn.control.condense": mpc(condense),
    "provenn.control.explicit_mpc": [
        *mpc(explicit_mpc),
        bad(MPC, explicit_mpc, {"method": "guess"}, ValueError, "method", "'guess'", "'facets'"),
        bad(MPC, explicit_mpc, {"outside": "hold"}, ValueError, "outside", "'hold'", "'zero'"),
    ],
    "provenn.control.solve": [
        bad({"problem": MultiParametricQP(**QP)}, solve, given, error, *words)
        for given, error, words in [
            ({"problem": QP}, TypeError, ("problem", "dict", "MultiParametricQP")),
            ({"problem": None}, TypeError, ("problem", "None", "MultiParametricQP")),
            ({"problem": LAW}, TypeError, ("problem", "PiecewiseAffine", "MultiParametricQP")),
            ({"problem": [1.0]}, TypeError, ("problem", "list", "MultiParametricQP")),
            ({"method": "guess"}, ValueError, ("method", "'guess'", "'enumeration'")),
            ({"method": ""}, ValueError, ("method", "''", "'enumeration'")),
            ({"method": "Facets"}, ValueError, ("method", "'Facets'", "'facets'")),
            ({"method": None}, TypeError, ("method", "None", "a str")),
        ]
    ],
    "provenn.control.lqr": [
        bad({"A": A, "B": B, "Q": np.eye(2), "R": 1.0}, lqr, given, error, *words)
        for given, error, words in [
            ({"A": [[1.0, 2.0]]}, ValueError, ("A", "(1, 2)", "square")),
            ({"B": np.ones((3, 1))}, ValueError, ("B", "(3, 1)", "(2, any)")),
            ({"Q": -np.eye(2)}, ValueError, ("Q", "-1", "semidefinite")),
            ({"R": np.eye(2)}, ValueError, ("R", "(2, 2)", "(1, 1)")),
            ({"R": -1.0}, ValueError, ("R", "-1", "positive definite")),
            ({"gamma": 0.0}, ValueError, ("gamma", "0.0", "greater than 0")),
            ({"gamma": 1.5}, ValueError, ("gamma", "1.5", "at most 1")),
            ({"gamma": True}, TypeError, ("gamma", "bool", "number")),
            (
                {"B": [[1.0], [0.0]], "A": [[0.5, 0], [0, 2]]},
                ValueError,
                ("A", "without", "stabilis"),
            ),
        ]
    ],
    "provenn.control.zero_order_hold": [
        bad({"A": A, "B": B, "dt": 0.1}, zero_order_hold, given, error, *words)
        for given, error, words in [
            ({"A": [[1.0, 2.0]]}, ValueError, ("A", "(1, 2)", "square")),
            ({"A": [[NAN, 0], [0, 1]]}, ValueError, ("A", "NaN", "finite")),
            ({"A": "matrix"}, TypeError, ("A", "str", "matrix")),
            ({"B": np.ones((3, 1))}, ValueError, ("B", "(3, 1)", "(2, any)")),
            ({"B": [1.0, 2.0]}, ValueError, ("B", "(2,)", "(2, any)")),
            ({"dt": 0.0}, ValueError, ("dt", "0.0", "positive")),
            ({"dt": -0.1}, ValueError, ("dt", "-0.1", "positive")),
            ({"dt": NAN}, ValueError, ("dt", "NaN", "finite")),
        ]
    ],
    "provenn.control.chain_of_masses": [
        bad({}, chain_of_masses, {"n_masses": 0}, ValueError, "n_masses", "0", "at least 1"),
        bad({}, chain_of_masses, {"n_masses": -2}, ValueError, "n_masses", "-2", "at least 1"),
        bad({}, chain_of_masses, {"n_masses": 2.0}, TypeError, "n_masses", "float", "int"),
        bad({}, chain_of_masses, {"n_masses": True}, TypeError, "n_masses", "True", "an int"),
        bad({}, chain_of_masses, {"dt": 0.0}, ValueError, "dt", "0.0", "positive"),
        bad({}, chain_of_masses, {"dt": -1.0}, ValueError, "dt", "-1.0", "positive"),
        bad({}, chain_of_masses, {"dt": NAN}, ValueError, "dt", "NaN", "finite"),
        bad({}, chain_of_masses, {"dt": float("inf")}, ValueError, "dt", "infinity", "finite"),
    ],
}  # fmt: skip
