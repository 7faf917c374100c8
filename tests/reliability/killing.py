"""Kill runs at random instants and look at what is left: ``python -m tests.reliability.killing``.

A process that has imported everything forks one run after the other and kills each with SIGKILL
at a random instant. Every tenth run measures in worker processes, the others in the killed process
itself. Each run goes on where the one before it was killed, as the same command would.
"""

import argparse
import gc
import json
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from provenn.evidence.executors import InProcess, Processes
from provenn.evidence.keys import TrialKey
from provenn.evidence.page import Page
from provenn.evidence.runner import run
from provenn.evidence.store import Store
from provenn.evidence.tasks import Event, Finished, Started
from tests.reliability.figures import Size
from tests.reliability.pages import brief

KILLS = {"default": 20, "full": 1000}
SEEDS = 40
LONGEST_S = {InProcess: 0.6, Processes: 3.0}
GONE_S = 2.0
"""A worker whose parent was killed is given so long to notice."""


@dataclass
class Toll:
    """What the kills did.

    Args:
        kills: Runs killed while they worked.
        finished: Trials that a run had said were done when it was killed.
        lost: Those of them that the store does not have, right after the kill or at the end.
        corrupt: Damaged trials that the store found, and warnings that it gave.
        running: Trials left running after the kills.
        first_work_s: From the call of each next run to its first trial.
        first_work_processes_s: The same where it had to start worker processes.
    """

    kills: int = 0
    finished: int = 0
    lost: int = 0
    corrupt: int = 0
    running: int = 0
    first_work_s: list[float] = field(default_factory=list)
    first_work_processes_s: list[float] = field(default_factory=list)


@cache
def toll(size: Size) -> Toll:
    """Kill runs, in a fresh process."""
    command = [sys.executable, "-m", "tests.reliability.killing", str(KILLS[size])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Toll(**json.loads(done.stdout.splitlines()[-1]))


def kill_runs(root: Path, kills: int, generator: random.Random) -> Toll:
    """Kill ``kills`` runs on the store at ``root``."""
    warnings: list[str] = []
    logging.getLogger("provenn.store").addHandler(_Collect(warnings))
    store, journal, toll = Store(root / "store"), root / "journal", Toll()
    (root / "first").mkdir()
    for place in (root, root / "first"):
        (place / "journal").touch()
    _run(root / "first", 0, InProcess())  # what a process does once is done before the forks
    config = seen = 0
    while toll.kills < kills:
        executor = Processes(2) if toll.kills % 10 == 9 else InProcess()
        killed = _kill_one(root, config, executor, generator.uniform(0, LONGEST_S[type(executor)]))
        toll.kills += killed
        config += not killed  # the run came to its end: the next has another config
        toll.running += _left_running(store)
        finished = _finished(journal)
        toll.lost += len([key for key in finished[seen:] if not store.is_done(key)])
        seen = len(finished)
    _run(root, config + 1, Processes(2))
    finished = _finished(journal)
    toll.finished = len(finished)
    toll.lost += len([key for key in finished if not store.is_done(key)])
    toll.corrupt = len(store.quarantined()) + len(warnings)
    for line in journal.read_text().splitlines():
        match line.split():
            case ["started", "InProcess", seconds]:
                toll.first_work_s.append(float(seconds))
            case ["started", "Processes", seconds]:
                toll.first_work_processes_s.append(float(seconds))
    return toll


def _kill_one(root: Path, config: int, executor: Any, instant_s: float) -> bool:
    """Fork a run and kill it; whether it had not come to its end."""
    child = os.fork()
    if child == 0:
        try:
            _run(root, config, executor)
        finally:
            os._exit(0)
    time.sleep(instant_s)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _run(root: Path, config: int, executor: Any) -> None:
    descriptor = os.open(root / "journal", os.O_WRONLY | os.O_APPEND)
    begun: float | None = time.monotonic()

    def listen(event: Event) -> None:
        nonlocal begun
        if isinstance(event, Started) and begun is not None:
            seconds = time.monotonic() - begun
            os.write(descriptor, f"started {type(executor).__name__} {seconds:.3f}\n".encode())
            begun = None
        if isinstance(event, Finished):
            os.write(descriptor, f"finished {event.task.key.name}\n".encode())

    run(
        [Page.from_module(brief)],
        preset="quick",
        store=Store(root / "store"),
        executor=executor,
        seeds=SEEDS,
        overrides={"pause_s": 0.015 + config / 1e6},
        listener=listen,
    )


def _finished(journal: Path) -> list[TrialKey]:
    words = (line.split() for line in journal.read_text().splitlines())
    return [TrialKey.parse(word) for kind, word, *_ in words if kind == "finished"]


def _left_running(store: Store) -> int:
    deadline = time.monotonic() + GONE_S
    while store.running() and time.monotonic() < deadline:
        time.sleep(0.02)
    return len(store.running())


class _Collect(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.killing")
    parser.add_argument("kills", type=int)
    gc.freeze()  # as a worker does
    with tempfile.TemporaryDirectory() as folder:
        generator = random.Random()  # noqa: S311 - no secret
        found = kill_runs(Path(folder), parser.parse_args().kills, generator)
    print(json.dumps(asdict(found)))  # noqa: T201
