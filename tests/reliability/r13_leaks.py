"""R13: live tensors do not grow in number over training steps of any public module."""

from dataclasses import replace

from provenn.testing import iter_checks
from tests.reliability.figures import Figure, Size, figure
from tests.subjects.table import all_subjects

STEPS: dict[Size, int] = {"default": 200, "full": 1000}


@figure("R13")
def measure(size: Size) -> Figure:
    steps, subjects = STEPS[size], all_subjects()
    grown = []
    for name, subject in subjects.items():
        steady = replace(subject, steps=max(steps, subject.steps))
        for case in iter_checks(steady, ["live_tensors_constant"]):
            outcome = case.outcome()
            if outcome.status != "passed":
                grown.append(f"{name}: {outcome.reason}")
    return Figure(
        id="R13",
        says=f"{steps} forward and backward steps of {len(subjects)} modules",
        target="0 more live tensors",
        measured=f"grown {grown}",
        ok=not grown,
    )
