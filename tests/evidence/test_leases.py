"""Leases: one owner a trial, and none that outlives its owner."""

import json
import os
import platform
import signal
import subprocess
import sys
import time
from datetime import datetime

import pytest

from provenn.evidence import leases
from provenn.evidence.leases import Lease, LeaseInfo, Owner
from provenn.evidence.store import Store
from tests.evidence.stored import key

HOLD = """
import sys, time
from provenn.evidence.keys import TrialKey
from provenn.evidence.store import Store
lease = Store(sys.argv[1]).lease(TrialKey("fake", "quick", "0123456789ab", 0))
print("held" if lease else "busy", flush=True)
time.sleep(60)
"""


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def holder(store):
    """Another process, which holds the lease of seed 0."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store.root)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def forge(store, *, age_s=0.0, **changes):
    """Leave the lease of seed 0 behind as an owner that is not this process would."""
    with store.lease(key()):
        path = store.root / ".running" / "leases" / f"{key().name}.json"
        plain = json.loads(path.read_text())
    plain["owner"].update(changes)
    path.write_text(json.dumps(plain))
    then = time.time() - age_s
    os.utime(path, (then, then))
    return path


def test_one_owner(store):
    with store.lease(key()) as lease:
        assert isinstance(lease, Lease)
        assert lease.key == key()
        assert store.lease(key()) is None
        assert Store(store.root).lease(key()) is None
        with store.lease(key(1)) as other:
            assert other.key == key(1)
    with store.lease(key()):
        pass


def test_running(store):
    with store.lease(key(1)), store.lease(key(0)):
        first, second = store.running()
        assert first == LeaseInfo(key(0), os.getpid(), platform.node(), first.since)
        assert second.key == key(1)
        assert datetime.fromisoformat(first.since).tzinfo is not None
    assert store.running() == []


def test_ends_with_an_exception(store):
    with pytest.raises(KeyboardInterrupt), store.lease(key()):
        raise KeyboardInterrupt
    assert store.running() == []


def test_release_twice(store):
    lease = store.lease(key())
    lease.release()
    with store.lease(key()):
        lease.release()
        assert len(store.running()) == 1


def test_other_process_holds(store, holder):
    assert store.lease(key()) is None
    assert [info.pid for info in store.running()] == [holder.pid]


def test_killed_owner_is_replaced_at_once(store, holder):
    holder.send_signal(signal.SIGKILL)
    # Until its parent asks for it, a dead process is a zombie: it must not count as alive.
    start = time.perf_counter()
    while store.running():
        assert time.perf_counter() - start < 2.0
    with store.lease(key()) as lease:
        assert lease is not None


def test_fork_does_not_end_the_lease_of_its_parent(store, monkeypatch):
    with store.lease(key()) as lease:
        with monkeypatch.context() as in_fork:
            in_fork.setattr(os, "getpid", lambda: 1)
            lease.release()
        assert len(store.running()) == 1


@pytest.mark.parametrize(
    ("changes", "lives"),
    [
        ({}, False),  # this process, but the lease was given up
        ({"pid": 1}, False),  # the number of another process, started at another time
        ({"pid": 2**31 - 1}, False),
        ({"started": "1"}, False),
        ({"boot": "an-earlier-one"}, False),
        ({"host": "elsewhere"}, True),
        ({"host": "elsewhere", "pid": 1, "boot": "another"}, True),
    ],
)
def test_whose_lease_is_live(store, changes, lives):
    path = forge(store, **changes)
    assert len(Store(store.root, readonly=True).running()) == lives
    assert path.exists()
    assert len(store.running()) == lives
    assert path.exists() == lives


def test_owner_elsewhere_must_renew(store):
    forge(store, host="elsewhere", age_s=leases.EXPIRES_AFTER_S - 10)
    assert store.lease(key()) is None
    forge_again = store.root / ".running" / "leases" / f"{key().name}.json"
    os.utime(forge_again, (0, 0))
    with store.lease(key()) as lease:
        assert lease is not None


def test_lease_is_renewed(store, monkeypatch):
    monkeypatch.setattr(leases, "RENEWED_EVERY_S", 0.01)
    with store.lease(key()):
        path = store.root / ".running" / "leases" / f"{key().name}.json"
        os.utime(path, (0, 0))
        start = time.perf_counter()
        while path.stat().st_mtime < 1.0:
            assert time.perf_counter() - start < 5.0
            time.sleep(0.01)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"owner": 1}', "x" * 5000])
def test_malformed_lease_is_nobodys(store, content):
    path = forge(store)
    path.write_text(content)
    assert Store(store.root, readonly=True).running() == []
    with store.lease(key()) as lease:
        assert lease is not None
    path.write_text(content)
    assert store.running() == []
    assert not path.exists()


def test_strange_files_among_the_leases(store, tmp_path):
    with store.lease(key()):
        folder = store.root / ".running" / "leases"
        (tmp_path / "outside.json").write_text("{}")
        (folder / "link.json").symlink_to(tmp_path / "outside.json")
        (folder / "..json").write_text("{}")
        (folder / "note.txt").write_text("stays")
        assert len(store.running()) == 1
    assert (tmp_path / "outside.json").exists()
    assert [path.name for path in folder.iterdir()] == ["note.txt"]


def test_lease_taken_over_is_not_released_by_the_first_owner(store):
    lease = store.lease(key())
    forge_path = store.root / ".running" / "leases" / f"{key().name}.json"
    plain = json.loads(forge_path.read_text())
    plain |= {"token": "another"}
    plain["owner"].update(host="elsewhere")
    forge_path.write_text(json.dumps(plain))
    lease.release()
    assert len(store.running()) == 1


def test_where_the_system_has_no_proc(monkeypatch):
    class Nowhere:
        def __init__(self, path):
            self.path = path

        def read_text(self, errors=""):
            raise FileNotFoundError(self.path)

        def exists(self):
            return False

    monkeypatch.setattr(leases, "Path", Nowhere)
    leases._boot.cache_clear()
    try:
        owner = Owner.current()
        assert (owner.started, owner.boot) == ("", "")
        assert owner.is_alive()
        assert not owner.model_copy(update={"pid": 2**31 - 1}).is_alive()
        assert owner.model_copy(update={"pid": 1}).is_alive()
    finally:
        leases._boot.cache_clear()


def test_program_name_with_brackets(tmp_path):
    script = tmp_path / "a) Z 1 (b"
    script.symlink_to(sys.executable)
    with subprocess.Popen([script, "-c", "input()"], stdin=subprocess.PIPE) as process:
        started = leases._start_of(process.pid)
        assert started is not None
        assert started.isdigit()
        process.communicate(b"\n")
    assert leases._start_of(process.pid) is None
