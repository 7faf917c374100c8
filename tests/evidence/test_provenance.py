"""Provenance says where a trial ran, and with what code."""

import math
import platform
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import provenn
from provenn.evidence import provenance as module
from provenn.evidence.provenance import git_state, provenance

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "a_page.py"
    path.write_text("def trial(config, seed, ctx): return 1\n")
    return SimpleNamespace(module="a_page", path=path)


@pytest.fixture
def of(page, monkeypatch):
    """Provenance of a trial of the page, which only needs a module and a path."""
    bare = getattr(provenance, "__wrapped__", provenance)
    monkeypatch.setattr(module, "fingerprint", lambda page: "f" * 64)

    def make(device="cpu", started=NOW, **options):
        return bare(page, device, started=started, wall_s=2.0, cpu_s=1.5, **options)

    return make


def git(folder: Path, *command: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *command], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    source = tmp_path / "checkout" / "src"
    source.mkdir(parents=True)
    (source / "code.py").write_text("1\n")
    (source.parent / "README.md").write_text("1\n")
    git(source.parent, "init", "--quiet")
    git(source.parent, "add", ".")
    git(source.parent, "commit", "--quiet", "--message", "First")
    return source


def test_says_where_and_with_what(of):
    made = of(peak_bytes=10.5, data={"digits": "ab"})
    assert made.provenn == provenn.__version__
    assert made.python == platform.python_version()
    assert made.packages["torch"] == metadata.version("torch")
    assert made.packages["scikit-learn"] == metadata.version("scikit-learn")
    assert made.fingerprint == "f" * 64
    assert made.device == "cpu"
    assert made.cpu.strip()
    assert made.threads == torch.get_num_threads()
    assert made.started == "2026-01-02T03:04:05.678+00:00"
    assert (made.wall_s, made.cpu_s, made.peak_bytes) == (2.0, 1.5, 10)
    assert made.data == {"digits": "ab"}


def test_unknown_memory_is_null(of):
    assert of(peak_bytes=math.nan).peak_bytes is None
    assert of().peak_bytes is None


def test_time_is_utc(of):
    there = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert of(started=there).started == of().started


def test_time_without_zone_is_named(of):
    with pytest.raises(ValueError, match="started must have a time zone, got 2026-01-02"):
        of(started=NOW.replace(tzinfo=None))


def test_deterministic_flag(of):
    assert not of().deterministic
    torch.use_deterministic_algorithms(True)
    try:
        assert of().deterministic
    finally:
        torch.use_deterministic_algorithms(False)


def test_missing_package_is_left_out(monkeypatch):
    monkeypatch.setattr(module, "PACKAGES", ("torch", "no-such-package"))
    module._versions.cache_clear()
    try:
        assert set(module._versions()) == {"torch"}
    finally:
        module._versions.cache_clear()


def test_name_of_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "A GPU")
    assert module._device_name(torch.device("cuda:1")) == "cuda:1 (A GPU)"


def test_cpu_without_proc(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "Path", lambda name: tmp_path / "nothing")
    assert module._cpu.__wrapped__()


class TestGit:
    def test_clean(self, checkout):
        revision = git(checkout, "rev-parse", "HEAD")
        assert git_state(checkout) == (revision, False)

    def test_dirty_is_a_tracked_change_of_the_source(self, checkout):
        (checkout / "new.py").write_text("1\n")
        (checkout.parent / "README.md").write_text("2\n")
        assert git_state(checkout)[1] is False
        (checkout / "code.py").write_text("2\n")
        assert git_state(checkout)[1] is True
        git(checkout, "add", "code.py")
        assert git_state(checkout)[1] is True

    def test_untracked_folder_in_a_checkout_of_something_else(self, checkout):
        installed = checkout.parent / ".venv" / "provenn"
        installed.mkdir(parents=True)
        (installed / "code.py").write_text("1\n")
        assert git_state(installed) == (None, None)

    def test_no_checkout(self, tmp_path):
        assert git_state(tmp_path) == (None, None)

    def test_other_repository_in_the_environment(self, checkout, monkeypatch, tmp_path):
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
        assert git_state(checkout)[1] is False

    def test_no_git(self, checkout, monkeypatch):
        monkeypatch.setenv("PATH", "")
        assert git_state(checkout) == (None, None)

    def test_of_provenn(self, of):
        made = of()
        assert (made.git_revision, made.git_dirty) == module._git()
