"""Who learns to control a plant, and who only controls it."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from provenn.control import (
    DDPG,
    YANNDDPG,
    ClippedPendulum,
    MLPActor,
    MLPCritic,
    PiecewiseAffine,
    Plant,
    Reactor,
    YANNActor,
    YANNCritic,
    explicit_mpc,
    lqr,
)
from provenn.evidence.metrics import Role
from provenn.papers.controllers.cases import of_plant

Observe = Literal["state", "features"]


@dataclass(frozen=True)
class Task:
    """A plant to be controlled.

    Args:
        name: Identifier.
        plant: The plant.
        hidden: Units of each layer of the networks of the actor.
        held: Whether the linear program holds states in their box.
        yann: Settings of the method's learning.
        residual: Settings of the same learning of one network over all states.
        ddpg: Settings of the ordinary agent.
        reward_scale: Factor on the rewards of the third-party agents.
    """

    name: str
    plant: Plant
    hidden: int
    held: bool
    yann: dict[str, float]
    residual: dict[str, float]
    ddpg: dict[str, float]
    reward_scale: float

    @cached_property
    def law(self) -> PiecewiseAffine:
        """The law of linear model-predictive control, horizon 2."""
        held = "box" if self.held else None
        return explicit_mpc(**of_plant(self.plant), path=held, terminal=held)


TASKS = {
    "pendulum": Task(
        name="pendulum",
        plant=ClippedPendulum(),
        hidden=16,
        held=True,
        yann={"lr_actor": 1e-6, "lr_critic": 1e-4},
        residual={"lr_actor": 1e-6, "lr_critic": 1e-4},
        ddpg={"lr_actor": 1e-3, "lr_critic": 1e-3, "tau": 5e-3, "noise": 0.25, "cost_scale": 1.0},
        reward_scale=1.0,
    ),
    "reactor": Task(
        name="reactor",
        plant=Reactor(),
        hidden=8,
        held=False,
        yann={"lr_actor": 1e-6, "lr_critic": 1e-5},
        residual={"lr_actor": 1e-6, "lr_critic": 1e-5},
        ddpg={"lr_actor": 1e-3, "lr_critic": 1e-3, "tau": 5e-3, "noise": 0.1, "cost_scale": 1e-2},
        reward_scale=1e-2,
    ),
}

GAMMA = 0.99
TRIED = 4
"""Settings that were tried for each of our agents on each plant, on seeds of no trial."""


@dataclass(frozen=True)
class Learner:
    """An agent before it learns.

    Args:
        label: What the page calls it.
        role: Its part in the comparison.
        observe: What it reads of the plant.
        build: Makes it for a task and a seed.
    """

    label: str
    role: Role
    observe: Observe
    build: Callable[[Task, int, torch.device], DDPG]


class ResidualActor(nn.Module):
    """A law plus one network over all states, whose last layer starts at zero; clipped.

    Args:
        law: The law; it is copied.
        u_bounds: Least and largest inputs.
        hidden: Units of each of its two hidden layers.
    """

    u_low: Tensor
    u_high: Tensor

    def __init__(
        self, law: PiecewiseAffine, u_bounds: tuple[tuple[float, ...], ...], hidden: int = 64
    ) -> None:
        super().__init__()
        self.law = copy.deepcopy(law)
        like = law.gains
        self.register_buffer("u_low", like.new_tensor(u_bounds[0]))
        self.register_buffer("u_high", like.new_tensor(u_bounds[1]))
        last = nn.Linear(hidden, law.n_inputs)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.residual = nn.Sequential(
            nn.Linear(law.state_dim, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), last
        ).to(like)

    def forward(self, state: Tensor) -> Tensor:
        """Inputs to the plant, ``(*batch, n_inputs)``."""
        u: Tensor = self.law(state) + self.residual(state)
        return u.clamp(self.u_low, self.u_high)


def yann(task: Task, seed: int, device: torch.device, *, zero: bool = True) -> DDPG:
    """The method; without ``zero`` its networks start at random (negative control)."""
    plant = task.plant
    actor = YANNActor(task.law, task.hidden, device, u_bounds=plant.u_bounds)
    critic = yann_critic(task, device)
    if not zero:
        for network in (actor.network, critic.network):
            for parameter in network.parameters():
                nn.init.uniform_(parameter, -1.0, 1.0)
    return _careful(actor, critic, seed, task.yann)


def residual(task: Task, seed: int, device: torch.device) -> DDPG:
    """The same learning of one network over all states."""
    actor = ResidualActor(task.law, task.plant.u_bounds)
    return _careful(actor.to(device), yann_critic(task, device), seed, task.residual)


def _careful(actor: nn.Module, critic: nn.Module, seed: int, given: dict[str, float]) -> DDPG:
    """Learning without noise, in small steps."""
    return YANNDDPG(
        actor,
        critic,
        gamma=GAMMA,
        lr_actor=given["lr_actor"],
        lr_critic=given["lr_critic"],
        seed=seed,
    )


def ddpg(task: Task, seed: int, device: torch.device) -> DDPG:
    """Actor and critic that start from nothing, with exploration noise."""
    plant, given = task.plant, task.ddpg
    actor = MLPActor(plant.n_features, plant.n_inputs, device, u_bounds=plant.u_bounds)
    return DDPG(
        actor,
        MLPCritic(plant.n_features, plant.n_inputs, device),
        gamma=GAMMA,
        lr_actor=given["lr_actor"],
        lr_critic=given["lr_critic"],
        tau_actor=given["tau"],
        tau_critic=given["tau"],
        noise=given["noise"],
        cost_scale=given["cost_scale"],
        seed=seed,
    )


def yann_critic(task: Task, device: torch.device) -> YANNCritic:
    """The critic that knows the value of linear-quadratic control."""
    plant = task.plant
    A, B = plant.linear_model()
    return YANNCritic(A, B, plant.state_weight, plant.input_weight, device, gamma=GAMMA)


LEARNERS = {
    "yann": Learner("YANN-DDPG", "method", "state", yann),
    "residual": Learner("residual policy on MPC", "peer", "state", residual),
    "ddpg": Learner("DDPG", "peer", "features", ddpg),
}


def regulator(task: Task) -> Callable[[Tensor], Tensor]:
    """The linear-quadratic regulator, clipped."""
    plant = task.plant
    A, B = plant.linear_model()
    _, K = lqr(A, B, plant.state_weight, plant.input_weight)
    low, high = (torch.tensor(bound, dtype=torch.float64) for bound in plant.u_bounds)
    return lambda state: (-(state @ K.T)).clamp(low, high)


class NonlinearMPC:
    """Model-predictive control on the plant itself: shooting with L-BFGS-B, warm-started.

    Args:
        task: The plant to control, known exactly.
        horizon: Steps that are looked ahead.
        iterations: Of the optimiser, for each step of the plant.
    """

    def __init__(self, task: Task, horizon: int = 25, iterations: int = 30) -> None:
        self.plant = task.plant
        self.iterations = iterations
        A, B = self.plant.linear_model()
        self.tail, _ = lqr(A, B, self.plant.state_weight, self.plant.input_weight)
        self.plan = np.zeros((horizon, 0, self.plant.n_inputs))
        self.horizon = horizon

    def __call__(self, state: Tensor) -> Tensor:
        """The first inputs of the best plans that are found for these states, ``(batch, m)``."""
        from scipy.optimize import Bounds, minimize

        shape = (self.horizon, len(state), self.plant.n_inputs)
        low, high = (np.broadcast_to(b, shape).ravel() for b in self.plant.u_bounds)
        plan = self.plan if self.plan.shape == shape else np.zeros(shape)
        found = minimize(
            self._cost, plan.ravel(), args=(state,), jac=True, method="L-BFGS-B",
            bounds=Bounds(low, high), options={"maxiter": self.iterations},
        )  # fmt: skip
        best = found.x.reshape(shape)
        self.plan = np.concatenate([best[1:], best[-1:]])
        return torch.from_numpy(best[0].copy())

    def _cost(self, plan: Any, state: Tensor) -> tuple[float, Any]:
        with torch.enable_grad():
            inputs = torch.from_numpy(plan.reshape(self.horizon, len(state), -1)).requires_grad_()
            total = torch.zeros((), dtype=torch.float64)
            for u in inputs:
                state, cost, _ = self.plant.step(state, u)
                total = total + cost.sum()
            total = total + ((state @ self.tail) * state).sum()
            (gradient,) = torch.autograd.grad(total, inputs)
        return total.item(), gradient.numpy().ravel()
