"""``provenn new SLUG``: the files of a method that is yet to be written."""

import keyword
import os
import subprocess
import sys
from datetime import date
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from provenn.cli.checkout import checkout, rooms
from provenn.cli.door import CommandError, UsageError, unknown


def new(
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="Name of the new paper's page.")],
    room: Annotated[str, typer.Option(help="Room that will hold the method.")] = "nn",
    title: Annotated[str, typer.Option(help="Title of the paper.")] = "Title as published",
    arxiv: Annotated[str, typer.Option(help="arXiv number of the paper.")] = "0000.00000",
    directory: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="Source checkout to write into.")
    ] = None,
) -> None:
    """Write a skeleton into the source checkout: room file, page, tests, docs page, locked claims.

    The skeleton passes `provenn check SLUG` as it is.
    """
    root = checkout(directory)
    names = _names(slug, room, title, arxiv, rooms(root))
    module = names["module"]
    targets = {
        "method.py.txt": root / "src" / "provenn" / room / f"{module}.py",
        "page.py.txt": root / "src" / "provenn" / "papers" / f"{module}.py",
        "test.py.txt": root / "tests" / room / f"test_{module}.py",
        "subjects.py.txt": root / "tests" / "subjects" / f"{module}.py",
        "bad_inputs.py.txt": root / "tests" / "bad_inputs" / f"{module}.py",
        "docs.md.txt": root / "docs" / "methods" / f"{slug}.md",
    }
    for path in targets.values():
        if path.exists():
            raise UsageError(f"{path} exists already; choose another slug or remove the file")
    templates = files("provenn.cli") / "templates"
    for template, path in targets.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (templates / template).read_text(encoding="utf-8")
        path.write_text(Template(text).substitute(names), encoding="utf-8")
        print(path.relative_to(root))
    (root / "tests" / room / "__init__.py").touch()
    _lock(root, slug)
    print(f"\nNow `provenn check {slug}` passes. Replace the skeleton part by part, then")
    print(f"`provenn lock {slug}` before the first measurement; CONTRIBUTING.md has it all.")


def _lock(root: Path, slug: str) -> None:
    """Lock the new page's claims with the code of the checkout that it was written into."""
    search = [str(root / "src"), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(  # noqa: S603 - our own command in our own interpreter
        [sys.executable, "-m", "provenn", "lock", slug],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, search))},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CommandError(f"the files are written, but not locked: {done.stderr}")
    print(f"src/provenn/papers/claims.lock: claims of {slug}")


def _names(slug: str, room: str, title: str, arxiv: str, known_rooms: list[str]) -> dict[str, str]:
    from provenn import papers
    from provenn.evidence.claims import Paper

    try:
        Paper(
            slug=slug,
            title=title,
            authors=("Given Family",),
            arxiv=arxiv,
            year=date.today().year,
            venue="arXiv",
            summary="a skeleton",
            room=room,
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    module = slug.replace("-", "_")
    if not module.isidentifier() or keyword.iskeyword(module):
        raise UsageError(f"SLUG must begin with a letter and be no Python keyword, got {slug!r}")
    if slug in papers.slugs():
        raise UsageError(f"there is a page {slug!r} already; accepted: a new name")
    if room not in known_rooms:
        raise unknown(f"room {room!r}", room, known_rooms)
    if set(title) & set('"\\\n'):
        raise UsageError(f"--title must have no quotes, backslashes or line ends, got {title!r}")
    return {
        "slug": slug,
        "module": module,
        "name": "".join(part.capitalize() for part in slug.split("-")),
        "room": room,
        "title": title,
        "arxiv": arxiv,
        "year": str(date.today().year),
    }
