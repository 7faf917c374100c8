"""Run every ``bench_*.py`` of this folder, or those that are named, and print tables of ratios.

Each has ``rows()``, a list of :class:`benchmarks.table.Row`. The exit status is 1 if a target is
missed.
"""

import importlib
import pkgutil
import sys
from pathlib import Path

import torch

from benchmarks.table import show


def main(names: list[str]) -> int:
    torch.set_num_threads(1)
    found = sorted(
        module.name.removeprefix("bench_")
        for module in pkgutil.iter_modules([str(Path(__file__).parent)])
        if module.name.startswith("bench_")
    )
    unknown = [name for name in names if name not in found]
    if unknown:
        print(f"unknown benchmark {unknown[0]!r}; accepted: {', '.join(found)}", file=sys.stderr)
        return 2
    missed = 0
    for name in names or found:
        rows = importlib.import_module(f"benchmarks.bench_{name}").rows()
        missed += sum(not row.reached for row in rows)
        print(show(name, rows), flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
