"""The names that the evidence uses, checked before one of them touches a path or a page."""

import difflib
import re
from collections.abc import Iterable

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_METRIC = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")


def check_id(value: str, what: str) -> str:
    """Return ``value`` if it is an identifier such as ``ph-conv``, else raise an error."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be an identifier such as 'ph-conv', got {value!r:.80}")
    if len(value) > 100 or not _ID.fullmatch(value):
        raise ValueError(
            f"{what} must be lower-case letters, digits and single hyphens, "
            f"at most 100 characters, got {value!r}"
        )
    return value


def check_metric(value: str, what: str = "metric") -> str:
    """Return ``value`` if it names a metric: ``metric`` or ``competitor.metric``."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be the name of a metric, got {value!r:.80}")
    competitor, _, metric = value.rpartition(".")
    if len(value) > 200 or not _METRIC.fullmatch(metric):
        raise ValueError(
            f"{what} must be 'metric' or 'competitor.metric' in lower-case letters, digits, "
            f"hyphens and underscores, got {value!r}"
        )
    if competitor:
        check_id(competitor, "competitor")
    return value


def nearest(value: str, accepted: Iterable[str]) -> str:
    """Name what is accepted, the nearest match first, for the end of an error message."""
    options = sorted(accepted)
    close = difflib.get_close_matches(value, options, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}accepted: {', '.join(options) or 'nothing'}"
