"""The pendulum of Gymnasium's Pendulum-v1, held upright by a motor that is too weak to lift it."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from provenn.control.plants import zero_order_hold
from provenn.control.simulation.plant import (
    Bounds,
    Step,
    check_constants,
    check_copies,
    uniform,
)


@dataclass(frozen=True)
class ClippedPendulum:
    r"""Inverted pendulum with clipped torque and speed.

    .. math::
        \dot θ ← \operatorname{clip}\bigl(\dot θ + (\tfrac{3 g}{2 l} \sin θ + \tfrac{3}{m l^2} u)\,
        Δt,\, ±8\bigr), \qquad θ ← θ + \dot θ Δt

    The state is ``(θ, dθ/dt)`` with ``θ = 0`` upright, wrapped to [-π, π); the stage cost is
    ``θ² + 0.1 (dθ/dt)² + 0.001 u²``. Beyond about 0.41 rad the motor cannot hold the pendulum: it
    has to swing round.

    Args:
        gravity: Acceleration of gravity, m/s².
        length: Length, m.
        mass: Mass, kg.
        dt: Length of a step, s.
        max_torque: Bound of the input, N m.
        max_speed: Bound of the speed, rad/s.
        steps: Steps of an episode.

    Raises:
        TypeError: If an argument is no number.
        ValueError: If an argument is not positive.

    Reference:
        Braniff and Tian, arXiv 2508.16474, section 5.1 and equation 12.

    Example:
        >>> A, B = ClippedPendulum().linear_model()
        >>> A.round(4).tolist(), B.round(4).tolist()
        ([[1.0188, 0.0503], [0.7547, 1.0188]], [[0.0038], [0.1509]])
    """

    gravity: float = 10.0
    length: float = 1.0
    mass: float = 1.0
    dt: float = 0.05
    max_torque: float = 2.0
    max_speed: float = 8.0
    steps: int = 200

    def __post_init__(self) -> None:
        check_constants(self)

    @property
    def state_dim(self) -> int:
        """Angle and speed."""
        return 2

    @property
    def n_inputs(self) -> int:
        """The torque."""
        return 1

    @property
    def time_unit(self) -> str:
        """Unit of ``dt``."""
        return "s"

    @property
    def state_names(self) -> tuple[str, ...]:
        """What a picture calls the states."""
        return ("angle (rad)", "speed (rad/s)")

    @property
    def input_names(self) -> tuple[str, ...]:
        """What a picture calls the inputs."""
        return ("torque (N m)",)

    @property
    def n_features(self) -> int:
        """Cosine, sine and speed."""
        return 3

    @property
    def x_bounds(self) -> Bounds:
        """Angles up to 2 rad and every speed."""
        return (-2.0, -self.max_speed), (2.0, self.max_speed)

    @property
    def u_bounds(self) -> Bounds:
        """Torques that the motor can give."""
        return (-self.max_torque,), (self.max_torque,)

    @property
    def state_weight(self) -> Float64[np.ndarray, "2 2"]:
        """State weight of the stage cost."""
        return np.diag([1.0, 0.1])

    @property
    def input_weight(self) -> Float64[np.ndarray, "1 1"]:
        """Input weight of the stage cost."""
        return np.array([[0.001]])

    def step(self, state: Float[Tensor, "*batch 2"], u: Float[Tensor, "*batch 1"]) -> Step:
        """Advance every copy by one step.

        Args:
            state: Angles and speeds, ``(*batch, 2)``.
            u: Torques, ``(*batch, 1)``; clipped.

        Returns:
            Next states, costs of the present ones, and no failures.

        Raises:
            TypeError: If an argument is no floating-point tensor.
            ValueError: If the shapes do not fit.
        """
        check_copies(self, state, u)
        angle, speed = state.unbind(-1)
        angle = _wrapped(angle)
        torque = u.squeeze(-1).clamp(-self.max_torque, self.max_torque)
        cost = angle**2 + 0.1 * speed**2 + 0.001 * torque**2
        push, pull = self._gains()
        speed = speed + (push * angle.sin() + pull * torque) * self.dt
        speed = speed.clamp(-self.max_speed, self.max_speed)
        angle = _wrapped(angle + speed * self.dt)
        failed = torch.zeros_like(cost, dtype=torch.bool)
        return Step(torch.stack([angle, speed], -1), cost, failed)

    def features(self, state: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
        """Cosine, sine and speed, as Pendulum-v1 shows them."""
        angle, speed = state.unbind(-1)
        return torch.stack([angle.cos(), angle.sin(), speed], -1)

    def starts(self, count: int, generator: torch.Generator) -> Float64[Tensor, "count 2"]:
        """Angles within 0.5 rad and speeds within 1 rad/s, uniformly.

        Args:
            count: How many.
            generator: Source of randomness, on the CPU.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If ``count`` is less than 1.
        """
        return uniform((-0.5, -1.0), (0.5, 1.0), count, generator)

    def linear_model(self) -> tuple[Float64[np.ndarray, "2 2"], Float64[np.ndarray, "2 1"]]:
        """Exact discretisation of the pendulum linearised upright, the torque held for a step."""
        push, pull = self._gains()
        return zero_order_hold(
            np.array([[0.0, 1.0], [push, 0.0]]), np.array([[0.0], [pull]]), self.dt
        )

    def _gains(self) -> tuple[float, float]:
        """Angular acceleration by gravity, for a unit sine, and by a unit torque."""
        return 1.5 * self.gravity / self.length, 3.0 / (self.mass * self.length**2)


def _wrapped(angle: Tensor) -> Tensor:
    """The angle in [-π, π)."""
    return torch.remainder(angle + math.pi, 2 * math.pi) - math.pi
