"""Bounding a network with every competitor, and comparing what they found."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean, median
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from provenn.evidence.metrics import Competitor, Cost, Metrics
from provenn.evidence.page import Context
from provenn.papers.bounds.networks import (
    Network,
    accuracy,
    dense_form,
    load_split,
    radius,
    random_network,
    tag,
    train,
)
from provenn.verify import BranchAndBound, LipschitzBounds, local_lipschitz

TINY = ((2, 6, 6, 2), (3, 8, 8, 3), (4, 10, 10, 3))
TINY_EPS = 0.3
ORACLE_UNSTABLE = 12
"""Networks with more unstable neurons are not given to the oracle."""


@dataclass(frozen=True)
class Bounder:
    """A competitor: how ``local_lipschitz`` is called for it."""

    name: str
    label: str
    role: Any
    arguments: Mapping[str, Any]


def bounders(
    relaxation: str, branching: BranchAndBound | None, *, exact: bool = False
) -> tuple[Bounder, ...]:
    """Competitors from the tightest to the loosest: each may not exceed the next.

    Args:
        relaxation: ``linear`` for the method, ``constant`` for its negative control, in which
            constants stand where the gradient's sign is not known.
        branching: How to branch; ``None`` leaves the branching competitor out.
        exact: Whether the oracle runs.
    """
    method = "crown" if relaxation == "linear" else "recurjac"
    branches = {"branch_and_bound": branching} if method == "crown" else {}
    return (
        Bounder("sampled", "largest sample (a lower bound)", "baseline", {"method": "sampled"}),
        *([Bounder("exact", "exact enumeration", "oracle", {"method": "exact"})] if exact else []),
        *(
            [
                Bounder(
                    "crown-bab", "with branch and bound", "method", {"method": method, **branches}
                )
            ]
            if branching
            else []
        ),
        Bounder("crown", "linear relaxation", "method", {"method": method}),
        Bounder("recurjac", "RecurJac-style", "peer", {"method": "recurjac"}),
        Bounder("interval", "interval arithmetic", "peer", {"method": "interval"}),
        Bounder("global", "product of norms", "baseline", {"method": "global"}),
    )


def measure_network(
    name: str,
    network: Network,
    ctx: Context,
    competitors: Sequence[Bounder],
    *,
    points: int,
    samples: int,
    memory_budget: int,
    compare_dense: bool,
) -> Metrics:
    """Train a network and bound it around test points.

    Returns:
        For each competitor the mean bound ``bound_NAME_EPS`` and its mean ratio to RecurJac's,
        ``relative_NAME_EPS``; the network's accuracy; the largest violation of the competitors'
        order, over points and classes; with ``compare_dense`` the seconds that the convolutional
        and the dense form take for one point.
    """
    split = load_split(network, ctx)
    model = train(network, split, ctx.device)
    values = {f"accuracy_{name}": accuracy(model, split.test_x, split.test_y)}
    x = split.test_x[:points]
    if ctx.device.type == "cpu":
        model, x = model.double(), x.double()
    quality: dict[str, dict[str, float]] = {c.name: {} for c in competitors}
    costs: dict[str, list[Cost]] = {c.name: [] for c in competitors}
    violation, recurjac_violation = 0.0, 0.0
    for eps in network.eps:
        common = {"eps": radius(eps), "clip": network.clip, "memory_budget": memory_budget}
        found = {}
        for competitor in competitors:
            found[competitor.name], cost = _run(
                competitor, model, x, ctx, samples=samples, **common
            )
            costs[competitor.name].append(cost)
        for key, result in found.items():
            quality[key][f"bound_{name}_{tag(eps)}"] = float(result.bound.mean())
            quality[key][f"relative_{name}_{tag(eps)}"] = float(
                (result.bound / found["recurjac"].bound).mean()
            )
        violation = max(violation, _violation(list(found.values())))
        recurjac_violation = max(
            recurjac_violation, _violation([found["crown"], found["recurjac"]])
        )
        if "crown-bab" in found:
            better = found["crown-bab"].bound < found["crown"].bound * (1 - 1e-9)
            share = float(better.double().mean())
            quality["crown-bab"][f"improved_{name}_{tag(eps)}"] = share
            quality["crown"][f"improved_{name}_{tag(eps)}"] = 0.0
    timings = {}
    if compare_dense and isinstance(model, nn.Sequential):
        both = {
            f"{name}_conv_s": (model, x[:1]),
            f"{name}_dense_s": (dense_form(model, x.shape[1:]), x[:1].flatten(1)),
        }
        for key, (form, point) in both.items():
            timings[key] = local_lipschitz(
                form, point, **{**common, "memory_budget": memory_budget}, samples=0
            ).time
    return Metrics(
        values={
            **values,
            f"order_violation_{name}": violation,
            f"recurjac_violation_{name}": recurjac_violation,
        },
        timings=timings,
        competitors=[
            Competitor(
                name=c.name,
                label=c.label,
                role=c.role,
                quality=quality[c.name],
                cost=_total(costs[c.name]),
            )
            for c in competitors
        ],
    )


def measure_tiny(
    ctx: Context, competitors: Sequence[Bounder], *, instances: int, samples: int
) -> Metrics:
    """Bound random tiny networks beside their exact constants.

    Returns:
        For each competitor: ``to_exact``, the median ratio of its bound to the exact constant over
        networks with at most 12 unstable neurons; ``gap_closed``, the mean share of the method's
        gap to the exact constant that it closes, over those with at least 4; ``improved``, the
        share of networks where the method is not exact in which it is below the method.
    """
    ratios: dict[str, list[float]] = {c.name: [] for c in competitors}
    closed: dict[str, list[float]] = {c.name: [] for c in competitors}
    improved: dict[str, list[bool]] = {c.name: [] for c in competitors}
    costs: dict[str, list[Cost]] = {c.name: [] for c in competitors}
    unstable: list[int] = []
    violation = recurjac_violation = no_crossing = 0.0
    total = instances * len(TINY)
    for i in range(total):
        ctx.progress(i, total, "tiny networks")
        widths = TINY[i % len(TINY)]
        model, x = random_network(widths), torch.randn(1, widths[0], dtype=torch.float64)
        no_crossing = max(no_crossing, _no_crossing_error(model, x, competitors))
        n_unstable = int(local_lipschitz(model, x, TINY_EPS, samples=0).n_unstable)
        if n_unstable > ORACLE_UNSTABLE:
            continue
        found = {}
        for competitor in competitors:
            found[competitor.name], cost = _run(
                competitor, model, x, ctx, samples=samples, eps=TINY_EPS
            )
            costs[competitor.name].append(cost)
        violation = max(violation, _violation(list(found.values())))
        recurjac_violation = max(
            recurjac_violation, _violation([found["crown"], found["recurjac"]])
        )
        unstable.append(n_unstable)
        exact, plain = float(found["exact"].bound), float(found["crown"].bound)
        for name, result in found.items():
            bound = float(result.bound)
            ratios[name].append(bound / exact)
            if plain > exact * (1 + 1e-6):
                improved[name].append(bound < plain * (1 - 1e-9))
                if n_unstable >= 4:
                    closed[name].append((plain - bound) / (plain - exact))
    return Metrics(
        values={
            "order_violation_tiny": violation,
            "recurjac_violation_tiny": recurjac_violation,
            "no_crossing_error": no_crossing,
            "tiny_networks": len(unstable),
            "tiny_loose_networks": len(improved["crown"]),
        },
        series={
            "tiny_unstable": unstable,
            **{f"tiny_ratio_{c.name}": ratios[c.name] for c in competitors},
        },
        competitors=[
            Competitor(
                name=c.name,
                label=c.label,
                role=c.role,
                quality={
                    "to_exact": median(ratios[c.name]) if ratios[c.name] else math.nan,
                    "gap_closed": fmean(closed[c.name]) if closed[c.name] else math.nan,
                    "improved": fmean(improved[c.name]) if improved[c.name] else math.nan,
                },
                cost=_total(costs[c.name]),
            )
            for c in competitors
        ],
    )


def merge(parts: Sequence[Metrics]) -> Metrics:
    """All that the parts measured; a competitor's costs add up, its qualities stand side by side.

    The violations of the parts are joined to their largest.
    """
    competitors: dict[str, Competitor] = {}
    for part in parts:
        for c in part.competitors:
            before = competitors.get(c.name)
            if before is None:
                competitors[c.name] = c
                continue
            competitors[c.name] = replace(
                before,
                quality={**before.quality, **c.quality},
                cost=_total([before.cost, c.cost]),
            )
    values = {k: v for part in parts for k, v in part.values.items()}
    for what in ("order_violation", "recurjac_violation"):
        values[what] = max(v for k, v in values.items() if k.startswith(f"{what}_"))
    return Metrics(
        values=values,
        timings={k: v for part in parts for k, v in part.timings.items()},
        series={k: v for part in parts for k, v in part.series.items()},
        competitors=list(competitors.values()),
    )


def _run(
    competitor: Bounder, model: nn.Module, x: Tensor, ctx: Context, *, samples: int, **common: Any
) -> tuple[LipschitzBounds, Cost]:
    """A competitor's bounds and what they cost; operations are those of one point."""
    used = samples if competitor.name == "sampled" else 0
    arguments = {**common, **competitor.arguments, "samples": used, "seed": ctx.seed}
    with ctx.measure() as meter:
        result = local_lipschitz(model, x, **arguments)
    parameters = sum(p.numel() for p in model.parameters())
    flops = math.nan
    if competitor.name not in ("exact", "crown-bab"):
        with FlopCounterMode(display=False) as counter:
            local_lipschitz(model, x[:1], **arguments)
        flops = counter.get_total_flops()
    return result, meter.cost(parameters=parameters, flops=flops)


def _violation(results: Sequence[LipschitzBounds]) -> float:
    """Largest relative excess of a bound over the next looser one, over points and classes."""
    excess = [
        float((tighter.per_class / looser.per_class.clamp(min=1e-30) - 1).max())
        for tighter, looser in pairwise(results)
    ]
    return max(0.0, *excess)


def _no_crossing_error(model: nn.Module, x: Tensor, competitors: Sequence[Bounder]) -> float:
    """Relative distance to RecurJac's bound when no gradient can cross zero.

    All weights after the first layer are made positive: gradients are then of one sign.
    """
    linear = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    signs = [layer.weight.data.clone() for layer in linear[1:]]
    for layer in linear[1:]:
        layer.weight.data.abs_()
    bounds = {
        c.name: local_lipschitz(model, x, TINY_EPS, samples=0, **c.arguments).per_class
        for c in competitors
        if c.name in ("crown", "recurjac")
    }
    for layer, weight in zip(linear[1:], signs, strict=True):
        layer.weight.data.copy_(weight)
    return float((bounds["crown"] / bounds["recurjac"] - 1).abs().max())


def _total(costs: Sequence[Cost]) -> Cost:
    """Costs of several networks: the largest network, and all the time that they took."""
    if not costs:
        return Cost()
    known = [c.flops for c in costs if not math.isnan(c.flops)]
    return Cost(
        parameters=max(c.parameters for c in costs),
        flops=max(known) if known else math.nan,
        wall_s=sum(c.wall_s for c in costs),
        peak_bytes=max(c.peak_bytes for c in costs),
    )
