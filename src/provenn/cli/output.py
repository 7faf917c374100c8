"""What the verbs print: tables and text for a reader, JSON for a program."""

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]

_WIDTH_OF_A_PIPE = 160


def console() -> Any:
    """Console on stdout; without a terminal it has no colour and does not wrap at 80 columns."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE, highlight=False)


def print_json(value: Any) -> None:
    """Print ``value`` as JSON; a number that JSON does not know becomes ``null``."""
    print(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """Print a table whose cells are plain text, or text that rich has styled."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    console().print(table)


def print_heading(text: str) -> None:
    """Print a section heading."""
    from rich.text import Text

    console().print(Text(f"\n{text}", style="bold"))


def warn(text: str) -> None:
    """Print a line on stderr."""
    print(f"warning: {' '.join(text.split())}", file=sys.stderr)


def plain(value: Any) -> Any:
    """``value`` as plain data; a number that JSON does not know becomes ``None``."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, str | int | float | bool | None):
        return value
    return str(value)
