"""The README's table of papers, from the evidence committed with the code.

``python -m provenn.report.readme README.md`` writes the table between its two marker lines.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from provenn import papers
from provenn.evidence.assess import STATUSES, Assessment, assess
from provenn.evidence.claims import PRESETS
from provenn.evidence.files import replace_durably
from provenn.evidence.store import committed_store

START, END = "<!-- papers -->", "<!-- /papers -->"


def table(assessments: Iterable[Assessment]) -> str:
    """Markdown table: a row a paper, with how many of its claims have each verdict."""
    rows = [
        "| paper | room | title | holds | fails | undecided | not judged | measured at |",
        "|---|---|---|--:|--:|--:|--:|---|",
    ]
    for assessment in assessments:
        paper = assessment.page.paper
        counts = assessment.counts()
        cells = (
            f"[{paper.slug}](https://arxiv.org/abs/{paper.arxiv})",
            f"`provenn.{paper.room}`",
            paper.title,
            *(str(counts[status]) for status in STATUSES),
            _measured(assessment),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def current() -> str:
    """The table of all papers by the committed evidence."""
    store = committed_store()
    stores = [] if store is None else [store]
    return table(assess(papers.load(slug), stores) for slug in papers.slugs())


def replaced(text: str, new: str) -> str:
    """``text`` with what stands between the marker lines replaced by ``new``.

    Raises:
        ValueError: If a marker is missing.
    """
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"the text must have the lines {START} and {END}")
    return f"{before}{start}\n{new}\n{end}{after}"


def _measured(assessment: Assessment) -> str:
    presets = [p for p in reversed(PRESETS) if p in assessment.trials]
    shown = (
        f"{p}, {len(assessment.trials[p])} seeds{' (stale)' if p in assessment.stale else ''}"
        for p in presets
    )
    return "; ".join(shown) or "not yet"


def main(arguments: list[str]) -> None:
    """Bring the table in the named file up to date."""
    (name,) = arguments
    path = Path(name)
    replace_durably(path, replaced(path.read_text(encoding="utf-8"), current()).encode())


if __name__ == "__main__":
    main(sys.argv[1:])
