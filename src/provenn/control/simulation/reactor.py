"""A stirred tank with a main reaction and a runaway one that starts when it gets too hot.

The equations in the paper cannot be simulated: feeds, inlet temperature and steady state are
missing. This surrogate has the paper's reactions, limits and operating temperature, and feeds that
fit together.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor
from torch.nn import functional

from provenn.control.plants import zero_order_hold
from provenn.control.simulation.plant import (
    Bounds,
    Step,
    check_constants,
    check_copies,
    uniform,
)

GAS_CONSTANT = 8.314
LOG_FACTORS = (math.log(4.0) + 14 * math.log(10.0), 84 * math.log(10.0))
"""Logarithms of the pre-exponential factors of both reactions; the second is beyond float32."""
ENERGIES = (1.28e5, 8e5)
"""Activation energies, J/mol."""
RESIDENCE = 0.5
"""Feed rate over volume, 1/h."""
FEED = (4.3, 5.1, 3.0, 460.0)
"""Concentrations of A, B and S in the feed, mol/L, and its temperature, K."""
HEAT_CAPACITY = 3150.0
"""J/L/K."""
EFFECTS = (
    (-1.0, -1.0, 0.0, 45.6e3 / HEAT_CAPACITY),
    (0.0, 0.0, -1.0, 320e3 / HEAT_CAPACITY),
)
"""What a mole of each reaction does to the state."""
COOLANT = 373.0
"""Temperature of the coolant, K."""
SETPOINT = 475.0
"""Temperature at which the reactor is held, K."""
RANGE = (200.0, 600.0)
"""Temperatures between which reaction rates are computed; a reactor that is hotter has failed."""


@dataclass(frozen=True)
class Reactor:
    r"""Safety-critical reactor: A + B react, S decomposes and runs away, cooling holds it.

    .. math::
        \dot C_A &= D (4.3 - C_A) - k_1 C_A C_B, \quad
        \dot C_B = D (5.1 - C_B) - k_1 C_A C_B, \quad
        \dot C_S = D (3 - C_S) - k_2 C_S, \\
        \dot T &= D (460 - T) + (45600 k_1 C_A C_B + 320000 k_2 C_S)/3150 - U (T - 373)

    with ``k_i = A_i exp(-E_i / (8.314 T))``. The state is the deviation of ``(C_A, C_B, C_S, T)``
    (mol/L, K) from the steady state at 475 K, the input that of the cooling rate ``U`` (1/h). A
    step is 1/60 h by the Runge-Kutta method with 4 substeps. The stage cost is
    ``0.1 |s|² + 10 u²``; when the temperature passes the limit, 1e5 is added and the episode ends.

    Args:
        dt: Length of a step, h.
        substeps: Steps of the Runge-Kutta method in it.
        max_cooling: Bound of the input's deviation, 1/h.
        max_temperature: Temperature that ends an episode, K.
        penalty: Cost of that.
        steps: Steps of an episode.

    Raises:
        TypeError: If an argument is no number.
        ValueError: If an argument is not positive.

    Reference:
        After Braniff and Tian, arXiv 2508.16474, section 5.2; the feeds are ours.

    Example:
        >>> Reactor().linear_model()[0].round(3)[3].tolist()
        [0.975, 0.354, 0.0, 1.019]
    """

    dt: float = 1 / 60
    substeps: int = 4
    max_cooling: float = 0.19
    max_temperature: float = 480.0
    penalty: float = 1e5
    steps: int = 120

    def __post_init__(self) -> None:
        check_constants(self)

    @property
    def state_dim(self) -> int:
        """Three concentrations and the temperature."""
        return 4

    @property
    def n_inputs(self) -> int:
        """The cooling rate."""
        return 1

    @property
    def time_unit(self) -> str:
        """Unit of ``dt``."""
        return "h"

    @property
    def state_names(self) -> tuple[str, ...]:
        """What a picture calls the states."""
        return ("A (mol/L)", "B (mol/L)", "S (mol/L)", "temperature (K)")

    @property
    def input_names(self) -> tuple[str, ...]:
        """What a picture calls the inputs."""
        return ("cooling (1/h)",)

    @property
    def n_features(self) -> int:
        """The scaled state."""
        return 4

    @property
    def x_bounds(self) -> Bounds:
        """Where the linear model is used; its upper edge is the limit of the temperature."""
        return (-2.0, -2.0, -2.0, -70.0), (2.0, 2.0, 2.0, self.max_temperature - SETPOINT)

    @property
    def u_bounds(self) -> Bounds:
        """Deviations of the cooling rate that keep it positive."""
        return (-self.max_cooling,), (self.max_cooling,)

    @property
    def state_weight(self) -> Float64[np.ndarray, "4 4"]:
        """State weight of the stage cost."""
        return 0.1 * np.eye(4)

    @property
    def input_weight(self) -> Float64[np.ndarray, "1 1"]:
        """Input weight of the stage cost."""
        return np.array([[10.0]])

    @cached_property
    def steady(self) -> tuple[Float64[Tensor, " 4"], Float64[Tensor, " 1"]]:
        """State and cooling rate at which nothing changes."""
        k1, k2 = (
            math.exp(log_factor - energy / (GAS_CONSTANT * SETPOINT))
            for log_factor, energy in zip(LOG_FACTORS, ENERGIES, strict=True)
        )
        surplus = FEED[1] - FEED[0]
        half = (RESIDENCE + k1 * surplus) / (2 * k1)
        c_a = math.sqrt(half**2 + RESIDENCE * FEED[0] / k1) - half
        c_s = RESIDENCE * FEED[2] / (RESIDENCE + k2)
        state = torch.tensor([c_a, c_a + surplus, c_s, SETPOINT], dtype=torch.float64)
        heating = _rates(state, torch.zeros(1, dtype=torch.float64))[3:]
        return state, heating / (SETPOINT - COOLANT)

    def step(self, state: Float[Tensor, "*batch 4"], u: Float[Tensor, "*batch 1"]) -> Step:
        """Advance every copy by one step.

        Args:
            state: Deviations from the steady state, ``(*batch, 4)``.
            u: Deviations of the cooling rate, ``(*batch, 1)``; clipped.

        Returns:
            Next states, costs, and which reactors got too hot.

        Raises:
            TypeError: If an argument is no floating-point tensor.
            ValueError: If the shapes do not fit.
        """
        check_copies(self, state, u)
        steady, idle = (part.to(state) for part in self.steady)
        cooling = u.clamp(-self.max_cooling, self.max_cooling)
        x, h = state + steady, self.dt / self.substeps
        for _ in range(self.substeps):
            k1 = _rates(x, cooling + idle)
            k2 = _rates(x + 0.5 * h * k1, cooling + idle)
            k3 = _rates(x + 0.5 * h * k2, cooling + idle)
            k4 = _rates(x + h * k3, cooling + idle)
            x = x + (h / 6) * (k1 + 2 * (k2 + k3) + k4)
        hottest = torch.maximum(state[..., 3], x[..., 3] - SETPOINT)
        failed = ~(hottest <= self.max_temperature - SETPOINT)
        cost = 0.1 * state.square().sum(-1) + 10.0 * cooling.squeeze(-1) ** 2
        cost = cost + self.penalty * failed.to(cost.dtype)
        return Step(x - steady, cost, failed)

    def features(self, state: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 4"]:
        """The state over the half-widths of concentrations (2 mol/L) and temperature (30 K)."""
        return state / state.new_tensor([2.0, 2.0, 2.0, 30.0])

    def starts(self, count: int, generator: torch.Generator) -> Float64[Tensor, "count 4"]:
        """Too cold by up to 30 K or too hot by up to 3 K, concentrations off, uniformly.

        Args:
            count: How many.
            generator: Source of randomness, on the CPU.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If ``count`` is less than 1.
        """
        return uniform((-0.2, -0.2, -0.2, -30.0), (0.6, 0.6, 0.2, 3.0), count, generator)

    def linear_model(self) -> tuple[Float64[np.ndarray, "4 4"], Float64[np.ndarray, "4 1"]]:
        """Exact discretisation of the Jacobian at the steady state, the input held for a step."""
        state, idle = self.steady
        by_state, by_input = torch.func.jacrev(_rates, argnums=(0, 1))(state, idle)
        return zero_order_hold(by_state.numpy(), by_input.numpy(), self.dt)


def _rates(x: Float[Tensor, "*batch 4"], cooling: Float[Tensor, "*batch 1"]) -> Tensor:
    """Time derivatives of concentrations and temperature, per hour."""
    temperature = x[..., 3:].clamp(*RANGE)
    energies = x.new_tensor(ENERGIES) / GAS_CONSTANT
    constants = (x.new_tensor(LOG_FACTORS) - energies / temperature).exp()
    reactions = constants * torch.stack([x[..., 0] * x[..., 1], x[..., 2]], -1)
    change = RESIDENCE * (x.new_tensor(FEED) - x) + reactions @ x.new_tensor(EFFECTS)
    cooled = cooling * (x[..., 3:] - COOLANT)
    return change - functional.pad(cooled, (3, 0))
