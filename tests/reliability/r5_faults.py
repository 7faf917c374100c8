"""R5: the disk is full, fails, or may not be written, at each call that the store makes."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from provenn.evidence.files import StoreError, log
from provenn.evidence.store import Store
from tests.evidence.stored import as_bytes, key, warnings_of, write
from tests.reliability.figures import Figure, Size, figure, scratch

CALLS = (
    (os, "mkdir"),
    (os, "open"),
    (os, "write"),
    (os, "fsync"),
    (os, "close"),
    (os, "rename"),
    (os, "unlink"),
    (os, "rmdir"),
    (os, "scandir"),
    (fcntl, "flock"),
)
ERRORS = {"default": (errno.ENOSPC, errno.EIO, errno.EACCES)}
ERRORS["full"] = (*ERRORS["default"], errno.EROFS, errno.EDQUOT, errno.ENOLCK, errno.EMFILE)


@figure("R5")
def measure(size: Size) -> Figure:
    actions = (_first_trial, _next_trial, _failed_trial, _take_and_release, _checkpoint, _list)
    with mock.patch("os.fsync"):  # a fault is what it may give here, not a wait for the disk
        outcomes = [
            _survives(action, at, code)
            for action in actions
            for code in ERRORS[size]
            for at in range(_n_calls(action))
        ]
    return Figure(
        id="R5",
        says="full disk, I/O error, forbidden or read-only directory at each call of the store"
        f" ({len(outcomes)} faults): earlier trials intact, error names the path",
        target="100 %",
        measured=f"{100 * sum(outcomes) / len(outcomes):.6g} %",
        ok=all(outcomes),
    )


def _first_trial(store: Store) -> None:
    write(Store(store.root / "new" / "store"), key(7))


def _next_trial(store: Store) -> None:
    store.checkpoints(key(7)).joinpath("stage").write_text("1")
    write(store, key(7))


def _failed_trial(store: Store) -> None:
    write(store, key(0), failed=True)


def _take_and_release(store: Store) -> None:
    with store.lease(key(7)) or contextlib.nullcontext():
        pass


def _checkpoint(store: Store) -> None:
    store.checkpoints(key(7))


def _list(store: Store) -> None:
    store.running()
    store.quarantined()


class _Faults:
    """Counts the calls of the system, and lets one of them fail."""

    def __init__(self, at: int | None, code: int) -> None:
        self.count = 0
        self._at, self._code = at, code

    @contextlib.contextmanager
    def injected(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for module, name in CALLS:
                real = getattr(module, name)
                stack.enter_context(mock.patch.object(module, name, self._faulty(name, real)))
            yield

    def _faulty(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.count += 1
            if self.count - 1 != self._at:
                return real(*arguments, **options)
            if name == "close":  # what could not be written shows when the file is closed
                real(*arguments)
            raise OSError(self._code, os.strerror(self._code))

        return call


@contextlib.contextmanager
def _store() -> Iterator[Store]:
    with scratch() as folder:
        store = Store(Path(folder) / "store")
        write(store, key(0))
        write(store, key(1), failed=True)
        yield store


def _n_calls(action: Callable[[Store], None]) -> int:
    with _store() as store:
        faults = _Faults(None, 0)
        with faults.injected():
            action(store)
        return faults.count


def _survives(action: Callable[[Store], None], at: int, code: int) -> bool:
    """Whether the store copes with the failure of call number ``at`` of the action."""
    with _store() as store:
        before = as_bytes(store.trials())
        named = True
        with warnings_of(log), _Faults(at, code).injected():
            try:
                action(store)
            except StoreError as error:
                named = str(store.root) in str(error)
        again = Store(store.root)
        with warnings_of(log) as warnings:
            kept = [trial for trial in again.trials() if trial.seed != 7]
            intact = as_bytes(kept) == before and not again.quarantined()
            action(again)
            write(again, key(7))
            works = again.is_done(key(7)) and not again.running()
        return named and intact and works and not warnings
