"""``torch.compile`` of a whole training step's forward pass, and of per-sample conditioning."""

import pytest
import torch

from provenn.hyper import HyperNetwork
from tests.hyper.networks import mlp

pytestmark = pytest.mark.compiled


@pytest.mark.parametrize("rows", [False, True])
def test_conditioned_call_compiles_as_one_graph(rows):
    torch.manual_seed(0)
    hyper = HyperNetwork(mlp(), {"lam": 1})
    x, lam = torch.randn(5, 4), torch.rand(5, 1) if rows else torch.rand(1)

    def call(x, lam):
        return hyper.call(x, lam=lam)

    compiled = torch.compile(call, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x, lam), call(x, lam))
    gradients = []
    for function in (compiled, call):
        hyper.zero_grad()
        function(x, lam).square().sum().backward()
        gradients.append([p.grad.clone() for p in hyper.parameters()])
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b)
