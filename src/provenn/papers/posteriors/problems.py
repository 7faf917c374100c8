"""The shape that all peers share: data sets with queries in, what a peer said of them out."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Problems:
    """Data sets of one size, each with its queries.

    Attributes:
        x: Inputs of the context.
        y: Its targets; classes as 0., 1., ...
        x_query: Inputs of the queries.
        y_query: The targets that the predictions are scored at.

    Raises:
        ValueError: The arrays do not fit together, are empty or hold a number that is not finite.
    """

    x: Float64[np.ndarray, "datasets n d"]
    y: Float64[np.ndarray, "datasets n"]
    x_query: Float64[np.ndarray, "datasets m d"]
    y_query: Float64[np.ndarray, "datasets m"]

    def __post_init__(self) -> None:
        shapes = {name: array.shape for name, array in vars(self).items()}
        fit = (
            self.x.ndim == self.x_query.ndim == 3
            and self.x.shape[:2] == self.y.shape
            and self.x_query.shape[:2] == self.y_query.shape
            and self.x.shape[::2] == self.x_query.shape[::2]
            and 0 not in (*self.x.shape, *self.x_query.shape)
        )
        if not fit:
            raise ValueError(
                "x, y, x_query, y_query must be of shapes (datasets, n, d), (datasets, n), "
                f"(datasets, m, d), (datasets, m) with nothing empty, got {shapes}"
            )
        for name, array in vars(self).items():
            if not np.isfinite(array).all():
                raise ValueError(f"{name} must be finite")

    @classmethod
    def of(cls, x: Tensor, y: Tensor, x_query: Tensor, y_query: Tensor) -> "Problems":
        """Problems from tensors of any precision and device."""
        tensors = (x, y, x_query, y_query)
        return cls(*(t.detach().to("cpu", torch.float64).numpy() for t in tensors))

    def __len__(self) -> int:
        return len(self.x)

    def first(self, count: int) -> "Problems":
        """The first ``count`` data sets: all that a slow peer is given."""
        return Problems(*(array[:count] for array in vars(self).values()))

    def tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The arrays as tensors that share their memory."""
        x, y, x_query, y_query = (torch.from_numpy(array) for array in vars(self).values())
        return x, y, x_query, y_query


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a peer said of each query, and what it took for all data sets together.

    Attributes:
        log_density: Log predictive density of the target in nats; for classes its log probability.
        wall_s: Wall time in seconds, without compilation.
        cpu_s: Processor time in seconds, without compilation.
        compile_s: Wall time in seconds of compilation, which data sets of one shape share.
        probabilities: For classes, the probability of each.
    """

    log_density: Float64[np.ndarray, "datasets m"]
    wall_s: float
    cpu_s: float
    compile_s: float = 0.0
    probabilities: Float64[np.ndarray, "datasets m classes"] | None = None

    @property
    def nll(self) -> Float64[np.ndarray, " datasets"]:
        """Mean negative log-likelihood of each data set."""
        return np.asarray(-self.log_density.mean(1), dtype=np.float64)

    @property
    def seconds(self) -> float:
        """Wall time of one data set."""
        return self.wall_s / len(self.log_density)


@dataclass
class Stopwatch:
    """Seconds of wall and of processor time; see :func:`timed`."""

    wall_s: float = field(default=0.0)
    cpu_s: float = field(default=0.0)


@contextmanager
def timed() -> Iterator[Stopwatch]:
    """Measure what a block takes."""
    watch = Stopwatch()
    wall, cpu = time.perf_counter(), time.process_time()
    yield watch
    watch.wall_s = time.perf_counter() - wall
    watch.cpu_s = time.process_time() - cpu


def classified(
    probabilities: Float64[np.ndarray, "datasets m classes"],
    problems: Problems,
    watch: Stopwatch,
    compile_s: float = 0.0,
    *,
    floor: float = 1e-300,
) -> Predictions:
    """Predictions from the probability of each class.

    Args:
        probabilities: Probability of each class.
        problems: The data sets.
        watch: What the peer took.
        compile_s: Seconds of compilation.
        floor: Least probability that a logarithm is taken of.
    """
    right = problems.y_query.astype(np.int64)[..., None]
    density = np.log(np.maximum(np.take_along_axis(probabilities, right, 2)[..., 0], floor))
    return Predictions(density, watch.wall_s, watch.cpu_s, compile_s, probabilities)
