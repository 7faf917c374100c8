"""The source checkout that a maintainer works in: its root, its rooms, its benchmarks."""

from pathlib import Path

import provenn
from provenn.cli.door import UsageError

_NO_ROOMS = {"cli", "data", "evidence", "papers", "report", "testing"}


def checkout(directory: Path | None = None) -> Path:
    """Root of the source checkout around ``directory`` (default: of the running code, or of here).

    Raises:
        UsageError: If there is none.
    """
    running = Path(provenn.__file__).parent
    starts = [directory] if directory else [running, Path.cwd()]
    for start in starts:
        for folder in (start.absolute(), *start.absolute().parents):
            if (folder / "pyproject.toml").is_file() and _package(folder).is_dir():
                return folder
    raise UsageError(
        f"no source checkout at {directory or 'the current directory'}; accepted: a directory with "
        "pyproject.toml and src/provenn (git clone the project, then give --dir)"
    )


def rooms(root: Path) -> list[str]:
    """Rooms of the checkout: packages that hold methods."""
    return sorted(
        init.parent.name
        for init in _package(root).glob("*/__init__.py")
        if init.parent.name not in _NO_ROOMS and not init.parent.name.startswith("_")
    )


def _package(root: Path) -> Path:
    return root / "src" / "provenn"
