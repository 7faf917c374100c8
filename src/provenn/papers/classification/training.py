"""Training by stochastic gradient descent with a cosine schedule, the same for every competitor."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from provenn.papers.classification.data import Split


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train.

    Args:
        epochs: Passes over the training images.
        batch_size: Images of each step.
        lr: Learning rate of the first step; it falls to zero along half a cosine.
        momentum: Momentum of SGD.
        weight_decay: Weight decay of SGD, on every parameter.
        bfloat16: Whether the forward pass runs in automatic mixed precision.
    """

    epochs: int
    batch_size: int
    lr: float
    momentum: float = 0.9
    weight_decay: float = 5e-4
    bfloat16: bool = False

    def steps(self, images: int) -> int:
        """Steps of the whole training; the last, smaller batch of an epoch is one."""
        return self.epochs * -(-images // self.batch_size)


def fit(
    model: nn.Module,
    split: Split,
    recipe: Recipe,
    seed: int,
    progress: Callable[[int], None],
) -> NDArray[np.float64]:
    """Train a classifier by cross-entropy.

    Args:
        model: Network; trained in place.
        split: Images.
        recipe: How to train.
        seed: Seed of the order of the images, the same for every competitor.
        progress: Called with the number of steps done after each.

    Returns:
        Mean training loss of each epoch.
    """
    optimizer = torch.optim.SGD(
        model.parameters(),
        recipe.lr,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=False,
    )
    images = len(split.train_y)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe.steps(images))
    order = torch.Generator().manual_seed(seed)
    losses = np.zeros(recipe.epochs)
    done = 0
    model.train()
    for epoch in range(recipe.epochs):
        total = torch.zeros((), device=split.train_y.device)
        for batch in torch.randperm(images, generator=order).split(recipe.batch_size):
            index = batch.to(split.train_y.device)
            x = split.train_x[index].contiguous(memory_format=torch.channels_last)
            with torch.autocast(x.device.type, torch.bfloat16, enabled=recipe.bfloat16):
                loss = functional.cross_entropy(model(x), split.train_y[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.detach() * len(index)
            done += 1
            progress(done)
        losses[epoch] = float(total) / images
    return losses


@torch.no_grad()
def accuracy(model: nn.Module, x: Tensor, y: Tensor, batch_size: int = 500) -> float:
    """Share of images that are classified right, in per cent."""
    model.eval()
    right = sum(
        int((model(images).argmax(1) == classes).sum())
        for images, classes in zip(x.split(batch_size), y.split(batch_size), strict=True)
    )
    return 100.0 * right / len(y)
