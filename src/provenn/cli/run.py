"""``provenn run``: measure papers on this machine, judge their claims, build the gallery."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provenn.cli.door import FAILED, INTERRUPTED, CommandError, UsageError
from provenn.cli.gallery import build_gallery
from provenn.cli.output import AsJson, print_json
from provenn.cli.overrides import Option, asked, read
from provenn.cli.pages import All, Preset, Slugs, check_preset, pages
from provenn.cli.stores import StoreOption, stores, writable_store
from provenn.cli.verdicts import judge_run, mark, plain_verdict, print_verdicts

if TYPE_CHECKING:
    from provenn.evidence import Page
    from provenn.evidence.executors import Executor
    from provenn.evidence.progress import Board, Lines
    from provenn.evidence.runner import Summary
    from provenn.evidence.store import Store
    from provenn.evidence.tasks import Event

Seeds = Annotated[
    int | None,
    typer.Option(min=1, help="Seeds 0 to N-1 (default: as the page says)."),
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Processes of one thread each (default: one a processor)."),
]
Cluster = Annotated[
    str | None,
    typer.Option("--ray", metavar="ADDRESS", help="Run on the Ray cluster at ADDRESS."),
]
Device = Annotated[str, typer.Option(help="Where to compute: cpu, cuda, cuda:1.")]


def run(
    slugs: Slugs = None,
    every: All = False,
    preset: Preset = "quick",
    seeds: Seeds = None,
    workers: Workers = None,
    ray: Cluster = None,
    store: StoreOption = None,
    device: Device = "cpu",
    no_report: Annotated[
        bool, typer.Option("--no-report", help="Leave the gallery as it is.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Measure the claims of papers and judge them.

    What the store already holds is not measured again; Ctrl-C loses no finished trial, and the
    same command goes on from there. Each key of a paper's config can be overridden with
    --config.KEY VALUE, after the papers; `provenn show SLUG` lists the keys.
    """
    chosen = pages(slugs, every)
    check_preset(preset)
    overrides = _overrides(chosen, preset, asked.get())
    target = writable_store(store)
    executor = _executor(workers, ray, check_device(device))
    summary = _measure(chosen, preset, target, executor, seeds, overrides, device)

    verdicts = {page.paper.slug: judge_run(page, preset, target, overrides) for page in chosen}
    gallery = None if no_report else build_gallery(stores(store), target.root)
    if as_json:
        print_json(_everything(summary, verdicts, gallery))
    else:
        for page in chosen:
            print_verdicts(verdicts[page.paper.slug], f"{page.paper.slug}: {page.paper.title}")
        print(summary)
        for task, error in summary.failed:
            print(f"failed: {task}: {error}")
        if overrides:
            print("config overridden: these trials do not count as the paper's evidence")
        print(f"store: {target.root}")
        if gallery:
            print(f"gallery: {gallery}")
    if summary.interrupted:
        return INTERRUPTED
    return FAILED if summary.failed or summary.busy else 0


def check_device(name: str) -> str:
    """Return ``name`` if torch can compute there.

    Raises:
        UsageError: If it cannot.
    """
    import torch

    accepted = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    try:
        if torch.empty(0, device=name).is_meta:
            raise NotImplementedError("the meta device computes nothing")
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        raise UsageError(
            f"--device {name!r} cannot be used here; accepted: {', '.join(accepted)}"
        ) from error
    return name


def progress() -> "Board | Lines":
    """What shows the reader, on stderr, how trials go: a board on a terminal, lines elsewhere."""
    from rich.console import Console

    from provenn.evidence.progress import reader

    return reader(Console(stderr=True, highlight=False))


def _overrides(pages: "Sequence[Page]", preset: str, options: Sequence[Option]) -> dict[str, Any]:
    """The overrides that the options ask for, the same for every page."""
    first, *others = [read(page, preset, options) for page in pages]
    if any(other != first for other in others):
        raise UsageError(
            "--config options mean different things to these papers; run one at a time"
        )
    return first


def _executor(workers: int | None, address: str | None, device: str) -> "Executor":
    from provenn.evidence.executors import Processes

    if address is None:
        return Processes(1 if workers is None and device.startswith("cuda") else workers)
    if workers is not None:
        raise UsageError("--workers and --ray exclude each other; the cluster has its own size")
    try:
        from provenn.evidence.ray_executor import Ray
    except ImportError as error:
        raise CommandError('--ray needs ray: python -m pip install "provenn[ray]"') from error
    return Ray(address)


def _measure(
    pages: "Sequence[Page]",
    preset: str,
    store: "Store",
    executor: "Executor",
    seeds: int | None,
    overrides: Mapping[str, Any],
    device: str,
) -> "Summary":
    from provenn.evidence.runner import run as run_trials

    with progress() as board:
        early = _EarlyVerdicts(board, pages, preset, store, overrides)
        return run_trials(
            pages,
            preset=preset,
            store=store,
            executor=executor,
            seeds=seeds,
            overrides=overrides,
            device=device,
            listener=early if len(pages) > 1 else board,
        )


class _EarlyVerdicts:
    """Passes events to the board, and says a paper's verdicts when its last trial has landed."""

    def __init__(
        self,
        board: "Board | Lines",
        pages: "Sequence[Page]",
        preset: str,
        store: "Store",
        overrides: Mapping[str, Any],
    ) -> None:
        self._board = board
        self._pages = {page.paper.slug: page for page in pages}
        self._judging = (preset, store, overrides)
        self._left: Counter[str] = Counter()

    def __call__(self, event: "Event") -> None:
        from provenn.evidence.tasks import Planned, Settled

        self._board(event)
        if isinstance(event, Planned):
            self._left.update(task.slug for task in event.tasks)
        if isinstance(event, Settled):
            slug = event.outcome.task.slug
            self._left[slug] -= 1
            if self._left[slug] == 0:
                for verdict in judge_run(self._pages[slug], *self._judging):
                    said = f"{slug} {verdict.claim.id}: {mark(verdict)}"
                    self._board.say(f"{said}, {verdict.reason}")


def _everything(
    summary: "Summary", verdicts: Mapping[str, Sequence[Any]], gallery: Path | None
) -> dict[str, Any]:
    return {
        "planned": len(summary.planned),
        "done": len(summary.done),
        "skipped": len(summary.skipped),
        "failed": [{"trial": str(task), "error": error} for task, error in summary.failed],
        "busy": [str(task) for task in summary.busy],
        "left": summary.left,
        "interrupted": summary.interrupted,
        "verdicts": {slug: [plain_verdict(v) for v in of] for slug, of in verdicts.items()},
        "gallery": gallery,
    }
