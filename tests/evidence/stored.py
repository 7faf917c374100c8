"""Small trials on disk, for tests of the store."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from provenn.evidence.encoding import failed_from, record_from
from provenn.evidence.keys import TrialKey
from provenn.evidence.metrics import Competitor, Cost, Metrics
from provenn.evidence.records import Trial, TrialRecord
from provenn.evidence.store import Store
from tests.evidence.builders import provenance


@dataclass(frozen=True)
class Config:
    width: int = 4
    clip: float = float("inf")
    layers: tuple[int, ...] = (1, 2)


def key(seed: int = 0, *, slug: str = "fake", preset: str = "quick") -> TrialKey:
    return TrialKey(slug, preset, "0123456789ab", seed)


def metrics(seed: int = 0) -> Metrics:
    return Metrics(
        values={"max-error": 1e-9 * seed, "diverged": float("nan"), "bound": float("inf")},
        timings={"speedup": 2.5},
        series={"loss": np.array([3.0, np.nan, 0.1 + seed]), "width": np.arange(3.0)},
        competitors=[
            Competitor(
                name="ours",
                label="Ours",
                role="method",
                quality={"accuracy": 0.9 + 0.001 * seed},
                cost=Cost(parameters=10, flops=20, wall_s=0.5, peak_bytes=1e6, tuning_trials=3),
            ),
            Competitor(name="peer", label="Peer", role="peer", quality={"accuracy": 0.8}),
        ],
    )


def record(
    at: TrialKey | None = None,
    *,
    failed: bool = False,
    started: str = "2026-01-01T00:00:00+00:00",
    fingerprint: str = "f" * 64,
    wall_s: float = 1.0,
) -> TrialRecord:
    at = at or key()
    prov = provenance(fingerprint=fingerprint).model_copy(
        update={"started": started, "wall_s": wall_s}
    )
    if failed:
        return failed_from("Traceback: boom", key=at, config=Config(), provenance=prov)
    return record_from(metrics(at.seed), key=at, config=Config(), provenance=prov)


def write(store: Store, at: TrialKey | None = None, **changes: Any) -> Path:
    """Write the trial of ``at``; ``changes`` are those of :func:`record`."""
    what = record(at, **changes)
    return store.write(what, {} if changes.get("failed") else metrics(what.seed).series)


def as_bytes(trials: list[Trial]) -> bytes:
    """All that the trials hold, to compare two stores by."""
    parts = []
    for trial in trials:
        parts.append(trial.record.model_dump_json().encode())
        parts += [name.encode() + array.tobytes() for name, array in trial.series.items()]
    return b"\n".join(parts)


def signed(change: Callable[[dict[str, Any]], object], data: bytes) -> bytes:
    """``trial.json`` with a change, and the SHA-256 that a stranger would give it."""
    plain = json.loads(data)
    del plain["sha256"]
    change(plain)
    return sign(json.dumps(plain, sort_keys=True, indent=1).encode() + b"\n")


def sign(body: bytes) -> bytes:
    """``body`` with the line of its SHA-256 after its first line."""
    line = f' "sha256": "{hashlib.sha256(body).hexdigest()}",\n'.encode()
    first, newline, rest = body.partition(b"\n")
    return first + newline + line + rest


@contextmanager
def warnings_of(store_log: Any) -> Iterator[list[str]]:
    """Warning lines of the store in the block."""
    lines: list[str] = []

    def note(entry: Any) -> bool:
        lines.append(entry.getMessage())
        return False

    store_log.addFilter(note)
    try:
        yield lines
    finally:
        store_log.removeFilter(note)
