"""What the documentation shows works: Python blocks run, and commands are ones that exist."""

import dataclasses
import os
import re
import shlex
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from provenn import papers
from provenn.cli import overrides
from provenn.cli.app import app
from provenn.testing import check_module

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"] + [
    page
    for page in sorted((ROOT / "docs").rglob("*.md"))
    if page.relative_to(ROOT / "docs").parts[0] not in ("_build", "generated")
]
MARKS = {
    "data.md": [pytest.mark.data],
    # Its examples run every check, so they compile; the type checker would hide the defaults.
    "testing.md": [pytest.mark.compiled],
}


def blocks(page: Path, language: str) -> list[str]:
    """The page's fenced blocks of a language."""
    fenced = rf"^```{language}\n(.*?)^```$"
    return re.findall(fenced, page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[str]:
    """Command lines of ``provenn`` in the page's blocks and in its text."""
    lines = [
        line.removeprefix("$ ")
        for block in blocks(page, "(?:sh|console)")
        for line in block.splitlines()
    ]
    inline = re.findall(r"(?<!`)`(provenn [^`]+)`(?!`)", page.read_text(encoding="utf-8"))
    return [line for line in [*lines, *inline] if line.startswith("provenn ")]


def words(line: str) -> list[str]:
    """The arguments of a command line, up to a comment or a redirection."""
    split = shlex.split(line, comments=True)[1:]
    return list(takewhile(lambda word: word not in (">", ">>", "|", "&&", ";"), split))


def unaccepted(line: str) -> str:
    """What the command does not know of a command line; empty if it knows all."""
    given, options = overrides.set_aside(words(line))
    command: Any = get_command(app)
    while isinstance(command, TyperGroup) and given and not given[0].startswith("-"):
        verb = given.pop(0)
        if verb not in command.commands:
            return f"no verb {verb!r}"
        command = command.commands[verb]
    known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help", "-h"}
    for word in given:
        option = word.partition("=")[0]
        if option.startswith("-") and option not in known:
            return f"no option {option}"
    slugs = [word for word in given if word in papers.slugs()]
    for key, _ in options:
        for slug in slugs:
            if key not in {f.name for f in dataclasses.fields(papers.load(slug).config_type)}:
                return f"no key {key!r} in the config of {slug}"
    return ""


def need_data() -> None:
    """Skip where there is no folder of data sets; under CI there must be one."""
    if os.environ.get("PROVENN_DATA"):
        return
    reason = "PROVENN_DATA names no folder of data sets"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


LINES = sorted({line for page in PAGES for line in commands(page)})


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=page.stem, marks=MARKS.get(page.name, []))
        for page in PAGES
        if blocks(page, "python") and page.name != "README.md"  # has a test of its own
    ],
)
def test_python_blocks_run(page, monkeypatch, tmp_path):
    if page.name == "data.md":
        need_data()
        monkeypatch.setenv("PROVENN_CACHE", str(tmp_path))
    if page.name == "testing.md":
        monkeypatch.setitem(check_module.__kwdefaults__, "backend", "aot_eager")
        monkeypatch.setitem(check_module.__kwdefaults__, "steps", 10)
    monkeypatch.chdir(tmp_path)  # some blocks write files
    namespace: dict[str, Any] = {}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), namespace)  # noqa: S102 - our own page


def test_commands_are_found():
    assert len(LINES) > 40


@pytest.mark.parametrize("line", LINES)
def test_command_exists(line):
    assert unaccepted(line) == ""


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("provenn rum phnn", "no verb 'rum'"),
        ("provenn data lst", "no verb 'lst'"),
        ("provenn run phnn --sed 3", "no option --sed"),
        ("provenn run phnn --config.epoch=3", "no key 'epoch' in the config of phnn"),
    ],
)
def test_what_does_not_exist_is_noticed(line, says):
    assert unaccepted(line) == says
