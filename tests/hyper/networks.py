"""Small networks that the tests condition."""

import torch
from torch import Tensor, nn


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))


def cnn() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    )


class Tied(nn.Module):
    """Uses one weight under two names, and gives two outputs."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        y = self.second(self.first(x).relu())
        return {"y": y, "sum": y.sum(-1)}


def flat(theta: dict[str, Tensor], batch: int = 0) -> Tensor:
    """All parameters of a condition side by side."""
    return torch.cat([value.flatten(batch) for value in theta.values()], dim=-1)
