"""The network against a masked transformer, and what it may and may not depend on."""

import copy
import json

import pytest
import torch
from torch import nn

from provenn.bayes import (
    BarDistribution,
    BernoulliLikelihood,
    CategoricalLikelihood,
    GaussianLikelihood,
    PriorFittedNetwork,
)

D, LAYERS = 3, 3
LIKELIHOODS = {
    "bars": BarDistribution(torch.tensor([-2.0, -0.5, 0.25, 1.0, 3.0])),
    "bounded": BarDistribution(torch.linspace(-1, 1, 4), full_support=False),
    "gaussian": GaussianLikelihood(variance_floor=1e-3),
    "bernoulli": BernoulliLikelihood(),
    "categorical": CategoricalLikelihood(4),
}
OPTIONS = {
    "plain": {},
    "standardize": {"standardize": True},
    "rescale_features": {"standardize": True, "rescale_features": True},
    "positional": {"positional": True},
}
SHAPES = [(5, 3), (5, 1), (1, 3), (1, 1), (0, 3), (0, 1), (5, 0), (0, 0)]
"""Context and query points."""


def build(likelihood="gaussian", *, seed=0, dtype=torch.float64, **options):
    """A small network in evaluation mode all of whose parameters are drawn."""
    torch.manual_seed(seed)
    network = PriorFittedNetwork(
        D, LIKELIHOODS[likelihood], 8, LAYERS, 2, 12, dtype=torch.float64, **options
    )
    with torch.no_grad():
        for parameter in network.parameters():
            noise = torch.randn_like(parameter)
            if parameter.ndim == 1:
                parameter.add_(0.3 * noise)
            else:
                parameter.copy_(noise / parameter.shape[1] ** 0.5)
    return network.eval().to(dtype)


def data(*batch, n=5, m=3, d=D, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    sizes = ((*batch, n, d), (*batch, n), (*batch, m, d))
    return [torch.randn(size, generator=generator, dtype=dtype) for size in sizes]


def close(a, b, tolerance=1e-10):
    torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


def masked(network, x, y, x_query):
    """The whole sequence through torch's own layers, under the mask of the paper's code."""
    config, n, m = network.config, x.shape[-2], x_query.shape[-2]
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(
            config["d_model"], config["n_heads"], config["d_ff"], dropout=0.0,
            activation="gelu", batch_first=True, norm_first=False, dtype=x.dtype,
        ),
        config["n_layers"],
        enable_nested_tensor=False,
    )  # fmt: skip
    for theirs, ours in zip(encoder.layers, network.layers, strict=True):
        state = ours.state_dict()
        for part in ("weight", "bias"):
            state[f"self_attn.in_proj_{part}"] = state.pop(f"in_proj.{part}")
            state[f"self_attn.out_proj.{part}"] = state.pop(f"out_proj.{part}")
        theirs.load_state_dict(state)
    mask = torch.full((n + m, n + m), -torch.inf, dtype=x.dtype)
    mask[:, :n] = 0
    mask[range(n, n + m), range(n, n + m)] = 0
    context = network.x_encoder(x) + y[..., None] @ network.y_encoder.weight.T
    context = context + network.y_encoder.bias
    tokens = torch.cat([context, network.x_encoder(x_query)], -2)
    return network.head(encoder(tokens, mask)[:, n:])


@pytest.mark.parametrize(("n", "m"), [shape for shape in SHAPES if sum(shape)])
def test_equals_a_transformer_under_the_dense_mask(n, m):
    network, (x, y, x_query) = build(), data(2, n=n, m=m)
    close(network(x, y, x_query), masked(network, x, y, x_query))


def test_gradients_equal_those_under_the_dense_mask():
    network, (x, y, x_query) = build("bars"), data(2)
    parts = [network.x_encoder.weight, network.y_encoder.bias, network.head[0].weight]
    split, dense = (
        torch.autograd.grad(f(x, y, x_query).sin().sum(), parts)
        for f in (network, lambda *given: masked(network, *given))
    )
    for a, b in zip(split, dense, strict=True):
        close(a, b)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize(("n", "m"), SHAPES)
def test_reading_the_context_first_changes_nothing(options, n, m):
    network, (x, y, x_query) = build(**OPTIONS[options]), data(2, n=n, m=m)
    answer = network.decode(network.encode(x, y), x_query)
    assert answer.shape == (2, m, 2)
    close(answer, network(x, y, x_query))


def test_one_context_answers_many_times():
    network, (x, y, x_query) = build(standardize=True), data(2, m=6)
    context = network.encode(x, y)
    parts = [network.decode(context, x_query[:, :2]), network.decode(context, x_query[:, 2:])]
    close(torch.cat(parts, 1), network(x, y, x_query))


@pytest.mark.parametrize("batch", [(), (1,), (2, 3)])
def test_any_leading_dimensions(batch):
    network, (x, y, x_query) = build(standardize=True), data(*batch)
    answer = network(x, y, x_query)
    assert answer.shape == (*batch, 3, 2)
    close(network.decode(network.encode(x, y), x_query), answer)
    flat = zip(x.reshape(-1, 5, D), y.reshape(-1, 5), x_query.reshape(-1, 3, D), strict=True)
    close(answer.reshape(-1, 3, 2), torch.stack([network(*row) for row in flat]))


@pytest.mark.parametrize("batch", [(0,), (2, 0)])
def test_no_data_sets(batch):
    network = build(standardize=True)
    x, y, x_query = (torch.empty(*batch, *size).double() for size in ((5, D), (5,), (3, D)))
    assert network(x, y, x_query).shape == (*batch, 3, 2)
    assert network.decode(network.encode(x, y), x_query).shape == (*batch, 3, 2)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_answers_are_what_the_likelihood_reads(likelihood):
    network, (x, y, x_query) = build(likelihood), data(2)
    labels = torch.zeros_like(y) if network.likelihood.kind == "classification" else y / 10
    outputs = network(x, labels, x_query)
    assert outputs.shape == (2, 3, network.likelihood.n_outputs)
    assert network.likelihood.log_prob(outputs, labels[:, :3]).isfinite().all()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-11)])
@pytest.mark.parametrize("options", ["plain", "rescale_features"])
def test_order_of_the_context_does_not_matter(dtype, tolerance, options):
    network, (x, y, x_query) = build(dtype=dtype, **OPTIONS[options]), data(2, n=9, dtype=dtype)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    answer = network(x, y, x_query)
    torch.testing.assert_close(
        network(x[:, order], y[:, order], x_query), answer, rtol=0, atol=tolerance
    )
    mispaired = network(x[:, order], y, x_query)
    assert (mispaired - answer).abs().max() > 0.01


def test_order_matters_with_positions_alone():
    x, y, x_query = data(2)
    order = [1, 0, 2, 3, 4]
    for options, differs in (({}, False), ({"positional": True}, True)):
        network = build(**options)
        moved = network(x[:, order], y[:, order], x_query) - network(x, y, x_query)
        assert (moved.abs().max() > 1e-3) == differs


def test_queries_do_not_see_each_other():
    network, (x, y, x_query) = build(), data(2, m=6)
    answer = network(x, y, x_query)
    order = [4, 0, 5, 2, 1, 3]
    close(network(x, y, x_query[:, order]), answer[:, order], 1e-12)
    close(network(x, y, x_query[:, 2:4]), answer[:, 2:4], 1e-12)
    close(network(x, y, x_query[:, :1]), answer[:, :1], 1e-12)
    close(network(x, y, torch.cat([x_query, 100 * x_query], 1))[:, :6], answer, 1e-12)


@pytest.mark.parametrize("options", OPTIONS)
def test_gradient_with_respect_to_another_query_is_exactly_zero(options):
    network, (x, y, x_query) = build(**OPTIONS[options]), data(2, m=4)
    x_query.requires_grad_()
    for j in range(4):
        (gradient,) = torch.autograd.grad(network(x, y, x_query)[:, j].sum(), x_query)
        others = [i for i in range(4) if i != j]
        assert bool((gradient[:, others] == 0).all())
        assert bool((gradient[:, j] != 0).any())


def test_layers_only_normalise_at_the_start():
    torch.manual_seed(0)
    network = PriorFittedNetwork(D, GaussianLikelihood(), 8, LAYERS, 2, dtype=torch.float64)
    x, y, x_query = data(2)
    h = network.x_encoder(x_query)
    for _ in range(2 * LAYERS):
        h = nn.functional.layer_norm(h, (8,))
    close(network(x, y, x_query), network.head(h))
    close(network(x, -y, x_query), network(x, y, x_query), 1e-14)


@pytest.mark.parametrize("options", ["plain", "standardize", "rescale_features"])
@pytest.mark.parametrize("d", [1, 2])
def test_fewer_features_count_as_zeros(options, d):
    network, (x, y, x_query) = build(**OPTIONS[options]), data(2, d=d)
    padded = [nn.functional.pad(points, (0, D - d)) for points in (x, x_query)]
    close(network(x, y, x_query), network(padded[0], y, padded[1]))
    close(network.decode(network.encode(x, y), x_query), network(x, y, x_query))


@pytest.mark.parametrize("options", ["standardize", "rescale_features"])
def test_units_of_a_standardized_input_do_not_matter(options):
    network, (x, y, x_query) = build(**OPTIONS[options]), data(2)
    scale, shift = torch.tensor([0.01, 3.0, 500.0]).double(), torch.tensor([-7.0, 0.5, 3e4])
    close(network(scale * x + shift, y, scale * x_query + shift), network(x, y, x_query), 1e-7)
    plain = build()
    assert (plain(scale * x, y, scale * x_query) - plain(x, y, x_query)).abs().max() > 0.05


def test_standardizes_by_the_context_alone():
    x, y, x_query = data(2)
    mean, std = x.mean(1, keepdim=True), x.std(1, keepdim=True, correction=0)
    by_hand = build()((x - mean) / std, y, (x_query - mean) / std)
    close(build(standardize=True)(x, y, x_query), by_hand)


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_points_to_standardize_are_read_as_they_are(n):
    x, y, x_query = data(2, n=n)
    close(build(standardize=True)(x, y, x_query), build()(x, y, x_query))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("constant", [0.0, 0.1, -1e6])
def test_a_feature_that_is_constant_in_the_context_counts_as_zero(dtype, constant):
    network = build(standardize=True, rescale_features=True, dtype=dtype)
    x, y, x_query = data(2, n=31, dtype=dtype)
    x[..., 1] = constant
    answer = network(x, y, x_query)
    assert answer.isfinite().all()
    x_query[..., 1] = 1e3
    assert torch.equal(network(x, y, x_query), answer)
    x[..., 1] = x_query[..., 1] = 0
    assert torch.equal(network(x, y, x_query), answer)


def test_a_context_of_one_point_repeated_is_answered():
    network, (x, y, x_query) = build(standardize=True, rescale_features=True), data(2)
    assert network(x[:, :1].expand_as(x), y, x_query).isfinite().all()


@pytest.mark.parametrize(("varying", "factor"), [(1, 3.0), (2, 1.5), (3, 1.0)])
def test_rescaling_makes_up_for_features_that_do_not_vary(varying, factor):
    x, y, x_query = data(2)
    x[..., varying:] = 4.0
    mean, std = x.mean(1, keepdim=True), x.std(1, keepdim=True, correction=0)
    std[..., varying:] = torch.inf
    by_hand = build()(factor * (x - mean) / std, y, factor * (x_query - mean) / std)
    close(build(standardize=True, rescale_features=True)(x, y, x_query), by_hand)


def test_each_class_has_its_own_vector():
    network, (x, _, x_query) = build("categorical"), data(2)
    y = torch.tensor([[0.0, 1.0, 2.0, 3.0, 0.0], [3.0, 3.0, 1.0, 0.0, 2.0]]).double()
    answer = network(x, y, x_query)
    relabelled = build("categorical")
    order = [2, 0, 3, 1]
    relabelled.y_encoder.weight.data = network.y_encoder.weight.data[order]
    names = torch.tensor(order).argsort().double()
    close(relabelled(x, names[y.long()], x_query), answer)


@pytest.mark.parametrize("label", [-1.0, 4.0, 0.5, float("nan"), float("inf")])
def test_an_unknown_class_is_answered_with_nan(label):
    network, (x, _, x_query) = build("categorical"), data(2)
    y = torch.ones(2, 5).double()
    good = network(x, y, x_query)
    y[0, 3] = label
    answer = network(x, y, x_query)
    assert answer[0].isnan().all()
    close(answer[1], good[1])


def test_drops_in_training_only():
    network, given = build(dropout=0.5), data(2)
    without = build()(*given)
    assert torch.equal(network(*given), without)
    network.train()
    torch.manual_seed(0)
    first, second = network(*given), network(*given)
    assert not torch.equal(first, second)
    torch.manual_seed(0)
    assert torch.equal(network(*given), first)
    assert torch.equal(build().train()(*given), without)


def test_every_answer_in_training_drops_on_average_nothing():
    network, (x, y, x_query) = build(dropout=0.1).train(), data(1)
    torch.manual_seed(0)
    many = network(*(part.expand(4000, *part.shape[1:]) for part in (x, y, x_query)))
    assert (many.mean(0) - network.eval()(x, y, x_query)[0]).abs().max() < 0.5 * many.std()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_saved_and_loaded_answers_are_bit_equal(likelihood, dtype, tmp_path):
    network = build(likelihood, dtype=dtype, standardize=True, positional=True, max_context=7)
    x, y, x_query = data(2, dtype=dtype)
    y = torch.zeros_like(y) if network.likelihood.kind == "classification" else y / 10
    network.save_pretrained(tmp_path / "network")
    loaded = PriorFittedNetwork.from_pretrained(tmp_path / "network")
    assert not loaded.training
    assert loaded.config == network.config
    loaded = copy.deepcopy(loaded)  # into memory that is aligned: else the last bit may differ
    outputs = network(x, y, x_query)
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)
    assert torch.equal(loaded(x, y, x_query), outputs)
    density = network.likelihood.log_prob(outputs, y[:, :3])
    assert torch.equal(loaded.likelihood.log_prob(outputs, y[:, :3]), density)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_config_is_plain_data_that_builds_it_again(likelihood):
    network = build(likelihood, dropout=0.1, standardize=True, rescale_features=True)
    config = json.loads(json.dumps(network.config))
    again = PriorFittedNetwork(**config)
    assert again.config == network.config
    shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
    assert {name: tensor.shape for name, tensor in again.state_dict().items()} == shapes


def test_keeps_its_own_likelihood():
    bars = BarDistribution(torch.tensor([0.0, 1.0, 2.0]))
    network = PriorFittedNetwork(1, bars, 8, 1, 2)
    network.double()
    assert bars.borders.dtype == torch.float32
    assert network.likelihood.borders.dtype == torch.float64


def test_width_of_the_feed_forward_part():
    assert PriorFittedNetwork(1, GaussianLikelihood(), 8, 1, 2).config["d_ff"] == 16


def test_says_what_it_is():
    text = repr(build(standardize=True, positional=True))
    assert "n_features=3, standardize=True, positional=True" in text
    assert "rescale_features" not in text
