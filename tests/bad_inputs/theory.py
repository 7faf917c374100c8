"""Malformed calls of the room of theory."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from provenn.theory import (
    CriticalMLP,
    EffectiveTheory,
    advise,
    critical,
    critical_init_,
    equal_learning_rates,
    infinite_width_prediction,
    layer_learning_rates,
    measure_flow,
    measure_networks,
    mutual_information,
    optimal_aspect_ratio,
    optimal_width,
    parameter_groups,
    scale_invariant_spread,
    skip_strength,
)
from tests.bad_inputs.case import BadCase

Wrong = tuple[Any, type[Exception], str, str]
"""A value, the error that answers it, and how the message says what was given and accepted."""

COUNT: list[Wrong] = [
    (0, ValueError, "0", "at least"),
    (-2, ValueError, "-2", "at least"),
    (2.0, TypeError, "2.0 of type float", "int"),
    ("2", TypeError, "'2' of type str", "int"),
    (None, TypeError, "None", "int"),
    (True, TypeError, "True of type bool", "int"),
]
NUMBER: list[Wrong] = [
    ("1", TypeError, "'1' of type str", "number"),
    ([1.0], TypeError, "[1.0]", "number"),
    (True, TypeError, "True of type bool", "number"),
    (math.nan, ValueError, "nan", "finite"),
    (math.inf, ValueError, "inf", "finite"),
    (-1.0, ValueError, "-1.0", "finite and"),
]
GAMMA: list[Wrong] = [*NUMBER, (1.0, ValueError, "1.0", "less than 1")]
ACTIVATION: list[Wrong] = [
    ("rleu", ValueError, "'rleu'", "relu, leaky_relu"),
    (3, TypeError, "3 of type int", "a name"),
    (None, TypeError, "NoneType", "a name"),
    (nn.ReLU, TypeError, "type", "torch.nn.Module"),
    (nn.PReLU(), ValueError, "PReLU", "no parameters"),
    (nn.Softmax(-1), ValueError, "Softmax", "each number alone"),
]
UNCRITICAL: list[Wrong] = [
    ("softplus", ValueError, "softplus", "critical initialisation"),
    (nn.Sigmoid(), ValueError, "igmoid", "critical initialisation"),
]
MODEL: list[Wrong] = [
    (None, TypeError, "NoneType", "torch.nn.Module"),
    (nn.Linear, TypeError, "type", "torch.nn.Module"),
    (torch.ones(2), TypeError, "Tensor", "torch.nn.Module"),
    ("net", TypeError, "str", "torch.nn.Module"),
    (nn.Linear(3, 4), ValueError, "got 1", "two nn.Linear"),
    (nn.Sequential(nn.ReLU()), ValueError, "got 0", "two nn.Linear"),
]
GENERATOR: list[Wrong] = [
    (0, TypeError, "int", "torch.Generator"),
    ("cpu", TypeError, "str", "torch.Generator"),
]
X: list[Wrong] = [
    (None, TypeError, "NoneType", "torch.Tensor"),
    ([[1.0]], TypeError, "list", "torch.Tensor"),
    (torch.ones(1, 2).int(), TypeError, "torch.int32", "floating-point"),
    (torch.ones(2), ValueError, "(2,)", "(batch, features)"),
    (torch.ones(0, 2), ValueError, "(0, 2)", "not empty"),
    (torch.full((1, 2), math.nan), ValueError, "NaN", "finite"),
    (torch.ones(1, 2, device="meta"), ValueError, "meta", "values"),
]
PER_LAYER: list[Wrong] = [
    ((1.0, 2.0), ValueError, "got 2", "3 layers"),
    ("1", TypeError, "'1'", "3 numbers"),
    (-1.0, ValueError, "-1.0", "finite and"),
    ((0.5, None, 0.5), TypeError, "None", "number"),
]
THEORY: list[Wrong] = [
    ("relu", TypeError, "str", "EffectiveTheory"),
    (None, TypeError, "NoneType", "EffectiveTheory"),
]


def bad(
    call: Callable[..., object], good: dict[str, Any], wrong: dict[str, list[Wrong]]
) -> list[BadCase]:
    """One case for each wrong value of each argument, the others being good."""
    return [
        BadCase(
            f"{argument} number {i}",
            partial(call, **{**good, argument: value}),
            error,
            (argument, given, accepted),
        )
        for argument, values in wrong.items()
        for i, (value, error, given, accepted) in enumerate(values)
    ]


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


MIXED = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
RELU = EffectiveTheory("relu")
FLOW = RELU.flow(1.0, 3)
SAMPLED: dict[str, list[Wrong]] = {
    "theory": THEORY,
    "x": X,
    "depth": COUNT,
    "width": [*COUNT, (1, ValueError, "1", "at least 2")],
    "n_nets": [*COUNT, (1, ValueError, "1", "at least 2")],
    "C_W": PER_LAYER,
    "C_b": PER_LAYER,
    "gamma": PER_LAYER,
    "generator": GENERATOR,
}
SAMPLE = {"theory": RELU, "x": torch.ones(1, 2), "depth": 3, "width": 4, "n_nets": 3}
SQUARE: list[Wrong] = [
    (None, TypeError, "NoneType", "torch.Tensor"),
    (torch.eye(3).int(), TypeError, "torch.int32", "floating-point"),
    (torch.ones(3), ValueError, "(3,)", "(inputs, inputs)"),
    (torch.ones(3, 2), ValueError, "(3, 2)", "square"),
    (torch.ones(3, 3).triu(), ValueError, "is not", "symmetric"),
    (torch.full((3, 3), math.inf), ValueError, "infinity", "finite"),
]
FLOW_OPTIONS: dict[str, list[Wrong]] = {
    "depth": COUNT,
    "C_b": PER_LAYER,
    "C_W": [*PER_LAYER, (0.0, ValueError, "0.0", "greater than 0")],
    "gamma": [*PER_LAYER, (1.0, ValueError, "1.0", "less than 1")],
    "lr": [
        (0.1, TypeError, "0.1", "(lr_bias, lr_weight)"),
        ([1.0, 1.0], TypeError, "[1.0, 1.0]", "(lr_bias, lr_weight)"),
        ((1.0, -1.0), ValueError, "-1.0", "at least 0"),
    ],
}
WIDTHS: list[Wrong] = [
    ("4", TypeError, "'4'", "int or a sequence"),
    (4.5, TypeError, "4.5", "int or a sequence"),
    (0, ValueError, "0", "at least 1"),
    ((4,), ValueError, "got 1", "2 hidden layers"),
]

CASES = {
    "provenn.theory.EffectiveTheory": bad(
        EffectiveTheory,
        {},
        {
            "activation": [
                *ACTIVATION,
                (torch.log, ValueError, "log", "each number alone"),
                (lambda z: z.float(), ValueError, "torch.float32", "its input's dtype"),
            ]
        },
    ),
    "provenn.theory.EffectiveTheory.flow": bad(
        RELU.flow,
        {"mean_square": 1.0, "depth": 3},
        {"mean_square": [*NUMBER, (0.0, ValueError, "0.0", "greater than 0")], **FLOW_OPTIONS,
         "width": WIDTHS},
    ),
    "provenn.theory.EffectiveTheory.kernels": bad(
        RELU.kernels, {"x": torch.ones(1, 2), "depth": 3}, {"x": X, **FLOW_OPTIONS}
    ),
    "provenn.theory.EffectiveTheory.vertices": bad(
        RELU.vertices,
        {"x": torch.ones(1, 2), "depth": 3},
        {
            "x": [*X, (torch.zeros(1, 2), ValueError, "one", "no row of zeros")],
            **{k: v for k, v in FLOW_OPTIONS.items() if k in ("depth", "C_b", "C_W")},
            "width": WIDTHS,
        },
    ),
    "provenn.theory.EffectiveTheory.susceptibilities": bad(
        RELU.susceptibilities, {"kernel": 1.0}, {"kernel": NUMBER, "C_W": NUMBER, "gamma": GAMMA}
    ),
    "provenn.theory.critical": bad(
        critical, {"activation": "relu"}, {"activation": ACTIVATION, "gamma": GAMMA}
    ),
    "provenn.theory.critical_init_": bad(
        critical_init_,
        {"model": network()},
        {
            "model": [*MODEL, (MIXED, ValueError, "relu, tanh", "one activation")],
            "activation": [*ACTIVATION[:2], *UNCRITICAL],
            "gamma": GAMMA,
            "generator": GENERATOR,
        },
    ),
    "provenn.theory.advise": bad(
        advise,
        {"model": network()},
        {
            "model": [*MODEL, (MIXED, ValueError, "relu, tanh", "one activation")],
            "activation": ACTIVATION[:2],
            "gamma": GAMMA,
            "n_out": COUNT[:4],
            "mean_square": NUMBER,
        },
    ),
    "provenn.theory.layer_learning_rates": bad(
        layer_learning_rates,
        {"activation": "relu", "depth": 3},
        {
            "activation": [*ACTIVATION, *UNCRITICAL],
            "depth": COUNT,
            "bias": NUMBER,
            "weight": NUMBER,
        },
    ),
    "provenn.theory.equal_learning_rates": bad(
        equal_learning_rates,
        {"flow": FLOW},
        {
            "flow": [
                (None, TypeError, "NoneType", "Flow"),
                ({}, TypeError, "dict", "Flow"),
                (RELU.flow(1.0, 3, lr=(0.0, 1.0)), ValueError, "got 0", "above 0"),
            ],
            "bias": NUMBER,
            "weight": NUMBER,
        },
    ),
    "provenn.theory.parameter_groups": bad(
        parameter_groups,
        {"model": network(), "lr": 0.1},
        {
            "model": [*MODEL, (MIXED, ValueError, "relu, tanh", "one activation")],
            "lr": [*NUMBER, (0.0, ValueError, "0.0", "greater than 0")],
            "rates": [
                (0.1, TypeError, "float", "LearningRates"),
                (layer_learning_rates("relu", 3), ValueError, "got 3", "2 layers"),
            ],
            "activation": [*ACTIVATION[:2], *UNCRITICAL],
        },
    ),
    "provenn.theory.optimal_aspect_ratio": bad(
        optimal_aspect_ratio,
        {"n_out": 10, "activation": "relu"},
        {"n_out": COUNT, "activation": [*ACTIVATION, *UNCRITICAL], "gamma": GAMMA},
    ),
    "provenn.theory.optimal_width": bad(
        optimal_width,
        {"depth": 3, "n_out": 10, "activation": "relu"},
        {
            "depth": COUNT,
            "n_out": COUNT,
            "activation": [*ACTIVATION, *UNCRITICAL],
            "gamma": GAMMA,
        },
    ),
    "provenn.theory.skip_strength": bad(
        skip_strength,
        {"depth": 3, "width": 10, "n_out": 10, "activation": "relu"},
        {
            "depth": COUNT,
            "width": COUNT,
            "n_out": COUNT,
            "activation": [*ACTIVATION, *UNCRITICAL],
        },
    ),
    "provenn.theory.mutual_information": bad(
        mutual_information,
        {"fluctuation": 0.1, "m_A": 1, "m_B": 1},
        {"fluctuation": NUMBER, "m_A": COUNT, "m_B": COUNT},
    ),
    "provenn.theory.scale_invariant_spread": bad(
        scale_invariant_spread,
        {"nu": 5.0, "widths": (10,)},
        {
            "nu": NUMBER,
            "widths": [
                (10, TypeError, "10", "tuple or list"),
                ("10", TypeError, "'10'", "tuple or list"),
                ((), ValueError, "none", "at least one"),
                ((0,), ValueError, "0", "at least 1"),
                ((1.5,), TypeError, "1.5", "int"),
            ],
        },
    ),
    "provenn.theory.measure_flow": bad(measure_flow, SAMPLE, SAMPLED),
    "provenn.theory.measure_networks": bad(
        measure_networks,
        SAMPLE,
        {
            **SAMPLED,
            "x": [*X, (torch.ones(2, 2), ValueError, "got 2", "one row")],
            "lr": FLOW_OPTIONS["lr"],
        },
    ),
    "provenn.theory.infinite_width_prediction": bad(
        infinite_width_prediction,
        {"kernel": torch.eye(3), "ntk": torch.eye(3), "y": torch.ones(2, 1)},
        {
            "kernel": SQUARE,
            "ntk": [*SQUARE, (torch.eye(4), ValueError, "(4, 4)", "(3, 3)")],
            "y": [
                (None, TypeError, "NoneType", "torch.Tensor"),
                (torch.ones(2), ValueError, "(2,)", "(train, outputs)"),
                (torch.ones(3, 1), ValueError, "got 3", "fewer rows"),
                (torch.ones(2, 1).long(), TypeError, "torch.int64", "floating-point"),
            ],
            "time": [
                (0.0, ValueError, "0.0", "above 0"),
                (math.nan, ValueError, "nan", "above 0"),
                ("late", TypeError, "'late'", "number"),
                (True, TypeError, "True", "number"),
            ],
        },
    ),
    "provenn.theory.CriticalMLP": bad(
        CriticalMLP,
        {"in_features": 3, "hidden_features": 4, "out_features": 2, "depth": 3},
        {
            "in_features": COUNT,
            "hidden_features": COUNT,
            "out_features": COUNT,
            "depth": COUNT,
            "bias": [(None, TypeError, "None", "bool"), (1, TypeError, "1 of type int", "bool")],
            "dtype": [
                (torch.int64, TypeError, "torch.int64", "floating-point torch.dtype"),
                ("float32", TypeError, "'float32'", "floating-point torch.dtype"),
            ],
            "activation": [
                ("rleu", ValueError, "'rleu'", "relu, leaky_relu"),
                (nn.ReLU(), TypeError, "ReLU", "the name"),
                ("softplus", ValueError, "'softplus'", "critical initialisation"),
            ],
            "gamma": GAMMA,
        },
    ),
    "provenn.theory.CriticalMLP.forward": bad(
        CriticalMLP(3, 4, 2, 3),
        {},
        {
            "x": [
                (None, TypeError, "NoneType", "torch.Tensor"),
                ([1.0], TypeError, "list", "torch.Tensor"),
                (torch.ones(2, 3).int(), TypeError, "torch.int32", "floating-point"),
                (torch.ones(2, 3).double(), TypeError, "torch.float64", "torch.float32"),
                (torch.ones(2, 4), ValueError, "(2, 4)", "size 3"),
                (torch.tensor(1.0), ValueError, "()", "dimension"),
                (torch.ones(2, 3, device="meta"), ValueError, "meta", "cpu"),
                (torch.ones(0), ValueError, "(0,)", "size 3"),
            ]
        },
    ),
}  # fmt: skip
