"""Wall time, processor time and peak memory of a block of code."""

import ctypes
import gc
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from provenn.evidence.metrics import Cost

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


class BlockMeter:
    """What a block of code took; its figures are known when the block has ended.

    Memory is the growth above what was held when the block began: of the process's resident set on
    the CPU (Linux; not a number elsewhere), of the allocated tensors on a GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self._memory = _CudaMemory(device) if device.type == "cuda" else _ResidentSet()
        self._held = math.nan
        self._highest = math.nan
        self._ended = False
        self._wall, self._cpu = 0.0, 0.0

    @property
    def wall_s(self) -> float:
        """Wall time in seconds."""
        return self._after_block(self._wall)

    @property
    def cpu_s(self) -> float:
        """Processor time of all threads of the process, in seconds."""
        return self._after_block(self._cpu)

    @property
    def peak_bytes(self) -> float:
        """Growth of memory in bytes; NaN where the system cannot tell."""
        return self._after_block(max(self._highest - self._held, 0.0))

    def cost(self, *, parameters: float, flops: float, tuning_trials: int = 1) -> Cost:
        """The block's cost, with what only the caller knows.

        Raises:
            RuntimeError: If the block has not ended.
        """
        return Cost(
            parameters=parameters,
            flops=flops,
            wall_s=self.wall_s,
            peak_bytes=self.peak_bytes,
            tuning_trials=tuning_trials,
        )

    def _after_block(self, figure: float) -> float:
        if not self._ended:
            raise RuntimeError("cost is known after the measure() block has ended, not inside it")
        return figure

    def _note_peak(self) -> None:
        self._highest = max(self._memory.highest(), self._highest)

    def _begin(self) -> None:
        self._memory.reset()
        self._held = self._memory.held()
        self._highest = self._held
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def _end(self) -> None:
        self._memory.settle()
        self._wall = time.perf_counter() - self._wall
        self._cpu = time.process_time() - self._cpu
        self._ended = True


_open: list[BlockMeter] = []


@contextmanager
def measure(device: torch.device | str = "cpu") -> Iterator[BlockMeter]:
    """Measure the block; blocks may be nested.

    Args:
        device: Where the block computes.

    Example:
        >>> with measure() as meter:
        ...     _ = torch.ones(1000).sum()
        >>> meter.cost(parameters=0, flops=1000).wall_s > 0
        True
    """
    meter = BlockMeter(torch.device(device))
    _note_peaks()
    meter._begin()
    _open.append(meter)
    try:
        yield meter
    finally:
        _note_peaks()
        meter._end()
        _open.remove(meter)


def _note_peaks() -> None:
    """Keep the high-water mark for every open block, before a block resets it."""
    for meter in _open:
        meter._note_peak()


class _ResidentSet:
    """Resident set of this process, whose high-water mark Linux lets its owner reset."""

    def reset(self) -> None:
        gc.collect()
        _return_freed_memory()
        try:
            _CLEAR_REFS.write_text(_RESET_PEAK)
        except OSError:
            self._resettable = False
        else:
            self._resettable = True

    def held(self) -> float:
        return _status("VmRSS")

    def highest(self) -> float:
        return _status("VmHWM") if self._resettable else math.nan

    def settle(self) -> None:
        """Nothing is under way on the CPU once the block has ended."""


class _CudaMemory:
    """Memory that PyTorch's allocator holds on one GPU."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def reset(self) -> None:
        gc.collect()
        self.settle()
        torch.cuda.reset_peak_memory_stats(self._device)

    def held(self) -> float:
        return torch.cuda.memory_allocated(self._device)

    def highest(self) -> float:
        return torch.cuda.max_memory_allocated(self._device)

    def settle(self) -> None:
        torch.cuda.synchronize(self._device)


def _status(field: str) -> float:
    """A field of ``/proc/self/status`` in bytes; NaN where there is none."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return math.nan
    for line in lines:
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    return math.nan


def _return_freed_memory() -> None:
    """Give freed heap back to the system, so that the block's own allocations show as growth."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
