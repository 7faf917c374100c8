"""The public functions: bounds on the Jacobian and on the local Lipschitz constant of a network."""

import copy
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, NamedTuple, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from provenn.verify.backward import (
    Lines,
    Norm,
    gradient_lines,
    input_gradient_bounds,
    norm_bound,
)
from provenn.verify.baselines import (
    gradient_norm_bound,
    interval_gradient_bounds,
    product_of_norms,
    sampled_lower_bound,
)
from provenn.verify.branch_and_bound import BranchAndBound, Root, tighten
from provenn.verify.door import check_choice, check_integer, every_output, groups, traced
from provenn.verify.exact import exact_constants
from provenn.verify.forward import ForwardBounds, Interval, forward_bounds
from provenn.verify.graph import Graph
from provenn.verify.region import Clip, Region, make_region

Method = Literal["crown", "recurjac", "interval", "global", "sampled", "exact"]
JacobianMethod = Literal["crown", "recurjac", "interval"]
Forward = Literal["crown", "alpha-crown"]


class JacobianBounds(NamedTuple):
    """Elementwise bounds on the Jacobian over a region, each ``(batch, outputs, *features)``."""

    lower: Tensor
    upper: Tensor


@dataclass(frozen=True, eq=False)
class LipschitzBounds:
    """Bounds on the local Lipschitz constant of each input's region.

    Args:
        bound: Upper bound, the largest of ``per_class``.
        per_class: Upper bound on the norm of each output's gradient.
        lower: Largest gradient norm met at sampled points: no sound bound can lie below it.
        lower_per_class: The same for each output.
        n_unstable: Neurons whose sign is not known over the region.
        n_domains: Domains bounded by branch and bound, over all classes; 0 without it.
        time: Seconds that the bound took, sampling not counted.
    """

    bound: Float[Tensor, " batch"]
    per_class: Float[Tensor, "batch outputs"]
    lower: Float[Tensor, " batch"]
    lower_per_class: Float[Tensor, "batch outputs"]
    n_unstable: Int[Tensor, " batch"]
    n_domains: Int[Tensor, " batch"]
    time: float


def jacobian_bounds(
    model: nn.Module,
    x: Float[Tensor, "batch *features"] | None = None,
    eps: float | Tensor | None = None,
    *,
    clip: Clip | None = None,
    lo: Float[Tensor, "batch *features"] | None = None,
    hi: Float[Tensor, "batch *features"] | None = None,
    method: JacobianMethod = "crown",
    forward: Forward = "crown",
    memory_budget: int = 2**25,
) -> JacobianBounds:
    """Bound every entry of the Jacobian over a box around each input.

    The bounds hold for the Clarke Jacobian: at a kink, for every derivative in between.

    Args:
        model: Network that ``torch.fx`` can trace into supported operators, in evaluation mode.
        x: Middle of each box, ``(batch, *features)``.
        eps: Half width of the boxes: a number, or a tensor that broadcasts to ``x``.
        clip: Least and largest valid input value; the boxes are cut there.
        lo: Lower corner of each box, in place of ``x`` and ``eps``.
        hi: Upper corner.
        method: ``"crown"`` (linear relaxation), ``"recurjac"`` (constants where a gradient's sign
            is not known) or ``"interval"``.
        forward: Bounds before each ReLU: ``"crown"``, or ``"alpha-crown"`` with optimised slopes.
        memory_budget: Bytes that one chunk of coefficients may take.

    Returns:
        ``lower`` and ``upper``, each ``(batch, outputs, *features)``.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a value is not accepted, or the model cannot be bounded
            (:class:`UnsupportedOperatorError` names the operator).

    Reference:
        Shi et al. 2022, "Efficiently computing local Lipschitz constants of neural networks via
        bound propagation", section 3.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)).eval()
        >>> lower, upper = jacobian_bounds(model, torch.zeros(1, 2), 0.1)
        >>> lower.shape, bool((lower <= upper).all())
        (torch.Size([1, 1, 2]), True)
    """
    check_choice(method, get_args(JacobianMethod), "method")
    check_choice(forward, get_args(Forward), "forward")
    check_integer(memory_budget, "memory_budget", least=1)
    region = make_region(x, eps, clip, lo, hi)
    graph = traced(model, region)
    lower, upper = [], []
    with torch.no_grad():
        for part in groups(graph, region, memory_budget):
            known = forward_bounds(
                graph, part, optimise=forward == "alpha-crown", memory_budget=memory_budget
            )
            objective = every_output(graph, len(part))
            if method == "interval":
                low, high = interval_gradient_bounds(graph, known.states, objective)
            else:
                lines = gradient_lines(graph, known.states, objective, method, memory_budget)
                low, high = input_gradient_bounds(
                    graph, objective, lines, memory_budget=memory_budget
                )
            lower.append(low.reshape(*low.shape[:2], *graph.in_shape))
            upper.append(high.reshape(*high.shape[:2], *graph.in_shape))
    return JacobianBounds(torch.cat(lower), torch.cat(upper))


def local_lipschitz(
    model: nn.Module,
    x: Float[Tensor, "batch *features"] | None = None,
    eps: float | Tensor | None = None,
    *,
    clip: Clip | None = None,
    lo: Float[Tensor, "batch *features"] | None = None,
    hi: Float[Tensor, "batch *features"] | None = None,
    norm: Norm = "inf",
    method: Method = "crown",
    forward: Forward = "crown",
    branch_and_bound: BranchAndBound | Mapping[str, Any] | None = None,
    samples: int = 256,
    seed: int = 0,
    memory_budget: int = 2**25,
) -> LipschitzBounds:
    """Bound how fast each output can change inside a region around each input.

    For ``norm="inf"`` the constant of output ``j`` is ``sup_x sum_k |J_jk(x)|`` over the box, so
    that ``|f_j(x) - f_j(y)| <= L ‖x - y‖_inf``; the largest of them bounds ``‖f(x) - f(y)‖_inf``.
    For ``norm=2`` it is ``sup_x ‖J_j(x)‖₂`` over the ℓ₂ ball of radius ``eps``, or over the box
    where ``lo`` and ``hi`` are given.

    Args:
        model: Network that ``torch.fx`` can trace into supported operators, in evaluation mode.
        x: Middle of each region, ``(batch, *features)``.
        eps: Radius: a number, or for ``norm="inf"`` a tensor that broadcasts to ``x``.
        clip: Least and largest valid input value; the regions are cut there.
        lo: Lower corner of each box, in place of ``x`` and ``eps``.
        hi: Upper corner.
        norm: ``"inf"`` or ``2``.
        method: ``"crown"``; ``"recurjac"``, ``"interval"`` and ``"global"`` (product of norms) are
            looser; ``"exact"`` enumerates the linear regions of a tiny network over a box;
            ``"sampled"`` returns the lower bound as ``bound`` and proves nothing.
        forward: Bounds before each ReLU: ``"crown"``, or ``"alpha-crown"`` with optimised slopes.
        branch_and_bound: Tighten ``"crown"`` by branching: a :class:`BranchAndBound` or a mapping
            of its arguments.
        samples: Points for the lower bound; 0 leaves it at 0.
        seed: Seed of these points.
        memory_budget: Bytes that one chunk of coefficients may take.

    Returns:
        Upper and lower bounds for each input and each output.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a value is not accepted, or the model cannot be bounded
            (:class:`UnsupportedOperatorError` names the operator).

    Reference:
        Shi et al. 2022, "Efficiently computing local Lipschitz constants of neural networks via
        bound propagation".

    Example:
        >>> model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU())
        >>> _ = nn.init.ones_(model[0].weight)
        >>> local_lipschitz(model, torch.zeros(1, 1), 1.0).bound
        tensor([1.0000])
    """
    check_choice(method, get_args(Method), "method")
    check_choice(forward, get_args(Forward), "forward")
    check_choice(norm, ("inf", 2), "norm")
    options = _branching(branch_and_bound, method)
    check_integer(samples, "samples")
    check_integer(seed, "seed")
    check_integer(memory_budget, "memory_budget", least=1)
    region = make_region(x, eps, clip, lo, hi, ball=norm == 2)
    if method == "exact" and region.radius is not None:
        raise ValueError("method='exact' needs a box, got x and eps with norm=2: give lo and hi")
    graph = traced(model, region)
    start = time.perf_counter()
    lower = graph.like.new_zeros(len(region), graph.n_outputs)
    if samples:
        lower = sampled_lower_bound(model, region, graph.n_outputs, norm, samples, seed=seed)
    if method != "sampled":
        start = time.perf_counter()
    with torch.no_grad():
        if method == "exact":
            graph, region = _in_double(model, region)
        parts = []
        done = 0
        for part in groups(graph, region, memory_budget):
            bounder = _Bounder(graph, part, norm, forward == "alpha-crown", memory_budget)
            parts.append(bounder.bound(method, lower[done : done + len(part)], options))
            done += len(part)
    per_class, n_unstable, n_domains = (torch.cat(column) for column in zip(*parts, strict=True))
    per_class = per_class.to(lower.dtype)
    return LipschitzBounds(
        bound=per_class.amax(1),
        per_class=per_class,
        lower=lower.amax(1),
        lower_per_class=lower,
        n_unstable=n_unstable,
        n_domains=n_domains,
        time=time.perf_counter() - start,
    )


@dataclass(frozen=True, eq=False)
class _Bounder:
    """Bounds of one group of regions."""

    graph: Graph
    region: Region
    norm: Norm
    optimise: bool
    memory_budget: int

    def bound(
        self, method: Method, lower: Tensor, options: BranchAndBound | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Bounds ``(batch, outputs)``, unstable neurons ``(batch,)``, domains ``(batch,)``."""
        graph, n = self.graph, len(self.region)
        no_domains = torch.zeros(n, dtype=torch.int64, device=graph.like.device)
        every_neuron = no_domains + sum(node.size for node in graph.relus.values())
        if method == "sampled":
            return lower, every_neuron, no_domains
        if method == "global":
            bound = product_of_norms(graph, self.norm).expand(n, -1)
            return bound, every_neuron, no_domains
        forward = forward_bounds(
            graph, self.region, optimise=self.optimise, memory_budget=self.memory_budget
        )
        n_unstable = no_domains + forward.n_unstable
        if method == "exact":
            return self._exact(forward), n_unstable, no_domains
        objective = every_output(graph, n)
        if method == "interval":
            gradient = interval_gradient_bounds(graph, forward.states, objective)
            return gradient_norm_bound(*gradient, self.norm), n_unstable, no_domains
        lines = gradient_lines(graph, forward.states, objective, method, self.memory_budget)
        bound = norm_bound(graph, objective, lines, self.norm, self.memory_budget).bound
        if options is None or not graph.relus:
            return bound, n_unstable, no_domains
        n_domains = no_domains.clone()
        for i in range(n):
            bound[i], n_domains[i] = self._branch(i, bound[i], lower[i], forward, lines, options)
        return bound, n_unstable, n_domains

    def _exact(self, forward: ForwardBounds) -> Tensor:
        rows = [
            exact_constants(
                self.graph,
                self.region[i : i + 1],
                {k: state[i] for k, state in forward.states.items()},
                self.norm,
            )
            for i in range(len(self.region))
        ]
        return torch.stack(rows)

    def _branch(
        self,
        i: int,
        bound: Tensor,
        lower: Tensor,
        forward: ForwardBounds,
        lines: Mapping[int, Lines],
        options: BranchAndBound,
    ) -> tuple[Tensor, int]:
        """Tightened bounds of input ``i``: its classes in decreasing order of their bounds."""
        end = time.perf_counter() + options.timeout
        here = slice(i, i + 1)
        known = ForwardBounds(
            before={k: Interval(b.lower[here], b.upper[here]) for k, b in forward.before.items()},
            states={k: state[here] for k, state in forward.states.items()},
            empty=forward.empty[here],
        )
        tightened, n_domains = bound.clone(), 0
        order = bound.argsort(descending=True).tolist()
        for turn, j in enumerate(order):
            now = time.perf_counter()
            root = Root(
                graph=self.graph,
                region=self.region[here],
                objective=every_output(self.graph, 1)[:, j : j + 1],
                norm=self.norm,
                forward=known,
                lines={
                    k: Lines(
                        **{f.name: getattr(line, f.name)[here, j : j + 1] for f in fields(line)}
                    )
                    for k, line in lines.items()
                },
                bound=float(bound[j]),
                lower=float(lower[j]),
                memory_budget=self.memory_budget,
            )
            tightened[j], count = tighten(root, options, now + (end - now) / (len(order) - turn))
            n_domains += count
        return tightened, n_domains


def _in_double(model: nn.Module, region: Region) -> tuple[Graph, Region]:
    region = Region(lo=region.lo.double(), hi=region.hi.double(), centre=region.centre.double())
    return traced(copy.deepcopy(model).double(), region), region


def _branching(
    value: BranchAndBound | Mapping[str, Any] | None, method: str
) -> BranchAndBound | None:
    if value is None:
        return None
    if method != "crown":
        raise ValueError(f"branch_and_bound needs method='crown', got method={method!r}")
    if isinstance(value, BranchAndBound):
        return value
    if not isinstance(value, Mapping):
        raise TypeError(
            f"branch_and_bound must be a BranchAndBound, a mapping of its arguments or None, got "
            f"{type(value).__name__}"
        )
    known = [f.name for f in fields(BranchAndBound)]
    for key in value:
        if key not in known:
            raise ValueError(f"branch_and_bound has no {key!r}; accepted: {', '.join(known)}")
    return BranchAndBound(**value)
