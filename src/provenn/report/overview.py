"""What the index shows of all papers together."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provenn.evidence.assess import STATUSES, Assessment
from provenn.evidence.controls import Controls
from provenn.evidence.verdicts import CONFIDENCE, Status, benjamini_hochberg
from provenn.report.paper_view import PaperView


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The header of the index.

    Attributes:
        papers: Views in the order of their titles.
        counts: Claims by status, over all papers.
        tested: Claims judged by a test at 5 %.
        false_holds: How many of them would say ``holds`` if none were true.
        holding: Tested claims that hold, as pairs of view and claim id, with whether they survive
            Benjamini-Hochberg.
        controls: Negative controls of all papers together, where they were run.
        rooms: Rooms of the papers.
    """

    papers: Sequence[PaperView]
    counts: Mapping[Status, int]
    tested: int
    false_holds: float
    holding: Sequence[tuple[PaperView, str, bool]]
    controls: Controls | None
    rooms: Sequence[str]


def overview(papers: Sequence[PaperView], controls: Controls | None) -> Overview:
    """Add up ``papers``."""
    tested = sum(_is_tested(c.verdict.p_value) for view in papers for c in view.claims)
    return Overview(
        papers=sorted(papers, key=lambda v: (v.assessment.page.paper.title.casefold(), v.slug)),
        counts={s: sum(view.counts[s] for view in papers) for s in STATUSES},
        tested=tested,
        false_holds=(1 - CONFIDENCE) * tested,
        holding=[
            (view, c.verdict.claim.id, c.survives)
            for view in papers
            for c in view.claims
            if c.survives is not None
        ],
        controls=controls,
        rooms=sorted({view.assessment.page.paper.room for view in papers}),
    )


def survivors(assessments: Sequence[Assessment]) -> dict[str, dict[str, bool]]:
    """Slug to claim id to whether the claim survives Benjamini-Hochberg at 5 % over all papers.

    Claims that every trial decides (identities, soundness) have no p-value and take no part.
    """
    p_values = {
        f"{a.page.paper.slug}#{v.claim.id}": v.p_value
        for a in assessments
        for v in a.verdicts
        if _is_tested(v.p_value)
    }
    rejected = benjamini_hochberg(p_values)
    return {
        (slug := a.page.paper.slug): {
            v.claim.id: f"{slug}#{v.claim.id}" in rejected
            for v in a.verdicts
            if _is_tested(v.p_value)
        }
        for a in assessments
    }


def _is_tested(p_value: float) -> bool:
    return not math.isnan(p_value)
