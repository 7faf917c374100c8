"""Bounding a network with every competitor, and comparing what they found."""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from provenn.evidence.metrics import Competitor, Cost, Metrics, Role
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
from provenn.verify import BranchAndBound, local_lipschitz
from provenn.verify.lipschitz import LipschitzBounds

TINY = ((2, 6, 6, 2), (3, 8, 8, 3), (4, 10, 10, 3))
TINY_EPS = 0.3
ORACLE_UNSTABLE = 12
"""Networks with more unstable neurons are not given to the oracle."""
UNCOUNTED = ("sampled", "exact", "crown-bab")
"""Competitors whose operations are not counted: they vary from box to box, or are no tensors'."""


@dataclass(frozen=True)
class Bounder:
    """A competitor: the arguments of ``local_lipschitz`` that make it."""

    name: str
    label: str
    role: Role
    arguments: Mapping[str, Any]


def bounders(
    relaxation: Literal["linear", "constant"],
    branching: BranchAndBound | None,
    *,
    exact: bool = False,
) -> tuple[Bounder, ...]:
    """Competitors from the tightest to the loosest: none may exceed the next.

    Args:
        relaxation: ``linear`` for the method; ``constant`` for its negative control, which has
            constants where a gradient's sign is not known and does not branch.
        branching: How to branch; ``None`` leaves that competitor out.
        exact: Whether the oracle runs.
    """
    method = {"method": "crown" if relaxation == "linear" else "recurjac"}
    branched = {**method, "branch_and_bound": branching} if relaxation == "linear" else method
    everyone = (
        Bounder("sampled", "largest sample (a lower bound)", "baseline", {"method": "sampled"}),
        Bounder("exact", "exact enumeration", "oracle", {"method": "exact"}),
        Bounder("crown-bab", "with branch and bound", "method", branched),
        Bounder("crown", "linear relaxation", "method", method),
        Bounder("recurjac", "RecurJac-style", "peer", {"method": "recurjac"}),
        Bounder("interval", "interval arithmetic", "peer", {"method": "interval"}),
        Bounder("global", "product of norms", "baseline", {"method": "global"}),
    )
    left_out = {"exact": not exact, "crown-bab": branching is None}
    return tuple(b for b in everyone if not left_out.get(b.name, False))


@dataclass(frozen=True)
class Boxes:
    """A network and the boxes around some of its inputs."""

    model: nn.Module
    x: Tensor
    eps: float
    clip: tuple[float, float] | None = None


@dataclass
class Comparison:
    """Runs every competitor on the same boxes, and keeps what they cost and who broke the order."""

    competitors: Sequence[Bounder]
    ctx: Context
    samples: int
    memory_budget: int = 2**25
    order_violation: float = 0.0
    """Largest relative excess of a bound over the next looser one, over points and classes."""
    recurjac_violation: float = 0.0
    """The same, of the method over RecurJac."""
    costs: dict[str, Cost] = field(default_factory=dict)

    def run(self, boxes: Sequence[Boxes]) -> list[dict[str, LipschitzBounds]]:
        """Bounds of every competitor for each of the boxes."""
        found: list[dict[str, LipschitzBounds]] = [{} for _ in boxes]
        parameters = max(sum(p.numel() for p in b.model.parameters()) for b in boxes)
        for competitor in self.competitors:
            with self.ctx.measure() as meter:
                for box, results in zip(boxes, found, strict=True):
                    results[competitor.name] = self._bound(competitor, box)
            flops = math.nan
            if competitor.name not in UNCOUNTED:
                with FlopCounterMode(display=False) as counter:
                    self._bound(competitor, replace(boxes[-1], x=boxes[-1].x[:1]))
                flops = counter.get_total_flops()
            cost = meter.cost(parameters=parameters, flops=flops)
            self.costs[competitor.name] = cost
        for results in found:
            self.order_violation = max(self.order_violation, _excess(list(results.values())))
            pair = _excess([results["crown"], results["recurjac"]])
            self.recurjac_violation = max(self.recurjac_violation, pair)
        return found

    def results(self, quality: Mapping[str, Mapping[str, float]]) -> list[Competitor]:
        """The competitors with that quality; operations are those of one point of the last box."""
        return [
            Competitor(
                name=c.name,
                label=c.label,
                role=c.role,
                quality=quality[c.name],
                cost=self.costs[c.name],
            )
            for c in self.competitors
        ]

    def _bound(self, competitor: Bounder, boxes: Boxes) -> LipschitzBounds:
        return local_lipschitz(
            boxes.model,
            boxes.x,
            boxes.eps,
            clip=boxes.clip,
            samples=self.samples if competitor.name == "sampled" else 0,
            seed=self.ctx.seed,
            memory_budget=self.memory_budget,
            **competitor.arguments,
        )


def measure_network(
    name: str, network: Network, points: int, compare: Comparison, *, dense: bool
) -> Metrics:
    """Train a network and bound it around test points.

    Args:
        name: Name of the network.
        network: The network.
        points: Number of test points.
        compare: The competitors.
        dense: Whether the network's dense form is timed beside it.

    Returns:
        For each competitor the mean bound ``bound_NAME_EPS`` and its mean ratio to RecurJac's,
        ``relative_NAME_EPS``, and for the method ``improved_NAME_EPS``, the share of points where
        it is below the plain method; the network's accuracy; the violations; with ``dense`` the
        seconds that both forms take for one point at the largest radius.
    """
    device = compare.ctx.device
    split = load_split(network, compare.ctx)
    model = train(network, split, device)
    right = accuracy(model, split.test_x, split.test_y)
    x = split.test_x[:points]
    if device.type == "cpu":
        model, x = model.double(), x.double()
    quality: dict[str, dict[str, float]] = {c.name: {} for c in compare.competitors}
    boxes = [Boxes(model, x, radius(eps), network.clip) for eps in network.eps]
    for eps, found in zip(network.eps, compare.run(boxes), strict=True):
        key = f"{name}_{tag(eps)}"
        for competitor, result in found.items():
            relative = result.bound / found["recurjac"].bound
            quality[competitor][f"bound_{key}"] = float(result.bound.mean())
            quality[competitor][f"relative_{key}"] = float(relative.mean())
            if competitor in ("crown", "crown-bab"):
                better = result.bound < found["crown"].bound * (1 - 1e-9)
                quality[competitor][f"improved_{key}"] = float(better.double().mean())
    timings = {}
    if dense and isinstance(model, nn.Sequential):
        single, shape = copy.deepcopy(model).float(), x.shape[1:]
        for form, built in (("conv", single), ("dense", dense_form(single, shape))):
            point = x[:1].float().reshape(1, *(shape if form == "conv" else (-1,)))
            result = local_lipschitz(
                built, point, radius(network.eps[-1]), clip=network.clip, samples=0
            )
            timings[f"{name}_{form}_s"] = result.time
    return Metrics(
        values={
            f"accuracy_{name}": right,
            f"order_violation_{name}": compare.order_violation,
            f"recurjac_violation_{name}": compare.recurjac_violation,
        },
        timings=timings,
        competitors=compare.results(quality),
    )


def measure_tiny(instances: int, compare: Comparison) -> Metrics:
    """Bound random tiny networks beside their exact constants.

    Args:
        instances: Networks of each size.
        compare: The competitors, the oracle among them.

    Returns:
        For each competitor ``to_exact``, the median ratio of its bound to the exact constant over
        networks with at most 12 unstable neurons. For the method without and with branch and
        bound, over those where it is not exact without: ``gap_closed``, the mean share of the gap
        that is closed where at least 4 neurons are unstable, and ``improved``, the share of
        networks with a lower bound.
    """
    boxes = [
        Boxes(random_network(widths), torch.randn(1, widths[0], dtype=torch.float64), TINY_EPS)
        for widths in TINY * instances
    ]
    no_crossing = max(_no_crossing_error(box, compare.competitors) for box in boxes)
    counts = [int(_crown(box).n_unstable) for box in boxes]
    kept = [i for i, count in enumerate(counts) if count <= ORACLE_UNSTABLE]
    unstable = np.array([counts[i] for i in kept])
    found = compare.run([boxes[i] for i in kept])
    bounds = {
        c.name: np.array([float(results[c.name].bound) for results in found])
        for c in compare.competitors
    }
    exact, plain = bounds["exact"], bounds["crown"]
    loose = plain > exact * (1 + 1e-6)
    quality = {
        name: {"to_exact": float(np.median(_ratios(bound, exact)))}
        for name, bound in bounds.items()
    }
    for name in ("crown", "crown-bab"):
        bound = bounds[name]
        closed = (plain - bound)[loose] / (plain - exact)[loose]
        quality[name]["gap_closed"] = _mean(closed[unstable[loose] >= 4])
        quality[name]["improved"] = _mean(bound[loose] < plain[loose] * (1 - 1e-9))
    return Metrics(
        values={
            "order_violation_tiny": compare.order_violation,
            "recurjac_violation_tiny": compare.recurjac_violation,
            "no_crossing_error": no_crossing,
            "tiny_networks": len(kept),
            "tiny_loose_networks": int(loose.sum()),
        },
        series={
            "tiny_unstable": unstable,
            **{f"tiny_ratio_{name}": bound / exact for name, bound in bounds.items()},
        },
        competitors=compare.results(quality),
    )


def merge(parts: Sequence[Metrics]) -> Metrics:
    """All that the parts measured; a competitor's costs add up, its qualities stand side by side.

    The violations of the parts are joined to their largest.
    """
    competitors: dict[str, Competitor] = {}
    for part in parts:
        for c in part.competitors:
            before = competitors.setdefault(c.name, c)
            if before is not c:
                quality = {**before.quality, **c.quality}
                cost = _total([before.cost, c.cost])
                competitors[c.name] = replace(before, quality=quality, cost=cost)
    values = {k: v for part in parts for k, v in part.values.items()}
    for what in ("order_violation", "recurjac_violation"):
        values[what] = max(v for k, v in values.items() if k.startswith(f"{what}_"))
    return Metrics(
        values=values,
        timings={k: v for part in parts for k, v in part.timings.items()},
        series={k: v for part in parts for k, v in part.series.items()},
        competitors=list(competitors.values()),
    )


def _excess(results: Sequence[LipschitzBounds]) -> float:
    """Largest relative excess of a bound over the next one, over points and classes."""
    excess = [
        float((tighter.per_class / looser.per_class.clamp(min=1e-30) - 1).max())
        for tighter, looser in pairwise(results)
    ]
    return max(0.0, *excess)


def _no_crossing_error(box: Boxes, competitors: Sequence[Bounder]) -> float:
    """Relative distance to RecurJac's bound when no gradient can cross zero.

    All weights after the first layer are positive for it: gradients are then of one sign.
    """
    model = copy.deepcopy(box.model)
    for layer in [layer for layer in model.modules() if isinstance(layer, nn.Linear)][1:]:
        layer.weight.data.abs_()
    crown, recurjac = (
        local_lipschitz(model, box.x, box.eps, samples=0, **c.arguments).per_class
        for c in competitors
        if c.name in ("crown", "recurjac")
    )
    return float((crown / recurjac - 1).abs().max())


def _crown(box: Boxes) -> LipschitzBounds:
    return local_lipschitz(box.model, box.x, box.eps, samples=0)


def _ratios(bounds: NDArray[np.float64], exact: NDArray[np.float64]) -> NDArray[np.float64]:
    """``bounds / exact``; where a network is constant in its box, 1 for a bound of zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((exact == 0) & (bounds == 0), 1.0, bounds / exact)


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if values.size else math.nan


def _total(costs: Sequence[Cost]) -> Cost:
    """Costs of several networks: the largest network, and all the time that they took."""
    known = [c.flops for c in costs if not math.isnan(c.flops)]
    return Cost(
        parameters=max(c.parameters for c in costs),
        flops=max(known) if known else math.nan,
        wall_s=sum(c.wall_s for c in costs),
        peak_bytes=max(c.peak_bytes for c in costs),
    )
