"""``provenn bench SLUG``: how fast the method is, measured by its benchmark in the checkout."""

import importlib
import sys

from provenn.cli.checkout import checkout
from provenn.cli.door import UsageError, unknown
from provenn.cli.pages import Slug


def bench(slug: Slug) -> int:
    """Run the benchmark of a method; benchmarks are part of a source checkout only.

    The exit code is 1 if the method misses one of its targets.
    """
    root = checkout()
    scripts = sorted((root / "benchmarks").glob("bench_*.py"))
    names = [path.stem.removeprefix("bench_") for path in scripts]
    found = {name.replace("_", "-"): name for name in names}
    if not found:
        raise UsageError(f"there is no benchmark in {root / 'benchmarks'}")
    if slug not in found:
        raise unknown(f"benchmark {slug!r}", slug, found)
    sys.path.insert(0, str(root))
    return int(importlib.import_module("benchmarks.__main__").main([found[slug]]))
