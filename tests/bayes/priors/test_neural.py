"""Neural priors against one network at a time, and the laws of their architectures."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch.nn import functional

from provenn.bayes.pfn.priors import Beta, BNNPrior, Gamma, TabularBNNPrior

PHI = {
    None: lambda z: z,
    "tanh": torch.tanh,
    "relu": functional.relu,
    "gelu": functional.gelu,
}
activations = pytest.mark.parametrize("activation", PHI)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@activations
def test_bnn_logits_are_those_of_one_network_at_a_time(activation):
    prior = BNNPrior(4, 6, activation)
    weights = prior.sample_weights(5, generator=seeded(), dtype=torch.float64)
    x = torch.randn(5, 7, 4, generator=seeded(1), dtype=torch.float64)
    found = prior.logits(x, weights)
    for i in range(5):
        for j in range(7):
            hidden = PHI[activation](weights.first[i].T @ x[i, j] + weights.first_bias[i])
            expected = weights.second[i].T @ hidden + weights.second_bias[i]
            torch.testing.assert_close(found[i, j], expected)


def test_bnn_weights_are_standard_normal():
    for part in BNNPrior(3, 5).sample_weights(2000, generator=seeded()):
        assert stats.kstest(part.flatten().numpy(), stats.norm.cdf).pvalue > 1e-3


def test_bnn_labels_are_drawn_from_the_softmax():
    """With the same generator, weights are known, and labels follow their probabilities."""
    prior, batch, n = BNNPrior(3, 5), 200, 200
    x, y = prior.sample(batch, n, generator=seeded(2), dtype=torch.float64)
    assert stats.kstest(x.flatten().numpy(), stats.norm.cdf).pvalue > 1e-3
    replay = seeded(2)
    torch.randn(x.shape, generator=replay, dtype=torch.float64)
    weights = prior.sample_weights(batch, generator=replay, dtype=torch.float64)
    p = prior.logits(x, weights).softmax(-1)[..., 1]
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        bin_ = (p >= low) & (p < low + 0.2)
        excess = (y - p)[bin_].sum() / (p * (1 - p))[bin_].sum().sqrt()
        assert abs(excess.item()) < 4
    assert abs((y - p).sum().item()) < 4 * (p * (1 - p)).sum().sqrt().item()


def test_without_a_nonlinearity_the_log_odds_are_linear():
    prior = BNNPrior(2, 5, None)
    weights = prior.sample_weights(3, generator=seeded(), dtype=torch.float64)
    x = torch.randn(3, 2, 2, generator=seeded(1), dtype=torch.float64)
    middle = x.mean(1, keepdim=True)
    torch.testing.assert_close(
        prior.logits(middle, weights), prior.logits(x, weights).mean(1, keepdim=True)
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_features": 0}, ValueError, "n_features must be at least 1, got 0"),
        ({"hidden": 0}, ValueError, "hidden must be at least 1, got 0"),
        ({"hidden": "5"}, TypeError, "hidden"),
        ({"activation": "cos"}, ValueError, "activation must be one of None, 'tanh', .* got 'cos'"),
    ],
)
def test_a_bad_argument_of_the_bnn_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        BNNPrior(**arguments)


@activations
@pytest.mark.parametrize("n_layers", [2, 3, 4])
def test_wide_networks_compute_what_narrow_ones_do(activation, n_layers):
    """Each data set's network, cut to its own width and features, gives the same outputs."""
    prior = TabularBNNPrior(7, n_layers, activation, max_hidden=12, sparsity=0.3, group=2)
    architectures = prior.sample_architectures(9, generator=seeded())
    assert len(architectures.hidden.unique()) > 1
    layers = prior.sample_layers(architectures, generator=seeded(1), dtype=torch.float64)
    used = architectures.used_features
    x = torch.randn(9, 5, 7, generator=seeded(2), dtype=torch.float64)
    x = x * (torch.arange(7) < used[:, None, None])
    silent = torch.zeros(9, dtype=torch.float64)
    found = prior.outputs(x, layers, silent)
    for i in range(9):
        h, d = int(architectures.hidden[i]), int(used[i])
        z = x[i, :, :d] @ layers[0].weight[i, :d, :h] + layers[0].bias[i, :, :h]
        for layer in layers[1:-1]:
            z = PHI[activation](z) @ layer.weight[i, :h, :h] + layer.bias[i, :, :h]
        z = PHI[activation](z) @ layers[-1].weight[i, :h] + layers[-1].bias[i]
        torch.testing.assert_close(found[i], z.squeeze(-1))


def test_architectures_have_the_papers_laws():
    prior = TabularBNNPrior(group=1)
    drawn = prior.sample_architectures(20_000, generator=seeded())
    for sizes, law, most in (
        (drawn.hidden, stats.beta(2, 4), 150),
        (drawn.used_features, stats.beta(1, 1.6), 60),
    ):
        assert sizes.min() == 2
        assert sizes.max() <= most
        # 2 + round(z (most - 1) - 1/2) is at most k for z up to (k - 1)/(most - 1).
        found = sizes.bincount(minlength=most + 1).cumsum(0)[2:].double() / len(sizes)
        expected = torch.from_numpy(law.cdf(torch.arange(1, most) / (most - 1)))
        assert (found - expected).abs().max() < 1.95 / math.sqrt(len(sizes))
    gamma = stats.gamma(3.6188, scale=0.06774)
    assert stats.kstest(drawn.weight_std.numpy(), gamma.cdf).pvalue > 1e-3
    gamma = stats.gamma(1.8663, scale=0.05275)
    assert stats.kstest(drawn.noise_std.numpy(), gamma.cdf).pvalue > 1e-3


@settings(max_examples=30)
@given(st.integers(1, 30), st.integers(1, 9))
def test_a_group_shares_its_architecture(batch, group):
    prior = TabularBNNPrior(group=group)
    drawn = prior.sample_architectures(batch, generator=seeded())
    for part in drawn:
        assert part.shape == (batch,)
    std = drawn.weight_std
    for i in range(batch):
        for j in range(batch):
            assert bool(std[i] == std[j]) == (i // group == j // group)


def test_data_sets_of_a_group_have_weights_of_their_own():
    prior = TabularBNNPrior(group=4)
    layers = prior.sample_layers(prior.sample_architectures(4, generator=seeded()))
    assert len(layers[0].weight.flatten(1).unique(dim=0)) == 4


def test_weights_have_the_drawn_deviation_and_sparsity():
    prior = TabularBNNPrior(30, max_hidden=80, weight_std=0.5, sparsity=0.25, group=1)
    architectures = prior.sample_architectures(60, generator=seeded())
    first, second, last = prior.sample_layers(
        architectures, generator=seeded(1), dtype=torch.float64
    )
    for whole in (first.weight, first.bias, second.bias, last.bias):
        assert stats.kstest(whole.flatten().numpy(), stats.norm(0, 0.5).cdf).pvalue > 1e-3
    for weight, square in ((second.weight, True), (last.weight, False)):
        alive = torch.arange(weight.shape[1]) < architectures.hidden[:, None]
        inside = weight[alive].flatten()
        assert (weight[~alive] == 0).all()
        share = (inside == 0).double().mean().item()
        assert abs(share - 0.25) < 5 * math.sqrt(0.25 * 0.75 / len(inside))
        kept = inside[inside != 0].numpy()
        assert stats.kstest(kept, stats.norm(0, 0.5 / 0.75).cdf).pvalue > 1e-3
        assert square == (weight.shape[2] > 1)


def test_noise_enters_every_layer_but_the_first():
    """Without weights, an output is its own noise; with a sum behind them, that of all units."""
    prior = TabularBNNPrior(2, 3, None, max_hidden=2, group=1)
    architectures = prior.sample_architectures(1, generator=seeded())
    layers = prior.sample_layers(architectures, generator=seeded(), dtype=torch.float64)
    for layer in layers:
        layer.weight.zero_()
        layer.bias.zero_()
    x = torch.ones(1, 20_000, 2, dtype=torch.float64)
    std = torch.tensor([0.7], dtype=torch.float64)
    outputs = prior.outputs(x, layers, std, generator=seeded()).flatten().numpy()
    assert stats.kstest(outputs, stats.norm(0, 0.7).cdf).pvalue > 1e-3
    layers[-1].weight.fill_(1.0)
    outputs = prior.outputs(x, layers, std, generator=seeded()).flatten().numpy()
    assert stats.kstest(outputs, stats.norm(0, 0.7 * math.sqrt(3)).cdf).pvalue > 1e-3


@settings(max_examples=25)
@given(st.integers(1, 20), st.integers(1, 40), st.integers(0, 99))
def test_tabular_labels_are_exactly_balanced(batch, n, seed):
    _, y = TabularBNNPrior(8, max_hidden=20).sample(batch, n, generator=seeded(seed))
    assert (y.sum(-1) == n // 2).all()


def test_tabular_inputs_are_normal_and_padded():
    prior = TabularBNNPrior(20, group=1)
    x, _ = prior.sample(500, 30, generator=seeded())
    used = prior.sample_architectures(500, generator=seeded()).used_features
    inside = torch.arange(20) < used[:, None]
    values = x.transpose(1, 2)
    assert stats.kstest(values[inside].flatten().numpy(), stats.norm.cdf).pvalue > 1e-3
    assert (values[~inside] == 0).all()
    assert (~inside).any()


def test_the_labels_can_be_learnt():
    """A linear fit beats chance on later points: labels are about the inputs."""
    x, y = TabularBNNPrior(4, noise_std=0.01).sample(
        64, 200, generator=seeded(), dtype=torch.float64
    )
    x = torch.cat([x, torch.ones_like(x[..., :1])], -1)
    fitted = torch.linalg.pinv(x[:, :100]) @ (2 * y[:, :100, None] - 1)
    right = ((x[:, 100:] @ fitted).squeeze(-1) > 0) == (y[:, 100:] == 1)
    assert right.double().mean() > 0.8


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_features": 1}, ValueError, "n_features must be at least 2, got 1"),
        ({"n_layers": 1}, ValueError, "n_layers must be at least 2, got 1"),
        ({"activation": "cos"}, ValueError, "activation must be one of None"),
        ({"max_hidden": 1}, ValueError, "max_hidden must be at least 2, got 1"),
        ({"hidden": 10}, TypeError, "hidden"),
        ({"used_features": Gamma(1.0, 1.0)}, TypeError, "used_features"),
        ({"weight_std": 0.0}, ValueError, "weight_std must be finite and greater than 0, got 0"),
        ({"weight_std": Beta(1.0, 1.0)}, TypeError, "weight_std"),
        ({"noise_std": -0.1}, ValueError, "noise_std must be finite and at least 0, got -0.1"),
        (
            {"sparsity": 1.0},
            ValueError,
            "sparsity must be finite and at least 0 and less than 1, got 1",
        ),
        ({"sparsity": None}, TypeError, "sparsity"),
        ({"group": 0}, ValueError, "group must be at least 1, got 0"),
    ],
)
def test_a_bad_argument_of_the_tabular_prior_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        TabularBNNPrior(**arguments)
