"""Conditioning inputs: their domains, and the values that a caller gives for them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from provenn.checks import check_choice, check_float_tensor, check_integer, check_like, check_number
from provenn.hyper.checks import has_values
from provenn.hyper.encodings import Encoding

Law = Literal["normal", "logistic"]
LAWS = ("normal", "logistic")
Value = Tensor | float


@dataclass(frozen=True)
class Condition:
    """An input of a hypernetwork: how many numbers, from which domain.

    The domain is an interval, which is rescaled to [0, 1], or the whole line, which is mapped to
    [0, 1] by a cumulative distribution function: give it where values are drawn from that law.

    Args:
        size: Numbers that the input has.
        lo: Lowest value.
        hi: Highest value.
        law: ``"normal"`` or ``"logistic"`` (whose distribution function is the sigmoid), in its
            standard form, for values that have no bounds; ``lo`` and ``hi`` then stay as they are.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range, or bounds and a law are given.

    Example:
        >>> decay = Condition(lo=-6.0, hi=-2.0)
        >>> decay.to_unit(torch.tensor([-6.0, -4.0]))
        tensor([0.0000, 0.5000])
        >>> Condition(8, law="normal").to_unit(torch.zeros(8))[0]
        tensor(0.5000)
    """

    size: int = 1
    lo: float = 0.0
    hi: float = 1.0
    law: Law | None = None

    def __post_init__(self) -> None:
        check_integer("size", self.size)
        check_number("lo", self.lo)
        check_number("hi", self.hi)
        if self.lo >= self.hi:
            raise ValueError(f"lo must be less than hi = {self.hi}, got {self.lo}")
        if self.law is not None:
            check_choice("law", self.law, LAWS)
            if (self.lo, self.hi) != (0.0, 1.0):
                raise ValueError(
                    f"law must be None where lo and hi bound the values, got {self.law!r} "
                    f"beside [{self.lo}, {self.hi}]"
                )

    def to_unit(self, value: Float[Tensor, "*batch size"]) -> Float[Tensor, "*batch size"]:
        """Map values to [0, 1]; one outside of the bounds is mapped to a number outside of [0, 1].

        Args:
            value: Values in their own units.

        Returns:
            Values in [0, 1].

        Raises:
            TypeError: If ``value`` is no floating-point tensor.
        """
        check_float_tensor("value", value)
        if self.law == "normal":
            return torch.special.ndtr(value)  # type: ignore[no-any-return]
        if self.law == "logistic":
            return value.sigmoid()
        if (self.lo, self.hi) == (0.0, 1.0):
            return value
        return (value - self.lo) / (self.hi - self.lo)

    def sample(
        self,
        *batch: int,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> Float[Tensor, "..."]:
        """Draw values from the domain: uniformly from the interval, or from the law.

        Args:
            batch: Sizes of the axes before the last one.
            generator: Source of randomness; PyTorch's own if not given.
            device: Device of the values.
            dtype: Floating-point type of the values.

        Returns:
            Values in their own units, shape ``(*batch, size)``.
        """
        uniform = torch.rand(
            *batch, self.size, generator=generator, device=device, dtype=dtype or torch.float32
        )
        if self.law is None:
            return self.lo + (self.hi - self.lo) * uniform
        tiny = torch.finfo(uniform.dtype).eps
        inside = uniform.clamp(tiny, 1 - tiny)
        return torch.special.ndtri(inside) if self.law == "normal" else inside.logit()

    @property
    def second_moment(self) -> float:
        """Mean square of a value that is drawn from the domain."""
        if self.law is not None:
            return {"normal": 1.0, "logistic": math.pi**2 / 3}[self.law]
        return (self.lo**2 + self.lo * self.hi + self.hi**2) / 3


def mean_square_norm(encoding: Encoding, conditions: Mapping[str, Condition]) -> float:
    """``E ||E(g)||_2^2`` over the domain."""
    if encoding == "none":
        return sum(c.size * c.second_moment for c in conditions.values())
    per_entry = 1.0 if encoding == "circle" else 2 / 3
    return per_entry * sum(c.size for c in conditions.values())


def as_conditions(inputs: Any) -> dict[str, Condition]:
    """The mapping of names to conditions that ``inputs`` stands for."""
    if not isinstance(inputs, Mapping):
        raise TypeError(
            "inputs must be a mapping of names to sizes or Conditions, got "
            f"{inputs!r:.80} of type {type(inputs).__name__}"
        )
    if not inputs:
        raise ValueError("inputs must name at least one conditioning input, got an empty mapping")
    conditions = {}
    for name, given in inputs.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"inputs must have identifiers as names, got {name!r}")
        if not isinstance(given, Condition):
            check_integer(f"inputs[{name!r}]", given)
        conditions[name] = given if isinstance(given, Condition) else Condition(given)
    return conditions


def gather(
    conditions: Mapping[str, Condition],
    values: Any,
    inputs: Mapping[str, Any],
    weight: Tensor,
    *,
    encoded: bool,
) -> Float[Tensor, "*batch d"]:
    """All inputs side by side, shape ``(d,)`` or ``(batch, d)``.

    Args:
        conditions: Name to domain.
        values: All inputs side by side as given, or ``None``.
        inputs: Inputs by name.
        weight: A parameter of the network, for its dtype and device.
        encoded: Whether values must lie in their domain, and are mapped to [0, 1].
    """
    names = ", ".join(conditions)
    if values is not None:
        if inputs:
            raise TypeError(f"values must be None where inputs are named, got both ({names})")
        sizes = [c.size for c in conditions.values()]
        parts = _row("values", sum(sizes), values, weight).split(sizes, dim=-1)
        inputs = dict(zip(conditions, parts, strict=True))
    for name in inputs:
        if name not in conditions:
            raise TypeError(f"inputs must be values or {names}, got {name!r}")
    for name in conditions:
        if name not in inputs:
            raise TypeError(f"inputs must be values or {names}, got none for {name!r}")
    rows = {}
    for name, condition in conditions.items():
        what = f"inputs[{name!r}]"
        row = _row(what, condition.size, inputs[name], weight)
        rows[name] = _to_unit(what, condition, row) if encoded else row
    batches = [(name, row.shape[0]) for name, row in rows.items() if row.ndim == 2]
    for name, batch in batches:
        if batch != batches[0][1]:
            raise ValueError(
                f"inputs[{name!r}] must have as many rows as inputs[{batches[0][0]!r}], "
                f"{batches[0][1]}, got {batch}"
            )
    if batches:
        return torch.cat([r.expand(batches[0][1], r.shape[-1]) for r in rows.values()], dim=-1)
    return torch.cat(list(rows.values()))


def _row(what: str, size: int, value: Any, weight: Tensor) -> Tensor:
    """A tensor of shape ``(size,)`` or ``(batch, size)``, checked."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = torch.tensor(float(value), dtype=weight.dtype, device=weight.device)
    check_float_tensor(what, value)
    if value.ndim == 0 and size == 1:
        value = value.unsqueeze(0)
    if value.ndim not in (1, 2) or value.shape[-1] != size:
        number = "a number, or " if size == 1 else ""
        raise ValueError(
            f"{what} must be {number}of shape ({size},) or (batch, {size}), got shape "
            f"{tuple(value.shape)}"
        )
    check_like(what, value, weight)
    return value  # type: ignore[no-any-return]


def _to_unit(what: str, condition: Condition, value: Tensor) -> Tensor:
    """The values in [0, 1]; refused if they lie outside of their domain."""
    unit = condition.to_unit(value)
    if has_values(unit) and bool(((unit < 0) | (unit > 1)).any()):
        raise ValueError(
            f"{what} must lie within [{condition.lo:g}, {condition.hi:g}], got values from "
            f"{value.min().item():g} to {value.max().item():g}"
        )
    return unit
