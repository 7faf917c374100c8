"""Poisson operators on grids with walls, obstacles and open boundaries, without a matrix.

The pressure ``p`` of an incompressible flow solves ``-∇·∇p = -∇·u`` with a Neumann condition at
solid walls and ``p = 0`` where the fluid meets air. On a grid of cells, with the factor ``h²`` left
out, the row of a fluid cell ``i`` is::

    (A p)_i = Σ_{neighbours j that are not solid} (p_i - p_j),    p_j = 0 in air

Cells that are not fluid have a zero row and a zero column, so that ``A`` acts on the whole grid.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from scipy import ndimage, sparse
from scipy.sparse.linalg import LinearOperator
from torch import Tensor

from provenn.checks import check_float_tensor, check_integer

Sides = Sequence[tuple[bool, bool]]
"""For each axis whether its first and its last side are open."""


class PoissonOperator:
    """Minus the discrete Laplacian on a 1-D, 2-D or 3-D grid: symmetric, positive semi-definite.

    The null space has one dimension for each connected fluid region without contact to air or an
    open side: the functions that are constant there.

    Args:
        grid_shape: Cells along each axis.
        solid: Cells that are walls or obstacles; none by default.
        air: Cells in which the solution is zero (a free surface); none by default.
        open_sides: For each axis, whether its first and its last side are open, that is, have air
            beyond them. A side that is not open is a wall. ``None``: walls all around.
        device: Device of the tensors that it is applied to.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If shapes do not fit, a cell is both solid and air, or no cell is fluid.

    Reference:
        arXiv 2205.10763, section 3; Bridson, Fluid Simulation for Computer Graphics, chapter 5.

    Example:
        >>> A = PoissonOperator((3,))
        >>> A.matvec(torch.tensor([0.0, 1.0, 0.0]))
        tensor([-1.,  2., -1.])
        >>> A.null_space().shape
        torch.Size([1, 3])
    """

    def __init__(
        self,
        grid_shape: Sequence[int],
        *,
        solid: Tensor | np.ndarray | None = None,
        air: Tensor | np.ndarray | None = None,
        open_sides: Sides | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        self.grid_shape = _check_shape(grid_shape)
        walls = _mask("solid", solid, self.grid_shape)
        free = _mask("air", air, self.grid_shape)
        if (walls & free).any():
            raise ValueError(
                f"air must not overlap solid, got {int((walls & free).sum())} cells that are both"
            )
        if (walls | free).all():
            raise ValueError("solid must leave at least one fluid cell, got none")
        self.dim = len(self.grid_shape)
        """Number of axes."""
        self.open_sides = _check_sides(open_sides, self.dim)
        fluid = ~(walls | free)
        around = np.pad(~walls, 1)
        for axis, sides in enumerate(self.open_sides):
            for end, is_open in zip((0, -1), sides, strict=True):
                np.moveaxis(around, axis, 0)[end] = is_open
        self._fluid = fluid
        self._diagonal = np.where(fluid, _neighbours(around), 0).astype(np.float64)
        self._regions = _closed_regions(fluid, self._diagonal)
        self.size = fluid.size
        """Cells of the grid, fluid or not: the number of rows."""
        self.unknowns = int(fluid.sum())
        """Fluid cells."""
        self.nullity = int(self._regions.max()) + 1
        """Dimension of the null space within the fluid cells."""
        self._all_fluid = self.unknowns == self.size
        self._one_region = self.nullity == 1 and int((self._regions == 0).sum()) == self.unknowns
        self.to("cpu" if device is None else device)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return (self.size, self.size)

    @property
    def is_empty_box(self) -> bool:
        """Whether every cell is fluid and every side a wall: eigenvectors are then cosines."""
        return self._all_fluid and not any(map(any, self.open_sides))

    def to(self, device: torch.device | str) -> "PoissonOperator":
        """Move to a device, in place.

        Args:
            device: The device.

        Returns:
            The operator itself.

        Raises:
            RuntimeError: If there is no such device.
        """
        self.device = torch.device(device)
        self.fluid = torch.from_numpy(self._fluid).to(self.device)
        """Cells that are unknowns."""
        labels = torch.from_numpy(self._regions).to(self.device).flatten() + 1
        self._labels = labels  # 0: cells that belong to no closed region
        self._counts = torch.bincount(labels, minlength=self.nullity + 1)
        self._by_dtype: dict[torch.dtype, tuple[Tensor, Tensor]] = {}
        return self

    def diagonal(self, dtype: torch.dtype = torch.float64) -> Float[Tensor, "..."]:
        """Diagonal of the matrix, of the grid's shape: neighbours of each fluid cell not solid."""
        return self._fields(dtype)[1].clone()

    def matvec(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Product with a vector, or with each of a batch of vectors.

        Args:
            x: Shape ``(..., *grid_shape)``. What it holds outside of the fluid does not matter.

        Returns:
            The products, of the same shape, zero in cells that are not fluid.

        Raises:
            TypeError: If ``x`` is not a floating-point tensor.
            ValueError: If its shape or its device does not fit.
        """
        self._check(x)
        fluid, diagonal = self._fields(x.dtype)
        if not self._all_fluid:
            x = x * fluid
        y = x * diagonal
        for axis in range(-self.dim, 0):
            n = x.shape[axis] - 1
            y.narrow(axis, 1, n).sub_(x.narrow(axis, 0, n))
            y.narrow(axis, 0, n).sub_(x.narrow(axis, 1, n))
        return y if self._all_fluid else y * fluid

    def project(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Remove the part in the null space: the mean over each closed region, and dead cells.

        Args:
            x: Shape ``(..., *grid_shape)``.

        Returns:
            The nearest vectors that are orthogonal to the null space and zero outside the fluid.

        Raises:
            TypeError: If ``x`` is not a floating-point tensor.
            ValueError: If its shape or its device does not fit.
        """
        self._check(x)
        fluid, _ = self._fields(x.dtype)
        x = x if self._all_fluid else x * fluid
        if self.nullity == 0:
            return x
        flat = x.flatten(-self.dim)
        if self._one_region:
            centred = (flat - flat.sum(-1, keepdim=True) / self.unknowns).reshape(x.shape)
            return centred if self._all_fluid else centred * fluid
        sums = flat.new_zeros(*flat.shape[:-1], self.nullity + 1)
        means = sums.index_add(-1, self._labels, flat) / self._counts.clamp(min=1)
        means[..., 0] = 0
        return (flat - means[..., self._labels]).reshape(x.shape)

    def null_space(self) -> Float64[Tensor, "nullity ..."]:
        """Orthonormal basis of the null space in the fluid, shape ``(nullity, *grid_shape)``."""
        regions = torch.arange(1, self.nullity + 1, device=self.device)
        inside = (self._labels == regions[:, None]).double()
        basis = inside / inside.sum(1, keepdim=True).sqrt()
        return basis.reshape(self.nullity, *self.grid_shape)

    def to_csr(self) -> sparse.csr_array:
        """The matrix in SciPy's format, float64, with zero rows for cells that are not fluid."""
        cells = np.arange(self.size).reshape(self.grid_shape)
        rows, columns = [cells[self._fluid]], [cells[self._fluid]]
        values = [self._diagonal[self._fluid]]
        for axis in range(self.dim):
            low = np.take(cells, range(cells.shape[axis] - 1), axis)
            high = np.take(cells, range(1, cells.shape[axis]), axis)
            joined = self._fluid.flat[low] & self._fluid.flat[high]
            for a, b in ((low, high), (high, low)):
                rows.append(a[joined])
                columns.append(b[joined])
                values.append(np.full(int(joined.sum()), -1.0))
        entries = (np.concatenate(rows), np.concatenate(columns))
        return sparse.csr_array((np.concatenate(values), entries), shape=self.shape)

    def as_linear_operator(self) -> LinearOperator:
        """The operator on flat NumPy vectors, for SciPy's solvers."""

        def apply(x: Any) -> Any:
            grid = torch.as_tensor(x, dtype=torch.float64, device=self.device)
            return self.matvec(grid.reshape(self.grid_shape)).reshape(x.shape).cpu().numpy()

        return LinearOperator(self.shape, matvec=apply, rmatvec=apply, dtype=np.float64)

    def __repr__(self) -> str:
        return (
            f"PoissonOperator({self.grid_shape}, unknowns={self.unknowns}, "
            f"nullity={self.nullity}, device={str(self.device)!r})"
        )

    def _fields(self, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """The fluid cells and the diagonal as numbers of a dtype."""
        if dtype not in self._by_dtype:
            diagonal = torch.from_numpy(self._diagonal).to(self.device, dtype)
            self._by_dtype[dtype] = (self.fluid.to(dtype), diagonal)
        return self._by_dtype[dtype]

    def _check(self, x: Any) -> None:
        check_float_tensor("x", x)
        if tuple(x.shape[-self.dim :]) != self.grid_shape:
            raise ValueError(f"x must have shape (..., {self.grid_shape}), got {tuple(x.shape)}")
        if x.device != self.device:
            raise ValueError(f"x must be on the operator's {self.device}, got {x.device}")


def _neighbours(around: np.ndarray) -> np.ndarray:
    """Number of ``True`` face neighbours of each inner cell of a padded array."""
    inner = (slice(1, -1),) * around.ndim
    count = np.zeros(np.array(around.shape) - 2, dtype=np.int64)
    for axis in range(around.ndim):
        for shift in (-1, 1):
            count += np.roll(around, shift, axis)[inner]
    return count


def _closed_regions(fluid: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    """Number from 0 of the closed region that each cell belongs to, -1 where it is in none."""
    regions, n = ndimage.label(fluid)
    open_to_air = fluid & (diagonal > _neighbours(np.pad(fluid, 1)))
    closed = np.setdiff1d(np.arange(1, n + 1), regions[open_to_air])
    numbers = np.full(n + 1, -1, dtype=np.int64)
    numbers[closed] = np.arange(closed.size)
    return np.asarray(numbers[regions])


def _check_shape(grid_shape: Any) -> tuple[int, ...]:
    if not isinstance(grid_shape, Sequence) or isinstance(grid_shape, str):
        raise TypeError(
            "grid_shape must be a sequence of integers, got "
            f"{grid_shape!r:.80} of type {type(grid_shape).__name__}"
        )
    for n in grid_shape:
        check_integer("each entry of grid_shape", n)
    if not 1 <= len(grid_shape) <= 3:
        raise ValueError(f"grid_shape must have 1, 2 or 3 axes, got {tuple(grid_shape)}")
    return tuple(grid_shape)


def _mask(name: str, cells: Any, shape: tuple[int, ...]) -> np.ndarray:
    if cells is None:
        return np.zeros(shape, dtype=bool)
    if isinstance(cells, Tensor):
        cells = cells.cpu().numpy()
    if not isinstance(cells, np.ndarray) or cells.dtype != bool:
        given = getattr(cells, "dtype", type(cells).__name__)
        raise TypeError(f"{name} must be a tensor or an array of bool, got {given}")
    if cells.shape != shape:
        raise ValueError(f"{name} must have the grid's shape {shape}, got {cells.shape}")
    return cells.copy()


def _check_sides(sides: Any, dim: int) -> tuple[tuple[bool, bool], ...]:
    if sides is None:
        return ((False, False),) * dim
    accepted = "a (first, last) pair of bools for each axis"
    if not isinstance(sides, Sequence):
        raise TypeError(f"open_sides must be {accepted}, got {type(sides).__name__}")
    pairs = tuple(tuple(pair) if isinstance(pair, Sequence) else pair for pair in sides)
    well_formed = all(
        isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(s, bool) for s in pair)
        for pair in pairs
    )
    if len(pairs) != dim or not well_formed:
        raise ValueError(f"open_sides must be {accepted} of {dim}, got {sides!r:.80}")
    return pairs
