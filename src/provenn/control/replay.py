"""Memory of what a plant did."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from provenn.checks import check_integer

FIRST_CAPACITY = 4096


class Transitions(NamedTuple):
    """Steps of a plant, one a row.

    Args:
        state: Where it was, ``(batch, state_dim)``.
        u: The input, ``(batch, n_inputs)``.
        cost: Cost of the step, ``(batch,)``.
        after: Where it went, ``(batch, state_dim)``.
        done: 1 where the episode ended there and then, else 0, ``(batch,)``.
    """

    state: Tensor
    u: Tensor
    cost: Tensor
    after: Tensor
    done: Tensor


class ReplayBuffer:
    """Transitions, drawn uniformly with replacement. It grows, up to a capacity.

    Args:
        state_dim: Size of a state.
        n_inputs: Size of an input.
        capacity: Largest number of transitions, beyond which the oldest are forgotten; ``None``
            for no limit.
        device: Where they are kept.
        dtype: As what.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a size is less than 1.

    Example:
        >>> buffer = ReplayBuffer(2, 1)
        >>> buffer.add(torch.zeros(2), torch.ones(1), 0.5, torch.ones(2), done=False)
        >>> buffer.sample(4, torch.Generator()).state.shape
        torch.Size([4, 2])
    """

    def __init__(
        self,
        state_dim: int,
        n_inputs: int,
        capacity: int | None = None,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        self.state_dim = check_integer("state_dim", state_dim)
        self.n_inputs = check_integer("n_inputs", n_inputs)
        self.capacity = None if capacity is None else check_integer("capacity", capacity)
        first = FIRST_CAPACITY if capacity is None else min(capacity, FIRST_CAPACITY)
        self._sizes = (state_dim, n_inputs, 1, state_dim, 1)
        self._rows = torch.zeros(first, sum(self._sizes), device=device, dtype=dtype)
        self._added = 0

    def __len__(self) -> int:
        return min(self._added, len(self._rows))

    def add(
        self,
        state: Float[Tensor, " state_dim"],
        u: Float[Tensor, " n_inputs"],
        cost: float,
        after: Float[Tensor, " state_dim"],
        done: bool,
    ) -> None:
        """Remember a step.

        Args:
            state: Where the plant was.
            u: The input.
            cost: Cost of the step.
            after: Where it went.
            done: Whether the episode ended there, so that no cost follows.

        Raises:
            TypeError: If a state or input is no tensor.
            ValueError: If a size differs.
        """
        for name, value, size in (
            ("state", state, self.state_dim),
            ("u", u, self.n_inputs),
            ("after", after, self.state_dim),
        ):
            if not isinstance(value, Tensor):
                raise TypeError(f"{name} must be a tensor, got {type(value).__name__}")
            if value.shape != (size,):
                raise ValueError(f"{name} must have shape ({size},), got {tuple(value.shape)}")
        if self._added == len(self._rows) and len(self._rows) != self.capacity:
            self._grow()
        rest = self._rows.new_tensor([float(cost), float(done)])
        row = torch.cat([state, u, rest[:1], after, rest[1:]])
        self._rows[self._added % len(self._rows)] = row
        self._added += 1

    def sample(self, count: int, generator: torch.Generator) -> Transitions:
        """Draw transitions.

        Args:
            count: How many.
            generator: Source of randomness, on the CPU.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If ``count`` is less than 1, or nothing was added yet.
        """
        check_integer("count", count)
        if not isinstance(generator, torch.Generator):
            raise TypeError(f"generator must be a torch.Generator, got {type(generator).__name__}")
        if not len(self):
            raise ValueError("the buffer must hold at least one transition, got none: add() some")
        index = torch.randint(len(self), (count,), generator=generator).to(self._rows.device)
        state, u, cost, after, done = self._rows[index].split(self._sizes, 1)
        return Transitions(state, u, cost.squeeze(1), after, done.squeeze(1))

    def _grow(self) -> None:
        size = 2 * len(self._rows)
        if self.capacity is not None:
            size = min(size, self.capacity)
        more = self._rows.new_zeros(size - len(self._rows), self._rows.shape[1])
        self._rows = torch.cat([self._rows, more])
