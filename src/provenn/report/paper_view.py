"""What a paper's page shows, worked out from its assessment."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from provenn.evidence.assess import STATUSES, Assessment
from provenn.evidence.claims import PRESETS
from provenn.evidence.metrics import COSTS, Competitor
from provenn.evidence.records import Trial
from provenn.evidence.relations import (
    All,
    Greater,
    Identity,
    Less,
    Near,
    Ratio,
    Relation,
    Slope,
    Sound,
)
from provenn.evidence.verdicts import Status, Verdict, clopper_pearson_upper
from provenn.report import text
from provenn.report.pictures import Picture
from provenn.report.strip import Strip, strip

MOST_TRIALS = 200
MOST_COMPETITORS = 40
MOST_QUALITIES = 10
"""What one table shows; the rest is counted and stands in the CSV."""

_ROLES = ("method", "peer", "baseline", "oracle")
_COST_TEXT: Mapping[str, Callable[[float], str]] = {
    "parameters": text.count,
    "flops": text.count,
    "wall_s": text.seconds,
    "peak_bytes": text.memory,
    "tuning_trials": text.count,
}


@dataclass(frozen=True, kw_only=True)
class CompetitorRow:
    """A competitor over the seeds of one preset, each figure as text."""

    name: str
    label: str
    role: str
    package: str
    quality: Mapping[str, str]
    cost: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class CompetitorBlock:
    """Competitors that were measured by the same qualities."""

    qualities: Sequence[str]
    rows: Sequence[CompetitorRow]


@dataclass(frozen=True, kw_only=True)
class CompetitorTable:
    """The competitors of one preset, in blocks that share their columns."""

    preset: str
    n: int
    blocks: Sequence[CompetitorBlock]
    left_out: int

    @property
    def rows(self) -> list[CompetitorRow]:
        """All competitors."""
        return [row for block in self.blocks for row in block.rows]


@dataclass(frozen=True, kw_only=True)
class ClaimView:
    """A claim with its verdict.

    Attributes:
        verdict: The verdict.
        quantity: What the measured effect is, e.g. ``phc-n2.accuracy - real.accuracy``.
        strip: Margins of the part that decides.
        competitors: The method and the peers that the claim speaks of.
        metrics: Which of their qualities it speaks of.
        devices: Devices of its trials.
        look: Why the badge is hollow; empty if it is not.
        survives: Whether a claim that holds survives Benjamini-Hochberg over the whole gallery;
            ``None`` where it takes no part.
        older: Earlier versions of the claim, as locked.
    """

    verdict: Verdict
    quantity: str
    strip: Strip | None
    competitors: Sequence[CompetitorRow]
    metrics: Sequence[str]
    devices: str
    look: str
    survives: bool | None
    older: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Run:
    """The trials of one preset."""

    preset: str
    seeds: int
    trials: Sequence[Trial]
    left_out: int
    crashed: int
    collapse_upper: float
    stale: bool
    provenance: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True, kw_only=True)
class PaperView:
    """Everything that a paper's page and its card show."""

    assessment: Assessment
    counts: Mapping[Status, int]
    claims: Sequence[ClaimView]
    competitors: Sequence[CompetitorTable]
    pictures: Sequence[Picture]
    runs: Sequence[Run]
    evidence: str

    @property
    def slug(self) -> str:
        """Slug of the paper."""
        return self.assessment.page.paper.slug

    @property
    def key_picture(self) -> Picture | None:
        """The picture on the card."""
        return next((p for p in self.pictures if p.svg), None)


def paper_view(
    assessment: Assessment,
    pictures: Sequence[Picture],
    survivors: Mapping[str, bool],
    older: Mapping[str, Sequence[Mapping[str, Any]]],
) -> PaperView:
    """The view of one page.

    Args:
        assessment: The page with its trials and verdicts.
        pictures: Its figures.
        survivors: Claim id to whether it survives Benjamini-Hochberg, where it takes part.
        older: Claim id to its earlier versions.
    """
    trials = assessment.trials
    largest_first = [p for p in reversed(PRESETS) if p in trials]
    tables = [competitor_table(p, trials[p]) for p in largest_first]
    rows = {table.preset: table for table in tables}
    seeds = assessment.page.seeds
    return PaperView(
        assessment=assessment,
        counts=assessment.counts(),
        claims=[
            _claim_view(v, trials.get(v.preset, ()), rows.get(v.preset), survivors, older)
            for v in assessment.verdicts
        ],
        competitors=[table for table in tables if table.rows],
        pictures=pictures,
        runs=[_run(p, seeds[p], trials[p], p in assessment.stale) for p in largest_first],
        evidence=", ".join(f"{p} n = {len(trials[p])}" for p in largest_first),
    )


def competitor_table(preset: str, trials: Sequence[Trial]) -> CompetitorTable:
    """Mean and spread of each competitor's quality and cost over ``trials``."""
    found: dict[str, list[Competitor]] = {}
    for trial in trials:
        for competitor in () if trial.failed else trial.metrics.competitors:
            found.setdefault(competitor.name, []).append(competitor)
    ordered = sorted(found.values(), key=lambda group: _ROLES.index(group[0].role))
    rows = [_competitor_row(group) for group in ordered[:MOST_COMPETITORS]]
    return CompetitorTable(
        preset=preset,
        n=sum(not t.failed for t in trials),
        blocks=_blocks(rows),
        left_out=max(len(ordered) - MOST_COMPETITORS, 0),
    )


def _blocks(rows: Sequence[CompetitorRow]) -> list[CompetitorBlock]:
    """``rows`` by what they were measured by.

    Each set of qualities that no other set contains is a block; a row stands in the smallest block
    that has all its qualities.
    """
    sets = dict.fromkeys(frozenset(row.quality) for row in rows)
    widest = [s for s in sets if not any(s < other for other in sets)]
    blocks: dict[frozenset[str], list[CompetitorRow]] = {s: [] for s in widest}
    for row in rows:
        home = min((s for s in widest if s >= frozenset(row.quality)), key=len)
        blocks[home].append(row)
    return [
        CompetitorBlock(
            qualities=list(dict.fromkeys(q for row in members for q in row.quality)), rows=members
        )
        for members in blocks.values()
    ]


def quantity(relation: Relation) -> str:
    """What ``relation.effect`` measures, in words and metric names."""
    match relation:
        case Greater(a=a, b=str(b)):
            return f"{a} {text.MINUS} {b}"
        case Less(a=a, b=str(b)):
            return f"{b} {text.MINUS} {a}"
        case Greater(a=a) | Less(a=a):
            return a
        case Ratio(a=a, b=b):
            return f"{a} / {b}"
        case Greater(a=a) | Less(a=a) | Near(a=a):
            return a
        case Identity(error=error):
            return f"|{error}|"
        case Sound(lower=lower, upper=upper):
            return f"{upper} {text.MINUS} {lower}"
        case Slope(n=n, cost=cost):
            return f"slope of log {cost} over log {n}"
        case All(relations=relations):
            return quantity(relations[0])
    return str(relation)


def _claim_view(
    verdict: Verdict,
    trials: Sequence[Trial],
    table: CompetitorTable | None,
    survivors: Mapping[str, bool],
    older: Mapping[str, Sequence[Mapping[str, Any]]],
) -> ClaimView:
    claim = verdict.claim
    metrics = claim.relation.metrics() if claim.relation else ()
    spoken_of = {claim.method, *claim.peers} | {m.rpartition(".")[0] for m in metrics}
    rows = [row for row in (table.rows if table else ()) if row.name in spoken_of]
    judged = verdict.status != "not judged"
    return ClaimView(
        verdict=verdict,
        quantity=quantity(claim.relation) if claim.relation else "",
        strip=strip(verdict.binding) if verdict.binding else None,
        competitors=rows if judged else [],
        metrics=list(dict.fromkeys(q for m in metrics if (q := m.rpartition(".")[2]) not in COSTS)),
        devices=_some({t.record.provenance.device for t in trials}),
        look=_look(verdict),
        survives=survivors.get(claim.id) if verdict.status == "holds" else None,
        older=older.get(claim.id, ()),
    )


def _look(verdict: Verdict) -> str:
    if verdict.badge != "hollow":
        return ""
    if verdict.preset == "quick":
        return f"a look: quick, n = {verdict.n}"
    if verdict.n < verdict.claim.filled_at:
        return f"a look: n = {verdict.n} of {verdict.claim.filled_at}"
    return "a look: measured with uncommitted changes"


def _competitor_row(group: Sequence[Competitor]) -> CompetitorRow:
    first = group[0]
    qualities = dict.fromkeys(q for c in group for q in c.quality)
    return CompetitorRow(
        name=first.name,
        label=first.label or first.name,
        role=first.role,
        package=first.package,
        quality={
            q: text.spread([c.quality[q] for c in group if q in c.quality])
            for q in islice(qualities, MOST_QUALITIES)
        },
        cost={
            name: shown(_mean([float(getattr(c.cost, name)) for c in group]))
            for name, shown in _COST_TEXT.items()
        },
    )


def _run(preset: str, seeds: int, trials: Sequence[Trial], stale: bool) -> Run:
    crashed = sum(t.failed for t in trials)
    return Run(
        preset=preset,
        seeds=seeds,
        trials=trials[:MOST_TRIALS],
        left_out=max(len(trials) - MOST_TRIALS, 0),
        crashed=crashed,
        collapse_upper=clopper_pearson_upper(crashed, len(trials)),
        stale=stale,
        provenance=_provenance(trials),
    )


def _provenance(trials: Sequence[Trial]) -> list[tuple[str, Sequence[str]]]:
    """Name to the different values that the trials have, in the order of the seeds."""
    records = [t.record.provenance for t in trials]
    dirt = {True: "yes", False: "no", None: "not known"}
    walls = [r.wall_s for r in records]
    peaks = [r.peak_bytes for r in records if r.peak_bytes is not None]
    columns: list[tuple[str, Iterable[str]]] = [
        ("device", (r.device for r in records)),
        ("processor", (r.cpu for r in records)),
        ("threads", (str(r.threads) for r in records)),
        ("deterministic", ("yes" if r.deterministic else "no" for r in records)),
        ("wall time of a trial", [text.seconds(_mean(walls))]),
        ("largest peak memory", [text.memory(max(peaks))] if peaks else []),
        ("provenn", (r.provenn for r in records)),
        ("python", (r.python for r in records)),
        ("packages", (f"{k} {v}" for r in records for k, v in sorted(r.packages.items()))),
        ("git revision", (r.git_revision or "not known" for r in records)),
        ("uncommitted changes", (dirt[r.git_dirty] for r in records)),
        ("code fingerprint", (r.fingerprint for r in records)),
        ("config", (t.record.config_hash for t in trials)),
        ("data (SHA-256)", (f"{k} {v}" for r in records for k, v in sorted(r.data.items()))),
    ]
    different = ((name, list(dict.fromkeys(values))) for name, values in columns)
    return [(name, values[:30]) for name, values in different if values]


def _some(values: Iterable[str]) -> str:
    names = sorted(set(values))
    return ", ".join(names[:3]) + ("" if len(names) <= 3 else f" and {len(names) - 3} more")


def _mean(values: Sequence[float]) -> float:
    finite = [v for v in values if math.isfinite(v)]
    return sum(finite) / len(finite) if finite else math.nan


def share(counts: Mapping[Status, int]) -> list[tuple[Status, int, float, float]]:
    """Status, count, and start and width of its piece of a bar 100 long."""
    total = sum(counts.values()) or 1
    pieces, start = [], 0.0
    for status in STATUSES:
        width = 100 * counts[status] / total
        pieces.append((status, counts[status], round(start, 3), round(width, 3)))
        start += width
    return pieces
