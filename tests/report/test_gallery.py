import dataclasses
import html
import itertools
import json
import re
import shutil
import time
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from provenn.evidence import lock
from provenn.evidence.store import Store
from provenn.report import build
from provenn.report.gallery import MANIFEST
from provenn.report.text import MINUS
from tests.report import synthetic
from tests.report.synthetic import contents


def filled(folder: Path, pages, presets=("quick",)) -> Store:
    store = Store(folder)
    for page in pages:
        synthetic.fill(store, page, presets)
    return store


def read(index: Path, slug: str) -> str:
    return (index.parent / slug / "index.html").read_text()


def test_pages_and_data_of_every_figure(gallery):
    found = {p.relative_to(gallery.parent).as_posix() for p in gallery.parent.rglob("*.*")}
    assert {"index.html", "paper-00/index.html", "paper-03/index.html"} <= found
    for preset, name in itertools.product(("quick", "laptop"), ("learning-curves", "accuracy")):
        assert f"paper-00/{preset}-{name}.csv" in found
        assert f"paper-00/{preset}-{name}.svg" in found
    assert set(json.loads((gallery.parent / MANIFEST).read_text())["files"]) == found


def test_links_within_the_gallery_lead_somewhere(gallery):
    for page in gallery.parent.rglob("*.html"):
        text = page.read_text()
        ids = set(re.findall(r'\bid="([^"]+)"', text))
        for target in re.findall(r'<a [^>]*href="([^"]+)"', text):
            path, _, fragment = target.partition("#")
            if path.startswith("https://"):
                continue
            if path:
                assert (page.parent / path).is_file(), target
            elif fragment:
                assert fragment in ids, target


def test_nothing_is_loaded_from_elsewhere(gallery):
    for page in gallery.parent.rglob("*.html"):
        text = page.read_text()
        assert "default-src 'none'" in html.unescape(text)
        assert not re.search(r"<(link|iframe|object|embed|base)\b", text)
        assert not re.search(r"@import|url\((?!#)", text)
        assert len(re.findall(r'\bsrc="[\w/-]+\.svg"', text)) == len(re.findall(r"\bsrc=", text))
        assert not re.search(r"\son\w+=|\sstyle=", text)


def test_verdicts_with_their_numbers(gallery):
    text = read(gallery, "paper-00")
    assert "badge-holds badge-filled" in text
    assert "a look: quick, n = 3" in text
    assert "the data set of the challenge is not open" in text
    assert f"ours.accuracy {MINUS} real.accuracy" in text
    assert "half of the paper&#39;s gap" in text
    assert "smallest detectable" in text


def test_a_wide_figure_takes_the_whole_width(gallery):
    text = read(gallery, "paper-00")
    assert '<figure id="_figure-laptop-accuracy" class="wide">' in text
    assert '<figure id="_figure-laptop-learning-curves">' in text


def test_a_claim_that_does_not_hold_says_what_was_tried(gallery):
    pages = [read(gallery, f"paper-{i:02d}") for i in range(3)]
    for text in pages:
        row = text[text.index('id="c2-accuracy"') :].partition("</tr>")[0]
        assert ("badge-holds" in row) != ("What was tried." in row)


def test_a_crashed_trial_is_shown_with_its_traceback(gallery):
    text = read(gallery, "paper-02")
    assert "Seed 1 crashed" in text
    assert "FloatingPointError: the loss is nan" in text
    assert "crashed or diverged" in text


def test_a_paper_without_trials_says_how_to_get_them(gallery):
    text = read(gallery, "paper-03")
    assert "provenn run paper-03" in text
    assert "badge-none" in text


def test_header_counts(gallery):
    text = gallery.read_text()
    assert "24 claims in 4 papers" in text
    assert re.search(r"<b>2 of 66</b> hold with the method replaced by its peer", text)
    assert re.search(r"<b>\d+ of \d+</b> tested claims that hold survive", text)


def test_same_stores_same_bytes(tmp_path):
    pages = synthetic.pages(2)
    store = filled(tmp_path / "store", pages)
    build(pages, [store], tmp_path / "out")
    first = contents(tmp_path / "out")
    build(pages[::-1], [Store(tmp_path / "store", readonly=True)], tmp_path / "out")
    assert contents(tmp_path / "out") == first


@pytest.mark.reliability
def test_stores_merged_by_copying_in_any_order_give_the_same_report(tmp_path):
    pages = synthetic.pages(2)
    filled(tmp_path / "one", pages[:1])
    filled(tmp_path / "two", pages)
    reports = []
    for order in (("one", "two"), ("two", "one", "two")):
        merged = tmp_path / "-".join(order)
        for name in order:
            shutil.copytree(tmp_path / name, merged, dirs_exist_ok=True)
        build(pages, [Store(merged)], tmp_path / "gallery")
        reports.append(contents(tmp_path / "gallery"))
    assert reports[0] == reports[1]


def test_33_papers_are_small_and_quick(tmp_path, gallery):
    pages = synthetic.pages(33)
    store = filled(tmp_path / "store", pages)
    start = time.process_time()
    index = build(pages, [store], tmp_path / "gallery")
    assert time.process_time() - start < 60
    assert index.stat().st_size < 1e6
    two_presets = sum(map(len, contents(gallery.parent / "paper-00").values()))
    assert index.stat().st_size + 33 * two_presets < 15e6


def test_stale_evidence_is_said(tmp_path, monkeypatch):
    pages = synthetic.pages(1)
    monkeypatch.setattr(synthetic, "fingerprint", lambda page: "0" * 64)
    text = read(build(pages, [filled(tmp_path / "store", pages)], tmp_path / "out"), "paper-00")
    assert "The code has changed since the evidence of quick was measured" in text
    assert '<span class="look">stale</span>' in text


def test_older_versions_of_a_claim_stay_visible(tmp_path):
    (tmp_path / "page.py").touch()
    page = dataclasses.replace(synthetic.page("paper-00"), path=tmp_path / "page.py")
    lock.update([page])
    second = dataclasses.replace(page.claims[0], version=2, says="About half.", reported="0.5")
    changed = dataclasses.replace(page, claims=[second, *page.claims[1:]])
    lock.update([changed])
    store = filled(tmp_path / "store", [synthetic.page("paper-00")])
    text = read(build([changed], [store], tmp_path / "out"), "paper-00")
    assert "version 2" in text
    assert "1 earlier version" in text
    assert page.claims[0].says in text


def test_a_figure_that_cannot_be_drawn_does_not_take_the_others(tmp_path):
    def figures(trials):
        figure = Figure()
        figure.subplots().plot([1, 2])
        return {"good": figure, "../../bad": figure}

    page = dataclasses.replace(synthetic.page("paper-00"), figures=figures)
    index = build([page], [filled(tmp_path / "store", [page])], tmp_path / "out")
    assert (tmp_path / "out/paper-00/quick-good.csv").is_file()
    assert "could not be drawn: ValueError: figure name must be" in read(index, "paper-00")


def test_the_readers_own_open_figures_stay_open(tmp_path):
    from matplotlib import pyplot as plt

    mine = plt.figure()
    pages = synthetic.pages(1)
    build(pages, [filled(tmp_path / "store", pages)], tmp_path / "out")
    assert plt.get_fignums() == [mine.number]
    plt.close(mine)


def test_a_directory_that_is_no_gallery_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="out must be a new or empty directory or a gallery"):
        build(synthetic.pages(1), [], tmp_path)
    assert contents(tmp_path) == {"notes.txt": b"mine"}


def test_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="out must be a new or empty directory or a gallery"):
        build(synthetic.pages(1), [], tmp_path / "file")


def test_files_of_others_in_a_gallery_stay_and_old_pages_go(tmp_path):
    build(synthetic.pages(2), [], tmp_path / "out")
    (tmp_path / "out/paper-01/notes.txt").write_text("mine")
    build(synthetic.pages(1), [], tmp_path / "out")
    found = contents(tmp_path / "out")
    assert found["paper-01/notes.txt"] == b"mine"
    assert "paper-01/index.html" not in found
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_pages_with_one_slug_are_refused(tmp_path):
    with pytest.raises(ValueError, match="pages must have different slugs"):
        build([synthetic.page("paper-00"), synthetic.page("paper-00")], [], tmp_path / "out")


@pytest.mark.parametrize("call", range(40))
def test_a_full_disk_leaves_the_old_gallery_whole(tmp_path, monkeypatch, call):
    pages = synthetic.pages(2)
    build(pages, [], tmp_path / "out")
    before = contents(tmp_path / "out")
    calls = itertools.count()

    def failing(function):
        def fail_at(*args, **kwargs):
            if next(calls) == call:
                raise OSError(28, "No space left on device", str(args[0]))
            return function(*args, **kwargs)

        return fail_at

    monkeypatch.setattr(Path, "write_bytes", failing(Path.write_bytes))
    monkeypatch.setattr(Path, "rename", failing(Path.rename))
    monkeypatch.setattr(Path, "mkdir", failing(Path.mkdir))
    try:
        build(synthetic.pages(1), [], tmp_path / "out")
    except OSError:
        assert contents(tmp_path / "out") == before
    else:
        assert next(calls) <= call + 1
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
