"""The store: one immutable directory a trial, and no shared file that changes.

::

    <root>/<slug>/<preset>/<config hash>/seed-0003.done-<8 hex>/{trial.json,series.safetensors}
    <root>/<slug>/<preset>/<config hash>/seed-0003.failed-<8 hex>/trial.json
    <root>/.running/     leases and checkpoints of trials in flight
    <root>/quarantine/   what was damaged

The 8 digits begin the SHA-256 of the record, so two different records never share a name: copying
one store into another merges them and overwrites nothing, in whatever order. A trial is written
under a temporary name, synced, and renamed.
"""

import contextlib
import hashlib
import os
import re
import secrets
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import provenn
from provenn.evidence import encoding
from provenn.evidence.encoding import RECORD, SERIES, NewerSchemaError
from provenn.evidence.files import (
    DamagedError,
    StoreError,
    exclusively,
    is_directory,
    log,
    make_directory,
    naming,
    read_bounded,
    remove_tree,
    subdirectories,
    sync_directory,
    write_durably,
)
from provenn.evidence.keys import TrialKey
from provenn.evidence.leases import Lease, LeaseDesk, LeaseInfo
from provenn.evidence.names import check_id
from provenn.evidence.records import Trial, TrialRecord

_ENTRY = re.compile(r"(seed-[0-9]{4,6})\.(done|failed)-([0-9a-f]{8})")
_ABANDONED_AFTER_S = 3600.0
_LONGEST_WARNING = 1_000


class Store:
    """Trials on disk.

    Args:
        root: Directory of the store; made when the first trial is written.
        readonly: Whether nothing may be changed: damaged trials are skipped where they lie.

    Raises:
        StoreError: If ``root`` is something else than a directory.
    """

    def __init__(self, root: Path | str, *, readonly: bool = False) -> None:
        self.root = Path(root).expanduser().resolve()
        self.readonly = readonly
        if self.root.exists() and not self.root.is_dir():
            raise StoreError(f"{self.root} must be a directory")
        self._desk = LeaseDesk(self.root)
        self._reported: set[Path] = set()

    def __repr__(self) -> str:
        return f"Store({str(self.root)!r}, readonly={self.readonly})"

    def write(self, record: TrialRecord, series: Mapping[str, NDArray[np.float64]]) -> Path:
        """Store a trial, and drop its checkpoints if it is done.

        Of two done trials with one key and one code fingerprint the first is kept.

        Args:
            record: The trial; its ``payloads`` are filled in.
            series: Its series.

        Returns:
            Directory of the trial that is kept.

        Raises:
            StoreError: If it cannot be written; the message names the path, and all that was in
                the store is as it was.
            ValueError: If it is larger than a store accepts.
        """
        self._check_writable()
        key = TrialKey.of(record)
        payloads = {SERIES: encoding.encode_series(series)} if series else {}
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in payloads.items()}
        data, digest = encoding.encode(record.model_copy(update={"payloads": hashes}))
        name = f"{key.seed_name}.{record.status}-{digest[:8]}"
        with self._writing(name, {**payloads, RECORD: data}) as temporary:
            path = self._publish(temporary, key, record, name)
        if record.status == "done":
            self._drop_checkpoints(key)
        return path

    def read(self, key: TrialKey, *, fingerprint: str | None = None) -> Trial | None:
        """The done trial of that key, else the newest failed one, else ``None``.

        Of the done trials of one code fingerprint the first counts, of several fingerprints the
        newest. A damaged trial is moved to quarantine with one line of warning.

        Args:
            key: What names the trial.
            fingerprint: Code whose trials, done or failed, come before those of all other code.
        """
        return _chosen(self._trials_in(self._home(key), key.seed_name), fingerprint)

    def trials(
        self,
        slug: str | None = None,
        preset: str | None = None,
        config_hash: str | None = None,
        *,
        fingerprint: str | None = None,
    ) -> list[Trial]:
        """One trial a key, as :meth:`read` gives it, sorted by key.

        Args:
            slug: Only of this paper.
            preset: Only of this preset.
            config_hash: Only of this config.
            fingerprint: Code whose trials come before those of all other code.

        Raises:
            ValueError: If ``slug``, ``preset`` or ``config_hash`` is no identifier.
        """
        by_key: dict[TrialKey, list[tuple[str, Trial]]] = defaultdict(list)
        for home in self._homes(slug, preset, config_hash):
            for name, trial in self._trials_in(home):
                by_key[TrialKey.of(trial.record)].append((name, trial))
        chosen = (_chosen(by_key[key], fingerprint) for key in sorted(by_key))
        return [trial for trial in chosen if trial is not None]

    def is_done(self, key: TrialKey, *, fingerprint: str | None = None) -> bool:
        """Whether the trial of that key is done (by the code of that fingerprint, if given)."""
        return any(
            not trial.failed and fingerprint in (None, trial.record.provenance.fingerprint)
            for _, trial in self._trials_in(self._home(key), key.seed_name)
        )

    def lease(self, key: TrialKey) -> Lease | None:
        """The right to run the trial, or ``None`` while a live owner holds it.

        Raises:
            StoreError: If the lease cannot be written.
        """
        self._check_writable()
        return self._desk.take(key)

    def running(self) -> list[LeaseInfo]:
        """Trials that run now; what dead owners left is removed."""
        if not self.readonly:
            self._remove_abandoned()
        return self._desk.live(reap=not self.readonly)

    def checkpoints(self, key: TrialKey) -> Path:
        """Directory for the checkpoints of a trial, made; :meth:`write` of the done trial drops it.

        Raises:
            StoreError: If it cannot be made.
        """
        self._check_writable()
        return make_directory(self.root, ".running", "checkpoints", key.name)

    def quarantined(self) -> list[Path]:
        """Directories of the damaged trials."""
        return subdirectories(self.root / "quarantine")

    def _home(self, key: TrialKey) -> Path:
        return self.root / key.slug / key.preset / key.config_hash

    def _drop_checkpoints(self, key: TrialKey) -> None:
        # Renamed first: half of the checkpoints must never be taken for all of them.
        checkpoints = make_directory(self.root, ".running", "checkpoints") / key.name
        dropped = self._scratch(key.name)
        with naming(checkpoints, "remove"), contextlib.suppress(FileNotFoundError):
            os.rename(checkpoints, dropped)  # noqa: PTH104 - as all writes, through os
        remove_tree(dropped)

    def _scratch(self, name: str) -> Path:
        """A new name for what is being written or removed."""
        folder = make_directory(self.root, ".running", "writing")
        return folder / f"{name}.{secrets.token_hex(8)}"

    def _check_writable(self) -> None:
        if self.readonly:
            raise StoreError(f"{self.root} is open for reading only")

    @contextlib.contextmanager
    def _writing(self, name: str, files: Mapping[str, bytes]) -> Iterator[Path]:
        """A synced temporary directory with ``files``, gone after the block."""
        temporary = self._scratch(name)
        make_directory(temporary.parent, temporary.name)
        try:
            for file, data in files.items():
                write_durably(temporary / file, data)
            sync_directory(temporary)
            yield temporary
        finally:
            with contextlib.suppress(StoreError):
                remove_tree(temporary)

    def _publish(self, temporary: Path, key: TrialKey, record: TrialRecord, name: str) -> Path:
        """Rename ``temporary`` to its place, unless a done trial is there first."""
        with exclusively(self.root / ".running" / "lock"):
            home = make_directory(self.root, key.slug, key.preset, key.config_hash)
            for kept, trial in self._trials_in(home, key.seed_name):
                same = trial.record.provenance.fingerprint == record.provenance.fingerprint
                if kept == name or (record.status == "done" and not trial.failed and same):
                    return home / kept
            with naming(home / name, "write"):
                os.rename(temporary, home / name)  # noqa: PTH104 - as all writes, through os
            sync_directory(home)
            return home / name

    def _remove_abandoned(self) -> None:
        """Remove what a writer that was killed left behind."""
        if is_directory(self.root / ".running"):
            for path in subdirectories(self.root / ".running" / "writing"):
                with contextlib.suppress(OSError, StoreError):
                    if time.time() - path.lstat().st_mtime > _ABANDONED_AFTER_S:
                        remove_tree(path)

    def _homes(
        self, slug: str | None, preset: str | None, config_hash: str | None
    ) -> Iterator[Path]:
        for paper in _chosen_directories(self.root, slug):
            for of_preset in _chosen_directories(paper, preset):
                yield from _chosen_directories(of_preset, config_hash)

    def _trials_in(self, home: Path, seed_name: str | None = None) -> list[tuple[str, Trial]]:
        """Every sound trial in ``home`` under the name of its directory."""
        levels = (home.parent.parent, home.parent, home)
        if not all(is_directory(level) for level in levels):
            return []
        found = []
        for path in subdirectories(home):
            entry = _ENTRY.fullmatch(path.name)
            if entry is not None and seed_name in (None, entry[1]):
                trial = self._sound(path)
                if trial is not None:
                    found.append((path.name, trial))
        return found

    def _sound(self, path: Path) -> Trial | None:
        """The trial in ``path``; ``None``, with a line of warning, if it cannot be used."""
        try:
            return _read_entry(path)
        except NewerSchemaError as error:
            self._warn(path, f"{error}; left in place")
        except DamagedError as error:
            self._quarantine(path, error)
        except OSError as error:
            self._warn(path, f"cannot be read: {error.strerror or error}; left in place")
        return None

    def _quarantine(self, path: Path, reason: DamagedError) -> None:
        if self.readonly:
            self._warn(path, f"{reason}; skipped")
            return
        name = ".".join(path.relative_to(self.root).parts)
        try:
            shelf = make_directory(self.root, "quarantine")
            os.rename(path, shelf / f"{name}.{secrets.token_hex(4)}")  # noqa: PTH104
        except FileNotFoundError:  # another process was faster
            return
        except (OSError, StoreError) as error:
            self._warn(path, f"{reason}; left in place: {error}")
            return
        self._warn(path, f"{reason}; moved to quarantine, only this trial will run again")

    def _warn(self, path: Path, text: str) -> None:
        if path not in self._reported:
            self._reported.add(path)
            log.warning("%s", _line(f"{path}: {text}"))


def default_store() -> Store:
    """The user's store: ``PROVENN_STORE``, or ``provenn/store`` in the home of user data."""
    named = os.environ.get("PROVENN_STORE")
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Store(named or Path(home) / "provenn" / "store")


def committed_store() -> Store | None:
    """The evidence that came with provenn, read-only; ``None`` if none did."""
    package = Path(provenn.__file__).parent
    installed, checkout = package / "_committed", package.parents[1] / "evidence"
    if installed.is_dir():
        return Store(installed, readonly=True)
    if package.parent.name == "src" and checkout.is_dir():
        return Store(checkout, readonly=True)
    return None


def check_seeds(trials: Iterable[Trial]) -> None:
    """Check that the seeds of every paper, preset and config are 0 to n-1.

    Raises:
        ValueError: If one is missing; the message names it.
    """
    seeds: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for trial in trials:
        key = TrialKey.of(trial.record)
        seeds[key.slug, key.preset, key.config_hash].add(key.seed)
    for group, present in seeds.items():
        missing = sorted(set(range(max(present) + 1)) - present)
        if missing:
            raise ValueError(
                f"trials of {'/'.join(group)} must have the seeds 0 to {max(present)}, "
                f"all of them; missing: {', '.join(map(str, missing[:10]))}"
            )


def without_gap(trials: Iterable[Trial]) -> list[Trial]:
    """The trials of one config with the seeds from 0 up to the first gap, in the order of seeds."""
    ordered = sorted(trials, key=lambda trial: trial.seed)
    return [trial for n, trial in enumerate(ordered) if trial.seed == n]


def _read_entry(path: Path) -> Trial:
    """The trial in ``path``, checked against every hash and against its own path."""
    record, digest = encoding.decode(read_bounded(path / RECORD, encoding.MAX_RECORD_BYTES))
    key = TrialKey.of(record)
    told = (key.slug, key.preset, key.config_hash, f"{key.seed_name}.{record.status}-{digest[:8]}")
    if path.parts[-4:] != told:
        raise DamagedError(f"{RECORD} belongs to {'/'.join(told)}")
    if not set(record.payloads) <= {SERIES}:
        raise DamagedError(f"{RECORD} names unknown payloads")
    series = {}
    if SERIES in record.payloads:
        data = read_bounded(path / SERIES, encoding.MAX_SERIES_BYTES)
        if hashlib.sha256(data).hexdigest() != record.payloads[SERIES]:
            raise DamagedError(f"{SERIES} does not match its SHA-256")
        series = encoding.decode_series(data)
    return encoding.trial_from(record, series)


def _chosen(named: Iterable[tuple[str, Trial]], fingerprint: str | None) -> Trial | None:
    """The trial that counts among those of one key, whatever the order in which they came."""
    ordered = sorted(named, key=lambda entry: (entry[1].record.provenance.started, entry[0]))
    trials = [trial for _, trial in ordered]
    preferred = [t for t in trials if t.record.provenance.fingerprint == fingerprint]
    trials = preferred or trials
    first: dict[str, Trial] = {}
    for trial in trials:
        if not trial.failed:
            first.setdefault(trial.record.provenance.fingerprint, trial)
    return [*first.values()][-1] if first else next(reversed(trials), None)


def _chosen_directories(parent: Path, name: str | None) -> list[Path]:
    if name is not None:
        check_id(name, "name of a directory")
        return [parent / name] if is_directory(parent / name) else []
    return [path for path in subdirectories(parent) if _is_id(path.name)]


def _line(text: str) -> str:
    """One printable line of bounded length: what a damaged file says may be in ``text``."""
    shown = "".join(c if c.isprintable() else "?" for c in text[:_LONGEST_WARNING])
    return shown if len(text) <= _LONGEST_WARNING else f"{shown}..."


def _is_id(name: str) -> bool:
    try:
        check_id(name, "directory")
    except ValueError:
        return False
    return True
