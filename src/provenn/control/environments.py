"""Gymnasium environments of the plants; this module needs ``gymnasium``.

``import provenn.control`` registers ``provenn/ClippedPendulum-v0`` and ``provenn/Reactor-v0`` where
Gymnasium is installed. Observations are the states that laws read; ``observe="features"`` gives
what an ordinary network reads best.
"""

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from provenn.control.simulation.drawing import as_image, plot_trajectories
from provenn.control.simulation.episodes import Observe, PlantEpisodes
from provenn.control.simulation.plant import Plant

Observation = NDArray[np.float32]
Action = NDArray[np.float32]


class PlantEnvironment(gymnasium.Env[Observation, Action]):
    """A plant as an environment: the reward is the negative stage cost.

    An episode is ``terminated`` by a broken limit, and ``truncated`` after ``plant.steps`` steps.

    Args:
        plant: The plant.
        observe: ``"state"`` or ``"features"``.
        render_mode: ``"rgb_array"`` for pictures of the trajectory so far, or ``None``.

    Raises:
        TypeError: If ``plant`` is no plant.
        ValueError: If an argument is another word.

    Example:
        >>> import gymnasium
        >>> import provenn.control
        >>> env = gymnasium.make("provenn/ClippedPendulum-v0")
        >>> env.observation_space.shape, env.action_space.shape
        ((2,), (1,))
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012

    def __init__(
        self, plant: Plant, observe: Observe = "state", render_mode: str | None = None
    ) -> None:
        self.episodes = PlantEpisodes(plant, observe)
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode must be 'rgb_array' or None, got {render_mode!r}")
        self.render_mode = render_mode
        low, high = (np.array(bound, np.float32) for bound in plant.u_bounds)
        self.action_space = gymnasium.spaces.Box(low, high, dtype=np.float32)
        size = plant.state_dim if observe == "state" else plant.n_features
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (size,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode; ``options`` are not used."""
        super().reset(seed=seed)
        fresh = int(self.np_random.integers(2**31))
        observation, info = self.episodes.reset(seed=fresh)
        return observation.astype(np.float32), info

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Advance the plant by one step."""
        observation, reward, terminated, truncated, info = self.episodes.step(action)
        return observation.astype(np.float32), reward, terminated, truncated, info

    def render(self) -> NDArray[np.uint8] | None:
        """A picture of the episode so far, ``(height, width, 3)``; ``None`` without a mode."""
        if self.render_mode is None:
            return None
        figure = plot_trajectories(self.episodes.plant, self.episodes.trajectory())
        return as_image(figure)
