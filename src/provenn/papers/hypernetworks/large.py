"""What takes a GPU: hyperparameters of a CIFAR-10 network as the condition, and a deep network."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from provenn.evidence.metrics import Metrics
from provenn.evidence.page import Context
from provenn.papers.hypernetworks.methods import (
    Conditioned,
    Method,
    Official,
    Unconditioned,
    parameter_count,
)
from provenn.papers.hypernetworks.networks import CIFAR, VGG, Primary
from provenn.papers.hypernetworks.problems import Images
from provenn.papers.hypernetworks.training import Recipe, best_of, train

FIXED = ((0.1, 0.1, 0.1), (0.5, 0.5, 0.5), (0.9, 0.9, 0.9))
"""Conditions at which ordinary networks are trained."""


class Hyperparameters:
    """Classification whose weight decay, dropout and label smoothing are the condition.

    Weight decay runs from 1e-6 to 1e-2 on a logarithmic scale, dropout of the last features from 0
    to 0.5, label smoothing from 0 to 0.3. Training images are shifted and mirrored at random.

    Args:
        primary: Network.
        images: Images.
        conditions: Conditions of the evaluation, conditions x 3.
        fixed: Whether training meets these conditions alone, in place of sampled ones.
    """

    d = 3

    def __init__(
        self, primary: Primary, images: Images, conditions: Tensor, *, fixed: bool = False
    ) -> None:
        self.primary = primary
        self.images = images
        self.conditions = conditions
        self.fixed = fixed
        self.size = len(images.train[1])

    def loss(self, model: nn.Module, index: Tensor, gamma: Tensor) -> Tensor:
        """Cross-entropy with smoothed labels, plus half the weight decay of all weights."""
        if self.fixed:
            gamma = self.conditions[0]
        x, y = self.images.train
        images = _augmented(x[index])
        scores, weights = _forward(model, images, gamma, 0.5 * gamma[1])
        log_p = scores.log_softmax(1)
        right = functional.nll_loss(log_p, y[index])
        smooth = 0.3 * gamma[2]
        entropy = (1 - smooth) * right - smooth * log_p.mean()
        decay = 10.0 ** (4 * gamma[0] - 6)
        return entropy + 0.5 * decay * sum((w.square().sum() for w in weights), gamma.new_zeros(()))

    @torch.no_grad()
    def score(self, model: nn.Module, split: str) -> float:
        """Accuracy over all conditions."""
        return float(np.mean(self.scores(model, split)))

    @torch.no_grad()
    def scores(self, model: nn.Module, split: str) -> list[float]:
        """Accuracy under each condition."""
        x, y = self.images.split(split)
        found = []
        for gamma in self.conditions:
            right = [
                (model(images, gamma).argmax(1) == classes)
                for images, classes in zip(x.split(1000), y.split(1000), strict=True)
            ]
            found.append(float(torch.cat(right).double().mean()))
        return found


def hyperparameters(
    method: Method, images: Images, ctx: Context, *, steps: int, rates: Sequence[float]
) -> Metrics:
    """A residual network on CIFAR-10, its convolutions predicted.

    Returns:
        One competitor: ``accuracy_cifar``, the mean over fresh conditions, and
        ``fixed_accuracy_cifar``, the mean over those at which ordinary networks are trained.
    """
    generator = torch.Generator().manual_seed(ctx.seed + 1)
    fresh = torch.rand(8, 3, generator=generator).to(ctx.device)
    fixed = torch.tensor(FIXED, device=ctx.device)
    at_fixed = Hyperparameters(CIFAR, images, fixed)
    marks = (steps // 2, steps)
    build = partial(method.build, CIFAR, 3)
    ordinary = method.name == "ordinary"
    tasks = [Hyperparameters(CIFAR, images, f[None], fixed=True) for f in fixed]
    quality: dict[str, float] = {}
    with ctx.measure() as meter:
        found = []
        for task in tasks if ordinary else [Hyperparameters(CIFAR, images, fresh)]:
            courses = [
                train(build, task, _recipe(rate, steps, marks), ctx.seed, ctx.device)
                for rate in rates
            ]
            found.append(courses[best_of(courses, marks)[0]])
        if ordinary:
            quality["fixed_accuracy_cifar"] = float(np.mean([c.test[-1] for c in found]))
        else:
            quality["accuracy_cifar"] = found[0].test[-1]
            quality["fixed_accuracy_cifar"] = at_fixed.score(found[0].model, "test")
    cost = meter.cost(
        parameters=sum(parameter_count(course.model) for course in found),
        flops=float("nan"),
        tuning_trials=len(rates),
    )
    return Metrics(competitors=[method.competitor(quality, cost)])


def deep(
    method: Method, images: Images, ctx: Context, *, steps: int, rates: Sequence[float]
) -> Metrics:
    """VGG-19 without skips on CIFAR-10, predicted as a whole.

    Returns:
        One competitor with ``accuracy_vgg``.
    """
    conditions = torch.rand(4, 3, generator=torch.Generator().manual_seed(ctx.seed + 1))
    task = Hyperparameters(VGG, images, conditions.to(ctx.device))
    marks = (steps // 2, steps)
    build = partial(method.build, VGG, 3)
    with ctx.measure() as meter:
        courses = [
            train(build, task, _recipe(rate, steps, marks), ctx.seed, ctx.device) for rate in rates
        ]
        best = courses[best_of(courses, marks)[0]]
    cost = meter.cost(
        parameters=parameter_count(best.model), flops=float("nan"), tuning_trials=len(rates)
    )
    return Metrics(competitors=[method.competitor({"accuracy_vgg": best.test[-1]}, cost)])


def _forward(
    model: nn.Module, images: Tensor, gamma: Tensor, dropout: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """Scores, and the weights that weight decay acts on."""
    if isinstance(model, Conditioned):
        theta = model.hyper(gamma=gamma)
        scores = functional_call(model.hyper.primary, theta, (images, dropout))
        return scores, [w for w in theta.values() if w.ndim > 1]
    if isinstance(model, Unconditioned):
        scores = model(images, gamma, dropout)
        return scores, [w for w in model.parameters() if w.ndim > 1]
    if isinstance(model, Official):
        theta = model.hyper(gamma=gamma)
        with model.primary.using_externals(theta):
            return model.primary(images, dropout), [w for w in theta.values() if w.ndim > 1]
    raise TypeError(f"model must be conditioned or ordinary, got {type(model).__name__}")


def _augmented(images: Tensor) -> Tensor:
    """Images shifted by up to four pixels and mirrored, the same for a whole batch."""
    down, across, mirror = torch.randint(9, (3,)).tolist()
    size = images.shape[-1]
    padded = functional.pad(images, (4, 4, 4, 4))[..., down : down + size, across : across + size]
    return padded.flip(-1) if mirror % 2 else padded


def _recipe(rate: float, steps: int, marks: tuple[int, ...]) -> Recipe:
    return Recipe(optimizer="adam", lr=rate, steps=steps, marks=marks, batch_size=128)
