"""Running the table of checks on a module."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from provenn.testing.checks import CHECKS, Check
from provenn.testing.checks.compare import described
from provenn.testing.names import require_known
from provenn.testing.outcome import (
    CheckFailed,
    ConformanceError,
    NotApplicable,
    Outcome,
    Report,
)
from provenn.testing.subject import Inputs, Subject

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True)
class Case:
    """One check of one module, ready to run."""

    subject: Subject
    check: Check

    def run(self) -> Outcome:
        """Run the check.

        Returns:
            The outcome: ``passed``, ``expected failure`` or ``not applicable``.

        Raises:
            ConformanceError: If the check fails and was not expected to, or was and does not.
        """
        outcome = self.outcome()
        if outcome.status == "failed":
            raise ConformanceError(Report(self.subject.name, (outcome,)))
        return outcome

    def outcome(self) -> Outcome:
        """Run the check; ``failed`` also stands for an expected failure that did not happen."""
        name = self.check.name
        found = _outcome(self.subject, self.check)
        expected = self.subject.expected_failures.get(name)
        if expected is None:
            return found
        if found.status == "failed":
            return Outcome(name, "expected failure", expected, found.reason)
        contradiction = f"expected to fail ({expected}) but is {found.status}"
        return Outcome(name, "failed", f"{contradiction}{': ' * bool(found.reason)}{found.reason}")


def check_module(
    factory: Callable[..., nn.Module],
    example_inputs: Callable[[], Inputs] | Inputs,
    *,
    expected_failures: Mapping[str, str] | None = None,
    checks: Iterable[str] | None = None,
    batch_dim: int | Sequence[int | None] | None = 0,
    steps: int = 1000,
    backend: str = "inductor",
    seed: int = 0,
) -> Report:
    """Run the conformance battery on a module.

    Args:
        factory: Returns a new module on the CPU in float32. If it takes the keywords ``device`` and
            ``dtype``, they must reach the module's constructor.
        example_inputs: The arguments of ``forward``, or a function that returns them: a tuple of
            tensors on the CPU with at least two rows.
        expected_failures: Check name to the reason why the module fails it.
        checks: Names of the checks to run; all of them by default.
        batch_dim: Batch axis of every input, or one entry for each (``None``: it has none).
        steps: Training steps over which live tensors must not grow in number.
        backend: Backend of ``torch.compile``. ``inductor`` needs a C++ compiler; without one the
            checks that compile are not applicable.
        seed: Seed of construction and of every call.

    Returns:
        The outcome of every check.

    Raises:
        ConformanceError: If a check fails that was not expected to, or one that was does not; the
            message lists all of them with what the module did.
        TypeError: If an argument has the wrong type.
        ValueError: If an argument cannot be used, e.g. names an unknown check.

    Example:
        >>> import torch
        >>> from provenn.testing import check_module
        >>> report = check_module(
        ...     lambda **kwargs: torch.nn.Linear(4, 3, **kwargs),
        ...     (torch.randn(5, 4),),
        ...     checks=["float64", "vmap_rows", "channels_last"],
        ... )
        >>> print(report)
        Linear: 3 checks
          float64        passed
          vmap_rows      passed
          channels_last  not applicable: no input has four axes
    """
    subject = Subject(
        factory,
        example_inputs,
        batch_dim=batch_dim,
        expected_failures=expected_failures or {},
        steps=steps,
        backend=backend,
        seed=seed,
    )
    report = Report(subject.name, tuple(case.outcome() for case in iter_checks(subject, checks)))
    if report.having("failed"):
        raise ConformanceError(report)
    return report


def iter_checks(subject: Subject, checks: Iterable[str] | None = None) -> Iterator[Case]:
    """The checks of a module one by one, to run, choose from or spread over processes.

    Args:
        subject: The module with its example inputs.
        checks: Names of the checks; all of them by default.

    Returns:
        The cases, in the order of the table.

    Raises:
        TypeError: If ``subject`` is not a Subject or ``checks`` is a single string.
        ValueError: If ``checks`` or the subject's expected failures name an unknown check.
    """
    if not isinstance(subject, Subject):
        raise TypeError(f"subject must be a Subject, got {subject!r:.80}")
    require_known(subject.expected_failures, CHECKS, "expected_failures")
    chosen = set(CHECKS if checks is None else require_known(checks, CHECKS, "checks"))
    return (Case(subject, check) for name, check in CHECKS.items() if name in chosen)


def parametrize(
    subjects: Mapping[str, Subject],
    checks: Iterable[str] | None = None,
    *,
    marks: Callable[[Check], Sequence["pytest.MarkDecorator"]] = lambda _: (),
) -> "pytest.MarkDecorator":
    """Pytest decorator that makes one test, with an argument ``case``, of each module and check.

    An expected failure that does fail passes its test, and so does a check that is not applicable.

    Args:
        subjects: Name to module; the names begin the tests' ids.
        checks: Names of the checks; all of them by default.
        marks: Pytest marks for the tests of a check, e.g. one for those that compile.

    Returns:
        The decorator.

    Raises:
        TypeError: If ``subjects`` is not a mapping of names to subjects.
        ValueError: If an unknown check is named.

    Example:
        Each check of each module as a test of its own::

            @parametrize({"Linear": Subject(lambda: nn.Linear(4, 3), (torch.randn(5, 4),))})
            def test_conformance(case):
                case.run()
    """
    import pytest

    if not isinstance(subjects, Mapping):
        raise TypeError(f"subjects must map names to Subjects, got {subjects!r:.80}")
    for name, subject in subjects.items():
        if not isinstance(name, str) or not isinstance(subject, Subject):
            raise TypeError(f"subjects must map names to Subjects, got {name!r}: {subject!r:.80}")
    if not callable(marks):
        raise TypeError(f"marks must be a function from a check to marks, got {marks!r:.80}")
    names = None if checks is None else require_known(checks, CHECKS, "checks")
    parameters: list[Any] = [
        pytest.param(case, id=f"{name}-{case.check.name}", marks=marks(case.check))
        for name, subject in subjects.items()
        for case in iter_checks(subject, names)
    ]
    return pytest.mark.parametrize("case", parameters)


def _outcome(subject: Subject, check: Check) -> Outcome:
    """Run a check with torch's generator, gradient mode and warnings as they are by default."""
    with torch.random.fork_rng(devices=[]), torch.enable_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check.function(subject)
        except NotApplicable as reason:
            return Outcome(check.name, "not applicable", str(reason))
        except CheckFailed as failure:
            return Outcome(check.name, "failed", str(failure))
        except Exception as error:
            return Outcome(check.name, "failed", described(error))
    return Outcome(check.name, "passed")
