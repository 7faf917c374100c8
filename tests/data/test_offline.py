"""Without sockets the bundled sets work, and so does what is in the folder."""

import socket
import sys

import pytest

from provenn.data import DataError, info, load, names, where
from provenn.data.download import Remote
from provenn.data.entry import Mirror
from provenn.data.images import read_parquet

from .files import image_entry


@pytest.fixture
def no_sockets(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("no sockets in this test")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_sockets")
def test_bundled_sets_need_no_network():
    for name in names():
        where(name)
        if info(name).bundled:
            for split in ("train", "test", "all"):
                assert len(load(name, split)) > 0


@pytest.mark.usefixtures("no_sockets", "tiny_root")
def test_a_set_in_the_folder_needs_no_network():
    assert len(load("tiny")) == 9


@pytest.mark.usefixtures("no_sockets")
def test_a_download_without_network_says_what_to_do(add_entry):
    mirrors = tuple(
        Mirror(label=f"home {i}", files=[remote], read=read_parquet)
        for i, remote in enumerate(
            [Remote("https://example.org/f.parquet"), Remote("https://huggingface.co/f.parquet")]
        )
    )
    add_entry(image_entry(mirrors=mirrors))
    with pytest.raises(DataError) as caught:
        load("tiny")
    for part in ("home 0", "home 1", "could not be fetched", "set PROVENN_DATA"):
        assert part in str(caught.value)


def test_a_missing_extra_is_named(monkeypatch, add_entry):
    mirror = Mirror(label="home", files=[Remote("https://example.org/x")], read=read_parquet)
    add_entry(image_entry(mirrors=(mirror,)))
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=r"pip install 'provenn\[data\]'"):
        load("tiny")


@pytest.mark.usefixtures("tiny_root")
def test_a_missing_reader_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install 'provenn\[data\]'"):
        load("tiny")
