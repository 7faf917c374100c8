"""Modules of ``provenn.nn``."""

import torch
from torch import nn

from provenn.nn import PHVGG, PHConv1d, PHConv2d, PHConv3d, PHLinear, PHResNet, ResNet
from provenn.testing import Subject


def _draw(*shape: int) -> tuple[torch.Tensor]:
    return (torch.randn(*shape, generator=torch.Generator().manual_seed(0)),)


SUBJECTS = {
    "PHLinear": Subject(lambda **kwargs: PHLinear(6, 9, n=3, **kwargs), _draw(5, 6)),
    "PHLinear-fixed": Subject(
        lambda **kwargs: PHLinear(
            8, 4, False, n=4, algebra="quaternion", learn_algebra=False, **kwargs
        ),
        _draw(5, 8),
        backend="aot_eager",
    ),
    "PHConv1d": Subject(
        lambda **kwargs: PHConv1d(4, 8, 3, padding="same", n=2, **kwargs),
        _draw(3, 4, 7),
        backend="aot_eager",
    ),
    "PHConv2d": Subject(
        lambda **kwargs: PHConv2d(3, 6, 3, padding=1, n=3, **kwargs), _draw(2, 3, 5, 5)
    ),
    "PHConv2d-circular": Subject(
        lambda **kwargs: PHConv2d(4, 8, 3, 2, 1, groups=2, padding_mode="circular", n=2, **kwargs),
        _draw(2, 4, 5, 5),
        backend="aot_eager",
    ),
    "PHConv3d": Subject(
        lambda **kwargs: PHConv3d(2, 4, 2, n=2, init="variance_preserving", **kwargs),
        _draw(5, 2, 3, 3, 3),
        backend="aot_eager",
    ),
    "ResNet": Subject(
        lambda: ResNet(lambda i, o, k, s: nn.Conv2d(i, o, k, s, k // 2), "basic", (1, 1), (2, 4)),
        _draw(5, 3, 6, 6),
        backend="aot_eager",
    ),
    "PHResNet": Subject(
        lambda: PHResNet("basic", (1,), (6,), n=2, init="variance_preserving"),
        _draw(4, 3, 5, 5),
        backend="aot_eager",
    ),
    "PHVGG": Subject(
        lambda: PHVGG((1, 1), (2, 4), 4, dropout=0.2, n=2), _draw(5, 3, 6, 6), backend="aot_eager"
    ),
}
