"""Bar distributions against quadrature, scipy and their own inverse, in float64."""

import math
from itertools import pairwise

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from scipy import integrate, stats
from torch import nn

from provenn.bayes.pfn.bars import HALF_NORMAL_MEDIAN, BarDistribution
from provenn.bayes.pfn.likelihoods import likelihood_from_config
from provenn.bayes.pfn.priors import BetaBernoulliPrior, GaussianProcessPrior
from provenn.nn.pretrained import PretrainedModule

REFUSED = (TypeError, ValueError)
"""Ours is one of them by kind; the shape and type checker of the tests is there first."""

BORDERS = torch.tensor([-2.0, -1.0, -0.5, 0.25, 0.5, 2.0, 4.0], dtype=torch.float64)
BOTH = pytest.mark.parametrize("full_support", [True, False])


def draw_outputs(*shape, seed=0, n_buckets=6):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, n_buckets, generator=generator, dtype=torch.float64)


def pieces(borders, outputs, full_support):
    """Weights and frozen scipy distributions of the buckets of one target."""
    b, p = borders.numpy(), outputs.softmax(-1).numpy()
    parts = [stats.uniform(left, right - left) for left, right in pairwise(b)]
    if full_support:
        scales = np.diff(b)[[0, -1]] / stats.halfnorm.median()
        parts[0] = _Mirrored(stats.halfnorm(-b[1], scales[0]))
        parts[-1] = stats.halfnorm(b[-2], scales[1])
    return p, parts


class _Mirrored:
    """The distribution of ``-x``."""

    def __init__(self, of):
        self.of = of

    def pdf(self, y):
        return self.of.pdf(-y)

    def cdf(self, y):
        return self.of.sf(-y)

    def mean(self):
        return -self.of.mean()

    def var(self):
        return self.of.var()


def density(bars, outputs):
    """Density of one target as a function of a number."""

    def q(y):
        y = torch.tensor([y], dtype=torch.float64)
        return float(bars.log_prob(outputs[None], y).exp())

    return q


def integral(function, low, high, corners):
    """Integral over [low, high] by pieces between the corners."""
    points = [low, *(c for c in corners if low < c < high), high]
    return sum(
        integrate.quad(function, a, b, epsabs=1e-12, epsrel=1e-11)[0] for a, b in pairwise(points)
    )


def support(bars):
    return (-math.inf, math.inf) if bars.full_support else (-2.0, 4.0)


@BOTH
@pytest.mark.parametrize("borders", [BORDERS, BORDERS[:3], torch.linspace(-1, 3, 12).double()])
def test_density_integrates_to_one(borders, full_support):
    bars = BarDistribution(borders, full_support)
    q = density(bars, draw_outputs(n_buckets=len(borders) - 1))
    low, high = (-math.inf, math.inf) if full_support else (float(borders[0]), float(borders[-1]))
    assert integral(q, low, high, borders.tolist()) == pytest.approx(1, abs=1e-9)


@BOTH
def test_mass_of_the_outer_buckets(full_support):
    bars, outputs = BarDistribution(BORDERS, full_support), draw_outputs()
    p = outputs.softmax(-1)
    q = density(bars, outputs)
    low, high = support(bars)
    assert integral(q, low, -1.0, []) == pytest.approx(float(p[0]), rel=1e-9)
    assert integral(q, 2.0, high, []) == pytest.approx(float(p[-1]), rel=1e-9)
    share = 0.5 if full_support else 1.0
    assert integral(q, -2.0, -1.0, []) == pytest.approx(share * float(p[0]), rel=1e-9)
    assert integral(q, 2.0, 4.0, []) == pytest.approx(share * float(p[-1]), rel=1e-9)
    assert float(bars.cdf(outputs, torch.tensor(-1.0))) == pytest.approx(float(p[0]), rel=1e-12)


@BOTH
def test_borders_belong_to_the_bucket_on_their_left(full_support):
    bars, outputs = BarDistribution(BORDERS, full_support), draw_outputs()
    log_bar = (outputs.softmax(-1) / BORDERS.diff()).log()
    at_borders = bars.log_prob(outputs.expand(7, -1), BORDERS)
    torch.testing.assert_close(at_borders[2:-1], log_bar[1:-1])
    if full_support:
        width = HALF_NORMAL_MEDIAN * math.sqrt(2 / math.pi)
        torch.testing.assert_close(at_borders[1], log_bar[0] + math.log(width))
        fall = 0.5 * HALF_NORMAL_MEDIAN**2
        torch.testing.assert_close(at_borders[0], at_borders[1] - fall)
    else:
        torch.testing.assert_close(at_borders[:2], log_bar[:1].expand(2))
        torch.testing.assert_close(at_borders[-1], log_bar[-1])


@BOTH
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_everything_against_a_scipy_mixture(full_support, seed):
    bars, outputs = BarDistribution(BORDERS, full_support), draw_outputs(seed=seed)
    p, parts = pieces(BORDERS, outputs, full_support)
    inside = torch.linspace(-1.95, 3.95, 60, dtype=torch.float64)
    y = torch.cat([inside, torch.tensor([-6.0, 9.0])]) if full_support else inside
    many = outputs.expand(len(y), -1)
    expected = sum(w * part.pdf(y.numpy()) for w, part in zip(p, parts, strict=True))
    np.testing.assert_allclose(bars.log_prob(many, y).exp().numpy(), expected, rtol=1e-11)
    expected = sum(w * part.cdf(y.numpy()) for w, part in zip(p, parts, strict=True))
    np.testing.assert_allclose(bars.cdf(many, y).numpy(), expected, rtol=1e-11)
    means = np.array([part.mean() for part in parts])
    mean = p @ means
    assert float(bars.mean(outputs)) == pytest.approx(mean, rel=1e-11)
    second = p @ (np.array([part.var() for part in parts]) + means**2)
    assert float(bars.variance(outputs)) == pytest.approx(second - mean**2, rel=1e-10)
    assert float(bars.mode(outputs)) == pytest.approx(means[p.argmax()], rel=1e-11)


@BOTH
def test_moments_are_those_of_the_density(full_support):
    bars, outputs = BarDistribution(BORDERS, full_support), draw_outputs(seed=3)
    q, (low, high), corners = density(bars, outputs), support(bars), BORDERS.tolist()
    mean = integral(lambda y: y * q(y), low, high, corners)
    assert float(bars.mean(outputs)) == pytest.approx(mean, abs=1e-8)
    variance = integral(lambda y: (y - mean) ** 2 * q(y), low, high, corners)
    assert float(bars.variance(outputs)) == pytest.approx(variance, abs=1e-8)


@BOTH
@pytest.mark.parametrize("best", [-5.0, -1.5, -1.0, 0.1, 0.5, 3.0, 6.0])
def test_expected_improvement_is_that_of_the_density(best, full_support):
    bars, outputs = BarDistribution(BORDERS, full_support), draw_outputs(seed=4)
    q, (low, high), corners = density(bars, outputs), support(bars), BORDERS.tolist()
    above = below = 0.0
    if best < high:
        above = integral(lambda y: (y - best) * q(y), max(best, low), high, corners)
    if best > low:
        below = integral(lambda y: (best - y) * q(y), low, min(best, high), corners)
    gain = float(bars.expected_improvement(outputs, best))
    loss = float(bars.expected_improvement(outputs, best, maximize=False))
    assert gain == pytest.approx(above, abs=1e-9)
    assert loss == pytest.approx(below, abs=1e-9)
    assert gain - loss == pytest.approx(float(bars.mean(outputs)) - best, abs=1e-12)


@BOTH
def test_derivative_of_the_cdf_is_the_density(full_support):
    bars = BarDistribution(BORDERS, full_support)
    y = torch.linspace(-1.9, 3.9, 40, dtype=torch.float64, requires_grad=True)
    outputs = draw_outputs(40, seed=5)
    (slope,) = torch.autograd.grad(bars.cdf(outputs, y).sum(), y)
    torch.testing.assert_close(slope, bars.log_prob(outputs, y).exp().detach())


def test_cdf_beyond_bounded_borders_is_zero_and_one():
    bars = BarDistribution(BORDERS, full_support=False)
    y = torch.tensor([-math.inf, -3.0, -2.0, 4.0, 5.0, math.inf])
    expected = torch.tensor([0.0, 0, 0, 1, 1, 1], dtype=torch.float64)
    torch.testing.assert_close(bars.cdf(draw_outputs(6), y), expected)


def test_full_support_covers_the_whole_line():
    bars, outputs = BarDistribution(BORDERS), draw_outputs(4)
    y = torch.tensor([-50.0, 60.0, -math.inf, math.inf])
    assert bars.log_prob(outputs, y)[:2].isfinite().all()
    assert bars.log_prob(outputs, y)[2:].tolist() == [-math.inf, -math.inf]
    torch.testing.assert_close(
        bars.cdf(outputs, y), torch.tensor([0.0, 1, 0, 1], dtype=torch.float64)
    )


@st.composite
def distributions(draw):
    """A bar distribution over random borders, and outputs for one target."""
    n_buckets = draw(st.integers(2, 12))
    widths = draw(st.lists(st.floats(0.05, 3), min_size=n_buckets, max_size=n_buckets))
    outputs = draw(st.lists(st.floats(-4, 4), min_size=n_buckets, max_size=n_buckets))
    start = draw(st.floats(-5, 5))
    borders = start + torch.tensor([0.0, *widths], dtype=torch.float64).cumsum(0)
    bars = BarDistribution(borders, draw(st.booleans()))
    return bars, torch.tensor(outputs, dtype=torch.float64)


@settings(max_examples=60)
@given(distributions(), st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_quantile_inverts_the_cdf(case, shares):
    bars, outputs = case
    u = torch.tensor(shares, dtype=torch.float64)
    low, high = bars.borders[0], bars.borders[-1]
    if bars.full_support:  # the first and the last bucket reach beyond the borders
        low, high = low - 2 * (high - low), high + 2 * (high - low)
    y = low + u * (high - low)
    levels = bars.cdf(outputs.expand(len(y), -1), y)
    safe = (levels > 1e-9) & (levels < 1 - 1e-9)
    back = bars.quantile(outputs, levels)
    torch.testing.assert_close(back[safe], y[safe], rtol=1e-5, atol=1e-5)


@settings(max_examples=60)
@given(distributions(), st.lists(st.floats(1e-12, 1 - 1e-12), min_size=1, max_size=20))
def test_cdf_inverts_the_quantile(case, levels):
    bars, outputs = case
    alpha = torch.tensor(levels, dtype=torch.float64)
    y = bars.quantile(outputs, alpha)
    torch.testing.assert_close(bars.cdf(outputs.expand(len(y), -1), y), alpha)


@settings(max_examples=60)
@given(distributions(), st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_quantiles_rise_with_the_level(case, levels):
    bars, outputs = case
    for dtype in (torch.float32, torch.float64):
        found = bars.quantile(outputs.to(dtype), sorted(levels))
        assert (found[1:] >= found[:-1]).all()


@settings(max_examples=40)
@given(distributions())
def test_median_halves_and_lies_within_the_support(case):
    bars, outputs = case
    median = bars.median(outputs)
    assert float(bars.cdf(outputs, median)) == pytest.approx(0.5, abs=1e-12)
    assert bars.full_support or bars.borders[0] <= median <= bars.borders[-1]


@BOTH
@pytest.mark.parametrize("n_outer", [0, 5])
def test_quantiles_within_an_outer_bucket(n_outer, full_support):
    """The level falls into the first or the last bucket, where the authors' code leaves it."""
    bars, outputs = BarDistribution(BORDERS, full_support), torch.zeros(6, dtype=torch.float64)
    outputs[n_outer] = 3.0
    p, parts = pieces(BORDERS, outputs, full_support)
    for level in (0.3, 0.5, 0.7):
        if n_outer == 0 and full_support:
            expected = -parts[0].of.isf(level / p[0])
        elif n_outer == 0:
            expected = parts[0].ppf(level / p[0])
        else:
            expected = parts[-1].isf((1 - level) / p[-1])
        assert float(bars.quantile(outputs, level)) == pytest.approx(expected, rel=1e-10)


def test_improvement_within_the_bucket_of_the_threshold():
    """``(b - f)^2 / (2 w)`` where the authors' code has ``(b - f) / 2``."""
    bars = BarDistribution(torch.tensor([0.0, 4.0, 5.0]).double(), full_support=False)
    outputs = torch.tensor([0.8, 0.2], dtype=torch.float64).log()
    expected = 0.8 * (4 - 3) ** 2 / (2 * 4) + 0.2 * (4.5 - 3)
    assert float(bars.expected_improvement(outputs, 3.0)) == pytest.approx(expected, rel=1e-12)


def test_levels_zero_and_one():
    outputs = draw_outputs(2)
    bounded = BarDistribution(BORDERS, full_support=False).quantile(outputs, [0.0, 1.0])
    torch.testing.assert_close(bounded, BORDERS[[0, -1]].expand(2, 2))
    full = BarDistribution(BORDERS).quantile(outputs, [0.0, 1.0])
    assert full.tolist() == [[-math.inf, math.inf]] * 2


def test_far_levels_keep_their_precision():
    bars = BarDistribution(BORDERS)
    outputs = torch.zeros(6, dtype=torch.float64)
    p, parts = pieces(BORDERS, outputs, True)
    for level in (1e-6, 1e-12, 1e-200):
        expected = -parts[0].of.isf(level / p[0])
        assert float(bars.quantile(outputs, level)) == pytest.approx(expected, rel=1e-9)
    assert float(bars.quantile(outputs, 1 - 1e-12)) == pytest.approx(
        parts[-1].isf(1e-12 / p[-1]), rel=1e-4
    )


def test_buckets_without_mass():
    outputs = torch.tensor([-math.inf, 0.0, -math.inf, -math.inf, 0.0, -math.inf]).double()
    for full_support in (True, False):
        bars = BarDistribution(BORDERS, full_support)
        found = bars.quantile(outputs, [0.25, 0.5, 0.75])
        torch.testing.assert_close(found, torch.tensor([-0.75, -0.5, 1.25], dtype=torch.float64))
        assert bars.log_prob(outputs, torch.tensor(0.3)) == -math.inf
        assert bars.variance(outputs).isfinite()
        assert bars.expected_improvement(outputs, 0.0).isfinite()


@BOTH
def test_samples_follow_the_cdf(full_support):
    bars, outputs = BarDistribution(BORDERS, full_support), draw_outputs(2, seed=6)
    generator = torch.Generator().manual_seed(0)
    samples = bars.sample(outputs, 20_000, generator)
    assert samples.shape == (20_000, 2)
    assert samples.dtype == torch.float64
    for row in range(2):

        def cdf(y, row=row):
            return bars.cdf(outputs[row].expand(len(y), -1), torch.from_numpy(y)).numpy()

        assert stats.kstest(samples[:, row].numpy(), cdf).pvalue > 0.01
    correlation = np.corrcoef(samples.numpy().T)[0, 1]
    assert abs(correlation) < 0.03


def test_sampling_is_governed_by_the_generator():
    bars, outputs = BarDistribution(BORDERS), draw_outputs(3, 4)
    first = bars.sample(outputs, 5, torch.Generator().manual_seed(7))
    second = bars.sample(outputs, 5, torch.Generator().manual_seed(7))
    assert torch.equal(first, second)
    torch.manual_seed(0)
    third = bars.sample(outputs, 5)
    torch.manual_seed(0)
    assert torch.equal(third, bars.sample(outputs, 5))
    assert not torch.equal(first, third)
    assert first.shape == (5, 3, 4)


def test_divergence_to_a_smooth_density_falls_with_refinement():
    """Theorem 1: bars come as close to a continuous density as one likes, KL(bars || density)."""
    target = stats.norm(0.3, 0.8)
    found = []
    for n_buckets in (4, 8, 16, 32, 64):
        borders = torch.linspace(-3, 3.6, n_buckets + 1, dtype=torch.float64)
        mass = torch.from_numpy(np.diff(target.cdf(borders.numpy())))
        outputs = mass.log()
        bars = BarDistribution(borders, full_support=False)
        q = density(bars, outputs)
        steps = borders.tolist()
        kl = sum(
            integrate.quad(lambda y, q=q: q(y) * (math.log(q(y)) - target.logpdf(y)), a, b)[0]
            for a, b in pairwise(steps)
        )
        found.append(kl)
    assert all(b < 0.4 * a for a, b in pairwise(found))
    assert found[-1] < 1e-3


def test_gradients():
    for full_support in (True, False):
        bars = BarDistribution(BORDERS, full_support)
        outputs = draw_outputs(3, seed=8).requires_grad_()
        y = torch.tensor([-1.7, 0.3, 3.1], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(bars.log_prob, (outputs, y))
        assert torch.autograd.gradcheck(bars.cdf, (outputs, y))
        for function in (
            bars.mean,
            bars.variance,
            lambda o, bars=bars: bars.quantile(o, [0.01, 0.4, 0.99]),
            lambda o, bars=bars: bars.expected_improvement(o, 0.3),
        ):
            assert torch.autograd.gradcheck(function, (outputs,))


@BOTH
def test_vmap_equals_a_batch(full_support):
    bars, outputs = BarDistribution(BORDERS, full_support), draw_outputs(3, 4)
    y = torch.linspace(-1.9, 3.9, 12, dtype=torch.float64).reshape(3, 4)
    vmap = torch.func.vmap
    mapped = vmap(bars.log_prob, in_dims=(1, 1), out_dims=1)
    torch.testing.assert_close(mapped(outputs, y), bars.log_prob(outputs, y))
    torch.testing.assert_close(vmap(bars.log_prob)(outputs, y), bars.log_prob(outputs, y))
    torch.testing.assert_close(vmap(bars.cdf)(outputs, y), bars.cdf(outputs, y))
    for function in (
        bars.mean,
        bars.variance,
        bars.mode,
        bars.median,
        lambda o: bars.quantile(o, [0.1, 0.9]),
        lambda o: bars.expected_improvement(o, 0.3),
    ):
        torch.testing.assert_close(vmap(function)(outputs), function(outputs))


def test_under_vmap_a_target_outside_bounded_borders_has_no_density():
    bars = BarDistribution(BORDERS, full_support=False)
    y = torch.tensor([9.0, math.nan, 0.0])
    found = torch.func.vmap(bars.log_prob)(draw_outputs(3), y)
    assert found[0] == -math.inf
    assert found[1].isnan()
    assert found[2].isfinite()


@pytest.mark.compiled
@BOTH
def test_compiles_without_breaks(full_support):
    bars, outputs = BarDistribution(BORDERS.float(), full_support), draw_outputs(3).float()
    y = torch.tensor([-1.7, 0.3, 3.1])
    for function in (
        lambda: bars.log_prob(outputs, y),
        lambda: bars.cdf(outputs, y),
        lambda: bars.mean(outputs),
        lambda: bars.variance(outputs),
        lambda: bars.quantile(outputs, [0.1, 0.9]),
        lambda: bars.expected_improvement(outputs, 0.3),
    ):
        compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
        torch.testing.assert_close(compiled(), function())


def test_nan_stays_nan():
    bars = BarDistribution(BORDERS)
    outputs = draw_outputs(2)
    outputs[0, 3] = math.nan
    y = torch.tensor([0.0, math.nan])
    assert bars.log_prob(outputs, y).isnan().all()
    assert bars.cdf(outputs, y).isnan().all()
    for function in (
        bars.mean,
        bars.variance,
        bars.mode,
        bars.median,
        lambda o: bars.expected_improvement(o, 0.3),
    ):
        assert function(outputs).isnan().tolist() == [True, False]
    with pytest.raises(ValueError, match="outputs must be numbers, got NaN"):
        bars.sample(outputs, 3)


def test_low_precision_is_computed_in_float32():
    bars, outputs = BarDistribution(BORDERS.float()), draw_outputs(5).to(torch.bfloat16)
    y = torch.tensor([-3.0, -0.7, 0.3, 1.0, 5.0])
    found = bars.log_prob(outputs, y)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, bars.log_prob(outputs.float(), y))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(bars.mean(outputs), bars.mean(outputs.float()))


def test_borders_stay_in_float32_when_cast_to_less():
    borders = BORDERS.float() / 3
    cast = BarDistribution(borders).to(torch.bfloat16)
    assert torch.equal(cast.borders, borders)
    assert cast.to(torch.float64).borders.dtype == torch.float64


def test_borders_from_samples_as_the_sheet_defines():
    y = torch.tensor([5.0, 1, 0, 3, 2, 4, 9]).double()
    # 6 of 7 samples in 3 groups: {0, 1}, {2, 3}, {4, 5}; the outer borders enclose all of them
    found = BarDistribution.from_samples(y, 3, full_support=False)
    assert found.borders.tolist() == [0.0, 1.5, 3.5, 9.0]
    assert not found.full_support
    assert BarDistribution.from_samples(y.reshape(7, 1), 7).borders.dtype == torch.float64


@settings(max_examples=40)
@given(st.integers(2, 20), st.integers(1, 9), st.integers(0, 19), st.integers(0, 1000))
def test_every_bucket_gets_as_many_samples(n_buckets, size, rest, seed):
    y = torch.randn(
        n_buckets * size + rest % n_buckets, generator=torch.Generator().manual_seed(seed)
    )
    borders = BarDistribution.from_samples(y.double(), n_buckets).borders
    used = y[: n_buckets * size].double()
    counts = torch.histogram(used, borders).hist
    assert counts.tolist() == [size] * n_buckets
    assert borders[0] == y.min()
    assert borders[-1] == y.max()


def test_borders_from_a_prior_have_equal_mass():
    """At no context, equal probabilities are the prior predictive."""
    prior = GaussianProcessPrior(1)
    bars = BarDistribution.from_prior(prior, 20, datasets=2500, n_points=8, seed=1)
    _, y = prior.sample(4000, 5, generator=torch.Generator().manual_seed(2))
    share = torch.histogram(y.flatten(), bars.borders).hist / y.numel()
    assert float((share - 1 / 20).abs().max()) < 0.01
    assert float((share * (share * 20).log()).sum()) < 0.01
    same = BarDistribution.from_prior(prior, 20, datasets=2500, n_points=8, seed=1)
    assert torch.equal(bars.borders, same.borders)


class _Head(PretrainedModule):
    """The least network that ends in bars."""

    def __init__(self, likelihood):
        super().__init__()
        if isinstance(likelihood, dict):
            likelihood = likelihood_from_config(likelihood)
        self.likelihood = likelihood
        self.weight = nn.Parameter(torch.empty(likelihood.n_outputs))
        self.config = {"likelihood": likelihood.config}
        nn.init.zeros_(self.weight)


@BOTH
def test_saved_and_loaded_with_a_network(tmp_path, full_support):
    head = _Head(BarDistribution(BORDERS.float(), full_support))
    head.save_pretrained(tmp_path)
    loaded = _Head.from_pretrained(tmp_path)
    assert torch.equal(loaded.likelihood.borders, BORDERS.float())
    assert loaded.likelihood.full_support is full_support
    loaded.likelihood.reset_parameters()
    assert torch.equal(loaded.likelihood.borders, BORDERS.float())


def test_on_the_meta_device_the_borders_come_with_the_state_dict():
    config = BarDistribution(BORDERS).config
    with torch.device("meta"):
        empty = likelihood_from_config(config)
    assert empty.borders.is_meta
    empty.load_state_dict({"borders": BORDERS}, assign=True)
    assert torch.equal(empty.borders, BORDERS)
    with torch.device("meta"):
        built = BarDistribution(BORDERS)
    built.to_empty(device="cpu").reset_parameters()
    assert torch.equal(built.borders, BORDERS)


@pytest.mark.parametrize(
    ("borders", "message"),
    [
        (BORDERS.flip(0), "borders must be strictly increasing, got 4.0 followed by 2.0 at index"),
        (BORDERS * math.nan, "borders must be finite"),
        (BORDERS[:4], "size mismatch"),
    ],
)
def test_damaged_borders_are_not_loaded(borders, message):
    bars = BarDistribution(BORDERS)
    with pytest.raises(RuntimeError, match=message):
        bars.load_state_dict({"borders": borders})


def test_a_mutated_argument_does_not_reach_the_borders():
    borders = BORDERS.clone()
    bars = BarDistribution(borders)
    borders.zero_()
    assert torch.equal(bars.borders, BORDERS)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([0.0, 1.0],), TypeError, "borders"),
        ((torch.arange(4),), TypeError, "borders"),
        ((torch.zeros(2, 2),), REFUSED, "borders"),
        ((torch.tensor([0.0]), False), ValueError, r"K at least 1, got \(1,\)"),
        ((torch.tensor([0.0, 1.0]),), ValueError, r"K at least 2, got \(2,\)"),
        ((torch.tensor([0.0, 1.0, 1.0]),), ValueError, "1.0 followed by 1.0 at index 1"),
        ((torch.tensor([0.0, 1.0, math.inf]),), ValueError, "must be finite"),
        ((torch.arange(3.0, device="meta"),), ValueError, "must have values"),
        ((torch.arange(3.0), 1), TypeError, "full_support"),
        ((torch.arange(3.0), True, None, torch.float16), TypeError, "dtype must be torch.float32"),
    ],
)
def test_constructor_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        BarDistribution(*arguments)


@pytest.mark.parametrize(
    ("y", "n_buckets", "error", "message"),
    [
        ([0.0, 1.0], 2, TypeError, "y"),
        (torch.arange(4), 2, TypeError, "y"),
        (torch.rand(4), 2.0, TypeError, "n_buckets"),
        (torch.rand(4), 0, ValueError, "n_buckets must be at least 1, got 0"),
        (torch.rand(4), 5, ValueError, "at least n_buckets = 5 samples, got 4"),
        (torch.rand(4).log_() * math.nan, 2, ValueError, "y must be finite"),
        (torch.tensor([0.0, 0, 0, 1]), 2, ValueError, "got 4 samples of 2 distinct values"),
        (torch.rand(9), 1, ValueError, "K at least 2"),
    ],
)
def test_from_samples_refuses(y, n_buckets, error, message):
    with pytest.raises(error, match=message):
        BarDistribution.from_samples(y, n_buckets)


def test_from_prior_refuses():
    with pytest.raises(TypeError, match="prior"):
        BarDistribution.from_prior("gp")
    with pytest.raises(ValueError, match="prior must be of regression"):
        BarDistribution.from_prior(BetaBernoulliPrior())
    with pytest.raises(ValueError, match="datasets must be at least 1, got 0"):
        BarDistribution.from_prior(GaussianProcessPrior(1), datasets=0)


BARS = BarDistribution(BORDERS.float())
BOUNDED = BarDistribution(BORDERS.float(), full_support=False)
OUTPUTS = torch.zeros(3, 6)
Y = torch.zeros(3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: BARS.log_prob(OUTPUTS.long(), Y), TypeError, "outputs"),
        (lambda: BARS.log_prob(OUTPUTS[:, :5], Y), ValueError, r"\(\*batch, 6\), got \(3, 5\)"),
        (lambda: BARS.log_prob(OUTPUTS, torch.zeros(2)), REFUSED, "y"),
        (lambda: BARS.log_prob(OUTPUTS, torch.zeros(3, 1)), REFUSED, "y"),
        (lambda: BARS.log_prob(OUTPUTS, [0.0]), TypeError, "y"),
        (lambda: BARS.log_prob(OUTPUTS, Y > 0), TypeError, "y"),
        (lambda: BARS.log_prob(OUTPUTS, Y.to("meta")), ValueError, "device of outputs cpu"),
        (lambda: BARS.mean(OUTPUTS.to("meta")), ValueError, "device of the borders cpu, got meta"),
        (lambda: BOUNDED.log_prob(OUTPUTS, Y + 4.5), ValueError, r"\[-2, 4\] .* got 4.5"),
        (lambda: BOUNDED.log_prob(OUTPUTS, Y - 2.5), ValueError, "got -2.5"),
        (lambda: BOUNDED.log_prob(OUTPUTS, Y * math.nan), ValueError, "got nan"),
        (lambda: BARS.quantile(OUTPUTS, 1.5), ValueError, r"within \[0, 1\], got 1.5"),
        (lambda: BARS.quantile(OUTPUTS, [0.5, math.nan]), ValueError, "got nan"),
        (lambda: BARS.quantile(OUTPUTS, True), TypeError, "levels must be a number"),
        (lambda: BARS.quantile(OUTPUTS, "0.5"), TypeError, "levels"),
        (lambda: BARS.quantile(OUTPUTS, [[0.5]]), REFUSED, "levels"),
        (lambda: BARS.expected_improvement(OUTPUTS, "0"), TypeError, "best"),
        (lambda: BARS.expected_improvement(OUTPUTS, torch.zeros(2)), ValueError, r"\(3,\)"),
        (lambda: BARS.expected_improvement(OUTPUTS, 0.0, 1), TypeError, "maximize"),
        (lambda: BARS.sample(OUTPUTS, 0), ValueError, "n_samples must be at least 1, got 0"),
        (lambda: BARS.sample(OUTPUTS, 2.0), TypeError, "n_samples"),
    ],
)
def test_methods_refuse(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_representation():
    assert repr(BARS) == "BarDistribution(n_buckets=6, full_support=True)"
