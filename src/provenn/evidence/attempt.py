"""One trial, from its task to its record in the store."""

import hashlib
import importlib
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from provenn.evidence.context import TrialContext, repeatable, seed_generators
from provenn.evidence.encoding import failed_from, record_from
from provenn.evidence.files import StoreError
from provenn.evidence.fingerprint import fingerprint
from provenn.evidence.meter import measure
from provenn.evidence.metrics import Metrics
from provenn.evidence.page import Page
from provenn.evidence.provenance import provenance
from provenn.evidence.records import TrialRecord
from provenn.evidence.store import Store
from provenn.evidence.tasks import Finished, Listener, Outcome, Started, Task

Series = Mapping[str, NDArray[np.float64]]


@cache
def load_page(module: str) -> Page:
    """The page of that module, so that a task can name it without this package knowing papers."""
    return Page.from_module(importlib.import_module(module))


def attempt(task: Task, tell: Listener, folder: Path | None = None) -> tuple[TrialRecord, Series]:
    """Run a trial; a crash is recorded with its traceback.

    Args:
        task: The trial.
        tell: Listener that hears of its progress.
        folder: Where its finished stages are kept and read back from; ``None`` keeps nothing.

    Returns:
        The record, and the series that belong to it.
    """
    page = load_page(task.module)
    context = TrialContext(task, tell, _stages(folder, page, task) if folder else None)
    started = datetime.now(UTC)
    metrics, error = Metrics(), ""
    with repeatable():
        seed_generators(task.seed)
        with measure(task.device) as meter:
            try:
                metrics = page.trial(task.config, task.seed, context)
                _check_metrics(metrics, task)
            except StoreError:
                raise
            except Exception:
                error = traceback.format_exc()
        origin = provenance(
            page,
            task.device,
            started=started,
            wall_s=meter.wall_s + context.resumed_wall_s,
            cpu_s=meter.cpu_s + context.resumed_cpu_s,
            peak_bytes=meter.peak_bytes,
            data=context.data,
        )
    if error:
        return failed_from(error, key=task.key, config=task.config, provenance=origin), {}
    record = record_from(metrics, key=task.key, config=task.config, provenance=origin)
    return record, metrics.series


def perform(task: Task, store: Store, tell: Listener) -> Outcome:
    """Run a trial under its lease and store it, unless that is done or being done elsewhere.

    Raises:
        StoreError: If the store cannot be written.
    """
    lease = store.lease(task.key)
    if lease is None:
        return Outcome(task, "busy")
    with lease:
        if store.is_done(task.key, fingerprint=fingerprint(load_page(task.module))):
            return Outcome(task, "skipped")
        tell(Started(task))
        record, series = attempt(task, tell, store.checkpoints(task.key))
        return keep(task, record, series, store, tell)


def keep(task: Task, record: TrialRecord, series: Series, store: Store, tell: Listener) -> Outcome:
    """Store a trial that ended, and say so. The caller holds its lease.

    Raises:
        StoreError: If the store cannot be written.
    """
    try:
        store.write(record, series)
    except ValueError as error:  # more than a store accepts
        record = failed_from(
            str(error), key=task.key, config=task.config, provenance=record.provenance
        )
        store.write(record, {})
    tell(Finished(task, record))
    if record.status == "failed":
        return Outcome(task, "failed", last_line(record.error))
    return Outcome(task, "done")


def keep_crash(task: Task, how: str, store: Store, tell: Listener) -> Outcome:
    """Store that a trial's process died under it, and say so. The caller holds its lease.

    Args:
        task: The trial.
        how: How it died, in the last line.
        store: Where the record goes.
        tell: Hears of it.

    Raises:
        StoreError: If the store cannot be written.
    """
    page = load_page(task.module)
    with repeatable():
        origin = provenance(page, task.device, started=datetime.now(UTC), wall_s=0.0, cpu_s=0.0)
    record = failed_from(how, key=task.key, config=task.config, provenance=origin)
    return keep(task, record, {}, store, tell)


def last_line(error: str) -> str:
    """The line of a traceback that says what went wrong."""
    lines = error.strip().splitlines()
    return lines[-1] if lines else "unknown error"


def _check_metrics(metrics: object, task: Task) -> None:
    if not isinstance(metrics, Metrics):
        raise TypeError(f"trial of {task.slug} must return Metrics, got {type(metrics).__name__}")


def _stages(folder: Path, page: Page, task: Task) -> Path:
    """Where the stages are kept that the present code computed on this device."""
    made_by = f"{fingerprint(page)} {torch.__version__} {task.device}"
    return folder / hashlib.sha256(made_by.encode()).hexdigest()[:16]
