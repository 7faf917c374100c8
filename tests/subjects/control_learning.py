"""Actors and critics of ``provenn.control`` in their smallest sizes."""

import torch

from provenn.control import MLPActor, MLPCritic, PairedZero, PiecewiseAffine, YANNActor, YANNCritic
from provenn.testing import Subject


def _draw(*sizes: int) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    return tuple(0.4 * torch.randn(5, size, generator=generator) for size in sizes)


def _law() -> PiecewiseAffine:
    """A continuous law of two inputs on the halves of a square that holds all examples."""
    square = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    left, right = torch.tensor([0.0, 9.0, 9.0, 9.0]), torch.tensor([9.0, 0.0, 9.0, 9.0])
    gains = torch.tensor([[[1.0, 0.5], [-0.5, 1.0]], [[0.5, 0.5], [1.0, 1.0]]])
    return PiecewiseAffine.from_regions(
        [(square, left, gains[0], [0.1, 0.2]), (square, right, gains[1], [0.1, 0.2])],
        dtype=torch.float32,
    )


CONSTANT = {"gradients_reach_inputs": "a new network is zero whatever its input is"}
LATER = {"gradients_reach_parameters": "the second layer learns from the second step on"}


def _zero(reasons: dict[str, str], **options: object) -> Subject:
    return Subject(
        lambda **at: PairedZero(3, 2, hidden=7, init_scale=0.5, **options, **at),
        _draw(3),
        expected_failures=reasons,
    )


def _actor(**options: object) -> Subject:
    return Subject(
        lambda **at: YANNActor(_law(), 4, u_bounds=(-9.0, 9.0), init_scale=0.5, **options, **at),
        _draw(2),
        expected_failures={
            "bfloat16_weights": "regions are found to within rounding, here a tenth of the domain"
        },
    )


def _critic(**at: object) -> YANNCritic:
    A, B = [[1.0, 0.5], [0.0, 1.0]], [[0.1], [0.5]]
    dtype = at.pop("dtype", torch.float32)
    return YANNCritic(A, B, torch.eye(2), 1.0, hidden=6, init_scale=0.5, dtype=dtype, **at)


SUBJECTS = {
    "PairedZero": _zero(CONSTANT),
    "PairedZero-blocks": _zero(CONSTANT, blocks=2),
    "PairedZero-sum": _zero(CONSTANT | LATER, mode="sum"),
    "YANNActor": _actor(),
    "YANNActor-coupled": _actor(coupled=True),
    "YANNCritic": Subject(_critic, _draw(2, 1)),
    "MLPActor": Subject(
        lambda **at: MLPActor(3, 2, u_bounds=(-1.0, 2.0), hidden=(5,), **at), _draw(3)
    ),
    "MLPCritic": Subject(lambda **at: MLPCritic(3, 1, hidden=(5, 4), **at), _draw(3, 1)),
}
