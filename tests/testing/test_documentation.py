"""The table of checks in the documentation is the table of checks."""

from pathlib import Path

import pytest

from provenn.testing import CHECKS

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_check_is_documented_in_its_own_words(check):
    asserts = check.asserts.replace("``", "`")
    assert f"| `{check.name}` | {asserts} | {check.column or ''} |" in PAGE.read_text()


def test_no_other_check_is_documented():
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert len(rows) == len(CHECKS)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_check_says_what_it_asserts_in_one_sentence(check):
    assert check.asserts.endswith(".")
    assert "\n" not in check.asserts
