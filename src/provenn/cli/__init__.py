"""The ``provenn`` command: one verb, or one family of verbs, a file."""

from provenn.cli.app import main

__all__ = ["main"]
