"""R7: the same config and seed give the same metrics in two fresh processes, bit by bit."""

from tests.reliability.figures import Figure, Size, figure
from tests.reliability.fresh import all_pages, fresh_store, said, straight
from tests.reliability.fresh import measure as run_fresh


@figure("R7")
def measure(size: Size) -> Figure:
    """Run seed 0 of every page twice."""
    slugs, differing = [], []
    for page in all_pages():
        slugs.append(page.paper.slug)
        with fresh_store() as store:
            summary = run_fresh(page, store)
            (trial,) = store.trials()
        if summary.failed or said(trial) != straight(page.paper.slug):
            differing.append(page.paper.slug)
    return Figure(
        id="R7",
        says="same config and seed twice in fresh processes, all pages at quick: bit-equal",
        target="all",
        measured=f"{len(slugs) - len(differing)} of {len(slugs)} {' '.join(differing)}".strip(),
        ok=not differing,
    )
