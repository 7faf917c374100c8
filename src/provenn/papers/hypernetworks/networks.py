"""Primary networks, each also with extra input channels or with layers to modulate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from provenn.hyper.initialization import init_base_


@dataclass(frozen=True)
class Primary:
    """A network to be conditioned.

    Args:
        build: Makes it from a number of extra input channels, and from whether a layer of scales
            and shifts stands behind each hidden convolution.
        predicted: Patterns of the parameters that hypernetworks predict; all if ``None``.
    """

    build: Callable[[int, bool], nn.Module]
    predicted: tuple[str, ...] | None = None

    def network(self, extra: int = 0, *, film: bool = False) -> nn.Module:
        """A new network, weights Kaiming normal, biases zero, whoever conditions it."""
        network = self.build(extra, film)
        init_base_(dict(network.named_parameters()), residual=True)
        return network


class Modulation(nn.Module):
    """A scale and a shift for each channel, the parameters that FiLM predicts."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Scale and shift the channels of images."""
        return x * self.scale[:, None, None] + self.shift[:, None, None]


class ConvNet(nn.Module):
    """Convolutions with max pooling in between, the average of each channel, a linear classifier.

    Args:
        channels: Channels of the input and of each convolution.
        classes: Number of classes.
        pools: Convolutions behind which sizes are halved.
        modulated: Whether scales and shifts stand behind each convolution.
        norm: Whether batch normalisation does.
    """

    def __init__(
        self,
        channels: Sequence[int],
        classes: int,
        pools: Sequence[int],
        *,
        modulated: bool = False,
        norm: bool = False,
    ) -> None:
        super().__init__()
        self.body = nn.Sequential()
        for i, (before, after) in enumerate(pairwise(channels)):
            self.body.append(nn.Conv2d(before, after, 3, padding=1))
            if modulated:
                self.body.append(Modulation(after))
            if norm:
                self.body.append(nn.BatchNorm2d(after))
            self.body.append(nn.ReLU())
            if i in pools:
                self.body.append(nn.MaxPool2d(2))
        self.head = nn.Linear(channels[-1], classes)

    def forward(self, x: Tensor, dropout: Tensor | None = None) -> Tensor:
        """Scores of the classes; ``dropout`` is the share of features that is dropped."""
        features = self.body(x).mean((2, 3))
        if dropout is not None and self.training:
            kept = torch.rand_like(features) >= dropout
            features = features * kept / (1 - dropout)
        return self.head(features)  # type: ignore[no-any-return]


class UNet(nn.Module):
    """Displacement of every pixel from a pair of images, at three resolutions.

    Args:
        inputs: Channels of the input.
        modulated: Whether scales and shifts stand behind each hidden convolution.
    """

    def __init__(self, inputs: int = 2, *, modulated: bool = False) -> None:
        super().__init__()

        def block(before: int, after: int) -> nn.Sequential:
            between = [Modulation(after)] if modulated else []
            return nn.Sequential(
                nn.Conv2d(before, after, 3, padding=1), *between, nn.LeakyReLU(0.2)
            )

        self.down = nn.ModuleList([block(inputs, 8), block(8, 16), block(16, 16)])
        self.up = nn.ModuleList([block(32, 16), block(24, 8)])
        self.head = nn.Conv2d(8, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Displacements in pixels, batch x 2 x height x width, along columns and rows."""
        full = self.down[0](x)
        half = self.down[1](functional.max_pool2d(full, 2))
        quarter = self.down[2](functional.max_pool2d(half, 2))
        half = self.up[0](torch.cat([_doubled(quarter), half], 1))
        full = self.up[1](torch.cat([_doubled(half), full], 1))
        return self.head(full)  # type: ignore[no-any-return]


class ResNet(nn.Module):
    """Residual network with batch normalisation, in stages that halve the size.

    Args:
        widths: Channels of each stage.
        blocks: Residual blocks of each stage.
        classes: Number of classes.
    """

    def __init__(self, widths: Sequence[int], blocks: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, widths[0], 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(widths[0])
        self.convs, self.norms, self.shortcuts = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        before = widths[0]
        for stage, width in enumerate(widths):
            for block in range(blocks):
                stride = 2 if stage and not block else 1
                self.convs.append(nn.Conv2d(before, width, 3, stride, 1, bias=False))
                self.convs.append(nn.Conv2d(width, width, 3, 1, 1, bias=False))
                self.norms.extend([nn.BatchNorm2d(width), nn.BatchNorm2d(width)])
                same = before == width and stride == 1
                self.shortcuts.append(
                    nn.Identity() if same else nn.Conv2d(before, width, 1, stride, bias=False)
                )
                before = width
        self.head = nn.Linear(before, classes)

    def forward(self, x: Tensor, dropout: Tensor | None = None) -> Tensor:
        """Scores of the classes; ``dropout`` is the share of features that is dropped."""
        x = self.first_norm(self.stem(x)).relu()
        for i, shortcut in enumerate(self.shortcuts):
            y = self.norms[2 * i](self.convs[2 * i](x)).relu()
            y = self.norms[2 * i + 1](self.convs[2 * i + 1](y))
            x = (y + shortcut(x)).relu()
        features = x.mean((2, 3))
        if dropout is not None and self.training:
            kept = torch.rand_like(features) >= dropout
            features = features * kept / (1 - dropout)
        return self.head(features)  # type: ignore[no-any-return]


DIGITS = Primary(
    lambda extra, film: ConvNet((1 + extra, 16, 32), 10, pools=(), modulated=film),
)
"""The network of the pilot, all predicted: two convolutions, the mean over pixels, a classifier."""

MNIST = Primary(
    lambda extra, film: ConvNet((1 + extra, 8, 16, 16, 32), 10, pools=(0, 1, 2), modulated=film),
    predicted=("body.*",),
)
"""Four convolutions, predicted, and a classifier that is not."""

REGISTRATION = Primary(lambda extra, film: UNet(2 + extra, modulated=film))

CIFAR = Primary(
    lambda extra, film: ResNet((16, 32, 64), 3, 10), predicted=("stem.*", "convs.*", "shortcuts.*")
)

VGG_CHANNELS = (3, *(16,) * 2, *(32,) * 2, *(64,) * 4, *(128,) * 8)
VGG = Primary(
    lambda extra, film: ConvNet(VGG_CHANNELS, 10, pools=(1, 3, 7, 11), norm=True),
)
"""VGG-19 at a quarter of its widths, without skips, predicted as a whole."""


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")
