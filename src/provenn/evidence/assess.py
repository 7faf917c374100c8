"""All that the stores know of one page: its trials, and the verdict on each of its claims."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from provenn.evidence.claims import PRESETS, Claim
from provenn.evidence.fingerprint import fingerprint
from provenn.evidence.page import Page, config_hash
from provenn.evidence.records import Trial
from provenn.evidence.store import Store, without_gap
from provenn.evidence.verdicts import Status, Verdict, judge

STATUSES: tuple[Status, ...] = ("holds", "fails", "undecided", "not judged")


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """A page with its trials and verdicts.

    Attributes:
        page: The page.
        trials: Preset to its trials, seeds 0..n-1; a preset without trials is absent.
        stale: Presets whose trials were measured with other code than the present.
        verdicts: One for each claim, in the page's order, from the largest preset that can judge
            it and has been run, present code before stale.
    """

    page: Page
    trials: Mapping[str, Sequence[Trial]]
    stale: frozenset[str]
    verdicts: Sequence[Verdict]

    def counts(self) -> dict[Status, int]:
        """How many claims have each status."""
        return {s: sum(v.status == s for v in self.verdicts) for s in STATUSES}


def assess(page: Page, stores: Iterable[Store]) -> Assessment:
    """Judge every claim of ``page`` by the trials of its presets found in ``stores``.

    Where two stores hold the same trial, one measured with the present code wins over a stale one,
    a finished one over a crashed one, and the earlier store over the later.
    """
    stores = list(stores)
    current = fingerprint(page)
    trials = {p: found for p in PRESETS if (found := _trials(page, p, stores, current))}
    stale = frozenset(
        preset
        for preset, found in trials.items()
        if any(t.record.provenance.fingerprint != current for t in found)
    )
    verdicts = tuple(_verdict(claim, trials, stale) for claim in page.claims)
    return Assessment(page=page, trials=trials, stale=stale, verdicts=verdicts)


def _trials(page: Page, preset: str, stores: Sequence[Store], current: str) -> list[Trial]:
    settings = config_hash(page.config(preset))
    by_seed: dict[int, Trial] = {}
    for store in stores:
        for trial in store.trials(page.paper.slug, preset, settings, fingerprint=current):
            known = by_seed.get(trial.seed)
            if known is None or _rank(trial, current) > _rank(known, current):
                by_seed[trial.seed] = trial
    return without_gap(by_seed.values())


def _rank(trial: Trial, current: str) -> tuple[bool, bool]:
    return trial.record.provenance.fingerprint == current, not trial.failed


def _verdict(claim: Claim, trials: Mapping[str, Sequence[Trial]], stale: frozenset[str]) -> Verdict:
    able = [p for p in reversed(PRESETS) if p in claim.presets and p in trials]
    if not able:
        return judge(claim, ())
    preset = next((p for p in able if p not in stale), able[0])
    return judge(claim, trials[preset], stale=preset in stale)
