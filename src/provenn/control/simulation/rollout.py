"""Runs of a policy on many copies of a plant at once."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from provenn.checks import check_integer
from provenn.control.simulation.plant import Plant

Policy = Callable[[Tensor], Tensor]
"""From states ``(batch, state_dim)`` to inputs ``(batch, n_inputs)``."""


@dataclass(frozen=True)
class Trajectories:
    """What several copies of a plant did under a policy.

    Args:
        states: Visited states, ``(batch, steps + 1, state_dim)``; after a failure the last one.
        inputs: Inputs, ``(batch, steps, n_inputs)``; zero after a failure.
        costs: Costs of the steps, ``(batch, steps)``; zero after a failure.
        failed: Whether a limit was broken, ``(batch,)``.
    """

    states: Float[Tensor, "batch instants state_dim"]
    inputs: Float[Tensor, "batch steps n_inputs"]
    costs: Float[Tensor, "batch steps"]
    failed: Bool[Tensor, " batch"]

    @property
    def total(self) -> Float[Tensor, " batch"]:
        """Cost of each episode."""
        return self.costs.sum(-1)


@torch.no_grad()
def rollout(
    plant: Plant, policy: Policy, starts: Float[Tensor, "batch state_dim"], steps: int | None = None
) -> Trajectories:
    """Run a policy from several starts at once.

    Args:
        plant: The plant.
        policy: From states ``(batch, state_dim)`` to inputs ``(batch, n_inputs)``.
        starts: First states, ``(batch, state_dim)``.
        steps: Length of the episodes; the plant's own if ``None``.

    Returns:
        The trajectories, in the dtype of ``starts``.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If ``starts`` is not ``(batch, state_dim)`` and finite, ``steps`` is less than
            1, or the policy returns something else than ``(batch, n_inputs)``.

    Example:
        >>> from provenn.control import ClippedPendulum
        >>> plant = ClippedPendulum()
        >>> starts = plant.starts(4, torch.Generator().manual_seed(0))
        >>> rollout(plant, lambda s: -s[:, :1], starts, steps=20).states.shape
        torch.Size([4, 21, 2])
    """
    length = _check_rollout(plant, policy, starts, steps)
    state, alive = starts, torch.ones(len(starts), dtype=torch.bool, device=starts.device)
    states, inputs, costs = [state], [], []
    for _ in range(length):
        u = policy(state)
        if not isinstance(u, Tensor) or u.shape != (len(state), plant.n_inputs):
            given = tuple(u.shape) if isinstance(u, Tensor) else type(u).__name__
            raise ValueError(
                f"policy must return inputs of shape ({len(state)}, {plant.n_inputs}), got {given}"
            )
        u = torch.where(alive[:, None], u.to(state.dtype), 0.0)
        step = plant.step(state, u)
        costs.append(torch.where(alive, step.cost, 0.0))
        state = torch.where(alive[:, None], step.state, state)
        alive = alive & ~step.failed
        states.append(state)
        inputs.append(u)
    return Trajectories(
        torch.stack(states, 1), torch.stack(inputs, 1), torch.stack(costs, 1), ~alive
    )


def check_plant(plant: object) -> None:
    """Refuse anything that cannot be simulated.

    Raises:
        TypeError: If it lacks something that plants have.
    """
    if isinstance(plant, type) or not isinstance(plant, Plant):
        raise TypeError(f"plant must be a plant such as ClippedPendulum(), got {plant!r:.60}")


def _check_rollout(plant: Plant, policy: object, starts: object, steps: object) -> int:
    check_plant(plant)
    if not callable(policy):
        raise TypeError(f"policy must be a function of states, got {type(policy).__name__}")
    if not isinstance(starts, Tensor) or not starts.is_floating_point():
        given = starts.dtype if isinstance(starts, Tensor) else type(starts).__name__
        raise TypeError(f"starts must be a floating-point tensor, got {given}")
    if starts.ndim != 2 or not len(starts) or starts.shape[1] != plant.state_dim:
        raise ValueError(
            f"starts must be of shape (batch, {plant.state_dim}) with at least one row, got "
            f"{tuple(starts.shape)}"
        )
    if not bool(starts.isfinite().all()):
        raise ValueError("starts must be finite, got NaN or infinity in it")
    return plant.steps if steps is None else check_integer("steps", steps)
