"""Training under random conditions, and the choice of a learning rate on validation data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from provenn.papers.hypernetworks.problems import Problem

Optimizer = Literal["adam", "sgd"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train.

    Args:
        optimizer: ``adam``, or ``sgd`` with Nesterov momentum 0.9.
        lr: Learning rate.
        steps: Number of steps.
        marks: Steps after which the score is taken, the last one included.
        batch_size: Examples of each step.
        groups: Conditions of each step, each for an equal share of the examples.
    """

    optimizer: Optimizer
    lr: float
    steps: int
    marks: tuple[int, ...]
    batch_size: int = 64
    groups: int = 1


@dataclass
class Course:
    """What happened in training.

    Args:
        model: The trained network.
        validation: Score on validation data at each mark.
        test: Score on test data at each mark.
        gradient_norms: Norm of the gradient of each step.
    """

    model: nn.Module
    validation: list[float] = field(default_factory=list)
    test: list[float] = field(default_factory=list)
    gradient_norms: list[float] = field(default_factory=list)

    @property
    def gradient_variation(self) -> float:
        """Standard deviation of the gradient's norm over its mean."""
        norms = torch.tensor(self.gradient_norms, dtype=torch.float64)
        return float(norms.std() / norms.mean())


def train(
    build: Callable[[], nn.Module],
    problem: Problem,
    recipe: Recipe,
    seed: int,
    device: torch.device,
    *,
    splits: Sequence[str] = ("validation", "test"),
    at_mark: Callable[[nn.Module], None] = lambda _: None,
) -> Course:
    """Minimise the loss; examples and conditions are drawn alike for every method.

    Args:
        build: Makes the network; the global generator is seeded before.
        problem: What is learned.
        recipe: How.
        seed: Seed of initialisation, examples and conditions.
        device: Where the network is trained.
        splits: Splits on which scores are taken.
        at_mark: Called with the network before the first step and at each mark.
    """
    torch.manual_seed(seed)
    model = build().to(device)
    course = Course(model)
    optimizer = _optimizer(model, recipe)
    generator = torch.Generator().manual_seed(seed)
    shape = (problem.d,) if recipe.groups == 1 else (recipe.groups, problem.d)
    parameters = [p for p in model.parameters() if p.requires_grad]
    at_mark(model)
    for step in range(1, recipe.steps + 1):
        index = torch.randint(problem.size, (recipe.batch_size,), generator=generator)
        gamma = torch.rand(shape, generator=generator)
        loss = problem.loss(model, index.to(device), gamma.to(device))
        optimizer.zero_grad()
        loss.backward()
        course.gradient_norms.append(_gradient_norm(parameters))
        optimizer.step()
        if step in recipe.marks:
            model.eval()
            for split in splits:
                getattr(course, split).append(problem.score(model, split))
            at_mark(model)
            model.train()
    return course


def best_of(
    courses: Sequence[Course], marks: Sequence[int], target: float | None = None
) -> tuple[int, int]:
    """The best course by its validation scores, and the steps that it takes.

    Args:
        courses: One course a learning rate.
        marks: Steps at which scores were taken.
        target: Score to reach; the fewest steps win, the last score decides between equals. If
            ``None``, the last score decides.

    Returns:
        Index of the course, and the first mark at which its test score reaches the target: the
        last mark if it never does.
    """

    def steps(scores: Sequence[float]) -> int:
        reached = [m for m, score in zip(marks, scores, strict=True) if score >= (target or 0.0)]
        return reached[0] if target is not None and reached else marks[-1]

    def key(index: int) -> tuple[float, float]:
        validation = courses[index].validation
        return (steps(validation), -validation[-1])

    best = min(range(len(courses)), key=key)
    return best, steps(courses[best].test)


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), recipe.lr, fused=True)
    return torch.optim.SGD(model.parameters(), recipe.lr, momentum=0.9, nesterov=True, fused=True)


def _gradient_norm(parameters: Sequence[Tensor]) -> float:
    norms = [p.grad.norm() for p in parameters if p.grad is not None]
    return float(torch.stack(norms).norm())
