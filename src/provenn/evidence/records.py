"""The stored form of a trial: what ``trial.json`` holds, and its reading with bounds and checks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from provenn.evidence.metrics import Metrics

SCHEMA_VERSION: Literal[1] = 1

Finite = Annotated[float, Field(allow_inf_nan=False)]

Number = Finite | Literal["inf", "-inf"] | None
"""A float as JSON can hold it: NaN is ``null``, the infinities are the strings."""

Identifier = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)]


class Provenance(BaseModel):
    """Where, when and with what a trial ran."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provenn: str
    python: str
    packages: dict[str, str]
    git_revision: str | None
    git_dirty: bool | None
    fingerprint: str
    data: dict[str, str]
    """Data set name to the SHA-256 of the arrays that the trial read."""
    device: str
    cpu: str
    threads: int
    deterministic: bool
    started: str
    """ISO 8601, UTC."""
    wall_s: Finite
    cpu_s: Finite
    peak_bytes: int | None
    """Largest memory held; ``null`` where the system cannot tell."""


class CompetitorRecord(BaseModel):
    """A competitor as stored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Identifier
    label: str
    role: Literal["method", "peer", "baseline", "oracle"]
    quality: dict[str, Number]
    cost: dict[str, Number]
    package: str = ""


class TrialRecord(BaseModel):
    """``trial.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = SCHEMA_VERSION
    slug: Identifier
    preset: Identifier
    config: dict[str, Any]
    config_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    seed: Annotated[int, Field(ge=0, lt=1_000_000)]
    status: Literal["done", "failed"]
    values: dict[str, Number] = {}
    timings: dict[str, Number] = {}
    competitors: list[CompetitorRecord] = []
    error: str = ""
    """Traceback of a failed trial."""
    payloads: dict[str, str] = {}
    """File name beside ``trial.json`` to its SHA-256."""
    provenance: Provenance


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A trial read back: the record with its series and its metrics."""

    record: TrialRecord
    metrics: Metrics
    series: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def seed(self) -> int:
        """Seed of the trial."""
        return self.record.seed

    @property
    def failed(self) -> bool:
        """Whether the trial crashed."""
        return self.record.status == "failed"

    def scalars(self) -> dict[str, float]:
        """Every scalar under its flat name; empty for a failed trial."""
        return {} if self.failed else self.metrics.flat()
