"""Piecewise-affine laws over polytopic regions, as modules without parameters.

The law is ``u = K_i θ + r_i`` for the first region ``i`` with ``E_i θ <= f_i``. It may be
discontinuous: where regions meet, the one of the lowest index holds.
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, cast

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from provenn.checks import check_choice, check_integer, check_number
from provenn.control.door import Array, ArrayLike, as_array, as_bounds
from provenn.control.lattice import lattice_network
from provenn.control.polyhedra import Polytope, normalized_rows
from provenn.nn.pretrained import PretrainedModule

OUTSIDE = ("zero", "nearest", "clip")
"""What a law does outside all regions."""

BLOCK = 1 << 18
"""Entries of the table of points against rows that are compared at once, to stay in the cache."""

ULPS = 8
"""Units of rounding by which a row is let pass in less than double precision."""

Region = tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]
"""Normals ``E``, offsets ``f``, gain ``K`` and intercept ``r``."""


Method = TypeVar("Method", bound=Callable[..., Tensor])


def own_precision(method: Method) -> Method:
    """Let a method of points compute in the buffers' dtype where autocast is on.

    Half precision would move points across facets.
    """

    @functools.wraps(method)
    def called(self: nn.Module, theta: Tensor, *args: Any, **options: Any) -> Tensor:
        if not isinstance(theta, Tensor) or theta.is_meta:
            return method(self, theta, *args, **options)
        device = theta.device.type
        if not torch.is_autocast_enabled(device):
            return method(self, theta, *args, **options)
        with torch.autocast(device, enabled=False):
            return method(self, theta.to(next(self.buffers()).dtype), *args, **options)

    return cast(Method, called)


class PiecewiseAffine(PretrainedModule):
    r"""A piecewise-affine law, held in buffers; :meth:`from_regions` fills it.

    .. math::
        u(θ) = K_i θ + r_i, \qquad i = \min \{ i : E_i θ \le f_i + δ \}

    Rows have unit length, so δ, the ``tolerance``, is a distance. It closes the gaps that rounding
    leaves along facets.

    Args:
        state_dim: Size of θ.
        n_inputs: Size of u.
        n_regions: Number of regions.
        max_rows: Largest number of half-spaces of a region; shorter ones are padded by
            ``0 θ <= 1``.
        outside: The output where no region holds: ``"zero"``; ``"nearest"``, the law of the region
            whose worst row is violated least; ``"clip"``, that law at the point of the domain's
            box that is closest to θ.
        tolerance: The distance δ. In less than double precision, at least 8 units of rounding of
            the domain's size.
        device: Device of the buffers.
        dtype: Type of the buffers.

    Attributes:
        normals: ``E``, ``(max_rows, n_regions, state_dim)``: the first row of every region, then
            the second of every region, and so on.
        offsets: ``f``, ``(max_rows, n_regions)``.
        gains: ``K``, ``(n_regions, n_inputs, state_dim)``.
        intercepts: ``r``, ``(n_regions, n_inputs)``.
        rows: Number of half-spaces of each region, ``(n_regions,)``.
        domain: Corners of a box that holds all regions, ``(2, state_dim)``.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a size is not positive, or ``outside`` is another word.

    Example:
        >>> law = PiecewiseAffine.from_regions([
        ...     ([[1.0], [-1.0]], [0.0, 1.0], [[0.0]], [0.0]),  # -1 <= x <= 0: u = 0
        ...     ([[1.0], [-1.0]], [1.0, 0.0], [[2.0]], [0.0]),  #  0 <= x <= 1: u = 2 x
        ... ])
        >>> law(torch.tensor([[-0.5], [0.25], [3.0]], dtype=torch.float64)).squeeze(-1)
        tensor([0.0000, 0.5000, 0.0000], dtype=torch.float64)
        >>> law.locate(torch.tensor([[0.25], [3.0]], dtype=torch.float64))
        tensor([ 1, -1])
    """

    normals: Tensor
    offsets: Tensor
    gains: Tensor
    intercepts: Tensor
    rows: Tensor
    domain: Tensor

    def __init__(
        self,
        state_dim: int,
        n_inputs: int,
        n_regions: int,
        max_rows: int,
        *,
        outside: str = "zero",
        tolerance: float = 1e-9,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.state_dim = check_integer("state_dim", state_dim)
        self.n_inputs = check_integer("n_inputs", n_inputs)
        self.n_regions = check_integer("n_regions", n_regions)
        self.max_rows = check_integer("max_rows", max_rows)
        self.outside = check_choice("outside", outside, OUTSIDE)
        self.tolerance = float(check_number("tolerance", tolerance, least=0.0, below=1.0))
        self.config: dict[str, Any] = {
            "state_dim": state_dim,
            "n_inputs": n_inputs,
            "n_regions": n_regions,
            "max_rows": max_rows,
            "outside": outside,
            "tolerance": self.tolerance,
        }
        at: dict[str, Any] = {"device": device, "dtype": dtype}
        self.register_buffer("normals", torch.zeros(max_rows, n_regions, state_dim, **at))
        self.register_buffer("offsets", torch.ones(max_rows, n_regions, **at))
        self.register_buffer("gains", torch.zeros(n_regions, n_inputs, state_dim, **at))
        self.register_buffer("intercepts", torch.zeros(n_regions, n_inputs, **at))
        self.register_buffer("rows", torch.zeros(n_regions, dtype=torch.long, device=device))
        self.register_buffer("domain", torch.zeros(2, state_dim, **at))

    @classmethod
    def from_regions(
        cls,
        regions: Iterable[Region],
        *,
        domain: tuple[ArrayLike, ArrayLike] | None = None,
        outside: str = "zero",
        tolerance: float = 1e-9,
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> "PiecewiseAffine":
        """The law of these regions, which may overlap and need not cover anything.

        Args:
            regions: For each region the normals ``(rows, state_dim)``, offsets ``(rows,)``, gain
                ``(n_inputs, state_dim)`` and intercept ``(n_inputs,)``.
            domain: Corners ``(low, high)`` of a box that holds every region; by default the
                smallest one, which takes linear programs and bounded regions.
            outside: The output where no region holds, see the class.
            tolerance: The distance δ, see the class.
            device: Device of the buffers.
            dtype: Floating-point type of the buffers.

        Raises:
            TypeError: If a region does not hold numbers.
            ValueError: If there is no region, shapes do not fit, an entry is not finite, or a
                region is unbounded and there is no ``domain``.
        """
        read = _read_regions(regions)
        n_inputs, state_dim = read[0][2].shape
        if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
            raise TypeError(f"dtype must be a floating-point torch.dtype, got {dtype!r}")
        law = cls(
            state_dim,
            n_inputs,
            len(read),
            max(len(f) for _, f, _, _ in read),
            outside=outside,
            tolerance=tolerance,
            device=device,
            dtype=dtype,
        )
        box = _smallest_box(read) if domain is None else as_bounds(domain, "domain", state_dim)
        law.domain.copy_(torch.from_numpy(np.stack(box)))
        for i, (E, f, K, r) in enumerate(read):
            law.rows[i] = len(f)
            law.normals[: len(f), i] = torch.from_numpy(E)
            law.offsets[: len(f), i] = torch.from_numpy(f)
            law.gains[i] = torch.from_numpy(K)
            law.intercepts[i] = torch.from_numpy(r)
        return law

    @property
    def n_half_spaces(self) -> int:
        """Number of half-spaces of all regions together."""
        return int(self.rows.sum())

    def region(self, index: int) -> Polytope:
        """The points of a region.

        Raises:
            TypeError: If ``index`` is not an integer.
            ValueError: If there is no such region.
        """
        if check_integer("index", index, 0) >= self.n_regions:
            raise ValueError(f"index must be less than {self.n_regions}, got {index}")
        rows = int(self.rows[index])
        E, f = self.normals[:rows, index], self.offsets[:rows, index]
        return Polytope(E.double(), f.double())

    @own_precision
    def forward(self, theta: Float[Tensor, "*batch state_dim"]) -> Float[Tensor, "*batch n_inputs"]:
        """The output of the law.

        Args:
            theta: Points.

        Returns:
            ``K_i θ + r_i``; see ``outside`` for points that no region holds. NaN gives NaN.

        Raises:
            TypeError: If ``theta`` is not a tensor of the buffers' dtype.
            ValueError: If its last axis has another size, or it is on another device.
        """
        self._check(theta)
        if self.outside == "zero":
            inside, index = self._search(theta)
            return self.affine(theta, index) * inside.unsqueeze(-1)
        if self.outside == "clip":
            low, high = self.domain
            theta = theta.clamp(low, high)
        inside, index = self._search(theta, nearest=True)
        return self.affine(theta, index)

    def affine(
        self, theta: Float[Tensor, "*batch state_dim"], index: Int64[Tensor, "*batch"]
    ) -> Float[Tensor, "*batch n_inputs"]:
        """The affine law of the given region at each point, wherever the point is."""
        gains, intercepts = self.gains[index], self.intercepts[index]
        if theta.ndim == 1:
            return torch.addmv(intercepts, gains, theta)
        return (gains * theta.unsqueeze(-2)).sum(-1) + intercepts

    @own_precision
    def locate(self, theta: Float[Tensor, "*batch state_dim"]) -> Int64[Tensor, "*batch"]:
        """The first region that holds each point, -1 where none does.

        Args:
            theta: Points.

        Raises:
            TypeError: If ``theta`` is not a tensor of the buffers' dtype.
            ValueError: If its last axis has another size, or it is on another device.
        """
        self._check(theta)
        inside, index = self._search(theta)
        return torch.where(inside, index, -1)

    def to_relu(self) -> nn.Sequential:
        """The same law as layers of ``nn.Linear`` and ``nn.ReLU``, for tools that need those.

        Each output is the largest of some minima of affine pieces. The law must be continuous and
        its regions must fill a convex domain, as those of explicit model-predictive control do.

        Returns:
            The network, exact over the domain's box where a region holds, in the law's dtype and on
            its device, without trainable parameters.

        Raises:
            ValueError: If the law is not continuous, its regions do not fill a convex domain, or
                one of them has no interior.
        """
        network = lattice_network(
            [self.region(i) for i in range(self.n_regions)],
            self.gains.double().cpu().numpy(),
            self.intercepts.double().cpu().numpy(),
            float(self.largest(self.domain)),
        )
        return network.to(device=self.gains.device, dtype=self.gains.dtype)

    def largest(self, box: Float[Tensor, "2 state_dim"]) -> Float[Tensor, ""]:
        """The largest magnitude that the law of any region takes anywhere in a box."""
        middle, half = box.sum(0) / 2, (box[1] - box[0]).abs() / 2
        values = self.gains @ middle + self.intercepts
        return (values.abs() + self.gains.abs() @ half).amax()

    def extra_repr(self) -> str:
        """Sizes, for ``repr``."""
        return (
            f"state_dim={self.state_dim}, n_inputs={self.n_inputs}, n_regions={self.n_regions}, "
            f"max_rows={self.max_rows}, outside={self.outside!r}"
        )

    def _search(self, theta: Tensor, *, nearest: bool = False) -> tuple[Tensor, Tensor]:
        """Whether any region holds each point, and the first one that does, or the nearest one."""
        block = max(1, BLOCK // self.offsets.numel())
        if torch.compiler.is_compiling() or theta.numel() <= block * self.state_dim:
            return self._compare(theta, nearest)
        points = theta.reshape(-1, self.state_dim)
        # Results that were collected in a list would lie between the freed blocks of the heap, and
        # no later block would fit there.
        inside = points.new_empty(len(points), dtype=torch.bool)
        index = points.new_empty(len(points), dtype=torch.int64)
        for i in range(0, len(points), block):
            inside[i : i + block], index[i : i + block] = self._compare(
                points[i : i + block], nearest
            )
        return inside.reshape(theta.shape[:-1]), index.reshape(theta.shape[:-1])

    def _compare(self, theta: Tensor, nearest: bool) -> tuple[Tensor, Tensor]:
        """The search, all points against all rows at once."""
        offsets = self.offsets
        rows, limits = self.normals.flatten(0, 1), offsets.flatten()
        if theta.ndim == 1:
            beyond = torch.addmv(limits, rows, theta, beta=-1)
        else:
            beyond = nn.functional.linear(theta, rows, -limits)
        worst = beyond.unflatten(-1, offsets.shape).amax(-2)
        inside, index = (worst <= self._allowance()).max(-1)  # the first of equal ones
        if nearest:
            index = torch.where(inside, index, worst.argmin(-1))
        return inside, index

    def _allowance(self) -> Tensor | float:
        """By how much a row may be exceeded."""
        if self.offsets.dtype == torch.float64:
            return self.tolerance
        rounding = ULPS * torch.finfo(self.offsets.dtype).eps * self.domain.abs().amax()
        return self.tolerance + rounding

    def _check(self, theta: object) -> None:
        check_points(theta, self.normals, self.state_dim)


def check_points(theta: object, like: Tensor, state_dim: int) -> None:
    """Raise unless ``theta`` is a tensor of points, of the dtype and on the device of ``like``."""
    if not isinstance(theta, Tensor):
        raise TypeError(f"theta must be a tensor, got {type(theta).__name__}")
    if theta.ndim == 0 or theta.shape[-1] != state_dim:
        raise ValueError(
            f"theta must have shape (..., {state_dim}), got {tuple(theta.shape)}"
            + " without axes" * (theta.ndim == 0)
        )
    if theta.dtype != like.dtype:
        raise TypeError(f"theta must be {like.dtype} as the law is, got {theta.dtype}")
    if theta.device != like.device:
        raise ValueError(f"theta must be on {like.device} as the law is, got {theta.device}")


def _read_regions(regions: Iterable[Region]) -> list[tuple[Array, Array, Array, Array]]:
    """Every region as arrays with rows of unit length."""
    if isinstance(regions, (Tensor, str)) or not isinstance(regions, Iterable):
        raise TypeError(f"regions must be a list of (E, f, K, r), got {type(regions).__name__}")
    read: list[tuple[Array, Array, Array, Array]] = []
    for i, region in enumerate(regions):
        if not isinstance(region, (tuple, list)) or len(region) != 4:
            raise TypeError(f"regions[{i}] must be (E, f, K, r), got {type(region).__name__}")
        name = f"regions[{i}]"
        shape = read[0][2].shape if read else (None, None)
        K = as_array(region[2], f"{name} gain K", shape)
        E = as_array(region[0], f"{name} normals E", (None, K.shape[1]))
        f = as_array(region[1], f"{name} offsets f", (len(E),))
        r = as_array(region[3], f"{name} intercept r", (len(K),))
        read.append((*normalized_rows(E, f), K, r))
    if not read:
        raise ValueError("regions must have at least one region, got none")
    return read


def _smallest_box(read: Sequence[tuple[Array, Array, Array, Array]]) -> tuple[Array, Array]:
    boxes = []
    for i, (E, f, _, _) in enumerate(read):
        try:
            boxes.append(Polytope(E, f).bounding_box())
        except ValueError as error:
            raise ValueError(
                f"regions[{i}] must be bounded and not empty, or domain=(low, high) be given: "
                f"{error}"
            ) from None
    lows, highs = zip(*boxes, strict=True)
    return np.min(lows, axis=0), np.max(highs, axis=0)
