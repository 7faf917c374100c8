"""What a reader sees while trials run: a live board on a terminal, plain lines elsewhere."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from provenn.evidence.keys import TrialKey
from provenn.evidence.tasks import Event, Outcome, Planned, Progressed, Settled, Started, Task

LINE_INTERVAL_S = 10.0
"""Without a terminal, a trial's progress is printed at most this often."""


class Board:
    """A live table of the trials under way: paper, preset, seed, step, time left, state.

    Args:
        console: Terminal to draw on.

    Example:
        with Board(Console(stderr=True)) as board:
            run(pages, preset="quick", store=store, executor=Processes(), listener=board)
    """

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.fields[paper]}", style="bold"),
            TextColumn("{task.fields[preset]}"),
            TextColumn("{task.fields[seed]}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[state]}", markup=False),
            console=console,
            refresh_per_second=4,
        )
        self._rows: dict[TrialKey, TaskID] = {}
        self._all: TaskID | None = None

    def __enter__(self) -> "Board":
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for row in self._rows.values():
            self._progress.remove_task(row)
        self._rows.clear()
        self._progress.stop()

    def say(self, text: str | Text) -> None:
        """Print a line above the board."""
        self._progress.console.print(text, highlight=False)

    def __call__(self, event: Event) -> None:
        """Show what happened."""
        match event:
            case Planned(tasks, skipped):
                preset = tasks[0].preset if tasks else ""
                total = len(tasks) + len(skipped)
                self._all = self._add("all", preset, "", total, "trials")
                self._progress.update(self._all, completed=len(skipped))
            case Started(task):
                seed = f"seed {task.seed}"
                self._rows[task.key] = self._add(task.slug, task.preset, seed, None, "running")
            case Progressed(task, step, total, stage, note):
                state = " ".join(part for part in (stage, note) if part) or "running"
                if (row := self._rows.get(task.key)) is not None:
                    self._progress.update(row, completed=step, total=total, state=state)
            case Settled(outcome):
                if outcome.error:
                    self.say(Text(f"{outcome.task}: failed: {outcome.error}", style="red"))
                if (row := self._rows.pop(outcome.task.key, None)) is not None:
                    self._progress.remove_task(row)
                if self._all is not None:
                    self._progress.advance(self._all)

    def _add(self, paper: str, preset: str, seed: str, total: int | None, state: str) -> TaskID:
        return self._progress.add_task(
            "", total=total, paper=paper, preset=preset, seed=seed, state=state
        )


class Lines:
    """One plain line for each event, and a trial's progress now and then.

    Args:
        console: Where to print.
        interval_s: A trial's progress is printed at most this often, in seconds.
    """

    def __init__(self, console: Console, interval_s: float = LINE_INTERVAL_S) -> None:
        self._console = console
        self._interval_s = interval_s
        self._started: dict[TrialKey, float] = {}
        self._told: dict[TrialKey, float] = {}
        self._settled = 0
        self._total = 0

    def __enter__(self) -> "Lines":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing is left to draw."""

    def say(self, text: str | Text) -> None:
        """Print a line."""
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)

    def __call__(self, event: Event) -> None:
        """Print what happened."""
        match event:
            case Planned(tasks, skipped):
                self._total, self._settled = len(tasks), 0
                self.say(f"{len(tasks)} to run, {len(skipped)} already in the store")
            case Started(task):
                self._started[task.key] = self._told[task.key] = time.monotonic()
                self.say(f"{task}: started")
            case Progressed(task, step, total, stage, note):
                self._tell_step(task, " ".join(f"{stage} {step}/{total} {note}".split()))
            case Settled(outcome):
                self._settled += 1
                self._tell_end(outcome)

    def _tell_step(self, task: Task, text: str) -> None:
        now = time.monotonic()
        if now - self._told.get(task.key, now) >= self._interval_s:
            self._told[task.key] = now
            self.say(f"{task}: {text}")

    def _tell_end(self, outcome: Outcome) -> None:
        key = outcome.task.key
        self._told.pop(key, None)
        started = self._started.pop(key, None)
        took = "" if started is None else f" after {time.monotonic() - started:.1f} s"
        reason = f": {outcome.error}" if outcome.error else ""
        count = f"{self._settled} of {self._total}"
        self.say(f"{outcome.task}: {outcome.status}{took} ({count}){reason}")


def reader(console: Console) -> Board | Lines:
    """What suits ``console``: a board on a terminal, lines elsewhere. Both respect ``NO_COLOR``."""
    return Board(console) if console.is_terminal else Lines(console)
