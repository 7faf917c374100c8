"""R10: every check on every public module passes, or fails with a tested reason."""

import json
import sys
from collections import Counter

import torch

from provenn.testing import CHECKS, iter_checks
from tests.reliability.figures import Figure, Size, figure
from tests.reliability.untyped import measured
from tests.subjects.table import all_subjects, missing

SLOW = "live_tensors_constant"
"""Counted as figure R13."""


@figure("R10")
def measure(size: Size) -> Figure:
    counts = measured("tests.reliability.r10_conformance", size, timeout_s=3600)
    held = sum(counts["status"].values()) - counts["status"].get("failed", 0)
    scope = "all" if size == "full" else "those that compile nothing"
    return Figure(
        id="R10",
        says=f"{counts['checks']} checks ({scope}) x {counts['modules']} modules",
        target="at least 30 checks; 0 failed, 0 modules untried",
        measured=(
            f"{held} held, {counts['status'].get('expected failure', 0)} of them expected "
            f"failures; {len(counts['failed'])} failed {counts['failed']}, "
            f"untried {counts['missing']}"
        ),
        ok=counts["checks"] >= 30 and not counts["failed"] and not counts["missing"],
    )


def main(size: str) -> None:
    torch.set_num_threads(1)
    names = [n for n, c in CHECKS.items() if n != SLOW and (size == "full" or not c.needs_compile)]
    subjects = all_subjects()
    status: Counter[str] = Counter()
    failed = []
    for name, subject in subjects.items():
        for case in iter_checks(subject, names):
            outcome = case.outcome()
            status[outcome.status] += 1
            if outcome.status == "failed":
                failed.append(f"{name}-{outcome.check}: {outcome.reason}")
    counts = {
        "checks": len(names),
        "modules": len(subjects),
        "status": status,
        "failed": failed,
        "missing": missing(),
    }
    print(json.dumps(counts))  # noqa: T201 - the parent process reads it


if __name__ == "__main__":
    main(sys.argv[1])
