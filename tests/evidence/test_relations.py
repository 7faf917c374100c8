"""Relations: margins against their inequalities, and their form as data."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenn.evidence.relations import (
    All,
    Greater,
    Identity,
    Less,
    Near,
    Ratio,
    Slope,
    Sound,
    from_dict,
)

NUMBERS = st.floats(-1e3, 1e3, allow_nan=False)
POSITIVE = st.floats(1e-3, 1e3, allow_nan=False)
RELATIONS = [
    Greater("a", "b", 0.5),
    Greater("a", 0.5),
    Less("a", "b", -0.5),
    Ratio("a", "b", at_least=2.0),
    Ratio("a", "b", at_most=0.5),
    Ratio("a", "b", at_least=0.1, at_most=0.5),
    Near("a", "b", 0.1),
    Near("a", 1.0, 0.1),
    Identity("a", 1e-9),
    Sound("a", "b"),
    Slope("n", "cost", at_most=1.5),
    All(Greater("a", "b"), Near("a", 1.0, 0.1)),
]


def holds(relation, **scalars):
    return all(m > 0 for m in relation.margins(scalars, {}))


@given(NUMBERS, NUMBERS, NUMBERS)
def test_margins_are_positive_exactly_where_the_inequality_is(a, b, margin):
    assert holds(Greater("a", "b", margin), a=a, b=b) == (a - b - margin > 0)
    assert holds(Less("a", "b", margin), a=a, b=b) == (b - a - margin > 0)
    assert holds(Greater("a", b, margin), a=a) == (a - b - margin > 0)


@given(NUMBERS, POSITIVE, POSITIVE)
def test_ratio_and_equivalence(a, b, limit):
    assert holds(Ratio("a", "b", at_least=limit), a=a, b=b) == (a / b > limit)
    assert holds(Ratio("a", "b", at_most=limit), a=a, b=b) == (a / b < limit)
    assert holds(Near("a", "b", limit), a=a, b=b) == (abs(a - b) < limit) or math.isclose(
        abs(a - b), limit
    )


def test_the_effect_is_a_gap_to_a_peer_and_a_value_beside_a_bound():
    scalars = {"a": 3.0, "b": 5.0}
    assert Greater("a", "b", 0.5).effect(scalars, {}) == -2.0
    assert Less("a", "b", 0.5).effect(scalars, {}) == 2.0
    assert Greater("a", 1.0, 0.5).effect(scalars, {}) == 3.0
    assert Less("a", 4.0).effect(scalars, {}) == 3.0


def test_division_by_zero_is_not_a_number():
    assert math.isnan(Ratio("a", "b", at_least=1).margins({"a": 1.0, "b": 0.0}, {})[0])


@given(st.floats(-3, 3), st.floats(0.1, 10))
def test_slope_is_the_exponent(exponent, factor):
    n = np.array([1.0, 2.0, 5.0, 9.0])
    series = {"n": n, "cost": factor * n**exponent}
    assert Slope("n", "cost", at_most=9.0).effect({}, series) == pytest.approx(exponent, abs=1e-9)


@pytest.mark.parametrize("cost", [[1.0], [1.0, 0.0], [1.0, -1.0], [1.0, 2.0, 3.0]])
def test_slope_of_unusable_series_is_not_a_number(cost):
    series = {"n": np.array([1.0, 2.0]), "cost": np.array(cost)}
    assert math.isnan(Slope("n", "cost", at_most=1.0).effect({}, series))


@pytest.mark.parametrize("relation", RELATIONS, ids=str)
def test_a_relation_is_data(relation):
    plain = json.loads(json.dumps(relation.to_dict()))
    again = from_dict(plain)
    assert str(again) == str(relation)
    assert again.to_dict() == relation.to_dict()
    scalars, series = {"a": 1.0, "b": 2.0}, {"n": np.ones(2), "cost": np.ones(2)}
    assert len(relation.margins(scalars, series)) == relation.n_margins
    assert set(relation.metrics()) <= {"a", "b", "n", "cost"}


@pytest.mark.parametrize(
    ("relation", "strict"),
    [
        (Greater("a", "b"), True),
        (Greater("a", "b", 0.5), True),
        (Greater("a", "b", -0.5), False),
        (Greater("a", 0.5), False),
        (Less("a", "b"), True),
        (Less("a", "b", -1.0), False),
        (Ratio("a", "b", at_least=1.0), True),
        (Ratio("a", "b", at_most=0.5), True),
        (Ratio("a", "b", at_least=0.9), False),
        (Near("a", "b", 1.0), False),
        (Identity("a", 1.0), False),
        (Sound("a", "b"), False),
        (Slope("a", "b", at_most=1), False),
        (All(Greater("a", "b", -1), Less("a", "b")), True),
    ],
    ids=str,
)
def test_strict_means_false_at_equality(relation, strict):
    assert relation.strict == strict
    if strict:
        parts = [p for p in relation.parts if p.strict]
        assert not all(holds(p, a=1.0, b=1.0) for p in parts)


def test_what_was_not_measured_is_named():
    with pytest.raises(KeyError, match=r"did you mean 'net\.accuracy'"):
        Greater("net.acuracy", 0.5).margins({"net.accuracy": 1.0}, {})
    with pytest.raises(KeyError, match="series 'n'"):
        Slope("n", "cost", at_most=1).effect({}, {"cost": np.ones(2)})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Greater("A b", "b"), "metric must be"),
        (lambda: Greater("a", "b.c.d"), "competitor must be"),
        (lambda: Greater("a", "b", math.inf), "margin must be finite"),
        (lambda: Ratio("a", "b"), "at_least, at_most or both"),
        (lambda: Ratio("a", "b", at_least=math.nan), "at_least must be finite"),
        (lambda: Slope("a", "b"), "at_least, at_most or both"),
        (lambda: Near("a", 1.0, -0.1), "tol must be positive"),
        (lambda: Identity("a", 0.0), "tol must be positive"),
        (lambda: Sound("a", "b", rtol=math.nan), "rtol must be positive"),
        (lambda: All(), "at least one relation"),
        (lambda: from_dict({"type": "Graeter"}), "did you mean 'Greater'"),
        (lambda: from_dict({}), "unknown relation"),
        (lambda: from_dict({"type": "Near", "a": "a", "b": "b"}), "unknown field 'b' of Near"),
    ],
)
def test_bad_relations_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
