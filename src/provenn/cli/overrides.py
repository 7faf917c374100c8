"""``--config.KEY VALUE``: typed overrides of a page's ``Config``, read by tyro.

The keys differ from page to page, so these options are set aside before the verb's own are read.
"""

import contextlib
import dataclasses
import inspect
import io
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from provenn.cli.door import UsageError, unknown

if TYPE_CHECKING:
    from provenn.evidence import Page

PREFIX = "--config."

Option = tuple[str, tuple[str, ...]]
"""A key such as ``epochs`` and the words that stand behind it."""

asked: ContextVar[tuple[Option, ...]] = ContextVar("asked", default=())
"""The options of the command line that is being carried out."""


def set_aside(arguments: Sequence[str]) -> tuple[list[str], list[Option]]:
    """Part a command line into the words of the verb and its ``--config.*`` options.

    An option's values reach to the next word that begins with ``--``.

    Example:
        >>> set_aside(["run", "phnn", "--config.epochs", "3", "--seeds", "2"])
        (['run', 'phnn', '--seeds', '2'], [('epochs', ('3',))])
    """
    verb: list[str] = []
    options: list[Option] = []
    words = list(arguments)
    while words:
        word = words.pop(0)
        if not word.startswith(PREFIX):
            verb.append(word)
            continue
        key, equals, value = word.removeprefix(PREFIX).partition("=")
        values = [value] if equals else []
        while not equals and words and not words[0].startswith("--"):
            values.append(words.pop(0))
        options.append((key, tuple(values)))
    return verb, options


def read(page: "Page", preset: str, options: Sequence[Option]) -> dict[str, Any]:
    """Overrides of ``page``'s config that ``options`` ask for, checked against its types.

    Raises:
        UsageError: If a key is unknown, or a value has the wrong type or is refused by the config.
    """
    hints = get_type_hints(page.config_type)
    overrides: dict[str, Any] = {}
    for key, values in options:
        field = _field(key, hints)
        if field is None:
            accepted = [f"{PREFIX}{name}" for name in hints]
            raise unknown(f"key {PREFIX + key!r} of {page.paper.slug}", PREFIX + key, accepted)
        current = overrides.get(field, getattr(page.presets[preset], field))
        overrides[field] = _value(key, values, field, hints[field], current)
    try:
        page.config(preset, overrides)
    except (TypeError, ValueError) as error:
        raise UsageError(f"config of {page.paper.slug}: {error}") from error
    return overrides


def _field(key: str, hints: Mapping[str, Any]) -> str | None:
    """Field that ``key`` sets: ``batch-size`` and ``batch_size`` alike, ``no-x`` for a switch."""
    name = key.partition(".")[0].replace("-", "_")
    switch = name.removeprefix("no_")
    if name in hints:
        return name
    return switch if hints.get(switch) is bool else None


def _value(key: str, values: Sequence[str], field: str, hint: Any, current: Any) -> Any:
    import tyro

    one_field = dataclasses.make_dataclass(
        "Config", [(field, hint, dataclasses.field(default_factory=lambda: current))]
    )
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            parsed: Any = tyro.cli(one_field, args=[f"--{key}", *values], add_help=False)
    except SystemExit as error:
        raise UsageError(
            f"{PREFIX}{key} must be {_accepted(hint)}, got {' '.join(values) or 'nothing'!r}"
            + (" (papers go before the --config options)" if len(values) > 1 else "")
        ) from error
    return getattr(parsed, field)


def _accepted(hint: Any) -> str:
    if hint is bool:
        return "a switch without a value (--config.x or --config.no-x)"
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(str, get_args(hint)))}"
    return inspect.formatannotation(hint)
