"""R15: with sockets disabled, everything works that names no data set of the network."""

import os
import pkgutil
import subprocess
import sys
import tempfile
from pathlib import Path

import provenn
from provenn.evidence.executors import _import_path
from tests.reliability.figures import Figure, Size, figure

_NO_NETWORK = '''
"""Imported by every interpreter that finds it on its path: no socket leaves the machine."""
import socket


class LocalSocket(socket.socket):
    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        if fileno is None and family != socket.AF_UNIX:
            raise OSError("sockets are disabled")
        super().__init__(family, type, proto, fileno)


def refuse(*arguments, **options):
    raise OSError("sockets are disabled")


socket.socket = LocalSocket
socket.create_connection = socket.getaddrinfo = refuse
'''

_COMMAND = "from provenn.cli import main; main()"


@figure("R15")
def measure(size: Size) -> Figure:
    """Import every room, list, run every paper at quick and build the gallery."""
    seeds = ["--seeds", "1"] if size == "default" else []
    rooms = [f"provenn.{room.name}" for room in pkgutil.iter_modules(provenn.__path__)]
    with tempfile.TemporaryDirectory(prefix="provenn-reliability-") as folder:
        guard, store = Path(folder, "guard"), str(Path(folder, "store"))
        guard.mkdir()
        (guard / "sitecustomize.py").write_text(_NO_NETWORK)
        run = ["run", "--all", "--preset", "quick", *seeds, "--store", store]
        steps = {
            "import": f"import {', '.join(rooms)}",
            "list": [_COMMAND, "list"],
            "run": [_COMMAND, *run],
            "report": [_COMMAND, "report", "--store", store],
        }
        _check_guard(guard)
        failed = [
            f"{name}: {problem}"
            for name, step in steps.items()
            if (problem := _problem(guard, [step] if isinstance(step, str) else step))
        ]
    return Figure(
        id="R15",
        says="sockets disabled: import, list, run of all papers at quick, report",
        target="all pass",
        measured="; ".join(failed) or "all pass",
        ok=not failed,
    )


def _check_guard(guard: Path) -> None:
    """A figure measured with the network on would say nothing."""
    connect = "import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM)"
    if "sockets are disabled" not in _problem(guard, [connect]):
        raise RuntimeError("sockets could not be disabled")


def _problem(guard: Path, code: list[str]) -> str:
    """What an interpreter without sockets complains about; empty if it ends well."""
    environment = os.environ | {"PYTHONPATH": f"{guard}{os.pathsep}{_import_path()}"}
    environment.pop("PROVENN_DATA", None)
    done = subprocess.run(
        [sys.executable, "-c", *code], env=environment, capture_output=True, text=True, check=False
    )
    lines = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()
    return "" if done.returncode == 0 else f"exit code {done.returncode}, {lines[-1]}"
