"""Figures are drawn once: a gallery that is built again takes them from where it was."""

import dataclasses
import json

import pytest

from provenn.evidence.store import Store
from provenn.report import build, earlier, gallery
from provenn.report.gallery import MANIFEST
from tests.report import synthetic
from tests.report.synthetic import contents


@pytest.fixture
def built(tmp_path, monkeypatch):
    """Builds a gallery of one of our pages; says which presets were drawn."""
    page = dataclasses.replace(synthetic.pages(1)[0], module="provenn.papers.synthetic")
    store, out = Store(tmp_path / "store"), tmp_path / "gallery"
    synthetic.fill(store, page, ["quick", "laptop"])
    drawn, draw = [], gallery.draw

    def watched(page, preset, trials):
        drawn.append(preset)
        return draw(page, preset, trials)

    monkeypatch.setattr(gallery, "draw", watched)

    def again(page=page, at=out):
        drawn.clear()
        build([page], [store], at)
        return list(drawn)

    again.page, again.store, again.out = page, store, out
    assert again() == ["laptop", "quick"]
    return again


def test_the_same_is_not_drawn_again(built, tmp_path):
    first = contents(built.out)
    assert built() == []
    assert contents(built.out) == first
    assert built(at=tmp_path / "fresh") == ["laptop", "quick"]
    assert contents(tmp_path / "fresh") == first


def test_a_page_from_outside_is_drawn_every_time(built):
    outside = dataclasses.replace(built.page, module="elsewhere.page")
    assert built(outside) == ["laptop", "quick"]
    assert built(outside) == ["laptop", "quick"]


def test_another_caption_needs_no_drawing(built):
    page = dataclasses.replace(built.page, captions={"learning-curves": "Other words."})
    assert built(page) == []
    assert "Other words." in (built.out / "paper-00" / "index.html").read_text()


def test_other_trials_are_drawn(built):
    gone = next(t for t in built.store.root.rglob("*quick*/*/seed-0001*"))
    gone.rename(built.store.root.parent / "gone")
    assert built() == ["quick"]


def test_a_figure_that_could_not_be_drawn_is_tried_again(built):
    def broken(trials):
        return {**synthetic.figures(trials), "unknown": "no figure"}

    page = dataclasses.replace(built.page, figures=broken)
    for folder in ("first", "first", "second"):
        assert built(page, built.out.parent / folder) == ["laptop", "quick"]
    first = contents(built.out.parent / "first")
    assert "could not be drawn" in first["paper-00/index.html"].decode()
    assert contents(built.out.parent / "second") == first


def test_other_code_draws_everything(built, monkeypatch):
    monkeypatch.setattr(earlier, "_code", lambda: "other")
    assert built() == ["laptop", "quick"]


@pytest.mark.parametrize("suffix", ["svg", "csv"])
def test_a_changed_or_missing_file_is_drawn(built, suffix):
    first = contents(built.out)
    file = built.out / "paper-00" / f"laptop-accuracy.{suffix}"
    file.write_text(file.read_text() + " ")
    assert built() == ["laptop"]
    file.unlink()
    assert built() == ["laptop"]
    assert contents(built.out) == first


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found.pop("figures"),
        lambda found: found.update(figures=[1]),
        lambda found: found["figures"].update({"paper-00/quick": None, "paper-00/laptop": 3}),
        lambda found: [entry.update(figures=7) for entry in found["figures"].values()],
        lambda found: [entry.update(figures=[{}]) for entry in found["figures"].values()],
        lambda found: [
            figure.update(name="../../store/secret")
            for entry in found["figures"].values()
            for figure in entry["figures"]
        ],
        lambda found: [
            figure.update(rows="many")
            for entry in found["figures"].values()
            for figure in entry["figures"]
        ],
    ],
)
def test_a_manifest_that_makes_no_sense_is_not_believed(built, change):
    first = contents(built.out)
    found = json.loads((built.out / MANIFEST).read_text())
    change(found)
    (built.out / MANIFEST).write_text(json.dumps(found))
    assert built() == ["laptop", "quick"]
    assert contents(built.out) == first
