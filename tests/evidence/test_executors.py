"""Trials in processes: the same figures, others go on when one dies, nobody is left behind."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import Pipe
from pathlib import Path

import pytest

from provenn.evidence import worker
from provenn.evidence.executors import InProcess, Processes, _import_path
from provenn.evidence.files import StoreError
from provenn.evidence.page import Page
from provenn.evidence.runner import plan, run
from provenn.evidence.store import Store
from provenn.evidence.tasks import Finished, Outcome, Progressed, Settled, Started
from tests.reliability.pages import brief

PAGE = Page.from_module(brief)
ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def measure(store, executor, listener=lambda event: None, seeds=None, **overrides):
    return run(
        [PAGE],
        preset="quick",
        store=store,
        executor=executor,
        seeds=seeds,
        overrides=overrides,
        listener=listener,
    )


def workers_of(store):
    """Worker processes of ``store`` that run now, by their number."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = entry.read_text(errors="replace").split("\0")
            if "provenn.evidence.worker" in words and str(store.root) in words:
                found.append(int(entry.parent.name))
    return found


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_processes_measure_what_this_process_measures(store, tmp_path):
    """Also: one crashes and one is killed, and the others go on."""
    events = []
    options = {"crash": (1,), "die": (2,)}
    summary = measure(store, Processes(2), events.append, seeds=4, **options)
    assert sorted(task.seed for task in summary.done) == [0, 3]
    errors = {task.seed: error for task, error in summary.failed}
    assert errors[1] == "ArithmeticError: seed 1 crashes"
    assert errors[2] == "the process that ran the trial died with signal 9 (out of memory?)"
    stored = {trial.seed: trial for trial in store.trials()}
    assert [stored[seed].failed for seed in range(4)] == [False, True, True, False]
    assert store.running() == []

    kinds = [type(event) for event in events if event != events[0] and event_seed(event) == 0]
    assert kinds[0] is Started
    assert kinds[-2:] == [Finished, Settled]
    assert set(kinds[1:-2]) <= {Progressed}

    here = Store(tmp_path / "here")
    measure(here, InProcess(), seeds=1, **options)
    (trial,) = here.trials()
    assert trial.metrics.repeatable() == stored[0].metrics.repeatable()


def event_seed(event):
    return event.outcome.task.seed if isinstance(event, Settled) else event.task.seed


def test_an_interrupt_stops_the_processes(store):
    interrupted = []

    def interrupt(event):
        if isinstance(event, Started):
            assert store.running()
            interrupted.append(time.monotonic())
            signal.raise_signal(signal.SIGINT)

    summary = measure(store, Processes(2), interrupt, pause_s=60.0)
    assert time.monotonic() - interrupted[0] < 20
    assert summary.interrupted
    assert summary.left == 3
    assert store.running() == []
    assert workers_of(store) == []


def test_processes_end_when_their_parent_is_killed(tmp_path):
    code = (
        "from provenn.evidence.executors import Processes\n"
        "from provenn.evidence.page import Page\n"
        "from provenn.evidence.runner import run\n"
        "from provenn.evidence.store import Store\n"
        "from tests.reliability.pages import brief\n"
        f"run([Page.from_module(brief)], preset='quick', store=Store({str(tmp_path)!r}),\n"
        "    executor=Processes(1), overrides={'pause_s': 60.0})\n"
    )
    environment = os.environ | {"PYTHONPATH": _import_path()}
    parent = subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=ROOT)
    try:
        store = Store(tmp_path)
        wait_until(store.running)
        assert len(workers_of(store)) == 1
    finally:
        parent.kill()
        parent.wait()
    wait_until(lambda: not store.running())
    wait_until(lambda: not workers_of(store))


def test_a_store_that_cannot_be_written_ends_the_run(tmp_path):
    store = Store(tmp_path / "store")
    (store.root / "brief").mkdir(parents=True)
    (store.root / "brief" / "quick").write_text("in the way")
    with pytest.raises(StoreError, match="quick must be a directory"):
        measure(store, Processes(1), seeds=1)


def test_workers_must_be_positive():
    with pytest.raises(ValueError, match="workers must be at least 1, got 0"):
        Processes(0)
    assert Processes().workers >= 1


def test_a_worker_serves_tasks_until_it_is_told_to_stop(store):
    """The same code as in a worker process, in this one."""
    ours, theirs = Pipe(duplex=False)
    tasks = queue.SimpleQueue()
    (task,) = plan([PAGE], "quick", seeds=1)
    tasks.put(task)
    tasks.put(None)
    thread = threading.Thread(target=worker.serve, args=(tasks, theirs, store))
    thread.start()
    messages = []
    while not messages or not isinstance(messages[-1], Settled):
        messages.append(ours.recv())
    thread.join()
    assert messages[-1] == Settled(Outcome(task, "done"))
    assert store.is_done(task.key)
    ours.close()
    theirs.close()
