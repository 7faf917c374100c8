"""Domains and right-hand sides: boxes, obstacles and open tops; blobs, flows, dipoles and noise."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float64
from scipy import ndimage
from torch import Tensor

from provenn.linalg import PoissonOperator

Domain = Literal["box", "disc", "block", "random", "open"]
Grid = Float64[Tensor, "*grid"]

TEST_SEED = 1_000_000
"""Added to a trial's seed for what is solved, which no fitting has seen."""


@dataclass(frozen=True)
class Case:
    """A domain of a size.

    Args:
        domain: Which.
        cells: Cells along each axis.
        dim: Axes.
    """

    domain: Domain
    cells: int
    dim: int = 2

    @property
    def key(self) -> str:
        """Its name in metrics, such as ``disc-64`` or ``disc-16-3d``."""
        return f"{self.domain}-{self.cells}" + ("" if self.dim == 2 else f"-{self.dim}d")

    def operator(self, seed: int) -> PoissonOperator:
        """The operator on the CPU; a random domain is drawn from the seed."""
        shape = (self.cells,) * self.dim
        walls = ((False, False),) * (self.dim - 1)
        return PoissonOperator(
            shape,
            solid=_solid(self.domain, shape, seed),
            open_sides=((False, True), *walls) if self.domain == "open" else None,
        )

    def right_hand_sides(self, kinds: tuple[str, ...], seed: int) -> list[Grid]:
        """One for each kind, the same in every domain of this size but for the solid cells."""
        A = self.operator(seed)
        generator = torch.Generator().manual_seed(TEST_SEED + seed)
        return [A.project(KINDS[kind](A, generator)) for kind in kinds]


def blobs(A: PoissonOperator, generator: torch.Generator) -> Grid:
    """Six Gaussian blobs: smooth."""
    return _blobs(A.grid_shape, generator)


def flow(A: PoissonOperator, generator: torch.Generator) -> Grid:
    """Divergence of a smooth velocity on the faces between cells, zero at walls."""
    divergence = torch.zeros(A.grid_shape, dtype=torch.float64)
    for axis, n in enumerate(A.grid_shape):
        u = _blobs(A.grid_shape, generator).narrow(axis, 0, n - 1)
        u = u * (A.fluid.narrow(axis, 0, n - 1) & A.fluid.narrow(axis, 1, n - 1))
        divergence.narrow(axis, 0, n - 1).add_(u)
        divergence.narrow(axis, 1, n - 1).sub_(u)
    return divergence


def dipole(A: PoissonOperator, generator: torch.Generator) -> Grid:
    """One cell at 1 and one at -1."""
    fluid = A.fluid.flatten().nonzero().flatten()
    source, sink = fluid[torch.randperm(len(fluid), generator=generator)[:2]]
    b = torch.zeros(A.size, dtype=torch.float64)
    b[source], b[sink] = 1.0, -1.0
    return b.reshape(A.grid_shape)


def noise(A: PoissonOperator, generator: torch.Generator) -> Grid:
    """White noise: all frequencies alike."""
    return torch.randn(A.grid_shape, dtype=torch.float64, generator=generator)


KINDS: dict[str, Callable[[PoissonOperator, torch.Generator], Grid]] = {
    "blobs": blobs,
    "flow": flow,
    "dipole": dipole,
    "noise": noise,
}


def _blobs(shape: tuple[int, ...], generator: torch.Generator) -> Grid:
    options: dict[str, Any] = {"dtype": torch.float64, "generator": generator}
    total = torch.zeros(shape, dtype=torch.float64)
    x = torch.stack(torch.meshgrid(*map(_centres, shape), indexing="ij"), -1)
    for _ in range(6):
        centre = 0.2 + 0.6 * torch.rand(len(shape), **options)
        width = 0.03 + 0.12 * float(torch.rand((), **options))
        amplitude = float(torch.randn((), **options))
        total += amplitude * (-((x - centre) ** 2).sum(-1) / (2 * width**2)).exp()
    return total


def _centres(n: int) -> Float64[Tensor, "n"]:
    return (torch.arange(n, dtype=torch.float64) + 0.5) / n


def _solid(domain: str, shape: tuple[int, ...], seed: int) -> Bool[np.ndarray, "*grid"] | None:
    x = np.meshgrid(*(_centres(n).numpy() for n in shape), indexing="ij")
    if domain == "disc":
        centre = (0.5, 0.4, 0.5)[: len(shape)]
        distance: Bool[np.ndarray, "*grid"] = (
            sum((a - c) ** 2 for a, c in zip(x, centre, strict=True)) < 0.15**2
        )
        return distance
    if domain == "block":
        bounds = ((0.55, 0.8), (0.3, 0.5), (0.3, 0.5))
        inside = [(a > low) & (a < high) for a, (low, high) in zip(x, bounds, strict=False)]
        return np.asarray(np.logical_and.reduce(inside))
    if domain == "random":
        solid = np.random.default_rng(TEST_SEED + seed).random(shape) < 0.2
        regions, _ = ndimage.label(~solid)
        largest = np.bincount(regions.ravel())[1:].argmax() + 1
        return np.asarray(regions != largest)  # pockets that are cut off are filled
    return None
