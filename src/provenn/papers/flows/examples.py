"""Images as rows of mean square 1: to classify, and a handful of two classes."""

import numpy as np
import torch

from provenn.data import load
from provenn.evidence.page import Context
from provenn.papers.flows.perceptrons import Examples
from provenn.papers.flows.tangents import FewExamples


def classified(name: str, ctx: Context, *, train: int, valid: int, test: int) -> Examples:
    """Training, validation and test images, stratified by class, drawn with the trial's seed.

    Args:
        name: ``digits``, or a set with a published test split such as ``fashion_mnist``.
        ctx: Context of the trial.
        train: Training images.
        valid: Validation images, of the published training images.
        test: Test images; the first ones of a published test split.
    """
    from sklearn.model_selection import train_test_split  # costly to import

    if name == "digits":
        everything = ctx.uses(load(name, "all"))
        x, test_x, y, test_y = train_test_split(
            everything.x, everything.y, test_size=test, random_state=ctx.seed, stratify=everything.y
        )
    else:
        published, held_out = ctx.uses(load(name, "train")), ctx.uses(load(name, "test"))
        x, y = published.x, published.y
        test_x, test_y = held_out.x[:test], held_out.y[:test]
    x, valid_x, y, valid_y = train_test_split(
        x, y, train_size=train, test_size=valid, random_state=ctx.seed, stratify=y
    )
    rows = [_rows(part, ctx.device) for part in (x, valid_x, test_x)]
    labels = [torch.from_numpy(part).to(ctx.device) for part in (y, valid_y, test_y)]
    return Examples(rows[0], labels[0], rows[1], labels[1], rows[2], labels[2])


def zeros_and_ones(ctx: Context, train: int = 16, test: int = 16) -> FewExamples:
    """Digits 0 and 1 drawn with the trial's seed, as many of each, with targets -1 and 1."""
    everything = ctx.uses(load("digits", "all"))
    draw = np.random.default_rng(ctx.seed)
    zeros, ones = (draw.permutation(np.flatnonzero(everything.y == c)) for c in (0, 1))

    def pick(start: int, count: int) -> np.ndarray:
        half = count // 2
        return np.concatenate([zeros[start : start + half], ones[start : start + half]])

    index = pick(0, train)
    y = torch.from_numpy(2.0 * everything.y[index] - 1).float()
    return FewExamples(
        _rows(everything.x[index], ctx.device),
        y.to(ctx.device),
        _rows(everything.x[pick(train // 2, test)], ctx.device),
    )


def _rows(images: np.ndarray, device: torch.device) -> torch.Tensor:
    flat = torch.from_numpy(images.reshape(len(images), -1)).float()
    scale = flat.square().mean(1, keepdim=True).sqrt().clamp(min=1e-6)
    return (flat / scale).to(device)
