"""A stored seed that is run again agrees, unless the evidence is not what the code gives."""

import dataclasses
import shutil

import pytest

from provenn.evidence.claims import Claim
from provenn.evidence.executors import InProcess
from provenn.evidence.metrics import Metrics
from provenn.evidence.page import Page
from provenn.evidence.relations import All, Greater, Identity
from provenn.evidence.runner import run
from provenn.evidence.store import Store
from provenn.evidence.tasks import Settled
from provenn.evidence.verify import verify
from tests.reliability.pages import brief

PAGE = Page.from_module(brief)
pytestmark = pytest.mark.usefixtures("spared_heap")


def claim(id, relation, presets=("quick", "laptop")):
    return Claim(
        id=id,
        says="So it is.",
        reported="1",
        where="nowhere",
        relation=relation,
        margin_source="none",
        presets=presets,
    )


def page(trial, *claims):
    return dataclasses.replace(PAGE, trial=trial, claims=claims or PAGE.claims)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def measured(store, monkeypatch):
    """Run a page's trials into the store; later trials are of the page that is returned last."""

    def measure(page, seeds=3):
        monkeypatch.setattr("provenn.evidence.attempt.load_page", lambda module: page)
        run([page], preset="quick", store=store, executor=InProcess(), seeds=seeds)
        return page

    return measure


def noisy(config, seed, ctx):
    return Metrics(values={"a": 1.0 + seed / 10, "b": 0.5, "error": 1e-9 * seed})


def test_the_same_code_agrees(measured, store):
    brief_page = measured(PAGE)
    before = sorted(store.root.rglob("*"))
    checks = verify(brief_page, [store], "quick", rng_seed=0)
    assert [check.claim.id for check in checks] == ["c1-larger", "c2-never"]
    assert checks[0].agrees is True
    assert checks[0].reason == "the new margin falls in the stored prediction interval"
    stored = {trial.seed: trial for trial in store.trials()}
    again = stored[checks[0].seed].scalars()
    assert checks[0].margins == (again["method.accuracy"] - again["peer.accuracy"],)
    assert (checks[1].agrees, checks[1].seed) == (None, None)
    assert checks[1].reason == "there is nothing to measure"
    assert sorted(store.root.rglob("*")) == before


def test_other_figures_do_not_agree(measured, store):
    both = claim("c1", All(Greater("a", "b"), Greater("b", 0.0)))
    measured(page(noisy, both))

    def worse(config, seed, ctx):
        return Metrics(values={"a": 0.9, "b": 0.5})

    other = page(worse, both)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("provenn.evidence.attempt.load_page", lambda module: other)
        (check,) = verify(other, [store], "quick", rng_seed=0)
    low, high = check.intervals[0].low, check.intervals[0].high
    assert check.agrees is (low <= 0.4 <= high)
    assert check.margins == (pytest.approx(0.4), 0.5)

    def much_worse(config, seed, ctx):
        return Metrics(values={"a": -9.0, "b": 0.5})

    other = page(much_worse, both)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("provenn.evidence.attempt.load_page", lambda module: other)
        (check,) = verify(other, [store], "quick", rng_seed=0)
    assert check.agrees is False
    assert check.reason == "the new margin falls outside the stored prediction interval"


@pytest.mark.parametrize(("error", "agrees"), [(5e-7, True), (2e-6, False)])
def test_an_identity_agrees_if_it_is_not_violated(measured, store, error, agrees):
    exact = claim("c1", Identity("error", 1e-6))
    measured(page(noisy, exact))
    other = page(lambda config, seed, ctx: Metrics(values={"error": error}), exact)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("provenn.evidence.attempt.load_page", lambda module: other)
        (check,) = verify(other, [store], "quick", rng_seed=0)
    assert check.agrees is agrees


def test_a_margin_without_spread_agrees_with_itself(measured, store):
    level = claim("c1", Greater("a", "b"))
    constant = page(lambda config, seed, ctx: Metrics(values={"a": 0.3, "b": 0.1}), level)
    measured(constant)
    (check,) = verify(constant, [store], "quick", rng_seed=0)
    assert check.agrees is True


def test_a_crash_does_not_agree(measured, store):
    level = claim("c1", Greater("a", "b"))
    measured(page(noisy, level))

    def crash(config, seed, ctx):
        raise ArithmeticError("no")

    other = page(crash, level)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("provenn.evidence.attempt.load_page", lambda module: other)
        (check,) = verify(other, [store], "quick", rng_seed=0)
    assert check.agrees is False
    assert check.reason == "the trial crashed here: ArithmeticError: no"


def test_one_stored_trial_has_no_prediction_interval(measured, store):
    level = claim("c1", Greater("a", "b"))
    (check,) = verify(measured(page(noisy, level), seeds=1), [store], "quick")
    assert check.agrees is None
    assert "fewer than two" in check.reason


def test_what_cannot_be_checked_says_why(measured, store, tmp_path):
    claims = (claim("c1", Greater("a", "b")), claim("c2", Greater("a", "b"), ("full",)))
    noisy_page = page(noisy, *claims)
    empty = Store(tmp_path / "empty")
    first, second = verify(noisy_page, [empty], "quick")
    assert first.reason == "no stored trial of quick to compare with"
    assert second.reason == "judged at full, not at quick"
    measured(noisy_page)
    first, second = verify(noisy_page, [empty, store], "quick", rng_seed=1)
    assert first.agrees is True
    assert second.agrees is None


def test_the_seed_is_drawn_and_the_draw_can_be_repeated(measured, store):
    noisy_page = measured(page(noisy, claim("c1", Greater("a", "b"))))
    seeds = [verify(noisy_page, [store], "quick", rng_seed=n)[0].seed for n in range(8)]
    assert set(seeds) == {0, 1, 2}
    assert verify(noisy_page, [store], "quick", rng_seed=5)[0].seed == seeds[5]


def test_progress_is_told(measured, store):
    events = []
    verify(
        measured(page(noisy, claim("c1", Greater("a", "b")))),
        [store],
        "quick",
        listener=events.append,
    )
    assert isinstance(events[-1], Settled)


def test_trials_beyond_a_gap_do_not_count(measured, store):
    noisy_page = measured(page(noisy, claim("c1", Greater("a", "b"))), seeds=4)
    (missing,) = store.root.glob("brief/quick/*/seed-0002.*")
    shutil.rmtree(missing)
    checks = [verify(noisy_page, [store], "quick", rng_seed=n)[0] for n in range(8)]
    assert {check.seed for check in checks} == {0, 1}
