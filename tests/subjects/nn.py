"""Layers and networks of ``provenn.nn`` in their smallest sizes."""

import torch
from torch import nn

from provenn.nn import PHVGG, PHConv1d, PHConv2d, PHConv3d, PHLinear, PHResNet, ResNet
from provenn.testing import Subject


def _draw(*shape: int) -> tuple[torch.Tensor]:
    return (torch.randn(*shape, generator=torch.Generator().manual_seed(0)),)


def _subject(build, sizes, shape, *, backend="aot_eager", **options) -> Subject:
    """A layer of the given sizes and options, on random rows of the given shape."""
    return Subject(
        lambda **factory: build(*sizes, **options, **factory), _draw(*shape), backend=backend
    )


def _network(factory, shape) -> Subject:
    return Subject(factory, _draw(*shape), backend="aot_eager")


def _plain_resnet() -> ResNet:
    return ResNet(
        lambda i, o, k, s: nn.Conv2d(i, o, k, s, k // 2), "basic", (1, 1), (4, 6), 3, num_classes=5
    )


SUBJECTS = {
    "PHLinear": _subject(PHLinear, (6, 8), (5, 6), n=2, backend="inductor"),
    "PHLinear-n3": _subject(PHLinear, (6, 9), (5, 6), n=3, bias=False),
    "PHLinear-quaternion": _subject(
        PHLinear, (8, 12), (5, 8), n=4, algebra="quaternion", learn_algebra=False
    ),
    "PHConv1d": _subject(PHConv1d, (4, 6, 3), (2, 4, 7), n=2, padding="same"),
    "PHConv1d-groups": _subject(
        PHConv1d, (8, 16, 2), (2, 8, 7), n=4, groups=2, stride=2, init="variance_preserving"
    ),
    "PHConv1d-reflect": _subject(
        PHConv1d, (3, 6, 3), (2, 3, 7), n=3, padding=1, padding_mode="reflect"
    ),
    "PHConv2d": _subject(PHConv2d, (4, 8, 3), (2, 4, 6, 5), n=2, padding=1, backend="inductor"),
    "PHConv2d-n3": _subject(PHConv2d, (3, 6, (3, 1)), (2, 3, 6, 5), n=3, bias=False, stride=2),
    "PHConv2d-groups": _subject(
        PHConv2d, (8, 16, 3), (2, 8, 6, 5), n=4, groups=2, padding="same", padding_mode="circular"
    ),
    "PHConv2d-replicate": _subject(
        PHConv2d, (2, 6, 3), (3, 2, 6, 5), n=2, padding=(2, 1), dilation=2, padding_mode="replicate"
    ),
    "PHConv2d-quaternion": _subject(
        PHConv2d, (4, 8, 2), (2, 4, 3, 5), n=4, algebra="quaternion", learn_algebra=False
    ),
    "PHConv3d": _subject(PHConv3d, (2, 4, 2), (3, 2, 4, 6, 5), n=2),
    "PHConv3d-n3": _subject(
        PHConv3d,
        (3, 6, (1, 3, 2)),
        (2, 3, 6, 4, 5),
        n=3,
        padding=(0, 1, 0),
        padding_mode="circular",
    ),
    "ResNet": _network(_plain_resnet, (2, 3, 6, 7)),
    "PHResNet": _network(
        lambda: PHResNet("basic", (1, 1), (3, 6), num_classes=5, n=3), (2, 3, 6, 7)
    ),
    "PHResNet-bottleneck": _network(
        lambda: PHResNet("bottleneck", (1,), (8,), num_classes=5, n=2), (2, 3, 4, 5)
    ),
    "PHVGG": _network(lambda: PHVGG((1, 1), (3, 6), hidden=9, num_classes=5, n=3), (2, 3, 4, 6)),
}
