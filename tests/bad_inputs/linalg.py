"""Malformed calls of the room of linear systems."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy import sparse

from provenn.linalg import (
    DCDMFitting,
    DCDMNet,
    PoissonOperator,
    conjugate_direction_loss,
    dcdm,
    fit_dcdm,
    lanczos,
    ritz_rhs,
    spectrum,
)
from tests.bad_inputs.case import BadCase

A = PoissonOperator((4, 4))
OTHER = PoissonOperator((4, 4), open_sides=((True, False), (False, False)))
R = torch.randn(2, 4, 4, generator=torch.Generator().manual_seed(0))
B = R[0].double()
NAN = float("nan")
BAD = (TypeError, ValueError)
"""Where the shape checker of the tests may be there before the room's own check."""


def bad(
    function: Callable[..., object], good: dict[str, Any], given: dict[str, Any], error: Any,
    *words: str,
) -> BadCase:  # fmt: skip
    """The call with some arguments replaced."""
    says = ", ".join(f"{name}={value!r:.60}" for name, value in given.items())
    argument, shown, accepted = words
    return BadCase(says, lambda: function(**{**good, **given}), error, (argument, shown, accepted))


def operator(given: dict[str, Any], error: Any, *words: str) -> BadCase:
    return bad(PoissonOperator, {"grid_shape": (4, 4)}, given, error, *words)


def net(given: dict[str, Any], error: Any, *words: str) -> BadCase:
    return bad(DCDMNet, {"dim": 2}, given, error, *words)


def forward(r: Any, error: Any, *words: str) -> BadCase:
    module = DCDMNet(2, 2)
    return bad(lambda r: module(r), {}, {"r": r}, error, *words)


def solve(given: dict[str, Any], error: Any, *words: str) -> BadCase:
    return bad(dcdm, {"A": A, "b": B, "net": lambda r: r}, given, error, *words)


def loss(given: dict[str, Any], error: Any, *words: str) -> BadCase:
    good = {"q": R, "r": R, "matvec": A.matvec}
    return bad(conjugate_direction_loss, good, given, error, *words)


def fit(function: Callable[..., object]) -> list[BadCase]:
    """Malformed fittings, which the class and the function refuse alike."""

    def case(given: dict[str, Any], error: Any, *words: str) -> BadCase:
        good = {"net": DCDMNet(2, 2), "A": A, "data": R, "steps": 1}
        return bad(function, good, given, error, *words)

    return [
        case({"net": torch.nn.Identity()}, TypeError, "net", "Identity", "DCDMNet"),
        case({"net": DCDMNet(3, 2)}, ValueError, "net", "got 3", "dim = 2"),
        case({"A": A.to_csr()}, TypeError, "A", "csr_array", "PoissonOperator"),
        case({"data": R.numpy()}, TypeError, "data", "ndarray", "torch.Tensor"),
        case({"data": R.long()}, TypeError, "data", "torch.int64", "floating-point"),
        case({"data": R[:, :3]}, ValueError, "data", "(2, 3, 4)", "(samples, 4, 4)"),
        case({"data": R[:0]}, ValueError, "data", "(0, 4, 4)", "at least one sample"),
        case({"data": R * NAN}, ValueError, "data", "NaN", "finite"),
        case({"steps": 0}, ValueError, "steps", "got 0", "at least 1"),
        case({"steps": 2.0}, TypeError, "steps", "2.0", "int"),
        case({"batch_size": 0}, ValueError, "batch_size", "got 0", "at least 1"),
        case({"lr": -1.0}, ValueError, "lr", "-1.0", "at least 0"),
        case({"final_lr": 1.0}, ValueError, "final_lr", "got 1.0", "at most 0.001"),
        case({"schedule": "linear"}, BAD, "schedule", "linear", "cosine"),
        case({"low_weight": NAN}, ValueError, "low_weight", "nan", "finite"),
        case({"seed": -1}, ValueError, "seed", "-1", "at least 0"),
        case({"autocast": 1}, TypeError, "autocast", "1", "bool"),
    ]


def sampling(function: Callable[..., object], good: dict[str, Any]) -> list[BadCase]:
    """Malformed draws, which the function and the method refuse alike."""

    def case(given: dict[str, Any], error: Any, *words: str) -> BadCase:
        return bad(function, good, given, error, *words)

    return [
        case({"n": 0}, ValueError, "n", "got 0", "at least 1"),
        case({"n": 1.5}, TypeError, "n", "1.5", "int"),
        case({"n": True}, TypeError, "n", "True", "int"),
        case({"low_weight": -1.0}, ValueError, "low_weight", "-1.0", "at least 0"),
        case({"low_weight": "9"}, TypeError, "low_weight", "'9'", "number"),
        case({"low_fraction": 1.5}, ValueError, "low_fraction", "1.5", "at most 1"),
        case({"low_fraction": NAN}, ValueError, "low_fraction", "nan", "at most 1"),
        case({"generator": 3}, TypeError, "generator", "int", "torch.Generator"),
    ]


def decomposing(function: Callable[..., object], good: dict[str, Any]) -> list[BadCase]:
    """Malformed choices of eigenvectors."""

    def case(given: dict[str, Any], error: Any, *words: str) -> BadCase:
        return bad(function, good, given, error, *words)

    return [
        case({"A": A.to_csr()}, TypeError, "A", "csr_array", "PoissonOperator"),
        case({"A": PoissonOperator((1, 1))}, ValueError, "A", "without", "positive eigenvalue"),
        case({"method": "power"}, BAD, "method", "power", "lanczos"),
        case({"method": "cosines", "A": OTHER}, ValueError, "method", "cosines", "got Poisson"),
        case({"method": None}, TypeError, "method", "None", "str"),
        case({"method": "lanczos", "steps": 0}, ValueError, "steps", "got 0", "at least 1"),
        case({"method": "lanczos", "steps": 17}, ValueError, "steps", "got 17", "at most"),
        case({"method": "lanczos", "steps": 2.0}, TypeError, "steps", "2.0", "int"),
        case({"generator": "seed"}, TypeError, "generator", "str", "torch.Generator"),
    ]


CASES = {
    "provenn.linalg.PoissonOperator": [
        operator({"grid_shape": 4}, TypeError, "grid_shape", "4", "sequence of integers"),
        operator({"grid_shape": (4, 4.0)}, TypeError, "grid_shape", "4.0", "int"),
        operator({"grid_shape": (4, 0)}, ValueError, "grid_shape", "got 0", "at least 1"),
        operator({"grid_shape": (2,) * 4}, ValueError, "grid_shape", "(2, 2, 2, 2)", "1, 2 or 3"),
        operator({"solid": torch.zeros(4, 4)}, TypeError, "solid", "float32", "bool"),
        operator({"solid": [[True]]}, TypeError, "solid", "list", "tensor or an array of bool"),
        operator({"air": np.zeros((4, 5), bool)}, ValueError, "air", "(4, 5)", "(4, 4)"),
        operator({"solid": np.ones((4, 4), bool)}, ValueError, "solid", "none", "one fluid cell"),
        operator(
            {"solid": np.eye(4, dtype=bool), "air": np.eye(4, dtype=bool)},
            ValueError, "air", "4 cells", "overlap solid",
        ),
        operator({"open_sides": True}, TypeError, "open_sides", "bool", "pair"),
        operator({"open_sides": ((True, False),)}, ValueError, "open_sides", "(True,", "of 2"),
        operator({"open_sides": ((0, 1), (0, 0))}, BAD, "open_sides", "(0, 1)", "bool"),
    ],
    "provenn.linalg.PoissonOperator.matvec": [
        bad(A.matvec, {}, {"x": B.numpy()}, TypeError, "x", "ndarray", "torch.Tensor"),
        bad(A.matvec, {}, {"x": B.long()}, TypeError, "x", "torch.int64", "floating-point"),
        bad(A.matvec, {}, {"x": B[:3]}, ValueError, "x", "(3, 4)", "(..., (4, 4))"),
        bad(A.matvec, {}, {"x": B.to("meta")}, ValueError, "x", "meta", "operator's cpu"),
    ],
    "provenn.linalg.DCDMNet": [
        net({"dim": 1}, ValueError, "dim", "got 1", "2 or 3"),
        net({"dim": 2.0}, TypeError, "dim", "2.0", "int"),
        net({"dim": 0}, ValueError, "dim", "got 0", "at least 1"),
        net({"channels": 0}, ValueError, "channels", "got 0", "at least 1"),
        net({"channels": "16"}, TypeError, "channels", "'16'", "int"),
        net({"channels": True}, TypeError, "channels", "True", "int"),
        net({"wiring": "n32"}, BAD, "wiring", "n32", "n128"),
        net({"wiring": 64}, TypeError, "wiring", "64", "str"),
    ],
    "provenn.linalg.DCDMNet.forward": [
        forward(R.numpy(), TypeError, "r", "ndarray", "torch.Tensor"),
        forward(R.long(), TypeError, "r", "torch.int64", "floating-point"),
        forward(R, ValueError, "r", "(2, 4, 4)", "(batch, 1, height, width)"),
        forward(R[:, None].expand(2, 2, 4, 4), ValueError, "r", "(2, 2, 4, 4)", "(batch, 1"),
        forward(R[:, None, :1], ValueError, "r", "(1, 4)", "at least 2"),
        forward(R[:, None].double(), TypeError, "r", "torch.float64", "torch.float32"),
        forward(R[:, None].to("meta"), ValueError, "r", "meta", "cpu"),
    ],
    "provenn.linalg.conjugate_direction_loss": [
        loss({"q": R.numpy()}, TypeError, "q", "ndarray", "torch.Tensor"),
        loss({"r": R.tolist()}, TypeError, "r", "list", "torch.Tensor"),
        loss({"q": R.long()}, TypeError, "q", "torch.int64", "floating-point"),
        loss({"r": R.bool()}, TypeError, "r", "torch.bool", "floating-point"),
        loss({"q": R.flatten()}, ValueError, "q", "(32,)", "(batch, *grid)"),
        loss({"q": R[:0], "r": R[:0]}, ValueError, "q", "(0, 4, 4)", "at least one entry"),
        loss({"r": R[:1]}, ValueError, "r", "(1, 4, 4)", "(2, 4, 4)"),
        loss({"matvec": A}, TypeError, "matvec", "PoissonOperator", "function"),
    ],
    "provenn.linalg.dcdm": [
        solve({"A": "Poisson"}, TypeError, "A", "str", "PoissonOperator"),
        solve({"A": np.ones((16, 8))}, ValueError, "A", "(16, 8)", "square"),
        solve({"A": np.eye(16) * 1j, "grid_shape": (16,)}, TypeError, "A", "complex", "real"),
        solve({"A": A.to_csr()}, TypeError, "grid_shape", "None", "sequence"),
        solve({"A": A.to_csr(), "grid_shape": (4, 5)}, ValueError, "grid_shape", "(4, 5)", "16"),
        solve({"grid_shape": (4, 4)}, ValueError, "grid_shape", "(4, 4)", "left out"),
        solve({"null_space": np.ones((1, 16))}, ValueError, "null_space", "array", "left out"),
        solve(
            {"A": sparse.eye_array(16), "grid_shape": (4, 4), "null_space": np.ones((2, 3))},
            ValueError, "null_space", "(2, 3)", "(k, 16)",
        ),
        solve({"b": B.tolist()}, TypeError, "b", "list", "tensor or an array"),
        solve({"b": B.long()}, TypeError, "b", "torch.int64", "floating-point"),
        solve({"b": B[:3]}, ValueError, "b", "(3, 4)", "(16,) or (4, 4)"),
        solve({"b": B * NAN}, ValueError, "b", "NaN", "finite"),
        solve({"b": B.to("meta")}, ValueError, "b", "meta", "operator's cpu"),
        solve({"x0": B[0]}, ValueError, "x0", "(4,)", "(16,) or (4, 4)"),
        solve({"x0": B / 0}, ValueError, "x0", "infinity", "finite"),
        solve({"net": 3}, TypeError, "net", "int", "function"),
        solve({"net": lambda r: r[0]}, ValueError, "net", "(1, 4, 4)", "(1, 1, 4, 4)"),
        solve({"net": lambda r: 0.0}, ValueError, "net", "float", "(1, 1, 4, 4)"),
        solve({"net": DCDMNet(2, 2, device="meta")}, ValueError, "net", "meta", "cpu"),
        solve({"rtol": -1.0}, ValueError, "rtol", "-1.0", "at least 0"),
        solve({"rtol": NAN}, ValueError, "rtol", "nan", "finite"),
        solve({"atol": "0"}, TypeError, "atol", "'0'", "number"),
        solve({"maxiter": -1}, ValueError, "maxiter", "-1", "at least 0"),
        solve({"window": -1}, ValueError, "window", "-1", "at least 0"),
        solve({"window": 2.0}, TypeError, "window", "2.0", "int"),
        solve({"safeguard": 1}, TypeError, "safeguard", "1", "bool"),
        solve({"patience": 0}, ValueError, "patience", "got 0", "at least 1"),
        solve({"recompute": 0}, ValueError, "recompute", "got 0", "at least 1"),
        solve({"callback": 3}, TypeError, "callback", "int", "function"),
    ],
    "provenn.linalg.DCDMFitting": fit(DCDMFitting),
    "provenn.linalg.fit_dcdm": fit(fit_dcdm),
    "provenn.linalg.ritz_rhs": [
        *sampling(ritz_rhs, {"A": A, "n": 2}),
        *decomposing(ritz_rhs, {"A": A, "n": 2}),
    ],
    "provenn.linalg.spectrum": decomposing(spectrum, {"A": A}),
    "provenn.linalg.lanczos": [
        bad(lanczos, {"A": A, "steps": 3}, given, error, *words)
        for given, error, *words in (
            ({"A": A.to_csr()}, TypeError, "A", "csr_array", "PoissonOperator"),
            ({"A": None}, TypeError, "A", "None", "PoissonOperator"),
            ({"steps": 0}, ValueError, "steps", "got 0", "at least 1"),
            ({"steps": -4}, ValueError, "steps", "got -4", "at least 1"),
            ({"steps": 17}, ValueError, "steps", "got 17", "at most the 16 unknowns"),
            ({"steps": 3.0}, TypeError, "steps", "3.0", "int"),
            ({"steps": True}, TypeError, "steps", "True", "int"),
            ({"generator": 0}, TypeError, "generator", "int", "torch.Generator"),
        )
    ],
}  # fmt: skip
