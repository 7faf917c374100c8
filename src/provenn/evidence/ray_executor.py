"""Trials on a Ray cluster.

The nodes need provenn and the page's module, and nothing else in common: a trial's record travels
back to this process, which holds its lease and stores it. A trial whose node dies runs again
elsewhere. This module needs Ray, which the rest of the package does not.
"""

import contextlib
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from provenn.evidence.attempt import Series, attempt, keep, keep_crash, load_page
from provenn.evidence.fingerprint import fingerprint
from provenn.evidence.records import TrialRecord
from provenn.evidence.store import Store
from provenn.evidence.tasks import Event, Listener, Outcome, Progressed, Started, Task
from provenn.evidence.worker import ENVIRONMENT

try:
    import ray
    from ray.util.queue import Empty, Queue
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError as error:
    raise ImportError('trials on a cluster need Ray: pip install "provenn[ray]"') from error

MAX_RETRIES = 3
"""How often a trial whose node died runs again."""
POLL_S = 0.2


class Ray:
    """One trial a processor, or a GPU, of a Ray cluster.

    Args:
        address: Address of the cluster's head, e.g. ``10.0.0.1:6379``; ``None`` joins the cluster
            that this process is connected to, or starts one on this machine.
    """

    def __init__(self, address: str | None = None) -> None:
        self.address = address

    def run(
        self, tasks: Sequence[Task], store: Store, tell: Listener
    ) -> Generator[Outcome, None, None]:
        """See :class:`~provenn.evidence.executors.Executor`."""
        with ExitStack() as closing:
            if not ray.is_initialized():
                _connect(self.address)
                closing.callback(ray.shutdown)
            events = _local_queue()
            closing.callback(events.shutdown, force=True)
            by_name = {task.key.name: task for task in tasks}
            waiting = deque(tasks)
            flights: dict[Any, _Flight] = {}
            closing.callback(lambda: _cancel(flights))
            while waiting or flights:
                while waiting and len(flights) < _slots(waiting[0]):
                    task = waiting.popleft()
                    flight = _take_off(task, store, events)
                    if isinstance(flight, Outcome):
                        yield flight
                    else:
                        flights[flight.result] = flight
                landed, _ = ray.wait(list(flights), timeout=POLL_S) if flights else ([], [])
                _pass_on(events, by_name, tell)
                for result in landed:
                    yield flights.pop(result).land(store, tell)


class _Flight:
    """A trial that the cluster runs, under a lease that this process holds."""

    def __init__(self, task: Task, result: Any, lease: ExitStack) -> None:
        self.task = task
        self.result = result
        self.lease = lease

    def land(self, store: Store, tell: Listener) -> Outcome:
        """Store what came back, or how the trial was lost."""
        with self.lease:
            try:
                record, series = ray.get(self.result)
            except ray.exceptions.RayError as error:
                return keep_crash(self.task, f"lost by the cluster: {error}", store, tell)
            return keep(self.task, record, series, store, tell)


def _take_off(task: Task, store: Store, events: Queue) -> _Flight | Outcome:
    lease = store.lease(task.key)
    if lease is None:
        return Outcome(task, "busy")
    with ExitStack() as held:
        held.enter_context(lease)
        if store.is_done(task.key, fingerprint=fingerprint(load_page(task.module))):
            return Outcome(task, "skipped")
        gpus = 1 if task.device.startswith("cuda") else 0
        result = _attempt_remotely.options(num_gpus=gpus).remote(task, events)
        return _Flight(task, result, held.pop_all())


def _attempt(task: Task, events: Queue) -> tuple[TrialRecord, Series]:
    """Run a trial on a node; its progress is told where the way back is open."""

    def tell(event: Event) -> None:
        # Plain data, so that the queue's process need not import what the events are made of.
        progress: tuple[int, int, str, str] | tuple[()] = ()
        if isinstance(event, Progressed):
            progress = (event.step, event.total, event.stage, event.note)
        with contextlib.suppress(ray.exceptions.RayError):
            events.put_nowait((task.key.name, progress))

    tell(Started(task))
    return attempt(task, tell)


_attempt_remotely = ray.remote(
    num_cpus=1, max_retries=MAX_RETRIES, runtime_env={"env_vars": ENVIRONMENT}
)(_attempt)


def _connect(address: str | None) -> None:
    """Join the cluster; what SIGTERM does in this process stays as it was."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    before = signal.getsignal(signal.SIGTERM)
    ray.init(address, include_dashboard=False, log_to_driver=False)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)


def _local_queue() -> Queue:
    """A queue that lives on this process's node, so that no other node's death closes it."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})


def _pass_on(events: Queue, tasks: Mapping[str, Task], tell: Listener) -> None:
    with contextlib.suppress(Empty):
        while True:
            name, progress = events.get_nowait()
            tell(Progressed(tasks[name], *progress) if progress else Started(tasks[name]))


def _slots(task: Task) -> int:
    """How many such trials the cluster can run at a time; at least one, which may wait for it."""
    resource = "GPU" if task.device.startswith("cuda") else "CPU"
    return max(1, int(ray.cluster_resources().get(resource, 0)))


def _cancel(flights: "dict[Any, _Flight]") -> None:
    for flight in flights.values():
        ray.cancel(flight.result, force=True)
        flight.lease.close()
