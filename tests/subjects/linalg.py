"""The network of ``provenn.linalg`` in its smallest sizes."""

import torch

from provenn.linalg import DCDMNet
from provenn.testing import Subject


def _subject(dim: int, *sizes: int, **options) -> Subject:
    """A network with biases that are not zero, since a ReLU has no derivative there."""

    def build(**factory) -> DCDMNet:
        net = DCDMNet(dim, 4, **options, **factory)
        for name, parameter in net.named_parameters():
            if name.endswith("bias"):
                torch.nn.init.uniform_(parameter, -0.1, 0.3)
        return net

    r = torch.randn(2, 1, *sizes, generator=torch.Generator().manual_seed(0))
    return Subject(build, (r,), backend="aot_eager")


# On a coarse grid of 2 x 3 x 2 cells PyTorch's bfloat16 convolution on the CPU gives gradients that
# are not finite, now and then and by itself: the 3-D grid is larger.
SUBJECTS = {
    "DCDMNet": _subject(2, 6, 4),
    "DCDMNet-odd": _subject(2, 5, 4, wiring="n128"),
    "DCDMNet-3d": _subject(3, 8, 8, 8),
}
