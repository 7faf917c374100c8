"""The README says what the code and the committed evidence say."""

import re
from pathlib import Path

import pytest

from provenn.report.readme import current, replaced

README = Path(__file__).parents[1] / "README.md"


def test_the_table_of_papers_is_current():
    text = README.read_text(encoding="utf-8")
    assert replaced(text, current()) == text, "run python -m provenn.report.readme README.md"


def test_the_examples_run():
    examples = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    for example in examples:
        exec(compile(example, str(README), "exec"), {})  # noqa: S102 - our own README


def test_a_text_without_markers_is_refused():
    with pytest.raises(ValueError, match="must have the lines"):
        replaced("no markers", "table")
