"""What a check can end in, and the report over all checks of one module."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

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
    """

    name: str
    outcomes: tuple[Outcome, ...]

    def __getitem__(self, check: str) -> Outcome:
        """Outcome of the check of that name."""
        for outcome in self.outcomes:
            if outcome.check == check:
                return outcome
        raise KeyError(f"check {check!r} did not run on {self.name}")

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    def having(self, status: Status) -> tuple[Outcome, ...]:
        """The outcomes of that status."""
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
