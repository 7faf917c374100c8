"""What is done stays done; what is missing, failed or measured by other code runs."""

import dataclasses
import signal
import threading

import numpy as np
import pytest

from provenn.evidence import attempt, runner
from provenn.evidence.executors import InProcess
from provenn.evidence.files import StoreError
from provenn.evidence.metrics import Metrics
from provenn.evidence.page import Page
from provenn.evidence.runner import Summary, plan, run
from provenn.evidence.store import Store
from provenn.evidence.tasks import Finished, Outcome, Planned, Progressed, Settled, Started
from tests.reliability.pages import brief

PAGE = Page.from_module(brief)
pytestmark = pytest.mark.usefixtures("spared_heap")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def journal(tmp_path):
    path = tmp_path / "journal"
    path.touch()
    return path


def measure(store, listener=lambda event: None, seeds=None, **overrides):
    return run(
        [PAGE],
        preset="quick",
        store=store,
        executor=InProcess(),
        seeds=seeds,
        overrides={"pause_s": 0.0, **overrides},
        listener=listener,
    )


def seeds(tasks):
    return [task.seed for task in tasks]


def test_all_seeds_of_the_page_are_run_and_stored(store):
    summary = measure(store)
    assert seeds(summary.done) == [0, 1, 2]
    assert summary.left == 0
    trials = store.trials("brief", "quick")
    assert [trial.seed for trial in trials] == [0, 1, 2]
    record = trials[0].record
    assert record.config["pause_s"] == 0.0
    assert record.provenance.threads == 1
    assert record.provenance.deterministic
    assert record.provenance.wall_s > 0
    assert trials[0].metrics.series["loss"].shape == (5,)
    assert store.running() == []


def test_what_is_done_is_skipped(store):
    measure(store, seeds=2)
    summary = measure(store, seeds=3)
    assert (seeds(summary.skipped), seeds(summary.done)) == ([0, 1], [2])


def test_a_trial_of_other_code_runs_again_and_the_old_one_stays(store, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("provenn.evidence.provenance.fingerprint", lambda page: "0" * 64)
        measure(store, seeds=1)
    assert seeds(measure(store, seeds=1).done) == [0]
    assert seeds(measure(store, seeds=1).skipped) == [0]
    assert len(list(store.root.glob("brief/quick/*/seed-0000.done-*"))) == 2


def test_a_crash_is_recorded_and_the_others_go_on(store):
    summary = measure(store, crash=(1,))
    assert seeds(summary.done) == [0, 2]
    ((task, error),) = summary.failed
    assert (task.seed, error) == (1, "ArithmeticError: seed 1 crashes")
    crashed = store.read(task.key)
    assert crashed.failed
    assert "Traceback" in crashed.record.error
    assert 'raise ArithmeticError(f"seed {seed} crashes")' in crashed.record.error
    assert str(summary) == "2 done, 1 failed; the same command tries the failed ones again"


def test_a_crashed_trial_is_tried_again(store, monkeypatch):
    def crash(config, seed, ctx):
        raise MemoryError("for now")

    with monkeypatch.context() as patch:
        patch.setattr(attempt, "load_page", lambda module: dataclasses.replace(PAGE, trial=crash))
        assert len(measure(store, seeds=1).failed) == 1
    assert seeds(measure(store, seeds=1).done) == [0]
    assert not store.trials()[0].failed


def test_a_trial_must_return_metrics(store, monkeypatch):
    wrong = dataclasses.replace(PAGE, trial=lambda config, seed, ctx: {"accuracy": 1.0})
    monkeypatch.setattr(attempt, "load_page", lambda module: wrong)
    ((_, error),) = measure(store, seeds=1).failed
    assert error == "TypeError: trial of brief must return Metrics, got dict"


def test_a_trial_that_the_store_cannot_hold_has_failed(store, monkeypatch):
    series = {f"s{i}": np.zeros(1) for i in range(1001)}
    large = dataclasses.replace(PAGE, trial=lambda config, seed, ctx: Metrics(series=series))
    monkeypatch.setattr(attempt, "load_page", lambda module: large)
    ((_, error),) = measure(store, seeds=1).failed
    assert "at most 1000 arrays, got 1001" in error


def test_a_store_that_cannot_be_written_ends_the_run(store, monkeypatch):
    def full(self, record, series):
        raise StoreError(f"cannot write {self.root}: No space left on device")

    monkeypatch.setattr(Store, "write", full)
    with pytest.raises(StoreError, match="No space left"):
        measure(store)
    assert store.running() == []


def test_a_trial_that_another_process_runs_is_left_to_it(store):
    task = plan([PAGE], "quick", overrides={"pause_s": 0.0})[1]
    with store.lease(task.key):
        summary = measure(store)
    assert (seeds(summary.done), seeds(summary.busy)) == ([0, 2], [1])
    assert str(summary) == "2 done, 1 under way in another process"


def test_a_trial_that_another_process_has_finished_meanwhile_is_not_run(store, journal):
    first = measure(store, journal=str(journal), seeds=1)
    lines = journal.read_text()
    outcomes = list(InProcess().run(first.done, store, print))
    assert [outcome.status for outcome in outcomes] == ["skipped"]
    assert journal.read_text() == lines


def test_events_come_in_order(store):
    events = []
    measure(store, events.append, seeds=1)
    planned, started, *progressed, finished, settled = events
    assert isinstance(planned, Planned)
    assert seeds(planned.tasks) == [0]
    assert isinstance(started, Started)
    assert all(isinstance(event, Progressed) for event in progressed)
    assert progressed[-1].step == progressed[-1].total == 3
    assert isinstance(finished, Finished)
    assert finished.record.values["between"] is not None
    assert settled == Settled(Outcome(started.task, "done"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_run_cleanly(store, number):
    before = signal.getsignal(number)

    def interrupt(event):
        if isinstance(event, Progressed) and event.task.seed == 1:
            signal.raise_signal(number)

    summary = measure(store, interrupt)
    assert summary.interrupted
    assert seeds(summary.done) == [0]
    assert summary.left == 2
    assert str(summary) == "interrupted: 1 done, 2 not run; the same command goes on from here"
    assert store.running() == []
    assert signal.getsignal(number) is before
    assert seeds(measure(store).done) == [1, 2]


def test_finished_stages_of_an_interrupted_trial_are_not_run_again(store, journal):
    def interrupt(event):
        if isinstance(event, Progressed) and event.step == 1:
            raise KeyboardInterrupt

    summary = measure(store, interrupt, seeds=1, journal=str(journal))
    assert summary.interrupted
    assert journal.read_text().splitlines() == ["0 method"]
    measure(store, seeds=1, journal=str(journal))
    assert journal.read_text().splitlines() == ["0 method", "0 peer", "0 third"]


def test_a_second_signal_does_not_disturb_the_cleaning_up():
    with runner.stopped_by_signals():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with runner.stopped_by_signals():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_signals_are_left_alone_outside_the_main_thread(store):
    before = signal.getsignal(signal.SIGINT)
    summaries = []
    thread = threading.Thread(target=lambda: summaries.append(measure(store, seeds=1)))
    thread.start()
    thread.join()
    assert seeds(summaries[0].done) == [0]
    assert signal.getsignal(signal.SIGINT) is before


def test_the_plan_goes_page_by_page():
    tasks = plan([PAGE, PAGE], "laptop", seeds=2)
    assert seeds(tasks) == [0, 1, 0, 1]
    assert len(plan([PAGE], "laptop")) == 5


def test_impossible_plans_are_refused():
    with pytest.raises(ValueError, match="seeds must be at least 1, got 0"):
        plan([PAGE], "quick", seeds=0)
    with pytest.raises(ValueError, match="preset 'quik' is unknown; did you mean 'quick'"):
        plan([PAGE], "quik")
    with pytest.raises(ValueError, match="has no 'pause'; did you mean 'pause_s'"):
        plan([PAGE], "quick", overrides={"pause": 1.0})


def test_summary_of_nothing():
    assert str(Summary()) == "nothing to do"
