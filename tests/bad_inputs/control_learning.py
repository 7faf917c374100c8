"""Malformed calls of the learning half of the room of control."""

from collections.abc import Callable
from typing import Any

import torch

from provenn.control import (
    DDPG,
    YANNDDPG,
    ClippedPendulum,
    MLPActor,
    MLPCritic,
    PairedZero,
    PiecewiseAffine,
    PlantEpisodes,
    Reactor,
    YANNActor,
    YANNCritic,
    plot_trajectories,
    rollout,
)
from tests.bad_inputs.case import BadCase

BAD = (TypeError, ValueError)
"""The kind of error matters less than its words."""

SQUARE = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]
LAW = PiecewiseAffine.from_regions([(SQUARE, [1.0] * 4, [[1.0, 0.0]], [0.0])])
PLANT = ClippedPendulum(steps=5)
STARTS = torch.zeros(2, 2, dtype=torch.float64)
RUN = rollout(PLANT, lambda s: 0 * s[:, :1], STARTS)


def actor() -> MLPActor:
    return MLPActor(2, 1, u_bounds=(-1.0, 1.0), hidden=(3,))


def critic() -> MLPCritic:
    return MLPCritic(2, 1, hidden=(3,))


GOOD: dict[Callable[..., Any], dict[str, Any]] = {
    PairedZero: {"in_features": 2, "out_features": 1},
    YANNActor: {"law": LAW},
    YANNCritic: {"A": [[1.0, 1.0], [0.0, 1.0]], "B": [[0.0], [1.0]], "Q": torch.eye(2), "R": 1.0},
    MLPActor: {"in_features": 2, "n_inputs": 1, "u_bounds": (-1.0, 1.0)},
    MLPCritic: {"in_features": 2, "n_inputs": 1},
    ClippedPendulum: {},
    Reactor: {},
    PlantEpisodes: {"plant": PLANT},
    rollout: {"plant": PLANT, "policy": lambda s: 0 * s[:, :1], "starts": STARTS},
    plot_trajectories: {"plant": PLANT, "trajectories": RUN},
}


def bad(function: Callable[..., Any], given: dict[str, Any], error: Any, *words: str) -> BadCase:
    """The call with some arguments replaced."""
    says = ", ".join(f"{name}={value!r:.40}" for name, value in given.items())
    argument, shown, accepted = words

    def call() -> object:
        if function in (DDPG, YANNDDPG):
            return function(**{"actor": actor(), "critic": critic(), **given})
        return function(**{**GOOD[function], **given})

    return BadCase(says, call, error, (argument, shown, accepted))


def agents(kind: Callable[..., Any]) -> list[BadCase]:
    """Malformed agents."""
    return [
        bad(kind, {"actor": 3}, BAD, "actor", "int", "Module"),
        bad(kind, {"critic": "q"}, BAD, "critic", "str", "Module"),
        bad(kind, {"actor": LAW}, ValueError, "actor", "none", "trainable"),
        bad(kind, {"gamma": 0.0}, ValueError, "gamma", "0.0", "greater than 0"),
        bad(kind, {"gamma": 1.5}, ValueError, "gamma", "1.5", "at most 1"),
        bad(kind, {"lr_actor": -1.0}, ValueError, "lr_actor", "-1.0", "greater than 0"),
        bad(kind, {"lr_critic": float("inf")}, ValueError, "lr_critic", "inf", "finite"),
        bad(kind, {"tau_actor": 2.0}, ValueError, "tau_actor", "2.0", "at most 1"),
        bad(kind, {"tau_critic": float("nan")}, ValueError, "tau_critic", "nan", "greater than 0"),
        bad(kind, {"batch_size": 0}, ValueError, "batch_size", "got 0", "at least 1"),
        bad(kind, {"buffer_size": -3}, ValueError, "buffer_size", "-3", "at least 1"),
        bad(kind, {"max_grad_norm": 0.0}, ValueError, "max_grad_norm", "0.0", "greater than 0"),
        bad(kind, {"seed": -1}, ValueError, "seed", "-1", "at least 0"),
    ]


def plants(kind: Callable[..., Any]) -> list[BadCase]:
    """Malformed constants of a plant."""
    return [
        bad(kind, {"dt": 0.0}, ValueError, "dt", "0.0", "greater than 0"),
        bad(kind, {"dt": -1.0}, ValueError, "dt", "-1.0", "greater than 0"),
        bad(kind, {"dt": float("inf")}, ValueError, "dt", "inf", "finite"),
        bad(kind, {"dt": float("nan")}, ValueError, "dt", "nan", "greater than 0"),
        bad(kind, {"dt": "0.1"}, BAD, "dt", "str", "number"),
        bad(kind, {"steps": 0}, ValueError, "steps", "got 0", "at least 1"),
        bad(kind, {"steps": 2.5}, BAD, "steps", "float", "int"),
        bad(kind, {"steps": None}, BAD, "steps", "None", "int"),
    ]


def networks(kind: Callable[..., Any]) -> list[BadCase]:
    """Malformed ordinary networks."""
    return [
        bad(kind, {"in_features": 0}, ValueError, "in_features", "got 0", "at least 1"),
        bad(kind, {"in_features": 2.0}, BAD, "in_features", "float", "int"),
        bad(kind, {"n_inputs": -1}, ValueError, "n_inputs", "-1", "at least 1"),
        bad(kind, {"n_inputs": True, "hidden": (0,)}, BAD, "n_inputs", "bool", "an int"),
        bad(kind, {"hidden": ()}, BAD, "hidden", "()", "at least one"),
        bad(kind, {"hidden": (8, 0)}, ValueError, "hidden", "got 0", "at least 1"),
        bad(kind, {"hidden": 8}, BAD, "hidden", "8", "equence"),
        bad(kind, {"dtype": torch.int64}, BAD, "dtype", "int64", "floating-point"),
    ]


CASES = {
    "provenn.control.PairedZero": [
        bad(PairedZero, {"in_features": 0}, ValueError, "in_features", "got 0", "at least 1"),
        bad(PairedZero, {"out_features": -2}, ValueError, "out_features", "-2", "at least 1"),
        bad(PairedZero, {"hidden": 1}, ValueError, "hidden", "got 1", "at least 2"),
        bad(PairedZero, {"terms": 0}, ValueError, "terms", "got 0", "at least 1"),
        bad(PairedZero, {"blocks": 0}, ValueError, "blocks", "got 0", "at least 1"),
        bad(PairedZero, {"mode": "half"}, BAD, "mode", "half", "paired"),
        bad(PairedZero, {"init_scale": 0.0}, ValueError, "init_scale", "0.0", "greater than 0"),
        bad(
            PairedZero,
            {"init_scale": float("nan")},
            ValueError,
            "init_scale",
            "nan",
            "greater than 0",
        ),
        bad(PairedZero, {"readout": 1}, BAD, "readout", "1", "bool"),
        bad(PairedZero, {"dtype": torch.int32}, BAD, "dtype", "int32", "floating-point"),
    ],
    "provenn.control.YANNActor": [
        bad(YANNActor, {"law": 3}, BAD, "law", "int", "PiecewiseAffine"),
        bad(YANNActor, {"law": torch.nn.Linear(2, 1)}, BAD, "law", "Linear", "PiecewiseAffine"),
        bad(YANNActor, {"hidden": 1}, ValueError, "hidden", "got 1", "at least 2"),
        bad(YANNActor, {"hidden": 0}, ValueError, "hidden", "got 0", "at least 2"),
        bad(YANNActor, {"u_bounds": (1.0, -1.0)}, ValueError, "u_bounds", "(1.0, -1.0)", "<"),
        bad(YANNActor, {"u_bounds": ([0.0, 0.0], 1.0)}, ValueError, "u_bounds", "(2,)", "(1)"),
        bad(YANNActor, {"coupled": 1}, BAD, "coupled", "1", "bool"),
        bad(YANNActor, {"mode": "full"}, BAD, "mode", "full", "paired"),
        bad(YANNActor, {"init_scale": -1.0}, ValueError, "init_scale", "-1.0", "greater than 0"),
        bad(YANNActor, {"dtype": torch.int64}, BAD, "dtype", "int64", "floating-point"),
    ],
    "provenn.control.YANNCritic": [
        bad(YANNCritic, {"A": [[1.0, 1.0]]}, ValueError, "A", "(1, 2)", "square"),
        bad(YANNCritic, {"B": [[1.0]]}, ValueError, "B", "(1, 1)", "(2, any)"),
        bad(YANNCritic, {"Q": -torch.eye(2)}, ValueError, "Q", "-1", "semidefinite"),
        bad(YANNCritic, {"R": 0.0}, ValueError, "R", "0", "positive definite"),
        bad(YANNCritic, {"gamma": 1.5}, ValueError, "gamma", "1.5", "at most 1"),
        bad(YANNCritic, {"gamma": 0.0}, ValueError, "gamma", "0.0", "greater than 0"),
        bad(YANNCritic, {"hidden": 1}, ValueError, "hidden", "got 1", "at least 2"),
        bad(YANNCritic, {"discount_consistent": 1}, BAD, "discount_consistent", "1", "bool"),
        bad(YANNCritic, {"mode": "none"}, BAD, "mode", "none", "paired"),
        bad(YANNCritic, {"dtype": torch.int64}, BAD, "dtype", "int64", "floating-point"),
    ],
    "provenn.control.MLPActor": [
        *networks(MLPActor),
        bad(MLPActor, {"u_bounds": (1.0, 1.0)}, ValueError, "u_bounds", "(1.0, 1.0)", "<"),
        bad(MLPActor, {"u_bounds": 2.0}, BAD, "u_bounds", "2.0", "pair"),
    ],
    "provenn.control.MLPCritic": networks(MLPCritic),
    "provenn.control.DDPG": [
        *agents(DDPG),
        bad(DDPG, {"noise": -0.1}, ValueError, "noise", "-0.1", "at least 0"),
        bad(DDPG, {"actor": YANNActor(LAW)}, ValueError, "noise", "YANNActor", "0 for an actor"),
        bad(DDPG, {"cost_scale": 0.0}, ValueError, "cost_scale", "0.0", "greater than 0"),
    ],
    "provenn.control.YANNDDPG": agents(YANNDDPG),
    "provenn.control.ClippedPendulum": [
        *plants(ClippedPendulum),
        bad(
            ClippedPendulum,
            {"max_torque": -2.0},
            ValueError,
            "max_torque",
            "-2.0",
            "greater than 0",
        ),
    ],
    "provenn.control.Reactor": [
        *plants(Reactor),
        bad(Reactor, {"max_cooling": 0.0}, ValueError, "max_cooling", "0.0", "greater than 0"),
    ],
    "provenn.control.PlantEpisodes": [
        bad(PlantEpisodes, {"plant": 3}, BAD, "plant", "3", "lant"),
        bad(PlantEpisodes, {"plant": ClippedPendulum}, BAD, "plant", "ClippedPendulum", "lant"),
        bad(PlantEpisodes, {"plant": None}, BAD, "plant", "None", "lant"),
        bad(PlantEpisodes, {"plant": "pendulum"}, BAD, "plant", "pendulum", "lant"),
        bad(PlantEpisodes, {"observe": "pixels"}, BAD, "observe", "pixels", "features"),
        bad(PlantEpisodes, {"observe": 3}, BAD, "observe", "3", "a str"),
        bad(PlantEpisodes, {"observe": None}, BAD, "observe", "None", "a str"),
        bad(PlantEpisodes, {"observe": ""}, BAD, "observe", "''", "features"),
    ],
    "provenn.control.rollout": [
        bad(rollout, {"plant": 3}, BAD, "plant", "3", "lant"),
        bad(rollout, {"plant": Reactor}, BAD, "plant", "Reactor", "lant"),
        bad(rollout, {"policy": 3}, BAD, "policy", "int", "function"),
        bad(rollout, {"policy": lambda s: s}, BAD, "policy", "(2, 2)", "(2, 1)"),
        bad(rollout, {"policy": lambda s: 0.0}, BAD, "policy", "float", "(2, 1)"),
        bad(rollout, {"starts": STARTS.long()}, BAD, "starts", "int64", "float"),
        bad(rollout, {"starts": STARTS[:0]}, BAD, "starts", "(0, 2)", "at least one"),
        bad(rollout, {"starts": STARTS[0]}, BAD, "starts", "(2,)", "batch"),
        bad(rollout, {"starts": torch.zeros(2, 3)}, BAD, "starts", "(2, 3)", "(batch, 2)"),
        bad(rollout, {"starts": STARTS * float("nan")}, BAD, "starts", "NaN", "finite"),
        bad(rollout, {"steps": 0}, ValueError, "steps", "got 0", "at least 1"),
    ],
    "provenn.control.plot_trajectories": [
        bad(plot_trajectories, {"plant": 3}, BAD, "plant", "3", "lant"),
        bad(plot_trajectories, {"plant": Reactor}, BAD, "plant", "Reactor", "lant"),
        bad(plot_trajectories, {"plant": None}, BAD, "plant", "None", "lant"),
        bad(plot_trajectories, {"plant": Reactor()}, ValueError, "traj", "2 and 1", "4 states"),
        bad(plot_trajectories, {"trajectories": 3}, BAD, "trajectories", "int", "Trajectories"),
        bad(plot_trajectories, {"trajectories": None}, BAD, "traj", "None", "Trajectories"),
        bad(plot_trajectories, {"trajectories": STARTS}, BAD, "traj", "ensor", "Trajectories"),
        bad(plot_trajectories, {"trajectories": RUN.states}, BAD, "traj", "Tensor", "Trajectories"),
    ],
}
