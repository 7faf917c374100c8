"""The critical network of ``provenn.theory`` in its smallest sizes."""

import torch

from provenn.testing import Subject
from provenn.theory import CriticalMLP


def _network(depth: int, *, backend: str = "aot_eager", **options) -> Subject:
    return Subject(
        lambda **factory: CriticalMLP(5, 6, 3, depth, **options, **factory),
        (torch.randn(4, 5, generator=torch.Generator().manual_seed(0)),),
        backend=backend,
    )


SUBJECTS = {
    "CriticalMLP": _network(3, backend="inductor", activation="tanh"),
    "CriticalMLP-skips": _network(4, activation="gelu", gamma=0.9),
    "CriticalMLP-no-bias": _network(3, activation="relu", bias=False),
}
