"""What one trial measures: values, series, and competitors with their quality and cost.

Everything that a relation can speak of has a flat name: a value ``max_error``, a competitor's
quality ``phc-n2.accuracy``, a competitor's cost ``phc-n2.parameters``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from provenn.evidence.fields import (
    check_integer,
    check_numbers,
    check_sequence,
    check_text,
    check_type,
)
from provenn.evidence.names import check_id, check_metric, nearest

Role = Literal["method", "peer", "baseline", "oracle"]

COSTS = ("parameters", "flops", "wall_s", "peak_bytes", "tuning_trials")
TIMINGS = ("wall_s", "peak_bytes")
"""The costs that differ between two runs of the same code on the same machine."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a competitor spent.

    Args:
        parameters: Trainable scalars.
        flops: Floating-point operations of one forward pass on one example, as counted by
            ``torch.utils.flop_counter``.
        wall_s: Wall time in seconds of training and evaluation together.
        peak_bytes: Largest memory that the competitor's stage held, in bytes.
        tuning_trials: Configurations tried on validation data before this one was fixed (1 if
            nothing was tuned).
    """

    parameters: float = math.nan
    flops: float = math.nan
    wall_s: float = math.nan
    peak_bytes: float = math.nan
    tuning_trials: int = 1

    def __post_init__(self) -> None:
        for name in ("parameters", "flops", "wall_s", "peak_bytes"):
            value = getattr(self, name)
            check_type(value, Real, name)
            if value < 0:
                raise ValueError(f"{name} must not be negative, got {value}")
        check_integer(self.tuning_trials, "tuning_trials", 1)


@dataclass(frozen=True, kw_only=True)
class Competitor:
    """The method, or one of its peers, as it did in one trial.

    Args:
        name: Identifier, e.g. ``phc-n2``.
        label: What the page calls it.
        role: ``method``; ``peer`` (what a user would choose instead); ``baseline`` (a sanity
            check); ``oracle`` (exact or unreachable, for reference).
        quality: Metric name to value.
        cost: What it spent.
        package: Distribution that provides it, when it is third-party (``"torch"``).
    """

    name: str
    label: str
    role: Role
    quality: Mapping[str, float]
    cost: Cost = field(default_factory=Cost)
    package: str = ""

    def __post_init__(self) -> None:
        check_id(self.name, "competitor name")
        check_text(label=self.label)
        check_text(required=False, package=self.package)
        if self.role not in get_args(Role):
            accepted = ", ".join(get_args(Role))
            raise ValueError(f"role must be one of {accepted}, got {self.role!r}")
        check_type(self.cost, Cost, "cost")
        check_numbers(self.quality, "quality")
        for metric in self.quality:
            check_metric(metric)
            if "." in metric or metric in COSTS:
                raise ValueError(
                    f"quality of {self.name!r} must not use a dot or the name of a cost "
                    f"({', '.join(COSTS)}), got {metric!r}"
                )


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """All that one trial measured.

    Args:
        values: Scalars that belong to no competitor, e.g. ``{"max_error": 1e-9}``.
        timings: Scalars that differ between two runs of the same code (seconds, ratios of seconds).
        series: Arrays for figures and for slope relations, e.g. a learning curve; kept as float64.
        competitors: The method and its peers.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    series: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    competitors: Sequence[Competitor] = ()

    def __post_init__(self) -> None:
        check_numbers(self.values, "values")
        check_numbers(self.timings, "timings")
        check_type(self.series, Mapping, "series")
        check_sequence(self.competitors, Competitor, "competitors")
        names = [c.name for c in self.competitors]
        if len(set(names)) != len(names):
            raise ValueError(f"competitors must have different names, got {names}")
        for name in (*self.values, *self.timings, *self.series):
            check_metric(name)
        as_arrays = {name: _as_array(name, values) for name, values in self.series.items()}
        object.__setattr__(self, "series", as_arrays)

    def flat(self) -> dict[str, float]:
        """Every scalar under its flat name."""
        flat = {k: float(v) for k, v in (*self.values.items(), *self.timings.items())}
        for competitor in self.competitors:
            for metric, value in competitor.quality.items():
                flat[f"{competitor.name}.{metric}"] = float(value)
            for cost in COSTS:
                flat[f"{competitor.name}.{cost}"] = float(getattr(competitor.cost, cost))
        return flat

    def repeatable(self) -> dict[str, float]:
        """The scalars that a second run on one CPU thread must give again, bit by bit."""
        return {
            name: value
            for name, value in self.flat().items()
            if name not in self.timings and name.rpartition(".")[2] not in TIMINGS
        }


def lookup(metrics: Mapping[str, float], name: str) -> float:
    """Value of ``name``, or a ``KeyError`` that lists what was measured."""
    try:
        return metrics[name]
    except KeyError:
        raise KeyError(f"metric {name!r} was not measured; {nearest(name, metrics)}") from None


def _as_array(name: str, values: object) -> NDArray[np.float64]:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"series[{name!r}] must be an array of numbers, got {values!r:.80}"
        ) from error
