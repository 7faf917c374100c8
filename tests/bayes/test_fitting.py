"""Fitting: the law of context sizes, the optimiser's steps, and what is reached by them."""

import copy
import math

import pytest
import torch

from provenn.bayes import (
    BarDistribution,
    BernoulliLikelihood,
    BetaBernoulliPrior,
    CategoricalLikelihood,
    GaussianLikelihood,
    GaussianProcessPrior,
    PriorFittedNetwork,
    PriorFitting,
    context_sizes,
)

COIN = BetaBernoulliPrior()
CURVES = GaussianProcessPrior(1, lengthscale=0.3, noise=0.1)


def network(likelihood=None, *, n_features=1, seed=0, **options):
    torch.manual_seed(seed)
    sizes = {"d_model": 8, "n_layers": 1, "n_heads": 2, **options}
    return PriorFittedNetwork(n_features, likelihood or BernoulliLikelihood(), **sizes)


def fitting(of=None, prior=COIN, steps=4, **options):
    options = {"n_points": 6, "batch_size": 4, **options}
    return PriorFitting(of or network(), prior, steps, **options)


def losses(of: PriorFitting):
    found = []
    while not of.done:
        found.append(of.step())
    return found


def parameters(of: PriorFitting):
    return {name: p.detach().clone() for name, p in of.network.named_parameters()}


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


# Context sizes


@pytest.mark.parametrize(("n_points", "max_context"), [(1, 0), (2, 1), (33, 32), (2010, 1999)])
def test_every_context_size_has_the_same_expected_number_of_queries(n_points, max_context):
    p = context_sizes(n_points, max_context)
    assert p.shape == (max_context + 1,)
    assert p.sum().item() == pytest.approx(1, abs=1e-12)
    queries = p * (n_points - torch.arange(max_context + 1))
    torch.testing.assert_close(queries, queries[:1].expand_as(queries), rtol=1e-12, atol=0)


def test_uniform_context_sizes():
    assert context_sizes(50, 40, "uniform").tolist() == pytest.approx([1 / 41] * 41, abs=1e-15)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, context_sizes(6, 5)),
        ({"max_context": 2}, context_sizes(6, 2)),
        ({"context": "uniform"}, context_sizes(6, 5, "uniform")),
        ({"context": 3}, torch.tensor([0.0, 0.0, 0.0, 1.0])),
    ],
)
def test_contexts_are_drawn_by_their_law(options, expected):
    fit = fitting(network(d_model=2), steps=400, batch_size=1, **options)
    sizes = []

    def see(_, given):
        sizes.append(given[0].shape[1])
        assert given[0].shape[1] + given[2].shape[1] == 6

    fit.network.register_forward_pre_hook(see)
    losses(fit)
    counts = torch.tensor(sizes).bincount(minlength=len(expected)).double()
    assert len(counts) == len(expected)
    possible = expected > 0
    assert counts[~possible].sum() == 0
    mean = 400 * expected[possible]
    chi_square = ((counts[possible] - mean).square() / mean).sum()
    assert chi_square < 25  # 5 degrees of freedom or fewer: p < 2e-4


def test_the_network_remembers_the_largest_context(tmp_path):
    of = network()
    assert of.config["max_context"] is None
    fitting(of, max_context=3)
    assert of.config["max_context"] == 3
    fitting(of, context=2)
    assert of.config["max_context"] == 3
    of.save_pretrained(tmp_path)
    assert PriorFittedNetwork.from_pretrained(tmp_path).config["max_context"] == 3


# What is reached


def fitted_coin():
    of = network(d_model=16, n_layers=2, d_ff=32)
    fit = PriorFitting(of, COIN, 400, n_points=17, batch_size=64, lr=1e-2)
    return losses(fit), of.eval()


@pytest.fixture(scope="module")
def coin():
    return fitted_coin()


def test_loss_falls_to_the_entropy_of_the_prior(coin):
    found, _ = coin
    # E[H] over contexts: every size weighs 1 / (17 - n); at n = 0 it is log 2.
    p = context_sizes(17, 16)
    entropy = sum(
        float(p[n]) * _entropy((1 + k) / (2 + n)) / (n + 1) for n in range(17) for k in range(n + 1)
    )
    assert sum(found[-50:]) / 50 == pytest.approx(entropy, abs=0.03)
    assert sum(found[:5]) / 5 > sum(found[-50:]) / 50 + 0.03


@pytest.mark.parametrize("n", [0, 1, 4, 16])
@torch.no_grad()
def test_approaches_the_exact_predictive_distribution(coin, n):
    _, of = coin
    y = (torch.arange(n) < torch.arange(n + 1)[:, None]).float()
    x = torch.randn(n + 1, n + 8, 1, generator=torch.Generator().manual_seed(0))
    q = of.likelihood.probabilities(of(x[:, :n], y, x[:, n:])).double()
    p = COIN.predictive(x[:, :n], y, x[:, n:])
    kl = (p * (p / q).log()).sum(-1)
    assert kl.mean() < 5e-3
    assert (p - q).abs().max() < 0.1


@torch.no_grad()
def test_nothing_beats_the_exact_predictive_distribution(coin):
    _, of = coin
    x, y = COIN.sample(20_000, 9, generator=torch.Generator().manual_seed(5))
    for n in (0, 3, 8):
        given = x[:, :n], y[:, :n], x[:, n : n + 1]
        label = y[:, n : n + 1]
        exact = COIN.predictive(*given).gather(-1, label.long()[..., None])[..., 0].log()
        gap = (exact - of.likelihood.log_prob(of(*given), label)).flatten()
        assert gap.mean() > -3 * gap.std() / math.sqrt(len(gap))
        assert gap.mean() < 0.02


@pytest.fixture(scope="module")
def curves():
    bars = BarDistribution.from_prior(CURVES, 60, datasets=4000)
    of = network(bars, d_model=16, n_layers=2)
    found = losses(PriorFitting(of, CURVES, 400, n_points=11, batch_size=32, lr=1e-2))
    return found, of.eval()


@torch.no_grad()
def test_an_exact_gaussian_process_is_not_beaten_but_approached(curves):
    found, of = curves
    assert sum(found[-20:]) / 20 < sum(found[:20]) / 20 - 0.3
    x, y = CURVES.sample(2000, 11, generator=torch.Generator().manual_seed(5))
    gaps = []
    for n in (0, 5, 10):
        given = x[:, :n], y[:, :n], x[:, n : n + 1]
        target = y[:, n : n + 1]
        mean, variance = CURVES.predictive(*given)
        exact = torch.distributions.Normal(mean, variance.sqrt()).log_prob(target.double())
        gap = (exact - of.likelihood.log_prob(of(*given), target)).flatten()
        assert gap.mean() > -3 * gap.std() / math.sqrt(len(gap))
        gaps.append(gap.mean().item())
    assert gaps[0] < 0.12
    prior_alone = -0.5 * math.log(2 * math.pi * 1.1) - 0.5
    mean, variance = CURVES.predictive(x[:, :10], y[:, :10], x[:, 10:])
    exact = torch.distributions.Normal(mean, variance.sqrt()).log_prob(y[:, 10:].double()).mean()
    assert gaps[2] < 0.5 * (exact - prior_alone)


@torch.no_grad()
def test_without_a_context_equally_probable_bars_are_answered(curves):
    _, of = curves
    nothing = torch.empty(0, 1), torch.empty(0)
    q = of(*nothing, torch.linspace(0, 1, 11)[:, None]).softmax(-1)
    uniform = torch.full_like(q, 1 / 60)
    assert (uniform * (uniform / q).log()).sum(-1).max() < 0.05


# Steps


def test_goes_on_as_if_never_stopped():
    straight = fitting(network(dropout=0.0), steps=7)
    expected = losses(straight)
    first = fitting(network(), steps=7)
    given = [first.step() for _ in range(3)]
    state = copy.deepcopy(first.state_dict())
    first.step()
    second = fitting(network(seed=9), steps=7, seed=4)
    second.step()
    second.load_state_dict(state)
    assert second.taken == 3
    given += losses(second)
    assert given == expected
    assert same(parameters(second), parameters(straight))


def test_a_state_survives_where_parameters_move_on():
    first = fitting(steps=5)
    first.step()
    state = copy.deepcopy(first.state_dict())
    expected = losses(first)
    first.load_state_dict(state)
    assert losses(first) == expected


def test_a_state_that_lacks_a_part_is_refused():
    with pytest.raises(KeyError, match="optimizer"):
        fitting().load_state_dict({"network": network().state_dict()})


def test_equal_seeds_give_equal_fits():
    torch.manual_seed(1)
    first, other = fitting(seed=3), fitting(seed=4)
    given = losses(first)
    assert losses(other) != given
    torch.rand(5)
    again = fitting(seed=3)
    assert losses(again) == given
    assert same(parameters(again), parameters(first))


def test_data_do_not_follow_the_global_generator():
    fit = fitting()
    before = torch.get_rng_state()
    losses(fit)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("k", [2, 5])
def test_accumulated_gradients_are_the_mean_over_batches(k):
    still = {"lr": 1e-30, "clip": 1e9}
    together = fitting(steps=1, accumulate=k, **still)
    loss = together.step()
    apart = fitting(steps=k, **still)
    sums = {name: torch.zeros_like(p) for name, p in apart.network.named_parameters()}
    each = []
    for _ in range(k):
        each.append(apart.step())
        for name, p in apart.network.named_parameters():
            sums[name] += p.grad / k
    assert loss == pytest.approx(sum(each) / k, rel=1e-6)
    for name, p in together.network.named_parameters():
        torch.testing.assert_close(p.grad, sums[name], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("accumulate", [1, 3])
def test_gradients_are_clipped(accumulate):
    free, clipped = (
        fitting(clip=clip, accumulate=accumulate, steps=1, lr=1e-30) for clip in (1e9, 1e-3)
    )
    free.step()
    clipped.step()
    norms = [
        torch.stack([p.grad.norm() for p in fit.network.parameters()]).norm().item()
        for fit in (free, clipped)
    ]
    assert norms[0] > 0.01
    assert norms[1] == pytest.approx(1e-3, rel=1e-2)
    for p, q in zip(free.network.parameters(), clipped.network.parameters(), strict=True):
        torch.testing.assert_close(q.grad, p.grad * norms[1] / norms[0], rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize(
    ("warmup", "expected"),
    [
        (0.25, [1 / 3, 2 / 3, 1, *(0.5 + 0.5 * math.cos(math.pi * s / 6) for s in range(1, 6)), 0]),
        (0.0, [0.5 + 0.5 * math.cos(math.pi * s / 8) for s in range(9)]),
        (1.0, [(s + 1) / 9 for s in range(8)]),
    ],
)
def test_learning_rate_rises_and_falls(warmup, expected):
    fit = fitting(steps=8, lr=0.02, warmup=warmup)
    rates = []
    while not fit.done:
        rates.append(fit.optimizer.param_groups[0]["lr"])
        fit.step()
    rates.append(fit.optimizer.param_groups[0]["lr"])
    assert rates[: len(expected)] == pytest.approx([0.02 * factor for factor in expected], abs=1e-9)


def test_a_single_step_is_taken_at_the_highest_rate_or_near():
    assert fitting(steps=1, lr=0.5).optimizer.param_groups[0]["lr"] >= 0.25


@pytest.mark.parametrize(
    ("likelihood", "prior"),
    [
        (None, COIN),
        (GaussianLikelihood(), CURVES),
        (BarDistribution(torch.linspace(-2, 2, 9)), CURVES),
        (CategoricalLikelihood(2), COIN),
    ],
)
def test_mixed_precision_loses_little(likelihood, prior):
    plain, mixed = (
        fitting(network(likelihood, d_model=16), prior, steps=6, batch_size=32, autocast=autocast)
        for autocast in (False, True)
    )
    assert losses(mixed) == pytest.approx(losses(plain), rel=0.05)
    assert all(p.dtype == torch.float32 for p in mixed.network.parameters())


def test_double_precision():
    assert losses(fitting(network(dtype=torch.float64), steps=2))[0] == pytest.approx(
        losses(fitting(network(), steps=2))[0], rel=0.3
    )


def test_fit_prior_is_the_loop_and_ends_ready_to_answer():
    of = network(dropout=0.1)
    torch.manual_seed(2)
    result = of.fit_prior(COIN, 4, n_points=6, batch_size=4)
    assert result is of
    assert not of.training
    other = network(dropout=0.1)
    torch.manual_seed(2)
    fit = fitting(other)
    assert other.training
    losses(fit)
    assert same(parameters(fit), dict(of.named_parameters()))


def test_a_prior_may_have_fewer_features_than_the_network():
    assert len(losses(fitting(network(n_features=3), steps=2))) == 2


def test_all_steps_are_taken_once():
    fit = fitting(steps=2)
    losses(fit)
    assert fit.taken == 2
    with pytest.raises(RuntimeError, match="all 2 steps are taken"):
        fit.step()


def test_a_loss_that_is_not_finite_stops_before_the_parameters_are_spoilt():
    fit = fitting(network(GaussianLikelihood(), d_model=2), CURVES, steps=9, lr=1e38)
    with pytest.raises(RuntimeError, match=r"the loss of step \d+ is .*lower lr"):
        losses(fit)
    fit = fitting(network(GaussianLikelihood(), d_model=2), CURVES)
    with torch.no_grad():
        fit.network.head[2].bias.fill_(math.inf)
    before = parameters(fit)
    with pytest.raises(RuntimeError, match=r"the loss of step 0 is"):
        fit.step()
    assert same(parameters(fit), before)


@pytest.mark.parametrize(
    ("likelihood", "prior", "words"),
    [
        (None, CURVES, "prior must have n_classes = 2, .* got None"),
        (GaussianLikelihood(), COIN, "prior must have n_classes = None, .* got 2"),
        (CategoricalLikelihood(3), COIN, "prior must have n_classes = 3, .* got 2"),
        (None, BetaBernoulliPrior(n_features=2), "at most n_features = 1 features, .* got 2"),
    ],
)
def test_a_prior_that_does_not_fit_is_refused(likelihood, prior, words):
    with pytest.raises(ValueError, match=words):
        fitting(network(likelihood), prior)


def _entropy(p: float) -> float:
    return -p * math.log(p) - (1 - p) * math.log(1 - p)
