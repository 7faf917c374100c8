"""Malformed calls of the layers, functions and networks of ``provenn.nn``."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from provenn.nn import (
    PHVGG,
    Conversion,
    PHConv1d,
    PHConv2d,
    PHConv3d,
    PHLinear,
    PHResNet,
    ResNet,
    algebra,
    cayley_dickson,
    convert_to_dense,
    convert_to_ph,
    left_multiplication,
    ph_conv1d,
    ph_conv2d,
    ph_conv3d,
    ph_linear,
    ph_resnet18,
    ph_resnet20,
    ph_resnet50,
    ph_resnet152,
    ph_vgg,
    ph_weight,
)
from tests.bad_inputs.case import BadCase

Wrong = tuple[Any, type[Exception], str, str]
"""A value, the error that answers it, and how the message says what was given and accepted."""

NAN = torch.full((2, 2, 2), torch.nan)
META = torch.ones(2, 2, 2, device="meta")

COUNT: list[Wrong] = [
    (0, ValueError, "0", "at least 1"),
    (-2, ValueError, "-2", "at least 1"),
    (2.0, TypeError, "2.0 of type float", "int"),
    ("2", TypeError, "'2' of type str", "int"),
    (None, TypeError, "None", "int"),
    (True, TypeError, "True of type bool", "int"),
]
FLAG: list[Wrong] = [
    (None, TypeError, "None", "bool"),
    (1, TypeError, "1 of type int", "bool"),
    ("yes", TypeError, "'yes'", "bool"),
]
CUBE: list[Wrong] = [
    (None, TypeError, "NoneType", "torch.Tensor"),
    ([[[1.0]]], TypeError, "list", "torch.Tensor"),
    (torch.ones(2, 2), ValueError, "(2, 2)", "(n, n, n)"),
    (torch.ones(2, 2, 3), ValueError, "(2, 2, 3)", "(n, n, n)"),
    (torch.ones(0, 0, 0), ValueError, "(0, 0, 0)", "n >= 1"),
    (NAN.int(), TypeError, "torch.int32", "floating-point"),
    (NAN.to(torch.complex64), TypeError, "torch.complex64", "floating-point"),
    (NAN, ValueError, "NaN", "finite"),
    (torch.full((2, 2, 2), torch.inf), ValueError, "infinite", "finite"),
]
INIT: list[Wrong] = [
    ("he", ValueError, "'he'", "official, variance_preserving"),
    (None, TypeError, "None", "str"),
]
ALGEBRA: list[Wrong] = [
    ("sedenion", ValueError, "'sedenion'", "quaternion, octonion"),
    ("quaternion", ValueError, "got 4", "n = 2 matrices"),
    (META, ValueError, "meta", "values"),
    *CUBE[2:],
]
DTYPE: list[Wrong] = [
    (torch.int64, TypeError, "torch.int64", "floating-point torch.dtype"),
    (torch.complex64, TypeError, "torch.complex64", "floating-point torch.dtype"),
    ("float32", TypeError, "'float32'", "floating-point torch.dtype"),
]
STAGES: list[Wrong] = [
    (None, TypeError, "None", "tuple of ints"),
    ("4", TypeError, "'4'", "tuple of ints"),
    (4, TypeError, "4", "tuple of ints"),
    ((0, 1), ValueError, "0", "at least 1"),
    ((4, -4), ValueError, "-4", "at least 1"),
    ((1.0, 2.0), TypeError, "1.0 of type float", "int"),
]
MODEL: list[Wrong] = [
    (None, TypeError, "NoneType", "torch.nn.Module"),
    (nn.Linear, TypeError, "type", "torch.nn.Module"),
    (torch.ones(2), TypeError, "Tensor", "torch.nn.Module"),
    ("net", TypeError, "str", "torch.nn.Module"),
    (3, TypeError, "int", "torch.nn.Module"),
    ([nn.Linear(1, 1)], TypeError, "list", "torch.nn.Module"),
    ({}, TypeError, "dict", "torch.nn.Module"),
    (nn.Linear(1, 1).forward, TypeError, "method", "torch.nn.Module"),
]
DIRECTORY: list[Wrong] = [
    (value, TypeError, type(value).__name__, "a str or a Path")
    for value in (None, 3, b"net", ["net"], 1.5, {}, (), torch.ones(1))
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


def per_axis(axes: int, least: int) -> list[Wrong]:
    """What is no integer of at least ``least`` for each of the axes."""
    accepted = f"{axes} ints"
    return [
        (least - 1, ValueError, str(least - 1), accepted),
        ((1,) * (axes + 1), ValueError, f"{(1,) * (axes + 1)}", accepted),
        ((), ValueError, "()", accepted),
        (1.5, TypeError, "1.5", accepted),
        (None, TypeError, "None", accepted),
    ]


def divisible(value: int, by: str) -> Wrong:
    """A number of channels or features that does not fit ``n`` or ``groups``."""
    return (value, ValueError, str(value), f"divisible by {by}")


def inputs(good: torch.Tensor, axes: int, features: int = 4) -> list[Wrong]:
    """What a layer of ``features`` channels or features before ``axes`` axes must refuse."""
    few = good.narrow(-1 - axes, 0, features - 1)
    return [
        (None, TypeError, "NoneType", "torch.Tensor"),
        (good.tolist(), TypeError, "list", "torch.Tensor"),
        (good.numpy(), TypeError, "ndarray", "torch.Tensor"),
        (good.int(), TypeError, "torch.int32", "floating-point"),
        (good.to(torch.complex64), TypeError, "torch.complex64", "floating-point"),
        (good.double(), TypeError, "torch.float64", "torch.float32"),
        (few, ValueError, f"{tuple(few.shape)}", f"size {features}"),
        (good.to("meta"), ValueError, "meta", "cpu"),
        (torch.tensor(1.0), ValueError, "()", "dimension"),
        *([(good[None], ValueError, f"{tuple(good[None].shape)}", "dimensions")] if axes else []),
    ]


def filters(good: torch.Tensor) -> list[Wrong]:
    """What cannot be the filters beside two algebra matrices."""
    few, flat, none = good[:1], good[..., 0], good[:, :0]
    return [
        (None, TypeError, "NoneType", "torch.Tensor"),
        (good.int(), TypeError, "torch.int32", "floating-point"),
        (good.double(), TypeError, "torch.float32", "filters' dtype torch.float64"),
        (few, ValueError, f"{tuple(few.shape)}", "n = 2"),
        (flat, ValueError, f"{tuple(flat.shape)}", "filters must have"),
        (none, ValueError, f"{tuple(none.shape)}", "all positive"),
        (good.to("meta"), ValueError, "cpu", "filters' device meta"),
    ]


def weights(good: torch.Tensor) -> dict[str, list[Wrong]]:
    """What cannot be algebra and filters."""
    return {
        "algebra": [
            (None, TypeError, "NoneType", "torch.Tensor"),
            (torch.ones(2, 2), ValueError, "(2, 2)", "(n, n, n)"),
            (NAN.int(), TypeError, "torch.int32", "floating-point"),
            (NAN.double(), TypeError, "torch.float64", "filters' dtype torch.float32"),
            (META, ValueError, "meta", "filters' device cpu"),
        ],
        "filters": filters(good),
    }


def convolution(call: Callable[..., object], axes: int) -> list[BadCase]:
    """Malformed calls of a functional convolution."""
    bank = torch.ones(2, 2, 2, *(3,) * axes)
    x = torch.ones(1, 4, *(5,) * axes)
    wrong = {
        "x": inputs(x, axes),
        **weights(bank),
        "bias": [
            (3.0, TypeError, "float", "torch.Tensor"),
            (torch.ones(3), ValueError, "(3,)", "(4,)"),
            (torch.ones(2, 2), ValueError, "(2, 2)", "(4,)"),
            (torch.ones(4).int(), TypeError, "torch.int32", "floating-point"),
        ],
        "groups": [*COUNT, (3, ValueError, "got 2", "divisible by groups = 3")],
        "stride": per_axis(axes, 1),
        "padding": [*per_axis(axes, 0), ("full", ValueError, "'full'", "'same' or 'valid'")],
        "dilation": per_axis(axes, 1),
    }
    return bad(call, {"x": x, "algebra": torch.ones(2, 2, 2), "filters": bank}, wrong)


HYPERCOMPLEX: dict[str, list[Wrong]] = {
    "n": COUNT,
    "init": INIT,
    "algebra": ALGEBRA,
    "learn_algebra": FLAG,
}


def convolution_layer(layer: type[nn.Module], axes: int) -> list[BadCase]:
    """Malformed arguments of the constructor of a convolution."""
    good = {"in_channels": 4, "out_channels": 8, "kernel_size": 3, "n": 2}
    wrong = {
        "in_channels": [*COUNT, divisible(3, "n = 2")],
        "out_channels": [*COUNT, divisible(5, "n = 2")],
        "kernel_size": per_axis(axes, 1),
        "stride": per_axis(axes, 1),
        "padding": [*per_axis(axes, 0), ("full", ValueError, "'full'", "'same' or 'valid'")],
        "dilation": per_axis(axes, 1),
        "groups": [*COUNT, (3, ValueError, "got 2", "in_channels / n must be divisible by groups")],
        "bias": FLAG,
        "padding_mode": [
            ("mirror", ValueError, "'mirror'", "zeros, reflect"),
            (None, TypeError, "None", "str"),
        ],
        "dtype": DTYPE,
        **HYPERCOMPLEX,
    }
    return bad(layer, good, wrong)


NETWORK: dict[str, list[Wrong]] = {
    "depths": [*STAGES, ((), ValueError, "()", "same number")],
    "widths": [*STAGES, ((4,), ValueError, "(4,)", "same number")],
    "in_channels": COUNT,
    "num_classes": COUNT,
}
BLOCK: list[Wrong] = [
    ("dense", ValueError, "'dense'", "basic, bottleneck"),
    (None, TypeError, "None", "str"),
]
PH_NETWORK: dict[str, list[Wrong]] = {
    **NETWORK,
    "bias": FLAG,
    "n": COUNT,
    "init": INIT,
    "algebra": ALGEBRA[:2],
    "learn_algebra": FLAG,
}
RESNET = {"block": "basic", "depths": (1, 1), "widths": (4, 8)}
VGG = {"depths": (1, 1), "widths": (4, 8), "hidden": 8, "n": 2}


def builder(build: Callable[..., object]) -> list[BadCase]:
    """Malformed arguments of a function that builds a residual network."""
    wrong: dict[str, list[Wrong]] = {
        "n": COUNT,
        "num_classes": COUNT,
        "in_channels": COUNT,
        "widths": [*STAGES, ((6, 12), ValueError, "(6, 12)", "same number")],
    }
    return bad(build, {}, wrong)


def forward(layer: nn.Module, good: torch.Tensor, axes: int) -> list[BadCase]:
    """Malformed inputs of a layer."""
    return bad(layer, {}, {"x": inputs(good, axes)})


IMAGES = torch.ones(3, 4, 5, 5)

CASES = {
    "provenn.nn.algebra": bad(
        algebra,
        {},
        {
            "name": [
                ("", ValueError, "''", "quaternion, octonion"),
                ("Quaternion", ValueError, "'Quaternion'", "quaternion, octonion"),
                ("clifford", ValueError, "'clifford'", "quaternion, octonion"),
                (None, TypeError, "None", "str"),
                (4, TypeError, "4 of type int", "str"),
                (4.0, TypeError, "4.0", "str"),
                (b"real", TypeError, "b'real'", "str"),
                (["real"], TypeError, "['real']", "str"),
            ]
        },
    ),
    "provenn.nn.left_multiplication": bad(left_multiplication, {}, {"table": CUBE}),
    "provenn.nn.cayley_dickson": bad(
        cayley_dickson,
        {"algebra": torch.ones(1, 1, 1)},
        {
            "algebra": CUBE,
            "gamma": [
                ("1", TypeError, "str", "number"),
                (None, TypeError, "NoneType", "number"),
                (True, TypeError, "bool", "number"),
                (float("nan"), ValueError, "nan", "finite"),
                (float("inf"), ValueError, "inf", "finite"),
            ],
        },
    ),
    "provenn.nn.ph_weight": bad(
        ph_weight,
        {"algebra": torch.ones(2, 2, 2), "filters": torch.ones(2, 2, 2)},
        {
            **weights(torch.ones(2, 2, 2)),
            "groups": [*COUNT, (3, ValueError, "got 2", "divisible by groups = 3")],
        },
    ),
    "provenn.nn.ph_linear": bad(
        ph_linear,
        {"x": torch.ones(5, 4), "algebra": torch.ones(2, 2, 2), "filters": torch.ones(2, 3, 2)},
        {
            "x": inputs(torch.ones(5, 4), 0),
            **weights(torch.ones(2, 3, 2)),
            "bias": [
                (1.0, TypeError, "float", "torch.Tensor"),
                (torch.ones(5), ValueError, "(5,)", "(6,)"),
                (torch.ones(6).int(), TypeError, "torch.int32", "floating-point"),
            ],
        },
    ),
    "provenn.nn.ph_conv1d": convolution(ph_conv1d, 1),
    "provenn.nn.ph_conv2d": convolution(ph_conv2d, 2),
    "provenn.nn.ph_conv3d": convolution(ph_conv3d, 3),
    "provenn.nn.PHLinear": bad(
        PHLinear,
        {"in_features": 4, "out_features": 8, "n": 2},
        {
            "in_features": [*COUNT, divisible(3, "n = 2")],
            "out_features": [*COUNT, divisible(5, "n = 2")],
            "bias": FLAG,
            "dtype": DTYPE,
            **HYPERCOMPLEX,
        },
    ),
    "provenn.nn.PHLinear.forward": forward(PHLinear(4, 4, n=2), torch.ones(3, 4), 0),
    "provenn.nn.PHConv1d": convolution_layer(PHConv1d, 1),
    "provenn.nn.PHConv1d.forward": forward(PHConv1d(4, 4, 1, n=2), torch.ones(3, 4, 5), 1),
    "provenn.nn.PHConv2d": convolution_layer(PHConv2d, 2),
    "provenn.nn.PHConv2d.forward": forward(PHConv2d(4, 4, 1, n=2), IMAGES, 2),
    "provenn.nn.PHConv3d": convolution_layer(PHConv3d, 3),
    "provenn.nn.PHConv3d.forward": forward(PHConv3d(4, 4, 1, n=2), torch.ones(3, 4, 5, 5, 5), 3),
    "provenn.nn.ResNet": bad(
        ResNet,
        {"convolution": lambda i, o, k, s: nn.Conv2d(i, o, k, s, k // 2), **RESNET},
        {
            "convolution": [
                (None, TypeError, "NoneType", "callable"),
                ("conv", TypeError, "str", "callable"),
            ],
            "block": BLOCK,
            **NETWORK,
        },
    ),
    "provenn.nn.ResNet.forward": forward(
        ResNet(lambda i, o, k, s: nn.Conv2d(i, o, k, s, k // 2), "basic", (1,), (4,), 4), IMAGES, 2
    ),
    "provenn.nn.PHResNet": bad(
        PHResNet,
        {**RESNET, "n": 2},
        {
            "block": BLOCK,
            **PH_NETWORK,
            "widths": [*NETWORK["widths"], ((4, 7), ValueError, "7", "divisible by n = 2")],
        },
    ),
    "provenn.nn.PHResNet.forward": forward(PHResNet("basic", (1,), (4,), 4, n=2), IMAGES, 2),
    "provenn.nn.PHResNet.from_pretrained": bad(
        PHResNet.from_pretrained, {}, {"directory": DIRECTORY}
    ),
    "provenn.nn.PHResNet.save_pretrained": bad(
        PHResNet("basic", (1,), (4,), n=2).save_pretrained, {}, {"directory": DIRECTORY}
    ),
    "provenn.nn.PHVGG": bad(
        PHVGG,
        VGG,
        {
            **PH_NETWORK,
            "hidden": [*COUNT, divisible(7, "n = 2")],
            "dropout": [
                (-0.1, ValueError, "-0.1", "at least 0 and below 1"),
                (1.0, ValueError, "1.0", "at least 0 and below 1"),
                (float("nan"), ValueError, "nan", "at least 0 and below 1"),
                ("half", TypeError, "str", "number"),
                (None, TypeError, "NoneType", "number"),
                (True, TypeError, "bool", "number"),
            ],
        },
    ),
    "provenn.nn.PHVGG.forward": forward(PHVGG((1,), (4,), 4, 4, n=2), IMAGES, 2),
    "provenn.nn.ph_resnet18": builder(ph_resnet18),
    "provenn.nn.ph_resnet20": builder(ph_resnet20),
    "provenn.nn.ph_resnet50": builder(ph_resnet50),
    "provenn.nn.ph_resnet152": builder(ph_resnet152),
    "provenn.nn.ph_vgg": bad(
        ph_vgg,
        {"depth": 11},
        {
            "depth": [*COUNT, (12, ValueError, "12", "11, 13, 16, 19")],
            "n": COUNT,
            "hidden": COUNT,
            "widths": [*STAGES, ((6, 12), ValueError, "(6, 12)", "same number")],
        },
    ),
    "provenn.nn.convert_to_ph": bad(
        convert_to_ph,
        {"model": nn.Sequential(nn.Linear(4, 4)), "n": 2},
        {
            "model": MODEL,
            "n": COUNT,
            "init": INIT,
            "keep": [
                ("0", TypeError, "'0'", "collection of names"),
                ([0], TypeError, "[0]", "collection of names"),
                (None, TypeError, "None", "collection of names"),
                (["1"], ValueError, "'1'", "accepted: 0"),
            ],
            "keep_first": FLAG,
            "keep_last": FLAG,
        },
    ),
    "provenn.nn.convert_to_dense": bad(convert_to_dense, {}, {"model": MODEL}),
    "provenn.nn.Conversion": bad(
        Conversion,
        {"model": nn.Identity(), "converted": ("0",), "skipped": {}, "parameters": (8, 4)},
        {
            "model": MODEL[:4],
            "converted": [
                ("0", TypeError, "'0'", "tuple of names"),
                ((0,), TypeError, "(0,)", "tuple of names"),
                (None, TypeError, "None", "tuple of names"),
            ],
            "skipped": [
                (("0",), TypeError, "('0',)", "names to reasons"),
                ({"0": 1}, TypeError, "{'0': 1}", "names to reasons"),
            ],
            "parameters": [
                (8, TypeError, "8", "two integers"),
                ((8,), TypeError, "(8,)", "two integers"),
                ((8.0, 4.0), TypeError, "(8.0, 4.0)", "two integers"),
                ((8, -4), ValueError, "-4", "at least 0"),
            ],
        },
    ),
}
