"""Which trials a page is judged by."""

import dataclasses

import pytest

from provenn.evidence import assess as assess_module
from provenn.evidence.assess import assess
from provenn.evidence.page import Page, config_hash
from provenn.evidence.store import Store
from tests.evidence.builders import trial
from tests.evidence.test_contract import CLAIM, Config, page_module

CURRENT, OTHER = "c" * 64, "0" * 64


@pytest.fixture
def page(monkeypatch):
    monkeypatch.setattr(assess_module, "fingerprint", lambda page: CURRENT)
    claims = (
        dataclasses.replace(CLAIM, presets=("quick", "laptop")),
        dataclasses.replace(CLAIM, id="c2", relation=None, presets=(), unjudged="no data"),
    )
    return Page.from_module(page_module(CLAIMS=claims))


def put(store, seed, values, *, preset="quick", fingerprint=CURRENT):
    made = trial(seed, values, preset=preset)
    provenance = made.record.provenance.model_copy(update={"fingerprint": fingerprint})
    changes = {"provenance": provenance, "config_hash": config_hash(Config())}
    store.write(made.record.model_copy(update=changes), {})


def better(by):
    return {"a": 1.0 + by, "b": 1.0}


def test_without_trials_nothing_is_judged(page, tmp_path):
    found = assess(page, [Store(tmp_path)])
    assert [v.status for v in found.verdicts] == ["not judged", "not judged"]
    assert found.counts()["not judged"] == 2


def test_the_largest_preset_that_ran_counts(page, tmp_path):
    store = Store(tmp_path)
    for seed in range(3):
        put(store, seed, better(1 + seed / 10))
    assert assess(page, [store]).verdicts[0].preset == "quick"
    for seed in range(5):
        put(store, seed, better(-1 - seed / 10), preset="laptop")
    verdict = assess(page, [store]).verdicts[0]
    assert (verdict.preset, verdict.status, verdict.n) == ("laptop", "fails", 5)


def test_seeds_after_a_gap_do_not_count(page, tmp_path):
    store = Store(tmp_path)
    for seed in (0, 1, 3):
        put(store, seed, better(1.0))
    assert assess(page, [store]).verdicts[0].n == 2


def test_present_code_wins_over_stale(page, tmp_path):
    mine, committed = Store(tmp_path / "mine"), Store(tmp_path / "committed")
    for seed in range(3):
        put(mine, seed, better(1.0), fingerprint=OTHER)
    stale = assess(page, [mine, committed])
    assert stale.stale == {"quick"}
    assert stale.verdicts[0].stale
    for seed in range(3):
        put(committed, seed, better(2.0 + seed / 10))
    fresh = assess(page, [mine, committed])
    assert not fresh.verdicts[0].stale
    assert fresh.verdicts[0].effect.mean > 1.9


def test_a_smaller_preset_of_present_code_wins_over_a_larger_stale_one(page, tmp_path):
    store = Store(tmp_path)
    for seed in range(5):
        put(store, seed, better(1.0 + seed / 10), preset="laptop", fingerprint=OTHER)
    for seed in range(3):
        put(store, seed, better(1.0 + seed / 10))
    assert assess(page, [store]).verdicts[0].preset == "quick"


def test_a_finished_trial_wins_over_a_crash_in_another_store(page, tmp_path):
    first, second = Store(tmp_path / "1"), Store(tmp_path / "2")
    put(first, 0, None)
    put(second, 0, better(1.0))
    assert not assess(page, [first, second]).trials["quick"][0].failed


def test_code_that_was_reverted_finds_its_own_trials_again(page, tmp_path):
    store = Store(tmp_path)
    for seed in range(3):
        put(store, seed, better(1.0 + seed / 10))
    for seed in range(3):
        put(store, seed, better(-1.0 - seed / 10), fingerprint=OTHER)
    verdict = assess(page, [store]).verdicts[0]
    assert (verdict.status, verdict.stale) == ("holds", False)
