"""R12: whatever the bytes, a reader of the store's files gives only its documented error."""

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from provenn.evidence import encoding
from provenn.evidence.encoding import NewerSchemaError
from provenn.evidence.files import DamagedError, log
from provenn.evidence.store import Store
from tests.evidence.stored import key, metrics, record, sign, warnings_of, write
from tests.reliability.figures import Figure, Size, figure, scratch

ODD = (
    None,
    True,
    -1,
    2**80,
    1e308,
    math.nan,
    math.inf,
    "",
    "inf",
    "../../etc",
    "\x1b[31m\n",
    "<script>alert(1)</script>",
    "a" * 300,
    [],
    [[]],
    {},
    {"": None},
    {"__class__": "x"},
)
"""What a stranger may put where something else is expected."""


@figure("R12")
def measure(size: Size) -> Figure:
    cases = 50_000 if size == "full" else 1_000
    random = np.random.default_rng(0)
    series = encoding.encode_series(metrics().series)
    body = _body()
    crashes = [
        crash
        for _ in range(cases)
        for crash in (
            _crash(_read_record, _mutated(random, encoding.encode(record())[0])),
            _crash(_read_record, sign(_mutated(random, body))),
            _crash(_read_record, sign(_with_odd_node(random, body))),
            _crash(encoding.decode_series, _mutated(random, series)),
        )
        if crash
    ]
    crashes += _crashes_of_store(random, body, series, cases // 10)
    return Figure(
        id="R12",
        says=f"readers of trial.json and series.safetensors fed {4 * cases} mutated files, and the"
        f" store {cases // 10}: crashes other than the documented error",
        target="0",
        measured=str(len(crashes)) + (f" (first: {crashes[0]})" if crashes else ""),
        ok=not crashes,
    )


def _crash(read: Callable[[bytes], object], data: bytes) -> str:
    try:
        read(data)
    except (DamagedError, NewerSchemaError):
        return ""
    except Exception as error:
        return f"{error!r} at {data!r}"
    return ""


def _read_record(data: bytes) -> object:
    what, _ = encoding.decode(data)
    return encoding.trial_from(what, {}).scalars()


def _crashes_of_store(
    random: np.random.Generator, body: bytes, series: bytes, cases: int
) -> list[str]:
    """Crashes of a store whose trial was written by a stranger who knows how to sign."""
    crashes = []
    with scratch() as folder, warnings_of(log):
        write(Store(folder), key(1))
        home = Path(folder) / "fake" / "quick" / "0123456789ab"
        for case in range(cases):
            payload = _mutated(random, series)
            told = hashlib.sha256(payload).hexdigest().encode()
            mine = body.replace(hashlib.sha256(series).hexdigest().encode(), told)
            mine = _with_odd_node(random, mine) if case % 2 else mine
            data = sign(mine)
            path = home / f"seed-0000.done-{hashlib.sha256(mine).hexdigest()[:8]}"
            path.mkdir()
            (path / encoding.RECORD).write_bytes(data)
            (path / encoding.SERIES).write_bytes(payload)
            store = Store(folder, readonly=bool(case % 3))
            try:
                if key(1) not in [key(trial.seed) for trial in store.trials()]:
                    crashes.append(f"lost a sound trial beside {data!r}")
                store.read(key(0))
            except Exception as error:
                crashes.append(f"{error!r} at {data!r}")
            if path.exists():
                for file in path.iterdir():
                    file.unlink()
                path.rmdir()
    return crashes


def _body() -> bytes:
    """``trial.json`` of a sound trial, without the line of its SHA-256."""
    payload = hashlib.sha256(encoding.encode_series(metrics().series)).hexdigest()
    what = record().model_copy(update={"payloads": {encoding.SERIES: payload}})
    plain = json.loads(encoding.encode(what)[0])
    del plain["sha256"]
    return json.dumps(plain, sort_keys=True, indent=1).encode() + b"\n"


def _mutated(random: np.random.Generator, data: bytes) -> bytes:
    """``data`` with a few bytes changed, cut out, doubled or put in."""
    for _ in range(random.integers(1, 5)):
        i, j = sorted(random.integers(0, len(data) + 1, size=2).tolist())
        j = min(j, i + 40)
        match random.integers(0, 4):
            case 0:
                data = data[:i] + random.bytes(1) + data[i + 1 :]
            case 1:
                data = data[:i] + data[j:]
            case 2:
                data = data[:j] + data[i:j] * int(random.integers(1, 50)) + data[j:]
            case _:
                data = data[:i] + random.bytes(int(random.integers(1, 9))) + data[i:]
    return data


def _with_odd_node(random: np.random.Generator, body: bytes) -> bytes:
    """``body`` with one node of its JSON replaced by something odd, or removed, or nested."""
    plain = json.loads(body)
    parent: Any = plain
    while True:
        name = _any_key(random, parent)
        below = parent[name]
        if not (isinstance(below, dict | list) and below) or random.random() < 0.3:
            break
        parent = below
    match random.integers(0, 4):
        case 0:
            del parent[name]
        case 1:
            parent[name] = "DEEP"
        case _:
            parent[name] = ODD[random.integers(0, len(ODD))]
    text = json.dumps(plain, sort_keys=True, indent=1)
    depth = int(random.integers(100, 20_000))
    return text.replace('"DEEP"', "[" * depth + "]" * depth).encode() + b"\n"


def _any_key(random: np.random.Generator, parent: Any) -> Any:
    keys = list(parent) if isinstance(parent, dict) else range(len(parent))
    return keys[random.integers(0, len(keys))]
