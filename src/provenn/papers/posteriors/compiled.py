"""JAX programs: compiled once for each shape, in double precision, and the NUTS that they run."""

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float64

from provenn.papers.posteriors.problems import Stopwatch, timed

Array = Any
"""An array of JAX."""
Program = Callable[..., Array]
"""Takes a seed, then arrays."""


def run_compiled(
    build: Callable[..., Program],
    settings: tuple[Any, ...],
    seed: int,
    *arrays: Float64[np.ndarray, "..."],
) -> tuple[Float64[np.ndarray, "..."], Stopwatch, float]:
    """Run ``build(*settings)`` on a seed and arrays.

    Returns:
        What it gave, what that took, and the seconds of compilation: those of the first run where
        the arrays' shapes were met before.
    """
    program, compile_s = _compiled(build, settings, tuple(array.shape for array in arrays))
    with timed() as watch:
        result = np.asarray(program(seed, *arrays))
    return result, watch, compile_s


@cache
def _compiled(
    build: Callable[..., Program], settings: tuple[Any, ...], shapes: tuple[tuple[int, ...], ...]
) -> tuple[Program, float]:
    import jax
    import numpyro

    numpyro.enable_x64()
    arrays = [jax.ShapeDtypeStruct(shape, "float64") for shape in shapes]
    start = time.perf_counter()
    program = jax.jit(build(*settings)).lower(jax.ShapeDtypeStruct((), "int64"), *arrays).compile()
    return program, time.perf_counter() - start


def nuts(
    potential: Callable[[Array], Array], start: Array, key: Array, warmup: int, samples: int
) -> Array:
    """Samples of one chain of numpyro's NUTS with its defaults.

    Args:
        potential: Negative log density, up to a constant, of an array or a tree of arrays.
        start: Where the chain starts.
        key: Key of the random numbers.
        warmup: Steps that adapt the step size and a diagonal mass matrix.
        samples: Steps that are kept.

    Returns:
        The samples along the first axis.
    """
    import jax
    from numpyro.infer import NUTS

    kernel = NUTS(potential_fn=potential)
    state = kernel.init(key, warmup, init_params=start)

    def step(state: Any, _: None) -> tuple[Any, Array]:
        state = kernel.sample(state, (), {})
        return state, state.z

    _, chain = jax.lax.scan(step, state, length=warmup + samples)  # one loop, compiled once
    return chain[warmup:]
