"""Trials with given metrics, for tests of what is done with them."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from provenn.evidence.metrics import Metrics
from provenn.evidence.records import Provenance, Trial, TrialRecord


def provenance(*, dirty: bool | None = False, fingerprint: str = "f" * 64) -> Provenance:
    return Provenance(
        provenn="0.1.0",
        python="3.11.7",
        packages={"torch": "2.13.0"},
        git_revision="0" * 40,
        git_dirty=dirty,
        fingerprint=fingerprint,
        data={},
        device="cpu",
        cpu="a processor",
        threads=1,
        deterministic=True,
        started="2026-01-01T00:00:00+00:00",
        wall_s=1.0,
        cpu_s=1.0,
        peak_bytes=1,
    )


def trial(
    seed: int,
    values: Mapping[str, float] | None,
    *,
    preset: str = "laptop",
    series: Mapping[str, Sequence[float]] | None = None,
    dirty: bool | None = False,
) -> Trial:
    """A finished trial with ``values``, or a crashed one where ``values`` is ``None``."""
    metrics = Metrics(
        values=values or {}, series={k: np.asarray(v) for k, v in (series or {}).items()}
    )
    record = TrialRecord(
        slug="fake",
        preset=preset,
        config={},
        config_hash="0" * 12,
        seed=seed,
        status="failed" if values is None else "done",
        values={k: None if math.isnan(v) else v for k, v in (values or {}).items()},
        provenance=provenance(dirty=dirty),
    )
    return Trial(record=record, metrics=metrics, series=metrics.series)


def trials(margins: Sequence[float | None], **options: object) -> list[Trial]:
    """Trials whose metrics ``a`` and ``b`` differ by the given margins; ``None`` is a crash."""
    return [
        trial(seed, None if m is None else {"a": 1.0 + m, "b": 1.0}, **options)  # type: ignore[arg-type]
        for seed, m in enumerate(margins)
    ]
