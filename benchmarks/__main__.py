"""Run every ``bench_*.py`` of this folder, or those that are named.

Each has ``main()``, which prints its ratios and returns 1 if one of them misses its target; that is
the exit status then.
"""

import importlib
import pkgutil
import sys
from pathlib import Path

import torch


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
    statuses = [
        int(importlib.import_module(f"benchmarks.bench_{name}").main()) for name in names or found
    ]
    return max(statuses, default=0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
