"""Names that a caller gives, held against those that there are."""

import difflib
from collections.abc import Collection, Iterable


def require_known(names: Iterable[str], known: Collection[str], argument: str) -> tuple[str, ...]:
    """Return the names as a tuple if all are known.

    Raises:
        TypeError: If ``names`` is a single string or no collection of strings.
        ValueError: If one is unknown; the message names the nearest that is known.
    """
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TypeError(f"{argument} must be a collection of check names, got {names!r}")
    given = tuple(names)
    for name in given:
        if not isinstance(name, str):
            raise TypeError(f"{argument} must hold check names, got {name!r}")
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise ValueError(
                f"{argument} names an unknown check {name!r}; {hint}accepted: {', '.join(known)}"
            )
    return given
