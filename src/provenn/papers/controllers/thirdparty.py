"""Agents of stable-baselines3 on the plants."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from provenn.papers.controllers.entrants import GAMMA, Task

Algorithm = Literal["td3", "sac"]
LABELS = {"td3": "TD3 (stable-baselines3)", "sac": "SAC (stable-baselines3)"}


class StableAgent:
    """TD3 or SAC with the settings that RL Zoo recommends for Pendulum-v1, where they fit.

    Args:
        algorithm: ``"td3"`` or ``"sac"``.
        task: The plant.
        seed: Seed of everything.
        device: Where it learns.
    """

    def __init__(self, algorithm: Algorithm, task: Task, seed: int, device: torch.device) -> None:
        from stable_baselines3 import SAC, TD3
        from stable_baselines3.common.noise import NormalActionNoise

        self.plant = task.plant
        self.env = _watched(task)
        m = task.plant.n_inputs
        shared: dict[str, Any] = {
            "learning_rate": 1e-3, "gamma": GAMMA, "learning_starts": 100, "seed": seed,
            "device": device,
        }  # fmt: skip
        if algorithm == "td3":
            noise = NormalActionNoise(np.zeros(m), 0.1 * np.ones(m))
            self.model: Any = TD3("MlpPolicy", self.env, action_noise=noise, **shared)
        else:
            self.model = SAC("MlpPolicy", self.env, **shared)

    def learn(self, episodes: int, callback: Callable[[int], None]) -> tuple[float, int]:
        """Learn for as many steps as these episodes have.

        Args:
            episodes: How many.
            callback: Called with the number of episodes' worth of steps that are done.

        Returns:
            Cost of all steps, and how often a limit was broken.
        """
        from stable_baselines3.common.callbacks import BaseCallback

        steps = self.plant.steps

        class Watch(BaseCallback):
            def _on_step(self) -> bool:
                if self.num_timesteps % steps == 0:
                    callback(self.num_timesteps // steps)
                return True

        self.model.learn(episodes * steps, callback=Watch())
        return self.env.cost, self.env.failures

    def predict(self, state: Tensor) -> Tensor:
        """Inputs without noise for states of the plant."""
        seen = self.plant.features(state).cpu().numpy().astype(np.float32)
        inputs, _ = self.model.predict(seen, deterministic=True)
        return torch.from_numpy(np.asarray(inputs, dtype=np.float64))

    @property
    def parameters(self) -> int:
        """Scalars of the actor."""
        return sum(p.numel() for p in self.model.actor.parameters())


def _watched(task: Task) -> Any:
    """The task's environment, which adds up costs and failures and scales rewards."""
    from provenn.control.environments import PlantEnvironment

    class Watched(PlantEnvironment):
        cost, failures = 0.0, 0

        def step(self, action: Any) -> Any:
            observation, reward, terminated, truncated, info = super().step(action)
            self.cost -= reward
            self.failures += terminated
            return observation, task.reward_scale * reward, terminated, truncated, info

    return Watched(task.plant, observe="features")
