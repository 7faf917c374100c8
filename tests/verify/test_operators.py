"""Operators against the matrices that they stand for, and networks against their dense form."""

import pytest
import torch
from torch import nn

from provenn.verify.backward import gradient_lines, input_gradient_bounds, norm_bound
from provenn.verify.door import every_output
from provenn.verify.forward import forward_bounds
from provenn.verify.graph import Affine, Graph
from provenn.verify.operators import Dense
from provenn.verify.region import Region
from provenn.verify.tracing import trace

from .networks import ARCHITECTURES, inputs, network


def matrix(operator):
    """The matrix of an operator, from its action on unit vectors."""
    n = torch.Size(operator.in_shape).numel()
    return operator.apply(torch.eye(n).double().reshape(n, *operator.in_shape)).flatten(1).T


def dense_form(graph: Graph) -> Graph:
    """The same network on flat vectors, every affine layer a matrix."""
    nodes = []
    for node in graph.nodes:
        changes = {"parents": node.parents, "shape": (node.size,)}
        if isinstance(node, Affine):
            bias = node.operator.bias
            changes["operator"] = Dense(
                in_shape=(torch.Size(node.operator.in_shape).numel(),),
                out_shape=(node.size,),
                bias=None if bias is None else bias.expand(node.shape).flatten(),
                weight=matrix(node.operator),
            )
        elif hasattr(node, "slope"):
            changes["slope"] = node.slope
        nodes.append(type(node)(**changes))
    return Graph(nodes=tuple(nodes), like=graph.like)


OPERATORS = [
    (name, node.operator)
    for name in sorted(ARCHITECTURES)
    for model, shape in [network(name, 0)]
    for node in trace(model, inputs(shape, 1, 0)).nodes
    if isinstance(node, Affine)
]


@pytest.mark.parametrize(("name", "operator"), OPERATORS, ids=lambda v: str(v)[:20])
def test_adjoint_rows_columns_and_absolute(name, operator):
    W = matrix(operator)
    m, n = W.shape
    torch.testing.assert_close(
        operator.adjoint(torch.eye(m).double().reshape(2 - 1, m, *operator.out_shape)).reshape(
            m, n
        ),
        W,
    )
    torch.testing.assert_close(matrix(operator.absolute()), W.abs())
    index = torch.arange(0, m, 2)
    torch.testing.assert_close(operator.rows(index, W).flatten(1), W[index])
    index = torch.arange(0, n, 3)
    torch.testing.assert_close(operator.columns(index, W).flatten(1), W.T[index])


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
@pytest.mark.parametrize("norm", ["inf", 2])
def test_bounds_equal_those_of_the_dense_form(name, norm):
    model, shape = network(name, 2)
    x = inputs(shape, 2, 3)
    graph = trace(model, x)
    flat = x.flatten(1)
    cases = [
        (graph, Region(lo=x - 0.2, hi=x + 0.2, centre=x)),
        (dense_form(graph), Region(lo=flat - 0.2, hi=flat + 0.2, centre=flat)),
    ]
    found = []
    with torch.no_grad():
        for form, region in cases:
            states = forward_bounds(form, region).states
            objective = every_output(form, 2)
            lines = gradient_lines(form, states, objective)
            bounds = input_gradient_bounds(form, objective, lines)
            found.append((*bounds, norm_bound(form, objective, lines, norm).bound))
    for ours, dense in zip(*found, strict=True):
        torch.testing.assert_close(ours, dense, rtol=1e-8, atol=1e-8)


def test_a_convolution_is_never_made_dense():
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1))
    graph = trace(
        nn.Sequential(model, nn.Flatten(), nn.Linear(8 * 16 * 16, 2)), torch.empty(0, 1, 16, 16)
    )
    held = [
        value.numel()
        for node in graph.nodes
        if isinstance(node, Affine)
        for value in vars(node.operator).values()
        if isinstance(value, torch.Tensor)
    ]
    assert max(held) == 2 * 8 * 16 * 16


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("padding", "dilation"), [(0, 1), (1, 1), (2, 2), (3, 1)])
def test_the_mirrored_convolution_is_the_transpose(groups, padding, dilation):
    torch.manual_seed(0)
    layer = nn.Conv2d(4, 6, (3, 2), padding=padding, dilation=dilation, groups=groups)
    graph = trace(nn.Sequential(layer, nn.Flatten()), torch.empty(0, 4, 7, 8))
    operator = graph.nodes[1].operator
    h, z = torch.randn(5, 4, 7, 8), torch.randn(5, *operator.out_shape)
    torch.testing.assert_close((operator.apply(h) * z).sum(), (h * operator.adjoint(z)).sum())
