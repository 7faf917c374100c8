"""Episodes of one plant, with the interface of a Gymnasium environment."""

from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from provenn.checks import check_choice, check_integer
from provenn.control.simulation.plant import Plant
from provenn.control.simulation.rollout import Trajectories, check_plant

Observe = Literal["state", "features"]


class PlantEpisodes:
    """One plant, from random starts to the end of its episodes; Gymnasium is not needed.

    ``provenn.control.environments.PlantEnvironment`` is the same as a Gymnasium environment.

    Args:
        plant: The plant.
        observe: ``"state"``, what a law reads, or ``"features"``, what an ordinary network reads
            best.

    Raises:
        TypeError: If ``plant`` is no plant.
        ValueError: If ``observe`` is another word.

    Example:
        >>> from provenn.control import ClippedPendulum
        >>> episodes = PlantEpisodes(ClippedPendulum())
        >>> observation, info = episodes.reset(seed=0)
        >>> observation, reward, terminated, truncated, info = episodes.step(np.array([0.5]))
        >>> observation.shape, terminated, truncated
        ((2,), False, False)
    """

    def __init__(self, plant: Plant, observe: Observe = "state") -> None:
        check_plant(plant)
        self.plant = plant
        self.observe = check_choice("observe", observe, get_args(Observe))
        self._generator = torch.Generator()
        self._states: list[Tensor] = []
        self._inputs: list[Tensor] = []
        self._costs: list[Tensor] = []
        self._failed = False

    def reset(self, *, seed: int | None = None) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: Seed of the starts from now on; ``None`` goes on drawing.

        Returns:
            The first observation, and nothing else.

        Raises:
            TypeError: If ``seed`` is no integer.
            ValueError: If ``seed`` is negative.
        """
        if seed is not None:
            self._generator.manual_seed(check_integer("seed", seed, least=0))
        start = self.plant.starts(1, self._generator)
        self._states, self._inputs, self._costs, self._failed = [start], [], [], False
        return self._observation(), {}

    def step(self, action: Any) -> tuple[NDArray[np.float64], float, bool, bool, dict[str, Any]]:
        """Advance the plant by one step.

        Args:
            action: The input, ``(n_inputs,)``; the plant clips it.

        Returns:
            Observation, negative cost, whether a limit was broken, whether time is up, and nothing
            else.

        Raises:
            RuntimeError: If no episode has begun.
            TypeError: If ``action`` does not hold numbers.
            ValueError: If its size differs or it is not finite.
        """
        if not self._states:
            raise RuntimeError("an episode must begin with reset() before step()")
        u = _as_input(action, self.plant.n_inputs)
        state, cost, failed = self.plant.step(self._states[-1], u)
        self._states.append(state)
        self._inputs.append(u)
        self._costs.append(cost)
        self._failed = bool(failed)
        late = len(self._inputs) >= self.plant.steps
        return self._observation(), -float(cost), self._failed, late and not self._failed, {}

    def trajectory(self) -> Trajectories:
        """The present episode so far.

        Raises:
            RuntimeError: If no step was taken yet.
        """
        if not self._inputs:
            raise RuntimeError("a trajectory needs at least one step()")
        states, inputs, costs = (
            torch.stack(part, 1) for part in (self._states, self._inputs, self._costs)
        )
        return Trajectories(states, inputs, costs, torch.tensor([self._failed]))

    def _observation(self) -> NDArray[np.float64]:
        state = self._states[-1]
        seen = self.plant.features(state) if self.observe == "features" else state
        return seen[0].numpy().astype(np.float64)


def _as_input(action: Any, size: int) -> Tensor:
    try:
        u = torch.as_tensor(np.asarray(action, dtype=np.float64))
    except (TypeError, ValueError):
        raise TypeError(f"action must hold numbers, got {action!r:.60}") from None
    if u.shape != (size,):
        raise ValueError(f"action must have shape ({size},), got {tuple(u.shape)}")
    if not bool(u.isfinite().all()):
        raise ValueError(f"action must be finite, got {u.tolist()}")
    return u.unsqueeze(0)
