"""The network, its cached contexts and its loss under torch.compile and torch.export."""

import pytest
import torch

from provenn.bayes import (
    BarDistribution,
    BernoulliLikelihood,
    CategoricalLikelihood,
    GaussianLikelihood,
    PriorFittedNetwork,
)

pytestmark = pytest.mark.compiled

LIKELIHOODS = {
    "bars": BarDistribution(torch.linspace(-3, 3, 12)),
    "gaussian": GaussianLikelihood(),
    "bernoulli": BernoulliLikelihood(),
    "categorical": CategoricalLikelihood(5),
}


@pytest.fixture(autouse=True)
def _fresh_compiler():
    torch.compiler.reset()


def build(likelihood="bars", *, n_layers=2, **options):
    torch.manual_seed(0)
    network = PriorFittedNetwork(2, LIKELIHOODS[likelihood], 8, n_layers, 2, **options)
    for layer in network.layers:
        layer.out_proj.reset_parameters()
        layer.linear2.reset_parameters()
    return network


def data(likelihood="bars", n=6, m=4):
    generator = torch.Generator().manual_seed(0)
    x, x_query = (torch.randn(3, size, 2, generator=generator) for size in (n, m))
    if LIKELIHOODS[likelihood].kind == "classification":
        labels = torch.randint(2, (3, n + m), generator=generator).float()
        return x, labels[:, :n], x_query, labels[:, n:]
    y = torch.randn(3, n + m, generator=generator)
    return x, y[:, :n], x_query, y[:, n:]


def close(a, b):
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_the_loss_compiles_as_one_graph(likelihood):
    network, (*given, y) = build(likelihood, standardize=True), data(likelihood)

    def loss(*given):
        return network.likelihood(network(*given), y).mean()

    expected = loss(*given)
    wanted = torch.autograd.grad(expected, list(network.parameters()))
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")(*given)
    close(compiled, expected)
    found = torch.autograd.grad(compiled, list(network.parameters()))
    for a, b in zip(found, wanted, strict=True):
        close(a, b)


def test_inductor_matches_eager():
    network, (*given, _) = build(n_layers=1).eval(), data()
    with torch.no_grad():
        close(torch.compile(network, fullgraph=True)(*given), network(*given))


@pytest.mark.parametrize("options", [{}, {"standardize": True, "positional": True}])
@pytest.mark.parametrize(("n", "m"), [(0, 4), (1, 4), (6, 1), (6, 0)])
def test_the_smallest_sizes_compile(options, n, m):
    network, (*given, _) = build(**options).eval(), data(n=n, m=m)
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        close(compiled(*given), network(*given))


def test_other_numbers_of_points_are_not_compiled_again():
    network = build().eval()
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager", dynamic=True)
    with torch.no_grad():
        (*given, _) = data(n=6, m=4)
        close(compiled(*given), network(*given))
        with torch.compiler.set_stance("fail_on_recompile"):
            for n, m in ((7, 4), (6, 9), (30, 20)):
                (*given, _) = data(n=n, m=m)
                close(compiled(*given), network(*given))


def test_cached_contexts_compile():
    network, (x, y, x_query, _) = build(standardize=True).eval(), data()
    encode, decode = (
        torch.compile(part, fullgraph=True, backend="aot_eager")
        for part in (network.encode, network.decode)
    )
    with torch.no_grad():
        close(decode(encode(x, y), x_query), network(x, y, x_query))


def test_autocast_compiles():
    network, (*given, _) = build().eval(), data()
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        y, expected = compiled(*given), network(*given)
    assert y.dtype == expected.dtype == torch.bfloat16
    torch.testing.assert_close(y, expected, rtol=3e-2, atol=3e-2)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_exports(likelihood):
    network, (*given, _) = build(likelihood, standardize=True).eval(), data(likelihood)
    program = torch.export.export(network, tuple(given))
    close(program.module()(*given), network(*given))
