"""VGG networks of hypercomplex layers."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from provenn.nn.hypercomplex.checks import (
    check_divisible,
    check_flag,
    check_input,
    check_positive_int,
)
from provenn.nn.hypercomplex.layers import Init, PHConv2d, PHLinear
from provenn.nn.hypercomplex.resnet import check_stages, pad_channels
from provenn.nn.pretrained import PretrainedModule

DEPTHS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""Convolutions of each stage of VGG-11, 13, 16 and 19."""


class PHVGG(PretrainedModule):
    """VGG with batch norm in which every layer but the last is hypercomplex.

    Stages of 3x3 convolution - batch norm - ReLU, each stage followed by a 2x2 max-pool; then the
    mean over the positions that are left (none but one for 32x32 images and five stages), and
    dropout - linear - ReLU twice before the classifier. Zero channels are put in front of the
    image's if ``n`` does not divide them.

    Args:
        depths: Convolutions of each stage.
        widths: Channels of each stage, divisible by ``n``.
        hidden: Features of the two hidden linear layers, divisible by ``n``.
        in_channels: Channels of the image.
        num_classes: Outputs.
        bias: Whether convolutions have a bias (batch norm follows, so that it is of no use; the
            authors' parameter counts include one that is never added). Linear layers have one.
        dropout: Probability of dropping a feature before each hidden linear layer.
        n: Number of blocks.
        init: Initialisation, see :class:`PHConv2d`.
        algebra: Name of the initial algebra; random if ``None``.
        learn_algebra: Whether the algebra is learned.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If ``n`` does not divide a width, or an argument is out of range.

    Reference:
        arXiv 1409.1556; arXiv 2110.04176.

    Example:
        >>> import torch
        >>> net = PHVGG((1, 1), (6, 12), hidden=12, n=3)
        >>> net(torch.ones(2, 3, 8, 8)).shape
        torch.Size([2, 10])
    """

    def __init__(
        self,
        depths: Sequence[int],
        widths: Sequence[int],
        hidden: int,
        in_channels: int = 3,
        num_classes: int = 10,
        bias: bool = False,
        dropout: float = 0.5,
        *,
        n: int,
        init: Init = "official",
        algebra: str | None = None,
        learn_algebra: bool = True,
    ) -> None:
        super().__init__()
        check_positive_int("n", n)
        check_positive_int("in_channels", in_channels)
        check_positive_int("num_classes", num_classes)
        check_positive_int("hidden", hidden)
        check_flag("bias", bias)
        check_stages(depths, widths)
        for width in (*widths, hidden):
            check_divisible("each of widths and hidden", width, n, "n")
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)):
            raise TypeError(f"dropout must be a number, got {type(dropout).__name__}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, got {dropout}")
        options: dict[str, Any] = {
            "n": n,
            "init": init,
            "algebra": algebra,
            "learn_algebra": learn_algebra,
        }
        self.in_channels = in_channels
        self.padding_channels = -in_channels % n
        layers: list[nn.Module] = []
        channels = in_channels + self.padding_channels
        for depth, width in zip(depths, widths, strict=True):
            for _ in range(depth):
                convolution = PHConv2d(channels, width, 3, padding=1, bias=bias, **options)
                layers += [convolution, nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.hidden = nn.Sequential(
            nn.Dropout(dropout),
            PHLinear(channels, hidden, **options),
            nn.ReLU(),
            nn.Dropout(dropout),
            PHLinear(hidden, hidden, **options),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(hidden, num_classes)
        self.config = {
            "depths": list(depths),
            "widths": list(widths),
            "hidden": hidden,
            "in_channels": in_channels,
            "num_classes": num_classes,
            "bias": bias,
            "dropout": dropout,
            **options,
        }

    def forward(
        self, x: Float[Tensor, "batch in_channels height width"]
    ) -> Float[Tensor, "batch num_classes"]:
        """Class scores of images.

        Args:
            x: Images, shape (batch, in_channels, height, width); two to the power of the number of
                stages pixels high and wide, or more.

        Returns:
            Scores, shape (batch, num_classes).
        """
        check_input(x, self.in_channels, -3, (4,), self.classifier.weight)
        features: Tensor = self.features(pad_channels(x, self.padding_channels))
        scores: Tensor = self.classifier(self.hidden(features.mean((2, 3))))
        return scores


def ph_vgg(
    depth: int = 16,
    num_classes: int = 10,
    *,
    n: int = 3,
    in_channels: int = 3,
    widths: Sequence[int] = (24, 72, 216, 648, 648),
    hidden: int = 516,
    **options: Any,
) -> PHVGG:
    """PHC-VGG with the authors' large widths; further ``options`` as of :class:`PHVGG`.

    Args:
        depth: 11, 13, 16 or 19 layers with weights in the original network.
        num_classes: Outputs.
        n: Number of blocks.
        in_channels: Channels of the image.
        widths: Channels of the five stages.
        hidden: Features of the hidden linear layers.
        **options: Passed on.

    Returns:
        The network.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If there is no VGG of that depth, or an argument is out of range.

    Example:
        >>> import torch
        >>> ph_vgg(11, n=3)(torch.ones(1, 3, 32, 32)).shape
        torch.Size([1, 10])
    """
    check_positive_int("depth", depth)
    if depth not in DEPTHS:
        raise ValueError(f"depth must be one of {', '.join(map(str, DEPTHS))}, got {depth}")
    return PHVGG(DEPTHS[depth], widths, hidden, in_channels, num_classes, n=n, **options)
