"""A process that measures trials for :class:`~provenn.evidence.executors.Processes`.

``python -m provenn.evidence.worker TASKS EVENTS STORE`` reads tasks from one inherited pipe, writes
events to the other, and puts each trial into the store itself, so that the death of the process
that started it loses no finished trial. It ends at once when that process closes the pipe or dies.
"""

import gc
import os
import queue
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

from provenn.evidence.attempt import perform
from provenn.evidence.files import StoreError
from provenn.evidence.store import Store
from provenn.evidence.tasks import Event, Settled, Task

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}
"""What must be set before a process starts, for one thread and repeatable results."""


def serve(tasks: "queue.SimpleQueue[Task | None]", events: Connection, store: Store) -> None:
    """Measure tasks until ``None`` comes, or until the store cannot be written."""

    def tell(event: Event | StoreError) -> None:
        try:
            events.send(event)
        except OSError:  # nobody listens any more
            os._exit(1)

    while (task := tasks.get()) is not None:
        try:
            tell(Settled(perform(task, store, tell)))
        except StoreError as error:
            tell(error)
            return


def receive(pipe: Connection, tasks: "queue.SimpleQueue[Task | None]") -> None:
    """Pass tasks on; end this process when the other end of the pipe is closed or dies."""
    try:
        while True:
            tasks.put(pipe.recv())
    except EOFError:
        pass
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main() -> None:
    """Serve until told to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C reaches the parent, which stops us
    signal.signal(signal.SIGTERM, _terminate)
    gc.freeze()  # a meter collects garbage: spare it the libraries' objects
    pipe, events = (Connection(int(number)) for number in sys.argv[1:3])
    tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
    threading.Thread(target=receive, args=(pipe, tasks), daemon=True).start()
    serve(tasks, events, Store(Path(sys.argv[3])))


if __name__ == "__main__":
    main()
