"""Relations between measured metrics, as data.

A relation turns ONE trial's metrics into margins: numbers that are positive where the claim is true
of that trial. Most relations give one margin; an equivalence gives two, a conjunction all of its
parts', and the claim needs every one of them.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from provenn.evidence.fields import check_finite, check_positive, check_sequence
from provenn.evidence.metrics import lookup
from provenn.evidence.names import check_metric, nearest

Scalars = Mapping[str, float]
Series = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Relation(ABC):
    """What must hold between the metrics of one trial."""

    every_trial: ClassVar[bool] = False
    """Whether one violation in one trial refutes the claim (identities, soundness)."""

    @property
    def n_margins(self) -> int:
        """How many margins one trial gives."""
        return 1

    @abstractmethod
    def margins(self, scalars: Scalars, series: Series) -> tuple[float, ...]:
        """Margins of one trial, each positive where the relation holds; NaN if not a number."""

    @abstractmethod
    def effect(self, scalars: Scalars, series: Series) -> float:
        """The measured quantity that the paper's reported figure is compared with."""

    @abstractmethod
    def metrics(self) -> tuple[str, ...]:
        """Names of the scalars and series that the relation reads."""

    @abstractmethod
    def __str__(self) -> str:
        """The relation as an inequality."""

    @property
    def strict(self) -> bool:
        """Whether the relation is false when its two sides are equal, so that A/A may refute it."""
        return False

    @property
    def parts(self) -> tuple["Relation", ...]:
        """The relations that a conjunction is made of; a plain relation is its own only part."""
        return (self,)

    def to_dict(self) -> dict[str, Any]:
        """Plain data from which :func:`from_dict` rebuilds the relation."""
        plain: dict[str, Any] = {"type": type(self).__name__}
        for f in fields(self):
            value = getattr(self, f.name)
            plain[f.name] = [r.to_dict() for r in value] if f.name == "relations" else value
        return plain


@dataclass(frozen=True)
class Greater(Relation):
    """``a > b + margin`` (a negative margin says "at most that much below")."""

    a: str
    b: str | float
    margin: float = 0.0

    def __post_init__(self) -> None:
        _check_names(a=self.a)
        _check_operands(b=self.b)
        check_finite(margin=self.margin)

    def margins(self, scalars: Scalars, series: Series) -> tuple[float, ...]:
        return (lookup(scalars, self.a) - _value(scalars, self.b) - self.margin,)

    def effect(self, scalars: Scalars, series: Series) -> float:
        a = lookup(scalars, self.a)
        return a - lookup(scalars, self.b) if isinstance(self.b, str) else a

    def metrics(self) -> tuple[str, ...]:
        return _names(self.a, self.b)

    @property
    def strict(self) -> bool:
        return isinstance(self.b, str) and self.margin >= 0

    def __str__(self) -> str:
        return f"{self.a} > {self.b}{_offset(self.margin)}"


@dataclass(frozen=True)
class Less(Relation):
    """``a < b - margin`` (a negative margin says "at most that much above")."""

    a: str
    b: str | float
    margin: float = 0.0

    def __post_init__(self) -> None:
        _check_names(a=self.a)
        _check_operands(b=self.b)
        check_finite(margin=self.margin)

    def margins(self, scalars: Scalars, series: Series) -> tuple[float, ...]:
        return (_value(scalars, self.b) - lookup(scalars, self.a) - self.margin,)

    def effect(self, scalars: Scalars, series: Series) -> float:
        a = lookup(scalars, self.a)
        return lookup(scalars, self.b) - a if isinstance(self.b, str) else a

    def metrics(self) -> tuple[str, ...]:
        return _names(self.a, self.b)

    @property
    def strict(self) -> bool:
        return isinstance(self.b, str) and self.margin >= 0

    def __str__(self) -> str:
        return f"{self.a} < {self.b}{_offset(-self.margin)}"


@dataclass(frozen=True)
class Ratio(Relation):
    """``a / b >= at_least`` and/or ``a / b <= at_most``."""

    a: str
    b: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        _check_names(a=self.a, b=self.b)
        _check_limits("Ratio", self.at_least, self.at_most)

    def margins(self, scalars: Scalars, series: Series) -> tuple[float, ...]:
        return _within(self.effect(scalars, series), self.at_least, self.at_most)

    def effect(self, scalars: Scalars, series: Series) -> float:
        denominator = lookup(scalars, self.b)
        return lookup(scalars, self.a) / denominator if denominator else math.nan

    def metrics(self) -> tuple[str, ...]:
        return (self.a, self.b)

    @property
    def n_margins(self) -> int:
        return (self.at_least is not None) + (self.at_most is not None)

    @property
    def strict(self) -> bool:
        low, high = self.at_least, self.at_most
        return (low is not None and low >= 1) or (high is not None and high <= 1)

    def __str__(self) -> str:
        return _between(f"{self.a} / {self.b}", self.at_least, self.at_most)


@dataclass(frozen=True)
class Near(Relation):
    """``|a - value| <= tol``, an equivalence: both bounds must be inside."""

    a: str
    value: str | float
    tol: float

    def __post_init__(self) -> None:
        _check_names(a=self.a)
        _check_operands(value=self.value)
        check_positive(tol=self.tol)

    def margins(self, scalars: Scalars, series: Series) -> tuple[float, ...]:
        difference = lookup(scalars, self.a) - _value(scalars, self.value)
        return (self.tol + difference, self.tol - difference)

    def effect(self, scalars: Scalars, series: Series) -> float:
        return lookup(scalars, self.a)

    def metrics(self) -> tuple[str, ...]:
        return _names(self.a, self.value)

    @property
    def n_margins(self) -> int:
        return 2

    def __str__(self) -> str:
        return f"|{self.a} - {self.value}| <= {self.tol:g}"


@dataclass(frozen=True)
class Identity(Relation):
    """``|max_error| <= tol`` in every trial."""

    error: str
    tol: float

    every_trial: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_names(error=self.error)
        check_positive(tol=self.tol)

    def margins(self, scalars: Scalars, series: Series) -> tuple[float, ...]:
        return (self.tol - self.effect(scalars, series),)

    def effect(self, scalars: Scalars, series: Series) -> float:
        return abs(lookup(scalars, self.error))

    def metrics(self) -> tuple[str, ...]:
        return (self.error,)

    def __str__(self) -> str:
        return f"|{self.error}| <= {self.tol:g} in every trial"


@dataclass(frozen=True)
class Sound(Relation):
    """``lower <= upper`` in every trial, up to ``rtol`` times the larger of 1 and ``|upper|``."""

    lower: str
    upper: str
    rtol: float = 1e-6

    every_trial: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_names(lower=self.lower, upper=self.upper)
        check_positive(rtol=self.rtol)

    def margins(self, scalars: Scalars, series: Series) -> tuple[float, ...]:
        slack = self.rtol * max(1.0, abs(lookup(scalars, self.upper)))
        return (self.effect(scalars, series) + slack,)

    def effect(self, scalars: Scalars, series: Series) -> float:
        return lookup(scalars, self.upper) - lookup(scalars, self.lower)

    def metrics(self) -> tuple[str, ...]:
        return (self.lower, self.upper)

    def __str__(self) -> str:
        return f"{self.lower} <= {self.upper} in every trial"


@dataclass(frozen=True)
class Slope(Relation):
    """Slope of ``log cost`` over ``log n``, both series of one trial, within the given limits."""

    n: str
    cost: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        _check_names(n=self.n, cost=self.cost)
        _check_limits("Slope", self.at_least, self.at_most)

    def margins(self, scalars: Scalars, series: Series) -> tuple[float, ...]:
        return _within(self.effect(scalars, series), self.at_least, self.at_most)

    def effect(self, scalars: Scalars, series: Series) -> float:
        for name in (self.n, self.cost):
            if name not in series:
                raise KeyError(f"series {name!r} was not measured; {nearest(name, series)}")
        n, cost = series[self.n], series[self.cost]
        if n.shape != cost.shape or np.unique(n).size < 2 or (n <= 0).any() or (cost <= 0).any():
            return math.nan
        return float(np.polyfit(np.log(n), np.log(cost), 1)[0])

    def metrics(self) -> tuple[str, ...]:
        return (self.n, self.cost)

    @property
    def n_margins(self) -> int:
        return (self.at_least is not None) + (self.at_most is not None)

    def __str__(self) -> str:
        return _between(f"slope of log {self.cost} over log {self.n}", self.at_least, self.at_most)


@dataclass(frozen=True)
class All(Relation):
    """Every one of ``relations``; the effect is that of the first."""

    relations: Sequence[Relation]

    def __init__(self, *relations: Relation) -> None:
        if not relations:
            raise ValueError("relations must hold at least one relation, got none")
        check_sequence(relations, Relation, "relations")
        object.__setattr__(self, "relations", relations)

    def margins(self, scalars: Scalars, series: Series) -> tuple[float, ...]:
        return tuple(m for r in self.relations for m in r.margins(scalars, series))

    def effect(self, scalars: Scalars, series: Series) -> float:
        return self.relations[0].effect(scalars, series)

    def metrics(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(m for r in self.relations for m in r.metrics()))

    @property
    def strict(self) -> bool:
        return any(r.strict for r in self.relations)

    @property
    def n_margins(self) -> int:
        return sum(r.n_margins for r in self.relations)

    @property
    def parts(self) -> tuple[Relation, ...]:
        return tuple(part for r in self.relations for part in r.parts)

    def __str__(self) -> str:
        return " and ".join(str(r) for r in self.relations)


_TYPES: dict[str, type[Relation]] = {
    t.__name__: t for t in (Greater, Less, Ratio, Near, Identity, Sound, Slope, All)
}


def from_dict(plain: Mapping[str, Any]) -> Relation:
    """Rebuild a relation from :meth:`Relation.to_dict`.

    Raises:
        ValueError: If the type or a field is unknown.
    """
    arguments = dict(plain)
    name = str(arguments.pop("type", ""))
    if name not in _TYPES:
        raise ValueError(f"unknown relation {name!r}; {nearest(name, _TYPES)}")
    if name == "All":
        return All(*(from_dict(r) for r in arguments["relations"]))
    accepted = {f.name for f in fields(_TYPES[name])}
    for key in arguments:
        if key not in accepted:
            raise ValueError(f"unknown field {key!r} of {name}; {nearest(key, accepted)}")
    return _TYPES[name](**arguments)


def _value(scalars: Scalars, operand: str | float) -> float:
    return lookup(scalars, operand) if isinstance(operand, str) else float(operand)


def _within(value: float, at_least: float | None, at_most: float | None) -> tuple[float, ...]:
    """Margins of ``value`` to the limits that there are."""
    low = () if at_least is None else (value - at_least,)
    high = () if at_most is None else (at_most - value,)
    return (*low, *high)


def _between(what: str, at_least: float | None, at_most: float | None) -> str:
    low = "" if at_least is None else f"{at_least:g} <= "
    high = "" if at_most is None else f" <= {at_most:g}"
    return f"{low}{what}{high}"


def _names(*operands: str | float) -> tuple[str, ...]:
    return tuple(o for o in operands if isinstance(o, str))


def _offset(margin: float) -> str:
    return "" if margin == 0 else f" {'+' if margin > 0 else '-'} {abs(margin):g}"


def _check_names(**operands: object) -> None:
    for field, name in operands.items():
        check_metric(name, f"{field}: metric")  # type: ignore[arg-type]


def _check_operands(**operands: object) -> None:
    for field, operand in operands.items():
        if isinstance(operand, str):
            check_metric(operand, f"{field}: metric")
        else:
            check_finite(**{field: operand})


def _check_limits(relation: str, at_least: float | None, at_most: float | None) -> None:
    limits = {"at_least": at_least, "at_most": at_most}
    given = {field: limit for field, limit in limits.items() if limit is not None}
    if not given:
        raise ValueError(f"{relation} needs at_least, at_most or both, got neither")
    check_finite(**given)
    if at_least is not None and at_most is not None and at_least > at_most:
        raise ValueError(f"at_least must not exceed at_most, got {at_least} and {at_most}")
