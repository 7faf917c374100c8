"""Verdicts as a table for a reader and as plain data for a program."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from provenn.cli.output import print_table

if TYPE_CHECKING:
    from rich.text import Text

    from provenn.evidence import Page
    from provenn.evidence.store import Store
    from provenn.evidence.verdicts import Verdict

_MARKS = {"filled": "●", "hollow": "○", "none": " "}
_COLOURS = {"holds": "green", "fails": "red", "undecided": "yellow", "not judged": "bright_black"}
_LEGEND = "● at least 5 seeds at laptop or full   ○ a look: few seeds, quick, or uncommitted code"


def latest_verdicts(page: "Page", stores: "Sequence[Store]") -> "Sequence[Verdict]":
    """Verdict on each claim by the strongest trials that ``stores`` hold."""
    from provenn.evidence.assess import assess

    return assess(page, stores).verdicts


def judge_run(
    page: "Page", preset: str, store: "Store", overrides: Mapping[str, Any]
) -> "list[Verdict]":
    """Verdict on each claim by the trials of one config that the present code has measured."""
    from provenn.evidence.fingerprint import fingerprint
    from provenn.evidence.page import config_hash
    from provenn.evidence.store import without_gap
    from provenn.evidence.verdicts import judge

    hashed, current = config_hash(page.config(preset, overrides)), fingerprint(page)
    stored = store.trials(page.paper.slug, preset, hashed, fingerprint=current)
    ours = without_gap(t for t in stored if t.record.provenance.fingerprint == current)
    return [judge(c, ours if preset in c.presets else ()) for c in page.claims]


def print_verdicts(verdicts: "Sequence[Verdict]", title: str = "") -> None:
    """Print a row for each verdict: paper's figure, ours, seeds, verdict and its reason."""
    print_table(
        ("claim", "paper", "measured", "preset", "n", "verdict", "why"),
        [
            (
                v.claim.id,
                v.claim.reported,
                measured(v),
                v.preset or "-",
                v.n or "-",
                _coloured_mark(v),
                _why(v),
            )
            for v in verdicts
        ],
        title=title,
    )
    if any(v.badge != "none" for v in verdicts):
        print(_LEGEND)


def mark(verdict: "Verdict") -> str:
    """The status with a filled or hollow mark."""
    return f"{_MARKS[verdict.badge]} {verdict.status}"


def _coloured_mark(verdict: "Verdict") -> "Text":
    from rich.text import Text

    return Text(mark(verdict), style=_COLOURS[verdict.status])


def measured(verdict: "Verdict") -> str:
    """Mean effect with its two-sided 95 % interval, as far as it is known."""
    mean, low, high = verdict.effect.mean, verdict.effect.low, verdict.effect.high
    if math.isnan(mean):
        return "-"
    if not (math.isfinite(low) and math.isfinite(high)) or low == high:
        return f"{mean:.4g}"
    return f"{mean:.4g} [{low:.4g}, {high:.4g}]"


def plain_verdict(verdict: "Verdict") -> dict[str, Any]:
    """The verdict as plain data."""
    return {
        "claim": verdict.claim.id,
        "version": verdict.claim.version,
        "says": verdict.claim.says,
        "reported": verdict.claim.reported,
        "reported_effect": verdict.claim.reported_effect,
        "effect": verdict.effect.mean,
        "effect_low": verdict.effect.low,
        "effect_high": verdict.effect.high,
        "effect_ratio": verdict.effect_ratio,
        "relation": str(verdict.claim.relation or ""),
        "preset": verdict.preset,
        "n": verdict.n,
        "crashed": verdict.crashed,
        "status": verdict.status,
        "badge": verdict.badge,
        "exceeds": verdict.exceeds,
        "stale": verdict.stale,
        "p_value": verdict.p_value,
        "reason": verdict.reason,
    }


def _why(verdict: "Verdict") -> str:
    notes = [verdict.reason]
    if verdict.stale:
        notes.append("stale: measured with other code")
    if verdict.exceeds:
        notes.append("exceeds the paper's figure: check for leakage")
    return "; ".join(notes)
