"""Every check catches the module that is broken in its way, and passes the one that is not."""

import re

import pytest

from provenn.testing import CHECKS, ConformanceError, Subject, iter_checks, parametrize
from tests.testing.affine import Affine
from tests.testing.broken import BROKEN, FEATURES


def marks(check):
    """Checks that compile, or read messages, run without the shape checker."""
    return [pytest.mark.compiled] if check.needs_compile or check.reads_message else []


def broken_cases():
    for name, examples in BROKEN.items():
        for example in examples:
            for case in iter_checks(example.subject, [name]):
                kind = example.subject.name
                yield pytest.param(
                    case, example.words, id=f"{name}-{kind}", marks=marks(case.check)
                )


def test_every_check_has_a_broken_module():
    assert list(BROKEN) == list(CHECKS)


def test_there_are_enough_checks():
    assert len(CHECKS) >= 30


@pytest.mark.parametrize(("case", "words"), list(broken_cases()))
def test_check_fails_on_broken_module(case, words):
    outcome = case.outcome()
    assert outcome.status == "failed"
    assert re.search(words, outcome.reason), outcome.reason
    with pytest.raises(ConformanceError, match=re.escape(outcome.reason[:40])):
        case.run()


@parametrize(
    {"Affine": Subject(lambda **kwargs: Affine(4, 3, **kwargs), FEATURES, backend="aot_eager")},
    marks=marks,
)
def test_check_passes_on_sound_module(case):
    expected = "not applicable" if case.check.name == "channels_last" else "passed"
    assert case.run().status == expected
