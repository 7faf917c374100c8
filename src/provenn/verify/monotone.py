"""Provable monotonicity of one output in one input feature."""

import torch
from jaxtyping import Float, Int8
from torch import Tensor, nn

from provenn.verify.backward import gradient_lines, input_gradient_bounds
from provenn.verify.door import check_integer, every_output, groups, traced
from provenn.verify.forward import forward_bounds
from provenn.verify.region import make_region


def is_monotone(
    model: nn.Module,
    x: Float[Tensor, "batch *features"],
    feature: int,
    output: int,
    *,
    value_range: tuple[float, float] = (0.0, 1.0),
    memory_budget: int = 2**25,
) -> Int8[Tensor, " batch"]:
    """Whether an output provably moves in one direction as one feature runs over its range.

    The other features stay at each sample's values. With ``[L, U]`` the bounds on the derivative
    over ``value_range``, the output is increasing if ``L >= 0`` and decreasing if ``U <= 0``.

    Args:
        model: Network that ``torch.fx`` can trace into supported operators, in evaluation mode.
        x: Samples, ``(batch, *features)``.
        feature: Index of the feature, in the flattened input.
        output: Index of the output.
        value_range: Least and largest value of the feature.
        memory_budget: Bytes that one chunk of coefficients may take.

    Returns:
        For each sample 1 (never decreasing), -1 (never increasing) or 0 (not proven); 1 where the
        output does not depend on the feature at all.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a value is not accepted, or the model cannot be bounded.

    Reference:
        Shi et al. 2022, "Efficiently computing local Lipschitz constants of neural networks via
        bound propagation", the application to monotonicity.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 1, bias=False), nn.ReLU())
        >>> _ = model[0].weight.data.copy_(torch.tensor([[1.0, -1.0]]))
        >>> is_monotone(model, torch.rand(3, 2), feature=1, output=0)
        tensor([-1, -1, -1], dtype=torch.int8)
    """
    region = make_region(x, 0.0, None, None, None)
    check_integer(feature, "feature", below=region.lo[0].numel())
    lo, hi = region.lo.flatten(1).clone(), region.hi.flatten(1).clone()
    lo[:, feature], hi[:, feature] = _range(value_range)
    region = make_region(None, None, None, lo.reshape(x.shape), hi.reshape(x.shape))
    graph = traced(model, region)
    check_integer(output, "output", below=graph.n_outputs)
    check_integer(memory_budget, "memory_budget", least=1)
    row = torch.tensor([feature], device=x.device)
    signs = []
    with torch.no_grad():
        for part in groups(graph, region, memory_budget):
            states = forward_bounds(graph, part, memory_budget=memory_budget).states
            objective = every_output(graph, len(part))[:, output : output + 1]
            lines = gradient_lines(graph, states, objective, memory_budget=memory_budget)
            lower, upper = input_gradient_bounds(graph, objective, lines, row, memory_budget)
            increasing, decreasing = lower.flatten() >= 0, upper.flatten() <= 0
            signs.append(torch.where(increasing, 1, -decreasing.to(torch.int8)).to(torch.int8))
    return torch.cat(signs)


def _range(value: tuple[float, float]) -> tuple[float, float]:
    if not isinstance(value, tuple) or len(value) != 2:
        raise TypeError(f"value_range must be a pair (least, largest), got {value!r}")
    least, largest = value
    if any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in value):
        raise TypeError(f"value_range must hold two numbers, got {value!r}")
    if not -float("inf") < least <= largest < float("inf"):
        raise ValueError(f"value_range must be finite with least <= largest, got {value!r}")
    return least, largest
