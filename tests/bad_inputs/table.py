"""All malformed calls by the public callable that must refuse them, and what is still missing.

``tests/bad_inputs/<room>.py``, or ``<room>_<part>.py``, has ``CASES``: the dotted public name of a
callable, e.g. ``provenn.nn.PHLinear``, to its cases. A method may have cases of its own, under
``provenn.nn.PHLinear.forward``. A finished room is listed in ``COVERED``; from then on each of its
public callables needs ``ENOUGH`` cases.
"""

import importlib
import inspect
import pkgutil
from typing import Any

import tests.bad_inputs
from tests.bad_inputs.case import BadCase

ENOUGH = 8

COVERED = (
    *("provenn.nn", "provenn.data", "provenn.evidence", "provenn.testing", "provenn.papers"),
    *("provenn.report", "provenn.verify", "provenn.bayes", "provenn.control", "provenn.graph"),
    *("provenn.hyper", "provenn.linalg", "provenn.theory"),
)
"""Rooms whose public callables must all have cases."""


def all_cases() -> dict[str, list[BadCase]]:
    """Every registered case by the dotted name of the callable."""
    cases: dict[str, list[BadCase]] = {}
    for module in pkgutil.iter_modules(tests.bad_inputs.__path__):
        loaded = importlib.import_module(f"tests.bad_inputs.{module.name}")
        for name, listed in getattr(loaded, "CASES", {}).items():
            if name in cases:
                raise ValueError(f"{name} has cases in two modules")
            cases[name] = listed
    return cases


def public_callables(room: str) -> dict[str, Any]:
    """What a user of the room can call, by dotted name.

    Not among them: constants, exceptions, classes that cannot be called (protocols, abstract
    classes), and functions that take nothing.
    """
    module = importlib.import_module(room)
    found = {f"{room}.{name}": getattr(module, name) for name in sorted(module.__all__)}
    return {name: value for name, value in found.items() if _is_called(value)}


def missing() -> list[str]:
    """What the covered rooms lack, one line for each callable."""
    cases = all_cases()
    lacking = []
    for room in COVERED:
        for name in public_callables(room):
            said = {case.says for case in cases.get(name, [])}
            if len(said) < ENOUGH:
                lacking.append(f"{name} has {len(said)} different cases of {ENOUGH}")
    return lacking


def resolve(name: str) -> object:
    """The object of that dotted name."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            value: object = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            value = getattr(value, part)
        return value
    raise ModuleNotFoundError(name)


def verdict(case: BadCase) -> str:
    """What is wrong with the answer to a malformed call; empty if nothing is."""
    try:
        case.call()
    except Exception as error:
        message = str(error)
        if not isinstance(error, case.error):
            return f"raised {type(error).__name__}, not {case.error.__name__}: {message}"
        absent = [word for word in case.words if word not in message]
        return f"does not say {absent}: {message}" if absent else ""
    return "was accepted"


def _is_called(value: object) -> bool:
    if inspect.isclass(value):
        is_protocol = getattr(value, "_is_protocol", False)
        return not (issubclass(value, BaseException) or inspect.isabstract(value) or is_protocol)
    return inspect.isroutine(value) and bool(inspect.signature(value).parameters)
