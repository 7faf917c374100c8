"""Negative controls: what they count, and that they notice a judge that always agrees."""

import dataclasses

import numpy as np
import pytest

from provenn.evidence import All, Claim, Greater, Near, Ratio
from provenn.evidence import controls as controls_module
from provenn.evidence.controls import FILE_NAME, Controls, aa, gather, read, sabotage, save
from provenn.evidence.store import Store
from tests.evidence.builders import trial, trials

CLAIM = Claim(
    id="c1",
    says="a beats b",
    reported="1.0",
    where="Table 1",
    relation=Greater("a", "b"),
    margin_source="the sheet",
    presets=("quick",),
)


def noisy(n, rng):
    """Trials in which the method is far better than a peer that varies."""
    return [
        trial(s, {"a": 5.0 + rng.normal(), "b": 1.0 + 0.1 * rng.normal()}, preset="quick")
        for s in range(n)
    ]


def test_aa_rarely_holds_though_the_claim_does():
    rng = np.random.default_rng(0)
    total = Controls()
    for _ in range(8):
        total += aa([CLAIM], noisy(6, rng))
    assert total.aa_cases == 8 * 120
    assert 0 < total.aa_rate <= 0.05


def test_aa_notices_a_judge_that_always_agrees(monkeypatch):
    honest = controls_module.judge

    def credulous(claim, trials):
        return dataclasses.replace(honest(claim, trials), status="holds")

    monkeypatch.setattr(controls_module, "judge", credulous)
    result = aa([CLAIM], noisy(6, np.random.default_rng(0)))
    assert result.aa_rate == 1.0
    assert not result.ok


@pytest.mark.parametrize("relation", [Greater("a", "b", -1.0), Near("a", "b", 1.0)])
def test_aa_passes_over_claims_that_equality_satisfies(relation):
    claim = dataclasses.replace(CLAIM, relation=relation)
    assert aa([claim], noisy(6, np.random.default_rng(0))).aa_cases == 0


def test_aa_poses_only_the_strict_parts():
    relation = All(Near("a", 5.0, 10.0), Ratio("a", "b", at_least=1.0), Greater("a", "b", 1.0))
    claim = dataclasses.replace(CLAIM, relation=relation)
    result = aa([claim], noisy(6, np.random.default_rng(0)))
    assert result.aa_cases == 120
    assert result.aa_holds == 0


def test_aa_bounds_the_number_of_splits(monkeypatch):
    monkeypatch.setattr(controls_module, "MAX_SPLITS", 20)
    assert aa([CLAIM], noisy(8, np.random.default_rng(0))).aa_cases == 20


def test_aa_needs_finished_trials():
    assert aa([CLAIM], trials([1.0, 1.0, 1.0, None])) == Controls()


def test_sabotage_counts_what_held_and_what_stopped():
    better, equal = trials([1.0, 1.1, 0.9]), trials([0.1, -0.1, 0.0])
    assert sabotage([CLAIM], better, equal, "fake/off").broken_rate == 1.0
    unmoved = sabotage([CLAIM], better, better, "fake/off")
    assert unmoved.unbroken == ("fake/off/c1",)
    assert not unmoved.ok
    assert sabotage([CLAIM], equal, equal, "fake/off") == Controls()


def test_controls_add_up():
    a = Controls(aa_cases=10, aa_holds=1, sabotaged=2, broken=1, unbroken=("x/y/z",))
    total = a + a
    assert (total.aa_cases, total.sabotaged, total.unbroken) == (20, 4, ("x/y/z", "x/y/z"))
    assert Controls().ok


def test_gather_takes_each_paper_from_the_first_store_that_has_it(tmp_path, caplog):
    stores = [Store(tmp_path / name) for name in ("mine", "committed", "damaged")]
    for store in stores:
        store.root.mkdir()
    save({"a": Controls(aa_cases=1)}, stores[0].root / FILE_NAME)
    both = {"a": Controls(aa_cases=10), "b": Controls(aa_cases=100)}
    save(both, stores[1].root / FILE_NAME)
    (stores[2].root / FILE_NAME).write_text("[]")
    assert gather(stores, ["a", "b", "c"]).aa_cases == 101
    assert "is not a controls file" in caplog.text
    assert gather(stores, ["c"]) is None


def test_controls_file_round_trip_and_damage(tmp_path):
    path = tmp_path / "controls.json"
    assert read(path) == {}
    controls = {"fake": Controls(aa_cases=3, sabotaged=1, unbroken=("fake/off/c1",))}
    save(controls, path)
    assert read(path) == controls
    path.write_text('{"fake": {"aa_cases": "many"}}')
    with pytest.raises(ValueError, match="is not a controls file"):
        read(path)
