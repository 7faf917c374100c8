"""Modules of torch itself, and where they fall short of the battery."""

import torch
from torch import nn

from provenn.testing import Subject

_DEVICE = "torch convolves an input on meta with weights on the cpu without an error"
_FORWARD = "torch leaves Sequential.forward without annotations"


def _draw(*shape: int) -> tuple[torch.Tensor]:
    return (torch.randn(*shape, generator=torch.Generator().manual_seed(0)),)


SUBJECTS = {
    "Linear": Subject(lambda **kwargs: nn.Linear(4, 3, **kwargs), _draw(5, 4)),
    "Conv2d": Subject(
        lambda **kwargs: nn.Conv2d(3, 4, 3, padding=1, **kwargs),
        _draw(2, 3, 5, 5),
        expected_failures={"wrong_device": _DEVICE},
        backend="aot_eager",
    ),
    "Sequential": Subject(
        lambda **kwargs: nn.Sequential(
            nn.Linear(4, 6, **kwargs),
            nn.BatchNorm1d(6, **kwargs),
            nn.Tanh(),
            nn.Dropout(0.1),
            nn.Linear(6, 3, **kwargs),
        ),
        _draw(5, 4),
        expected_failures={"forward_annotated": _FORWARD},
        backend="aot_eager",
    ),
}
