"""The verbs of a maintainer: new, lock, check, bench."""

import importlib.machinery
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import provenn
from provenn import papers
from provenn.cli import checkout as checkouts
from provenn.evidence.executors import InProcess
from provenn.evidence.runner import run
from provenn.evidence.store import Store
from tests.cli.conftest import forget_pages

SOURCE = Path(provenn.__file__).parents[1]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A copy of the source checkout with one new method in it."""
    root = tmp_path_factory.mktemp("checkout")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SOURCE / "provenn", root / "src" / "provenn", ignore=ignore)
    shutil.copytree(SOURCE.parent / "tests", root / "tests", ignore=ignore)
    shutil.copy(SOURCE.parent / "pyproject.toml", root)
    made = run_in(root, "new", "fresh-idea", "--arxiv", "2408.06314", "--title", "A Fresh Idea")
    assert made.returncode == 0, made.stderr
    assert "src/provenn/nn/fresh_idea.py" in made.stdout
    return root


def run_in(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "provenn", *words],
        env={**os.environ, "PYTHONPATH": str(root / "src"), "PROVENN_STORE": str(root / "store")},
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_new_method_passes_the_check_unchanged(checkout):
    done = run_in(checkout, "check", "fresh-idea", "--run")
    assert done.stdout == "1 checked, 0 problems\n"
    assert done.returncode == 0


def test_a_new_method_is_clean(checkout):
    files = sorted(map(str, checkout.rglob("*fresh_idea.py")))
    assert len(files) == 5
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *files],
            cwd=checkout,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout


def test_a_new_method_passes_its_own_tests(checkout):
    """Its own file, its doctest, the bad inputs and, but for compilation, the battery."""
    own = ["tests/nn", "src/provenn/nn/fresh_idea.py"]
    tables = ["tests/testing/test_conformance.py", "tests/reliability/test_bad_input.py"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n0",
            "-k",
            "(FreshIdea or fresh_idea) and not compil",
            *own,
            *tables,
        ],
        env={**os.environ, "PYTHONPATH": str(checkout / "src"), "PROVENN_TYPECHECK": "0"},
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout


def test_a_new_method_runs_and_its_claims_are_judged(checkout):
    done = run_in(checkout, "run", "fresh-idea", "--workers", "1", "--json", "--no-report")
    told = json.loads(done.stdout)
    assert done.returncode == 0
    statuses = {v["claim"]: v["status"] for v in told["verdicts"]["fresh-idea"]}
    assert statuses["c1-identity"] == "holds"
    assert statuses["c2-error"] in {"holds", "undecided"}


REFUSED = [
    (["tiny"], "there is a page 'tiny' already"),
    (["Fresh Idea"], "slug must be lower-case letters, digits and single hyphens"),
    (
        ["other-idea", "--room", "nm"],
        "unknown room 'nm'; did you mean 'nn'? accepted: bayes, control, graph, hyper, linalg, nn,"
        " theory, verify",
    ),
    (["other-idea", "--arxiv", "12"], "arxiv must look like 2110.04176, got '12'"),
    (["3-ideas"], "SLUG must begin with a letter and be no Python keyword, got '3-ideas'"),
    (["class"], "SLUG must begin with a letter and be no Python keyword, got 'class'"),
    (["other-idea", "--title", 'a "b"'], "--title must have no quotes"),
    (["other-idea", "--dir", "/"], "no source checkout at /"),
]


def test_new_overwrites_nothing(provenn_command, checkout):
    mine = checkout / "docs" / "methods" / "third-idea.md"
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text("mine")
    code, _, err = provenn_command("new", "third-idea", "--dir", checkout)
    assert code == 2
    assert f"{mine} exists already" in err
    assert mine.read_text() == "mine"
    assert not (checkout / "src" / "provenn" / "nn" / "third_idea.py").exists()


def test_new_writes_into_the_checkout_that_is_named(provenn_command, checkout):
    code, out, _ = provenn_command("new", "second-idea", "--room", "verify", "--dir", checkout)
    assert code == 0
    written = [line for line in out.splitlines() if "second" in line]
    assert written == [
        "src/provenn/verify/second_idea.py",
        "src/provenn/papers/second_idea.py",
        "tests/verify/test_second_idea.py",
        "tests/subjects/second_idea.py",
        "tests/bad_inputs/second_idea.py",
        "docs/methods/second-idea.md",
        "src/provenn/papers/claims.lock: claims of second-idea",
        "Now `provenn check second-idea` passes. Replace the skeleton part by part, then",
        "`provenn lock second-idea` before the first measurement; CONTRIBUTING.md has it all.",
    ]
    assert all((checkout / line).is_file() for line in written[:6])


def test_new_says_when_the_claims_could_not_be_locked(provenn_command, checkout, monkeypatch):
    monkeypatch.setattr("sys.executable", "/bin/false")
    code, _, err = provenn_command("new", "fourth-idea", "--dir", checkout)
    assert code == 1
    assert err.startswith("error: the files are written, but not locked:")


@pytest.mark.parametrize(("words", "said"), REFUSED)
def test_new_refuses_what_it_cannot_write(provenn_command, checkout, words, said):
    given = words if "--dir" in words else [*words, "--dir", str(checkout)]
    code, _, err = provenn_command("new", *given)
    assert code == 2
    assert said in err
    assert not list(checkout.rglob("*other_idea*"))


def test_new_outside_a_checkout(provenn_command, monkeypatch, tmp_path):
    monkeypatch.setattr(checkouts.provenn, "__file__", str(tmp_path / "provenn" / "__init__.py"))
    monkeypatch.chdir(tmp_path)
    code, _, err = provenn_command("new", "fresh-idea")
    assert code == 2
    assert "no source checkout at the current directory" in err


def test_check_finds_what_is_wrong(provenn_command, installed):
    installed(
        "sloppy",
        {
            'room="nn"': 'room="nowhere"',
            "        bonus: How much better the method is.\n": "",
            "DEVIATIONS = [Deviation": "_DEVIATIONS = [Deviation",
            "ABLATIONS = [": "_ABLATIONS = [",
            'EXAMPLE = "print(1 + 1)': 'EXAMPLE = "print(1 +',
            'Greater("method.score"': 'Greater("methd.score"',
            'peers=("peer",)': 'peers=("rival",)',
            "figure = Figure(figsize=(3, 2))": 'raise RuntimeError("no ink")',
        },
    )
    code, out, _ = provenn_command("check", "sloppy", "--run")
    assert code == 1
    lines = out.splitlines()
    assert lines[-1] == f"1 checked, {len(lines) - 1} problems"
    for said in (
        "sloppy: Config.bonus must be documented",
        "sloppy: DEVIATIONS must say how",
        "sloppy: ABLATIONS must name what c1-better cannot do without",
        "sloppy: EXAMPLE is not Python",
        "sloppy: c1-better: is not locked",
        "sloppy: room provenn.nowhere does not exist",
        "sloppy: c1-better: metric 'methd.score' was not measured; did you mean 'method.score'?",
        "sloppy: c1-better: competitor 'rival' was not measured",
        "sloppy: at least one peer must come from a third-party package",
        "sloppy: figures: RuntimeError: no ink",
    ):
        assert any(line.startswith(said) for line in lines), said


def test_check_reads_the_imports_of_the_room(provenn_command, tiny, tmp_path, monkeypatch):
    room = tmp_path / "room"
    room.mkdir()
    (room / "__init__.py").write_text("import torch\nfrom provenn.nn import PHLinear\n")
    (room / "low.py").write_text("import provenn.data.door\nfrom provenn import papers\n")
    (room / "high.py").write_text("from provenn.evidence.page import Page\nfrom . import low\n")
    found = importlib.machinery.ModuleSpec("provenn.nn", None, origin=str(room / "__init__.py"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: found)
    floors = [
        line for line in provenn_command("check", "tiny").out.splitlines() if "import" in line
    ]
    assert floors == [
        "tiny: high.py of provenn.nn must not import provenn.evidence.page",
        "tiny: low.py of provenn.nn must not import provenn.data.door",
        "tiny: low.py of provenn.nn must not import provenn.papers",
    ]


def test_check_tells_of_an_unreadable_lock_and_a_missing_example(provenn_command, installed):
    page = installed("another", {'EXAMPLE = "print(1 + 1)\\n"': "EXAMPLE = ''"})
    page.with_name("claims.lock").write_text("{")
    out = provenn_command("check", "another").out
    assert "claims.lock is malformed" in out
    assert "another: EXAMPLE must show how the method is used" in out


def test_check_tells_of_a_trial_that_crashes(provenn_command, installed):
    installed("crashing", {"crash_at: int = -1": "crash_at: int = 0"})
    code, out, _ = provenn_command("check", "crashing", "--run")
    assert code == 1
    assert "crashing: quick, seed 0: RuntimeError: the trial was told to crash" in out


def test_check_of_all_pages_tells_of_one_that_cannot_be_read(provenn_command, broken):
    code, out, _ = provenn_command("check", "--json")
    assert code == 1
    said = {problem["slug"]: problem["says"] for problem in json.loads(out)}
    assert "cannot be read" in said["broken"]


def test_lock_then_check_then_change(provenn_command, installed):
    page = installed("another")
    assert "is not locked" in provenn_command("check", "another").out
    assert provenn_command("lock", "another") == (0, "locked: another\n", "")
    assert "is not locked" not in provenn_command("check", "another").out

    page.write_text(page.read_text().replace("is better than", "is much better than"))
    forget_pages()
    assert "says changed; raise its version above 1" in provenn_command("check", "another").out
    code, _, err = provenn_command("lock", "another")
    assert code == 1
    assert err.startswith("warning: another/c1-better: says changed")


def test_committed_evidence_must_be_whole_and_present(provenn_command, store, monkeypatch):
    run([papers.load("tiny")], preset="quick", store=Store(store), executor=InProcess())
    monkeypatch.setattr("provenn.evidence.store.committed_store", lambda: Store(store))
    assert "committed evidence" not in provenn_command("check", "tiny").out
    (first,) = store.glob("tiny/quick/*/seed-0001.*")
    shutil.rmtree(first)
    assert "missing: 1" in provenn_command("check", "tiny").out
    monkeypatch.setattr("provenn.evidence.fingerprint.fingerprint", lambda page: "other")
    assert "committed evidence of quick is stale" in provenn_command("check", "tiny").out


@pytest.fixture
def benchmarks(monkeypatch, tmp_path) -> Path:
    monkeypatch.setattr("provenn.cli.bench.checkout", lambda: tmp_path)
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    return folder


def test_bench_runs_the_benchmark_of_the_method(provenn_command, benchmarks, monkeypatch):
    (benchmarks / "__init__.py").write_text("")
    (benchmarks / "bench_fast_net.py").write_text("")
    (benchmarks / "__main__.py").write_text("def main(names):\n    print(names)\n    return 1\n")
    monkeypatch.setattr(sys, "path", [*sys.path])
    _forget_benchmarks()
    assert provenn_command("bench", "fast-net") == (1, "['fast_net']\n", "")
    code, _, err = provenn_command("bench", "fast")
    assert code == 2
    assert "unknown benchmark 'fast'; did you mean 'fast-net'?" in err
    _forget_benchmarks()


def _forget_benchmarks() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
        del sys.modules[name]


def test_bench_without_benchmarks(provenn_command, benchmarks):
    code, _, err = provenn_command("bench", "tiny")
    assert code == 2
    assert err == f"error: there is no benchmark in {benchmarks}\n"
