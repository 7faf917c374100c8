"""Encodings keep a norm, conditions keep their domain."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from provenn.hyper import Condition, circle_encoding, complement_encoding
from provenn.hyper.conditions import mean_square_norm
from provenn.hyper.encodings import encode

points = st.lists(st.floats(0, 1), min_size=1, max_size=9).map(
    lambda values: torch.tensor(values, dtype=torch.float64)
)


@settings(max_examples=60)
@given(points)
def test_the_circle_has_the_norm_of_the_number_of_entries(gamma):
    assert circle_encoding(gamma).norm().item() == pytest.approx(math.sqrt(len(gamma)), abs=1e-6)


@settings(max_examples=60)
@given(points)
def test_complements_sum_to_the_number_of_entries(gamma):
    assert complement_encoding(gamma).sum().item() == pytest.approx(len(gamma), abs=1e-6)


@settings(max_examples=60)
@given(points)
def test_the_circle_can_be_read_back(gamma):
    cosines, sines = circle_encoding(gamma).chunk(2)
    torch.testing.assert_close(torch.atan2(sines, cosines) / (math.pi / 2), gamma)


def test_ends_of_the_quarter_circle():
    torch.testing.assert_close(
        circle_encoding(torch.zeros(3)), torch.tensor([1.0, 1, 1, 0, 0, 0]), atol=1e-6, rtol=0
    )
    torch.testing.assert_close(
        circle_encoding(torch.ones(3)), torch.tensor([0.0, 0, 0, 1, 1, 1]), atol=1e-6, rtol=0
    )


def test_batches_are_encoded_row_by_row():
    gamma = torch.rand(5, 3)
    for encoding in (circle_encoding, complement_encoding):
        rows = torch.stack([encoding(row) for row in gamma])
        torch.testing.assert_close(encoding(gamma), rows)


def test_transforms_are_not_asked_for_values():
    gamma = torch.rand(5, 3)
    mapped = torch.func.vmap(circle_encoding)(gamma)
    torch.testing.assert_close(mapped, circle_encoding(gamma))


@pytest.mark.parametrize(
    ("condition", "values", "unit"),
    [
        (Condition(3), [0.0, 0.25, 1.0], [0.0, 0.25, 1.0]),
        (Condition(3, lo=-6.0, hi=-2.0), [-6.0, -5.0, -2.0], [0.0, 0.25, 1.0]),
        (Condition(3, law="normal"), [0.0, 1.959964, -40.0], [0.5, 0.975, 0.0]),
        (Condition(3, law="logistic"), [0.0, math.log(3), 200.0], [0.5, 0.75, 1.0]),
    ],
)
def test_values_reach_the_unit_interval(condition, values, unit):
    torch.testing.assert_close(
        condition.to_unit(torch.tensor(values)), torch.tensor(unit), atol=1e-6, rtol=0
    )


CONDITIONS = [
    Condition(2),
    Condition(2, lo=-6.0, hi=-2.0),
    Condition(2, law="normal"),
    Condition(2, law="logistic"),
]


@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
def test_samples_follow_their_law(condition):
    generator = torch.Generator().manual_seed(0)
    drawn = condition.sample(20_000, generator=generator, dtype=torch.float64)
    assert drawn.shape == (20_000, 2)
    unit = condition.to_unit(drawn).flatten().sort().values
    uniform = torch.linspace(0, 1, len(unit), dtype=torch.float64)
    assert (unit - uniform).abs().max() < 0.01
    assert drawn.square().mean().item() == pytest.approx(condition.second_moment, rel=0.02)


def test_a_generator_repeats_samples():
    drawn = [Condition(4).sample(generator=torch.Generator().manual_seed(3)) for _ in range(2)]
    assert drawn[0].shape == (4,)
    assert torch.equal(*drawn)


@pytest.mark.parametrize("encoding", ["circle", "complement", "none"])
def test_mean_square_norm_is_that_of_samples(encoding):
    conditions = {"a": Condition(2), "b": Condition(1)}
    generator = torch.Generator().manual_seed(0)
    gamma = torch.rand(20_000, 3, generator=generator)
    measured = encode(gamma, encoding).square().sum(1).mean().item()
    assert measured == pytest.approx(mean_square_norm(encoding, conditions), rel=0.02)
