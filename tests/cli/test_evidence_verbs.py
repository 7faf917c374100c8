"""The verbs that read evidence: report, export, verify."""

import csv
import io
import json
import sys
import zipfile
from pathlib import Path

import pytest

from provenn import papers
from provenn.evidence.executors import InProcess
from provenn.evidence.runner import run
from provenn.evidence.store import Store
from tests.cli.conftest import forget_pages


@pytest.fixture(scope="module")
def measured(tmp_path_factory, distribution):
    """A store with three seeds of ``tiny`` at quick, measured in this process."""
    root = tmp_path_factory.mktemp("measured") / "store"
    sys.path.insert(0, str(distribution))
    forget_pages()
    run([papers.load("tiny")], preset="quick", store=Store(root), executor=InProcess())
    sys.path.remove(str(distribution))
    return root


def test_report_prints_the_path_of_the_gallery(provenn_command, measured, tmp_path):
    out = tmp_path / "gallery"
    code, printed, _ = provenn_command("report", "--store", measured, "--out", out)
    assert code == 0
    assert printed == f"{out / 'index.html'}\n"
    assert (out / "index.html").is_file()


def test_report_opens_the_gallery(provenn_command, measured, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    out = tmp_path / "gallery"
    told = provenn_command("report", "--open", "--json", "--store", measured, "--out", out).out
    assert json.loads(told) == {"gallery": str(out / "index.html")}
    assert opened == [(out / "index.html").as_uri()]


def test_report_overwrites_nothing_of_the_readers(provenn_command, measured, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    code, _, err = provenn_command("report", "--store", measured, "--out", tmp_path)
    assert code == 2
    assert "out must be a new or empty directory or a gallery" in err
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_report_below_a_file(provenn_command, measured, tmp_path):
    (tmp_path / "file").write_text("mine")
    code, _, err = provenn_command("report", "--store", measured, "--out", tmp_path / "file" / "g")
    assert code == 1
    assert err.startswith("error: gallery: cannot write ")


def test_report_leaves_out_a_page_that_cannot_be_read(provenn_command, broken, measured, tmp_path):
    code, _, err = provenn_command("report", "--store", measured, "--out", tmp_path / "gallery")
    assert code == 0
    assert err.startswith("warning: broken is left out of the gallery: ")


def test_show_prints_the_latest_verdicts(provenn_command, measured):
    out = provenn_command("show", "tiny", "--store", measured).out
    assert "○ holds" in out
    assert "1.01 [0.9852, 1.035]" in out


def test_export_csv(provenn_command, measured):
    code, out, _ = provenn_command("export", "tiny", "--store", measured)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [row["claim"] for row in rows] == ["c1-better", "c2-exact", "c3-huge"]
    assert rows[0]["status"] == "holds"
    assert rows[0]["n"] == "3"
    assert rows[2]["effect"] == ""


def test_export_json(provenn_command, measured, tmp_path):
    path = tmp_path / "new" / "tiny.json"
    words = ("--format", "json", "--store", measured, "--out", path, "--preset", "quick")
    assert provenn_command("export", "tiny", *words) == (0, f"{path}\n", "")
    document = json.loads(path.read_text())
    assert [trial["seed"] for trial in document["trials"]] == [0, 1, 2]
    assert document["trials"][0]["values"] == {"sum_error": 0.0}
    assert document["verdicts"][0]["status"] == "holds"
    assert [p.name for p in path.parent.iterdir()] == ["tiny.json"]


@pytest.mark.parametrize("name", ["copy", "copy.zip"])
def test_an_exported_store_gives_the_same_verdicts(provenn_command, measured, tmp_path, name):
    out = tmp_path / name
    words = ("--format", "store", "--store", measured, "--out", out)
    assert provenn_command("export", "--all", *words) == (0, f"{out}\n", "")
    if out.suffix == ".zip":
        with zipfile.ZipFile(out) as archive:
            archive.extractall(tmp_path / "copy")
    files = {p.relative_to(measured) for p in measured.glob("tiny/**/*")}
    assert files == {
        p.relative_to(tmp_path / "copy") for p in (tmp_path / "copy").glob("tiny/**/*")
    }
    before = provenn_command("export", "tiny", "--store", measured).out
    assert provenn_command("export", "tiny", "--store", tmp_path / "copy").out == before


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--format", "xml"], 2, "unknown format 'xml'; accepted: csv, json, store"),
        (["--format", "store"], 2, "--format store needs --out"),
        (["--preset", "quik"], 2, "unknown preset 'quik'; did you mean 'quick'?"),
        (["--out", "."], 2, "--out must be a file, and . is a directory"),
        (["--format", "store", "--out", "."], 2, "--out must be new, and . exists already"),
        (
            ["--format", "store", "--out", "no", "--preset", "full"],
            1,
            "there is no trial to export",
        ),
    ],
)
def test_export_refuses(provenn_command, measured, words, code, said):
    result = provenn_command("export", "tiny", "--store", measured, *words)
    assert result.code == code
    assert said in result.err


def test_verify_repeats_a_stored_seed(provenn_command, measured):
    code, out, _ = provenn_command("verify", "tiny", "--store", measured, "--rng-seed", 1)
    assert code == 0
    assert "yes" in out
    assert "the new margin falls in the stored prediction interval" in out


def test_verify_tells_of_a_seed_that_does_not_repeat(provenn_command, measured, monkeypatch):
    import tiny_page

    worse, trial = tiny_page.Config(bonus=-4.0), tiny_page.trial
    monkeypatch.setattr(tiny_page, "trial", lambda _, seed, context: trial(worse, seed, context))
    code, out, _ = provenn_command("verify", "tiny", "--store", measured, "--json")
    first = json.loads(out)["tiny"][0]
    assert code == 1
    assert first["agrees"] is False
    assert first["margins"][0] < first["intervals"][0][0]


def test_verify_without_evidence(provenn_command, store):
    code, _, err = provenn_command("verify", "tiny", "--store", store)
    assert code == 1
    assert err == "error: no stored trial of quick to verify; `provenn run` measures some\n"


@pytest.fixture
def in_process(monkeypatch):
    monkeypatch.setattr("provenn.evidence.executors.Processes", lambda workers: InProcess())


def test_controls_find_that_the_claims_notice(provenn_command, store, in_process, monkeypatch):
    monkeypatch.setattr("provenn.evidence.store.committed_store", lambda: None)
    code, out, _ = provenn_command("controls", "tiny", "--seeds", 6, "--store", store)
    assert code == 0
    assert "1 of 1" in out
    assert "A/A 0.0% (at most 5 %), sabotage 100% (at least 90 %)" in out
    assert list(store.glob("tiny/**/trial.json")) == []
    again = provenn_command("controls", "tiny", "--seeds", 6, "--store", store, "--json")
    assert json.loads(again.out)["ok"] is True
    index = Path(provenn_command("report", "--store", store).out.strip())
    assert "<b>1 of 1</b> stop holding" in index.read_text()


def test_controls_find_a_claim_that_holds_without_its_key_term(
    provenn_command, store, in_process, installed
):
    installed("deaf", {'overrides={"bonus": 0.0}': 'overrides={"bonus": 1.5}'})
    code, out, _ = provenn_command("controls", "deaf", "--seeds", 6, "--store", store)
    assert code == 1
    assert "still holds without its key term: deaf/no-bonus/c1-better" in out


def test_controls_refuse_odd_seeds_and_a_damaged_file(provenn_command, store):
    code, _, err = provenn_command("controls", "tiny", "--seeds", 5, "--store", store)
    assert code == 2
    assert err == "error: --seeds must be even and at least 4, got 5\n"
    store.mkdir()
    (store / "controls.json").write_text("{")
    code, _, err = provenn_command("controls", "tiny", "--store", store)
    assert code == 2
    assert "is not a controls file" in err
