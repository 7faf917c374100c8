# ruff: noqa: T201 - printing is what this script is for
"""Measure the reliability figures at their full sizes: ``python -m tests.reliability [R3 ...]``."""

import argparse
import sys
import time
import traceback

from tests.reliability.figures import Figure, Measure, Size, registered


def main() -> int:
    """Print one line a figure; the exit code is 1 where one misses its target."""
    figures = registered()
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID", help=f"any of {', '.join(figures)}")
    parser.add_argument("--size", choices=("default", "full"), default="full")
    arguments = parser.parse_args()
    for id in arguments.ids:
        if id not in figures:
            parser.error(f"unknown figure {id!r}; accepted: {', '.join(figures)}")
    print("id | figure | target | measured | ok")
    print("---|---|---|---|---")
    measured = [
        _measured(id, measure, arguments.size)
        for id, measure in figures.items()
        if not arguments.ids or id in arguments.ids
    ]
    return 0 if all(figure.ok for figure in measured) else 1


def _measured(id: str, measure: Measure, size: Size) -> Figure:
    start = time.perf_counter()
    try:
        figure = measure(size)
    except Exception as error:  # the other figures are still measured
        traceback.print_exc(file=sys.stderr)
        figure = Figure(id=id, says="", target="", measured=f"crashed: {error!r}", ok=False)
    cells = (figure.id, figure.says, figure.target, figure.measured, "yes" if figure.ok else "NO")
    print(" | ".join(cells), f"({time.perf_counter() - start:.0f} s)", flush=True)
    return figure


if __name__ == "__main__":
    sys.exit(main())
