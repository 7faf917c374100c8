"""The layers under torch.compile and torch.export."""

import pytest
import torch

from provenn.nn import PHConv1d, PHConv2d, PHConv3d, PHLinear, PHResNet, ph_conv2d, ph_weight

pytestmark = pytest.mark.compiled

LAYERS = {
    "linear": (lambda: PHLinear(6, 9, n=3), (5, 6)),
    "conv1d": (lambda: PHConv1d(4, 8, 3, padding="same", padding_mode="circular", n=2), (2, 4, 9)),
    "conv2d": (lambda: PHConv2d(4, 8, 3, groups=2, n=2), (2, 4, 7, 7)),
    "conv3d": (
        lambda: PHConv3d(4, 8, 3, n=4, algebra="quaternion", learn_algebra=False),
        (2, 4, 5, 5, 5),
    ),
    "resnet": (lambda: PHResNet("basic", (1,), (4,), n=4), (2, 3, 8, 8)),
}


@pytest.fixture(autouse=True)
def _fresh_compiler():
    torch.compiler.reset()


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("training", [True, False])
def test_compiles_as_one_graph(name, training):
    build, shape = LAYERS[name]
    torch.manual_seed(0)
    layer, x = build().train(training), torch.randn(shape)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    y = compiled(x)
    torch.testing.assert_close(y, layer(x), rtol=1e-4, atol=1e-5)
    y.sum().backward()
    assert all(p.grad is not None for p in layer.parameters())


def test_inductor_matches_eager():
    A, F = torch.randn(4, 4, 4), torch.randn(4, 2, 2, 3, 3)
    x = torch.randn(2, 8, 6, 6)
    compiled = torch.compile(ph_conv2d, fullgraph=True)
    torch.testing.assert_close(compiled(x, A, F), ph_conv2d(x, A, F), rtol=1e-4, atol=1e-4)


def test_large_weight_compiles_and_exports():
    class Weight(torch.nn.Module):
        def forward(self, A, F):
            return ph_weight(A, F)

    A, F = torch.randn(4, 4, 4), torch.randn(4, 64, 64, 3, 3)
    with torch.no_grad():
        compiled = torch.compile(ph_weight, fullgraph=True, backend="aot_eager")(A, F)
        exported = torch.export.export(Weight(), (A, F)).module()(A, F)
    torch.testing.assert_close(compiled, ph_weight(A, F), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(exported, ph_weight(A, F), rtol=1e-4, atol=1e-5)


def test_compiled_evaluation_follows_the_parameters():
    layer, x = PHLinear(4, 4, n=2).eval(), torch.randn(3, 4)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        layer(x)  # fills the cache, which the graph must not read
        compiled(x)
        layer.filters.data.mul_(3)
        torch.testing.assert_close(compiled(x), layer(x))


@pytest.mark.parametrize("name", LAYERS)
def test_exports(name):
    build, shape = LAYERS[name]
    layer, x = build().eval(), torch.randn(shape)
    with torch.no_grad():
        layer(x)
    program = torch.export.export(layer, (x,))
    torch.testing.assert_close(program.module()(x), layer(x), rtol=1e-4, atol=1e-5)


def test_autocast_compiles():
    layer, x = PHConv2d(4, 8, 3, n=2), torch.randn(2, 4, 6, 6)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, expected = compiled(x), layer(x)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y, expected, rtol=2e-2, atol=2e-2)
