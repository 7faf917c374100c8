"""The reliability figures: one function measures each, at a default and at a full size.

A figure lives in a module ``tests/reliability/r<number>_<name>.py``::

    @figure("R3")
    def measure(size: Size) -> Figure:
        ...

``test_figures.py`` holds every registered figure to its target at the default size;
``python -m tests.reliability`` measures the full sizes and prints them as a table.
"""

import importlib
import pkgutil
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tests.reliability

Size = Literal["default", "full"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What was measured, and whether it reaches its target.

    Args:
        id: Number of the figure, e.g. ``R3``.
        says: What is measured, with the sizes of this run.
        target: What must be reached, e.g. ``0 lost``.
        measured: What was reached.
        ok: Whether that is the target.
    """

    id: str
    says: str
    target: str
    measured: str
    ok: bool


Measure = Callable[[Size], Figure]

FIGURES: dict[str, Measure] = {}


def figure(id: str) -> Callable[[Measure], Measure]:
    """Register the decorated function as the one that measures figure ``id``."""
    if not re.fullmatch(r"R\d+", id):
        raise ValueError(f"id must look like R3, got {id!r}")

    def register(measure: Measure) -> Measure:
        if id in FIGURES:
            raise ValueError(f"{id} is measured by two functions")
        FIGURES[id] = measure
        return measure

    return register


def registered() -> dict[str, Measure]:
    """Every figure by its id, in the order of their numbers, its module imported."""
    for module in pkgutil.iter_modules(tests.reliability.__path__):
        if re.match(r"r\d+_", module.name):
            importlib.import_module(f"tests.reliability.{module.name}")
    return {id: FIGURES[id] for id in sorted(FIGURES, key=lambda id: int(id[1:]))}


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A temporary directory for many small files: in memory, where the system has a place there."""
    memory = Path("/dev/shm")  # noqa: S108 - only as the parent of a directory of our own
    return tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
