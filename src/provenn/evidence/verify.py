"""Does the stored evidence repeat here? One stored seed, drawn at random, is run again."""

import math
import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provenn.evidence.attempt import last_line
from provenn.evidence.claims import Claim
from provenn.evidence.executors import Executor, InProcess
from provenn.evidence.fingerprint import fingerprint
from provenn.evidence.page import Page, config_hash
from provenn.evidence.records import Trial
from provenn.evidence.relations import Relation
from provenn.evidence.runner import plan
from provenn.evidence.store import Store, without_gap
from provenn.evidence.tasks import Listener, Settled, Task, ignore
from provenn.evidence.verdicts import Interval, Part, judge, trial_margins


@dataclass(frozen=True, kw_only=True)
class Check:
    """Whether one claim's margin, measured again, falls where the stored trials say it should.

    Args:
        claim: The claim.
        preset: Preset of the trials.
        seed: Seed that was run again; ``None`` if none was.
        agrees: Whether every part's new margin is inside; ``None`` if that cannot be said.
        reason: In one sentence.
        margins: New margins, one a part.
        intervals: Stored 95 % prediction intervals, one a part.
    """

    claim: Claim
    preset: str
    seed: int | None = None
    agrees: bool | None = None
    reason: str
    margins: tuple[float, ...] = ()
    intervals: tuple[Interval, ...] = ()


def verify(
    page: Page,
    stores: Sequence[Store],
    preset: str,
    rng_seed: int | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    device: str = "cpu",
    executor: Executor | None = None,
    listener: Listener = ignore,
) -> list[Check]:
    """Run one random stored seed of a page again and check every claim against it.

    All claims of a page are measured in the same trial, so one seed serves them all. Nothing is
    written to the stores. A claim agrees if its new margin falls in the 95 % prediction interval of
    the stored ones; an identity or a bound agrees if it is not violated.

    Args:
        page: The page.
        stores: Where its trials are looked for; the first that has any counts.
        preset: Preset of the trials.
        rng_seed: Seed of the draw; by default drawn from the system.
        overrides: Changes of the page's config that the trials were run with.
        device: Where to compute.
        executor: Where to run; by default in this process.
        listener: Hears of every event.

    Returns:
        One check a claim, in the page's order.

    Raises:
        ValueError: If the preset or an override is not acceptable.
    """
    config = page.config(preset, overrides)
    stored = _stored(stores, page, preset, config_hash(config))
    able = {c.id: c.relation for c in page.claims if c.relation and preset in c.presets}
    seeds = [trial.seed for trial in stored if not trial.failed]
    if not able or not seeds:
        return [_unchecked(claim, preset) for claim in page.claims]

    seed = random.Random(rng_seed).choice(seeds)  # noqa: S311 - a draw, no secret
    task = plan([page], preset, seeds=seed + 1, overrides=overrides, device=device)[seed]
    again = _run_again(task, executor or InProcess(), listener)
    return [
        _check(claim, able[claim.id], stored, again)
        if claim.id in able
        else _unchecked(claim, preset)
        for claim in page.claims
    ]


def _stored(stores: Sequence[Store], page: Page, preset: str, config: str) -> list[Trial]:
    """The trials of the first store that has any, with the seeds from 0 up to the first gap."""
    for store in stores:
        trials = store.trials(page.paper.slug, preset, config, fingerprint=fingerprint(page))
        if trials:
            return without_gap(trials)
    return []


def _run_again(task: Task, executor: Executor, listener: Listener) -> Trial:
    with tempfile.TemporaryDirectory(prefix="provenn-verify-") as folder:
        store = Store(folder)
        for outcome in executor.run([task], store, listener):
            listener(Settled(outcome))
        (trial,) = store.trials()
        return trial


def _check(claim: Claim, relation: Relation, stored: Sequence[Trial], again: Trial) -> Check:
    preset = again.record.preset
    if again.failed:
        reason = f"the trial crashed here: {last_line(again.record.error)}"
        return Check(claim=claim, preset=preset, seed=again.seed, agrees=False, reason=reason)
    parts = judge(claim, stored).parts
    margins = trial_margins(relation, again)
    inside = [_inside(part, margin) for part, margin in zip(parts, margins, strict=True)]
    agrees = None if None in inside and False not in inside else all(inside)
    return Check(
        claim=claim,
        preset=preset,
        seed=again.seed,
        agrees=agrees,
        reason={
            True: "the new margin falls in the stored prediction interval",
            False: "the new margin falls outside the stored prediction interval",
            None: "fewer than two stored trials ended, so there is no prediction interval",
        }[agrees],
        margins=margins,
        intervals=tuple(part.prediction for part in parts),
    )


def _inside(part: Part, margin: float) -> bool | None:
    if part.relation.every_trial:
        return margin >= 0
    low, high = part.prediction.low, part.prediction.high
    if math.isnan(low):
        return None
    return low <= margin <= high or math.isclose(margin, low) or math.isclose(margin, high)


def _unchecked(claim: Claim, preset: str) -> Check:
    if claim.relation is None:
        reason = claim.unjudged
    elif preset not in claim.presets:
        reason = f"judged at {' or '.join(claim.presets)}, not at {preset}"
    else:
        reason = f"no stored trial of {preset} to compare with"
    return Check(claim=claim, preset=preset, reason=reason)
