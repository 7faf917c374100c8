"""A trial as bytes and back: ``trial.json`` and ``series.safetensors``.

``trial.json`` is JSON with sorted keys, one a line, so that a changed figure is one changed line in
a diff. One of its lines holds the SHA-256 of all the others; every schema version keeps that line.
The reader of every released schema stays in :data:`_READERS`.
"""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from provenn.evidence.files import DamagedError
from provenn.evidence.keys import TrialKey
from provenn.evidence.metrics import COSTS, Competitor, Cost, Metrics
from provenn.evidence.names import check_metric
from provenn.evidence.records import (
    SCHEMA_VERSION,
    CompetitorRecord,
    Number,
    Provenance,
    Trial,
    TrialRecord,
)

RECORD = "trial.json"
SERIES = "series.safetensors"
MAX_RECORD_BYTES = 4 * 2**20
MAX_SERIES_BYTES = 64 * 2**20
MAX_SERIES = 1_000
MAX_HEADER_BYTES = 2**20
MAX_ERROR_CHARACTERS = 20_000

_DIGEST = re.compile(rb'^ "sha256": "([0-9a-f]{64})",\n', re.MULTILINE)


class NewerSchemaError(ValueError):
    """A record was written by a newer provenn."""


def record_from(
    metrics: Metrics, *, key: TrialKey, config: Any, provenance: Provenance
) -> TrialRecord:
    """Record of a trial that ended; its series are stored beside it.

    Args:
        metrics: What the trial measured. NaN and the infinities are kept.
        key: What names the trial.
        config: The config dataclass that it ran with.
        provenance: Where, when and with what it ran.
    """
    return TrialRecord(
        **_named(key, config),
        status="done",
        values=_numbers(metrics.values),
        timings=_numbers(metrics.timings),
        competitors=[
            CompetitorRecord(
                name=c.name,
                label=c.label,
                role=c.role,
                quality=_numbers(c.quality),
                cost=_numbers({cost: getattr(c.cost, cost) for cost in COSTS}),
                package=c.package,
            )
            for c in metrics.competitors
        ],
        provenance=provenance,
    )


def failed_from(error: str, *, key: TrialKey, config: Any, provenance: Provenance) -> TrialRecord:
    """Record of a trial that crashed; of a long traceback the end is kept."""
    text = error.encode("utf-8", "replace").decode()[-MAX_ERROR_CHARACTERS:]
    return TrialRecord(**_named(key, config), status="failed", error=text, provenance=provenance)


def encode(record: TrialRecord) -> tuple[bytes, str]:
    """Bytes of ``trial.json``, and the SHA-256 that they carry.

    Raises:
        ValueError: If they are more than a store accepts.
    """
    plain = record.model_dump(mode="json")
    digest = hashlib.sha256(_dump(plain)).hexdigest()
    data = _dump({**plain, "sha256": digest})
    if len(data) > MAX_RECORD_BYTES:
        raise ValueError(f"record must be at most {MAX_RECORD_BYTES} bytes, got {len(data)}")
    return data, digest


def decode(data: bytes) -> tuple[TrialRecord, str]:
    """The record that :func:`encode` wrote, and its SHA-256.

    Raises:
        DamagedError: If the bytes are not what was written.
        NewerSchemaError: If a newer version wrote them.
    """
    lines = list(_DIGEST.finditer(data))
    if len(lines) != 1:
        raise DamagedError(f"{RECORD} has no SHA-256 of itself")
    body = data[: lines[0].start()] + data[lines[0].end() :]
    digest = hashlib.sha256(body).hexdigest()
    if digest != lines[0][1].decode():
        raise DamagedError(f"{RECORD} does not match its SHA-256")
    try:
        version = _Version.model_validate_json(body, strict=True).schema_version
        if version > SCHEMA_VERSION:
            raise NewerSchemaError(
                f"schema {version} was written by a newer provenn; this one reads up to "
                f"{SCHEMA_VERSION}"
            )
        if version not in _READERS:
            raise DamagedError(f"{RECORD} has the unknown schema {version}")
        record = _READERS[version](body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DamagedError(
            f"{RECORD} is malformed at {where or 'its start'}: {first['msg']}"
        ) from None
    if record.config != _plain(record.config):
        raise DamagedError(f"{RECORD} is malformed at config: it holds NaN or an infinity")
    return record, digest


def encode_series(series: Mapping[str, NDArray[np.float64]]) -> bytes:
    """Bytes of ``series.safetensors``.

    Raises:
        ValueError: If a name is malformed, or there is more than a store accepts.
    """
    for name in series:
        check_metric(name, "series")
    if len(series) > MAX_SERIES:
        raise ValueError(f"series must be at most {MAX_SERIES} arrays, got {len(series)}")
    arrays = {k: np.array(v, dtype=np.float64, order="C") for k, v in series.items()}
    size = sum(array.nbytes for array in arrays.values())
    if size > MAX_SERIES_BYTES - MAX_HEADER_BYTES:
        raise ValueError(
            f"series must be at most {MAX_SERIES_BYTES - MAX_HEADER_BYTES} bytes, got {size}"
        )
    return safetensors.numpy.save(arrays)


def decode_series(data: bytes) -> dict[str, NDArray[np.float64]]:
    """The arrays that :func:`encode_series` wrote, read-only.

    Raises:
        DamagedError: If the bytes are not what it writes.
    """
    if int.from_bytes(data[:8], "little") > MAX_HEADER_BYTES:
        raise DamagedError(f"{SERIES} has a header of more than {MAX_HEADER_BYTES} bytes")
    try:
        tensors = safetensors.deserialize(data)
        if len(tensors) > MAX_SERIES:
            raise DamagedError(f"{SERIES} has more than {MAX_SERIES} arrays")
        return {check_metric(name, "series"): _array(tensor) for name, tensor in sorted(tensors)}
    except (safetensors.SafetensorError, ValueError) as error:
        raise DamagedError(f"{SERIES} is malformed: {error}") from None


def trial_from(record: TrialRecord, series: Mapping[str, NDArray[np.float64]]) -> Trial:
    """The trial whose record and series were stored.

    Raises:
        DamagedError: If the record names a metric or a cost that cannot be.
    """
    try:
        metrics = Metrics(
            values=_floats(record.values),
            timings=_floats(record.timings),
            series=series,
            competitors=[_competitor(c) for c in record.competitors],
        )
    except ValueError as error:
        raise DamagedError(f"{RECORD} is malformed: {error}") from None
    return Trial(record=record, metrics=metrics, series=metrics.series)


class _Version(BaseModel):
    schema_version: int


def _read_schema_1(body: bytes) -> TrialRecord:
    return TrialRecord.model_validate_json(body, strict=True)


_READERS: dict[int, Callable[[bytes], TrialRecord]] = {1: _read_schema_1}


def _dump(plain: Mapping[str, Any]) -> bytes:
    text = json.dumps(plain, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def _named(key: TrialKey, config: Any) -> dict[str, Any]:
    return {
        "slug": key.slug,
        "preset": key.preset,
        "config_hash": key.config_hash,
        "seed": key.seed,
        "config": _plain(dataclasses.asdict(config)),
    }


def _plain(value: Any) -> Any:
    """``value`` as JSON can hold it: lists for tuples, words for NaN and the infinities."""
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _numbers(values: Mapping[str, float]) -> dict[str, Number]:
    return {name: _number(float(value)) for name, value in values.items()}


def _number(value: float) -> Number:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value


def _floats(numbers: Mapping[str, Number]) -> dict[str, float]:
    return {name: math.nan if n is None else float(n) for name, n in numbers.items()}


def _competitor(record: CompetitorRecord) -> Competitor:
    cost = _floats(record.cost)
    tuning_trials = cost.pop("tuning_trials", 1.0)
    if not set(cost) < set(COSTS) or not tuning_trials.is_integer():
        raise ValueError(f"the cost of {record.name!r} must be of {', '.join(COSTS)}")
    return Competitor(
        name=record.name,
        label=record.label,
        role=record.role,
        quality=_floats(record.quality),
        cost=Cost(**cost, tuning_trials=int(tuning_trials)),
        package=record.package,
    )


def _array(tensor: Mapping[str, Any]) -> NDArray[np.float64]:
    if tensor["dtype"] != "F64":
        raise ValueError(f"its arrays must be F64, got {tensor['dtype']}")
    flat = np.frombuffer(bytes(tensor["data"]), dtype="<f8")
    return flat.reshape(tensor["shape"])
