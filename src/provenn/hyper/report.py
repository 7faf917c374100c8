"""Whether a hypernetwork's weights and gradients depend on the magnitude of its input."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from provenn.checks import check_integer
from provenn.hyper.network import HyperNetwork

Loss = Callable[..., Tensor]

SPREAD = 3.0
"""Largest over smallest norm from which on a report calls the weights dependent on the input."""


@dataclass(frozen=True)
class MagnitudeReport:
    """What a hypernetwork predicts along its domain.

    Args:
        gamma: Conditions, shape ``(grid, d)``.
        weight_norm: Norm of all predicted parameters together, shape ``(grid,)``.
        change_norm: Norm of the predicted change ``theta(g) - theta0``, shape ``(grid,)``.
        std: Root mean square of each predicted parameter by name, shape ``(grid,)``.
        gradient_norm: Norm of the loss's gradient by every trainable parameter, shape ``(grid,)``;
            ``None`` if no loss was given.
    """

    gamma: Tensor
    weight_norm: Tensor
    change_norm: Tensor
    std: Mapping[str, Tensor]
    gradient_norm: Tensor | None = None

    @property
    def spread(self) -> float:
        """Largest norm of the predicted parameters over the smallest; 1 is invariant."""
        return _spread(self.weight_norm)

    @property
    def gradient_variation(self) -> float:
        """Standard deviation of the gradient's norm over its mean; NaN if no loss was given."""
        if self.gradient_norm is None:
            return math.nan
        return float(self.gradient_norm.std() / self.gradient_norm.mean())

    def __str__(self) -> str:
        lines = [f"{'gamma':>10}  {'|theta|':>10}  {'|change|':>10}"]
        if self.gradient_norm is not None:
            lines[0] += f"  {'|gradient|':>10}"
        at = self.gamma[:, 0] if self.gamma.shape[1] == 1 else self.gamma.norm(dim=1)
        for i, value in enumerate(at.tolist()):
            row = [value, float(self.weight_norm[i]), float(self.change_norm[i])]
            if self.gradient_norm is not None:
                row.append(float(self.gradient_norm[i]))
            lines.append("  ".join(f"{number:10.4g}" for number in row))
        return "\n".join([*lines, self._verdict()])

    def _verdict(self) -> str:
        spread = f"{self.spread:.3g}" if math.isfinite(self.spread) else "infinitely many"
        if self.spread < SPREAD:
            return f"The norm of the predicted weights varies by a factor of {spread}."
        return (
            f"The norm of the predicted weights varies by a factor of {spread} over the domain: "
            "the input's magnitude sets theirs. "
            "HyperNetwork(..., encoding='circle', residual=True) takes that away."
        )


def magnitude_report(
    hyper: HyperNetwork,
    grid: int = 11,
    *,
    loss: Loss | None = None,
    generator: torch.Generator | None = None,
) -> MagnitudeReport:
    """Norms of predicted weights, and of gradients, along the domain of the condition.

    A single bounded number is spaced evenly over its interval. Otherwise ``grid`` conditions are
    drawn from the domain and ordered by their norm: a diagonal through a cube is nowhere near most
    of it.

    Args:
        hyper: Hypernetwork.
        grid: Number of conditions.
        loss: Called as ``loss(theta, **inputs)`` with predicted parameters and the condition;
            returns the scalar whose gradient is measured.
        generator: Source of randomness; PyTorch's own if not given.

    Returns:
        The report; its text is a table with a sentence of diagnosis.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If ``grid`` is less than 2, or the loss is no scalar.

    Example:
        >>> primary = torch.nn.Linear(4, 3)
        >>> plain = HyperNetwork(primary, {"lam": 1}, encoding="none", residual=False)
        >>> norms = magnitude_report(plain, grid=3).weight_norm
        >>> float(norms[2] / norms[1])  # twice the input, twice the weights
        2.0
    """
    if not isinstance(hyper, HyperNetwork):
        raise TypeError(f"hyper must be a HyperNetwork, got {type(hyper).__name__}")
    check_integer("grid", grid)
    if grid < 2:
        raise ValueError(f"grid must be at least 2, got {grid}")
    if loss is not None and not callable(loss):
        raise TypeError(f"loss must be a function or None, got {loss!r:.80}")
    conditions = _conditions(hyper, grid, generator)
    columns: dict[str, list[float]] = {"theta": [], "change": [], "gradient": []}
    std: dict[str, list[float]] = {name: [] for name in hyper.shapes}
    for i in range(grid):
        inputs = {name: value[i] for name, value in conditions.items()}
        theta = hyper(**inputs)
        base = hyper.theta0
        columns["theta"].append(_norm(theta.values()))
        columns["change"].append(_norm([theta[name] - base[name] for name in theta]))
        for name, value in theta.items():
            std[name].append(float(value.detach().square().mean().sqrt()))
        if loss is not None:
            columns["gradient"].append(_gradient_norm(hyper, loss(theta, **inputs)))
    return MagnitudeReport(
        gamma=torch.cat(list(conditions.values()), dim=1),
        weight_norm=torch.tensor(columns["theta"]),
        change_norm=torch.tensor(columns["change"]),
        std={name: torch.tensor(values) for name, values in std.items()},
        gradient_norm=torch.tensor(columns["gradient"]) if loss is not None else None,
    )


def _conditions(
    hyper: HyperNetwork, grid: int, generator: torch.Generator | None
) -> dict[str, Tensor]:
    (name, first), *others = hyper.inputs.items()
    like = hyper.output.weight
    if not others and first.size == 1 and first.law is None:
        line = torch.linspace(first.lo, first.hi, grid, device=like.device, dtype=like.dtype)
        return {name: line.unsqueeze(1)}
    drawn = hyper.sample_inputs(grid, generator=generator)
    order = torch.cat(list(drawn.values()), dim=1).norm(dim=1).argsort()
    return {name: values[order] for name, values in drawn.items()}


def _gradient_norm(hyper: HyperNetwork, loss: object) -> float:
    if not isinstance(loss, Tensor) or loss.ndim != 0:
        shape = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
        raise ValueError(f"loss must return a tensor without axes, got {shape}")
    parameters = [p for p in hyper.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    return _norm([g for g in gradients if g is not None])


def _norm(tensors: object) -> float:
    """Euclidean norm of several tensors together."""
    parts = [t.detach().flatten() for t in tensors]  # type: ignore[attr-defined]
    return float(torch.cat(parts).norm())


def _spread(norms: Tensor) -> float:
    low, high = float(norms.min()), float(norms.max())
    return high / low if low > 0 else math.inf
