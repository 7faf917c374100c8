"""Deterministic actor-critic learning on costs: DDPG, and YANN-DDPG, which explores nothing."""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from provenn.checks import check_integer, check_module, check_number
from provenn.control.replay import ReplayBuffer, Transitions

Values = TypeVar("Values", Tensor, NDArray[Any])


@runtime_checkable
class Environment(Protocol):
    """What learning needs of an environment of Gymnasium's interface."""

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode: the first observation."""

    def step(self, action: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Observation, reward, whether the episode ended or was cut off, and what else is known."""


@dataclass
class Learning:
    """What happened while an agent learned, one entry for each episode.

    Args:
        costs: Cost of the episode, the sum of negative rewards.
        lengths: Its number of steps.
        failures: Whether a limit was broken (the environment said ``terminated``).
    """

    costs: list[float] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    failures: list[bool] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """Steps of all episodes."""
        return sum(self.lengths)


class DDPG:
    r"""Deep deterministic policy gradient on costs: less is better.

    After every step a batch of remembered transitions ``(s, u, C, s⁺)`` moves the critic towards

    .. math::
        y = C + γ \, Q_{targ}(s^+, π_{targ}(s^+)), \qquad y = C \text{ where the episode ended}

    and the actor down the mean of ``Q(s, π(s))``; the targets follow slowly. An environment's
    reward is read as the negative cost. An episode that was cut off by time (``truncated``) goes
    on beyond its end as far as the critic is concerned; one that ``terminated`` does not.

    Args:
        actor: From states ``(batch, state_dim)`` to inputs ``(batch, n_inputs)``. It is trained in
            place.
        critic: From states and inputs to costs ``(batch,)``. It is trained in place.
        gamma: Discount for each step, in (0, 1].
        lr_actor: Step size of Adam for the actor.
        lr_critic: Step size of Adam for the critic.
        tau_actor: How far the actor's target moves at each step, in (0, 1].
        tau_critic: How far the critic's target moves.
        batch_size: Transitions of each update; learning starts once there are as many.
        buffer_size: Transitions that are remembered; ``None`` for all.
        noise: Standard deviation of the Gaussian noise on inputs while learning, in units of half
            the actor's range ``u_low`` to ``u_high``; 0 for none.
        cost_scale: Factor on the costs that the critic sees.
        max_grad_norm: Largest norm of the critic's gradient; ``None`` does not clip.
        device: Where actor and critic are moved; ``None`` leaves them where they are.
        seed: Seed of batches, of noise and of the environment's first reset.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range, or there is noise and the actor has no range.

    Reference:
        Lillicrap et al., Continuous control with deep reinforcement learning, ICLR 2016; Braniff
        and Tian, arXiv 2508.16474, section 4.3, algorithm 1.

    Example:
        >>> from provenn.control import ClippedPendulum, MLPActor, MLPCritic, PlantEpisodes
        >>> actor = MLPActor(3, 1, u_bounds=(-2.0, 2.0), hidden=(32,))
        >>> agent = DDPG(actor, MLPCritic(3, 1, hidden=(32,)))
        >>> episodes = PlantEpisodes(ClippedPendulum(steps=20), observe="features")
        >>> agent.learn(episodes, episodes=2).lengths
        [20, 20]
        >>> agent.predict(torch.zeros(3)).shape
        torch.Size([1])
    """

    def __init__(
        self,
        actor: nn.Module,
        critic: nn.Module,
        *,
        gamma: float = 0.99,
        lr_actor: float = 1e-4,
        lr_critic: float = 1e-3,
        tau_actor: float = 5e-3,
        tau_critic: float = 5e-3,
        batch_size: int = 64,
        buffer_size: int | None = None,
        noise: float = 0.1,
        cost_scale: float = 1.0,
        max_grad_norm: float | None = None,
        device: torch.device | str | None = None,
        seed: int = 0,
    ) -> None:
        for name, module in (("actor", actor), ("critic", critic)):
            check_module(name, module)
            if not any(p.requires_grad for p in module.parameters()):
                raise ValueError(f"{name} must have trainable parameters, got none")
        self.gamma = check_number("gamma", gamma, above=0.0, most=1.0)
        self.tau_actor = check_number("tau_actor", tau_actor, above=0.0, most=1.0)
        self.tau_critic = check_number("tau_critic", tau_critic, above=0.0, most=1.0)
        self.batch_size = check_integer("batch_size", batch_size)
        self.buffer_size = (
            None if buffer_size is None else check_integer("buffer_size", buffer_size)
        )
        self.cost_scale = check_number("cost_scale", cost_scale, above=0.0)
        self.max_grad_norm = (
            None
            if max_grad_norm is None
            else check_number("max_grad_norm", max_grad_norm, above=0.0)
        )
        self.noise = check_number("noise", noise, least=0.0)
        self.seed = check_integer("seed", seed, least=0)
        self.actor, self.critic = actor.to(device), critic.to(device)
        if self.noise:
            self._range()
        self.generator = torch.Generator().manual_seed(seed)
        self.targets = copy.deepcopy(self.actor), copy.deepcopy(self.critic)
        for target in self.targets:
            target.requires_grad_(False)
        self._weights = _trainable(self.actor), _trainable(self.critic)
        rates = [
            check_number(name, lr, above=0.0)
            for name, lr in (("lr_actor", lr_actor), ("lr_critic", lr_critic))
        ]
        self._optimisers = [
            torch.optim.Adam(weights, lr=rate, fused=True)
            for weights, rate in zip(self._weights, rates, strict=True)
        ]
        self._like = self._weights[0][0]
        self._buffer: ReplayBuffer | None = None

    def learn(
        self,
        env: Environment,
        episodes: int,
        *,
        callback: Callable[[int], None] | None = None,
    ) -> Learning:
        """Run episodes, and update actor and critic after every step.

        Args:
            env: An environment of Gymnasium's interface, with continuous observations and actions.
            episodes: How many.
            callback: Called with the number of finished episodes after each.

        Returns:
            Cost, length and failure of every episode.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If ``episodes`` is less than 1.
        """
        if not isinstance(env, Environment):
            raise TypeError(f"env must have reset() and step(), got {type(env).__name__}")
        check_integer("episodes", episodes)
        if callback is not None and not callable(callback):
            raise TypeError(f"callback must be a function, got {type(callback).__name__}")
        record = Learning()
        for episode in range(episodes):
            observation, _ = env.reset(seed=self.seed if self._buffer is None else None)
            state = self._read(observation)
            cost, length, ended, cut = 0.0, 0, False, False
            while not (ended or cut):
                u = self._explore(state)
                observation, reward, ended, cut, _ = env.step(u.cpu().numpy())
                after = self._read(observation)
                cost, length = cost - float(reward), length + 1
                self.observe(state, u, -float(reward), after, done=bool(ended))
                state = after
            record.costs.append(cost)
            record.lengths.append(length)
            record.failures.append(bool(ended))
            if callback is not None:
                callback(episode + 1)
        return record

    def observe(self, state: Tensor, u: Tensor, cost: float, after: Tensor, *, done: bool) -> None:
        """Remember one step, and learn from a batch of what is remembered.

        Args:
            state: Where the plant was, ``(state_dim,)``.
            u: The input, ``(n_inputs,)``.
            cost: Cost of the step.
            after: Where it went, ``(state_dim,)``.
            done: Whether the episode ended there.
        """
        if self._buffer is None:
            self._buffer = ReplayBuffer(
                len(state), len(u), self.buffer_size,
                device=self._like.device, dtype=self._like.dtype,
            )  # fmt: skip
        self._buffer.add(state, u, self.cost_scale * cost, after, done)
        if len(self._buffer) >= self.batch_size:
            self.update(self._buffer.sample(self.batch_size, self.generator))

    def update(self, batch: Transitions) -> None:
        """Move critic, actor and targets by one batch."""
        actor_weights, critic_weights = self._weights
        actor_step, critic_step = self._optimisers
        target_actor, target_critic = self.targets
        with torch.no_grad():
            ahead = target_critic(batch.after, target_actor(batch.after))
            y = batch.cost + self.gamma * (1 - batch.done) * ahead
        loss = (y - self.critic(batch.state, batch.u)).square().mean()
        _assign(critic_weights, torch.autograd.grad(loss, critic_weights))
        if self.max_grad_norm is not None:
            nn.utils.clip_grad_norm_(critic_weights, self.max_grad_norm)
        critic_step.step()
        cost = self.critic(batch.state, self.actor(batch.state)).mean()
        _assign(actor_weights, torch.autograd.grad(cost, actor_weights))
        actor_step.step()
        with torch.no_grad():
            for target, weights, tau in (
                (target_actor, actor_weights, self.tau_actor),
                (target_critic, critic_weights, self.tau_critic),
            ):
                for slow, fast in zip(target.parameters(), weights, strict=True):
                    slow.lerp_(fast, tau)

    @torch.no_grad()
    def predict(self, state: Values) -> Values:
        """Inputs of the present actor, without noise.

        Args:
            state: A state or a batch of them, as a tensor or an array.

        Returns:
            Inputs, as a tensor or an array.

        Raises:
            TypeError: If ``state`` is neither a tensor nor an array.
            ValueError: If its size does not fit the actor.
        """
        if not isinstance(state, (Tensor, np.ndarray)):
            raise TypeError(f"state must be a tensor or an array, got {type(state).__name__}")
        u: Tensor = self.actor(self._read(state))
        return u if isinstance(state, Tensor) else u.cpu().numpy()

    def _range(self) -> tuple[Tensor, Tensor]:
        """Least and largest inputs."""
        low, high = (getattr(self.actor, name, None) for name in ("u_low", "u_high"))
        if not isinstance(low, Tensor) or not isinstance(high, Tensor):
            raise ValueError(
                "noise must be 0 for an actor without a range u_low to u_high, got "
                f"{type(self.actor).__name__} and noise={self.noise}"
            )
        return low, high

    def _read(self, observation: Any) -> Tensor:
        return torch.as_tensor(observation, dtype=self._like.dtype, device=self._like.device)

    @torch.no_grad()
    def _explore(self, state: Tensor) -> Tensor:
        u: Tensor = self.actor(state)
        if self.noise:
            low, high = self._range()
            draw = torch.randn(u.shape, generator=self.generator, dtype=u.dtype).to(u.device)
            u = (u + self.noise * 0.5 * (high - low) * draw).clamp(low, high)
        return u


class YANNDDPG(DDPG):
    """DDPG that starts from a controller that is known to be good, and keeps close to it.

    There is no exploration noise and no step is taken at random: what the plant sees is the
    controller as it is now. Its steps are small: on the plants that come with this room, ten times
    larger ones of the actor did more harm than good. Otherwise it is :class:`DDPG`, on costs.

    Args:
        actor: A :class:`~provenn.control.YANNActor`, or another policy that is good at the start.
        critic: A :class:`~provenn.control.YANNCritic`, or another critic that knows its value.
        gamma: Discount for each step, in (0, 1].
        lr_actor: Step size of Adam for the actor.
        lr_critic: Step size of Adam for the critic.
        tau_actor: How far the actor's target moves at each step, in (0, 1].
        tau_critic: How far the critic's target moves.
        batch_size: Transitions of each update; learning starts once there are as many.
        buffer_size: Transitions that are remembered; ``None`` for all.
        max_grad_norm: Largest norm of the critic's gradient; ``None`` does not clip.
        device: Where actor and critic are moved; ``None`` leaves them where they are.
        seed: Seed of batches and of the environment's first reset.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range.

    Reference:
        Braniff and Tian, arXiv 2508.16474, section 4.3, algorithm 1.

    Example:
        >>> from provenn.control import (
        ...     ClippedPendulum, PlantEpisodes, YANNActor, YANNCritic, explicit_mpc,
        ... )
        >>> plant = ClippedPendulum(steps=20)
        >>> (A, B), weights = plant.linear_model(), (plant.state_weight, plant.input_weight)
        >>> law = explicit_mpc(
        ...     A, B, *weights, 2, u_bounds=plant.u_bounds, x_bounds=plant.x_bounds
        ... )
        >>> agent = YANNDDPG(
        ...     YANNActor(law, u_bounds=plant.u_bounds), YANNCritic(A, B, *weights)
        ... )
        >>> agent.learn(PlantEpisodes(plant), episodes=2).failures
        [False, False]
    """

    def __init__(
        self,
        actor: nn.Module,
        critic: nn.Module,
        *,
        gamma: float = 0.99,
        lr_actor: float = 1e-6,
        lr_critic: float = 1e-4,
        tau_actor: float = 1e-3,
        tau_critic: float = 1e-3,
        batch_size: int = 64,
        buffer_size: int | None = None,
        max_grad_norm: float | None = None,
        device: torch.device | str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(
            actor,
            critic,
            gamma=gamma,
            lr_actor=lr_actor,
            lr_critic=lr_critic,
            tau_actor=tau_actor,
            tau_critic=tau_critic,
            batch_size=batch_size,
            buffer_size=buffer_size,
            noise=0.0,
            max_grad_norm=max_grad_norm,
            device=device,
            seed=seed,
        )


def _trainable(module: nn.Module) -> list[nn.Parameter]:
    return [p for p in module.parameters() if p.requires_grad]


def _assign(weights: Iterable[nn.Parameter], gradients: Iterable[Tensor]) -> None:
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient
