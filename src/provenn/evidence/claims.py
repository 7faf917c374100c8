"""Papers and their claims: what was said, where, and the relation that decides whether it is so."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from provenn.evidence.fields import check_integer, check_text, check_texts, check_type
from provenn.evidence.names import check_id, nearest
from provenn.evidence.relations import Relation

PRESETS = ("quick", "laptop", "full")


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A paper, as its page and its citation need it.

    Args:
        slug: Identifier of the page, e.g. ``phnn``.
        title: Title as published.
        authors: Authors, ``"Given Family"`` each.
        arxiv: arXiv number such as ``2110.04176``.
        year: Year of publication.
        venue: Journal or conference.
        doi: DOI of the published version, if there is one.
        code: Address of the authors' code, if there is any.
        summary: One paragraph for a reader who has not seen the paper.
        room: Room that holds the method, e.g. ``nn``.
    """

    slug: str
    title: str
    authors: Sequence[str]
    arxiv: str
    year: int
    venue: str
    summary: str
    room: str
    doi: str = ""
    code: str = ""

    def __post_init__(self) -> None:
        check_id(self.slug, "slug")
        check_id(self.room, "room")
        check_text(title=self.title)
        check_text(
            required=False,
            summary=self.summary,
            venue=self.venue,
            doi=self.doi,
            code=self.code,
        )
        check_texts(self.authors, "authors")
        check_integer(self.year, "year", 1900)
        check_type(self.arxiv, str, "arxiv")
        if not re.fullmatch(r"\d{4}\.\d{4,5}", self.arxiv):
            raise ValueError(f"arxiv must look like 2110.04176, got {self.arxiv!r}")

    @property
    def bibtex(self) -> str:
        """BibTeX entry of the paper."""
        kind = "article" if self.doi else "misc"
        fields = {
            "title": f"{{{self.title}}}",
            "author": " and ".join(self.authors),
            "year": str(self.year),
            "journal" if self.doi else "howpublished": self.venue,
            "doi": self.doi,
            "eprint": self.arxiv,
            "archiveprefix": "arXiv",
        }
        body = "".join(f"  {k} = {{{v}}},\n" for k, v in fields.items() if v)
        return f"@{kind}{{{self.slug}-{self.year},\n{body}}}\n"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A sentence of the paper and the measured relation that decides it.

    Args:
        id: Identifier within the paper, e.g. ``c1-parameters``.
        says: What the paper says, in one sentence.
        reported: The figure that the paper reports, as text.
        reported_effect: The same figure as the number that ``relation.effect`` measures, if the
            paper gives one; the page prints ours / reported.
        where: Where the paper says it.
        relation: What must hold between the metrics of a trial; ``None`` if no preset can judge it.
        margin_source: Where the margin comes from: the paper's gap, the sheet, a peer's spread.
        presets: Presets whose trials can judge the claim.
        method: Competitor that the claim praises.
        peers: Competitors that it is praised over.
        unjudged: Why no preset can judge it, in plain words; empty if one can.
        peer_check: What must hold for the peers to be called well trained (their own published
            figure, say); where it is not shown, the claim is ``undecided: weak peer``.
        filled_at: Seeds that a filled badge needs: 5, or 10 where results spread widely
            (reinforcement learning, bandits, sparse training).
        tried: What was tried when it failed, in plain words.
        version: Raised when any of the frozen parts changes.
    """

    id: str
    says: str
    reported: str
    where: str
    relation: Relation | None = None
    margin_source: str = ""
    presets: Sequence[str] = ()
    reported_effect: float | None = None
    method: str = ""
    peers: Sequence[str] = ()
    unjudged: str = ""
    peer_check: Relation | None = None
    filled_at: int = 5
    tried: str = ""
    version: int = 1

    def __post_init__(self) -> None:
        check_id(self.id, "claim id")
        check_text(says=self.says)
        check_text(
            required=False,
            reported=self.reported,
            where=self.where,
            margin_source=self.margin_source,
            method=self.method,
            unjudged=self.unjudged,
            tried=self.tried,
        )
        check_type(self.relation, (Relation, type(None)), "relation")
        check_type(self.peer_check, (Relation, type(None)), "peer_check")
        check_type(self.reported_effect, (Real, type(None)), "reported_effect")
        check_texts(self.peers, "peers")
        check_integer(self.filled_at, "filled_at", 1)
        check_integer(self.version, "version", 1)
        _check_presets(self.presets)
        if (self.relation is None) != bool(self.unjudged):
            raise ValueError(
                f"claim {self.id!r} must have either a relation or a reason in unjudged"
            )
        if (self.relation is None) == bool(self.presets):
            raise ValueError(
                f"claim {self.id!r} must have presets if and only if it has a relation"
            )
        if self.relation is not None and not self.margin_source:
            raise ValueError(f"claim {self.id!r} must say where its margin comes from")

    def frozen_parts(self) -> dict[str, Any]:
        """What is locked before measurement."""
        return {
            "id": self.id,
            "version": self.version,
            "says": self.says,
            "reported": self.reported,
            "reported_effect": self.reported_effect,
            "where": self.where,
            "relation": self.relation.to_dict() if self.relation else None,
            "margin_source": self.margin_source,
            "peer_check": self.peer_check.to_dict() if self.peer_check else None,
            "presets": list(self.presets),
            "unjudged": self.unjudged,
        }


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """One way in which our setting differs from the paper's.

    Args:
        aspect: What differs, e.g. ``training set``.
        paper: The paper's setting, or ``unknown``.
        ours: Ours.
        why: Why.
        presets: Where it applies.
    """

    aspect: str
    paper: str
    ours: str
    why: str
    presets: Sequence[str] = PRESETS

    def __post_init__(self) -> None:
        check_text(aspect=self.aspect, paper=self.paper, ours=self.ours, why=self.why)
        _check_presets(self.presets)


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """A sabotage of the method: a negative control that its claims must notice.

    Args:
        name: Identifier, e.g. ``random-algebra``.
        says: What is removed.
        overrides: Changes of the page's config that remove it.
        breaks: Claims that must stop holding.
    """

    name: str
    says: str
    overrides: dict[str, Any]
    breaks: Sequence[str]

    def __post_init__(self) -> None:
        check_id(self.name, "ablation name")
        check_text(says=self.says)
        check_type(self.overrides, dict, "overrides")
        check_texts(self.breaks, "breaks")
        if not self.breaks:
            raise ValueError(
                f"breaks of {self.name!r} must name at least one claim, got {self.breaks!r}"
            )


def _check_presets(presets: Sequence[str]) -> None:
    check_texts(presets, "presets")
    for preset in presets:
        if preset not in PRESETS:
            raise ValueError(f"presets: preset {preset!r} is unknown; {nearest(preset, PRESETS)}")
