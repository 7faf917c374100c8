"""A malformed call and the error that must answer it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class BadCase:
    """A call that must be refused.

    Args:
        says: What is wrong with it, different from the other cases of the same callable.
        call: Makes the call.
        error: Type of the error.
        words: What the message must contain: the argument's name, what was given and what is
            accepted.
    """

    says: str
    call: Callable[[], object]
    error: type[Exception]
    words: tuple[str, str, str]

    def __post_init__(self) -> None:
        if len(self.words) != 3 or not all(self.words):
            raise ValueError(f"words must be argument, given and accepted, got {self.words}")
