"""Decoded arrays are kept, found again, and never trusted without their hash."""

import multiprocessing
import os
import stat

import numpy as np
import pytest

from provenn.data import images as images_module
from provenn.data import load
from provenn.data.cache import cache_folder as find_cache
from provenn.data.cache import write_atomically
from provenn.data.sets import ENTRIES

from .files import GREY, image_entry, image_file


@pytest.fixture
def decodings(monkeypatch, add_entry):
    """Number of times that a file was decoded."""
    count = []

    def read(files, expected):
        count.append(1)
        return images_module.read_parquet(files, expected)

    add_entry(image_entry(read=read))
    return count


def entries(folder):
    return sorted((folder / "decoded").glob("*.safetensors"))


@pytest.mark.usefixtures("tiny_root")
def test_the_second_load_does_not_decode(decodings, cache_folder):
    first, second = load("tiny"), load("tiny")
    assert len(decodings) == 1
    np.testing.assert_array_equal(first.x, second.x)
    np.testing.assert_array_equal(first.y, second.y)
    assert first.sha256 == second.sha256
    assert [path.name.startswith("tiny-train-") for path in entries(cache_folder)] == [True]


def test_a_changed_source_is_decoded_again(tiny_root, decodings):
    before = load("tiny")
    (tiny_root / "tiny" / "train.parquet").write_bytes(image_file(9, GREY, seed=5))
    after = load("tiny")
    assert len(decodings) == 2
    assert before.sha256 != after.sha256


@pytest.mark.usefixtures("tiny_root")
@pytest.mark.parametrize("where", range(0, 1000, 50))
def test_a_flipped_byte_is_noticed_and_the_entry_rebuilt(decodings, cache_folder, where):
    first = load("tiny")
    (path,) = entries(cache_folder)
    content = bytearray(path.read_bytes())
    content[where * len(content) // 1000] ^= 0xFF
    path.write_bytes(content)
    again = load("tiny")
    np.testing.assert_array_equal(first.x, again.x)
    assert (again.sha256, again.classes, again.note) == (first.sha256, first.classes, first.note)
    load("tiny")
    assert len(decodings) == 2


@pytest.mark.usefixtures("tiny_root")
def test_facts_beside_the_arrays_are_not_trusted_either(decodings, cache_folder):
    first = load("tiny")
    (path,) = entries(cache_folder)
    content = path.read_bytes()
    assert content.count(b": 255") == 1, "the level that means 1.0"
    path.write_bytes(content.replace(b": 255", b": 254"))
    np.testing.assert_array_equal(first.x, load("tiny").x)
    assert len(decodings) == 2


@pytest.mark.usefixtures("tiny_root")
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_entry_is_rebuilt(decodings, cache_folder, share):
    load("tiny")
    (path,) = entries(cache_folder)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert len(load("tiny")) == 9
    assert len(decodings) == 2
    assert len(load("tiny")) == 9
    assert len(decodings) == 2


@pytest.mark.usefixtures("tiny_root")
def test_a_cache_that_cannot_be_written_costs_a_warning_only(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("PROVENN_CACHE", str(blocked))
    with pytest.warns(UserWarning, match="Set PROVENN_CACHE"):
        assert len(load("tiny")) == 9


def test_a_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "entry"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_folder_of_data_sets_is_never_written(tiny_root):
    for path in (tiny_root, tiny_root / "tiny"):
        path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    before = sorted(tiny_root.rglob("*"))
    load("tiny", "all")
    assert sorted(tiny_root.rglob("*")) == before
    for path in (tiny_root, tiny_root / "tiny"):
        path.chmod(stat.S_IRWXU)


def test_the_cache_is_where_the_environment_says(tmp_path, monkeypatch):
    assert find_cache() == tmp_path / "cache"
    monkeypatch.delenv("PROVENN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert find_cache() == tmp_path / "xdg" / "provenn"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert find_cache() == tmp_path / "home" / ".cache" / "provenn"


@pytest.mark.usefixtures("tiny_root")
def test_processes_that_load_at_once_agree(cache_folder):
    # A server that has imported little forks them: a fork of this process, in which other tests
    # have started threads, could wait for a lock for ever.
    context = multiprocessing.get_context("forkserver")
    with context.Pool(4, initializer=add_tiny, initargs=(dict(os.environ),)) as pool:
        hashes = pool.map(load_hash, range(16), chunksize=1)
    assert set(hashes) == {load("tiny").sha256}
    assert len(entries(cache_folder)) == 1
    assert not list((cache_folder / "decoded").glob(".*")), "no temporary file stays"


def add_tiny(environment: dict[str, str]) -> None:
    os.environ.update(environment)
    ENTRIES["tiny"] = image_entry()


def load_hash(_: int) -> str:
    return load("tiny").sha256
