"""Simpler bounds: interval arithmetic, the product of norms, and a lower bound by sampling."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from provenn.verify.backward import Norm, Objective
from provenn.verify.forward import States, widen
from provenn.verify.graph import Affine, Graph, ReLU
from provenn.verify.operators import Dense
from provenn.verify.region import Region


def interval_gradient_bounds(
    graph: Graph, states: States, objective: Objective
) -> tuple[Float[Tensor, "batch classes ..."], Float[Tensor, "batch classes ..."]]:
    """Interval arithmetic on the backward graph, in place of its linear relaxation.

    Returns:
        Lower and upper bounds on the gradient, ``(batch, classes, *in_shape)``.
    """
    last = len(graph.nodes) - 1
    waiting = {last: (objective, objective)}
    for position in range(last, 0, -1):
        lower, upper = waiting.pop(position)
        node = graph.nodes[position]
        if isinstance(node, Affine):
            middle = node.operator.adjoint((lower + upper) / 2)
            radius = node.operator.absolute().adjoint((upper - lower) / 2)
            lower, upper = middle - radius, middle + radius
        elif isinstance(node, ReLU):
            state = states[position][:, None]
            one = lower.new_ones(())
            least = torch.where(state > 0, one, node.slope)
            largest = torch.where(state < 0, node.slope, one)
            lower, upper = (
                torch.minimum(lower * least, lower * largest),
                torch.maximum(upper * least, upper * largest),
            )
        for parent in node.parents:
            before = waiting.get(parent, (0.0, 0.0))
            waiting[parent] = (before[0] + lower, before[1] + upper)
    return widen(*waiting[0])


def gradient_norm_bound(
    lower: Float[Tensor, "batch classes ..."], upper: Float[Tensor, "batch classes ..."], norm: Norm
) -> Float[Tensor, "batch classes"]:
    """Largest norm of a vector between ``lower`` and ``upper``."""
    largest = torch.maximum(lower.abs(), upper.abs()).flatten(2)
    return largest.sum(-1) if norm == "inf" else largest.norm(dim=-1)


def product_of_norms(graph: Graph, norm: Norm = "inf") -> Float[Tensor, " outputs"]:
    """Global bound: the product over layers of the operator's norm, whatever the input.

    For ``norm="inf"`` a layer's norm is its largest absolute row sum; for ``norm=2`` its spectral
    norm, or ``sqrt(‖W‖₁ ‖W‖_inf)`` for a convolution. Branches that are added add their products.

    Returns:
        One bound for each output: the last layer contributes the norm of that output's row only.
    """
    reach = [graph.like.new_ones(graph.in_shape)]
    for i, node in enumerate(graph.nodes[1:], start=1):
        parents = [reach[p] for p in node.parents]
        if not isinstance(node, Affine):
            reach.append(torch.stack(parents).sum(0))
            continue
        reach.append(
            _layer_norms(node, norm, graph.like, last=i == len(graph.nodes) - 1) * parents[0].max()
        )
    return reach[-1] * (1 + 128 * torch.finfo(graph.like.dtype).eps)


def sampled_lower_bound(
    model: nn.Module,
    region: Region,
    n_outputs: int,
    norm: Norm = "inf",
    n_samples: int = 256,
    n_rounds: int = 4,
    seed: int = 0,
) -> Float[Tensor, "batch classes"]:
    """Largest norm of the gradient met at sampled points: a lower bound, exact by autograd.

    The Jacobian of a ReLU network is piecewise constant, so its norm cannot be climbed by its own
    gradient. Half of the points are drawn from the region, its faces and its corners; the others
    in ``n_rounds`` rounds around the best point so far, ever closer.

    Args:
        model: Network in evaluation mode.
        region: Inputs, one region for each batch element.
        n_outputs: Number of outputs of the model.
        norm: ``"inf"`` for the sum of absolute values, 2 for the Euclidean norm.
        n_samples: Points for each batch element.
        n_rounds: Rounds of local search.
        seed: Seed of the points.
    """
    generator = torch.Generator().manual_seed(seed)
    first = max(1, n_samples // 2)
    points = region.sample(first, generator)
    best, where = _best(model, points, n_outputs, norm)
    n_local = (n_samples - first) // n_rounds
    for round_ in range(n_rounds if n_local else 0):
        u = torch.rand((n_local, *region.lo.shape), generator=generator, dtype=region.lo.dtype)
        step = (2 * u.to(region.lo.device) - 1) * (region.hi - region.lo) * 0.5 ** (round_ + 1)
        start = where[torch.arange(n_local) % n_outputs]
        value, place = _best(model, region.project(start + step), n_outputs, norm)
        better = (value > best).T.reshape(n_outputs, -1, *(1,) * (points.ndim - 2))
        where = torch.where(better, place, where)
        best = torch.maximum(best, value)
    return best


def jacobians(
    model: nn.Module, points: Float[Tensor, "n ..."], n_outputs: int
) -> Float[Tensor, "n outputs ..."]:
    """Autograd Jacobian of the model at each point, one backward pass for each output."""
    points = points.detach().requires_grad_()
    with torch.enable_grad():
        outputs = model(points)
        rows = [
            torch.autograd.grad(outputs[:, j].sum(), points, retain_graph=True)[0]
            for j in range(n_outputs)
        ]
    return torch.stack(rows, dim=1)


def _best(
    model: nn.Module, points: Float[Tensor, "n batch ..."], n_outputs: int, norm: Norm
) -> tuple[Float[Tensor, "batch outputs"], Float[Tensor, "outputs batch ..."]]:
    """Largest gradient norm of each output over the points, and the points that attain it."""
    n, batch = points.shape[:2]
    rows = jacobians(model, points.flatten(0, 1), n_outputs).flatten(2)
    norms = rows.abs().sum(-1) if norm == "inf" else rows.norm(dim=-1)
    value, index = norms.reshape(n, batch, n_outputs).max(0)
    return value, points[index.T, torch.arange(batch)]


def _layer_norms(node: Affine, norm: Norm, like: Tensor, *, last: bool) -> Tensor:
    """Bound on the operator's norm; for ``inf``, and for the last layer, of each row of it."""
    operator = node.operator
    absolute = operator.absolute()
    row_sums = absolute.apply(like.new_ones(1, *operator.in_shape))[0]
    if norm == "inf":
        return row_sums
    if last:
        index = torch.arange(node.size, device=like.device)
        lengths: Tensor = torch.linalg.vector_norm(operator.rows(index, like).flatten(1), dim=-1)
        return lengths
    if isinstance(operator, Dense):
        spectral: Tensor = torch.linalg.matrix_norm(operator.weight, 2)
        return spectral.expand(node.shape)
    column_sums = absolute.adjoint(like.new_ones(1, *node.shape))[0]
    norm_bound: Tensor = (row_sums.max() * column_sums.max()).sqrt()
    return norm_bound.expand(node.shape)
