"""Writes ``generated/cheat-sheet.md``: every component in a line, and what the battery finds of it.

The capability matrix is measured when the documentation is built, and again whenever a source file
or a subject of the battery is newer than the page.
"""

import ast
import doctest
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging

ROOT = Path(__file__).parents[2]
PAGE = Path("generated", "cheat-sheet.md")
ROOMS = (
    *("provenn.nn", "provenn.bayes", "provenn.control", "provenn.graph", "provenn.hyper"),
    *("provenn.linalg", "provenn.theory", "provenn.verify", "provenn.data", "provenn.testing"),
)

HEAD = """# Cheat sheet

One line a component: what it is for, and the smallest call. Import it from the room that heads its
table; its name leads to the whole docstring.
"""

MATRIX = """## What each module can do

Measured by the [conformance battery](../testing.md) when this page was built; compiled with the
backend `aot_eager`. A *no* has a note with its reason; *n/a* means that the question does not
arise, such as channels-last memory without images.
"""

logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, Any]:
    """Write the page before sources are read."""
    app.connect("builder-inited", _write)
    return {"version": "1", "parallel_read_safe": True}


def _write(app: Sphinx) -> None:
    page = Path(app.srcdir) / PAGE
    if _is_fresh(page):
        return
    sys.path[:0] = [str(ROOT), str(ROOT / "src")]
    logger.info("running the conformance battery for %s", PAGE)
    page.parent.mkdir(exist_ok=True)
    tables = (_components(importlib.import_module(room)) for room in ROOMS)
    page.write_text("\n".join([HEAD, *tables, MATRIX, _matrix()]), encoding="utf-8")


def _is_fresh(page: Path) -> bool:
    sources = [
        *(ROOT / "src").rglob("*.py"),
        *(ROOT / "tests/subjects").glob("*.py"),
        Path(__file__),
    ]
    return page.exists() and page.stat().st_mtime > max(s.stat().st_mtime for s in sources)


def _components(room: ModuleType) -> str:
    """Table of the room's functions, and of its classes that have an example."""
    lines = [f"## {room.__name__}", "", f"{_sentence(room)}", ""]
    lines += ["| name | for | smallest call |", "|---|---|---|"]
    for name in sorted(room.__all__, key=str.lower):
        value = getattr(room, name)
        if call := _smallest_call(name, value):
            link = f"[`{name}`](#{room.__name__}.{name})"
            lines.append(f"| {link} | {_cell(_sentence(value))} | `{_cell(call)}` |")
    return "\n".join([*lines, ""])


def _sentence(value: object) -> str:
    """First sentence of a docstring, in Markdown."""
    paragraph = " ".join((inspect.getdoc(value) or "").partition("\n\n")[0].split())
    without_roles = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", paragraph)
    return without_roles.replace("``", "`").partition(";")[0].rstrip(".:") + "."


def _smallest_call(name: str, value: object) -> str:
    """First call in the docstring's examples, else that of a function with its required arguments.

    Empty for a class without an example, which is a record that functions return.
    """
    for example in doctest.DocTestParser().get_examples(inspect.getdoc(value) or ""):
        for node in ast.walk(ast.parse(example.source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == name:
                return ast.unparse(node)
    if not inspect.isroutine(value):
        return ""
    parameters = inspect.signature(value).parameters.values()
    return f"{name}({', '.join(p.name for p in parameters if p.default is p.empty)})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _matrix() -> str:
    from provenn.testing import Report, capability_matrix

    reports = {name: Report(name, tuple(outcomes)) for name, outcomes in _outcomes()}
    return f":::{{container}} capabilities\n\n{capability_matrix(reports)}\n:::\n"


def _outcomes() -> Iterator[tuple[str, list[Any]]]:
    """Outcomes of the checks that have a column, for one form of every class of the rooms."""
    import torch
    from tests.subjects.table import all_subjects

    from provenn.testing import CHECKS, iter_checks

    torch.set_num_threads(1)
    own = {name for room in ROOMS for name in importlib.import_module(room).__all__}
    checks = [name for name, check in CHECKS.items() if check.column is not None]
    for name, subject in all_subjects().items():
        if name in own:
            compiled_quickly = replace(subject, backend="aot_eager")
            yield name, [case.outcome() for case in iter_checks(compiled_quickly, checks)]
