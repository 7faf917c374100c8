"""Learning in a trial: every entrant on the same plant, from the same starts, for as many steps."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from provenn.control import DDPG, PlantEpisodes, YANNActor, rollout
from provenn.evidence.metrics import Competitor, Cost, Metrics, Role
from provenn.evidence.page import Context
from provenn.papers.classification.cost import flops_per_example, parameters
from provenn.papers.controllers.entrants import (
    LEARNERS,
    TRIED,
    Learner,
    NonlinearMPC,
    Task,
    regulator,
    yann,
    yann_critic,
)
from provenn.papers.controllers.thirdparty import LABELS, Algorithm, StableAgent

STARTS = 10
"""Test episodes."""
HELD_OUT = 10_000
"""Added to a trial's seed for its test episodes."""
EVERY = 5
"""Episodes of training between two evaluations."""

Policy = Callable[[Tensor], Tensor]
Costs = NDArray[np.float64]


@dataclass
class Curve:
    """Costs of the test episodes, evaluated along the way.

    Args:
        task: The plant.
        policy: From states to inputs; it may change between evaluations.
        starts: First states of the test episodes.
        floor: Cost of each under the law of linear model-predictive control.
        every: Episodes of training between two evaluations.
    """

    task: Task
    policy: Policy
    starts: Tensor
    floor: Costs
    every: int = EVERY
    episodes: list[int] = field(default_factory=list)
    costs: list[Costs] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    paths: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def evaluate(self, episode: int) -> None:
        """Run the test episodes."""
        run = rollout(self.task.plant, self.policy, self.starts)
        self.episodes.append(episode)
        self.costs.append(run.total.cpu().numpy())
        self.failures.append(int(run.failed.sum()))
        self.paths = run.states.cpu().numpy()

    def watch(self, episode: int) -> None:
        """Evaluate after every few episodes of training."""
        if episode % self.every == 0:
            self.evaluate(episode)

    def quality(self) -> dict[str, float]:
        """What the curve says of the entrant; an excess is over linear control, with an allowance.

        Means may be 2 % and 0.05 above it, single episodes 5 % and 0.1.
        """
        means = [float(c.mean()) for c in self.costs]
        first, last = self.costs[0], self.costs[-1]
        allowed = 1.02 * float(self.floor.mean()) + 0.05
        worst = max(float((c - 1.05 * self.floor - 0.1).max()) for c in self.costs)
        return {
            "initial": means[0],
            "final": means[-1],
            "final_excess": means[-1] - allowed,
            "curve_excess": max(means) - allowed,
            "start_excess": worst,
            "worst_increase": float((last - first).max()),
            "best_decrease": float((first - last).max()),
            "test_failures": float(self.failures[-1]),
        }

    def series(self, name: str) -> dict[str, NDArray[np.float64]]:
        """The curve, and the costs of each test episode at its ends."""
        return {
            f"{name}_episodes": np.array(self.episodes, dtype=float),
            f"{name}_curve": np.array([c.mean() for c in self.costs]),
            f"{name}_costs": np.stack([self.costs[0], self.costs[-1]]),
        }


def learns(task: Task, name: str, episodes: int, ctx: Context, *, zero: bool = True) -> Metrics:
    """One of our own agents learns.

    Args:
        task: The plant.
        name: Which agent of ``LEARNERS``.
        episodes: Episodes of training.
        ctx: Context of the trial.
        zero: Whether the method's networks start at zero (if not: negative control).

    Returns:
        A competitor ``TASK-NAME`` with its mean cost over test episodes before (``initial``) and
        after (``final``) training, the largest excess over linear control along the way, cost and
        failures of training; and its learning curve.
    """
    learner = LEARNERS[name]
    if name == "yann":
        learner = replace(learner, build=partial(yann, zero=zero))
    agent = learner.build(task, ctx.seed, ctx.device)
    starts = held_out_starts(task, ctx)
    curve = Curve(task, reads(learner, task, agent.predict), starts, floor(task, starts))
    with ctx.measure() as meter:
        curve.evaluate(0)
        env = PlantEpisodes(task.plant, learner.observe)

        def after(episode: int) -> None:
            ctx.progress(episode, episodes, f"{learner.label}, {task.name}")
            curve.watch(episode)

        record = agent.learn(env, episodes, callback=after)
        if curve.episodes[-1] != episodes:
            curve.evaluate(episodes)
    quality = {
        **curve.quality(),
        "training_cost": sum(record.costs),
        "violations": float(sum(record.failures)),
        "steps": float(record.steps),
    }
    cost = meter.cost(
        parameters=parameters(agent.actor),
        flops=flops_per_example(agent.actor, example(learner, task, agent)),
        tuning_trials=TRIED,
    )
    found = competitor(
        f"{task.name}-{name}",
        learner.label,
        learner.role,
        curve,
        quality,
        cost,
        failures=np.cumsum(np.array(record.failures, dtype=float)),
    )
    if learner.role != "method":
        return found
    return replace(found, series={**found.series, f"{task.name}-{name}_paths": curve.paths})


def third_party(task: Task, algorithm: Algorithm, episodes: int, ctx: Context) -> Metrics:
    """An agent of stable-baselines3 learns for as many steps."""
    agent = StableAgent(algorithm, task, ctx.seed, ctx.device)
    starts = held_out_starts(task, ctx).cpu()
    curve = Curve(task, agent.predict, starts, floor(task, starts))
    with ctx.measure() as meter:
        curve.evaluate(0)

        def after(episode: int) -> None:
            ctx.progress(episode, episodes, f"{LABELS[algorithm]}, {task.name}")
            curve.watch(episode)

        cost, failures = agent.learn(episodes, after)
    quality = {
        **curve.quality(),
        "training_cost": cost,
        "violations": float(failures),
        "steps": float(episodes * task.plant.steps),
    }
    return competitor(
        f"{task.name}-{algorithm}",
        LABELS[algorithm],
        "peer",
        curve,
        quality,
        meter.cost(parameters=agent.parameters, flops=math.nan),
        package="stable-baselines3",
    )


def controls(task: Task, ctx: Context, *, nonlinear: bool) -> Metrics:
    """Controllers that do not learn: the explicit law, the clipped regulator, nonlinear MPC."""
    law = task.law
    entrants: list[tuple[str, str, Role, Policy]] = [
        ("mpc", "explicit linear MPC", "baseline", law),
        ("lqr", "clipped regulator", "baseline", regulator(task)),
    ]
    if nonlinear:
        entrants.append(("nmpc", "nonlinear MPC (exact plant)", "oracle", NonlinearMPC(task)))
    found = []
    for name, label, role, policy in entrants:
        starts = held_out_starts(task, ctx).cpu()
        curve = Curve(task, policy, starts, floor(task, starts))
        with ctx.measure() as meter:
            curve.evaluate(0)
        quality = {k: v for k, v in curve.quality().items() if k in ("final", "test_failures")}
        cost = meter.cost(parameters=0, flops=math.nan)
        found.append(competitor(f"{task.name}-{name}", label, role, curve, quality, cost))
    return Metrics(
        competitors=[c for part in found for c in part.competitors],
        series={k: v for part in found for k, v in part.series.items()},
    )


def competitor(
    name: str,
    label: str,
    role: Role,
    curve: Curve,
    quality: dict[str, float],
    cost: Cost,
    *,
    package: str = "",
    **more: NDArray[np.float64],
) -> Metrics:
    """An entrant with its learning curve."""
    series = curve.series(name) | {f"{name}_{what}": array for what, array in more.items()}
    entrant = Competitor(
        name=name, label=f"{label}, {curve.task.name}", role=role, quality=quality, cost=cost,
        package=package,
    )  # fmt: skip
    return Metrics(competitors=[entrant], series=series)


def compared(parts: list[Metrics], task: Task, peer_episodes: int) -> Metrics:
    """On how many test starts the method is better than trained DDPG, and after as few steps.

    Returns:
        ``TASK_initial_wins`` and ``TASK_final_wins``, the test starts on which the method before
        and after training costs less than DDPG after it; ``TASK_early``, its mean cost after as
        many episodes as stable-baselines3's agents had.
    """
    series = {k: v for part in parts for k, v in part.series.items()}
    if not {f"{task.name}-{name}_costs" for name in ("yann", "ddpg")} <= series.keys():
        return Metrics()
    method, plain = (series[f"{task.name}-{name}_costs"] for name in ("yann", "ddpg"))
    episodes = series[f"{task.name}-yann_episodes"]
    values = {
        f"{task.name}_initial_wins": float((method[0] < plain[-1]).sum()),
        f"{task.name}_final_wins": float((method[-1] < plain[-1]).sum()),
    }
    at = np.flatnonzero(episodes == peer_episodes)
    if peer_episodes and len(at):
        values[f"{task.name}_early"] = float(series[f"{task.name}-yann_curve"][at[0]])
    return Metrics(values=values)


def starts_at_zero(task: Task, ctx: Context, *, zero: bool = True) -> Metrics:
    """How far a new actor is from its law and a new critic from its form, and what then learns.

    Returns:
        ``TASK_actor_error`` and ``TASK_critic_error`` over 10,000 states, and ``TASK_idle``, the
        number of trainable tensors without a gradient after two steps of gradient descent.
    """
    agent = yann(task, ctx.seed, torch.device("cpu"), zero=zero)
    law, form = task.law, yann_critic(task, torch.device("cpu")).matrix.detach()
    generator = torch.Generator().manual_seed(ctx.seed)
    low, high = law.domain
    unit = torch.rand(10_000, law.state_dim, generator=generator, dtype=torch.float64)
    states = low + (high - low) * unit
    bounds = [torch.tensor(bound, dtype=torch.float64) for bound in task.plant.u_bounds]
    inputs = bounds[0] + (bounds[1] - bounds[0]) * torch.rand(
        10_000, law.n_inputs, generator=generator, dtype=torch.float64
    )
    joint = torch.cat([states, inputs], -1)
    quadratic = ((joint @ form) * joint).sum(-1)
    with torch.no_grad():
        actor_error = (agent.actor(states) - law(states).clamp(*bounds)).abs().max()
        critic_error = ((agent.critic(states, inputs) - quadratic) / (1 + quadratic)).abs().max()
    idle = 0
    for module, arguments in ((agent.actor, (states,)), (agent.critic, (states, inputs))):
        weights = list(module.parameters())
        optimiser = torch.optim.SGD(weights, lr=1e-6)
        for _ in range(3):
            optimiser.zero_grad()
            (module(*arguments) - 0.5).square().mean().backward()
            optimiser.step()
        idle += sum(not bool(p.grad.any()) for p in weights if p.grad is not None)
    return Metrics(
        values={
            f"{task.name}_actor_error": float(actor_error),
            f"{task.name}_critic_error": float(critic_error),
            f"{task.name}_idle": float(idle),
        }
    )


def sizes(name: str, actor: YANNActor) -> Metrics:
    """Scalars of the actor as the paper counts them."""
    counted = actor.literal_parameters()
    return Metrics(
        values={
            f"{name}_parameters": float(sum(counted.values())),
            f"{name}_trainable": float(counted["trainable"]),
        }
    )


def reads(learner: Learner, task: Task, predict: Policy) -> Policy:
    """A policy of states, whatever the agent reads."""
    if learner.observe == "state":
        return predict
    return lambda state: predict(task.plant.features(state))


def floor(task: Task, starts: Tensor) -> Costs:
    """Cost of each test episode under the law that the method starts from."""
    return rollout(task.plant, task.law, starts.cpu()).total.numpy()


def held_out_starts(task: Task, ctx: Context) -> Tensor:
    """First states of the trial's test episodes."""
    generator = torch.Generator().manual_seed(HELD_OUT + ctx.seed)
    return task.plant.starts(STARTS, generator).to(ctx.device)


def example(learner: Learner, task: Task, agent: DDPG) -> Tensor:
    """One row of what an agent reads."""
    size = task.plant.state_dim if learner.observe == "state" else task.plant.n_features
    weight = next(agent.actor.parameters())
    return torch.zeros(1, size, dtype=weight.dtype, device=weight.device)
