"""Malformed calls of the hypernetworks of ``provenn.hyper``."""

import torch
from torch import nn

from provenn.hyper import (
    Condition,
    HyperNetwork,
    circle_encoding,
    complement_encoding,
    magnitude_report,
)
from tests.bad_inputs.case import BadCase
from tests.bad_inputs.nn import COUNT, FLAG, MODEL, Wrong, bad

NAN, INF = float("nan"), float("inf")
NUMBER: list[Wrong] = [
    (NAN, ValueError, "nan", "finite"),
    (-INF, ValueError, "-inf", "finite"),
    ("1", TypeError, "'1'", "number"),
    (None, TypeError, "None", "number"),
    (True, TypeError, "True", "number"),
]
UNIT: list[Wrong] = [
    (None, TypeError, "NoneType", "torch.Tensor"),
    (0.5, TypeError, "float", "torch.Tensor"),
    ([0.5], TypeError, "list", "torch.Tensor"),
    (torch.ones(2).long(), TypeError, "torch.int64", "floating-point"),
    (torch.ones(2, dtype=torch.complex64), TypeError, "torch.complex64", "floating-point"),
    (torch.tensor(0.5), ValueError, "()", "(*, d)"),
    (torch.tensor([0.5, 1.25]), ValueError, "from 0.5 to 1.25", "[0, 1]"),
    (torch.tensor([-INF, 0.5]), ValueError, "from -inf to 0.5", "[0, 1]"),
]


def choice(wrong: str, *accepted: str) -> list[Wrong]:
    """What is none of some strings."""
    return [
        (wrong, ValueError, repr(wrong), ", ".join(map(repr, accepted))),
        (None, TypeError, "None", "str"),
        (1, TypeError, "1 of type int", "str"),
    ]


def primary() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))


HYPER = HyperNetwork(primary(), {"lam": 2, "mu": 1})
ONE = HyperNetwork(nn.Linear(4, 3), {"lam": 1})
X = torch.ones(3, 4)
THETA = {name: value.detach() for name, value in ONE(lam=0.5).items()}

LAM: list[Wrong] = [
    (None, TypeError, "NoneType", "torch.Tensor"),
    ([0.1, 0.2], TypeError, "list", "torch.Tensor"),
    ("0.1", TypeError, "str", "torch.Tensor"),
    (torch.ones(2).long(), TypeError, "torch.int64", "floating-point"),
    (torch.ones(2).double(), TypeError, "torch.float64", "torch.float32"),
    (torch.ones(2, device="meta"), ValueError, "meta", "cpu"),
    (0.5, ValueError, "()", "(batch, 2)"),
    (torch.ones(3), ValueError, "(3,)", "(batch, 2)"),
    (torch.ones(3, 1), ValueError, "(3, 1)", "(batch, 2)"),
    (torch.ones(1, 3, 2), ValueError, "(1, 3, 2)", "(batch, 2)"),
    (torch.tensor([0.5, 1.5]), ValueError, "from 0.5 to 1.5", "[0, 1]"),
]
INPUTS: list[Wrong] = [
    (None, TypeError, "None", "mapping"),
    ("lam", TypeError, "'lam'", "mapping"),
    (["lam"], TypeError, "list", "mapping"),
    ({}, ValueError, "empty", "at least one"),
    ({"lam": 0}, ValueError, "0", "at least 1"),
    ({"lam": 1.0}, TypeError, "1.0", "int"),
    ({"lam": None}, TypeError, "None", "int"),
    ({3: 1}, ValueError, "3", "identifiers"),
    ({"two words": 1}, ValueError, "'two words'", "identifiers"),
]
HIDDEN: list[Wrong] = [
    (None, TypeError, "None", "sequence of ints"),
    (16, TypeError, "16", "sequence of ints"),
    ("16", TypeError, "'16'", "sequence of ints"),
    ((), ValueError, "empty", "at least one"),
    ((16, 0), ValueError, "0", "at least 1"),
    ((16.0,), TypeError, "16.0", "int"),
]


def named(argument: str, says: str, call, error, given: str, accepted: str) -> BadCase:
    return BadCase(says, call, error, (argument, given, accepted))


CASES = {
    "provenn.hyper.circle_encoding": bad(circle_encoding, {}, {"gamma": UNIT}),
    "provenn.hyper.complement_encoding": bad(complement_encoding, {}, {"gamma": UNIT}),
    "provenn.hyper.Condition": [
        *bad(
            Condition,
            {},
            {
                "size": COUNT,
                "lo": [*NUMBER, (1.0, ValueError, "1.0", "less than hi = 1.0")],
                "hi": NUMBER,
                "law": [
                    ("uniform", ValueError, "'uniform'", "'normal', 'logistic'"),
                    (3, TypeError, "3", "str"),
                ],
            },
        ),
        named(
            "law",
            "a law beside bounds",
            lambda: Condition(lo=-1.0, law="normal"),
            ValueError,
            "'normal'",
            "None",
        ),
    ],
    "provenn.hyper.HyperNetwork": [
        *bad(
            HyperNetwork,
            {"primary": primary(), "inputs": {"lam": 1}},
            {
                "primary": [
                    *MODEL,
                    (nn.ReLU(), ValueError, "ReLU", "floating-point parameter"),
                ],
                "inputs": INPUTS,
                "hidden": HIDDEN,
                "encoding": choice("sphere", "circle", "complement", "none"),
                "residual": FLAG,
                "parameters": [
                    ("*.weight", TypeError, "'*.weight'", "sequence"),
                    (3, TypeError, "3", "sequence"),
                    ([3], TypeError, "3", "str"),
                    ([], ValueError, "empty", "at least one"),
                    (["2.weight"], ValueError, "'2.weight'", "0.weight, 0.bias"),
                ],
                "activation": choice("swish", "leaky_relu", "relu", "gelu", "silu", "tanh"),
                "norm": choice("group", "none", "layer", "batch", "weight"),
                "unit_norm": FLAG,
                "base": choice("xavier", "kaiming", "given"),
                "output_init": choice(
                    "xavier", "per_tensor", "hyperfan_in", "hyperfan_out", "zero"
                ),
                "zero_bias": FLAG,
                "rank": [*COUNT[:4], COUNT[5]],
            },
        ),
        named(
            "rank",
            "a rank with HyperFan-in",
            lambda: HyperNetwork(primary(), {"lam": 1}, rank=2, output_init="hyperfan_in"),
            ValueError,
            "2",
            "None",
        ),
    ],
    "provenn.hyper.HyperNetwork.from_pretrained": bad(
        HyperNetwork.from_pretrained,
        {"primary": primary(), "inputs": {"lam": 1}},
        {"primary": MODEL, "inputs": INPUTS, "hidden": HIDDEN, "zero_init": FLAG},
    ),
    "provenn.hyper.HyperNetwork.forward": [
        *bad(lambda lam: HYPER(lam=lam, mu=0.5), {}, {"lam": LAM}),
        named("values", "a list", lambda: HYPER([0.1] * 3), TypeError, "list", "torch.Tensor"),
        named("values", "two", lambda: HYPER(torch.ones(2)), ValueError, "(2,)", "(batch, 3)"),
        named("values", "both", lambda: HYPER(torch.ones(3), mu=1.0), TypeError, "both", "None"),
        named("inputs", "none at all", lambda: HYPER(), TypeError, "none for 'lam'", "lam, mu"),
        named("inputs", "one missing", lambda: HYPER(mu=0.5), TypeError, "'lam'", "lam, mu"),
        named("inputs", "one unknown", lambda: HYPER(nu=0.5), TypeError, "'nu'", "lam, mu"),
        named(
            "inputs['mu']",
            "two batches",
            lambda: HYPER(lam=torch.ones(3, 2), mu=torch.ones(4, 1)),
            ValueError,
            "4",
            "as many rows",
        ),
    ],
    "provenn.hyper.HyperNetwork.call": [
        named(
            "args[0]",
            "too few rows",
            lambda: ONE.call(X, lam=torch.ones(2, 1)),
            ValueError,
            "(3, 4)",
            "2 conditions",
        ),
        named(
            "inputs",
            "rows through batch norm",
            lambda: HYPER.call(X, lam=torch.ones(3, 2), mu=0.5),
            ValueError,
            "batch of 3",
            "one condition",
        ),
        named("inputs", "no condition", lambda: ONE.call(X), TypeError, "'lam'", "lam"),
    ],
    "provenn.hyper.HyperNetwork.materialize": [
        named(
            "inputs",
            "a batch",
            lambda: ONE.materialize(lam=torch.ones(2, 1)),
            ValueError,
            "batch of 2",
            "one condition",
        )
    ],
    "provenn.hyper.HyperNetwork.sample_inputs": bad(
        ONE.sample_inputs, {}, {"batch": [*COUNT[:4], COUNT[5]]}
    ),
    "provenn.hyper.HyperNetwork.using": bad(
        lambda theta: ONE.using(theta).__enter__(),
        {},
        {
            "theta": [
                (None, TypeError, "NoneType", "mapping"),
                (list(THETA.values()), TypeError, "list", "mapping"),
                ({}, ValueError, "got", "weight, bias"),
                ({**THETA, "scale": X}, ValueError, "scale", "weight, bias"),
                ({**THETA, "bias": None}, TypeError, "NoneType", "torch.Tensor"),
                ({**THETA, "bias": X}, ValueError, "(3, 4)", "(3,)"),
                (ONE(lam=torch.ones(2, 1)), ValueError, "(2, 3, 4)", "(3, 4)"),
                ({**THETA, "bias": torch.ones(3).long()}, TypeError, "int64", "floating-point"),
            ]
        },
    ),
    "provenn.hyper.magnitude_report": bad(
        magnitude_report,
        {"hyper": ONE},
        {
            "hyper": [
                (None, TypeError, "NoneType", "HyperNetwork"),
                (nn.Linear(4, 3), TypeError, "Linear", "HyperNetwork"),
            ],
            "grid": [(1, ValueError, "1", "at least 2"), *COUNT],
            "loss": [
                (3, TypeError, "3", "function"),
                (lambda theta, lam: 1.0, ValueError, "float", "without axes"),
                (lambda theta, lam: theta["bias"], ValueError, "(3,)", "without axes"),
            ],
        },
    ),
}
