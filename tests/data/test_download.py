"""Mirrors, hashes known beforehand and of the first download; the network is a dictionary."""

import hashlib
import sys
import types
from pathlib import Path

import pytest

from provenn.data import DataError, fetch, load, where
from provenn.data import download as download_module
from provenn.data.download import Remote, transfer
from provenn.data.entry import Mirror
from provenn.data.images import read_parquet

from .files import GREY, image_entry, image_file

FIRST, SECOND = "https://first.org/f.parquet", "https://second.org/g.parquet"
CONTENT = image_file(9, GREY)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def web(monkeypatch) -> dict[str, bytes]:
    """What each address answers; an address that is not in it cannot be reached."""
    answers: dict[str, bytes] = {}

    def copy(remote, folder: Path) -> Path:
        if remote.url not in answers:
            raise OSError("no route to host")
        path = folder / remote.file_name
        path.write_bytes(answers[remote.url])
        return path

    monkeypatch.setattr(download_module, "transfer", copy)
    return answers


@pytest.fixture
def two_homes(add_entry):
    def publish(sha256: str | None = None) -> None:
        files = (Remote(FIRST, sha256), Remote(SECOND, sha256))
        homes = (Mirror(label=f.url[8:13], files=[f], read=read_parquet) for f in files)
        add_entry(image_entry(mirrors=tuple(homes)))

    return publish


def test_a_set_is_fetched_once(web, two_homes, cache_folder):
    two_homes(SHA256)
    web[FIRST] = CONTENT
    assert load("tiny").source == "first"
    web.clear()
    assert load("tiny").source == "first"
    assert where("tiny").path == cache_folder / "downloads" / "tiny" / "f.parquet"
    assert not list((cache_folder / "downloads" / "tiny").glob(".part-*"))


def test_the_second_home_answers_where_the_first_does_not(web, two_homes):
    two_homes(SHA256)
    web[SECOND] = CONTENT
    assert load("tiny").source == "secon"


@pytest.mark.parametrize("wrong", [CONTENT[:-1], b"", CONTENT + b"x", b"<html>not found</html>"])
def test_a_file_with_another_hash_is_refused(web, two_homes, wrong, cache_folder):
    two_homes(SHA256)
    web[FIRST] = wrong
    with pytest.raises(DataError, match=f"it must be {SHA256}"):
        load("tiny")
    assert not (cache_folder / "downloads" / "tiny" / "f.parquet").exists()
    web[SECOND] = CONTENT
    assert load("tiny").source == "secon"


def test_a_file_that_does_not_hold_the_set_is_passed_over(web, two_homes):
    two_homes()
    web |= {FIRST: image_file(8, GREY), SECOND: CONTENT}
    assert load("tiny").source == "secon"
    assert load("tiny").source == "secon", "the first download is forgotten"
    web[FIRST] = CONTENT
    assert fetch("tiny").path.name == "g.parquet"


def test_every_home_that_failed_is_named(web, two_homes):
    two_homes(SHA256)
    web[FIRST] = b"wrong"
    with pytest.raises(DataError) as caught:
        load("tiny")
    for part in ("first: ", "secon: ", "no route to host", "PROVENN_DATA"):
        assert part in str(caught.value)


def test_nothing_is_fetched_where_it_may_not_be(web, two_homes):
    two_homes()
    web[FIRST] = CONTENT
    with pytest.raises(DataError, match="not on this machine"):
        load("tiny", download=False)


def test_the_hash_of_the_first_download_is_kept(web, two_homes, cache_folder):
    two_homes()
    web[FIRST] = CONTENT
    load("tiny")
    path = cache_folder / "downloads" / "tiny" / "f.parquet"
    assert path.with_name("f.parquet.sha256").read_text() == SHA256
    path.write_bytes(image_file(9, GREY, seed=3))
    with pytest.raises(DataError, match=r"not the file that was first downloaded.*data fetch tiny"):
        load("tiny")


def test_fetch_renews_a_damaged_download(web, two_homes, cache_folder):
    two_homes()
    web[FIRST] = CONTENT
    assert fetch("tiny").found
    path = cache_folder / "downloads" / "tiny" / "f.parquet"
    path.write_bytes(b"damaged")
    fetch("tiny")
    assert path.read_bytes() == CONTENT


def test_a_renewed_download_must_be_the_first_one(web, two_homes, cache_folder):
    two_homes()
    web[FIRST] = CONTENT
    fetch("tiny")
    (cache_folder / "downloads" / "tiny" / "f.parquet").unlink()
    web[FIRST] = image_file(9, GREY, seed=3)
    with pytest.raises(DataError, match=r"first downloaded.*delete .*f\.parquet\.sha256"):
        fetch("tiny")


@pytest.mark.parametrize("record", [b"", b"not a hash", b"\xff" * 64])
def test_a_damaged_record_is_no_record(web, two_homes, cache_folder, record):
    two_homes()
    web[FIRST] = CONTENT
    load("tiny")
    path = cache_folder / "downloads" / "tiny" / "f.parquet"
    path.with_name("f.parquet.sha256").write_bytes(record)
    assert len(load("tiny")) == 9


def test_the_folder_comes_before_the_network(web, tiny_root, two_homes):
    two_homes()
    assert load("tiny").source == "PROVENN_DATA/tiny/train.parquet"
    assert fetch("tiny").path == tiny_root / "tiny" / "train.parquet"


def test_fetching_a_bundled_set_does_nothing(web):
    assert fetch("iris").found


def test_a_read_only_cache_is_named(web, two_homes, tmp_path, monkeypatch):
    two_homes()
    web[FIRST] = CONTENT
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("PROVENN_CACHE", str(blocked))
    with pytest.raises(DataError, match=str(blocked)):
        load("tiny")


def test_the_web_is_asked_through_pooch_and_the_hub_where_its_endpoint_is(monkeypatch, tmp_path):
    class HTTPDownloader:
        def __init__(self, **options):
            assert options["timeout"] > 0

        def __call__(self, url, path, pooch):
            Path(path).write_bytes(url.encode())

    monkeypatch.setitem(sys.modules, "pooch", types.SimpleNamespace(HTTPDownloader=HTTPDownloader))
    hub = Remote("https://huggingface.co/datasets/a/b/resolve/c0ffee/d.parquet")
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    for remote in (Remote(FIRST), hub):
        assert transfer(remote, tmp_path).read_text() == remote.url
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/")
    assert transfer(Remote(FIRST), tmp_path).read_text() == FIRST
    asked = transfer(hub, tmp_path).read_text()
    assert asked == "https://mirror.example/datasets/a/b/resolve/c0ffee/d.parquet"
