"""R11: malformed calls of every public callable are refused in words."""

import json

from tests.bad_inputs.table import COVERED, ENOUGH, all_cases, missing, public_callables, verdict
from tests.reliability.figures import Figure, Size, figure
from tests.reliability.untyped import measured


@figure("R11")
def measure(size: Size) -> Figure:
    counts = measured("tests.reliability.r11_bad_input")
    return Figure(
        id="R11",
        says=f"{counts['callables']} public callables, {counts['cases']} malformed calls",
        target=f"100 % with at least {ENOUGH} each; each names argument, given and accepted",
        measured=f"wrongly answered {counts['wrong']}, not covered {counts['missing']}",
        ok=not counts["wrong"] and not counts["missing"],
    )


def main() -> None:
    cases = all_cases()
    answers = {
        f"{name} ({case.says})": verdict(case) for name, listed in cases.items() for case in listed
    }
    counts = {
        "callables": sum(len(public_callables(room)) for room in COVERED),
        "cases": len(answers),
        "wrong": [f"{case}: {answer}" for case, answer in answers.items() if answer],
        "missing": missing(),
    }
    print(json.dumps(counts))  # noqa: T201 - the parent process reads it


if __name__ == "__main__":
    main()
