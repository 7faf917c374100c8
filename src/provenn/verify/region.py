"""The set of inputs over which a bound must hold: a box, or a ball cut by a box."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

Clip = tuple[float | Tensor, float | Tensor]


@dataclass(frozen=True, eq=False)
class Region:
    """``{x : lo <= x <= hi}``, and ``‖x - centre‖₂ <= radius`` where a radius is given.

    Args:
        lo: Smallest value of each input element, ``(batch, *features)``.
        hi: Largest value.
        centre: Middle of the ball.
        radius: Radius of the ℓ₂ ball; ``None`` for a plain box.
    """

    lo: Float[Tensor, "batch ..."]
    hi: Float[Tensor, "batch ..."]
    centre: Float[Tensor, "batch ..."]
    radius: float | None = None

    def __len__(self) -> int:
        return self.lo.shape[0]

    def __getitem__(self, index: slice) -> "Region":
        return replace(self, lo=self.lo[index], hi=self.hi[index], centre=self.centre[index])

    def range_of(self, a: Float[Tensor, "sides any rows ..."]) -> Float[Tensor, "2 batch rows"]:
        """Least value (side 0) and largest value (side 1) of ``a · x`` over the region."""
        a = a.flatten(3)
        lo, hi = self.lo.flatten(1), self.hi.flatten(1)
        sign: Tensor = torch.tensor([-1.0, 1.0], dtype=a.dtype, device=a.device)[:, None, None]
        value = _dot(a, (lo + hi) / 2) + sign * _dot(a.abs(), (hi - lo) / 2)
        if self.radius is not None:
            ball = _dot(a, self.centre.flatten(1)) + sign * self.radius * a.norm(dim=-1)
            value = sign * torch.minimum(sign * value, sign * ball)
        return value

    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n batch ..."]:
        """Points of the region: half of them uniform in it, half on its faces and corners."""
        shape = (n, *self.lo.shape)
        u = torch.rand(shape, generator=generator, dtype=self.lo.dtype).to(self.lo.device)
        u[n // 2 :] = u[n // 2 :].mul(3).sub(1).clamp(0, 1)
        return self.project(self.lo + u * (self.hi - self.lo))

    def project(self, x: Float[Tensor, "n batch ..."]) -> Float[Tensor, "n batch ..."]:
        """Points of the region near ``x``."""
        x = torch.minimum(torch.maximum(x, self.lo), self.hi)
        if self.radius is None:
            return x
        step = x - self.centre
        norm = torch.linalg.vector_norm(step.flatten(2), dim=-1)
        norm = norm.clamp(min=torch.finfo(x.dtype).tiny)
        shrink = (self.radius / norm).clamp(max=1).reshape(*norm.shape, *(1,) * (x.ndim - 2))
        inside: Tensor = self.centre + step * shrink
        return inside


def make_region(
    x: Tensor | None,
    eps: float | Tensor | None,
    clip: Clip | None,
    lo: Tensor | None,
    hi: Tensor | None,
    *,
    ball: bool = False,
) -> Region:
    """Region from ``x`` and ``eps`` (cut by ``clip``), or from ``lo`` and ``hi``.

    Args:
        x: Middle of the region, ``(batch, *features)``.
        eps: Radius: a number, or a tensor that broadcasts to ``x`` (one for each channel, say).
        clip: Least and largest valid value of an input.
        lo: Smallest values, instead of ``x`` and ``eps``.
        hi: Largest values.
        ball: Whether ``eps`` is the radius of an ℓ₂ ball; ``lo`` and ``hi`` are a box all the same.

    Raises:
        TypeError: If an argument is not a tensor or number where it must be one.
        ValueError: If arguments are missing, contradict each other, are not finite or leave the
            region empty.
    """
    if (lo is None) != (hi is None) or (lo is None) == (x is None and eps is None):
        raise ValueError(
            "the region must be given either by x and eps or by lo and hi, got "
            f"{_given(x=x, eps=eps, lo=lo, hi=hi)}"
        )
    if lo is not None and hi is not None:
        if clip is not None:
            raise ValueError("clip must be None when lo and hi are given, got both")
        _check_tensor(lo, "lo")
        _check_tensor(hi, "hi")
        if lo.shape != hi.shape or lo.dtype != hi.dtype or lo.device != hi.device:
            raise ValueError(
                f"lo and hi must agree in shape, dtype and device, got {_describe(lo)} and "
                f"{_describe(hi)}"
            )
        _check_order(lo, hi, "lo must be at most hi")
        return Region(lo=lo.detach(), hi=hi.detach(), centre=((lo + hi) / 2).detach())
    if x is None or eps is None:
        raise ValueError(f"x and eps must be given together, got {_given(x=x, eps=eps)}")
    _check_tensor(x, "x")
    x = x.detach()
    radius = _radius(eps, x)
    low, high = (x - radius, x + radius)
    if clip is not None:
        low, high = _clip(x, low, high, clip, ball=ball)
    if ball:
        if radius.numel() != 1:
            raise ValueError(
                f"eps must be one number for norm=2, got a tensor of shape {tuple(radius.shape)}"
            )
        return Region(lo=low, hi=high, centre=x, radius=float(radius))
    return Region(lo=low, hi=high, centre=(low + high) / 2)


def _clip(x: Tensor, low: Tensor, high: Tensor, clip: Clip, *, ball: bool) -> tuple[Tensor, Tensor]:
    if not isinstance(clip, tuple) or len(clip) != 2:
        raise TypeError(f"clip must be a pair (least, largest), got {clip!r}")
    least, largest = (torch.as_tensor(c, dtype=x.dtype, device=x.device) for c in clip)
    _check_order(least, largest, "clip must be (least, largest) with least <= largest")
    if ball and bool(((x < least) | (x > largest)).any()):
        raise ValueError("x must lie inside clip for norm=2, got values outside")
    low, high = torch.maximum(low, least), torch.minimum(high, largest)
    _check_order(low, high, "clip must leave some of the region around x")
    return low, high


def _radius(eps: float | Tensor, x: Tensor) -> Tensor:
    if isinstance(eps, bool) or not isinstance(eps, (int, float, Tensor)):
        raise TypeError(f"eps must be a number or a tensor, got {type(eps).__name__}")
    radius = torch.as_tensor(eps, dtype=x.dtype, device=x.device).detach()
    if not bool(radius.isfinite().all()) or bool((radius < 0).any()):
        raise ValueError(f"eps must be finite and at least 0, got {eps}")
    try:
        shape = torch.broadcast_shapes(radius.shape, x.shape)
    except RuntimeError:
        shape = torch.Size()
    if shape != x.shape:
        raise ValueError(
            f"eps must be a number or broadcast to x {tuple(x.shape)}, got {tuple(radius.shape)}"
        )
    return radius


def _check_tensor(value: Tensor, name: str) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(value).__name__}")
    if value.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name} must be float32 or float64, got {value.dtype}")
    if value.ndim < 2 or value.numel() == 0:
        raise ValueError(
            f"{name} must have shape (batch, *features) and not be empty, got {tuple(value.shape)}"
        )
    if not bool(value.isfinite().all()):
        raise ValueError(f"{name} must be finite, got NaN or inf")


def _check_order(low: Tensor, high: Tensor, rule: str) -> None:
    crossed = ~(low <= high)
    if bool(crossed.any()):
        raise ValueError(f"{rule}, got {int(crossed.sum())} elements where it does not hold")


def _dot(a: Float[Tensor, "sides any rows d"], x: Float[Tensor, "batch d"]) -> Tensor:
    return torch.einsum("sbrd,bd->sbr", a, x)


def _given(**arguments: object) -> str:
    return ", ".join(f"{k}={'None' if v is None else '...'}" for k, v in arguments.items())


def _describe(value: Tensor) -> str:
    return f"{tuple(value.shape)} {value.dtype} on {value.device}"
