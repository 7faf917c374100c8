"""Checks of a record's fields, each an error that names the field, what is accepted and given."""

from collections.abc import Mapping
from typing import Any


def check_types(record: object, accepted: Mapping[str, type[Any] | tuple[type[Any], ...]]) -> None:
    """Raise ``TypeError`` unless each field of the record is of an accepted type."""
    for field, types in accepted.items():
        value = getattr(record, field)
        if not isinstance(value, types):
            several = types if isinstance(types, tuple) else (types,)
            names = " or ".join("None" if t is type(None) else t.__name__ for t in several)
            raise TypeError(
                f"{field} must be {names}, got {value!r:.60} of type {type(value).__name__}"
            )


def check_texts(record: object, *fields: str) -> None:
    """Raise ``TypeError`` unless each of the fields is a tuple of strings."""
    for field in fields:
        value = getattr(record, field)
        if not isinstance(value, tuple) or not all(isinstance(text, str) for text in value):
            raise TypeError(f"{field} must be a tuple of str, got {value!r:.60}")
