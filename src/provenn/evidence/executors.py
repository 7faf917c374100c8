"""Where trials run: in this process, or in processes of one thread each.

:class:`~provenn.evidence.ray_executor.Ray` runs them on a cluster.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from provenn.evidence.attempt import keep_crash, perform
from provenn.evidence.files import StoreError
from provenn.evidence.store import Store
from provenn.evidence.tasks import Event, Listener, Outcome, Settled, Task
from provenn.evidence.worker import ENVIRONMENT

STOP_S = 3.0
"""Workers that have not stopped after so many seconds are killed."""


@runtime_checkable
class Executor(Protocol):
    """Runs tasks."""

    def run(
        self, tasks: Sequence[Task], store: Store, tell: Listener
    ) -> Generator[Outcome, None, None]:
        """Run ``tasks``, write their trials to ``store`` and yield outcomes as they land.

        Closing the iterator stops what is under way.

        Raises:
            StoreError: If the store cannot be written.
        """


class InProcess:
    """One trial after the other in this process, which is what a debugger wants."""

    def run(
        self, tasks: Sequence[Task], store: Store, tell: Listener
    ) -> Generator[Outcome, None, None]:
        """See :class:`Executor`."""
        for task in tasks:
            yield perform(task, store, tell)


class Processes:
    """Several trials at a time, each in a fresh process of one thread.

    A process that dies in the middle of a trial (out of memory, say) fails that trial alone. On a
    GPU, one worker keeps the trials' cost comparable.

    Args:
        workers: Number of processes; by default the number of processors that this one may use.
    """

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        self.workers = workers or _processors()

    def run(
        self, tasks: Sequence[Task], store: Store, tell: Listener
    ) -> Generator[Outcome, None, None]:
        """See :class:`Executor`."""
        waiting = deque(tasks)
        pool: dict[Connection, _Worker] = {}
        idle: list[_Worker] = []
        try:
            while waiting or pool:
                while waiting and len(pool) < self.workers:
                    worker = _Worker(store)
                    pool[worker.events] = worker
                    worker.give(waiting.popleft())
                for ready in wait(list(pool)):
                    worker = pool[cast(Connection, ready)]
                    message = worker.receive()
                    if message is None:
                        del pool[worker.events]
                        yield _bury(worker, store, tell)
                    elif isinstance(message, StoreError):
                        raise message
                    elif isinstance(message, Settled):
                        if waiting:
                            worker.give(waiting.popleft())
                        else:
                            idle.append(pool.pop(worker.events))
                            worker.tasks.close()  # at which the process ends
                        yield message.outcome
                    else:
                        tell(message)
        finally:
            _stop([*pool.values(), *idle])


class _Worker:
    """A process that runs :mod:`provenn.evidence.worker`, with the two pipes that lead to it."""

    task: Task

    def __init__(self, store: Store) -> None:
        task_reader, self.tasks = Pipe(duplex=False)
        self.events, event_writer = Pipe(duplex=False)
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        pipes = (task_reader.fileno(), event_writer.fileno())
        self.process = subprocess.Popen(  # noqa: S603 - our own module in our own interpreter
            [sys.executable, "-m", "provenn.evidence.worker", *map(str, pipes), str(store.root)],
            env=os.environ | ENVIRONMENT | {"PYTHONPATH": _import_path()},
            pass_fds=pipes,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        task_reader.close()
        event_writer.close()

    def give(self, task: Task) -> None:
        """Let the process measure ``task`` next."""
        self.task = task
        with suppress(BrokenPipeError):  # it died: receive() will tell
            self.tasks.send(task)

    def receive(self) -> Event | StoreError | None:
        """What the process tells next; ``None`` if it died."""
        try:
            return cast(Event | StoreError, self.events.recv())
        except (EOFError, OSError):
            return None

    def obituary(self) -> str:
        """The last that the process wrote, and in the last line how it died."""
        self.process.kill()
        code = self.process.wait()
        self.log.seek(0)
        last_words = self.log.read()[-4000:].decode(errors="replace").strip()
        self.close()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        hint = " (out of memory?)" if code == -9 else ""
        return f"{last_words}\nthe process that ran the trial died with {how}{hint}".strip()

    def close(self) -> None:
        """Let go of the pipes and the log."""
        self.tasks.close()
        self.events.close()
        self.log.close()


def _bury(worker: _Worker, store: Store, tell: Listener) -> Outcome:
    """Record the crash of the trial whose process died."""
    how = worker.obituary()
    lease = store.lease(worker.task.key)
    if lease is None:
        return Outcome(worker.task, "busy")
    with lease:
        return keep_crash(worker.task, how, store, tell)


def _stop(workers: Sequence[_Worker]) -> None:
    """Ask the workers to stop, kill those that do not, and wait for all."""
    for worker in workers:
        worker.process.terminate()
    deadline = time.monotonic() + STOP_S
    for worker in workers:
        try:
            worker.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()
        worker.close()


def _import_path() -> str:
    """This process's import path, for a process that must find the same modules."""
    return os.pathsep.join(path or str(Path.cwd()) for path in sys.path)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
