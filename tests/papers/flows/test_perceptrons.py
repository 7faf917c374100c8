"""Stacks that train side by side, against networks that train alone."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from provenn.papers.flows.perceptrons import (
    Examples,
    Recipe,
    critical_start,
    framework_start,
    train,
    unit_variance_start,
)
from provenn.papers.flows.trainability import _trainable

CPU = torch.device("cpu")
SIZES = (6, 16, 3, 4)


def examples(n=96):
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(n, 6, generator=draw)
    y = x[:, :3].argmax(1)
    third = n // 3
    parts = [x[:third], y[:third], x[third : 2 * third], y[third : 2 * third]]
    return Examples(*parts, x[2 * third :], y[2 * third :])


def alone(start, activation, data, lr, recipe, seed):
    """The same training of one network, written out."""
    layers = [(w.clone().requires_grad_(), b.clone().requires_grad_()) for w, b in start.layers]
    flat = [p for pair in layers for p in pair]
    optimizer = torch.optim.SGD(flat, lr=lr, momentum=0.9)
    order = torch.Generator().manual_seed(seed)

    def logits(x):
        z = functional.linear(x, *layers[0])
        for i, (w, b) in enumerate(layers[1:], start=1):
            read = functional.layer_norm(z, z.shape[-1:]) if start.norm else z
            branch = functional.linear(activation(read), w, b)
            z = branch + start.gamma * z if i < len(layers) - 1 else branch
        return z

    for _ in range(recipe.steps):
        index = torch.randint(len(data.train_y), (recipe.batch_size,), generator=order)
        optimizer.zero_grad()
        functional.cross_entropy(logits(data.train_x[index]), data.train_y[index]).backward()
        optimizer.step()
    with torch.no_grad():
        return float((logits(data.test_x).argmax(1) == data.test_y).float().mean())


@pytest.mark.parametrize("norm", [False, True])
def test_a_stack_trains_as_each_network_alone(norm):
    torch.manual_seed(0)
    data = examples()
    if norm:
        starts = [
            framework_start(n, SIZES, nn.init.kaiming_normal_, CPU, skip=True) for n in ("a", "b")
        ]
    else:
        starts = [
            critical_start("a", "tanh", SIZES, device=CPU),
            critical_start("b", "tanh", SIZES, gamma=0.5, device=CPU),
            framework_start("c", SIZES, None, CPU),
        ]
    recipe = Recipe(lrs=(0.05,), steps=60, batch_size=16)
    for outcome, start in zip(train(starts, "tanh", data, recipe, 3), starts, strict=True):
        expected = alone(start, torch.tanh, data, 0.05, recipe, 3)
        assert outcome.test == pytest.approx(expected, abs=0.04)
        assert outcome.test > 0.5


def test_validation_chooses_the_learning_rate():
    torch.manual_seed(0)
    start = critical_start("a", "tanh", SIZES, device=CPU)
    recipe = Recipe(lrs=(1e-6, 0.05), steps=60, batch_size=16)
    (outcome,) = train([start], "tanh", examples(), recipe, 0)
    assert outcome.lr == 0.05
    assert outcome.parameters == 6 * 16 + 16 + 2 * (16 * 16 + 16) + 16 * 3 + 3


def test_a_network_that_diverges_counts_as_guessing():
    torch.manual_seed(0)
    starts = [
        critical_start("wild", "relu", SIZES, factor=1e6, device=CPU),
        critical_start("tame", "relu", SIZES, device=CPU),
    ]
    recipe = Recipe(lrs=(10.0,), steps=20, batch_size=16)
    wild, _ = train(starts, "relu", examples(), recipe, 0)
    assert wild.test == pytest.approx(float((examples().test_y == 0).float().mean()))


def test_unit_variance_start_has_unit_variance():
    torch.manual_seed(0)
    x = examples().train_x
    start = unit_variance_start("lsuv", "tanh", SIZES, x)
    read = x
    for w, b in start.layers:
        z = functional.linear(read, w, b)
        assert float(z.std()) == pytest.approx(1, rel=1e-4)
        read = torch.tanh(z)


def test_trainable_depth_is_the_largest_that_reaches_the_accuracy():
    assert _trainable((5, 10, 20), np.array([0.9, 0.4, 0.7])) == 20
    assert _trainable((5, 10, 20), np.array([0.1, 0.4, 0.3])) == 1
