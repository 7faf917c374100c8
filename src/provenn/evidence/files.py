"""Files of a store: read with bounds and without following links, written so that they last."""

import contextlib
import fcntl
import logging
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

MAX_ENTRIES = 100_000
"""Most entries that a directory of a store may have."""

log = logging.getLogger("provenn.store")


class StoreError(Exception):
    """A store could not be read or written; the message names the path."""


class DamagedError(ValueError):
    """What was read is not what a store writes."""


@contextlib.contextmanager
def naming(path: Path, doing: str) -> Iterator[None]:
    """Turn an ``OSError`` of the block into a :class:`StoreError` that names ``path``."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot {doing} {path}: {error.strerror or error}") from error


def read_bounded(path: Path, limit: int) -> bytes:
    """Bytes of a regular file that is no link.

    Raises:
        DamagedError: If it is missing, something else than a file, or larger than ``limit`` bytes.
        OSError: If the system cannot read it.
    """
    try:
        # O_NONBLOCK: opening a pipe must not wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise DamagedError(f"{path.name} is missing") from None
    except OSError:
        if path.is_symlink() or not path.is_file():
            raise DamagedError(f"{path.name} is not a regular file") from None
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise DamagedError(f"{path.name} is not a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise DamagedError(f"{path.name} is larger than {limit} bytes")
    return data


def write_durably(path: Path, data: bytes) -> None:
    """Write a new file and wait until the disk has it.

    Raises:
        StoreError: If that fails.
    """
    with naming(path, "write"):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def replace_durably(path: Path, data: bytes) -> None:
    """Put ``data`` in the place of the file ``path``: readers see the old content or the new.

    Raises:
        StoreError: If it cannot be written; the message names the path.
    """
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        write_durably(temporary, data)
        with naming(path, "write"):
            os.replace(temporary, path)  # noqa: PTH105 - as all writes, through os
    finally:
        temporary.unlink(missing_ok=True)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Wait until the disk has the entries of ``path``.

    Raises:
        StoreError: If that fails.
    """
    with naming(path, "sync"):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def make_directory(root: Path, *names: str) -> Path:
    """The directory ``root/names...``, made durably where it does not exist.

    Raises:
        StoreError: If a part of it below ``root`` is a link or a file, or cannot be made.
    """
    if not root.is_dir():
        with naming(root, "make"):
            root.mkdir(parents=True, exist_ok=True)
        sync_directory(root.parent)
    path = root
    for name in names:
        parent, path = path, path / name
        with naming(path, "make"):
            try:
                os.mkdir(path)  # noqa: PTH102 - every write of the store goes through os
            except FileExistsError:
                if not is_directory(path):
                    raise StoreError(f"{path} must be a directory, not a link or a file") from None
            else:
                sync_directory(parent)
    return path


def is_directory(path: Path) -> bool:
    """Whether ``path`` is a directory and no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def subdirectories(path: Path) -> list[Path]:
    """Directories in ``path`` that are no links, sorted by name; none if ``path`` is no directory.

    Raises:
        StoreError: If ``path`` cannot be listed or has too many entries.
    """
    if not is_directory(path):
        return []
    found = []
    with naming(path, "list"), os.scandir(path) as entries:
        for count, entry in enumerate(entries):
            if count >= MAX_ENTRIES:
                raise StoreError(f"{path} has more than {MAX_ENTRIES} entries")
            if entry.is_dir(follow_symlinks=False):
                found.append(path / entry.name)
    return sorted(found)


def remove_tree(path: Path) -> None:
    """Remove a directory with all that is in it, if it is there.

    Raises:
        StoreError: If that fails.
    """
    if is_directory(path):
        # Not found: another process is removing the same.
        with naming(path, "remove"), contextlib.suppress(FileNotFoundError):
            shutil.rmtree(path)


@contextlib.contextmanager
def exclusively(path: Path) -> Iterator[None]:
    """Hold the lock file ``path`` for the block; the system frees it when its owner dies.

    Raises:
        StoreError: If the lock cannot be had.
    """
    with naming(path, "lock"):
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o644)
    try:
        with naming(path, "lock"):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        with naming(path, "unlock"):
            os.close(descriptor)
