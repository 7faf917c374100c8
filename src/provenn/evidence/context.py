"""What a trial is given while it runs: seeded stages, progress and a meter."""

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import torch

from provenn.evidence import checkpoints, meter
from provenn.evidence.meter import BlockMeter
from provenn.evidence.names import check_id
from provenn.evidence.page import D
from provenn.evidence.tasks import Listener, Progressed, Task

T = TypeVar("T")

PROGRESS_INTERVAL_S = 0.1
"""Progress is told at most this often."""


def seed_generators(seed: int) -> None:
    """Seed Python's, NumPy's global and PyTorch's generators on all devices."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - third-party peers draw from the global generator
    torch.manual_seed(seed)


@contextlib.contextmanager
def repeatable() -> Iterator[None]:
    """One thread and deterministic algorithms for the block; the caller's settings come back.

    Where PyTorch has no deterministic algorithm for an operation it warns and goes on.
    """
    threads = torch.get_num_threads()
    mode = torch.get_deterministic_debug_mode()
    generators = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    torch.set_num_threads(1)
    # use_deterministic_algorithms(True, warn_only=True) says the same, and imports a compiler.
    torch.set_deterministic_debug_mode("warn")
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_deterministic_debug_mode(mode)
        random.setstate(generators[0])
        np.random.set_state(generators[1])  # noqa: NPY002
        torch.set_rng_state(generators[2])


class TrialContext:
    """The runner's :class:`~provenn.evidence.page.Context`.

    Args:
        task: The trial.
        tell: Listener that hears of progress.
        folder: Where finished stages are kept; ``None`` keeps nothing.
    """

    def __init__(self, task: Task, tell: Listener, folder: Path | None = None) -> None:
        self.device = torch.device(task.device)
        self.seed = task.seed
        self.resumed_wall_s = 0.0
        """Wall time of the stages that were read back instead of run."""
        self.resumed_cpu_s = 0.0
        """Processor time of the same."""
        self.data: dict[str, str] = {}
        """Data sets that the trial read so far, to the SHA-256 of their arrays."""
        self._task = task
        self._tell = tell
        self._folder = folder
        self._stages: list[str] = []
        self._names: set[str] = set()
        self._told_at = -float("inf")

    def stage(self, name: str, function: Callable[[], T]) -> T:
        """Result of ``function()``, run with every generator seeded by the trial's seed.

        The generators are seeded again when the stage has ended, so that what follows does not
        depend on whether the stage was run or read back.

        Args:
            name: Identifier of the stage, used once in a trial.
            function: Computes the stage's result.

        Returns:
            The result as a resumed trial would read it back, whether it was or not.

        Raises:
            ValueError: If the name is malformed or was used before.
            TypeError: If the result cannot be kept.
        """
        check_id(name, "stage")
        if name in self._names:
            raise ValueError(f"stages of a trial must have different names, got {name!r} again")
        self._names.add(name)
        kept = checkpoints.read(self._folder, name) if self._folder else None
        if kept is None:
            kept = self._run(name, function)
            if self._folder:
                checkpoints.write(self._folder, name, kept)
        else:
            self.resumed_wall_s += kept.wall_s
            self.resumed_cpu_s += kept.cpu_s
            self.data |= kept.data
        seed_generators(self.seed)
        return cast(T, checkpoints.decode(kept))

    def uses(self, data: D) -> D:
        """Record in the trial's provenance that it read ``data``; returns ``data``."""
        self.data[f"{data.name}/{data.split}"] = data.sha256
        return data

    def progress(self, step: int, total: int, note: str = "") -> None:
        """Tell the reader that ``step`` of ``total`` is done; told at most ten times a second.

        Raises:
            ValueError: If ``step`` is not between 0 and ``total``, or ``total`` is not positive.
        """
        if not 0 <= step <= total or total < 1:
            raise ValueError(f"progress needs 0 <= step <= total, got step {step} of {total}")
        now = time.monotonic()
        if now - self._told_at >= PROGRESS_INTERVAL_S or step == total:
            self._told_at = now
            stage = self._stages[-1] if self._stages else ""
            self._tell(Progressed(self._task, step, total, stage, note))

    def measure(self) -> AbstractContextManager[BlockMeter]:
        """Meter whose ``cost()`` gives wall time and peak memory of the block."""
        return meter.measure(self.device)

    def _run(self, name: str, function: Callable[[], T]) -> checkpoints.Encoded:
        seed_generators(self.seed)
        self._stages.append(name)
        before, self.data = self.data, {}
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            result = function()
        finally:
            self._stages.pop()
            read, self.data = self.data, before | self.data
        return replace(
            checkpoints.encode(result, name),
            wall_s=time.perf_counter() - wall,
            cpu_s=time.process_time() - cpu,
            data=read,
        )
