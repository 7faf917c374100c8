"""R6: stores merged by copying give the same evidence in whatever order they were copied."""

import itertools
import subprocess
import tempfile
from pathlib import Path

from provenn.evidence.files import log
from provenn.evidence.store import Store
from tests.evidence.stored import as_bytes, key, warnings_of, write
from tests.reliability.figures import Figure, Size, figure


@figure("R6")
def measure(size: Size) -> Figure:
    n_stores = 4 if size == "full" else 2
    with tempfile.TemporaryDirectory() as folder, warnings_of(log) as warnings:
        stores = [_store(Path(folder) / f"store-{n}", n) for n in range(n_stores)]
        merged = [
            _merged(Path(folder) / f"merged-{n}", orders * 2)
            for n, orders in enumerate(itertools.permutations(stores))
        ]
        expected = {(trial.record.slug, trial.seed) for s in stores for trial in s.trials()}
        kept = {(trial.record.slug, trial.seed) for trial in merged[0].trials()}
        different = len({as_bytes(store.trials()) for store in merged})
        files = len({_files(store.root) for store in merged})
    return Figure(
        id="R6",
        says=f"{n_stores} stores with common trials merged by cp -r, twice, in each of"
        f" {len(merged)} orders: different results, different files, lost trials, warnings",
        target="1, 1, 0, 0",
        measured=f"{different}, {files}, {len(expected - kept)}, {len(warnings)}",
        ok=different == files == 1 and kept == expected and not warnings,
    )


def _store(root: Path, n: int) -> Store:
    """Trials of its own, and of the trials of all: done, failed, and done by other code."""
    store = Store(root)
    started = f"2026-01-0{1 + n % 3}T00:00:00+00:00"
    write(store, key(n, slug=f"only-{n}"))
    write(store, key(0), wall_s=1.0 + n, started=started)
    write(store, key(1), failed=n % 2 == 0, started=started)
    write(store, key(2), failed=True, started=started, wall_s=1.0 + n)
    write(store, key(3), fingerprint=f"{n}" * 64, started=started)
    store.checkpoints(key(4))
    return store


def _merged(root: Path, stores: tuple[Store, ...]) -> Store:
    for store in stores:
        root.mkdir(exist_ok=True)
        subprocess.run(["cp", "-r", f"{store.root}/.", f"{root}/"], check=True)
    return Store(root)


def _files(root: Path) -> tuple[tuple[str, bytes], ...]:
    found = (path for path in sorted(root.glob("[!.]*/**/*")) if path.is_file())
    return tuple((str(path.relative_to(root)), path.read_bytes()) for path in found)
