"""Branch and bound on the signs of unstable neurons, to tighten a Lipschitz bound.

A *domain* is a set of signs assumed for some unstable neurons; the bound over the region is the
largest bound of the domains that cover it. The worst domains are split on one neuron each, in
batches, and a child's bound is never taken above its parent's.
"""

import heapq
import itertools
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int8, Int64
from torch import Tensor

from provenn.verify.backward import (
    Lines,
    Norm,
    Objective,
    gradient_lines,
    make_lines,
    norm_bound,
)
from provenn.verify.exact import MARGIN, pattern_margin
from provenn.verify.forward import ForwardBounds, Interval, States, forward_bounds
from provenn.verify.graph import Graph
from provenn.verify.region import Region

Score = Literal["area", "babsr"]


@dataclass(frozen=True, kw_only=True)
class BranchAndBound:
    """How far, and how, to branch.

    Args:
        max_domains: Domains to bound for each class of each input.
        timeout: Seconds for each input, divided evenly over its classes.
        batch_size: Domains split at once.
        score: Rule that chooses the neuron: ``area`` (the area of its relaxation's hull times the
            coefficient that reaches it) or ``babsr`` (the relaxation's intercept times that).
        look_ahead: Number of best-scored neurons that are tried before one is taken.
        recompute: Whether a child recomputes every bound under its signs and is dropped when they
            contradict each other; once all of its neurons are decided a linear program settles
            whether it is empty, so that the bound converges to the exact constant. ``False`` is
            the authors' variant: children keep the root's intermediate bounds.
    """

    max_domains: int = 2000
    timeout: float = 60.0
    batch_size: int = 128
    score: Score = "area"
    look_ahead: int = 1
    recompute: bool = True

    def __post_init__(self) -> None:
        for name in ("max_domains", "batch_size", "look_ahead"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1, got {value!r}")
        if isinstance(self.timeout, bool) or not isinstance(self.timeout, (int, float)):
            raise TypeError(f"timeout must be a number of seconds, got {self.timeout!r}")
        if not self.timeout > 0:
            raise ValueError(f"timeout must be positive, got {self.timeout}")
        if self.score not in ("area", "babsr"):
            raise ValueError(f"score must be 'area' or 'babsr', got {self.score!r}")


@dataclass(frozen=True, eq=False)
class Root:
    """What is known of one class of one input before branching.

    Args:
        graph: Traced network.
        region: One region.
        objective: Row vector on the outputs, ``(1, 1, outputs)``.
        norm: Norm of the gradient.
        forward: Bounds before each ReLU.
        lines: Lines around the gradient's products.
        bound: Upper bound.
        lower: Lower bound, by sampling.
        memory_budget: Bytes that one chunk of coefficients may take.
    """

    graph: Graph
    region: Region
    objective: Objective
    norm: Norm
    forward: ForwardBounds
    lines: Mapping[int, Lines]
    bound: float
    lower: float
    memory_budget: int


@dataclass(frozen=True, eq=False)
class Domains:
    """A batch of bounded domains.

    Args:
        signs: Sign assumed for each neuron, 0 for none.
        bound: Upper bound of each.
        empty: Whether the signs are known to contradict each other.
        decided: Whether no unstable neuron is left.
        candidates: Neurons to split on, best score first.
    """

    signs: Int8[Tensor, "domains neurons"]
    bound: Float[Tensor, " domains"]
    empty: Bool[Tensor, " domains"]
    decided: Bool[Tensor, " domains"]
    candidates: Int64[Tensor, "domains k"]


def tighten(root: Root, options: BranchAndBound, deadline: float) -> tuple[float, int]:
    """Branch until the bound is exact, ``max_domains`` are bounded, or the deadline has passed.

    Args:
        root: The undivided region.
        options: How to branch.
        deadline: Value of ``time.perf_counter()`` to stop at.

    Returns:
        The tightened upper bound, and the number of domains that were bounded.
    """
    tie = itertools.count()
    n_neurons = sum(node.size for node in root.graph.relus.values())
    whole = torch.zeros(1, n_neurons, dtype=torch.int8, device=root.graph.like.device)
    queue: list[tuple[float, int, Tensor, Tensor]] = []
    closed = root.lower
    """Largest bound that no further split can lower."""

    def keep(domains: Domains, parents: Tensor) -> None:
        nonlocal closed
        bounds = torch.minimum(domains.bound, parents).tolist()
        for i, bound in enumerate(bounds):
            if domains.empty[i]:
                continue
            if domains.decided[i]:
                closed = max(closed, bound)
            elif bound > closed:
                heapq.heappush(queue, (-bound, next(tie), domains.signs[i], domains.candidates[i]))

    keep(
        _bound_domains(root, options, whole, closed),
        whole.new_tensor([root.bound], dtype=torch.float64),
    )
    n_domains = 1
    while queue and -queue[0][0] > closed and time.perf_counter() < deadline:
        room = (options.max_domains - n_domains) // (2 * options.look_ahead)
        size = min(options.batch_size, len(queue), room)
        if size < 1:
            break
        worst = [heapq.heappop(queue) for _ in range(size)]
        parents = torch.tensor([-bound for bound, *_ in worst], dtype=torch.float64)
        signs = torch.stack([s for *_, s, _ in worst])
        candidates = torch.stack([c for *_, c in worst])
        children = _split(root, options, signs, candidates, closed)
        n_domains += 2 * size * candidates.shape[1]
        keep(children, parents.repeat_interleave(2).to(children.bound.device))
    return min(root.bound, max(closed, -queue[0][0] if queue else -math.inf)), n_domains


def _split(
    root: Root, options: BranchAndBound, signs: Tensor, candidates: Tensor, closed: float
) -> Domains:
    """Both children of each domain, on the candidate whose worse child is best."""
    n, k = candidates.shape
    children = signs[:, None, None].repeat(1, k, 2, 1)
    for side, sign in enumerate((1, -1)):
        children[:, :, side].scatter_(2, candidates[..., None], sign)
    domains = _bound_domains(root, options, children.flatten(0, 2), closed)
    if k == 1:
        return domains
    worth = torch.where(domains.empty, -math.inf, domains.bound).reshape(n, k, 2).amax(2)
    first = (torch.arange(n, device=worth.device) * k + worth.argmin(1)) * 2
    taken = torch.stack([first, first + 1], dim=1).flatten()
    return Domains(**{name: value[taken] for name, value in vars(domains).items()})


def _bound_domains(root: Root, options: BranchAndBound, signs: Tensor, closed: float) -> Domains:
    """Bound a batch of domains; whether a decided one is empty matters only above ``closed``."""
    graph, n = root.graph, len(signs)
    splits = _by_node(graph, signs)
    objective = root.objective.expand(n, -1, -1)
    if options.recompute:
        forward = forward_bounds(
            graph,
            _repeat_region(root.region, n),
            splits=splits,
            base=_repeat_bounds(root.forward, n),
            memory_budget=root.memory_budget,
        )
        states, empty = forward.states, forward.empty
        lines = gradient_lines(graph, states, objective, memory_budget=root.memory_budget)
    else:
        states = {
            i: torch.where(splits[i] != 0, splits[i], root.forward.states[i]) for i in graph.relus
        }
        empty = torch.zeros(n, dtype=torch.bool, device=signs.device)
        lines = {
            i: make_lines(
                root.lines[i].lower, root.lines[i].upper, states[i], graph.relus[i].slope, "crown"
            )
            for i in graph.relus
        }
    result = norm_bound(graph, objective, lines, root.norm, root.memory_budget)
    decided = torch.stack([(s != 0).flatten(1).all(1) for s in states.values()]).all(0)
    bound = result.bound[:, 0].double()
    if options.recompute:
        empty = empty | _contradicts(root, states, splits, decided & ~empty & (bound > closed))
    scores = torch.cat(
        [
            _score(lines[i], result.coefficients[i], states[i], options.score).flatten(1)
            for i in graph.relus
        ],
        dim=1,
    )
    k = min(options.look_ahead, scores.shape[1])
    return Domains(
        signs=signs,
        bound=bound,
        empty=empty,
        decided=decided,
        candidates=scores.topk(k, dim=1).indices,
    )


def _score(lines: Lines, coefficient: Tensor, state: Tensor, rule: Score) -> Tensor:
    """Score of each neuron of a node: 0 where it is stable, at least 1 where it is not."""
    size = coefficient[:, 0].abs()
    lower, upper = lines.lower[:, 0], lines.upper[:, 0]
    if rule == "area":
        gain = (upper * upper.abs() - lower * lower.abs()) * size
    else:
        gain = lines.upper_constant[:, 0] * size
    return torch.where(state == 0, gain + 1, 0.0)


def _contradicts(root: Root, states: States, splits: States, chosen: Tensor) -> Tensor:
    """Whether no point of the region has the signs, for the chosen domains, all decided."""
    tolerance = max(MARGIN, 128 * torch.finfo(root.graph.like.dtype).eps)
    result = torch.zeros_like(chosen)
    for i in chosen.nonzero().squeeze(1).tolist():
        state, split = ({k: v[i] for k, v in which.items()} for which in (states, splits))
        result[i] = pattern_margin(root.graph, root.region, state, split) < -tolerance
    return result


def _by_node(graph: Graph, signs: Tensor) -> States:
    sizes = [node.size for node in graph.relus.values()]
    parts = signs.split(sizes, dim=1)
    return {
        i: part.reshape(-1, *node.shape)
        for (i, node), part in zip(graph.relus.items(), parts, strict=True)
    }


def _repeat_region(region: Region, n: int) -> Region:
    return replace(
        region,
        lo=region.lo.expand(n, *region.lo.shape[1:]),
        hi=region.hi.expand(n, *region.hi.shape[1:]),
        centre=region.centre.expand(n, *region.centre.shape[1:]),
    )


def _repeat_bounds(bounds: ForwardBounds, n: int) -> ForwardBounds:
    return ForwardBounds(
        before={
            i: Interval(
                b.lower.expand(n, *b.lower.shape[1:]), b.upper.expand(n, *b.upper.shape[1:])
            )
            for i, b in bounds.before.items()
        },
        states={i: s.expand(n, *s.shape[1:]) for i, s in bounds.states.items()},
        empty=bounds.empty.expand(n),
    )
