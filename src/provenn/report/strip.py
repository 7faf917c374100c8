"""A claim's margins as a strip: one dot a seed, the mean with its bounds, and where zero is."""

import math
from dataclasses import dataclass

from provenn.evidence.verdicts import Part

WIDTH = 240.0
_EDGE = 8.0


@dataclass(frozen=True, kw_only=True)
class Strip:
    """Horizontal positions in a drawing that is :data:`WIDTH` wide.

    Attributes:
        zero: Where the margin is zero: the claim is true to its right.
        mean: Mean margin; ``None`` where a seed that crashed makes it infinite.
        low: Lower bound; the left edge where the bound is infinite.
        high: Upper bound; the right edge where the bound is infinite.
        open_low: Whether the lower bound is infinite.
        open_high: Whether the upper bound is infinite.
        seeds: One for each seed with a finite margin.
        lost: Seeds that crashed or diverged.
    """

    zero: float
    mean: float | None
    low: float
    high: float
    open_low: bool
    open_high: bool
    seeds: tuple[float, ...]
    lost: int


def strip(part: Part) -> Strip | None:
    """The strip of ``part``, or nothing where no seed has a finite margin."""
    margins = [m for m in part.margins if math.isfinite(m)]
    if not margins:
        return None
    low, high = part.margin.low, part.margin.high
    shown = [0.0, *margins, *(b for b in (low, high) if math.isfinite(b))]
    left, right = min(shown), max(shown)
    scale = (WIDTH - 2 * _EDGE) / ((right - left) or 1.0)

    def place(value: float) -> float:
        return round(_EDGE + (value - left) * scale, 2)

    return Strip(
        zero=place(0.0),
        mean=place(part.margin.mean) if math.isfinite(part.margin.mean) else None,
        low=place(low) if math.isfinite(low) else 1.0,
        high=place(high) if math.isfinite(high) else WIDTH - 1.0,
        open_low=not math.isfinite(low),
        open_high=not math.isfinite(high),
        seeds=tuple(place(m) for m in margins),
        lost=len(part.margins) - len(margins),
    )
