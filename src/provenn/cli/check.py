"""``provenn check``: whether pages keep the house's rules, with a list of where they do not."""

import ast
import importlib.util
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenn.cli.catalogue import config_docs
from provenn.cli.output import AsJson, print_json
from provenn.cli.pages import Slugs, page, readable_pages

if TYPE_CHECKING:
    from provenn.evidence import Page
    from provenn.evidence.records import Trial

_ABOVE_THE_ROOMS = ("cli", "data", "evidence", "papers", "report")


@dataclass(frozen=True)
class Problem:
    """A rule that a page breaks."""

    slug: str
    says: str


def check(
    slugs: Slugs = None,
    run: Annotated[bool, typer.Option("--run", help="Run one seed of the quick preset.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check pages (default: all): declarations, locked claims, floors, committed evidence."""
    broken: dict[str, str] = {}
    if slugs:
        chosen = [page(slug) for slug in dict.fromkeys(slugs)]
    else:
        chosen, broken = readable_pages()
    problems = [Problem(slug, says) for slug, says in broken.items()]
    for each in chosen:
        found = [*_declarations(each), *_lock(each), *_floors(each), *_committed(each)]
        if run:
            found += _quick_seed(each)
        problems += [Problem(each.paper.slug, says) for says in found]
    if as_json:
        print_json([asdict(p) for p in problems])
    else:
        for problem in problems:
            print(f"{problem.slug}: {problem.says}")
        print(f"{len(chosen) + len(broken)} checked, {len(problems)} problems")
    if problems:
        raise typer.Exit(1)


def _declarations(page: "Page") -> Iterator[str]:
    """What a page may leave out for Python, but not for a reader."""
    docs = config_docs(page.config_type)
    for name in page.config_type.__dataclass_fields__:
        if not docs.get(name):
            yield f"Config.{name} must be documented"
    if not page.deviations:
        yield "DEVIATIONS must say how the setting differs from the paper's"
    strict = [c.id for c in page.claims if c.relation is not None and c.relation.strict]
    if strict and not page.ablations:
        yield f"ABLATIONS must name what {', '.join(strict)} cannot do without"
    if not page.example.strip():
        yield "EXAMPLE must show how the method is used"
    else:
        try:
            ast.parse(page.example)
        except SyntaxError as error:
            yield f"EXAMPLE is not Python: {error}"


def _lock(page: "Page") -> Iterator[str]:
    from provenn.evidence.files import StoreError
    from provenn.evidence.lock import check

    try:
        for problem in check([page]):
            yield f"{problem.claim}: {problem.says} (`provenn lock {page.paper.slug}`)"
    except StoreError as error:
        yield str(error)


def _floors(page: "Page") -> Iterator[str]:
    """Whether the page's room exists and imports nothing that stands above it."""
    room = importlib.util.find_spec(f"provenn.{page.paper.room}")
    if room is None or room.origin is None:
        yield f"room provenn.{page.paper.room} does not exist"
        return
    for path in sorted(Path(room.origin).parent.rglob("*.py")):
        for module in _imports(path):
            floor = module.removeprefix("provenn.").partition(".")[0]
            if module.startswith("provenn.") and floor in _ABOVE_THE_ROOMS:
                yield f"{path.name} of provenn.{page.paper.room} must not import {module}"


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "provenn":
            yield from (f"provenn.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _committed(page: "Page") -> Iterator[str]:
    """Whether the committed evidence is whole and measured by the present code."""
    from provenn.evidence.fingerprint import fingerprint
    from provenn.evidence.store import check_seeds, committed_store

    store = committed_store()
    trials = store.trials(page.paper.slug) if store else []
    try:
        check_seeds(trials)
    except ValueError as error:
        yield f"committed evidence: {error}"
    current = fingerprint(page)
    stale = {t.record.preset for t in trials if t.record.provenance.fingerprint != current}
    for preset in sorted(stale):
        yield f"committed evidence of {preset} is stale: measured by other code"


def _quick_seed(page: "Page") -> list[str]:
    """What goes wrong in seed 0 of the quick preset and in what the page makes of it."""
    from provenn.evidence.executors import InProcess
    from provenn.evidence.runner import run
    from provenn.evidence.store import Store

    with tempfile.TemporaryDirectory(prefix="provenn-check-") as folder:
        store = Store(folder)
        summary = run([page], preset="quick", store=store, executor=InProcess(), seeds=1)
        trials = store.trials(page.paper.slug)
    if summary.interrupted:
        raise KeyboardInterrupt
    if summary.failed:
        return [f"quick, seed 0: {error}" for _, error in summary.failed]
    return [*_measured(page, trials[0]), *_drawn(page, trials)]


def _measured(page: "Page", trial: "Trial") -> Iterator[str]:
    competitors = {c.name: c for c in trial.metrics.competitors}
    for claim in page.claims:
        if claim.relation is None or "quick" not in claim.presets:
            continue
        try:
            claim.relation.margins(trial.scalars(), trial.series)
        except KeyError as error:
            yield f"{claim.id}: {error.args[0]}"
        for name in (claim.method, *claim.peers):
            if name and name not in competitors:
                yield f"{claim.id}: competitor {name!r} was not measured"
    peers = [c for c in competitors.values() if c.role == "peer"]
    if peers and not any(c.package for c in peers):
        yield "at least one peer must come from a third-party package (Competitor.package)"


def _drawn(page: "Page", trials: "Sequence[Trial]") -> Iterator[str]:
    try:
        page.figures(trials)
    except Exception as error:
        yield f"figures: {type(error).__name__}: {error}"
