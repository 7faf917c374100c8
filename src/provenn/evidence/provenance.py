"""Where, when and with what a trial ran."""

import math
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path

import torch

import provenn
from provenn.evidence.fingerprint import fingerprint
from provenn.evidence.page import Page
from provenn.evidence.records import Provenance

PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "einops",
    "jaxtyping",
    "safetensors",
    "pydantic",
    "pyarrow",
    "pillow",
    "torch-geometric",
    "tensorly",
    "tensorly-torch",
    "ray",
)
"""Distributions whose versions are recorded where they are installed."""

_GIT_TIMEOUT_S = 10.0


def provenance(
    page: Page,
    device: torch.device | str,
    *,
    started: datetime,
    wall_s: float,
    cpu_s: float,
    peak_bytes: float = math.nan,
    data: Mapping[str, str] | None = None,
) -> Provenance:
    """Provenance of a trial that has just ended in this process.

    Args:
        page: Page of the trial.
        device: Where it computed.
        started: When it began, with a time zone.
        wall_s: Wall time in seconds.
        cpu_s: Processor time in seconds.
        peak_bytes: Largest memory held, in bytes; NaN if the system cannot tell.
        data: Data set name to the SHA-256 of the arrays that the trial read.

    Raises:
        ValueError: If ``started`` has no time zone.
    """
    if started.tzinfo is None:
        raise ValueError(f"started must have a time zone, got {started.isoformat()}")
    revision, dirty = _git()
    return Provenance(
        provenn=provenn.__version__,
        python=platform.python_version(),
        packages=_versions(),
        git_revision=revision,
        git_dirty=dirty,
        fingerprint=fingerprint(page),
        data=dict(data or {}),
        device=_device_name(torch.device(device)),
        cpu=_cpu(),
        threads=torch.get_num_threads(),
        deterministic=torch.are_deterministic_algorithms_enabled(),
        started=started.astimezone(UTC).isoformat(timespec="milliseconds"),
        wall_s=wall_s,
        cpu_s=cpu_s,
        peak_bytes=None if math.isnan(peak_bytes) else int(peak_bytes),
    )


def git_state(source: Path) -> tuple[str | None, bool | None]:
    """Revision of the checkout that tracks the directory ``source``, and whether it is dirty.

    Dirty means that tracked files under ``source`` differ from the revision. Both are ``None``
    where ``source`` is no part of a checkout, or git cannot be asked.
    """
    tracked = _ask_git(source, "ls-files", "--", ".")
    revision = _ask_git(source, "rev-parse", "HEAD")
    if not tracked or not revision:
        return None, None
    changes = _ask_git(source, "status", "--porcelain", "--untracked-files=no", "--", ".")
    return revision.strip(), None if changes is None else bool(changes.strip())


@cache
def _git() -> tuple[str | None, bool | None]:
    """State of the code of this process, asked for once: later edits do not reach it."""
    package = Path(provenn.__file__).parent
    return git_state(package.parent if package.parent.name == "src" else package)


def _ask_git(folder: Path, *command: str) -> str | None:
    # Variables such as GIT_DIR, set while a hook runs, would lead to another repository.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    try:
        answer = subprocess.run(  # noqa: S603 - fixed words and a folder of our own
            ["git", "-C", str(folder), *command],  # noqa: S607 - the user's git
            capture_output=True,
            text=True,
            env=environment,
            timeout=_GIT_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout


@cache
def _versions() -> dict[str, str]:
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


@cache
def _cpu() -> str:
    """Model of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        field, _, value = line.partition(":")
        if field.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine() or "unknown"


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)
