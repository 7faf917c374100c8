"""Every public module on which the conformance battery runs.

Each room's author writes ``tests/subjects/<room>.py`` with ``SUBJECTS``: the class name, or
``Class-variant`` where a class is tried in several forms, to a ``provenn.testing.Subject``. A
finished room is listed in ``COVERED``; from then on each public ``nn.Module`` of its ``__all__``
needs a subject.
"""

import importlib
import inspect
import pkgutil

from torch import nn

import tests.subjects
from provenn.testing import Subject

COVERED: tuple[str, ...] = (
    *("provenn.nn", "provenn.bayes", "provenn.control", "provenn.graph", "provenn.hyper"),
    *("provenn.linalg", "provenn.theory"),
)


def all_subjects() -> dict[str, Subject]:
    """Every registered subject by its name."""
    subjects: dict[str, Subject] = {}
    for module in pkgutil.iter_modules(tests.subjects.__path__):
        loaded = importlib.import_module(f"tests.subjects.{module.name}")
        for name, subject in getattr(loaded, "SUBJECTS", {}).items():
            if name in subjects:
                raise ValueError(f"{name} is a subject in two modules")
            subjects[name] = subject
    return subjects


def missing() -> list[str]:
    """Public modules of the covered rooms that have no subject."""
    tried = {name.partition("-")[0] for name in all_subjects()}
    lacking = []
    for room in COVERED:
        module = importlib.import_module(room)
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) and issubclass(value, nn.Module) and name not in tried:
                lacking.append(f"{room}.{name}")
    return lacking
