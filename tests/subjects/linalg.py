"""The network of ``provenn.linalg`` in its smallest sizes."""

import torch

from provenn.linalg import DCDMNet
from provenn.testing import Subject


def _subject(dim: int, *sizes: int, **options) -> Subject:
    r = torch.randn(2, 1, *sizes, generator=torch.Generator().manual_seed(0))
    return Subject(
        lambda **factory: DCDMNet(dim, 2, **options, **factory), (r,), backend="aot_eager"
    )


SUBJECTS = {
    "DCDMNet": _subject(2, 6, 4),
    "DCDMNet-odd": _subject(2, 5, 4, wiring="n128"),
    "DCDMNet-3d": _subject(3, 4, 2, 4),
}
