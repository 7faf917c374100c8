"""What a check can end in, and the report over all checks of one module."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

Status = Literal["passed", "failed", "expected failure", "not applicable"]


class CheckFailed(AssertionError):  # noqa: N818 - an outcome, not an error
    """The module does not do what the check asserts; the message says what it did instead."""


class NotApplicable(Exception):  # noqa: N818 - an outcome, not an error
    """The check cannot be asked of this module; the message says what it found missing."""


@dataclass(frozen=True)
class Outcome:
    """How one check of one module ended.

    Args:
        check: Name of the check.
        status: ``passed``, ``failed``, ``expected failure`` or ``not applicable``.
        reason: Why, unless it passed: what the module did, the reason given for the expected
            failure, or what the check found missing.
        detail: For an expected failure, what the module did.
    """

    check: str
    status: Status
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """How every check of one module ended.

    Args:
        name: Name of the module's class.
        outcomes: One outcome for each check that ran, in the order of the table of checks.

    Raises:
        TypeError: If an argument has the wrong type; the message names it.
        ValueError: If the name is empty or a check has two outcomes.
    """

    name: str
    outcomes: tuple[Outcome, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"name must be a string, got {self.name!r:.80}")
        if not self.name:
            raise ValueError("name must be a string that is not empty, got ''")
        if not isinstance(self.outcomes, tuple):
            raise TypeError(f"outcomes must be a tuple of Outcomes, got {self.outcomes!r:.80}")
        for outcome in self.outcomes:
            if not isinstance(outcome, Outcome):
                raise TypeError(f"outcomes must be a tuple of Outcomes, got {outcome!r:.80} in it")
        names = [outcome.check for outcome in self.outcomes]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"outcomes must have one for each check, got two for {name!r}")

    def __getitem__(self, check: str) -> Outcome:
        """Outcome of the check of that name."""
        for outcome in self.outcomes:
            if outcome.check == check:
                return outcome
        ran = ", ".join(outcome.check for outcome in self.outcomes)
        raise KeyError(f"check {check!r} did not run on {self.name}; those that ran: {ran}")

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    def having(self, status: Status) -> tuple[Outcome, ...]:
        """The outcomes of that status."""
        if status not in get_args(Status):
            accepted = ", ".join(get_args(Status))
            raise ValueError(f"status must be one of {accepted}, got {status!r}")
        return tuple(o for o in self.outcomes if o.status == status)

    def __str__(self) -> str:
        """One line for each check."""
        width = max((len(o.check) for o in self.outcomes), default=0)
        lines = (
            f"  {o.check:<{width}}  {o.status}{': ' if o.reason else ''}{o.reason}"
            for o in self.outcomes
        )
        return "\n".join((f"{self.name}: {len(self)} checks", *lines))


class ConformanceError(AssertionError):
    """A module failed checks that it was not expected to fail, or passed ones it was.

    Attributes:
        report: Every outcome, also those of the checks that passed.
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        failed = report.having("failed")
        lines = (f"  {o.check}: {o.reason}" for o in failed)
        super().__init__(
            "\n".join((f"{report.name} failed {len(failed)} of {len(report)} checks:", *lines))
        )
