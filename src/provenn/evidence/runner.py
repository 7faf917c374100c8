"""Running the trials of papers: what is done stays done, what is missing or failed runs."""

import contextlib
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from provenn.evidence.executors import Executor
from provenn.evidence.fingerprint import fingerprint
from provenn.evidence.page import Page
from provenn.evidence.store import Store
from provenn.evidence.tasks import Listener, Outcome, Planned, Settled, Task, ignore


@dataclass(kw_only=True)
class Summary:
    """What became of a run.

    Args:
        planned: Tasks that were to run.
        done: Tasks whose trials this run put into the store.
        skipped: Tasks whose trials were in the store, measured by the present code.
        failed: Tasks whose trials crashed, each with one line that says how; they run again next
            time.
        busy: Tasks that another live process is running.
        interrupted: Whether the run was stopped before its end.
    """

    planned: Sequence[Task] = ()
    done: list[Task] = field(default_factory=list)
    skipped: list[Task] = field(default_factory=list)
    failed: list[tuple[Task, str]] = field(default_factory=list)
    busy: list[Task] = field(default_factory=list)
    interrupted: bool = False

    @property
    def left(self) -> int:
        """Tasks that the run did not come to."""
        settled = len(self.done) + len(self.skipped) + len(self.failed) + len(self.busy)
        return len(self.planned) - settled

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        match outcome.status:
            case "done":
                self.done.append(outcome.task)
            case "skipped":
                self.skipped.append(outcome.task)
            case "busy":
                self.busy.append(outcome.task)
            case "failed":
                self.failed.append((outcome.task, outcome.error))

    def __str__(self) -> str:
        """One line; says how to resume where something is left."""
        counts = [
            (len(self.done), "done"),
            (len(self.skipped), "already in the store"),
            (len(self.failed), "failed"),
            (len(self.busy), "under way in another process"),
            (self.left, "not run"),
        ]
        text = ", ".join(f"{n} {what}" for n, what in counts if n) or "nothing to do"
        if self.interrupted:
            return f"interrupted: {text}; the same command goes on from here"
        if self.failed:
            return f"{text}; the same command tries the failed ones again"
        return text


def plan(
    pages: Sequence[Page],
    preset: str,
    *,
    seeds: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    device: str = "cpu",
) -> list[Task]:
    """Tasks of a run: page by page, each with its seeds from 0, so that verdicts land early.

    Args:
        pages: Papers.
        preset: Preset.
        seeds: Number of seeds; by default what each page asks for.
        overrides: Changes of every page's config.
        device: Where to compute.

    Raises:
        ValueError: If the preset, an override or the number of seeds is not acceptable.
    """
    if seeds is not None and seeds < 1:
        raise ValueError(f"seeds must be at least 1, got {seeds}")
    return [
        Task(
            slug=page.paper.slug,
            module=page.module,
            preset=preset,
            config=config,
            seed=seed,
            device=device,
        )
        for page in pages
        for config in [page.config(preset, overrides)]
        for seed in range(seeds or page.seeds[preset])
    ]


def run(
    pages: Sequence[Page],
    *,
    preset: str,
    store: Store,
    executor: Executor,
    seeds: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    device: str = "cpu",
    listener: Listener = ignore,
) -> Summary:
    """Measure what the store does not have.

    A trial that is done by the present code is skipped; one that crashed, or that other code
    measured, runs again (what is stored of it stays). SIGINT and SIGTERM stop the run: what is
    under way is given up, finished stages and trials stay, and the next run goes on from there.

    Args:
        pages: Papers.
        preset: Preset.
        store: Where trials go.
        executor: Where trials run.
        seeds: Number of seeds; by default what each page asks for.
        overrides: Changes of every page's config.
        device: Where to compute, e.g. ``cpu`` or ``cuda:0``.
        listener: Hears of every event.

    Returns:
        What became of every task.

    Raises:
        ValueError: If the preset, an override or the number of seeds is not acceptable.
        StoreError: If the store cannot be written.
    """
    planned = plan(pages, preset, seeds=seeds, overrides=overrides, device=device)
    prints = {page.paper.slug: fingerprint(page) for page in pages}
    summary = Summary(planned=planned)
    summary.skipped = [
        task for task in planned if store.is_done(task.key, fingerprint=prints[task.slug])
    ]
    have = {task.key for task in summary.skipped}
    missing = tuple(task for task in planned if task.key not in have)
    with stopped_by_signals():
        try:
            listener(Planned(missing, tuple(summary.skipped)))
            with closing(executor.run(missing, store, listener)) as outcomes:
                for outcome in outcomes:
                    summary.add(outcome)
                    listener(Settled(outcome))
        except KeyboardInterrupt:
            summary.interrupted = True
    return summary


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let the first SIGINT or SIGTERM raise ``KeyboardInterrupt`` in the block, and only the first.

    Those that follow are ignored until the block has ended, so that it can clean up. A signal that
    is ignored stays so. Outside the main thread, where signals do not arrive, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {
        number: handler
        for number in (signal.SIGINT, signal.SIGTERM)
        if (handler := signal.getsignal(number)) not in (None, signal.SIG_IGN)
    }
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
