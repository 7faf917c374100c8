"""A store and a page from a stranger who wants to run a script, reach a file or call home."""

import dataclasses
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

from matplotlib.figure import Figure

from provenn.evidence import Deviation, Page
from provenn.evidence.records import Trial, TrialRecord
from provenn.evidence.store import Store
from tests.report import synthetic

HOME = "http://stranger.invalid/called-home"

PAYLOADS = (
    "<script>window.ran = 1; document.title = 'ran'</script>",
    "</title></style></script></textarea><script>window.ran = 1</script>",
    f"<img src='{HOME}' onerror='window.ran = 1'>",
    "\"><svg onload='window.ran = 1'><script>window.ran = 1</script></svg>",
    "' onmouseover='window.ran = 1' autofocus onfocus='window.ran = 1' x='",
    "javascript:window.ran=1",
    "data:text/html,<script>window.ran=1</script>",
    f"<style>@import '{HOME}'; body {{ background: url({HOME}); display: none }}</style>",
    f"<link rel=stylesheet href='{HOME}'><base href='{HOME}'><meta http-equiv=refresh"
    f" content='0;url={HOME}'>",
    f"<iframe src='{HOME}'></iframe><object data='{HOME}'></object><form action='{HOME}'>",
    "../../../../escaped",
    "..\\..\\escaped\x00.html",
    "{{ 7 * 7 }}{% for x in range(10**9) %}{% endfor %}{{ ''.__class__.__mro__ }}",
    "]]><!-- --!> <!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
    "\u202egnp.exe\u2066\ufeff\u200b\x1b[31m\x07",
    '=HYPERLINK("http://stranger.invalid")',
    "$\\input{/etc/passwd}$ $\\frac{1}{",
    "x" * 500_000,
)


def hostile_gallery(folder: Path, shift: int) -> tuple[list[Page], Store]:
    """A page and a store with a payload in every text that a stranger can choose.

    Args:
        folder: Where the store is made.
        shift: Which payload comes first; over ``len(PAYLOADS)`` shifts each text takes each one.
    """
    payloads = cycle([*PAYLOADS[shift:], *PAYLOADS[:shift]])
    page = _page(payloads)
    store = Store(folder / "store")
    for seed in range(page.seeds["quick"]):
        record, series = synthetic.trial(page, "quick", seed, failed=seed == 1)
        path = store.write(_record(record, payloads), series)
    (path.parent / "seed-0003.done-00000000").symlink_to("/etc")
    (store.root / page.paper.slug / "..escaped").mkdir()
    return [page], store


def _page(payloads: "cycle[str]") -> Page:
    page = synthetic.page("paper-00")
    claims = [
        dataclasses.replace(
            claim,
            says=next(payloads),
            reported=next(payloads),
            where=next(payloads),
            tried=next(payloads),
            **(
                {"margin_source": next(payloads)}
                if claim.relation
                else {"unjudged": next(payloads)}
            ),
        )
        for claim in page.claims
    ]
    paper = dataclasses.replace(
        page.paper,
        **{name: next(payloads) for name in ("title", "venue", "doi", "code", "summary")},
        authors=[next(payloads), next(payloads)],
    )
    words = [next(payloads) for _ in range(4)]
    label, caption = next(payloads)[:300], next(payloads)

    def figures(trials: Sequence[Trial]) -> dict[str, Figure]:
        figure = Figure()
        axes = figure.subplots()
        axes.plot([1, 2], label=label)
        axes.set_title(label)
        axes.legend()
        axes.scatter([1], [1]).set_urls([label])
        return {"figure": figure}

    return dataclasses.replace(
        page,
        paper=paper,
        claims=claims,
        deviations=[Deviation(aspect=words[0], paper=words[1], ours=words[2], why=words[3])],
        example=next(payloads),
        captions={"figure": caption},
        figures=figures,
    )


def _record(record: TrialRecord, payloads: "cycle[str]") -> TrialRecord:
    provenance = record.provenance.model_copy(
        update={
            **{k: next(payloads) for k in ("provenn", "python", "device", "cpu", "started")},
            "git_revision": next(payloads),
            "packages": {next(payloads): next(payloads)},
            "data": {next(payloads): next(payloads)},
        }
    )
    competitors = [
        c.model_copy(update={"label": next(payloads), "package": next(payloads)})
        for c in record.competitors
    ]
    return record.model_copy(
        update={
            "provenance": provenance,
            "competitors": competitors,
            "error": next(payloads)[-10_000:] if record.status == "failed" else "",
        }
    )
