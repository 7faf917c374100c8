"""The capability matrix: what each module can do, as a table for the documentation."""

from collections.abc import Mapping, Sequence

from provenn.testing.checks import CHECKS
from provenn.testing.names import require_known
from provenn.testing.outcome import Outcome, Report

COLUMNS = tuple(dict.fromkeys(c.column for c in CHECKS.values() if c.column is not None))
"""Columns of the matrix, in the order of the table of checks."""


def capability_matrix(reports: Mapping[str, Report]) -> str:
    """Markdown table of modules against capabilities, with a note for each that is missing.

    A cell says ``yes`` where every check of that column passed, ``no`` with the number of a note
    where one failed as expected, ``n/a`` where none applies to the module and nothing where none
    ran.

    Args:
        reports: Name of a row to the report of its module.

    Returns:
        The table, and below it the notes.

    Raises:
        TypeError: If ``reports`` is not a mapping of names to reports.
        ValueError: If a report has the outcome of an unknown check, or ``reports`` is empty.
    """
    _check_reports(reports)
    notes: list[str] = []
    lines = [_row("module", COLUMNS), _row("---", ["---"] * len(COLUMNS))]
    for name, report in reports.items():
        lines.append(_row(f"`{name}`", [_cell(name, report, column, notes) for column in COLUMNS]))
    numbered = [f"{i}. {note}" for i, note in enumerate(notes, start=1)]
    return "\n".join([*lines, *([""] if numbered else []), *numbered, ""])


def _row(name: str, cells: Sequence[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


def _cell(name: str, report: Report, column: str, notes: list[str]) -> str:
    outcomes = [o for o in report if CHECKS[o.check].column == column]
    missing = [o for o in outcomes if o.status in ("failed", "expected failure")]
    if missing:
        numbers = [_note(name, outcome, notes) for outcome in missing]
        return f"no ({', '.join(numbers)})"
    if any(o.status == "passed" for o in outcomes):
        return "yes"
    return "n/a" if outcomes else ""


def _note(name: str, outcome: Outcome, notes: list[str]) -> str:
    reason = " ".join(outcome.reason.split()).replace("|", "\\|")
    notes.append(f"`{name}`, `{outcome.check}`: {reason}")
    return str(len(notes))


def _check_reports(reports: object) -> None:
    if not isinstance(reports, Mapping):
        raise TypeError(f"reports must map names to Reports, got {reports!r:.80}")
    if not reports:
        raise ValueError("reports must map at least one name to a Report, got {}")
    for name, report in reports.items():
        if not isinstance(name, str) or not isinstance(report, Report):
            raise TypeError(f"reports must map names to Reports, got {name!r}: {report!r:.80}")
        for outcome in report:
            require_known([outcome.check], CHECKS, f"reports[{name!r}]")
