"""Where downloads and decoded arrays are kept, and how files get there whole or not at all."""

import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

from provenn.data.dataset import Decoded

_LAYOUT = "1"
"""Raised when a reader's result changes, so that older entries are decoded anew."""


def cache_folder() -> Path:
    """Folder of downloads and decoded arrays: ``PROVENN_CACHE``, else the user's cache folder."""
    if chosen := os.environ.get("PROVENN_CACHE"):
        return Path(chosen)
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "provenn"


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` so that readers see the old file or the new one, never a part.

    Raises:
        OSError: The folder cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def entry_path(name: str, sources: Sequence[bytes]) -> Path:
    """Where the arrays decoded from the files ``sources`` are kept, by the hashes of those."""
    digest = hashlib.sha256(_LAYOUT.encode())
    for source in sources:
        digest.update(hashlib.sha256(source).digest())
    return cache_folder() / "decoded" / f"{name}-{digest.hexdigest()[:24]}.safetensors"


def recall(path: Path) -> Decoded | None:
    """Arrays kept at ``path``; ``None`` if there are none or they are damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata()
            x, y = file.get_tensor("x"), file.get_tensor("y")
        if metadata["check"] != hashlib.sha256(metadata["manifest"].encode()).hexdigest():
            return None
        manifest = json.loads(metadata["manifest"])
        decoded = Decoded(
            x=x,
            y=y,
            classes=tuple(manifest["classes"]),
            features=tuple(manifest["features"]),
            levels=manifest["levels"],
            note=manifest["note"],
        )
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None
    return decoded if decoded.sha256 == manifest["sha256"] else None


def keep(path: Path, decoded: Decoded) -> None:
    """Keep ``decoded`` at ``path``; warn if it cannot be written."""
    from safetensors.numpy import save

    manifest = json.dumps(
        {
            "sha256": decoded.sha256,
            "classes": decoded.classes,
            "features": decoded.features,
            "levels": decoded.levels,
            "note": decoded.note,
        }
    )
    check = hashlib.sha256(manifest.encode()).hexdigest()
    arrays = {"x": decoded.x, "y": decoded.y}
    try:
        write_atomically(path, save(arrays, metadata={"manifest": manifest, "check": check}))
    except OSError as error:
        warnings.warn(
            f"the decoded arrays could not be kept at {path} ({error}); they will be decoded again "
            "next time. Set PROVENN_CACHE to a folder that can be written.",
            stacklevel=2,
        )
