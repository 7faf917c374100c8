"""Bounds on the Jacobian of a ReLU network by linear bound propagation in its backward graph.

For one output, let ``G_v`` be its gradient with respect to the node ``v``. The chain rule is a
graph of its own: through an affine layer ``G_h = Wᵀ G_z``, through a ReLU ``G_z = δ ∘ G_h`` with
``δ`` in ``[α, 1]`` where the neuron is unstable. With ``q`` the incoming gradient, bounded by
``[L, U]``, the product ``δ q`` lies between two lines,

    α q + (1 - α) (s₋ q + t₋)  <=  δ q  <=  α q + (1 - α) (s₊ q + t₊),

where ``s₊ q + t₊`` is the chord of ``max(q, 0)`` on ``[L, U]`` and ``s₋ q + t₋`` that of
``min(q, 0)``: the convex hull of ``{(q, δ q)}``. Substituting them from any ``G_v`` towards the
output, where the gradient is a constant, bounds ``a · G_v``. The region of inputs enters only
through the states of the neurons.

Reference: Shi et al. 2022, "Efficiently computing local Lipschitz constants of neural networks via
bound propagation", section 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from provenn.verify.forward import States, widen
from provenn.verify.graph import Affine, Graph, ReLU
from provenn.verify.operators import unit_rows

Norm = Literal["inf", 2]
Relaxation = Literal["crown", "recurjac"]

Objective = Float[Tensor, "batch classes outputs"]
"""Row vectors on the outputs, one for each class; a unit vector selects an output."""


@dataclass(frozen=True, eq=False)
class Lines:
    """The lines around ``δ q`` of one ReLU node, and the bounds on ``q`` that they were drawn from.

    Each has shape ``(batch, classes, *shape)``; the bounds are 0 where no unstable neuron reads
    them.
    """

    lower: Tensor
    upper: Tensor
    upper_slope: Tensor
    upper_constant: Tensor
    lower_slope: Tensor
    lower_constant: Tensor


@dataclass(frozen=True, eq=False)
class NormBound:
    """Upper bound on the norm of each class's gradient.

    Args:
        bound: ``(batch, classes)``.
        coefficients: Coefficient that reached ``δ q`` of each neuron, by position of the ReLU
            node, ``(batch, classes, *shape)``; branching scores are made of them.
    """

    bound: Float[Tensor, "batch classes"]
    coefficients: dict[int, Tensor]


def gradient_lines(
    graph: Graph,
    states: States,
    objective: Objective,
    relaxation: Relaxation = "crown",
    memory_budget: int = 2**25,
) -> dict[int, Lines]:
    """Lines around ``δ q`` for every ReLU node, the last first.

    Only gradients that meet a neuron that is unstable in some batch element are bounded.
    """
    lines: dict[int, Lines] = {}
    for position, node in reversed(graph.relus.items()):
        state = states[position]
        rows = (state == 0).flatten(1).any(0).nonzero().squeeze(1)
        lower, upper = _gradient_bounds(graph, position, rows, lines, objective, memory_budget)
        lines[position] = make_lines(
            _scatter(lower, rows, node), _scatter(upper, rows, node), state, node.slope, relaxation
        )
    return lines


def input_gradient_bounds(
    graph: Graph,
    objective: Objective,
    lines: Mapping[int, Lines],
    rows: Tensor | None = None,
    memory_budget: int = 2**25,
) -> tuple[Float[Tensor, "batch classes rows"], Float[Tensor, "batch classes rows"]]:
    """Bounds on the gradient with respect to the input elements ``rows`` (all by default)."""
    if rows is None:
        rows = torch.arange(graph.nodes[0].size, device=graph.like.device)
    return _gradient_bounds(graph, 0, rows, lines, objective, memory_budget)


def norm_bound(
    graph: Graph,
    objective: Objective,
    lines: Mapping[int, Lines],
    norm: Norm = "inf",
    memory_budget: int = 2**25,
) -> NormBound:
    """Bound the norm of the gradient with respect to the input.

    With ``[L, U]`` the bounds on an element ``q``, ``|q|`` lies below its chord ``s q + t`` (for
    ``norm=2``, ``q²`` below its own); the sum of the chords is propagated once more.
    """
    lower, upper = input_gradient_bounds(graph, objective, lines, memory_budget=memory_budget)
    if norm == "inf":
        wide = upper > lower
        width = torch.where(wide, upper - lower, 1.0)
        slope = torch.where(wide, (upper.abs() - lower.abs()) / width, upper.sign())
        constant = torch.where(wide, lower.abs() - slope * lower, 0.0)
    else:
        slope, constant = lower + upper, -lower * upper
    start = slope.reshape(1, *slope.shape[:2], 1, *graph.in_shape)
    coefficients: dict[int, Tensor] = {}
    value = _propagate(graph, 0, start, lines, objective, coefficients)[0, :, :, 0]
    bound = value + constant.sum(-1)
    bound = bound + 128 * torch.finfo(bound.dtype).eps * bound.abs()
    if norm == 2:
        bound = bound.clamp(min=0).sqrt()
    return NormBound(bound=bound, coefficients=coefficients)


def make_lines(
    lower: Tensor, upper: Tensor, state: Tensor, slope: float, relaxation: Relaxation
) -> Lines:
    """Lines around ``δ q`` for ``q`` in ``[lower, upper]``.

    Args:
        lower: Least ``q``, ``(batch, classes, *shape)``.
        upper: Largest ``q``.
        state: State of each neuron, ``(batch, *shape)``.
        slope: ``α``, the derivative of an inactive neuron.
        relaxation: ``crown`` for the chords; ``recurjac`` for the constants ``lower`` and
            ``upper`` wherever the sign of ``q`` is not known.
    """
    state = state[:, None]
    unstable = (state == 0) & torch.ones_like(lower, dtype=torch.bool)
    crossing = unstable & (lower < 0) & (upper > 0)
    fixed = torch.where(state < 0, slope, torch.ones_like(lower))
    share = torch.where(crossing, upper / torch.where(crossing, upper - lower, 1.0), 0.0)
    share = torch.where(unstable & (lower >= 0), 1.0, share)
    if relaxation == "recurjac":
        up = torch.where(unstable, slope + (1 - slope) * share, fixed)
        down = torch.where(unstable, slope + (1 - slope) * (1 - share), fixed)
        return Lines(
            lower=lower,
            upper=upper,
            upper_slope=torch.where(crossing, 0.0, up),
            upper_constant=torch.where(crossing, upper, 0.0),
            lower_slope=torch.where(crossing, 0.0, down),
            lower_constant=torch.where(crossing, lower, 0.0),
        )
    constant = torch.where(crossing, -(1 - slope) * share * lower, 0.0)
    return Lines(
        lower=lower,
        upper=upper,
        upper_slope=torch.where(unstable, slope + (1 - slope) * share, fixed),
        upper_constant=constant,
        lower_slope=torch.where(unstable, slope + (1 - slope) * (1 - share), fixed),
        lower_constant=-constant,
    )


def _gradient_bounds(
    graph: Graph,
    position: int,
    rows: Tensor,
    lines: Mapping[int, Lines],
    objective: Objective,
    memory_budget: int,
) -> tuple[Tensor, Tensor]:
    """Bounds on the gradient with respect to elements ``rows`` of a node."""
    node = graph.nodes[position]
    readers = graph.readers(position)
    reader = graph.nodes[readers[0]] if len(readers) == 1 else None
    at = readers[0] if isinstance(reader, Affine) else position
    batch, classes, _ = objective.shape
    shared, own = graph.widths(position)
    per_row = (2 * batch * classes * own + shared) * graph.like.element_size()
    chunk = max(1, memory_budget // (3 * per_row))
    lower = graph.like.new_zeros(batch, classes, len(rows))
    upper = torch.zeros_like(lower)
    for i in range(0, len(rows), chunk):
        part = rows[i : i + chunk]
        if isinstance(reader, Affine):
            start = reader.operator.columns(part, graph.like)
        else:
            start = unit_rows(part, node.shape, graph.like)
        value = _propagate(graph, at, start[None, None, None], lines, objective)
        upper[..., i : i + chunk], lower[..., i : i + chunk] = value[0], value[-1]
    if not len(rows):
        return lower, upper
    return widen(lower, upper)


def _propagate(
    graph: Graph,
    position: int,
    start: Tensor,
    lines: Mapping[int, Lines],
    objective: Objective,
    coefficients: dict[int, Tensor] | None = None,
) -> Float[Tensor, "sides any classes rows"]:
    """Bounds of ``start · G`` at the node ``position``: side 0 upper, side 1 lower.

    Coefficients have shape ``(sides, batch, classes, rows, *shape)``; a dimension stays 1 for as
    long as its entries would be equal. The transposes of the backward graph cancel: coefficients
    on ``G_h`` times ``Wᵀ`` are ``W`` applied to the coefficients.

    Where ``coefficients`` is given, only the upper side is propagated and the coefficients that
    reach each ReLU node are written there.
    """
    waiting = {position: start}
    offset = graph.like.new_zeros(1)
    for i in range(position + 1, len(graph.nodes)):
        node = graph.nodes[i]
        read = [waiting[p] for p in node.parents if p in waiting]
        if not read:
            continue
        if isinstance(node, Affine):
            waiting[i] = node.operator.apply(read[0])
        elif isinstance(node, ReLU):
            waiting[i], constant = _through_product(
                read[0], node, lines[i], both=coefficients is None
            )
            offset = offset + constant
            if coefficients is not None:
                coefficients[i] = read[0][0, :, :, 0]
        else:
            waiting[i] = sum(read[1:], start=read[0])
        for parent in node.parents:
            if graph.last_use[parent] == i:
                waiting.pop(parent, None)
    return torch.einsum("sbcro,bco->sbcr", waiting[len(graph.nodes) - 1], objective) + offset


def _through_product(a: Tensor, node: ReLU, lines: Lines, *, both: bool) -> tuple[Tensor, Tensor]:
    """Coefficients on ``q`` from those on ``δ q``, and the constant gained.

    Positive coefficients take the upper line and negative ones the lower, on side 0; the other way
    round on side 1. That is the line of negative coefficients, and the difference to the other line
    for the positive part.
    """
    slope = lines.lower_slope[None], lines.upper_slope[None]
    constant = lines.lower_constant[None].flatten(3), lines.upper_constant[None].flatten(3)
    if both:
        slope = torch.cat(slope), torch.cat(slope[::-1])
        constant = torch.cat(constant), torch.cat(constant[::-1])
    positive = a.clamp(min=0)
    gained = torch.einsum("sbcrd,sbcd->sbcr", a.flatten(4), constant[0])
    gained = gained + torch.einsum(
        "sbcrd,sbcd->sbcr", positive.flatten(4), constant[1] - constant[0]
    )
    on_negative, difference = slope[0][:, :, :, None], (slope[1] - slope[0])[:, :, :, None]
    return (a * on_negative).addcmul_(positive, difference), gained


def _scatter(values: Tensor, rows: Tensor, node: ReLU) -> Tensor:
    full = values.new_zeros(*values.shape[:2], node.size)
    full[..., rows] = values
    return full.reshape(*values.shape[:2], *node.shape)
