"""What is learned: classes of images, and displacements that align pairs of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

from provenn.data import load
from provenn.evidence.page import Context
from provenn.papers.hypernetworks.networks import Primary

ENDS = (0.0, 0.25, 0.5, 0.75, 1.0)
TRADE_OFFS = (0.05, 0.25, 0.5, 0.75, 0.95)


@runtime_checkable
class Problem(Protocol):
    """A loss to minimise under a random condition, and a score on held-out data."""

    primary: Primary
    d: int
    size: int
    """Number of training examples."""

    def loss(self, model: nn.Module, index: Tensor, gamma: Tensor) -> Tensor:
        """Loss of training examples under a condition."""

    def score(self, model: nn.Module, split: str) -> float:
        """Mean score over conditions; more is better."""


@dataclass(frozen=True)
class Images:
    """Images, N x C x H x W, with their classes, for training, validation and test."""

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]

    def split(self, name: str) -> tuple[Tensor, Tensor]:
        """Images and classes of a split."""
        return self.validation if name == "validation" else self.test


def digits(ctx: Context) -> Images:
    """scikit-learn's digits: 1,257 to train on, 180 to validate, 360 to test, drawn by seed."""
    everything = ctx.uses(load("digits", "all"))
    x, y = torch.from_numpy(everything.x), torch.from_numpy(everything.y)
    return _cut(x, y, (360, 180), ctx)


def mnist(ctx: Context, train: int, validation: int, test: int) -> Images:
    """MNIST at 16 x 16: padded to 32 x 32, then averaged over 2 x 2."""
    parts = [ctx.uses(load("mnist", split)) for split in ("train", "test")]
    (x, y), (test_x, test_y) = (
        (_small(torch.from_numpy(part.x)), torch.from_numpy(part.y)) for part in parts
    )
    drawn = _cut(x, y, (len(y) - train - validation, validation), ctx)
    kept = torch.randperm(len(test_y), generator=_generator(ctx))[:test]
    held_out = (test_x[kept].to(ctx.device), test_y[kept].to(ctx.device))
    return Images(drawn.train, drawn.validation, held_out)


def cifar10(ctx: Context, validation: int) -> Images:
    """CIFAR-10, standardised by channel."""
    parts = [ctx.uses(load("cifar10", split)) for split in ("train", "test")]
    (x, y), held_out = ((torch.from_numpy(p.x), torch.from_numpy(p.y)) for p in parts)
    mean, std = x.mean((0, 2, 3), keepdim=True), x.std((0, 2, 3), keepdim=True)
    drawn = _cut((x - mean) / std, y, (0, validation), ctx)
    test_x, test_y = (held_out[0] - mean) / std, held_out[1]
    return Images(drawn.train, drawn.validation, (test_x.to(ctx.device), test_y.to(ctx.device)))


class Classification:
    """Cross-entropy that does not depend on the condition: a network drawn at random by it.

    Args:
        primary: Network.
        images: Images.
        conditions: Conditions of the evaluation, conditions x d.
        shared: Whether each condition is evaluated on every image, or on its share of them.
    """

    def __init__(
        self, primary: Primary, images: Images, conditions: Tensor, *, shared: bool
    ) -> None:
        self.primary = primary
        self.images = images
        self.conditions = conditions
        self.shared = shared
        self.d = conditions.shape[1]
        self.size = len(images.train[1])

    def loss(self, model: nn.Module, index: Tensor, gamma: Tensor) -> Tensor:
        """Mean cross-entropy."""
        x, y = self.images.train
        return functional.cross_entropy(model(x[index], gamma), y[index])

    @torch.no_grad()
    def score(self, model: nn.Module, split: str) -> float:
        """Accuracy over all conditions."""
        x, y = self.images.split(split)
        count = len(self.conditions)
        parts = zip(
            self.conditions,
            [x] * count if self.shared else x.chunk(count),
            [y] * count if self.shared else y.chunk(count),
            strict=True,
        )
        right = [(model(images, gamma).argmax(1) == classes) for gamma, images, classes in parts]
        return float(torch.cat(right).double().mean())


@dataclass(frozen=True)
class Pairs:
    """Pairs of images of one class: what is moved, and what it is moved to."""

    train: Tensor
    validation: Tensor
    test: Tensor


class Registration:
    """``(1 - g) MSE + g smoothness`` of the displacement that aligns the pairs.

    Args:
        primary: Network.
        pairs: Pairs, N x 2 x H x W.
        conditions: Trade-offs of the evaluation.
        only: A trade-off that is trained with alone, in place of the sampled one.
    """

    d = 1

    def __init__(
        self,
        primary: Primary,
        pairs: Pairs,
        conditions: Sequence[float] = TRADE_OFFS,
        only: float | None = None,
    ) -> None:
        self.primary = primary
        self.pairs = pairs
        self.conditions = [float(c) for c in conditions]
        self.only = only
        self.size = len(pairs.train)

    def loss(self, model: nn.Module, index: Tensor, gamma: Tensor) -> Tensor:
        """Mean loss over pairs."""
        weight = gamma[0] if self.only is None else gamma.new_tensor(self.only)
        return self._loss(model, self.pairs.train[index], gamma, weight)

    @torch.no_grad()
    def score(self, model: nn.Module, split: str) -> float:
        """Mean loss over conditions, negated."""
        pairs = self.pairs.validation if split == "validation" else self.pairs.test
        conditions = self.conditions if self.only is None else [self.only]
        losses = [
            self._loss(model, pairs, pairs.new_tensor([c]), pairs.new_tensor(c)) for c in conditions
        ]
        return -float(torch.stack(losses).mean())

    @torch.no_grad()
    def folding(self, model: nn.Module, condition: float) -> float:
        """Share of pixels of the test pairs at which the mapping folds, ``det J < 0``."""
        flow = model(self.pairs.test, self.pairs.test.new_tensor([condition]))
        across = flow[..., :-1, 1:] - flow[..., :-1, :-1]
        down = flow[..., 1:, :-1] - flow[..., :-1, :-1]
        determinant = (1 + across[:, 0]) * (1 + down[:, 1]) - across[:, 1] * down[:, 0]
        return float((determinant < 0).double().mean())

    def _loss(self, model: nn.Module, pairs: Tensor, gamma: Tensor, weight: Tensor) -> Tensor:
        flow = model(pairs, gamma)
        moved = warp(pairs[:, :1], flow)
        similarity = functional.mse_loss(moved, pairs[:, 1:])
        return (1 - weight) * similarity + weight * smoothness(flow)


def warp(images: Tensor, flow: Tensor) -> Tensor:
    """Images read at ``position + flow``, bilinearly; flow in pixels along columns and rows."""
    height, width = images.shape[2:]
    rows = torch.arange(height, device=images.device)[:, None]
    columns = torch.arange(width, device=images.device)
    x = (columns + flow[:, 0]) * (2 / (width - 1)) - 1
    y = (rows + flow[:, 1]) * (2 / (height - 1)) - 1
    return functional.grid_sample(
        images, torch.stack([x, y], -1), padding_mode="border", align_corners=True
    )


def smoothness(flow: Tensor) -> Tensor:
    """Mean squared length of the displacement's gradient."""
    across = flow[..., :-1, 1:] - flow[..., :-1, :-1]
    down = flow[..., 1:, :-1] - flow[..., :-1, :-1]
    return (across.square() + down.square()).sum(1).mean()


def pairs_of(images: Images, ctx: Context, validation: int, test: int) -> Pairs:
    """Each image beside another one of its class; so many pairs to validate and to test."""

    def pair(x: Tensor, y: Tensor) -> Tensor:
        generator = _generator(ctx)
        fixed = torch.empty_like(x)
        for c in y.unique():
            members = (y == c).nonzero().flatten()
            order = members[torch.randperm(len(members), generator=generator).to(members.device)]
            fixed[order] = x[order.roll(1)]
        return torch.cat([x, fixed], 1)

    held_out = pair(*images.validation)[:validation], pair(*images.test)[:test]
    return Pairs(pair(*images.train), *held_out)


def _small(x: Tensor) -> Tensor:
    return functional.avg_pool2d(functional.pad(x, (2, 2, 2, 2)), 2)


def _cut(x: Tensor, y: Tensor, held_out: tuple[int, int], ctx: Context) -> Images:
    """Test and validation images of those sizes, and the rest, drawn with the trial's seed."""
    order = torch.randperm(len(y), generator=_generator(ctx))
    test, validation, train = order.split([*held_out, len(y) - sum(held_out)])
    device = ctx.device
    parts = ((x[i].to(device), y[i].to(device)) for i in (train, validation, test))
    return Images(*parts)


def _generator(ctx: Context) -> torch.Generator:
    return torch.Generator().manual_seed(ctx.seed)
