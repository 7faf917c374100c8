"""Images split by the trial's seed, as tensors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from provenn.data import load
from provenn.evidence.page import Context

CIFAR10_MEAN = (0.4914, 0.4822, 0.4465)
CIFAR10_STD = (0.2023, 0.1994, 0.2010)


@dataclass(frozen=True)
class Split:
    """Training and test images, N x C x H x W, with their classes."""

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor


def split_images(
    name: str,
    ctx: Context,
    *,
    train: int,
    test: int,
    mean: Sequence[float] = (0.0,),
    std: Sequence[float] = (1.0,),
) -> Split:
    """Load a set and draw its training images, stratified by class, with the trial's seed.

    A set with a published test split is tested on the first ``test`` images of it; digits, which
    has none, on ``test`` images drawn with the seed as well.

    Args:
        name: Name of the set, as ``provenn.data`` knows it.
        ctx: Context of the trial.
        train: Number of training images; 0 for all there are.
        test: Number of test images.
        mean: Mean of each channel, taken off.
        std: Standard deviation of each channel, divided by.
    """
    from sklearn.model_selection import train_test_split  # costly to import

    shift = np.array(mean, dtype=np.float32).reshape(1, -1, 1, 1)
    scale = np.array(std, dtype=np.float32).reshape(1, -1, 1, 1)

    def tensors(x: np.ndarray, y: np.ndarray) -> tuple[Tensor, Tensor]:
        images = torch.from_numpy((x - shift) / scale).contiguous(memory_format=torch.channels_last)
        return images.to(ctx.device), torch.from_numpy(y).to(ctx.device)

    if name == "digits":
        everything = ctx.uses(load(name, "all"))
        x, rest_x, y, rest_y = train_test_split(
            everything.x, everything.y, test_size=test, random_state=ctx.seed, stratify=everything.y
        )
    else:
        published = ctx.uses(load(name, "train"))
        held_out = ctx.uses(load(name, "test"))
        x, y = published.x, published.y
        rest_x, rest_y = held_out.x[:test], held_out.y[:test]
    if 0 < train < len(y):
        x, _, y, _ = train_test_split(x, y, train_size=train, random_state=ctx.seed, stratify=y)
    return Split(*tensors(x, y), *tensors(rest_x, rest_y))
