"""Every test has a cache of its own and no folder of data sets, unless it asks for the real one."""

import os
from pathlib import Path

import pytest

from provenn.data.entry import Entry
from provenn.data.sets import ENTRIES

from .files import GREY, image_entry, image_file

_REAL = os.environ.get("PROVENN_DATA", "")


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("PROVENN_CACHE", str(folder))
    monkeypatch.delenv("PROVENN_DATA", raising=False)
    return folder


@pytest.fixture
def add_entry(monkeypatch: pytest.MonkeyPatch):
    def add(entry: Entry) -> None:
        monkeypatch.setitem(ENTRIES, entry.info.name, entry)

    return add


@pytest.fixture
def tiny_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, add_entry) -> Path:
    """A folder, named by PROVENN_DATA, that holds the set ``tiny``: 9 + 9 grey images."""
    root = tmp_path / "data"
    (root / "tiny").mkdir(parents=True)
    (root / "tiny" / "train.parquet").write_bytes(image_file(9, GREY))
    (root / "tiny" / "test.parquet").write_bytes(image_file(9, GREY, seed=1))
    monkeypatch.setenv("PROVENN_DATA", str(root))
    add_entry(image_entry())
    return root


@pytest.fixture(scope="session")
def real_root() -> Path:
    """The folder that PROVENN_DATA names outside the tests; required in CI."""
    if _REAL and Path(_REAL).is_dir():
        return Path(_REAL)
    reason = "PROVENN_DATA names no folder of data sets"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def real_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all tests on real files, so that each is decoded once."""
    return tmp_path_factory.mktemp("real-cache")
