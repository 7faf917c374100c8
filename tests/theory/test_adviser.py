"""Advice, and learning rates of each layer."""

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from provenn.theory import (
    CriticalMLP,
    EffectiveTheory,
    advise,
    critical,
    equal_learning_rates,
    layer_learning_rates,
    optimal_width,
    parameter_groups,
)


def plain(activation, width=64, hidden=3):
    layers = [nn.Linear(10, width), activation]
    for _ in range(hidden - 1):
        layers += [nn.Linear(width, width), activation]
    return nn.Sequential(*layers, nn.Linear(width, 5))


def test_advice_on_a_plain_network():
    torch.manual_seed(0)
    advice = advise(plain(nn.ReLU(), hidden=4))
    assert advice.criticality == critical("relu")
    assert advice.aspect_ratio == pytest.approx(5 / 64)
    assert advice.optimal_width == optimal_width(5, 5, "relu")
    assert 0 < advice.optimal_gamma < 1
    # nn.Linear's own variances: C_W = 1/3, so that the kernel falls.
    assert float(advice.now.K[-1]) < 0.1
    assert float(advice.critical.K[-1]) == pytest.approx(2.0)
    text = str(advice)
    for word in ("scale-invariant", "critical_init_", "parameter_groups", "Too deep", "relu"):
        assert word in text


def test_advice_after_following_it():
    model = CriticalMLP(10, 300, 5, 6, activation="tanh")
    advice = advise(model)
    assert "Wide enough" in str(advice)
    assert float(advice.now.K[-1]) == pytest.approx(float(advice.critical.K[-1]), rel=0.15)
    assert advice.warnings == ()


def test_deep_networks_are_shortened_in_the_text():
    text = str(advise(plain(nn.Tanh(), hidden=30)))
    assert "..." in text
    assert len(text.splitlines()) < 25


def test_normalisation_and_odd_parts_are_warned_of():
    model = nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 8), nn.LayerNorm(8),
        nn.ReLU(), nn.Softmax(-1), nn.Linear(8, 2),
    )  # fmt: skip
    advice = advise(model)
    text = str(advice)
    assert "1, 4 normalise what" in text
    assert "Softmax" in text


def test_skips_of_unequal_layers_are_warned_of():
    advice = advise(
        nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2)),
        gamma=0.5,
    )
    assert any("different widths" in warning for warning in advice.warnings)


def test_without_critical_point_the_text_says_so():
    advice = advise(plain(nn.Softplus()))
    assert advice.critical is None
    assert advice.rates is None
    assert math.isnan(advice.optimal_aspect_ratio)
    assert "no choice of C_b, C_W" in str(advice)
    assert "0.6931" in str(advice)


def test_classes_are_told_apart():
    for module, words in ((nn.Tanh(), "fall like 0.5 / layer"), (nn.GELU(), "stay near 3.562")):
        assert words in str(advise(plain(module)))


def test_rates_by_class():
    assert layer_learning_rates("relu", 5) == ((0.2,) * 5, (0.2,) * 5)
    assert layer_learning_rates("gelu", 5) == ((0.2,) * 5, (0.2,) * 5)
    bias, weight = layer_learning_rates("sin", 4, bias=2.0, weight=3.0)
    assert bias == pytest.approx((2, 1, 2 / 3, 0.5))
    assert weight == pytest.approx((3.0,) * 4)


def test_rates_by_class_equalise_deep_layers():
    depth = 2000
    flow = EffectiveTheory("tanh").flow(1.0, depth, lr=layer_learning_rates("tanh", depth))
    late = flow.contributions[:, depth // 4 :]
    assert float(late.amax(1).div(late.amin(1)).max()) < 1.02
    uniform = EffectiveTheory("tanh").flow(1.0, depth).contributions[0, depth // 4 :]
    assert float(uniform.max() / uniform.min()) == pytest.approx(4, rel=0.02)


@pytest.mark.parametrize("name", ["tanh", "gelu", "relu"])
@pytest.mark.parametrize("gamma", [0.0, 0.5])
def test_exact_rates_equalise_all_layers(name, gamma):
    theory = EffectiveTheory(name)
    rates = equal_learning_rates(theory.flow(0.8, 9, gamma=gamma, lr=(0.7, 0.2)), bias=2, weight=3)
    found = theory.flow(0.8, 9, gamma=gamma, lr=rates)
    torch.testing.assert_close(found.contributions[0], torch.full_like(found.K, 2 / 9))
    torch.testing.assert_close(found.contributions[1], torch.full_like(found.K, 3 / 9))
    assert float(found.Theta[-1]) == pytest.approx(5)


def test_groups_train_every_parameter_once():
    model = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.Tanh(), nn.Linear(8, 2, bias=False))
    groups = parameter_groups(model, 0.1)
    assert {g["name"]: g["lr"] for g in groups} == pytest.approx(
        {"0.weight": 0.1 / 4, "0.bias": 0.1, "3.weight": 0.1 / 8, "other": 0.1}
    )
    taken = [id(p) for g in groups for p in g["params"]]
    assert sorted(taken) == sorted(id(p) for p in model.parameters())
    torch.optim.SGD(groups)


def test_given_rates_are_used():
    model = plain(nn.ReLU(), hidden=1)
    rates = equal_learning_rates(EffectiveTheory("relu").flow(1.0, 2))
    groups = parameter_groups(model, 1.0, rates=rates)
    assert groups[0]["lr"] == pytest.approx(rates.weight[0] / 10)
    with pytest.raises(ValueError, match="2 layers"):
        parameter_groups(model, 1.0, rates=layer_learning_rates("relu", 3))


def test_rates_need_contributions():
    with pytest.raises(ValueError, match="above 0 from every layer"):
        equal_learning_rates(EffectiveTheory("tanh").flow(1.0, 3, lr=(0.0, 1.0)))


def test_the_documentation_shows_the_advice_that_is_given(capsys):
    page = Path(__file__).parents[2] / "docs/methods/pdlt.md"
    parts = page.read_text(encoding="utf-8").split("```")
    at = next(i for i, part in enumerate(parts) if part.startswith("text\n"))
    exec(parts[at - 2].removeprefix("python\n"), {})  # noqa: S102 - our own page
    assert capsys.readouterr().out == parts[at].removeprefix("text\n")
