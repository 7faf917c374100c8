"""From margins over seeds to a verdict.

A relation gives each trial margins, positive where the claim is true of that trial. Over the
seeds, a one-sided 95 % Student-t bound decides: ``holds`` when the lower bound is above zero,
``fails`` when the upper bound is below zero, ``undecided`` otherwise. A conjunction holds when
every part holds (an intersection-union test, which keeps the level at 5 %) and fails when one part
fails (with the level shared among the parts). Identities and soundness need every trial. The
percentile bootstrap is not used: with three seeds and a true margin of zero it says ``holds`` in
19 % of cases, Student's t in 5 %.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from provenn.evidence.claims import Claim
from provenn.evidence.records import Trial
from provenn.evidence.relations import Greater, Less, Ratio, Relation, Slope

Status = Literal["holds", "fails", "undecided", "not judged"]
Badge = Literal["filled", "hollow", "none"]

CONFIDENCE = 0.95
POWER = 0.80
EXCEEDS = 1.5
"""A measured effect beyond this multiple of the paper's asks for the leakage checklist."""


@dataclass(frozen=True)
class Interval:
    """A mean with its lower and upper bound."""

    mean: float = math.nan
    low: float = math.nan
    high: float = math.nan

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, kw_only=True)
class Part:
    """The verdict on one part of a claim's relation."""

    relation: Relation
    status: Status
    reason: str
    margins: tuple[float, ...]
    """One for each seed; minus infinity for a trial that crashed or diverged."""
    margin: Interval
    """Mean margin with its one-sided 95 % bounds."""
    prediction: Interval
    """Where the margin of one more seed falls with 95 % probability."""
    detectable: float
    """Smallest true margin that this many seeds would show with 80 % probability."""
    p_value: float
    """Of the hypothesis that the true margin is not positive; NaN where every trial decides."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the trials of one preset say of one claim."""

    claim: Claim
    status: Status
    reason: str
    preset: str = ""
    n: int = 0
    crashed: int = 0
    collapse_upper: float = math.nan
    """Clopper-Pearson 95 % upper bound of the rate of crashed or diverged trials."""
    parts: tuple[Part, ...] = ()
    effect: Interval = field(default_factory=Interval)
    """Measured counterpart of the paper's figure with its two-sided 95 % interval."""
    badge: Badge = "none"
    exceeds: bool = False
    stale: bool = False

    @property
    def binding(self) -> Part | None:
        """The part that decides: the one with the lowest bound relative to its spread."""
        return _binding(self.parts) if self.parts else None

    @property
    def p_value(self) -> float:
        """Largest p-value of the parts; NaN if no part has one."""
        values = [p.p_value for p in self.parts if not math.isnan(p.p_value)]
        return max(values, default=math.nan)

    @property
    def effect_ratio(self) -> float:
        """Measured effect over the reported one; NaN if the paper gives none."""
        reported = self.claim.reported_effect
        return self.effect.mean / reported if reported else math.nan


def judge(claim: Claim, trials: Sequence[Trial], *, stale: bool = False) -> Verdict:
    """Judge a claim by the trials of one preset and config.

    Args:
        claim: The claim.
        trials: Trials with seeds 0..n-1, in any order.
        stale: Whether the trials were measured with other code than the present.

    Returns:
        The verdict; ``not judged`` if there is no relation or no trial, or if the trials lack a
        metric that the relation reads.

    Raises:
        ValueError: If the trials differ in preset or config, or their seeds are not 0..n-1.
    """
    if claim.relation is None:
        return Verdict(claim=claim, status="not judged", reason=claim.unjudged)
    trials = sorted(trials, key=lambda t: t.seed)
    if not trials:
        presets = " or ".join(claim.presets)
        return Verdict(claim=claim, status="not judged", reason=f"needs a run of {presets}")
    _check_one_series(trials)

    try:
        parts = _judge_parts(claim.relation, trials)
        peer_parts = _judge_parts(claim.peer_check, trials) if claim.peer_check else ()
        effect = _effect(claim.relation, trials)
    except KeyError as error:
        return Verdict(claim=claim, status="not judged", reason=str(error.args[0]))
    binding = _binding(parts)
    status, reason = binding.status, binding.reason
    if any(part.status != "holds" for part in peer_parts):
        status, reason = "undecided", f"weak peer: {claim.peer_check} is not shown"
    crashed = sum(
        1 for margins in zip(*(p.margins for p in parts), strict=True) if -math.inf in margins
    )
    return Verdict(
        claim=claim,
        status=status,
        reason=reason,
        preset=trials[0].record.preset,
        n=len(trials),
        crashed=crashed,
        collapse_upper=clopper_pearson_upper(crashed, len(trials)),
        parts=parts,
        effect=effect,
        badge=_badge(claim, trials),
        exceeds=status == "holds" and _exceeds(claim, effect),
        stale=stale,
    )


def trial_margins(relation: Relation, trial: Trial) -> tuple[float, ...]:
    """Margins of one trial; minus infinity where it crashed or a metric is not a number."""
    if trial.failed:
        return (-math.inf,) * relation.n_margins
    margins = relation.margins(trial.scalars(), trial.series)
    return tuple(-math.inf if math.isnan(m) else m for m in margins)


def benjamini_hochberg(p_values: Mapping[str, float], rate: float = 0.05) -> set[str]:
    """Names whose hypothesis is rejected with the false discovery rate kept at ``rate``.

    Reference: Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995) 289-300.
    """
    known = sorted((p, name) for name, p in p_values.items() if not math.isnan(p))
    passing = [i for i, (p, _) in enumerate(known, start=1) if p <= rate * i / len(known)]
    return {name for _, name in known[: max(passing, default=0)]}


def clopper_pearson_upper(events: int, n: int, confidence: float = CONFIDENCE) -> float:
    """One-sided upper confidence bound of a rate of which ``events`` were seen in ``n``."""
    return 1.0 if events == n else float(stats.beta.ppf(confidence, events + 1, n - events))


def _judge_parts(relation: Relation, trials: Sequence[Trial]) -> tuple[Part, ...]:
    n_parts = relation.n_margins
    return tuple(part for r in relation.parts for part in _judge_part(r, trials, n_parts))


def _judge_part(relation: Relation, trials: Sequence[Trial], n_parts: int) -> list[Part]:
    per_trial = [trial_margins(relation, t) for t in trials]
    margins = [np.asarray(m) for m in zip(*per_trial, strict=True)]
    if relation.every_trial:
        return [_judge_every(relation, m) for m in margins]
    return [_judge_mean(relation, m, n_parts) for m in margins]


def _judge_every(relation: Relation, margins: NDArray[np.float64]) -> Part:
    status: Status
    violations = int((margins < 0).sum())
    crashed = int(np.isinf(margins).sum())
    if violations > crashed:
        status, reason = "fails", f"violated in {violations - crashed} of {margins.size} trials"
    elif crashed:
        status, reason = "undecided", f"{crashed} of {margins.size} trials crashed or diverged"
    else:
        status, reason = "holds", f"held in all {margins.size} trials"
    low, high = float(margins.min()), float(margins.max())
    return _part(relation, status, reason, margins, Interval(float(margins.mean()), low, high))


def _judge_mean(relation: Relation, margins: NDArray[np.float64], n_parts: int) -> Part:
    finite = margins[np.isfinite(margins)]
    crashed = margins.size - finite.size
    bounds = t_bounds(finite)
    below_zero = finite.size >= 2 and t_bounds(finite, 1 - (1 - CONFIDENCE) / n_parts).high < 0
    if crashed:
        status: Status = "fails" if below_zero else "undecided"
        reason = f"{crashed} of {margins.size} trials crashed or diverged"
        return _part(relation, status, reason, margins, Interval(-math.inf, -math.inf, bounds.high))
    if margins.size < 2:
        status, reason = "undecided", "one seed says nothing about the spread"
    elif bounds.low > 0 and margins.size == 2:
        status, reason = "undecided", "two seeds are too few to drop one"
    elif bounds.low > 0:
        status, reason = "holds", f"lower bound of the margin {bounds.low:.3g} > 0"
        without_best = np.delete(finite, finite.argmax())
        if not t_bounds(without_best).low > 0:
            status, reason = "undecided", "hangs on one seed"
    elif below_zero:
        status, reason = "fails", f"upper bound of the margin {bounds.high:.3g} < 0"
    else:
        status = "undecided"
        reason = f"the margin lies between {bounds.low:.3g} and {bounds.high:.3g}"
    return _part(relation, status, reason, margins, bounds)


def t_bounds(sample: NDArray[np.float64], confidence: float = CONFIDENCE) -> Interval:
    """Mean of ``sample`` with its lower and upper one-sided Student-t bounds."""
    if sample.size == 0:
        return Interval()
    mean = float(sample.mean())
    if sample.size == 1:
        return Interval(mean, -math.inf, math.inf)
    half = float(stats.t.ppf(confidence, sample.size - 1)) * _standard_error(sample)
    return Interval(mean, mean - half, mean + half)


def _part(
    relation: Relation,
    status: Status,
    reason: str,
    margins: NDArray[np.float64],
    margin: Interval,
) -> Part:
    finite = margins[np.isfinite(margins)]
    prediction, detectable, p_value = Interval(), math.nan, math.nan
    if finite.size >= 2:
        n, error = finite.size, _standard_error(finite)
        half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, n - 1)) * error * math.sqrt(n + 1)
        mean = float(finite.mean())
        prediction = Interval(mean, mean - half, mean + half)
        detectable = float(stats.t.ppf(CONFIDENCE, n - 1) + stats.t.ppf(POWER, n - 1)) * error
        if not relation.every_trial:
            p_value = 1.0 if finite.size < margins.size else _p_value(mean, error, n)
    return Part(
        relation=relation,
        status=status,
        reason=reason,
        margins=tuple(float(m) for m in margins),
        margin=margin,
        prediction=prediction,
        detectable=detectable,
        p_value=p_value,
    )


def _standard_error(sample: NDArray[np.float64]) -> float:
    return float(sample.std(ddof=1)) / math.sqrt(sample.size)


def _p_value(mean: float, error: float, n: int) -> float:
    if error == 0:
        return 0.0 if mean > 0 else 1.0
    return float(stats.t.sf(mean / error, n - 1))


def _binding(parts: Sequence[Part]) -> Part:
    order = {"fails": 0, "undecided": 1, "holds": 2}
    return min(parts, key=lambda p: (order[p.status], -_finite(p.p_value), p.margin.mean))


def _effect(relation: Relation, trials: Sequence[Trial]) -> Interval:
    effects = [relation.effect(t.scalars(), t.series) for t in trials if not t.failed]
    return t_bounds(np.asarray([e for e in effects if math.isfinite(e)]), 0.5 + CONFIDENCE / 2)


def _exceeds(claim: Claim, effect: Interval) -> bool:
    reported = claim.reported_effect
    if not reported or reported < 0:
        return False
    match claim.relation:
        case Greater() | Less(b=str()) | Ratio(at_most=None) | Slope(at_most=None):
            return effect.low > EXCEEDS * reported
        case Less() | Ratio(at_least=None) | Slope(at_least=None):
            return effect.high < reported / EXCEEDS
    return False


def _badge(claim: Claim, trials: Sequence[Trial]) -> Badge:
    clean = not any(t.record.provenance.git_dirty for t in trials)
    large = trials[0].record.preset != "quick" and len(trials) >= claim.filled_at
    return "filled" if clean and large else "hollow"


def _check_one_series(trials: Sequence[Trial]) -> None:
    settings = {(t.record.slug, t.record.preset, t.record.config_hash) for t in trials}
    if len(settings) > 1:
        raise ValueError(f"trials must share slug, preset and config, got {sorted(settings)}")
    seeds = [t.seed for t in trials]
    if seeds != list(range(len(seeds))):
        raise ValueError(f"seeds must be 0..n-1 without gaps or repeats, got {seeds}")


def _finite(value: float) -> float:
    return 0.0 if math.isnan(value) else value
