"""Downloads: whole or not at all, and checked by their SHA-256.

A file whose hash is known beforehand must have it. Of the others, the hash of the first download is
recorded beside the file, and every later read or download must match that record. Files of the
Hugging Face hub come from ``HF_ENDPOINT`` where that is set.
"""

import contextlib
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from provenn.data.cache import cache_folder, write_atomically
from provenn.data.errors import DataError

_HUB = "https://huggingface.co"


@dataclass(frozen=True)
class Remote:
    """A public file; ``sha256`` is its known hash, if it is known."""

    url: str
    sha256: str | None = None

    @property
    def file_name(self) -> str:
        """Name that the file is kept under."""
        return self.url.rpartition("/")[2]


def local_path(name: str, remote: Remote) -> Path:
    """Where the download of ``remote`` is kept, whether or not it is there."""
    return cache_folder() / "downloads" / name / remote.file_name


def read_download(name: str, remote: Remote) -> bytes:
    """Bytes of a file that was downloaded before.

    Raises:
        DataError: The file is not the one that was published, or first downloaded.
        OSError: It cannot be read.
    """
    path = local_path(name, remote)
    content = path.read_bytes()
    _check(content, remote, path)
    return content


def download(name: str, remote: Remote) -> bytes:
    """Download ``remote``, check it, keep it and return its bytes.

    Raises:
        DataError: It cannot be had, or is not the file that was published or first downloaded.
        ImportError: pooch is not installed.
    """
    path = local_path(name, remote)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".part-") as folder:
            content = transfer(remote, Path(folder)).read_bytes()
            _check(content, remote, path)
            write_atomically(_record(path), hashlib.sha256(content).hexdigest().encode())
            write_atomically(path, content)
    except OSError as error:
        raise DataError(f"{remote.url} could not be fetched: {error}") from error
    return content


def discard(name: str, remote: Remote) -> None:
    """Forget a download that proved not to hold the set, and the record of its hash."""
    path = local_path(name, remote)
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
        if not remote.sha256:
            _record(path).unlink(missing_ok=True)


def transfer(remote: Remote, folder: Path) -> Path:
    """Copy ``remote`` into ``folder`` over the network; the only function that uses it.

    Raises:
        OSError: It cannot be had.
        ImportError: pooch is not installed.
    """
    try:
        import pooch
    except ImportError as error:
        raise ImportError("downloads need pooch: pip install 'provenn[data]'") from error
    url = remote.url
    if url.startswith(f"{_HUB}/"):
        url = os.environ.get("HF_ENDPOINT", _HUB).rstrip("/") + url.removeprefix(_HUB)
    path = folder / remote.file_name
    pooch.HTTPDownloader(timeout=30)(url, str(path), None)
    return path


def _record(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _known_hash(remote: Remote, path: Path) -> str | None:
    """Hash that the file must have: the published one, else that of the first download."""
    if remote.sha256:
        return remote.sha256
    try:
        text = _record(path).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return text if re.fullmatch("[0-9a-f]{64}", text) else None


def _check(content: bytes, remote: Remote, path: Path) -> None:
    known = _known_hash(remote, path)
    found = hashlib.sha256(content).hexdigest()
    if known is None or found == known:
        return
    whose = "published" if remote.sha256 else "first downloaded"
    keep = "" if remote.sha256 else f" (if it was changed on purpose, delete {_record(path)})"
    raise DataError(
        f"{remote.file_name} from {remote.url} is not the file that was {whose}: "
        f"its SHA-256 is {found}, it must be {known}{keep}"
    )
