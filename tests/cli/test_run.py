import json
import signal
import subprocess
import sys
import time
import types

import pytest

from provenn.evidence.executors import InProcess


@pytest.fixture
def in_process(monkeypatch):
    """Trials run in this process, which spares the start of a worker."""
    monkeypatch.setattr("provenn.evidence.executors.Processes", lambda workers: InProcess())


@pytest.fixture
def run(provenn_command, store, in_process):
    """Run ``tiny`` without a gallery."""

    def run(*words):
        return provenn_command(
            "run", "tiny", "--store", store, "--workers", 1, "--no-report", *words
        )

    return run


def test_all_judged_is_code_0(run, store):
    code, out, err = run()
    assert code == 0
    assert "c1-better" in out
    assert "○ holds" in out
    assert "not judged" in out
    assert "needs a thousand machines" in out
    assert "3 done" in out
    assert f"store: {store}" in out
    assert "\x1b" not in out + err
    assert "tiny quick seed 2: started" in err


def test_what_is_there_is_not_run_again(run):
    run("--seeds", 2)
    code, out, err = run()
    assert code == 0
    assert "1 done, 2 already in the store" in out
    assert "seed 1: started" not in err


def test_a_failed_trial_is_code_1_and_the_rest_goes_on(run):
    code, out, _ = run("--config.crash_at", 1)
    assert code == 1
    assert "2 done, 1 failed" in out
    assert "failed: tiny quick seed 1: RuntimeError: the trial was told to crash" in out
    assert "1 of 3 trials crashed" in out
    assert "Traceback" not in out
    assert "do not count as the paper's evidence" in out


def test_json_alone_is_on_stdout(run):
    code, out, _ = run("--json", "--config.bonus", 0)
    told = json.loads(out)
    assert code == 0
    assert told["done"] == 3
    assert told["gallery"] is None
    statuses = {v["claim"]: v["status"] for v in told["verdicts"]["tiny"]}
    assert statuses == {"c1-better": "fails", "c2-exact": "holds", "c3-huge": "not judged"}


def test_several_papers_tell_their_verdicts_early(provenn_command, store, installed, in_process):
    installed("another")
    words = ("run", "tiny", "another", "tiny", "--store", store, "--workers", 1, "--no-report")
    code, out, err = provenn_command(*words)
    assert code == 0
    assert "6 done" in out
    early = err.index("tiny c1-better: ○ holds")
    assert early < err.index("another quick seed 2: done")


def test_the_gallery_is_built_and_its_path_printed(provenn_command, store, in_process):
    code, out, _ = provenn_command("run", "tiny", "--store", store, "--workers", 1)
    index = store.with_name("store-gallery") / "index.html"
    assert code == 0
    assert out.endswith(f"gallery: {index}\n")
    assert "A Tiny Paper" in index.read_text()


def test_a_store_that_is_a_file(run, store):
    store.write_text("mine")
    code, out, err = run()
    assert code == 2
    assert out == ""
    assert err == f"error: --store: {store} must be a directory\n"
    assert store.read_text() == "mine"


def test_a_store_below_a_file(provenn_command, tmp_path):
    (tmp_path / "file").write_text("mine")
    code, _, err = provenn_command("run", "tiny", "--store", tmp_path / "file" / "store")
    assert code == 2
    assert err.startswith("error: --store: cannot make ")


def test_a_store_that_cannot_be_written(provenn_command, store, monkeypatch):
    store.mkdir()
    monkeypatch.setattr("os.access", lambda *_: False)  # file modes do not stop root
    code, _, err = provenn_command("run", "tiny", "--store", store)
    assert code == 2
    assert err == f"error: --store: {store} must be a directory that can be written\n"


def test_ctrl_c_stops_leaves_a_report_and_says_how_to_go_on(environment, store):
    words = ("run", "tiny", "--store", str(store), "--workers", "1", "--config.sleep_s", "1.5")
    process = subprocess.Popen(
        [sys.executable, "-m", "provenn", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.startswith("tiny quick seed 1: started"):
            break
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: 1 done, 2 not run; the same command goes on from here" in out
    assert "Traceback" not in out + err
    assert (store.with_name("store-gallery") / "index.html").is_file()

    again = subprocess.run(
        [sys.executable, "-m", "provenn", *words, "--no-report", "--seeds", "2"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert again.returncode == 0
    assert "1 done, 1 already in the store" in again.stdout


def test_only_trials_of_the_present_code_are_judged(run, monkeypatch):
    run()
    for module in ("runner", "attempt", "provenance", "fingerprint"):
        name = f"provenn.evidence.{module}.fingerprint"
        monkeypatch.setattr(name, lambda page: "f" * 64)
    code, out, _ = run("--seeds", 2)
    assert code == 0
    assert "2 done" in out
    assert "quick    2 " in out


def test_keys_that_differ_in_type_are_not_overridden_together(provenn_command, store, installed):
    installed("another", {"widths: tuple[int, ...] = (4, 8)": 'widths: str = "4"'})
    words = ("run", "tiny", "another", "--store", store, "--config.widths", "3")
    code, _, err = provenn_command(*words)
    assert code == 2
    assert "--config options mean different things to these papers" in err


def test_a_cluster_is_asked_where_one_is_named(provenn_command, store, monkeypatch):
    asked = []
    ray_executor = types.ModuleType("provenn.evidence.ray_executor")
    ray_executor.Ray = lambda address: asked.append(address) or InProcess()
    monkeypatch.setitem(sys.modules, "provenn.evidence.ray_executor", ray_executor)
    words = ("run", "tiny", "--ray", "10.0.0.1:6379", "--store", store, "--no-report")
    assert provenn_command(*words).code == 0
    assert asked == ["10.0.0.1:6379"]


def test_without_ray_the_error_says_how_to_install_it(provenn_command, store, monkeypatch):
    monkeypatch.setitem(sys.modules, "provenn.evidence.ray_executor", None)
    code, _, err = provenn_command("run", "tiny", "--ray", "x", "--store", store)
    assert code == 1
    assert err == 'error: --ray needs ray: python -m pip install "provenn[ray]"\n'
