"""Convolutions against their dense form, and sparse against all intermediate bounds.

One thread, float32, the MNIST CNN of the paper (conv 4x4 with 8 filters twice, linear 3872-100-10)
with random weights, one input. auto_LiRPA is not measured: the package index has no version of it
with Jacobian bounds that installs beside a current PyTorch.
"""

import time
from collections.abc import Callable

import torch
from torch import nn

from provenn.papers.bounds.networks import dense_form, mnist_cnn
from provenn.verify import local_lipschitz
from provenn.verify.backward import gradient_lines, norm_bound
from provenn.verify.door import every_output
from provenn.verify.forward import States, forward_bounds
from provenn.verify.region import Region
from provenn.verify.tracing import trace

EPS = 8 / 255
REPEATS = 3


def fastest(function: Callable[[], object]) -> float:
    """Processor seconds of the fastest of a few runs."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def backward(model: nn.Module, x: torch.Tensor, *, sparse: bool) -> float:
    """Seconds for the backward graph; dense bounds visit the neurons that are stable as well."""
    graph = trace(model, x)
    region = Region(lo=x - EPS, hi=x + EPS, centre=x)
    objective = every_output(graph, 1)
    with torch.no_grad():
        states = forward_bounds(graph, region).states
        rows: States = states if sparse else {k: torch.zeros_like(s) for k, s in states.items()}

        def run() -> None:
            lines = gradient_lines(graph, rows, objective)
            norm_bound(graph, objective, lines)

        return fastest(run)


def main() -> int:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = mnist_cnn().eval()
    x = torch.rand(1, 1, 28, 28)
    dense = dense_form(model, (1, 28, 28)).eval()
    by_convolution = local_lipschitz(model, x, EPS, samples=0)
    by_matrix = local_lipschitz(dense, x.flatten(1), EPS, samples=0)
    torch.testing.assert_close(by_convolution.per_class, by_matrix.per_class, rtol=1e-3, atol=0.0)
    conv_s = fastest(lambda: local_lipschitz(model, x, EPS, samples=0))
    dense_s = fastest(lambda: local_lipschitz(dense, x.flatten(1), EPS, samples=0))
    print(f"convolutions   {conv_s:8.2f} s an input, {int(by_convolution.n_unstable)} unstable")
    print(f"dense form     {dense_s:8.2f} s an input: {dense_s / conv_s:.1f} times as long")
    sparse_s, all_s = (backward(model, x, sparse=sparse) for sparse in (True, False))
    print(f"sparse bounds  {sparse_s:8.2f} s for the backward graph")
    print(f"all rows       {all_s:8.2f} s: {all_s / sparse_s:.1f} times as long")
    print("auto_LiRPA     not installable: no version with Jacobian bounds on the package index")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
