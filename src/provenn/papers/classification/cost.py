"""What a network costs: parameters, floating-point operations, latency."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.benchmark import Timer
from torch.utils.flop_counter import FlopCounterMode


def parameters(model: nn.Module) -> int:
    """Trainable numbers of a network."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


@torch.no_grad()
def flops_per_example(model: nn.Module, x: Tensor) -> float:
    """Floating-point operations of one evaluation of the first example of ``x``.

    The network runs once before it is counted, so that what it keeps between evaluations is made.
    """
    model.eval()
    model(x[:1])
    with FlopCounterMode(display=False) as counter:
        model(x[:1])
    return float(counter.get_total_flops())


@torch.no_grad()
def latency_ms(model: nn.Module, x: Tensor, min_run_time: float) -> float:
    """Median time of one evaluation of one example in milliseconds, on one thread."""
    model.eval()
    timer = Timer("model(x)", globals={"model": model, "x": x[:1]})
    return 1e3 * timer.blocked_autorange(min_run_time=min_run_time).median


def match_scale(build: Callable[[float], nn.Module], target: int) -> float:
    """Scale in [0.05, 4] at which ``build(scale)`` comes nearest to a number of parameters.

    The generators are left as they were.
    """
    from scipy.optimize import bisect  # costly to import

    counts: dict[float, int] = {}

    def excess(scale: float) -> float:
        counts[scale] = parameters(build(scale)) - target
        return counts[scale] + 0.5  # never zero, so that the search goes on to both sides

    with torch.random.fork_rng(devices=[]):
        bisect(excess, 0.05, 4.0, xtol=1e-3)
    return min(counts, key=lambda scale: np.abs(counts[scale]))
