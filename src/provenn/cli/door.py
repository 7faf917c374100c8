"""The door of the command: whatever goes wrong leaves as one line on stderr and an exit code."""

import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

FAILED = 1
"""A trial failed, a check found a problem, or the command itself broke."""
USAGE = 2
"""The command line cannot be carried out as it was written."""
INTERRUPTED = 130
"""The reader pressed Ctrl-C."""


class CommandError(Exception):
    """What the reader is told in one line before the command ends with ``code``."""

    code = FAILED


class UsageError(CommandError):
    """Something on the command line is unknown, of the wrong type or out of range."""

    code = USAGE


class Verbs(TyperGroup):
    """A group of verbs that answers an unknown one with what is accepted."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb that ``args`` begins with."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            raise unknown(f"verb {args[0]!r}", args[0], self.commands)
        return super().resolve_command(ctx, args)


def unknown(what: str, given: str, accepted: Iterable[str]) -> UsageError:
    """Error for a name that is not among ``accepted``, with the nearest match."""
    from provenn.evidence.names import nearest

    return UsageError(f"unknown {what}; {nearest(given, accepted)}")


def enter(command: Callable[[], int]) -> int:
    """Run ``command`` and return the exit code; an error is told on stderr in one line."""
    try:
        return command()
    except CommandError as error:
        return _tell(str(error), error.code)
    except typer.TyperException as error:
        return _tell(_sentence(error), USAGE)
    except (KeyboardInterrupt, typer.Abort):
        return _tell("interrupted", INTERRUPTED)
    except OSError as error:
        place = f" at {error.filename}" if error.filename else ""
        return _tell(f"{error.strerror or error}{place}", FAILED)
    except Exception as error:
        from provenn.evidence.files import StoreError

        if isinstance(error, StoreError):
            return _tell(str(error), FAILED)
        return _tell(
            f"{type(error).__name__} inside provenn; the traceback is in {_log(error)}", FAILED
        )


def _tell(message: str, code: int) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return code


def _sentence(error: typer.TyperException) -> str:
    """The parser's complaint, with the options that the verb accepts where one is unknown."""
    context = getattr(error, "ctx", None)
    if context is not None and hasattr(error, "possibilities"):
        options = [o for p in context.command.params for o in p.opts if o.startswith("--")]
        name = str(getattr(error, "option_name", ""))
        return str(unknown(f"option {name!r} of '{context.command_path}'", name, options))
    message = error.format_message().rstrip(".")
    verbs = getattr(getattr(context, "command", None), "commands", None)
    return f"{message}; accepted: {', '.join(sorted(verbs))}" if verbs else message


def _log(error: BaseException) -> Path:
    handle, name = tempfile.mkstemp(prefix="provenn-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    return Path(name)
