import pytest

from provenn.cli.door import UsageError
from provenn.cli.overrides import read, set_aside
from tests.cli import tiny_page


@pytest.fixture(scope="module")
def page():
    from provenn.evidence import Page

    return Page.from_module(tiny_page)


def read_words(page, *words):
    verb, options = set_aside(words)
    assert verb == []
    return read(page, "quick", options)


@pytest.mark.parametrize(
    ("words", "overrides"),
    [
        ((), {}),
        (("--config.bonus", "3"), {"bonus": 3.0}),
        (("--config.bonus=3.5",), {"bonus": 3.5}),
        (("--config.crash-at", "-1"), {"crash_at": -1}),
        (("--config.crash_at", "2", "--config.bonus", "0"), {"crash_at": 2, "bonus": 0.0}),
        (("--config.widths", "1", "2", "3"), {"widths": (1, 2, 3)}),
        (("--config.mode", "fancy"), {"mode": "fancy"}),
        (("--config.noisy",), {"noisy": True}),
        (("--config.no-noisy",), {"noisy": False}),
    ],
)
def test_values_have_the_type_of_the_field(page, words, overrides):
    assert read_words(page, *words) == overrides


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--config.bonsu", "3"),
            r"unknown key '--config.bonsu' of tiny; did you mean '--config.b",
        ),
        (("--config.bonus", "much"), r"--config.bonus must be float, got 'much'"),
        (("--config.crash_at", "1.5"), r"--config.crash_at must be int, got '1.5'"),
        (("--config.bonus",), r"--config.bonus must be float, got 'nothing'"),
        (
            ("--config.bonus", "3", "tiny"),
            r"got '3 tiny' \(papers go before the --config options\)",
        ),
        (("--config.mode", "fany"), r"--config.mode must be one of plain, fancy, got 'fany'"),
        (("--config.noisy", "maybe"), r"--config.noisy must be a switch without a value"),
        (("--config.no-bonus",), r"unknown key '--config.no-bonus'"),
        (("--config.sleep_s", "-2"), r"config of tiny: sleep_s must not be negative, got -2.0"),
        (("--config.", "3"), r"unknown key '--config.'"),
        (("--config.help",), r"unknown key '--config.help'"),
    ],
)
def test_what_is_not_accepted_is_named(page, words, said):
    with pytest.raises(UsageError, match=said):
        read_words(page, *words)


def test_the_words_of_the_verb_keep_their_order():
    words = ["run", "a", "--config.x", "1", "2", "--seeds", "3", "--config.y=4", "b"]
    assert set_aside(words) == (
        ["run", "a", "--seeds", "3", "b"],
        [("x", ("1", "2")), ("y", ("4",))],
    )
