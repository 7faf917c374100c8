"""The networks of the page: where each is trained, for how long, and what it starts from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from provenn.evidence.page import Context
from provenn.linalg import DCDMFitting, DCDMNet, PoissonOperator, spectrum
from provenn.linalg.conjugate_direction.network import Wiring
from provenn.papers.poisson.peers import timed


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained, on the empty box with walls all around.

    Args:
        cells: Cells along each axis of the training domain.
        steps: Optimiser steps; 0 leaves the network as it was drawn.
        dim: Axes.
        low_weight: Weight of the low half of the spectrum in the training vectors.
        start: Name of the network that it starts from; drawn anew if empty.
        batch_size: Training vectors of a step, each drawn fresh.
        lr: First learning rate; it falls to a tenth along half a cosine.
        wiring: The authors' network for 64 or for 128 cells.
    """

    cells: int
    steps: int
    dim: int = 2
    low_weight: float = 9.0
    start: str = ""
    batch_size: int = 10
    lr: float = 1e-3
    wiring: Wiring = "n64"


@dataclass(frozen=True)
class Trained:
    """A network and what its training took.

    Attributes:
        net: The network, in evaluation mode.
        losses: Loss before each step.
        seconds: Seconds, those of the network that it started from included.
    """

    net: DCDMNet
    losses: np.ndarray
    seconds: float


def train_all(recipes: Mapping[str, Recipe], ctx: Context) -> dict[str, Trained]:
    """Train the networks in order, each in a stage of its own."""
    trained: dict[str, Trained] = {}
    for name, recipe in recipes.items():
        start = trained.get(recipe.start)
        state = ctx.stage(f"train-{name}", _training(recipe, start, ctx))
        net = DCDMNet(recipe.dim, wiring=recipe.wiring).to(ctx.device).eval()
        weights = {key: torch.from_numpy(state[f"net.{key}"]) for key in net.state_dict()}
        net.load_state_dict(weights)
        trained[name] = Trained(net, state["losses"], float(state["seconds"]))
    return trained


def _training(recipe: Recipe, start: Trained | None, ctx: Context) -> Callable[[], dict[str, Any]]:
    def run() -> dict[str, Any]:
        net = DCDMNet(recipe.dim, wiring=recipe.wiring).to(ctx.device)
        if start is not None:
            net.load_state_dict(start.net.state_dict())
        losses = []
        with timed(ctx.device.type) as clock:
            if recipe.steps:
                A = PoissonOperator((recipe.cells,) * recipe.dim, device=ctx.device)
                fitting = DCDMFitting(
                    net,
                    A,
                    spectrum(A),
                    recipe.steps,
                    batch_size=recipe.batch_size,
                    lr=recipe.lr,
                    low_weight=recipe.low_weight,
                    seed=ctx.seed,
                )
                while not fitting.done:
                    losses.append(fitting.step())
                    ctx.progress(fitting.taken, recipe.steps, f"training, {recipe.cells} cells")
        weights = {f"net.{k}": v.detach().cpu().numpy() for k, v in net.state_dict().items()}
        spent = clock.seconds + (start.seconds if start is not None else 0.0)
        return {"losses": np.array(losses), "seconds": spent, **weights}

    return run
