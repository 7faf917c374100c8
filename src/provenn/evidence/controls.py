"""Negative controls: does a verdict notice when there is nothing to see, or when it is broken?

A/A: the method is replaced by its own peer, drawn with other seeds. A strict claim ("better than")
may then come out ``holds`` in at most 5 % of cases.

Sabotage: the method's key term is removed, as the page's ablations say. At least 90 % of the claims
that held and that the ablation must break have to stop holding.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from provenn.evidence.claims import Claim
from provenn.evidence.executors import Executor
from provenn.evidence.files import DamagedError, log, read_bounded, replace_durably
from provenn.evidence.fingerprint import fingerprint
from provenn.evidence.metrics import Metrics, lookup
from provenn.evidence.page import Page, config_hash
from provenn.evidence.records import Trial
from provenn.evidence.relations import All, Greater, Less, Ratio, Relation
from provenn.evidence.runner import run
from provenn.evidence.store import Store
from provenn.evidence.tasks import Listener, ignore
from provenn.evidence.verdicts import judge

AA_LIMIT = 0.05
SABOTAGE_LIMIT = 0.90
FILE_NAME = "controls.json"
MAX_SPLITS = 200
MAX_BYTES = 2**20


@dataclass(frozen=True, kw_only=True)
class Controls:
    """Negative controls of one page, or of all pages together.

    Attributes:
        aa_cases: Strict claims times splits of the seeds into "method" and "peer".
        aa_holds: How many of them came out ``holds``.
        sabotaged: Pairs of an ablation and a claim that it must break and that held without it.
        broken: How many of them stopped holding.
        unbroken: The others, as ``slug/ablation/claim``.
    """

    aa_cases: int = 0
    aa_holds: int = 0
    sabotaged: int = 0
    broken: int = 0
    unbroken: tuple[str, ...] = ()

    def __add__(self, other: "Controls") -> "Controls":
        return Controls(**{k: v + getattr(other, k) for k, v in vars(self).items()})

    @property
    def aa_rate(self) -> float:
        """Share of A/A cases that came out ``holds``; 0 if there is none."""
        return self.aa_holds / self.aa_cases if self.aa_cases else 0.0

    @property
    def broken_rate(self) -> float:
        """Share of sabotaged claims that stopped holding; 1 if there is none."""
        return self.broken / self.sabotaged if self.sabotaged else 1.0

    @property
    def ok(self) -> bool:
        """Whether both rates are within their limits."""
        return self.aa_rate <= AA_LIMIT and self.broken_rate >= SABOTAGE_LIMIT


_FILE = TypeAdapter(dict[str, Controls])


def control(
    page: Page, store: Store, executor: Executor, *, seeds: int = 6, listener: Listener = ignore
) -> Controls:
    """Run both controls of a page at ``quick``.

    Args:
        page: The page.
        store: Where the trials go; keep it apart from the store that verdicts are drawn from.
        executor: What runs the trials.
        seeds: Seeds for A/A, half of them as "method"; sabotage runs half as many.
        listener: Hears of every event.

    Raises:
        KeyboardInterrupt: If the runs were stopped; what is done is in the store.
    """
    if seeds < 4 or seeds % 2:
        raise ValueError(f"seeds must be even and at least 4, got {seeds}")
    _run(page, store, executor, seeds, {}, listener)
    honest = _trials(page, store, {})
    claims = [c for c in page.claims if "quick" in c.presets]
    result = aa(claims, honest)
    for ablation in page.ablations:
        overrides = ablation.overrides
        _run(page, store, executor, seeds // 2, overrides, listener)
        targets = [c for c in claims if c.id in ablation.breaks]
        result += sabotage(
            targets,
            honest[: seeds // 2],
            _trials(page, store, overrides),
            label=f"{page.paper.slug}/{ablation.name}",
        )
    return result


def aa(claims: Iterable[Claim], trials: Sequence[Trial]) -> Controls:
    """Judge every strict claim with the method replaced by its peer, over splits of the seeds.

    Args:
        claims: Claims of one page; those that are not strict are passed over.
        trials: Trials of one config; half play the method, the other half the peer.
    """
    half = len(trials) // 2
    finished = [t for t in trials if not t.failed]
    if len(finished) < 2 * half or half < 2:
        return Controls()
    splits = list(itertools.permutations(range(len(finished)), half))
    if len(splits) > MAX_SPLITS:
        chosen = np.random.default_rng(0).choice(len(splits), MAX_SPLITS, replace=False)
        splits = [splits[i] for i in sorted(chosen)]
    cases = holds = 0
    for claim in claims:
        parts = [p for p in (claim.relation.parts if claim.relation else ()) if p.strict]
        if not parts:
            continue
        for method in splits:
            peer = [i for i in range(len(finished)) if i not in method][:half]
            pairs = zip((finished[i] for i in method), (finished[i] for i in peer), strict=True)
            posed = [_pose(parts, m, p, seed) for seed, (m, p) in enumerate(pairs)]
            relation = All(*(_posed_relation(p, k) for k, p in enumerate(parts)))
            verdict = judge(replace(claim, relation=relation, peer_check=None), posed)
            cases += 1
            holds += verdict.status == "holds"
    return Controls(aa_cases=cases, aa_holds=holds)


def sabotage(
    claims: Iterable[Claim], honest: Sequence[Trial], ablated: Sequence[Trial], label: str
) -> Controls:
    """Count the claims that held with the honest trials and no longer do with the ablated ones."""
    held = [c for c in claims if judge(c, honest).status == "holds"]
    unbroken = [f"{label}/{c.id}" for c in held if judge(c, ablated).status == "holds"]
    return Controls(sabotaged=len(held), broken=len(held) - len(unbroken), unbroken=tuple(unbroken))


def save(controls: Mapping[str, Controls], path: Path) -> None:
    """Write the controls of each page as JSON, atomically."""
    replace_durably(path, _FILE.dump_json(dict(sorted(controls.items())), indent=1) + b"\n")


def read(path: Path) -> dict[str, Controls]:
    """Read what :func:`save` wrote; empty if there is no file.

    Raises:
        ValueError: If the file is not of that form.
    """
    if not path.is_file():
        return {}
    try:
        return _FILE.validate_json(read_bounded(path, MAX_BYTES))
    except (ValidationError, DamagedError) as error:
        raise ValueError(f"{path} is not a controls file: {error}") from None


def _run(
    page: Page,
    store: Store,
    executor: Executor,
    seeds: int,
    overrides: Mapping[str, Any],
    listener: Listener,
) -> None:
    summary = run(
        [page],
        preset="quick",
        store=store,
        executor=executor,
        seeds=seeds,
        overrides=overrides,
        listener=listener,
    )
    if summary.interrupted:
        raise KeyboardInterrupt


def gather(stores: Sequence[Store], slugs: Iterable[str]) -> Controls | None:
    """Controls of the named papers together, each from the first store that has them.

    Returns:
        Their sum; ``None`` if no store has any. A damaged file counts as absent, with a warning.
    """
    known: dict[str, Controls] = {}
    for store in reversed(stores):
        try:
            known |= read(store.root / FILE_NAME)
        except ValueError as error:
            log.warning("%s", error)
    found = [known[slug] for slug in slugs if slug in known]
    return sum(found, Controls()) if found else None


def _trials(page: Page, store: Store, overrides: Mapping[str, Any]) -> list[Trial]:
    settings = config_hash(page.config("quick", overrides))
    current = fingerprint(page)
    trials = store.trials(page.paper.slug, "quick", settings, fingerprint=current)
    return [t for t in trials if t.record.provenance.fingerprint == current]


def _pose(parts: Sequence[Relation], method: Trial, peer: Trial, seed: int) -> Trial:
    """The peer's trial, with its own metric of another seed in the method's place."""
    theirs, ours = peer.scalars(), method.scalars()
    posed = {f"posed.m{k}": lookup(ours, _peer_metric(p)) for k, p in enumerate(parts)}
    return Trial(
        record=peer.record.model_copy(update={"seed": seed}),
        metrics=Metrics(values={**theirs, **posed}),
    )


def _posed_relation(part: Relation, k: int) -> Relation:
    if not isinstance(part, Greater | Less | Ratio):
        raise TypeError(f"a strict relation must compare two metrics, got {part}")
    return replace(part, a=f"posed.m{k}")


def _peer_metric(part: Relation) -> str:
    if not isinstance(part, Greater | Less | Ratio):
        raise TypeError(f"a strict relation must compare two metrics, got {part}")
    return str(part.b)
