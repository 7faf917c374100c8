"""Bad input to every public callable: an error that names the argument, the given, the accepted.

Where the shape checker is on, it may refuse first; the sentences are checked without it, in the
runs marked ``compiled``.
"""

import os
import re

import pytest
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

NAN = torch.full((2, 2, 2), torch.nan)
META = torch.ones(2, 2, 2, device="meta")

CUBES = [
    None,
    3,
    [[[1.0]]],
    torch.ones(2, 2),
    torch.ones(2, 2, 3),
    torch.ones(0, 0, 0),
    torch.ones(2, 2, 2, dtype=torch.int64),
    torch.ones(2, 2, 2, dtype=torch.complex64),
    NAN,
    torch.full((2, 2, 2), torch.inf),
]
"""What is no set of n matrices."""

COUNTS = [0, -2, 2.0, "2", None, True]
"""What is no positive integer."""


def cases(call, good, bad):
    """One case for each bad value of each argument, the others being good."""
    return [
        pytest.param(call, {**good, name: value}, name, id=f"{call.__name__}-{name}-{i}")
        for name, values in bad.items()
        for i, value in enumerate(values)
    ]


def conv(call, layer, axes):
    A, F = torch.ones(2, 2, 2), torch.ones(2, 2, 2, *(3,) * axes)
    x = torch.ones(1, 4, *(5,) * axes)
    functional = cases(
        call,
        {"x": x, "algebra": A, "filters": F},
        {
            "x": [None, x.int(), x.double(), x[:, :3], x[0, 0], x.to("meta"), x[None, None]],
            "algebra": [None, torch.ones(2, 2), torch.ones(3, 3, 3), A.double(), A.int(), META],
            "filters": [None, F[:1], F.double(), F[..., 0], F[:, :0], F.to("meta"), F.int()],
            "bias": [3.0, torch.ones(3), torch.ones(2, 2), torch.ones(4).int()],
            "groups": [*COUNTS, 3],
            "stride": [0, -1, "1", (1,) * (axes + 1), 1.5, None, ()],
            "padding": [-1, "full", (1,) * (axes + 1), 1.5, None],
            "dilation": [0, "1", (1,) * (axes + 1), None],
        },
    )
    good = {"in_channels": 4, "out_channels": 8, "kernel_size": 3, "n": 2}
    module = cases(
        layer,
        good,
        {
            "in_channels": [*COUNTS, 3],
            "out_channels": [*COUNTS, 5],
            "kernel_size": [0, "3", (3,) * (axes + 1), 1.5, None, ()],
            "stride": [0, "1", (1,) * (axes + 1), None],
            "padding": [-1, "full", 1.5, None],
            "dilation": [0, "1", None],
            "groups": [*COUNTS, 3],
            "bias": [None, 1, "yes"],
            "padding_mode": ["mirror", 0, None],
            "dtype": [torch.int64, torch.complex64, "float32"],
            **PH_OPTIONS,
        },
    )
    return functional + module


PH_OPTIONS = {
    "n": [*COUNTS, 3],
    "init": ["he", None, 1],
    "algebra": ["sedenion", "quaternion", 3, META, *CUBES[3:]],
    "learn_algebra": [None, 1, "no"],
}

RESNET = {"block": "basic", "depths": (1, 1), "widths": (4, 8)}
SIZES = [(), None, "4", (0, 1), (1.0, 2.0), 4, (4, -4)]

CASES = [
    *cases(
        algebra,
        {"name": "real"},
        {"name": ["", "Quaternion", "clifford", None, 4, 4.0, b"real", ["real"]]},
    ),
    *cases(left_multiplication, {}, {"table": CUBES}),
    *cases(
        cayley_dickson, {"algebra": torch.ones(1, 1, 1)}, {"algebra": CUBES, "gamma": ["1", None]}
    ),
    *cases(
        ph_weight,
        {"algebra": torch.ones(2, 2, 2), "filters": torch.ones(2, 2, 2)},
        {
            "algebra": [None, torch.ones(2, 2), torch.ones(3, 3, 3), META, NAN.double(), NAN.int()],
            "filters": [None, torch.ones(2, 2), torch.ones(3, 2, 2), META, NAN.int(), NAN[:, :0]],
            "groups": [*COUNTS, 3],
        },
    ),
    *cases(
        ph_linear,
        {
            "x": torch.ones(5, 4),
            "algebra": torch.ones(2, 2, 2),
            "filters": torch.ones(2, 3, 2),
        },
        {
            "x": [
                None,
                1.0,
                torch.ones(5, 4).int(),
                torch.ones(5, 4).double(),
                torch.ones(5, 3),
                torch.tensor(1.0),
                torch.ones(5, 4, device="meta"),
            ],
            "algebra": [None, torch.ones(2, 2), torch.ones(3, 3, 3), META],
            "filters": [None, torch.ones(2, 3), torch.ones(2, 3, 2, 1), torch.ones(2, 3, 2).int()],
            "bias": [1.0, torch.ones(5), torch.ones(6).int()],
        },
    ),
    *cases(
        PHLinear,
        {"in_features": 4, "out_features": 8, "n": 2},
        {
            "in_features": [*COUNTS, 3],
            "out_features": [*COUNTS, 5],
            "bias": [None, 1],
            "dtype": [torch.int64, "float32"],
            **PH_OPTIONS,
        },
    ),
    *conv(ph_conv1d, PHConv1d, 1),
    *conv(ph_conv2d, PHConv2d, 2),
    *conv(ph_conv3d, PHConv3d, 3),
    *cases(
        ResNet,
        {"convolution": lambda i, o, k, s: nn.Conv2d(i, o, k, s, k // 2), **RESNET},
        {
            "convolution": [None, "conv"],
            "block": ["dense", None],
            "depths": [*SIZES, (1,)],
            "widths": [*SIZES, (4,)],
            "in_channels": COUNTS,
            "num_classes": COUNTS,
        },
    ),
    *cases(
        PHResNet,
        {**RESNET, "n": 2},
        {
            "block": ["dense", None],
            "depths": [*SIZES, (1,)],
            "widths": [*SIZES, (4,)],
            "in_channels": COUNTS,
            "num_classes": COUNTS,
            "bias": [None, 1],
            "n": COUNTS,
            "init": ["he", None],
            "algebra": ["sedenion", 3],
            "learn_algebra": [None, 1],
        },
    ),
    *cases(
        PHVGG,
        {"depths": (1, 1), "widths": (4, 8), "hidden": 8, "n": 2},
        {
            "depths": [*SIZES, (1,)],
            "widths": [*SIZES, (4,)],
            "hidden": COUNTS,
            "in_channels": COUNTS,
            "num_classes": COUNTS,
            "bias": [None, 1],
            "dropout": [-0.1, 1.0, "half", None, True, float("nan")],
            "n": COUNTS,
            "init": ["he"],
            "algebra": ["sedenion"],
            "learn_algebra": [None],
        },
    ),
    *cases(ph_vgg, {"depth": 11}, {"depth": [*COUNTS, 12], "n": COUNTS, "widths": [(), None]}),
    *(
        case
        for build in (ph_resnet18, ph_resnet20, ph_resnet50, ph_resnet152)
        for case in cases(
            build, {}, {"n": COUNTS, "num_classes": [0, None], "widths": [(), (6, 12), None]}
        )
    ),
    *cases(
        convert_to_ph,
        {"model": nn.Sequential(nn.Linear(4, 4)), "n": 2},
        {
            "model": [None, nn.Linear, torch.ones(2), "net"],
            "n": COUNTS,
            "init": ["he", None],
            "keep": ["0", ["1"], [0]],
            "keep_first": [None, 1],
            "keep_last": [None, "no"],
        },
    ),
    *cases(
        convert_to_dense,
        {},
        {"model": [None, nn.Linear, torch.ones(2), "net", 3, [], {}, Conversion]},
    ),
    *cases(
        PHResNet.from_pretrained,
        {},
        {"directory": [None, 3, b"net", ["net"], 1.5, {}, (), torch.ones(1)]},
    ),
    *cases(
        PHResNet("basic", (1,), (4,), n=2).save_pretrained,
        {},
        {"directory": [None, 3, b"net", ["net"], 1.5, {}, (), torch.ones(1)]},
    ),
]

LAYERS = {
    "linear": (PHLinear(4, 4, n=2), torch.ones(3, 4), 0),
    "conv1d": (PHConv1d(4, 4, 1, n=2), torch.ones(3, 4, 5), 1),
    "conv2d": (PHConv2d(4, 4, 1, n=2), torch.ones(3, 4, 5, 5), 2),
    "conv3d": (PHConv3d(4, 4, 1, n=2), torch.ones(3, 4, 5, 5, 5), 3),
    "resnet": (PHResNet("basic", (1,), (4,), 4, n=2), torch.ones(3, 4, 5, 5), 2),
    "vgg": (PHVGG((1,), (4,), 4, 4, n=2), torch.ones(3, 4, 5, 5), 2),
}


def inputs(good, axes):
    """Inputs that a layer of four channels along ``axes`` axes must refuse."""
    return [
        None,
        good.tolist(),
        good.numpy(),
        good.int(),
        good.double(),
        good.to(torch.complex64),
        good.narrow(1, 0, 3),
        good.to("meta"),
        torch.tensor(1.0),
        *([good[None]] if axes else []),
    ]


FORWARD = [
    pytest.param(layer, x, id=f"{name}-{i}")
    for name, (layer, good, axes) in LAYERS.items()
    for i, x in enumerate(inputs(good, axes))
]


@pytest.mark.parametrize(("call", "arguments", "name"), CASES)
def test_is_refused(call, arguments, name):
    with pytest.raises((TypeError, ValueError)):
        call(**arguments)


@pytest.mark.compiled
@pytest.mark.parametrize(("call", "arguments", "name"), CASES)
def test_sentence(call, arguments, name):
    if os.environ.get("PROVENN_TYPECHECK", "1") == "1":
        pytest.skip("the shape checker refuses first; PROVENN_TYPECHECK=0 shows the sentence")
    # a size that does not fit may be noticed at its partner's
    with pytest.raises((TypeError, ValueError)) as caught:
        call(**arguments)
    message = str(caught.value)
    assert re.search(r"must|needs", message), message
    assert "got" in message, message
    assert name in message or "filters" in message or "channels" in message, message


@pytest.mark.parametrize(("layer", "x"), FORWARD)
def test_forward_refuses(layer, x):
    with pytest.raises((TypeError, ValueError)):
        layer(x)


@pytest.mark.compiled
@pytest.mark.parametrize(("layer", "x"), FORWARD)
def test_forward_sentence(layer, x):
    if os.environ.get("PROVENN_TYPECHECK", "1") == "1":
        pytest.skip("the shape checker refuses first; PROVENN_TYPECHECK=0 shows the sentence")
    with pytest.raises((TypeError, ValueError), match=r"x must .* got"):
        layer(x)


def test_every_public_callable_has_eight_cases():
    import provenn.nn

    counted = {name: 0 for name in provenn.nn.__all__ if name != "Conversion"}
    for case in CASES:
        name = case.values[0].__name__
        if name in counted:
            counted[name] += 1
    assert min(counted.values()) >= 8, counted
