"""``provenn doctor``: what this installation can and cannot do, and what to do about it."""

import importlib.util
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

import typer

from provenn.cli.door import UsageError
from provenn.cli.output import AsJson, print_json, print_table
from provenn.cli.stores import StoreOption, own_store

_GIB = 2**30
_LEAST_DISK = 1 * _GIB
_SYMBOLS = {"ok": "ok", "absent": "-", "problem": "PROBLEM"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: fine, absent but optional, or a problem."""

    what: str
    status: Literal["ok", "absent", "problem"]
    found: str
    remedy: str = ""


def doctor(store: StoreOption = None, as_json: AsJson = False) -> None:
    """Look at this installation: Python, torch, compiler, extras, data sets, store, disk."""
    findings = [*_runtime(), *_extras(), *_data_sets(), *_places(store)]
    if as_json:
        print_json([asdict(f) for f in findings])
    else:
        print_table(
            ("what", "", "found", "what to do"),
            [(f.what, _SYMBOLS[f.status], f.found, f.remedy) for f in findings],
        )
    if any(f.status == "problem" for f in findings):
        raise typer.Exit(1)


def _runtime() -> Iterator[Finding]:
    import torch

    import provenn

    yield Finding("provenn", "ok", provenn.__version__)
    yield Finding("python", "ok", f"{platform.python_version()} at {sys.executable}")
    yield Finding("torch", "ok", torch.__version__)
    devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    yield Finding("accelerators", "ok" if devices else "absent", ", ".join(devices) or "none")
    yield Finding("threads", "ok", f"{torch.get_num_threads()} of {os.cpu_count()} processors")
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    yield Finding(
        "C++ compiler",
        "ok" if compiler else "absent",
        compiler or "none",
        "" if compiler else "install g++ if you want torch.compile on a CPU",
    )


def _extras() -> Iterator[Finding]:
    """For each extra of the distribution, whether all that it asks for is installed."""
    wanted: dict[str, list[str]] = {}
    try:
        requirements = requires("provenn") or []
    except PackageNotFoundError:
        yield Finding("extras", "absent", "provenn runs from its sources, not installed")
        return
    for requirement in requirements:
        name, _, marker = requirement.partition(";")
        extra_named = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", marker)
        needed = re.match(r"[A-Za-z0-9._-]+", name)
        if extra_named and needed and needed.group() != "provenn":
            wanted.setdefault(extra_named.group(1), []).append(needed.group())
    for extra, packages in sorted(wanted.items()):
        missing = [package for package in packages if not _installed(package)]
        yield Finding(
            f"extra [{extra}]",
            "absent" if missing else "ok",
            f"without {', '.join(missing)}" if missing else ", ".join(packages),
            f'python -m pip install "provenn[{extra}]"' if missing else "",
        )


def _data_sets() -> Iterator[Finding]:
    from provenn import data

    folder = os.environ.get("PROVENN_DATA", "")
    yield Finding("PROVENN_DATA", "ok" if folder else "absent", folder or "not set")
    here = {name: data.where(name).found for name in data.names()}
    present = [name for name, found in here.items() if found]
    missing = [name for name, found in here.items() if not found]
    yield Finding("data sets here", "ok", ", ".join(present), "provenn data where NAME")
    if missing:
        yield Finding("data sets not here", "absent", ", ".join(missing), "provenn data fetch NAME")


def _places(directory: Path | None) -> Iterator[Finding]:
    remedy = "name a directory that can be written with --store"
    try:
        root = own_store(directory).root
        ground = next(p for p in (root, *root.parents) if p.exists())
        with tempfile.TemporaryFile(dir=ground):
            pass
    except UsageError as error:
        yield Finding("store", "problem", str(error), remedy)
        return
    except OSError as error:
        yield Finding("store", "problem", f"{root}: {error.strerror}", remedy)
        return
    yield Finding("store", "ok", str(root))
    free = shutil.disk_usage(ground).free
    yield Finding(
        "disk",
        "ok" if free >= _LEAST_DISK else "problem",
        f"{free / _GIB:.1f} GiB free",
        "" if free >= _LEAST_DISK else f"free at least {_LEAST_DISK / _GIB:.0f} GiB",
    )


def _installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return importlib.util.find_spec(package.replace("-", "_")) is not None
    return True
