"""The piecewise-affine laws of ``provenn.control`` and their networks, over three intervals."""

import torch

from provenn.control import YANN, PiecewiseAffine
from provenn.testing import Subject

REGIONS = [
    ([[1.0, 0.0], [-1.0, 0.0]], [0.0, 4.0], [[1.0, -0.5], [0.2, 0.3]], [0.1, -0.4]),
    ([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], [4.0, 0.0, 0.0], [[-1.0, 0.7], [0.0, 1.0]], [0.3, 0.2]),
    ([[1.0, 0.0], [-1.0, 0.0], [0.0, -1.0]], [4.0, 0.0, 0.0], [[0.4, 0.6], [2.0, 0.1]], [0.5, 0.6]),
]
DOMAIN = ([-4.0, -4.0], [4.0, 4.0])
POINTS = torch.tensor([[-0.7, 0.4], [0.9, -0.6], [0.3, 1.1], [1.7, 0.8]])

_GIVEN = {"meta_device": "the law is data: no reset can bring back what was never loaded"}


def _law(**options) -> PiecewiseAffine:
    return PiecewiseAffine.from_regions(
        REGIONS, domain=DOMAIN, **{"dtype": torch.float32, **options}
    )


def _subject(build) -> Subject:
    return Subject(build, (POINTS,), expected_failures=_GIVEN, backend="aot_eager")


SUBJECTS = {
    "PiecewiseAffine": _subject(lambda **factory: _law(**factory)),
    "PiecewiseAffine-nearest": _subject(lambda **factory: _law(outside="nearest", **factory)),
    "PiecewiseAffine-clip": _subject(lambda **factory: _law(outside="clip", **factory)),
    "YANN": _subject(lambda **factory: YANN.from_pwa(_law(**factory))),
    "DenseYANN": _subject(lambda **factory: YANN.from_pwa(_law(**factory)).layers()),
}
