"""Ratios of two timings that are taken in turns, and their table.

Timed is the processor time of the process, on one thread, so that what else the machine does does
not count.
"""

import operator
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import torch
from torch.utils.benchmark import Timer


@dataclass(frozen=True)
class Row:
    """A comparison of ours with a reference.

    Args:
        what: What is compared.
        ours_ms: Median time of ours.
        reference_ms: Median time of the reference.
        ratio: Median over rounds of reference / ours, a speed-up, or of ours / reference, an
            overhead.
        target: ``(">=", 3.0)`` or ``("<=", 1.03)``; ``None`` if there is none.
    """

    what: str
    ours_ms: float
    reference_ms: float
    ratio: float
    target: tuple[str, float] | None = None

    @property
    def reached(self) -> bool:
        """Whether the ratio is on the right side of the target."""
        if self.target is None:
            return True
        sign, bound = self.target
        return {">=": operator.ge, "<=": operator.le}[sign](self.ratio, bound)


def compare(
    what: str,
    ours: Callable[[], object],
    reference: Callable[[], object],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    overhead: bool = False,
    rounds: int = 15,
    seconds: float = 0.1,
) -> Row:
    """Time two functions in turns, so that a slow spell of the machine hits both.

    Args:
        what: What is compared.
        ours: First function.
        reference: Second function.
        at_least: Target for the speed-up reference / ours.
        at_most: Target for the overhead ours / reference.
        overhead: Whether the ratio is ours / reference; so it is if ``at_most`` is given.
        rounds: Pairs of timings.
        seconds: Time spent on each timing.
    """
    timings = [
        tuple(_milliseconds(function, seconds) for function in (ours, reference))
        for _ in range(rounds)
    ]
    overhead = overhead or at_most is not None
    ratios = [a / b if overhead else b / a for a, b in timings]
    target = None
    if at_most is not None:
        target = ("<=", at_most)
    elif at_least is not None:
        target = (">=", at_least)
    return Row(
        what,
        median(a for a, _ in timings),
        median(b for _, b in timings),
        median(ratios),
        target,
    )


def show(title: str, rows: Sequence[Row]) -> str:
    """Rows as a table."""
    width = max(len(row.what) for row in rows)
    lines = [
        f"{title} (torch {torch.__version__}, {torch.get_num_threads()} thread)",
        f"{'':{width}}  {'ours':>10}  {'reference':>10}  {'ratio':>7}  target",
    ]
    for row in rows:
        target = ""
        if row.target:
            target = f"{row.target[0]} {row.target[1]:g} {'ok' if row.reached else 'MISSED'}"
        lines.append(
            f"{row.what:{width}}  {row.ours_ms:7.3f} ms  {row.reference_ms:7.3f} ms  "
            f"{row.ratio:7.2f}  {target}".rstrip()
        )
    return "\n".join(lines) + "\n"


def _milliseconds(function: Callable[[], object], seconds: float) -> float:
    timer = Timer("function()", globals={"function": function}, timer=time.process_time)
    return 1e3 * timer.blocked_autorange(min_run_time=seconds).median
