"""Every public callable refuses malformed input in words: argument, given, accepted."""

import re

import pytest

from tests.bad_inputs.case import BadCase
from tests.bad_inputs.table import all_cases, missing, resolve, verdict


def identity(name: str, case: BadCase) -> str:
    """A name of the case that is the same in every process, whatever functions it shows."""
    return f"{name}-{re.sub(' at 0x[0-9a-f]+', '', case.says).replace(' ', '_')}"


CASES = [
    pytest.param(case, id=identity(name, case))
    for name, cases in all_cases().items()
    for case in cases
]


@pytest.mark.compiled  # without the shape checker, which would answer in the package's place
@pytest.mark.parametrize("case", CASES)
def test_malformed_call_is_refused_in_words(case):
    problem = verdict(case)
    assert not problem, f"{case.says}: {problem}"


def test_covered_rooms_lack_nothing():
    lacking = missing()
    assert not lacking, "\n".join(lacking)


@pytest.mark.parametrize("name", all_cases())
def test_cases_belong_to_something_public(name):
    assert callable(resolve(name))


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda: None, "was accepted"),
        (lambda: int("x"), "does not say"),
        (lambda: {}["x"], "raised KeyError, not ValueError"),
    ],
)
def test_verdict_notices(call, problem):
    case = BadCase("wrong", call, ValueError, ("invalid", "'x'", "a whole number"))
    assert problem in verdict(case)


def test_verdict_is_empty_for_a_good_refusal():
    case = BadCase("wrong", lambda: int("x"), ValueError, ("int()", "'x'", "base 10"))
    assert verdict(case) == ""
