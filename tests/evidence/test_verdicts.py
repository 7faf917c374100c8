"""Verdicts against closed forms, simulation and SciPy's own tests."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from provenn.evidence import All, Claim, Greater, Identity, Less, Near, Ratio, Slope, Sound
from provenn.evidence.verdicts import (
    benjamini_hochberg,
    clopper_pearson_upper,
    judge,
    t_bounds,
    trial_margins,
)
from tests.evidence.builders import trial, trials

FLOATS = st.floats(-100, 100, allow_nan=False, width=32)


def claim(relation=None, **options):
    defaults = {
        "id": "c1",
        "says": "a beats b",
        "reported": "1.0",
        "where": "Table 1",
        "relation": relation or Greater("a", "b"),
        "margin_source": "the sheet",
        "presets": ("quick", "laptop"),
    }
    return Claim(**{**defaults, **options})


def test_holds_when_the_lower_bound_is_above_zero():
    verdict = judge(claim(), trials([1.0, 1.1, 0.9, 1.0, 1.05]))
    assert verdict.status == "holds"
    assert verdict.badge == "filled"
    assert verdict.n == 5


def test_fails_is_its_own_test():
    assert judge(claim(), trials([-1.0, -1.1, -0.9])).status == "fails"
    assert judge(claim(), trials([-1.0, 1.1, -0.9])).status == "undecided"


def test_a_claim_that_hangs_on_one_seed_is_undecided():
    lucky = [0.3, 0.35, 0.0, -0.02, 0.33]
    assert t_bounds(np.asarray(lucky)).low > 0
    verdict = judge(claim(), trials(lucky))
    assert (verdict.status, verdict.reason) == ("undecided", "hangs on one seed")


def test_one_seed_decides_nothing():
    assert judge(claim(), trials([5.0])).status == "undecided"


def test_two_seeds_are_too_few_to_drop_one():
    verdict = judge(claim(), trials([5.0, 5.0]))
    assert (verdict.status, verdict.reason) == ("undecided", "two seeds are too few to drop one")
    assert judge(claim(), trials([-5.0, -5.0])).status == "fails"


def test_trials_without_the_metric_are_not_judged():
    verdict = judge(claim(Greater("a", "c")), trials([1.0, 1.0, 1.0]))
    assert verdict.status == "not judged"
    assert "metric 'c' was not measured" in verdict.reason


def test_quick_and_dirty_evidence_have_a_hollow_badge():
    assert judge(claim(), trials([1.0, 1.1, 0.9], preset="quick")).badge == "hollow"
    assert judge(claim(), trials([1.0, 1.1, 0.9, 1.0])).badge == "hollow"
    assert judge(claim(), trials([1.0, 1.1, 0.9, 1.0, 1.0], dirty=True)).badge == "hollow"
    ten = claim(filled_at=10)
    assert judge(ten, trials([1.0, 1.1, 0.9, 1.0, 1.0])).badge == "hollow"


def test_a_crash_is_never_missing():
    verdict = judge(claim(), trials([1.0, 1.1, None, 1.05, 0.95]))
    assert verdict.status == "undecided"
    assert verdict.crashed == 1
    assert verdict.collapse_upper == pytest.approx(clopper_pearson_upper(1, 5))
    assert judge(claim(), trials([-1.0, -1.1, None])).status == "fails"
    assert judge(claim(), trials([None, None, None])).status == "undecided"


def test_a_metric_that_is_not_a_number_counts_as_a_crash():
    diverged = trial(1, {"a": math.nan, "b": 1.0})
    assert trial_margins(Greater("a", "b"), diverged) == (-math.inf,)


def test_identities_need_every_trial():
    relation = Identity("a", 1e-9)
    good = [trial(s, {"a": 1e-12}) for s in range(3)]
    assert judge(claim(relation), good).status == "holds"
    assert judge(claim(relation), [*good, trial(3, {"a": 1e-6})]).status == "fails"
    assert judge(claim(relation), [*good, trial(3, None)]).status == "undecided"


def test_soundness_has_a_relative_slack():
    relation = Sound("a", "b", rtol=1e-6)
    assert judge(claim(relation), [trial(0, {"a": 100.00001, "b": 100.0})]).status == "holds"
    assert judge(claim(relation), [trial(0, {"a": 100.1, "b": 100.0})]).status == "fails"


def test_equivalence_needs_both_bounds():
    relation = Near("a", "b", 0.5)
    assert judge(claim(relation), trials([0.1, -0.1, 0.0])).status == "holds"
    assert judge(claim(relation), trials([0.6, 0.7, 0.65])).status == "fails"
    assert judge(claim(relation), trials([0.6, -0.6, 0.1])).status == "undecided"


def test_a_conjunction_needs_every_part():
    relation = All(Greater("a", "b"), Less("a", 1.5))
    assert judge(claim(relation), trials([0.1, 0.12, 0.11])).status == "holds"
    verdict = judge(claim(relation), trials([0.9, 0.92, 0.91]))
    assert verdict.status == "fails"
    assert verdict.binding.relation == Less("a", 1.5)


def test_ratio_and_slope():
    values = [trial(s, {"a": 3.0 + 0.01 * s, "b": 1.0}) for s in range(3)]
    assert judge(claim(Ratio("a", "b", at_least=2.0)), values).status == "holds"
    assert judge(claim(Ratio("a", "b", at_most=2.0)), values).status == "fails"
    n = [1.0, 2.0, 4.0]
    quadratic = [trial(s, {}, series={"n": n, "cost": [x**2 for x in n]}) for s in range(3)]
    assert judge(claim(Slope("n", "cost", at_most=1.5)), quadratic).status == "fails"
    assert judge(claim(Slope("n", "cost", at_most=2.5)), quadratic).status == "holds"


def test_weak_peer_leaves_the_claim_undecided():
    weak = claim(peer_check=Greater("b", 0.95))
    assert judge(weak, trials([1.0, 1.1, 0.9])).status == "holds"
    weaker = claim(peer_check=Greater("b", 1.5))
    verdict = judge(weaker, trials([1.0, 1.1, 0.9]))
    assert verdict.status == "undecided"
    assert "weak peer" in verdict.reason


def test_much_better_than_the_paper_is_flagged():
    verdict = judge(claim(reported_effect=0.5), trials([1.0, 1.1, 0.9]))
    assert verdict.exceeds
    assert verdict.effect_ratio == pytest.approx(2.0)
    assert not judge(claim(reported_effect=0.9), trials([1.0, 1.1, 0.9])).exceeds
    below = claim(Less("a", 10.0), reported_effect=5.0)
    assert judge(below, trials([1.0, 1.1, 0.9])).exceeds
    assert not judge(below, trials([3.0, 3.1, 2.9])).exceeds


def test_not_judged_without_trials_or_relation():
    assert judge(claim(), []).reason == "needs a run of quick or laptop"
    unjudged = Claim(
        id="c9", says="x", reported="1", where="Table 2", unjudged="the data are not public"
    )
    assert judge(unjudged, trials([1.0, 1.0])).status == "not judged"


def test_seeds_with_a_gap_are_refused():
    with pytest.raises(ValueError, match="without gaps"):
        judge(claim(), [trials([1.0, 1.0, 1.0])[i] for i in (0, 2)])


@given(st.lists(FLOATS, min_size=2, max_size=30))
def test_bounds_agree_with_scipy(sample):
    sample = np.asarray(sample)
    bounds = t_bounds(sample)
    if sample.std() > 1e-6:
        low, high = stats.t.interval(0.90, sample.size - 1, sample.mean(), stats.sem(sample))
        assert bounds.low == pytest.approx(low, abs=1e-6)
        assert bounds.high == pytest.approx(high, abs=1e-6)
        p = stats.ttest_1samp(sample, 0, alternative="greater").pvalue
        # Margins are rebuilt as (1 + m) - 1, which rounds.
        assert judge(claim(), trials(list(sample))).p_value == pytest.approx(p, abs=1e-6)


@given(st.lists(FLOATS, min_size=3, max_size=10))
def test_holds_and_fails_exclude_each_other_under_a_change_of_sign(sample):
    verdict = judge(claim(), trials(sample))
    mirrored = judge(claim(Less("a", "b")), trials(sample))
    assert {verdict.status, mirrored.status} != {"holds"}
    if verdict.status == "holds":
        assert mirrored.status == "fails"


def test_false_holds_stay_under_five_percent_at_three_seeds():
    rng = np.random.default_rng(0)
    samples = rng.standard_normal((4000, 3))
    holds = sum(t_bounds(s).low > 0 for s in samples)
    # 5 % of 4000 is 200; four standard errors above that is 256.
    assert holds < 256
    verdicts = [judge(claim(), trials(list(s))).status for s in samples[:1000]]
    assert verdicts.count("holds") <= 80


def test_prediction_interval_covers_one_more_seed():
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(1000):
        *seen, new = rng.standard_normal(6)
        part = judge(claim(), trials(list(seen))).parts[0]
        inside += float(new) in part.prediction
    assert 925 <= inside <= 975


def test_benjamini_hochberg_agrees_with_scipy():
    rng = np.random.default_rng(2)
    p = {f"c{i}": float(v) for i, v in enumerate(rng.uniform(size=50) ** 3)}
    adjusted = stats.false_discovery_control(list(p.values()), method="bh")
    expected = {name for name, a in zip(p, adjusted, strict=True) if a <= 0.05}
    assert benjamini_hochberg(p) == expected
    assert benjamini_hochberg({**p, "identity": math.nan}) == expected
    assert benjamini_hochberg({}) == set()


@pytest.mark.parametrize(("events", "n"), [(0, 5), (1, 5), (5, 5), (3, 10)])
def test_clopper_pearson_agrees_with_scipy(events, n):
    interval = stats.binomtest(events, n, alternative="less").proportion_ci(0.95, method="exact")
    assert clopper_pearson_upper(events, n) == pytest.approx(interval.high)
