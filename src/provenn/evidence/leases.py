"""Leases: who is running which trial, and the end of a lease whose owner is dead.

A lease is a small file that names its owner: process, start time of the process (a number may be
given again to another process), machine, and boot of the machine. An owner on this machine is asked
for directly, so that its lease ends the moment it dies. An owner on another machine cannot be
asked: it renews its lease every 20 s, and a lease not renewed for 60 s has ended.
"""

import contextlib
import os
import platform
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from provenn.evidence.files import (
    MAX_ENTRIES,
    DamagedError,
    StoreError,
    exclusively,
    is_directory,
    make_directory,
    naming,
    read_bounded,
)
from provenn.evidence.keys import TrialKey

RENEWED_EVERY_S = 20.0
EXPIRES_AFTER_S = 60.0
MAX_LEASE_BYTES = 4096
_SUFFIX = ".json"

_held: set[str] = set()
"""Tokens of the leases that this process holds: one whose removal failed is not among them."""


class Owner(BaseModel):
    """A process on a machine, told apart from every later one of the same number."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pid: Annotated[int, Field(ge=1, lt=2**31)]
    started: str
    host: str
    boot: str

    @classmethod
    def current(cls) -> "Owner":
        """This process."""
        pid = os.getpid()
        return cls(pid=pid, started=_start_of(pid) or "", host=platform.node(), boot=_boot())

    def is_here(self) -> bool:
        """Whether the owner is, or was, a process of this machine."""
        return self.host == platform.node()

    def is_alive(self) -> bool:
        """Whether the owner, a process of this machine, runs now."""
        return self.boot == _boot() and _start_of(self.pid) == self.started


class _LeaseFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    owner: Owner
    since: str
    token: str

    def is_live(self, renewed: float) -> bool:
        """Whether the owner still holds the lease, renewed at that time of the clock."""
        if self.owner == Owner.current():
            return self.token in _held
        if self.owner.is_here():
            return self.owner.is_alive()
        return time.time() - renewed < EXPIRES_AFTER_S


@dataclass(frozen=True, order=True)
class LeaseInfo:
    """A trial that is running.

    Args:
        key: The trial.
        pid: Process that runs it.
        host: Machine that runs it.
        since: When it was started, ISO 8601, UTC.
    """

    key: TrialKey
    pid: int
    host: str
    since: str


class Lease:
    """The right to run one trial, held until the ``with`` block ends or the process dies."""

    def __init__(self, desk: "LeaseDesk", key: TrialKey, content: _LeaseFile) -> None:
        self.key = key
        self._desk = desk
        self._content = content
        self._ended = threading.Event()
        _held.add(content.token)
        threading.Thread(target=self._renew, daemon=True, name=f"lease of {key.name}").start()

    def __enter__(self) -> "Lease":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def release(self) -> None:
        """End the lease; nothing happens if it has ended, or in a fork of the owner."""
        if not self._ended.is_set() and self._content.owner.pid == os.getpid():
            self._ended.set()
            _held.discard(self._content.token)
            self._desk.end(self.key, self._content.token)

    def _renew(self) -> None:
        while not self._ended.wait(RENEWED_EVERY_S):
            with contextlib.suppress(OSError):
                os.utime(self._desk.path(self.key))


class LeaseDesk:
    """The leases of one store.

    Args:
        root: Root of the store.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._leases = root / ".running" / "leases"

    def path(self, key: TrialKey) -> Path:
        """File of the lease of a trial."""
        return self._leases / f"{key.name}{_SUFFIX}"

    def take(self, key: TrialKey) -> Lease | None:
        """The lease of a trial, or ``None`` while a live owner holds it.

        Raises:
            StoreError: If the lease cannot be written.
        """
        with self._exclusively():
            path = self.path(key)
            if self._live(path) is not None:
                return None
            lease = _LeaseFile(
                owner=Owner.current(),
                since=datetime.now(UTC).isoformat(timespec="seconds"),
                token=secrets.token_hex(8),
            )
            fresh = path.with_name(f"{key.name}.new")
            with naming(path, "write"):
                _write(fresh, lease.model_dump_json().encode())
                os.rename(fresh, path)  # noqa: PTH104 - every write of the store goes through os
        return Lease(self, key, lease)

    def end(self, key: TrialKey, token: str) -> None:
        """Remove a lease, unless another owner holds it by now."""
        with self._exclusively():
            path = self.path(key)
            lease = self._read(path)
            if lease is not None and lease.token == token:
                with naming(path, "remove"):
                    path.unlink(missing_ok=True)

    def live(self, *, reap: bool) -> list[LeaseInfo]:
        """Leases that are held, sorted; with ``reap``, the others are removed."""
        if not is_directory(self._leases):
            return []
        with self._exclusively() if reap else contextlib.nullcontext():
            found = []
            for path in self._files():
                info = self._live(path)
                if info is not None:
                    found.append(info)
                elif reap:
                    with naming(path, "remove"):
                        path.unlink(missing_ok=True)
            return sorted(found)

    def _files(self) -> list[Path]:
        with naming(self._leases, "list"):
            names = os.listdir(self._leases)  # noqa: PTH208 - names alone
        if len(names) > MAX_ENTRIES:
            raise StoreError(f"{self._leases} has more than {MAX_ENTRIES} entries")
        return [self._leases / name for name in names if name.endswith(_SUFFIX)]

    def _live(self, path: Path) -> LeaseInfo | None:
        lease = self._read(path)
        try:
            key = TrialKey.parse(path.name.removesuffix(_SUFFIX))
            renewed = path.lstat().st_mtime
        except (ValueError, OSError):
            return None
        if lease is None or not lease.is_live(renewed):
            return None
        owner = lease.owner
        return LeaseInfo(key=key, pid=owner.pid, host=owner.host, since=lease.since)

    def _read(self, path: Path) -> _LeaseFile | None:
        """What the file of a lease says; ``None`` if it is missing or makes no sense."""
        try:
            with naming(path, "read"):
                return _LeaseFile.model_validate_json(read_bounded(path, MAX_LEASE_BYTES))
        except (ValidationError, DamagedError):
            return None

    @contextlib.contextmanager
    def _exclusively(self) -> Iterator[None]:
        make_directory(self._root, ".running", "leases")
        with exclusively(self._root / ".running" / "lock"):
            yield


def _write(path: Path, content: bytes) -> None:
    # Not synced: a lease need not outlive a crash of the machine.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _start_of(pid: int) -> str | None:
    """When the process was started, in ticks since boot; ``None`` if it does not run.

    Where the system does not tell (no ``/proc``), the empty string stands for a process that runs.
    """
    try:
        status = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None if Path("/proc/self/stat").exists() else _start_without_proc(pid)
    # The fields follow the program's name, which stands in brackets and may hold any character.
    fields = status.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def _start_without_proc(pid: int) -> str | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return ""
    return ""
