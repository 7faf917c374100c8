"""R4: many processes write the same trials into one store at once."""

import itertools
import multiprocessing
import tempfile
import traceback
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np

from provenn.evidence.files import log
from provenn.evidence.keys import TrialKey
from provenn.evidence.store import Store
from tests.evidence.stored import as_bytes, key, warnings_of, write
from tests.reliability.figures import Figure, Size, figure

TIMEOUT_S = 240.0

_begun: Barrier


@figure("R4")
def measure(size: Size) -> Figure:
    writers, trials = (16, 50) if size == "full" else (4, 20)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    begun = context.Barrier(writers)
    with (
        tempfile.TemporaryDirectory() as folder,
        context.Pool(writers, initializer=_share, initargs=(begun,)) as pool,
    ):
        jobs = [(folder, writer, trials) for writer in range(writers)]
        troubles = pool.starmap_async(_write_all, jobs, chunksize=1).get(TIMEOUT_S)
        store = Store(folder)
        with warnings_of(log) as warnings:
            kept = store.trials()
        lost = trials - len({trial.seed for trial in kept})
        duplicated = len(list(Path(folder).glob("fake/quick/*/seed-*"))) - len(kept)
        left = len(list(Path(folder).glob(".running/*/*")))
    exceptions = [*itertools.chain(*troubles), *warnings]
    return Figure(
        id="R4",
        says=f"{writers} processes write the same {trials} trials at once: lost, duplicated,"
        " exceptions, left behind",
        target="0, 0, 0, 0",
        measured=f"{lost}, {duplicated}, {len(exceptions)}, {left}",
        ok=not (lost or duplicated or exceptions or left),
    )


def _share(begun: Barrier) -> None:
    global _begun
    _begun = begun


def _write_all(folder: str, writer: int, trials: int) -> list[str]:
    """Write every trial in an order of this writer's own; what went wrong."""
    _begun.wait(TIMEOUT_S)  # so that each process takes one job, and all write at once
    store = Store(folder)
    troubles = []
    for seed in np.random.default_rng(writer).permutation(trials).tolist():
        try:
            with warnings_of(log) as warnings:
                _write_one(store, key(seed), writer)
            troubles += warnings
        except Exception:
            troubles.append(traceback.format_exc())
    return troubles


def _write_one(store: Store, at: TrialKey, writer: int) -> None:
    """Write one trial as the runner would, but also where another writer is at it."""
    lease = store.lease(at)
    if lease is not None:
        store.checkpoints(at)
    write(store, at, wall_s=1.0 + writer)
    first = store.read(at)
    if first is None or not store.is_done(at):
        raise AssertionError(f"{at.name} was written, but is not there")
    if as_bytes([first]) != as_bytes([t for t in store.trials() if t.seed == at.seed]):
        raise AssertionError(f"{at.name} is not the same twice")
    store.running()
    if lease is not None:
        lease.release()
