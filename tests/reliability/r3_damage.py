"""R3: a damaged trial is reported, harms no other, and runs again."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from provenn.evidence.files import log
from provenn.evidence.store import Store
from tests.evidence.stored import as_bytes, key, warnings_of, write
from tests.reliability.figures import Figure, Size, figure, scratch


@figure("R3")
def measure(size: Size) -> Figure:
    flips = (0xFF, *(1 << bit for bit in range(8))) if size == "full" else (0xFF,)
    # Not synced: every case ends in a new write, and durability is not what is measured here.
    with scratch() as folder, mock.patch("os.fsync"):
        store = Store(folder)
        path = write(store, key(1))
        write(store, key(0))
        cases = [case for file in sorted(path.iterdir()) for case in _damages(file, flips)]
        whole = as_bytes(store.trials())
        other = as_bytes(store.trials()[:1])
        survived = sum(_survives(store.root, *case, other, whole) for case in cases)
    return Figure(
        id="R3",
        says=f"a trial's files truncated at every byte and every byte flipped ({len(cases)} cases):"
        " store opens, others intact, damage reported, trial run again",
        target="100 %",
        measured=f"{100 * survived / len(cases):.6g} %",
        ok=survived == len(cases),
    )


def _damages(file: Path, flips: tuple[int, ...]) -> Iterator[tuple[Path, bytes]]:
    data = file.read_bytes()
    for i in range(len(data)):
        yield file, data[:i]
        for flip in flips:
            yield file, data[:i] + bytes([data[i] ^ flip]) + data[i + 1 :]


def _survives(root: Path, file: Path, damaged: bytes, other: bytes, whole: bytes) -> bool:
    """Whether the store copes with the damage; the trial is whole again afterwards."""
    file.write_bytes(damaged)
    store = Store(root)
    with warnings_of(log) as lines:
        left = as_bytes(store.trials())
    reported = len(lines) == 1 and str(file.parent) in lines[0] and len(store.quarantined()) == 1
    intact = left == other and not store.is_done(key(1))
    write(store, key(1))
    shutil.rmtree(root / "quarantine", ignore_errors=True)
    return reported and intact and as_bytes(store.trials()) == whole
