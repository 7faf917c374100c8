"""Which networks train: initialisations side by side at one depth, and maps of depth by ``C_W``."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from torch import nn

from provenn.evidence.metrics import Competitor, Metrics, Role
from provenn.evidence.page import Context, Meter
from provenn.papers.flows.perceptrons import (
    Examples,
    Outcome,
    Recipe,
    Start,
    critical_start,
    framework_start,
    train,
    unit_variance_start,
)
from provenn.theory import optimal_aspect_ratio

TRAINABLE = 0.6
"""Test accuracy from which a depth counts as trainable."""

SUBCRITICAL = {"tanh": 0.6, "relu": 0.5}
SUPERCRITICAL = {"tanh": 2.5, "relu": 1.5}
GAINS = {"tanh": 5 / 3, "relu": 2**0.5}
"""As ``torch.nn.init.calculate_gain`` recommends."""
SKIPS = (0.5, 0.9)
FACTORS = (0.6, 0.8, 1.0, 1.25, 1.5)
"""``C_W`` of the maps, as multiples of the critical one."""
SKIP_FACTORS = (0.6, 1.0, 1.5)

LABELS: dict[str, tuple[str, Role, str]] = {
    "critical": ("critical", "method", ""),
    "subcritical": ("C_W at {sub} of critical", "baseline", ""),
    "supercritical": ("C_W at {super} of critical", "baseline", ""),
    "default": ("torch.nn.Linear as it is", "peer", "torch"),
    "kaiming": ("kaiming_uniform_", "peer", "torch"),
    "xavier": ("xavier_normal_, gain 5/3", "peer", "torch"),
    "orthogonal": ("orthogonal_ with gain", "peer", "torch"),
    "lsuv": ("LSUV", "peer", ""),
    "norm-skip": ("Kaiming + LayerNorm + skip", "peer", "torch"),
}


def compare(
    activation: str,
    examples: Examples,
    recipe: Recipe,
    ctx: Context,
    *,
    width: int,
    depth: int,
    every: bool,
    factor: float,
) -> Metrics:
    """Test accuracy of each initialisation, at the learning rate that validation chose.

    Args:
        activation: ``tanh`` or ``relu``.
        examples: Examples.
        recipe: How to train; the same for every competitor.
        ctx: Context of the trial.
        width: Width of the hidden layers.
        depth: Number of affine layers.
        every: Whether all initialisations run, or those that claims speak of.
        factor: What the method's ``C_W`` is of the critical one.
    """
    sizes = _sizes(examples, width, depth)
    start = partial(critical_start, activation=activation, sizes=sizes, device=ctx.device)
    plain: Callable[..., Start] = partial(framework_start, sizes=sizes, device=ctx.device)
    gain = GAINS[activation]
    starts = [
        start("critical", factor=factor),
        start("subcritical", factor=SUBCRITICAL[activation]),
        plain("default", initialise=None),
    ]
    if every:
        orthogonal = partial(nn.init.orthogonal_, gain=gain)
        starts += [
            start("supercritical", factor=SUPERCRITICAL[activation]),
            plain("orthogonal", initialise=orthogonal),
            unit_variance_start("lsuv", activation, sizes, examples.train_x[:500]),
        ]
        if activation == "relu":
            kaiming = partial(nn.init.kaiming_uniform_, nonlinearity="relu")
            starts.append(plain("kaiming", initialise=kaiming))
        else:
            starts.append(plain("xavier", initialise=partial(nn.init.xavier_normal_, gain=gain)))
    stacks = [starts]
    if activation == "relu":
        stacks.append([plain("norm-skip", initialise=nn.init.kaiming_normal_, skip=True)])
    competitors = []
    for stack in stacks:
        with ctx.measure() as meter:
            outcomes = train(stack, activation, examples, recipe, ctx.seed)
        for outcome in outcomes:
            competitors.append(_competitor(activation, outcome, meter, len(stack), recipe, sizes))
    return Metrics(competitors=competitors)


def depth_scan(
    activation: str,
    examples: Examples,
    recipe: Recipe,
    ctx: Context,
    *,
    width: int,
    depths: Sequence[int],
    factor: float,
) -> Metrics:
    """Test accuracy over depth and ``C_W``, with and without skips, and the trainable depths.

    The map ``scan-{activation}-{gamma}`` has a row for each depth and a column for each factor of
    ``C_W``; ``trainable_{activation}_{...}`` is the largest depth that reaches the accuracy, at
    least 1, since a single layer always trains.
    """
    rows: dict[str, list[list[float]]] = {}
    for depth in depths:
        sizes = _sizes(examples, width, depth)
        start = partial(critical_start, activation=activation, sizes=sizes, device=ctx.device)
        starts = [framework_start("default", sizes, None, ctx.device)]
        for gamma, factors in ((0.0, FACTORS), *((g, SKIP_FACTORS) for g in SKIPS)):
            for c in factors:
                own = c * factor if c == 1 else c
                starts.append(start(f"{gamma}", factor=own, gamma=gamma))
        outcomes = train(starts, activation, examples, recipe, ctx.seed)
        blocks = [
            framework_start("norm-skip", sizes, nn.init.kaiming_normal_, ctx.device, skip=True)
        ]
        outcomes += train(blocks, activation, examples, recipe, ctx.seed)
        for name in dict.fromkeys(o.name for o in outcomes):
            rows.setdefault(name, []).append([o.test for o in outcomes if o.name == name])
    maps = {name: np.array(r) for name, r in rows.items()}
    plain, skipped = maps["0.0"], maps[str(SKIPS[-1])]
    trainable = {
        "critical": plain[:, FACTORS.index(1.0)],
        "subcritical": plain[:, FACTORS.index(0.6)],
        "skips": skipped[:, SKIP_FACTORS.index(1.0)],
        "default": maps["default"][:, 0],
        "norm-skip": maps["norm-skip"][:, 0],
    }
    return Metrics(
        values={
            f"trainable_{activation}_{name}": float(_trainable(depths, accuracies))
            for name, accuracies in trainable.items()
        },
        series={
            f"scan-{activation}-{name.replace('.', '-')}": values for name, values in maps.items()
        }
        | {"scan_depths": np.array(depths)},
    )


def aspect_scan(
    activation: str,
    examples: Examples,
    recipe: Recipe,
    ctx: Context,
    *,
    parameters: int,
    depths: Sequence[int],
) -> Metrics:
    """Test accuracy over ``L / n`` at a fixed number of hidden parameters, and where it is best.

    ``aspect_distance_{activation}`` is ``|log(r / r*)|`` of the best shape.
    """
    ratios, accuracies = [], []
    for depth in depths:
        width = max(2, round(math.sqrt(parameters / max(1, depth - 2))))
        sizes = _sizes(examples, width, depth)
        start = critical_start("critical", activation, sizes, device=ctx.device)
        (outcome,) = train([start], activation, examples, recipe, ctx.seed)
        ratios.append(depth / width)
        accuracies.append(outcome.test)
    best = ratios[int(np.argmax(accuracies))]
    ideal = optimal_aspect_ratio(sizes[2], activation)
    return Metrics(
        values={f"aspect_distance_{activation}": abs(math.log(best / ideal))},
        series={
            f"aspect-ratio-{activation}": np.array(ratios),
            f"aspect-accuracy-{activation}": np.array(accuracies),
        },
    )


def _competitor(
    activation: str,
    outcome: Outcome,
    meter: Meter,
    shared_by: int,
    recipe: Recipe,
    sizes: tuple[int, int, int, int],
) -> Competitor:
    label, role, package = LABELS[outcome.name]
    label = label.format(sub=SUBCRITICAL[activation], super=SUPERCRITICAL[activation])
    inputs, width, outputs, depth = sizes
    flops = 2.0 * (inputs * width + (depth - 2) * width**2 + width * outputs)
    cost = meter.cost(parameters=outcome.parameters, flops=flops, tuning_trials=len(recipe.lrs))
    return Competitor(
        name=f"{activation}-{outcome.name}",
        label=f"{activation}, {label}",
        role=role,
        package=package,
        quality={"accuracy": outcome.test, "valid_accuracy": outcome.valid, "lr": outcome.lr},
        cost=replace(cost, wall_s=cost.wall_s / shared_by),
    )


def _sizes(examples: Examples, width: int, depth: int) -> tuple[int, int, int, int]:
    classes = int(examples.test_y.max()) + 1
    return examples.train_x.shape[1], width, classes, depth


def _trainable(depths: Sequence[int], accuracies: np.ndarray) -> int:
    reached = [depth for depth, a in zip(depths, accuracies, strict=True) if a >= TRAINABLE]
    return max(reached, default=1)
