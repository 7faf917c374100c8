"""What a plant is: a simulator of many copies at once, its linear model and its limits."""

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from provenn.checks import check_integer, check_number

Bounds = tuple[tuple[float, ...], tuple[float, ...]]


class Step(NamedTuple):
    """One step of every copy of a plant.

    Args:
        state: The next states, ``(*batch, state_dim)``.
        cost: Cost of the step, ``(*batch,)``.
        failed: Whether the copy broke a limit that ends its episode, ``(*batch,)``.
    """

    state: Tensor
    cost: Tensor
    failed: Tensor


@runtime_checkable
class Plant(Protocol):
    """A plant with a stage cost. States are deviations from where it is to be held."""

    @property
    def state_dim(self) -> int:
        """Size of a state."""

    @property
    def n_inputs(self) -> int:
        """Size of an input."""

    @property
    def n_features(self) -> int:
        """Size of :meth:`features`."""

    @property
    def steps(self) -> int:
        """Steps of an episode."""

    @property
    def dt(self) -> float:
        """Length of a step."""

    @property
    def time_unit(self) -> str:
        """Its unit."""

    @property
    def state_names(self) -> tuple[str, ...]:
        """What a picture calls the states."""

    @property
    def input_names(self) -> tuple[str, ...]:
        """What a picture calls the inputs."""

    @property
    def x_bounds(self) -> Bounds:
        """Box of states in which the linear model is used."""

    @property
    def u_bounds(self) -> Bounds:
        """Least and largest inputs; the simulator clips to them."""

    @property
    def state_weight(self) -> Float64[np.ndarray, "state_dim state_dim"]:
        """State weight of the stage cost near the origin."""

    @property
    def input_weight(self) -> Float64[np.ndarray, "n_inputs n_inputs"]:
        """Input weight of the stage cost."""

    def step(self, state: Float[Tensor, "*batch n"], u: Float[Tensor, "*batch m"]) -> Step:
        """Advance every copy by one step. The cost is of the state before the step."""

    def features(self, state: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch f"]:
        """The state as an ordinary network reads it best."""

    def starts(self, count: int, generator: torch.Generator) -> Float64[Tensor, "count n"]:
        """Random states at which episodes begin."""

    def linear_model(
        self,
    ) -> tuple[Float64[np.ndarray, "n n"], Float64[np.ndarray, "n m"]]:
        """Matrices ``A`` and ``B`` of ``s⁺ = A s + B u`` around the origin."""


def uniform(
    low: tuple[float, ...], high: tuple[float, ...], count: int, generator: torch.Generator
) -> Float64[Tensor, "count n"]:
    """Points drawn uniformly from a box."""
    check_integer("count", count)
    if not isinstance(generator, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator, got {type(generator).__name__}")
    least, most = (torch.tensor(corner, dtype=torch.float64) for corner in (low, high))
    unit = torch.rand(count, len(low), generator=generator, dtype=torch.float64)
    return least + (most - least) * unit


def check_copies(plant: Plant, state: Tensor, u: Tensor) -> None:
    """Refuse anything but floating-point states and inputs of the same batch.

    Raises:
        TypeError: If one is no floating-point tensor.
        ValueError: If their shapes do not fit the plant or each other.
    """
    for name, value, size in (("state", state, plant.state_dim), ("u", u, plant.n_inputs)):
        if not isinstance(value, Tensor) or not value.is_floating_point():
            given = value.dtype if isinstance(value, Tensor) else type(value).__name__
            raise TypeError(f"{name} must be a floating-point tensor, got {given}")
        if value.ndim < 1 or value.shape[-1] != size:
            raise ValueError(
                f"{name} must have size {size} along its last dimension, got shape "
                f"{tuple(value.shape)}"
            )
    if state.shape[:-1] != u.shape[:-1]:
        raise ValueError(
            f"u must have the batch shape of state {tuple(state.shape[:-1])}, got "
            f"{tuple(u.shape[:-1])}"
        )


def check_constants(plant: object) -> None:
    """Refuse constants of a plant that are not positive numbers.

    Raises:
        TypeError: If one is no number, or ``steps`` no integer.
        ValueError: If one is not positive and finite.
    """
    for name, value in vars(plant).items():
        if name == "steps":
            check_integer(name, value)
        else:
            check_number(name, value, above=0.0)
