"""Convolutions that a user would choose to save parameters, as factories for a network."""

import importlib.util
import math
from collections.abc import Callable

from torch import nn

Convolution = Callable[[int, int, int, int], nn.Module]
"""Makes a convolution from channels in, channels out, an odd kernel size and a stride."""

TENSORLY_TORCH = importlib.util.find_spec("tltorch") is not None
"""Whether the package that factorizes convolutions is installed (extra ``peers``)."""


def plain(inputs: int, outputs: int, kernel_size: int, stride: int) -> nn.Module:
    """Ordinary convolution without bias, padded to keep the size at stride 1."""
    return nn.Conv2d(inputs, outputs, kernel_size, stride, kernel_size // 2, bias=False)


def grouped(groups: int) -> Convolution:
    """Convolutions in ``groups`` groups: 1/groups of the parameters and of the operations."""

    def convolution(inputs: int, outputs: int, kernel_size: int, stride: int) -> nn.Module:
        padding = kernel_size // 2
        return nn.Conv2d(inputs, outputs, kernel_size, stride, padding, groups=groups, bias=False)

    return convolution


def separable(inputs: int, outputs: int, kernel_size: int, stride: int) -> nn.Module:
    """Depthwise convolution, then 1x1; 1x1 convolutions and stems stay ordinary."""
    if kernel_size == 1 or inputs <= 4:
        return plain(inputs, outputs, kernel_size, stride)
    padding = kernel_size // 2
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, kernel_size, stride, padding, groups=inputs, bias=False),
        nn.Conv2d(inputs, outputs, 1, bias=False),
    )


def tucker(rank: float) -> Convolution:
    """Convolutions that tensorly-torch keeps in Tucker form; stems stay ordinary.

    Args:
        rank: Share of the parameters of the ordinary convolution that the factors have.
    """

    def convolution(inputs: int, outputs: int, kernel_size: int, stride: int) -> nn.Module:
        from tltorch import FactorizedConv

        if inputs <= 4:
            return plain(inputs, outputs, kernel_size, stride)
        factorized = FactorizedConv(
            inputs,
            outputs,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            bias=False,
            order=2,
            rank=rank,
            factorization="tucker",
            implementation="reconstructed",
        )
        factorized.weight.normal_(0, math.sqrt(2 / (inputs * kernel_size**2)))
        made: nn.Module = factorized
        return made

    return convolution


def front_padded(channels: int, network: nn.Module) -> nn.Module:
    """The network behind ``channels`` zero channels that are put in front of the image's."""
    return nn.Sequential(nn.ZeroPad3d((0, 0, 0, 0, channels, 0)), network) if channels else network


def small_cnn(convolution: Convolution, widths: tuple[int, int], classes: int) -> nn.Module:
    """Ordinary stem for grey images, two of the given convolutions, linear classifier."""
    stem, last = widths
    return nn.Sequential(
        plain(1, stem, 3, 1),
        nn.BatchNorm2d(stem),
        nn.ReLU(),
        convolution(stem, stem, 3, 1),
        nn.BatchNorm2d(stem),
        nn.ReLU(),
        nn.MaxPool2d(2),
        convolution(stem, last, 3, 1),
        nn.BatchNorm2d(last),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(last, classes),
    )
