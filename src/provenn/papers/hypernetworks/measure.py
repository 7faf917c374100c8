"""Stages of a trial: each trains methods side by side and returns what it measured."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from provenn.evidence.metrics import Competitor, Cost, Metrics
from provenn.evidence.page import Context
from provenn.papers.hypernetworks.methods import (
    DEFAULT,
    Conditioned,
    Method,
    Official,
    hyper,
    parameter_count,
)
from provenn.papers.hypernetworks.networks import DIGITS, MNIST, REGISTRATION
from provenn.papers.hypernetworks.problems import (
    ENDS,
    Classification,
    Images,
    Pairs,
    Registration,
)
from provenn.papers.hypernetworks.training import Course, Recipe, best_of, train

GRID = tuple(float(g) for g in np.linspace(0.0, 1.0, 11))
"""Conditions at which magnitudes are taken."""
ACTIVATIONS = ("relu", "leaky_relu", "gelu", "tanh")
NORMS = ("none", "layer", "batch")
ARCHITECTURES: dict[str, tuple[int, ...]] = {
    "shallow": (64,),
    "deep": (16, 64, 128),
    "wide": (64, 256),
}
BATCH_NORM_GROUPS = 8
STEP_TIME_ROUNDS = 9
STEP_TIME_STEPS = 8

Sized = Mapping[str, tuple[float, ...]]
"""Learning rates to try, by optimiser."""


def on_digits(
    method: Method, images: Images, ctx: Context, steps: int, taken: int, lr: Mapping[str, float]
) -> Metrics:
    """The pilot: a digits classifier under a condition in [0, 1], by Adam and by SGD.

    Args:
        method: The method.
        images: Digits.
        ctx: Context of the trial.
        steps: Steps of the comparison.
        taken: Steps that this method takes: all, or half of them.
        lr: Learning rate by optimiser; one of them may be missing.

    Returns:
        One competitor with its accuracy at half the steps and, if it takes them, after all, and
        for hypernetworks how predicted magnitudes follow the condition.
    """
    conditions = torch.tensor(ENDS, device=ctx.device).unsqueeze(1)
    problem = Classification(DIGITS, images, conditions, shared=True)
    marks = tuple(sorted({steps // 6, steps // 3, steps // 2, steps}))
    quality: dict[str, float] = {}
    series: dict[str, np.ndarray] = {}
    build = partial(method.build, DIGITS, 1)
    with ctx.measure() as meter:
        for optimizer, rate in lr.items():
            recipe = Recipe(optimizer=optimizer, lr=rate, steps=taken, marks=marks)  # type: ignore[arg-type]
            magnitudes: list[list[float]] = []

            def look(model: nn.Module, seen: list[list[float]] = magnitudes) -> None:
                if isinstance(model, Conditioned | Official):
                    seen.append([_weight_norm(model, g) for g in GRID])

            course = train(
                build, problem, recipe, ctx.seed, ctx.device, splits=("test",), at_mark=look
            )
            series[f"digits-{optimizer}-{method.name}"] = np.array(course.test)
            if taken == steps:
                quality[f"accuracy_{optimizer}"] = course.test[-1]
            quality[f"accuracy_{optimizer}_half"] = course.test[marks.index(steps // 2)]
            quality[f"gradient_cv_{optimizer}"] = course.gradient_variation
            if magnitudes:
                series[f"magnitude-{optimizer}-{method.name}"] = np.array(magnitudes)
            if optimizer == "adam" and isinstance(course.model, Conditioned):
                changes = [_change_norm(course.model, g) for g in (0.05, 1.0)]
                quality["trained_ratio"] = changes[1] / changes[0]
                series[f"gradient-{method.name}"] = np.array(course.gradient_norms)
    torch.manual_seed(ctx.seed)
    fresh = build().to(ctx.device)
    if isinstance(fresh, Conditioned | Official):
        quality["init_ratio"] = _weight_norm(fresh, 1.0) / _weight_norm(fresh, 0.01)
    cost = meter.cost(
        parameters=parameter_count(fresh), flops=_flops(fresh, images.test[0][:1], conditions[2])
    )
    return Metrics(
        series={"digits_marks": np.array(marks), **series},
        competitors=[method.competitor(quality, cost)],
    )


def step_times(methods: Sequence[Method], images: Images, ctx: Context) -> Metrics:
    """Processor time of a step of Adam, the methods taking turns.

    Returns:
        Timings ``NAME.step_ms``, medians over rounds.
    """
    conditions = torch.tensor(ENDS, device=ctx.device).unsqueeze(1)
    problem = Classification(DIGITS, images, conditions, shared=True)
    recipe = Recipe(optimizer="adam", lr=1e-3, steps=STEP_TIME_STEPS, marks=())
    models = {method.name: method.build(DIGITS, 1) for method in methods}
    taken: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(STEP_TIME_ROUNDS + 1):
        for name, model in models.items():
            started = time.process_time()
            train(lambda model=model: model, problem, recipe, ctx.seed, ctx.device)  # type: ignore[misc]
            taken[name].append(time.process_time() - started)
    return Metrics(
        timings={
            f"{name}.step_ms": 1e3 * median(times[1:]) / STEP_TIME_STEPS
            for name, times in taken.items()
        }
    )


def bayesian(
    method: Method,
    d: int,
    images: Images,
    ctx: Context,
    *,
    steps: int,
    every: int,
    target: float,
    lr: Sized,
) -> Metrics:
    """A Bayesian hypernetwork on MNIST: the condition is noise, every draw must classify.

    Args:
        method: The method.
        d: Entries of the condition.
        images: MNIST.
        ctx: Context of the trial.
        steps: Steps of each training.
        every: Steps between two evaluations.
        target: Accuracy to reach.
        lr: Learning rates to try, by optimiser.

    Returns:
        One competitor: for each optimiser the steps to the target at its best learning rate
        (the number of all steps if it is not reached), the accuracy at the end, and the spread of
        the final accuracy over Adam's learning rates.
    """
    generator = torch.Generator().manual_seed(ctx.seed + 1)
    conditions = torch.rand(10, d, generator=generator).to(ctx.device)
    problem = Classification(MNIST, images, conditions, shared=False)
    marks = tuple(range(every, steps + 1, every))
    quality: dict[str, float] = {}
    series: dict[str, np.ndarray] = {"bayes_marks": np.array(marks)}
    build = partial(method.build, MNIST, d)
    with ctx.measure() as meter:
        for optimizer, rates in lr.items():
            courses = [
                train(
                    build,
                    problem,
                    Recipe(optimizer=optimizer, lr=rate, steps=steps, marks=marks),  # type: ignore[arg-type]
                    ctx.seed,
                    ctx.device,
                )
                for rate in rates
            ]
            best, taken = best_of(courses, marks, target)
            key = f"{optimizer}_d{d}"
            quality[f"steps_{key}"] = taken
            quality[f"accuracy_{key}"] = courses[best].test[-1]
            quality[f"lr_{key}"] = rates[best]
            last = [course.test[-1] for course in courses]
            quality[f"spread_{key}"] = max(last) - min(last)
            series[f"bayes-{key}-{method.name}"] = np.array(courses[best].test)
    model = build()
    cost = meter.cost(
        parameters=parameter_count(model),
        flops=_flops(model.to(ctx.device), images.test[0][:1], conditions[0]),
        tuning_trials=sum(map(len, lr.values())),
    )
    return Metrics(series=series, competitors=[method.competitor(quality, cost)])


def registration(
    method: Method,
    pairs: Pairs,
    ctx: Context,
    *,
    steps: int,
    rates: Sequence[float],
) -> Metrics:
    """Registration of pairs of digits under every trade-off of similarity and smoothness.

    The ordinary network is trained anew for each trade-off of the evaluation.

    Returns:
        One competitor: ``registration_loss``, the mean over trade-offs on test pairs at the best
        learning rate, and the share of folded pixels at the ends.
    """
    problem = Registration(REGISTRATION, pairs)
    build = partial(method.build, REGISTRATION, 1)
    marks = tuple(range(steps // 3, steps + 1, steps // 3))

    def tuned(task: Registration) -> Course:
        courses = [
            train(
                build,
                task,
                Recipe(optimizer="adam", lr=rate, steps=steps, marks=marks, batch_size=32),
                ctx.seed,
                ctx.device,
            )
            for rate in rates
        ]
        return courses[best_of(courses, marks)[0]]

    with ctx.measure() as meter:
        if method.name == "ordinary":
            tasks = [Registration(REGISTRATION, pairs, only=c) for c in problem.conditions]
            courses = [tuned(task) for task in tasks]
            low, high = courses[0].model, courses[-1].model
        else:
            courses = [tuned(problem)]
            low = high = courses[0].model
    quality = {
        "registration_loss": -float(np.mean([course.test[-1] for course in courses])),
        "folding_low": problem.folding(low, problem.conditions[0]),
        "folding_high": problem.folding(high, problem.conditions[-1]),
    }
    cost = meter.cost(
        parameters=sum(parameter_count(course.model) for course in courses),
        flops=_flops(low, pairs.test[:1], pairs.test.new_tensor([0.5])),
        tuning_trials=len(rates),
    )
    curve = -np.mean([course.test for course in courses], axis=0)
    return Metrics(
        series={"registration_marks": np.array(marks), f"registration-{method.name}": curve},
        competitors=[method.competitor(quality, cost)],
    )


def ablation_grid(
    images: Images, ctx: Context, *, ours: Mapping[str, Any], steps: int, rates: Sequence[float]
) -> Metrics:
    """MIP beside the default over activations x normalisations, and over architectures.

    Batch normalisation sees several conditions a step, each for its share of the batch: of one
    condition alone it has nothing to normalise.

    Returns:
        Values ``grid_wins`` of 12 cells and ``architecture_wins`` of 3, in which MIP's test
        accuracy is at least the default's, both at their best learning rate; the accuracies as
        series, cells x (default, MIP).
    """
    conditions = torch.tensor(ENDS, device=ctx.device).unsqueeze(1)
    problem = Classification(DIGITS, images, conditions, shared=True)
    marks = (steps // 2, steps)

    def curves(groups: int = 1, **options: Any) -> list[list[float]]:
        found = []
        for parametrisation in (DEFAULT, ours):
            build = partial(hyper, DIGITS, 1, **parametrisation, **options)
            courses = [
                train(
                    build,
                    problem,
                    Recipe(optimizer="adam", lr=rate, steps=steps, marks=marks, groups=groups),
                    ctx.seed,
                    ctx.device,
                )
                for rate in rates
            ]
            found.append(courses[best_of(courses, marks)[0]].test)
        return found

    cells = np.array(
        [
            curves(BATCH_NORM_GROUPS if norm == "batch" else 1, activation=activation, norm=norm)
            for activation, norm in product(ACTIVATIONS, NORMS)
        ]
    )
    sizes = np.array([curves(hidden=hidden) for hidden in ARCHITECTURES.values()])
    return Metrics(
        values={
            "grid_wins": int((cells[:, 1, -1] >= cells[:, 0, -1]).sum()),
            "architecture_wins": int((sizes[:, 1, -1] >= sizes[:, 0, -1]).sum()),
        },
        series={"grid": cells, "architectures": sizes},
    )


def summarise(parts: Sequence[Metrics]) -> Metrics:
    """All that the stages measured; of a competitor qualities stand side by side, costs add up.

    Added are ``spread``, the mean over the stages on MNIST of the spread over Adam's learning
    rates, and the value ``proportionality_error``, the relative distance from 100 of the ratio of
    the default's first weights at the conditions 1 and 0.01.
    """
    competitors: dict[str, Competitor] = {}
    for part in parts:
        for c in part.competitors:
            before = competitors.setdefault(c.name, c)
            if before is not c:
                quality = {**before.quality, **c.quality}
                cost = _total(before.cost, c.cost)
                competitors[c.name] = replace(before, quality=quality, cost=cost)
    for name, c in competitors.items():
        spreads = [v for k, v in c.quality.items() if k.startswith("spread_adam_")]
        if spreads:
            quality = {**c.quality, "spread": float(np.mean(spreads))}
            competitors[name] = replace(c, quality=quality)
    ratio = competitors["default"].quality["init_ratio"]
    values = {k: v for part in parts for k, v in part.values.items()}
    return Metrics(
        values={**values, "proportionality_error": abs(ratio / 100 - 1)},
        timings={k: v for part in parts for k, v in part.timings.items()},
        series={k: v for part in parts for k, v in part.series.items()},
        competitors=list(competitors.values()),
    )


def _total(a: Cost, b: Cost) -> Cost:
    """Time of both stages; parameters and operations of the first; the more tuning trials."""
    return replace(
        a,
        wall_s=a.wall_s + b.wall_s,
        peak_bytes=max(a.peak_bytes, b.peak_bytes),
        tuning_trials=max(a.tuning_trials, b.tuning_trials),
    )


@torch.no_grad()
def _weight_norm(model: Conditioned | Official, condition: float) -> float:
    gamma = next(model.parameters()).new_tensor([condition])
    return _norm(model.hyper(gamma=gamma))


@torch.no_grad()
def _change_norm(model: Conditioned, condition: float) -> float:
    gamma = next(model.parameters()).new_tensor([condition])
    return _norm(model.hyper.change(gamma=gamma))


def _norm(theta: Mapping[str, Tensor]) -> float:
    return float(torch.cat([value.flatten() for value in theta.values()]).norm())


@torch.no_grad()
def _flops(model: nn.Module, x: Tensor, gamma: Tensor) -> float:
    with FlopCounterMode(display=False) as counter:
        model.eval()(x, gamma)
    return float(counter.get_total_flops())
