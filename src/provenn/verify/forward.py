"""Bounds on the values before each ReLU over a region: CROWN, and CROWN with optimised slopes.

For a neuron with ``l < 0 < u``, ``max(z, αz)`` lies above any line of slope ``s`` in ``[α, 1]``
through the origin and below the chord from ``(l, αl)`` to ``(u, u)``. Substituting these lines from
the last layer back to the input leaves a linear function of ``x``, whose extrema over the region
bound the value (Zhang et al. 2018, "Efficient neural network robustness certification with general
activation functions"). All pre-activation bounds are computed so, layer by layer.

A neuron's *state* is 1 (active, ``l > 0``), -1 (inactive, ``u < 0``) or 0 (unstable,
``l <= 0 <= u``: the Clarke derivative at 0 is all of ``[α, 1]``). Only rows that interval
arithmetic leaves unstable are propagated, since a stable neuron's bounds are never used.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int8
from torch import Tensor

from provenn.verify.graph import Affine, Graph, Node, ReLU
from provenn.verify.operators import unit_rows
from provenn.verify.region import Region

States = dict[int, Int8[Tensor, "batch ..."]]
"""State of every neuron: position of the ReLU node -> ``(batch, *shape)``."""

_ALPHA_STEPS = 20
_ALPHA_RATE = 0.5
_ALPHA_DECAY = 0.98


@dataclass(frozen=True, eq=False)
class Interval:
    """``lower <= z <= upper``, elementwise, ``(batch, *shape)``."""

    lower: Tensor
    upper: Tensor


@dataclass(frozen=True, eq=False)
class ForwardBounds:
    """Bounds on the value before each ReLU.

    Args:
        before: Bounds by position of the ReLU node.
        states: State of each neuron, 1, 0 or -1.
        empty: Whether the splits contradict each other, for each batch element.
    """

    before: dict[int, Interval]
    states: States
    empty: Bool[Tensor, " batch"]

    @property
    def n_unstable(self) -> Tensor:
        """Number of unstable neurons for each batch element."""
        counts = [(state == 0).flatten(1).sum(1) for state in self.states.values()]
        return (
            torch.stack(counts).sum(0)
            if counts
            else torch.zeros_like(self.empty, dtype=torch.int64)
        )


def forward_bounds(
    graph: Graph,
    region: Region,
    *,
    optimise: bool = False,
    splits: States | None = None,
    base: ForwardBounds | None = None,
    memory_budget: int = 2**25,
) -> ForwardBounds:
    """Bound the value before each ReLU over the region.

    Args:
        graph: Traced network.
        region: Inputs, one region for each batch element.
        optimise: Whether to optimise the slopes of the lower lines for each bound of an unstable
            neuron by 20 steps of Adam. Every step's bounds are sound, so the tightest are kept.
        splits: Signs that neurons are assumed to have (1, -1, or 0 for no assumption): the bounds
            then hold on the part of the region where the assumptions hold.
        base: Bounds known for the same regions without splits; only its unstable neurons are
            bounded again, and no bound becomes looser.
        memory_budget: Bytes that one chunk of coefficients may take.
    """
    bounds: dict[int, Interval] = {}
    states: States = {}
    empty = torch.zeros(len(region), dtype=torch.bool, device=graph.like.device)
    for position, node in graph.relus.items():
        source = node.parents[0]
        if base is None:
            interval = _interval(graph, source, bounds, region)
            known = None
        else:
            interval = base.before[position]
            known = base.states[position]
        if graph.depends_on_relu[source] or region.radius is not None:
            interval = _refine(
                graph, source, bounds, region, interval, known, optimise, memory_budget
            )
        lower, upper = interval.lower, interval.upper
        if splits is not None:
            sign = splits[position]
            crossed = ((sign > 0) & (upper < 0)) | ((sign < 0) & (lower > 0))
            empty = empty | crossed.flatten(1).any(1)
            lower = torch.where(sign > 0, lower.clamp(min=0), lower)
            upper = torch.where(sign < 0, upper.clamp(max=0), upper)
        bounds[position] = Interval(lower, upper)
        states[position] = _states(lower, upper, None if splits is None else splits[position])
    return ForwardBounds(before=bounds, states=states, empty=empty)


def widen(lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
    """Move bounds outward by 128 units of rounding of the largest bound of their batch element.

    This covers the rounding of the propagation itself: 1.5e-5 relative in float32, 2.8e-14 in
    float64. It is a safety margin, not a proof about floating-point arithmetic. A bound of exactly
    0 comes from terms that are all 0, and stays.
    """
    largest = torch.maximum(lower.abs(), upper.abs()).flatten(1).amax(1)
    slack = 128 * torch.finfo(lower.dtype).eps * largest
    slack = slack.reshape(-1, *(1,) * (lower.ndim - 1))
    return torch.where(lower == 0, lower, lower - slack), torch.where(
        upper == 0, upper, upper + slack
    )


def _refine(
    graph: Graph,
    source: int,
    bounds: Mapping[int, Interval],
    region: Region,
    interval: Interval,
    known: Tensor | None,
    optimise: bool,
    memory_budget: int,
) -> Interval:
    """CROWN bounds of the neurons that are not known to be stable."""
    state = _states(interval.lower, interval.upper, None) if known is None else known
    rows = (state == 0).flatten(1).any(0).nonzero().squeeze(1)
    lower, upper = interval.lower.flatten(1).clone(), interval.upper.flatten(1).clone()
    size = 2 * len(region) * max(node.size for node in graph.nodes[: source + 1])
    copies = 12 if optimise else 3
    chunk = max(1, memory_budget // (copies * size * lower.element_size()))
    for part in rows.split(chunk) if len(rows) else ():
        low, high = _crown(graph, source, part, bounds, region, {})
        if optimise and graph.depends_on_relu[source]:
            low, high = _optimised(graph, source, part, bounds, region, low, high)
        low, high = widen(low, high)
        if known is not None:
            low, high = torch.maximum(low, lower[:, part]), torch.minimum(high, upper[:, part])
        lower[:, part], upper[:, part] = low, high
    return Interval(lower.reshape(interval.lower.shape), upper.reshape(interval.upper.shape))


def _crown(
    graph: Graph,
    source: int,
    rows: Tensor,
    bounds: Mapping[int, Interval],
    region: Region,
    slopes: Mapping[int, Tensor],
) -> tuple[Float[Tensor, "batch rows"], Float[Tensor, "batch rows"]]:
    """Bounds of elements ``rows`` of the node ``source``, by substitution back to the input.

    Coefficients have shape ``(sides, batch, rows, *shape)``: side 0 for the lower bound, side 1
    for the upper; dimensions stay 1 for as long as their entries would be equal.
    """
    node = graph.nodes[source]
    waiting: dict[int, Tensor] = {}
    offset = graph.like.new_zeros(len(rows))
    if isinstance(node, Affine):
        waiting[node.parents[0]] = node.operator.rows(rows, graph.like)[None, None]
        if node.operator.bias is not None:
            offset = node.operator.bias.expand(node.shape).flatten()[rows]
    else:
        waiting[source] = unit_rows(rows, node.shape, graph.like)[None, None]
    for position in range(source, 0, -1):
        a = waiting.pop(position, None)
        if a is None:
            continue
        node = graph.nodes[position]
        if isinstance(node, Affine):
            if node.operator.bias is not None:
                bias = node.operator.bias.expand(node.shape).flatten()
                offset = offset + a.flatten(3) @ bias
            a = node.operator.adjoint(a)
        elif isinstance(node, ReLU):
            a, constant = _through_relu(a, node, bounds[position], slopes.get(position))
            offset = offset + constant
        for parent in node.parents:
            waiting[parent] = waiting[parent] + a if parent in waiting else a
    value = region.range_of(waiting[0]) + offset
    return value[0], value[1]


def _through_relu(
    a: Tensor, node: ReLU, interval: Interval, slope: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Coefficients on the ReLU's input from those on its output, and the constant gained."""
    lower, upper = interval.lower, interval.upper
    alpha = node.slope
    unstable = (lower <= 0) & (upper >= 0)
    width = torch.where(unstable & (upper > lower), upper - lower, 1.0)
    chord = torch.where(upper > lower, (upper - alpha * lower) / width, 1.0)
    fixed = torch.where(upper < 0, alpha, torch.ones_like(lower))
    up = torch.where(unstable, chord, fixed)
    intercept = torch.where(unstable, (1 - alpha) * (-lower).clamp(min=0) * upper / width, 0.0)
    if slope is None:
        adaptive = torch.where(upper > -lower, torch.ones_like(lower), alpha)
        down = torch.where(unstable, adaptive, fixed)[None, :, None]
    else:
        down = torch.where(unstable[:, None], slope, fixed[:, None])
    positive = a.clamp(min=0)
    up = up[:, None].expand_as(down[0])
    on_negative = torch.stack([up, down[-1]])
    difference = torch.stack([down[0] - up, up - down[-1]])
    above = torch.stack([a[0] - positive[0], positive[-1]]).flatten(3)
    constant = torch.einsum("sbrd,bd->sbr", above, intercept.flatten(1))
    return (a * on_negative).addcmul_(positive, difference), constant


def _optimised(
    graph: Graph,
    source: int,
    rows: Tensor,
    bounds: Mapping[int, Interval],
    region: Region,
    lower: Tensor,
    upper: Tensor,
) -> tuple[Tensor, Tensor]:
    """Tightest bounds met while the slopes descend on the total width of unstable neurons."""
    slopes = {}
    for position, before in bounds.items():
        if position < source:
            steep = before.upper > -before.lower
            slope = torch.where(steep, lower.new_ones(()), graph.relus[position].slope)
            slopes[position] = slope[None, :, None].repeat(
                2, 1, len(rows), *(1,) * (slope.ndim - 1)
            )
            slopes[position].requires_grad_()
    optimiser = torch.optim.Adam(slopes.values(), lr=_ALPHA_RATE)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, _ALPHA_DECAY)
    for _ in range(_ALPHA_STEPS):
        with torch.enable_grad():
            low, high = _crown(graph, source, rows, bounds, region, slopes)
            width = ((high - low) * ((lower <= 0) & (upper >= 0))).sum()
        optimiser.zero_grad()
        width.backward()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            for position, slope in slopes.items():
                slope.clamp_(graph.relus[position].slope, 1)
        lower, upper = torch.maximum(lower, low.detach()), torch.minimum(upper, high.detach())
    return lower, upper


def _interval(
    graph: Graph, source: int, bounds: Mapping[int, Interval], region: Region
) -> Interval:
    """Interval bounds of a node from the region and the bounds before each ReLU."""
    known: dict[int, Interval] = {0: Interval(region.lo, region.hi)}
    return _interval_of(graph, source, bounds, known)


def _interval_of(
    graph: Graph, position: int, bounds: Mapping[int, Interval], known: dict[int, Interval]
) -> Interval:
    if position in known:
        return known[position]
    node: Node = graph.nodes[position]
    if isinstance(node, ReLU):
        before = bounds[position]
        relu = torch.nn.functional.leaky_relu
        result = Interval(relu(before.lower, node.slope), relu(before.upper, node.slope))
    else:
        parts = [_interval_of(graph, p, bounds, known) for p in node.parents]
        lower = torch.stack([p.lower for p in parts]).sum(0)
        upper = torch.stack([p.upper for p in parts]).sum(0)
        if isinstance(node, Affine):
            middle = node.operator.apply((lower + upper) / 2)
            if node.operator.bias is not None:
                middle = middle + node.operator.bias
            radius = node.operator.absolute().apply((upper - lower) / 2)
            lower, upper = middle - radius, middle + radius
        result = Interval(*widen(lower, upper))
    known[position] = result
    return result


def _states(lower: Tensor, upper: Tensor, splits: Tensor | None) -> Tensor:
    state = (lower > 0).to(torch.int8) - (upper < 0).to(torch.int8)
    return state if splits is None else torch.where(splits != 0, splits, state)
