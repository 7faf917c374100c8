"""The protocol, the door through which data sets are drawn, and what holds for every prior."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from provenn.bayes.pfn.priors import GaussianProcessPrior, Prior, StrokesPrior, check_prior, draw

from .catalogue import PRIORS

everywhere = pytest.mark.parametrize("name", PRIORS)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Own:
    """A prior as a user may write it, wrong in the way that a test asks for."""

    n_features = 2
    n_classes = 3

    def __init__(self, x=None, y=None):
        self.x, self.y = x, y

    def sample(self, batch, n, *, generator=None, device=None, dtype=torch.float32):
        x = torch.randn(batch, n, 2, generator=generator, device=device, dtype=dtype)
        y = torch.randint(3, (batch, n), generator=generator, device=device).to(dtype)
        return x if self.x is None else self.x, y if self.y is None else self.y

    def __repr__(self):
        return "Own()"


@everywhere
@settings(max_examples=15)
@given(st.integers(1, 17), st.integers(1, 9), st.sampled_from([torch.float32, torch.float64]))
def test_every_prior_returns_what_it_says(name, batch, n, dtype):
    prior = PRIORS[name]
    x, y = draw(prior, batch, n, dtype=dtype)
    assert x.shape == (batch, n, prior.n_features)
    assert y.shape == (batch, n)
    assert x.dtype == y.dtype == dtype
    assert not x.requires_grad


@everywhere
def test_one_point_of_one_data_set(name):
    x, y = draw(PRIORS[name], 1, 1)
    assert x.isfinite().all()
    assert y.isfinite().all()


@everywhere
def test_every_prior_is_a_prior(name):
    assert isinstance(PRIORS[name], Prior)


@everywhere
def test_the_generator_alone_decides(name):
    torch.manual_seed(0)
    first = draw(PRIORS[name], 5, 6, generator=seeded(3))
    state = torch.get_rng_state()
    torch.manual_seed(1)
    second = draw(PRIORS[name], 5, 6, generator=seeded(3))
    torch.manual_seed(0)
    assert torch.equal(state, torch.get_rng_state())
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one, other)


@everywhere
def test_another_seed_is_another_sample(name):
    first, _ = draw(PRIORS[name], 5, 6, generator=seeded(3))
    second, _ = draw(PRIORS[name], 5, 6, generator=seeded(4))
    assert not torch.equal(first, second)


@everywhere
def test_the_global_seed_decides_without_a_generator(name):
    samples = []
    for _ in range(2):
        torch.manual_seed(7)
        samples.append(draw(PRIORS[name], 3, 4))
    for one, other in zip(*samples, strict=True):
        assert torch.equal(one, other)


@everywhere
def test_data_sets_of_a_batch_differ(name):
    x, _ = draw(PRIORS[name], 8, 5, generator=seeded())
    flat = x.flatten(1)
    assert len(flat.unique(dim=0)) == 8


@everywhere
def test_first_and_last_points_have_one_law(name):
    """Exchangeable points: a statistic of points (0, 1) has the law of that of points (5, 3).

    The statistic joins inputs and targets of both points; data sets are independent.
    """
    prior = PRIORS[name]
    x, y = draw(prior, 2400, 6, generator=seeded(11), dtype=torch.float64)
    x, y = x[::8], y[::8]  # an architecture may be shared by eight data sets
    direction = torch.randn(prior.n_features, generator=seeded(5), dtype=torch.float64)

    def statistic(sets, i, j):
        along = (x[sets] * direction).sum(-1)
        noise = 1e-3 * torch.randn(len(along), generator=seeded(6), dtype=torch.float64)
        return (along[:, i] * (1 + y[sets, i]) - y[sets, j] * along[:, j] + noise).numpy()

    half = len(x) // 2
    first = statistic(slice(half), 0, 1)
    last = statistic(slice(half, None), 5, 3)
    assert stats.ks_2samp(first, last).pvalue > 1e-3


def test_a_prior_of_the_users_own():
    assert isinstance(Own(), Prior)
    x, y = draw(Own(), 3, 4)
    assert x.shape == (3, 4, 2)
    assert y.max() <= 2


@pytest.mark.parametrize(
    ("prior", "error", "message"),
    [
        (Own(x=torch.zeros(3, 4)), ValueError, r"x of .* must have shape \(3, 4, 2\) on cpu, got"),
        (Own(x="x"), TypeError, r"x of Own\(\) must be a tensor of torch.float32, got 'x'"),
        (Own(x=torch.zeros(3, 4, 2).double()), TypeError, "x of .* got shape .* torch.float64"),
        (Own(y=torch.zeros(3, 4, 1)), ValueError, r"y of Own\(\) must have shape \(3, 4\)"),
        (Own(y=torch.zeros(3, 4).long()), TypeError, "y of .* torch.int64"),
        (Own(x=torch.full((3, 4, 2), float("nan"))), ValueError, "x of .* must be finite"),
        (Own(y=torch.full((3, 4), 3.0)), ValueError, "labels from 0 to n_classes - 1 = 2, got 3"),
        (Own(y=torch.full((3, 4), -1.0)), ValueError, "labels from 0 .* got -1"),
        (Own(y=torch.full((3, 4), 0.5)), ValueError, "labels from 0 .* got 0.5"),
    ],
)
def test_what_a_prior_returns_is_checked(prior, error, message):
    with pytest.raises(error, match=message):
        draw(prior, 3, 4)


def test_a_prior_must_return_a_pair():
    prior = Own()
    prior.sample = lambda batch, n, **options: torch.zeros(batch, n)
    with pytest.raises(
        TypeError, match=r"sample of Own\(\) must return a pair \(x, y\), got shape"
    ):
        draw(prior, 3, 4)


@pytest.mark.parametrize(
    ("part", "value", "error", "message"),
    [
        ("n_features", 0, ValueError, "n_features of prior must be at least 1, got 0"),
        ("n_features", "2", TypeError, "n_features of prior must be an int, got '2'"),
        ("n_classes", 1, ValueError, "n_classes of prior must be at least 2, got 1"),
        ("n_classes", 2.0, TypeError, "n_classes of prior must be an int, got 2.0"),
    ],
)
def test_attributes_of_a_prior_are_checked(part, value, error, message):
    prior = Own()
    setattr(prior, part, value)
    with pytest.raises(error, match=message):
        check_prior(prior)


def test_what_is_no_prior_is_named():
    with pytest.raises(TypeError, match=r"prior must have n_features, .* got object without n_"):
        check_prior(object())


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        ({"batch": 0}, ValueError, "batch must be at least 1, got 0"),
        ({"batch": True}, TypeError, "batch"),
        ({"n": -1}, ValueError, "n must be at least 1, got -1"),
        ({"n": 2.0}, TypeError, "n"),
        ({"generator": 0}, TypeError, "generator"),
        ({"dtype": torch.float16}, TypeError, "dtype must be torch.float32 or torch.float64"),
        ({"dtype": torch.int64}, TypeError, "dtype must be torch.float32 or torch.float64"),
        (
            {"device": "meta", "generator": torch.Generator()},
            ValueError,
            "generator must belong to the device meta .* got one of cpu",
        ),
    ],
)
@everywhere
def test_the_request_is_checked_by_every_prior(name, request_, error, message):
    arguments = {"batch": 2, "n": 3} | request_
    with pytest.raises(error, match=message):
        PRIORS[name].sample(**arguments)


def test_the_default_device_is_the_generators():
    x, _ = draw(GaussianProcessPrior(), 2, 3, generator=seeded())
    assert x.device.type == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@everywhere
def test_every_prior_draws_on_a_gpu(name):
    generator = torch.Generator("cuda").manual_seed(0)
    x, y = draw(PRIORS[name], 4, 6, generator=generator)
    assert x.is_cuda
    assert y.is_cuda
    x, _ = draw(PRIORS[name], 4, 6, device="cuda")
    assert x.is_cuda


def test_strokes_with_a_support_need_it_whole():
    with pytest.raises(ValueError, match="n must be at least n_classes \\* shots = 25"):
        StrokesPrior().sample(2, 24)
