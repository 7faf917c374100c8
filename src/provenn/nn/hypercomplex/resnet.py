"""Residual networks for small images, with any convolution, and their hypercomplex forms."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from provenn.nn.hypercomplex.checks import (
    check_choice,
    check_divisible,
    check_flag,
    check_input,
    check_positive_int,
)
from provenn.nn.hypercomplex.layers import Init, PHConv2d
from provenn.nn.pretrained import PretrainedModule

Block = Literal["basic", "bottleneck"]
BLOCKS = ("basic", "bottleneck")

Convolution = Callable[[int, int, int, int], nn.Module]
"""Makes a convolution from channels in, channels out, an odd kernel size and a stride; its padding
keeps the size at stride 1."""

LARGE = (60, 120, 240, 516)
"""The authors' widths, divisible by 2, 3 and 4, in the place of 64, 128, 256, 512."""


class ResNet(nn.Module):
    """Residual network for small images (stride-1 stem, no max-pool) with a given convolution.

    Stem - batch norm - ReLU, one stage of residual blocks for each width (stride 2 from the second
    on), mean over positions, linear classifier. Shortcuts that change shape are a 1x1 convolution
    with batch norm.

    Args:
        convolution: Makes every convolution: ``convolution(channels_in, channels_out, kernel_size,
            stride)`` with the padding that keeps the size at stride 1.
        block: ``"basic"`` (two 3x3) or ``"bottleneck"`` (1x1, 3x3, 1x1 to four times the width).
        depths: Blocks of each stage.
        widths: Channels of each stage.
        in_channels: Channels of the image.
        num_classes: Outputs.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If depths and widths differ in number, or a number is below 1.

    Reference:
        arXiv 1512.03385; arXiv 2110.04176.

    Example:
        >>> import torch
        >>> net = ResNet(lambda i, o, k, s: nn.Conv2d(i, o, k, s, k // 2), "basic", (1, 1), (8, 16))
        >>> net(torch.ones(2, 3, 8, 8)).shape
        torch.Size([2, 10])
    """

    def __init__(
        self,
        convolution: Convolution,
        block: Block,
        depths: Sequence[int],
        widths: Sequence[int],
        in_channels: int = 3,
        num_classes: int = 10,
    ) -> None:
        super().__init__()
        if not callable(convolution):
            raise TypeError(f"convolution must be callable, got {type(convolution).__name__}")
        check_choice("block", block, BLOCKS)
        check_positive_int("in_channels", in_channels)
        check_positive_int("num_classes", num_classes)
        check_stages(depths, widths)
        self.in_channels = in_channels
        self.num_classes = num_classes
        self.stem = _ConvNorm(convolution, in_channels, widths[0], 3, 1)
        blocks = []
        channels = widths[0]
        for stage, (depth, width) in enumerate(zip(depths, widths, strict=True)):
            for position in range(depth):
                stride = 2 if stage > 0 and position == 0 else 1
                new = _Residual(convolution, block, channels, width, stride)
                blocks.append(new)
                channels = new.out_channels
        self.blocks = nn.Sequential(*blocks)
        self.classifier = nn.Linear(channels, num_classes)

    def forward(
        self, x: Float[Tensor, "batch in_channels height width"]
    ) -> Float[Tensor, "batch num_classes"]:
        """Class scores of images.

        Args:
            x: Images, shape (batch, in_channels, height, width).

        Returns:
            Scores, shape (batch, num_classes).
        """
        check_input(x, self.in_channels, -3, (4,), self.classifier.weight)
        features: Tensor = self.blocks(functional.relu(self.stem(x)))
        scores: Tensor = self.classifier(features.mean((2, 3)))
        return scores


class PHResNet(PretrainedModule):
    """Residual network in which every convolution is a :class:`PHConv2d`.

    If ``n`` does not divide the image's channels, zero channels are put in front of them (an RGB
    image becomes 0, R, G, B for n = 2 and n = 4); n = 3 takes RGB as it is.

    Args:
        block: ``"basic"`` or ``"bottleneck"``, as in :class:`ResNet`.
        depths: Blocks of each stage.
        widths: Channels of each stage, divisible by ``n``.
        in_channels: Channels of the image.
        num_classes: Outputs.
        bias: Whether convolutions have a bias. Batch norm follows each, so that it is of no use;
            the authors' classes make one and never add it, and their parameter counts include it.
        n: Number of blocks.
        init: Initialisation, see :class:`PHConv2d`.
        algebra: Name of the initial algebra; random if ``None``.
        learn_algebra: Whether the algebra is learned.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If ``n`` does not divide a width, or an argument is out of range.

    Reference:
        arXiv 2110.04176.

    Example:
        >>> import torch
        >>> net = PHResNet("basic", (1, 1), (6, 12), n=3)
        >>> net(torch.ones(2, 3, 8, 8)).shape
        torch.Size([2, 10])
    """

    def __init__(
        self,
        block: Block,
        depths: Sequence[int],
        widths: Sequence[int],
        in_channels: int = 3,
        num_classes: int = 10,
        bias: bool = False,
        *,
        n: int,
        init: Init = "official",
        algebra: str | None = None,
        learn_algebra: bool = True,
    ) -> None:
        super().__init__()
        check_positive_int("n", n)
        check_positive_int("in_channels", in_channels)
        check_flag("bias", bias)
        check_stages(depths, widths)
        for width in widths:
            check_divisible("each of widths", width, n, "n")
        options: dict[str, Any] = {
            "bias": bias,
            "n": n,
            "init": init,
            "algebra": algebra,
            "learn_algebra": learn_algebra,
        }
        self.in_channels = in_channels
        self.padding_channels = -in_channels % n

        def convolution(inputs: int, outputs: int, kernel_size: int, stride: int) -> nn.Module:
            return PHConv2d(inputs, outputs, kernel_size, stride, kernel_size // 2, **options)

        self.net = ResNet(
            convolution,
            block,
            depths,
            widths,
            in_channels + self.padding_channels,
            num_classes,
        )
        self.config = {
            "block": block,
            "depths": list(depths),
            "widths": list(widths),
            "in_channels": in_channels,
            "num_classes": num_classes,
            **options,
        }

    def forward(
        self, x: Float[Tensor, "batch in_channels height width"]
    ) -> Float[Tensor, "batch num_classes"]:
        """Class scores of images.

        Args:
            x: Images, shape (batch, in_channels, height, width).

        Returns:
            Scores, shape (batch, num_classes).
        """
        check_input(x, self.in_channels, -3, (4,), self.net.classifier.weight)
        scores: Tensor = self.net(pad_channels(x, self.padding_channels))
        return scores


def ph_resnet18(
    num_classes: int = 10,
    *,
    n: int = 3,
    in_channels: int = 3,
    widths: Sequence[int] = LARGE,
    **options: Any,
) -> PHResNet:
    """PHC-ResNet-18 with the authors' widths; further ``options`` as of :class:`PHResNet`.

    Example:
        >>> sum(p.numel() for p in ph_resnet18(n=3, bias=True).parameters())
        3640594
    """
    return PHResNet("basic", (2, 2, 2, 2), widths, in_channels, num_classes, n=n, **options)


def ph_resnet20(
    num_classes: int = 10,
    *,
    n: int = 3,
    in_channels: int = 3,
    widths: Sequence[int] = (24, 72, 216),
    **options: Any,
) -> PHResNet:
    """PHC-ResNet-20, three stages; further ``options`` as of :class:`PHResNet`.

    The authors' small widths 16, 32, 64 suit n = 2 and n = 4; the large ones, the default, n = 3
    as well.

    Example:
        >>> import torch
        >>> ph_resnet20(n=3)(torch.ones(1, 3, 8, 8)).shape
        torch.Size([1, 10])
    """
    return PHResNet("basic", (3, 3, 3), widths, in_channels, num_classes, n=n, **options)


def ph_resnet50(
    num_classes: int = 10,
    *,
    n: int = 3,
    in_channels: int = 3,
    widths: Sequence[int] = LARGE,
    **options: Any,
) -> PHResNet:
    """PHC-ResNet-50 with the authors' widths; further ``options`` as of :class:`PHResNet`.

    Example:
        >>> import torch
        >>> with torch.device("meta"):
        ...     net = ph_resnet50(n=3, bias=True)
        >>> sum(p.numel() for p in net.parameters())
        7587841
    """
    return PHResNet("bottleneck", (3, 4, 6, 3), widths, in_channels, num_classes, n=n, **options)


def ph_resnet152(
    num_classes: int = 10,
    *,
    n: int = 3,
    in_channels: int = 3,
    widths: Sequence[int] = LARGE,
    **options: Any,
) -> PHResNet:
    """PHC-ResNet-152 with the authors' widths; further ``options`` as of :class:`PHResNet`.

    Example:
        >>> import torch
        >>> with torch.device("meta"):
        ...     net = ph_resnet152(n=3, bias=True)
        >>> sum(p.numel() for p in net.parameters())
        17847235
    """
    return PHResNet("bottleneck", (3, 8, 36, 3), widths, in_channels, num_classes, n=n, **options)


def pad_channels(x: Tensor, channels: int) -> Tensor:
    """Put zero channels in front of an image's."""
    return functional.pad(x, (0, 0, 0, 0, channels, 0)) if channels else x


def check_stages(depths: Any, widths: Any) -> None:
    """Refuse anything but as many positive widths as there are positive depths."""
    for name, values in (("depths", depths), ("widths", widths)):
        if not isinstance(values, (tuple, list)):
            raise TypeError(f"{name} must be a tuple of ints, got {values!r}")
        for value in values:
            check_positive_int(f"each of {name}", value)
    if len(depths) != len(widths) or not depths:
        raise ValueError(
            f"depths and widths must be of the same number of stages, at least 1, "
            f"got {depths} and {widths}"
        )


class _ConvNorm(nn.Sequential):
    def __init__(
        self, convolution: Convolution, inputs: int, outputs: int, kernel_size: int, stride: int
    ) -> None:
        super().__init__(convolution(inputs, outputs, kernel_size, stride), nn.BatchNorm2d(outputs))


class _Residual(nn.Module):
    def __init__(
        self, convolution: Convolution, block: Block, inputs: int, width: int, stride: int
    ) -> None:
        super().__init__()
        kernels = (3, 3) if block == "basic" else (1, 3, 1)
        self.out_channels = width if block == "basic" else 4 * width
        channels = (inputs, *(width,) * (len(kernels) - 1), self.out_channels)
        strides = (stride, 1) if block == "basic" else (1, stride, 1)
        layers: list[nn.Module] = []
        for i, (kernel_size, step) in enumerate(zip(kernels, strides, strict=True)):
            layers.append(_ConvNorm(convolution, channels[i], channels[i + 1], kernel_size, step))
            layers.append(nn.ReLU())
        self.residual = nn.Sequential(*layers[:-1])
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != self.out_channels:
            self.shortcut = _ConvNorm(convolution, inputs, self.out_channels, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.residual(x) + self.shortcut(x))
