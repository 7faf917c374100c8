"""What pages that compare classifiers share."""

import pytest
import torch
from torch import nn

from provenn.evidence.context import TrialContext
from provenn.evidence.tasks import Task
from provenn.papers.classification import Recipe, match_scale, parameters, split_images
from provenn.papers.classification.convolutions import front_padded, grouped, plain, separable
from provenn.papers.classification.cost import flops_per_example, latency_ms
from provenn.papers.classification.training import accuracy, fit


def context(seed=0):
    task = Task(slug="some", module="none", preset="quick", config=None, seed=seed)
    return TrialContext(task, lambda event: None)


def split(seed=0, train=200):
    return split_images("digits", context(seed), train=train, test=100)


def test_split_is_the_seeds_and_stratified():
    first, again, other = split(), split(), split(1)
    assert torch.equal(first.train_x, again.train_x)
    assert not torch.equal(first.train_x, other.train_x)
    assert first.train_x.shape == (200, 1, 8, 8)
    assert first.test_x.shape == (100, 1, 8, 8)
    assert first.train_y.bincount().min() >= 19
    assert len(split(train=0).train_y) == 1797 - 100


def test_no_test_image_is_trained_on():
    parts = split(train=0)
    both = torch.cat([parts.train_x, parts.test_x]).flatten(1)
    assert len(both) == 1797
    everything = {tuple(row) for row in both.tolist()}
    train = {tuple(row) for row in parts.train_x.flatten(1).tolist()}
    test = {tuple(row) for row in parts.test_x.flatten(1).tolist()}
    assert len(everything) == len(train) + len(test)


def test_split_is_recorded():
    ctx = context()
    split_images("digits", ctx, train=100, test=100)
    assert [*ctx.data] == ["digits/all"]


def test_normalisation():
    raw, scaled = (
        split(),
        split_images("digits", context(), train=200, test=100, mean=(0.5,), std=(0.25,)),
    )
    torch.testing.assert_close(scaled.train_x, (raw.train_x - 0.5) / 0.25)


def linear():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


def test_training_learns_and_repeats():
    parts = split()
    recipe = Recipe(epochs=5, batch_size=64, lr=0.2)
    steps = []
    first, second = linear(), linear()
    losses = fit(first, parts, recipe, 0, steps.append)
    again = fit(second, parts, recipe, 0, steps.append)
    assert losses[-1] < losses[0]
    assert (losses == again).all()
    assert steps[: len(steps) // 2] == [*range(1, recipe.steps(200) + 1)]
    assert accuracy(first, parts.test_x, parts.test_y) > 60


def test_order_is_the_seeds_alone():
    """What a network draws for itself does not change the order of the images."""

    class Recorder(nn.Module):
        def __init__(self, draws):
            super().__init__()
            self.draws, self.seen, self.net = draws, [], linear()

        def forward(self, x):
            torch.rand(self.draws)
            self.seen.append(x)
            return self.net(x)

    parts, recipe = split(), Recipe(epochs=2, batch_size=64, lr=0.1)
    first, second = Recorder(1), Recorder(7)
    for recorder in (first, second):
        fit(recorder, parts, recipe, 3, lambda step: None)
    assert all(map(torch.equal, first.seen, second.seen))


def test_learning_rate_ends_at_zero():
    parts = split(train=100)
    net = linear()
    fit(net, parts, Recipe(epochs=1, batch_size=100, lr=1e-9), 0, lambda step: None)
    torch.testing.assert_close(net[1].weight, linear()[1].weight)


def test_flops_and_latency():
    net = plain(3, 8, 3, 1)
    x = torch.ones(4, 3, 10, 10)
    assert flops_per_example(net, x) == 2 * 3 * 8 * 9 * 100
    assert latency_ms(net, x, 0.001) > 0
    assert not net.training


@pytest.mark.parametrize("convolution", [plain, separable, grouped(2)])
def test_convolutions_keep_and_halve(convolution):
    x = torch.ones(1, 8, 10, 10)
    assert convolution(8, 12, 3, 1)(x).shape == (1, 12, 10, 10)
    assert convolution(8, 12, 3, 2)(x).shape == (1, 12, 5, 5)
    assert convolution(8, 12, 1, 2)(x).shape == (1, 12, 5, 5)


def test_separable_counts():
    assert parameters(separable(8, 12, 3, 1)) == 8 * 9 + 8 * 12
    assert parameters(separable(3, 12, 3, 1)) == 3 * 12 * 9
    assert parameters(grouped(2)(8, 12, 3, 1)) == 8 * 12 * 9 // 2


def test_zero_channels_in_front():
    seen = front_padded(2, nn.Identity())(torch.ones(1, 3, 4, 4))
    assert (seen[:, :2] == 0).all()
    assert (seen[:, 2:] == 1).all()
    assert isinstance(front_padded(0, nn.Identity()), nn.Identity)


@pytest.mark.parametrize("target", [400, 1_000, 20_000])
def test_match_scale(target):
    def build(scale):
        return nn.Linear(10, max(1, round(scale * 500)))

    state = torch.get_rng_state()
    scale = match_scale(build, target)
    assert torch.equal(torch.get_rng_state(), state)
    assert abs(parameters(build(scale)) - target) <= 11
