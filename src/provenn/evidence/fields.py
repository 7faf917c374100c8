"""Checks of a record's fields, each an error that names the field, what is accepted and given."""

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any


def check_type(value: object, accepted: type[Any] | tuple[type[Any], ...], field: str) -> None:
    """Raise ``TypeError`` unless the value is of an accepted type; a ``bool`` is no number."""
    types = accepted if isinstance(accepted, tuple) else (accepted,)
    if isinstance(value, types) and not (isinstance(value, bool) and bool not in types):
        return
    names = " or ".join("None" if t is type(None) else t.__name__ for t in types)
    raise TypeError(f"{field} must be {names}, got {value!r:.80} of type {type(value).__name__}")


def check_text(*, required: bool = True, **texts: object) -> None:
    """Check that each is a string, and not empty where ``required``."""
    for field, text in texts.items():
        check_type(text, str, field)
        if required and not str(text).strip():
            raise ValueError(f"{field} must be a text that is not empty, got {text!r}")


def check_texts(values: object, field: str) -> None:
    """Check that this is a sequence of non-empty strings, and no single string."""
    check_sequence(values, str, field)
    for i, value in enumerate(values):  # type: ignore[arg-type, var-annotated]
        check_text(**{f"{field}[{i}]": value})


def check_sequence(values: object, item: type[Any], field: str) -> None:
    """Check that this is a sequence of ``item``, and no single string."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise TypeError(
            f"{field} must be a sequence of {item.__name__}, "
            f"got {values!r:.80} of type {type(values).__name__}"
        )
    for i, value in enumerate(values):
        check_type(value, item, f"{field}[{i}]")


def check_numbers(values: object, field: str) -> None:
    """Check that this maps strings to numbers, NaN and infinity among them."""
    check_type(values, Mapping, field)
    for name, value in values.items():  # type: ignore[attr-defined]
        check_type(name, str, f"each name in {field}")
        check_type(value, Real, f"{field}[{name!r}]")


def check_integer(value: object, field: str, least: int) -> None:
    """Check that this is an integer and at least ``least``."""
    check_type(value, int, field)
    if value < least:  # type: ignore[operator]
        raise ValueError(f"{field} must be at least {least}, got {value}")


def check_finite(**numbers: object) -> None:
    """Check that each is a finite number."""
    for field, number in numbers.items():
        check_type(number, Real, field)
        if not math.isfinite(number):  # type: ignore[arg-type]
            raise ValueError(f"{field} must be finite, got {number}")


def check_positive(**numbers: object) -> None:
    """Check that each is a positive and finite number."""
    for field, number in numbers.items():
        check_type(number, Real, field)
        if not (math.isfinite(number) and number > 0):  # type: ignore[arg-type, operator]
            raise ValueError(f"{field} must be positive and finite, got {number}")
