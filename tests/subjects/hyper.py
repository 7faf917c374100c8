"""Hypernetworks of ``provenn.hyper`` over small networks."""

import torch
from torch import nn

from provenn.hyper import HyperNetwork
from provenn.testing import Subject


def _primary() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def _subject(*, size=2, expected_failures=None, backend="aot_eager", **options) -> Subject:
    """A hypernetwork that predicts both layers for five conditions of ``size`` numbers."""
    gamma = 0.1 + 0.8 * torch.rand(5, size, generator=torch.Generator().manual_seed(0))
    return Subject(
        lambda: HyperNetwork(_primary(), {"lam": size}, (6, 8), **options),
        (gamma,),
        backend=backend,
        expected_failures=expected_failures or {},
    )


SUBJECTS = {
    "HyperNetwork": _subject(backend="inductor"),
    "HyperNetwork-default": _subject(encoding="none", residual=False, activation="relu"),
    "HyperNetwork-layer": _subject(encoding="complement", norm="layer", activation="gelu"),
    "HyperNetwork-weight": _subject(norm="weight", activation="tanh", unit_norm=True),
    "HyperNetwork-hyperfan": _subject(
        encoding="none", residual=False, output_init="hyperfan_in", activation="silu"
    ),
    "HyperNetwork-one": _subject(
        size=1,
        zero_bias=False,
        expected_failures={
            "wrong_ndim": "one number may come without an axis, as a tensor or as a float"
        },
    ),
}
