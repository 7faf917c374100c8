"""A paper page: the one module where a method, its data and its claims meet."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from provenn.evidence.claims import PRESETS, Ablation, Claim, Deviation, Paper
from provenn.evidence.fields import check_integer, check_sequence, check_type
from provenn.evidence.metrics import Cost, Metrics
from provenn.evidence.names import nearest

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure

    from provenn.evidence.records import Trial

T = TypeVar("T")


@runtime_checkable
class DataSet(Protocol):
    """A split of a data set that is identified by the SHA-256 of its arrays."""

    @property
    def name(self) -> str:
        """Name of the set."""

    @property
    def split(self) -> str:
        """Name of the split."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the arrays."""


D = TypeVar("D", bound=DataSet)


@runtime_checkable
class Context(Protocol):
    """What the runner hands to a trial."""

    device: "torch.device"
    seed: int

    def stage(self, name: str, function: Callable[[], T]) -> T:
        """Result of ``function()``, run with every generator seeded by the trial's seed.

        All stages of a trial start from the same seed, so that competitors share split,
        initialisation and order, and a stage's result does not depend on what ran before it. Where
        the trial can be resumed, a finished stage is not run again: its result is read back, so it
        must be a ``Metrics``, a ``Competitor``, or a ``dict``/``list`` of numbers, strings and
        arrays.
        """

    def uses(self, data: D) -> D:
        """Record in the trial's provenance that it read ``data``; returns ``data``."""

    def progress(self, step: int, total: int, note: str = "") -> None:
        """Tell the reader that ``step`` of ``total`` is done."""

    def measure(self) -> AbstractContextManager["Meter"]:
        """Meter whose ``cost()`` gives wall time and peak memory of the block."""


@runtime_checkable
class Meter(Protocol):
    """Wall time and peak memory of a block of code."""

    def cost(self, *, parameters: float, flops: float, tuning_trials: int = 1) -> Cost:
        """The block's cost, with what only the caller knows."""


TrialFunction = Callable[[Any, int, Context], Metrics]
FiguresFunction = Callable[[Sequence["Trial"]], "Mapping[str, Figure]"]


@dataclass(frozen=True)
class Page:
    """What a page module declares, checked.

    A page module has ``PAPER``, a frozen dataclass ``Config``, ``PRESETS`` (``quick``, ``laptop``,
    ``full`` -> ``Config``), ``SEEDS`` (the same keys -> number of seeds), ``CLAIMS``, ``trial`` and
    ``figures``, and may have ``DEVIATIONS``, ``ABLATIONS``, ``EXAMPLE`` and ``CAPTIONS`` (figure
    name -> caption).

    Raises:
        TypeError: If a field has the wrong type.
        ValueError: If the fields do not fit together; the message names them as the module does.
    """

    paper: Paper
    config_type: type[Any]
    presets: Mapping[str, Any]
    seeds: Mapping[str, int]
    claims: Sequence[Claim]
    trial: TrialFunction
    figures: FiguresFunction
    path: Path
    module: str
    deviations: Sequence[Deviation] = ()
    ablations: Sequence[Ablation] = ()
    example: str = ""
    captions: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self._check_types()
        name = self.module
        if not (dataclasses.is_dataclass(self.config_type) and _is_frozen(self.config_type)):
            raise ValueError(f"Config of {name} must be a frozen dataclass")
        for what, keys in (("PRESETS", self.presets), ("SEEDS", self.seeds)):
            if set(keys) != set(PRESETS):
                raise ValueError(f"{what} of {name} must have the keys {PRESETS}, got {[*keys]}")
        for preset in PRESETS:
            check_type(self.presets[preset], self.config_type, f"presets[{preset!r}]")
            check_integer(self.seeds[preset], f"seeds[{preset!r}]", least=1)
        ids = [claim.id for claim in self.claims]
        if len(set(ids)) != len(ids) or not ids:
            raise ValueError(f"CLAIMS of {name} must be non-empty with different ids, got {ids}")
        for ablation in self.ablations:
            for claim_id in ablation.breaks:
                self.claim(claim_id)
            self.config("quick", ablation.overrides)

    def _check_types(self) -> None:
        check_type(self.module, str, "module")
        check_type(self.paper, Paper, "paper")
        check_type(self.config_type, type, "config_type")
        check_type(self.path, Path, "path")
        check_type(self.example, str, "example")
        for field in ("presets", "seeds", "captions"):
            check_type(getattr(self, field), Mapping, field)
        for field in ("trial", "figures"):
            if not callable(getattr(self, field)):
                raise TypeError(f"{field} must be a function, got {getattr(self, field)!r:.80}")
        check_sequence(self.claims, Claim, "claims")
        check_sequence(self.deviations, Deviation, "deviations")
        check_sequence(self.ablations, Ablation, "ablations")

    @classmethod
    def from_module(cls, module: ModuleType) -> "Page":
        """Read a page module.

        Raises:
            TypeError: If ``module`` is not a module, or a declaration has the wrong type.
            ValueError: If something that a page must declare is missing or inconsistent; the
                message names it.
        """
        check_type(module, ModuleType, "module")
        required = ("PAPER", "Config", "PRESETS", "SEEDS", "CLAIMS", "trial", "figures")
        missing = [name for name in required if not hasattr(module, name)]
        if missing:
            raise ValueError(f"page {module.__name__} must declare {', '.join(missing)}")
        return cls(
            paper=module.PAPER,
            config_type=module.Config,
            presets=module.PRESETS,
            seeds=module.SEEDS,
            claims=module.CLAIMS,
            trial=module.trial,
            figures=module.figures,
            path=Path(str(module.__file__)),
            module=module.__name__,
            deviations=getattr(module, "DEVIATIONS", ()),
            ablations=getattr(module, "ABLATIONS", ()),
            example=getattr(module, "EXAMPLE", ""),
            captions=getattr(module, "CAPTIONS", {}),
        )

    def config(self, preset: str, overrides: Mapping[str, Any] | None = None) -> Any:
        """The preset's config with ``overrides`` applied.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the preset or a key is unknown.
        """
        check_type(preset, str, "preset")
        check_type(overrides, (Mapping, type(None)), "overrides")
        if preset not in self.presets:
            raise ValueError(f"preset {preset!r} is unknown; {nearest(preset, self.presets)}")
        known = {f.name for f in dataclasses.fields(self.config_type)}
        for key in overrides or {}:
            check_type(key, str, "each key of overrides")
            if key not in known:
                raise ValueError(
                    f"config of {self.paper.slug} has no {key!r}; {nearest(key, known)}"
                )
        return dataclasses.replace(self.presets[preset], **(overrides or {}))

    def claim(self, claim_id: str) -> Claim:
        """The claim of that id.

        Raises:
            TypeError: If ``claim_id`` is not a string.
            ValueError: If there is none; the message names the nearest.
        """
        check_type(claim_id, str, "claim_id")
        for claim in self.claims:
            if claim.id == claim_id:
                return claim
        raise ValueError(
            f"{self.paper.slug} has no claim {claim_id!r}; "
            f"{nearest(claim_id, (c.id for c in self.claims))}"
        )


def config_hash(config: Any) -> str:
    """First 12 hexadecimal digits of the SHA-256 of a config dataclass, stable across processes."""
    plain = json.dumps(dataclasses.asdict(config), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()[:12]


def _is_frozen(config_type: type[Any]) -> bool:
    return bool(config_type.__dataclass_params__.frozen)
