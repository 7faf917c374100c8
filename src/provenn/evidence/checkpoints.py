"""Results of a trial's stages on disk, so that a killed trial goes on after its last stage.

A checkpoint is one safetensors file: the arrays as tensors, all else as JSON in its metadata. It is
written under a temporary name and renamed, and its name carries the SHA-256 of its bytes, so a
half-written or damaged checkpoint is never read: its stage runs again.
"""

import contextlib
import dataclasses
import hashlib
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from provenn.evidence.files import naming, write_durably
from provenn.evidence.metrics import Competitor, Cost, Metrics

Arrays = dict[str, NDArray[Any]]


@dataclasses.dataclass(frozen=True)
class Encoded:
    """A stage's result as JSON text and arrays, with what it took and read."""

    text: str
    arrays: Arrays
    wall_s: float = 0.0
    cpu_s: float = 0.0
    data: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Data set that the stage read, to the SHA-256 of its arrays."""


def encode(value: Any, stage: str) -> Encoded:
    """Take a stage's result apart.

    Raises:
        TypeError: If it holds something other than ``Metrics``, ``Competitor``, ``dict`` with
            string keys, ``list``, ``tuple``, real numbers, strings, ``None`` and real NumPy arrays.
    """
    arrays: Arrays = {}
    return Encoded(json.dumps(_plain(value, arrays, stage)), arrays)


def decode(encoded: Encoded) -> Any:
    """Put a stage's result together again."""
    return _value(json.loads(encoded.text), encoded.arrays)


def write(folder: Path, stage: str, encoded: Encoded) -> None:
    """Write the checkpoint of ``stage``, atomically.

    Raises:
        StoreError: If that fails.
    """
    spent = {"wall_s": encoded.wall_s, "cpu_s": encoded.cpu_s, "data": dict(encoded.data)}
    payload = save(encoded.arrays, metadata={"value": encoded.text, "spent": json.dumps(spent)})
    temporary = folder / f"{stage}.{secrets.token_hex(8)}.tmp"
    with naming(folder, "write"):
        folder.mkdir(parents=True, exist_ok=True)
        write_durably(temporary, payload)
        temporary.replace(folder / f"{stage}.{_digest(payload)}.safetensors")


def read(folder: Path, stage: str) -> Encoded | None:
    """The checkpoint of ``stage``; ``None`` if there is none or it is damaged."""
    for path in sorted(folder.glob(f"{stage}.*.safetensors")):
        with contextlib.suppress(OSError, ValueError, KeyError, SafetensorError):
            payload = path.read_bytes()
            if path.name == f"{stage}.{_digest(payload)}.safetensors":
                return _parse(payload)
    return None


def _parse(payload: bytes) -> Encoded:
    header = json.loads(payload[8 : 8 + int.from_bytes(payload[:8], "little")])
    metadata = header["__metadata__"]
    return Encoded(metadata["value"], load(payload), **json.loads(metadata["spent"]))


def _digest(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()[:32]


def _plain(value: Any, arrays: Arrays, stage: str) -> Any:
    """JSON for ``value``: containers and our own types are objects with a single, naming key."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case np.generic():
            return value.item()
        case np.ndarray() if value.dtype.kind in "biuf" and value.dtype.itemsize <= 8:
            arrays[name := f"a{len(arrays)}"] = np.ascontiguousarray(value).reshape(value.shape)
            return {"array": name}
        case list() | tuple():
            return {type(value).__name__: [_plain(v, arrays, stage) for v in value]}
        case dict() if all(isinstance(key, str) for key in value):
            return {"dict": {k: _plain(v, arrays, stage) for k, v in value.items()}}
        case Metrics() | Competitor() | Cost():
            fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
            return {type(value).__name__: _plain(fields, arrays, stage)}
        case _:
            raise TypeError(
                f"result of stage {stage!r} must be made of Metrics, Competitor, dict with string "
                f"keys, list, tuple, real numbers, strings, None and real NumPy arrays, got "
                f"{type(value).__module__}.{type(value).__qualname__}"
            )


_TYPES = {t.__name__: t for t in (Metrics, Competitor, Cost)}


def _value(plain: Any, arrays: Arrays) -> Any:
    if not isinstance(plain, dict):
        return plain
    ((kind, content),) = plain.items()
    match kind:
        case "array":
            return arrays[content]
        case "list":
            return [_value(v, arrays) for v in content]
        case "tuple":
            return tuple(_value(v, arrays) for v in content)
        case "dict":
            return {k: _value(v, arrays) for k, v in content.items()}
        case _:
            return _TYPES[kind](**_value(content, arrays))
