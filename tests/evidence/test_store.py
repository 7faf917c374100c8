"""The store: what is written is read back, kept, and safe from whatever lies in its folder."""

import errno
import math
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from provenn.evidence import encoding, files
from provenn.evidence.encoding import NewerSchemaError, decode, decode_series, encode_series
from provenn.evidence.files import DamagedError, StoreError, log
from provenn.evidence.keys import TrialKey
from provenn.evidence.store import Store, check_seeds, committed_store, default_store, without_gap
from tests.evidence.stored import (
    Config,
    as_bytes,
    key,
    metrics,
    record,
    sign,
    signed,
    warnings_of,
    write,
)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def warned():
    with warnings_of(log) as lines:
        yield lines


def rewrite(path, change):
    """Change ``trial.json`` as a stranger would who can sign; the directory's new name."""
    data = signed(change, (path / encoding.RECORD).read_bytes())
    (path / encoding.RECORD).write_bytes(data)
    digest = encoding._DIGEST.search(data)[1].decode()
    return path.rename(path.with_name(f"{path.name.rpartition('-')[0]}-{digest[:8]}"))


class TestWriteAndRead:
    def test_every_value_comes_back(self, store):
        write(store, key(2))
        trial = store.read(key(2))
        expected = metrics(2)
        assert trial.seed == 2
        assert not trial.failed
        np.testing.assert_equal(trial.scalars(), expected.flat())
        assert math.isinf(trial.scalars()["bound"])
        assert math.isnan(trial.scalars()["diverged"])
        assert trial.metrics.competitors[0].cost.tuning_trials == 3
        assert list(trial.series) == ["loss", "width"]
        for name, array in expected.series.items():
            np.testing.assert_array_equal(trial.series[name], array)

    @pytest.mark.parametrize("array", [np.array(3.0), np.zeros((0, 3)), np.ones((2, 3)).T])
    def test_series_of_any_shape(self, array):
        read = decode_series(encode_series({"a": array}))["a"]
        np.testing.assert_array_equal(read, array)
        assert read.shape == array.shape

    def test_config_is_readable(self, store):
        write(store)
        config = store.read(key()).record.config
        assert config == {"width": 4, "clip": "inf", "layers": [1, 2]}

    def test_path_says_what_it_is(self, store):
        path = write(store, key(3))
        assert path.relative_to(store.root).match("fake/quick/0123456789ab/seed-0003.done-????????")
        assert {file.name for file in path.iterdir()} == {"trial.json", "series.safetensors"}

    def test_json_is_made_for_diffs(self, store):
        text = (write(store) / "trial.json").read_text()
        assert text.endswith("\n}\n")
        top = [line for line in text.splitlines() if line.startswith(' "')]
        assert top == sorted(top)
        assert '\n  "accuracy": ' not in text
        assert '"accuracy": 0.9\n' in text

    def test_same_trial_has_the_same_bytes(self, store, tmp_path):
        first, second = write(store), write(Store(tmp_path / "other"))
        assert first.name == second.name
        assert (first / "trial.json").read_bytes() == (second / "trial.json").read_bytes()

    def test_nothing_there(self, store):
        assert store.read(key()) is None
        assert store.trials() == []
        assert not store.is_done(key())
        assert store.running() == []
        assert store.quarantined() == []
        assert not store.root.exists()

    def test_nothing_temporary_is_left(self, store):
        write(store)
        assert list((store.root / ".running" / "writing").iterdir()) == []


class TestWhichTrialCounts:
    def test_first_done_is_kept(self, store):
        first = write(store, wall_s=1.0)
        assert write(store, wall_s=2.0) == first
        assert store.read(key()).record.provenance.wall_s == 1.0
        assert len(list(first.parent.iterdir())) == 1

    def test_newest_failed(self, store):
        for day in (1, 3, 2):
            write(store, failed=True, started=f"2026-01-0{day}T00:00:00+00:00")
        assert store.read(key()).failed
        assert store.read(key()).record.provenance.started.startswith("2026-01-03")
        assert not store.is_done(key())

    def test_done_wins_over_failed(self, store):
        write(store)
        write(store, failed=True, started="2027-01-01T00:00:00+00:00")
        assert not store.read(key()).failed
        assert len(store.trials()) == 1

    def test_failed_again_in_the_same_way(self, store):
        assert write(store, failed=True) == write(store, failed=True)

    def test_other_code_is_another_trial(self, store):
        write(store, fingerprint="a" * 64, started="2026-01-01T00:00:00+00:00")
        assert store.is_done(key(), fingerprint="a" * 64)
        assert not store.is_done(key(), fingerprint="b" * 64)
        write(store, fingerprint="b" * 64, started="2026-01-02T00:00:00+00:00")
        assert store.is_done(key(), fingerprint="a" * 64)
        assert store.is_done(key(), fingerprint="b" * 64)
        assert store.read(key()).record.provenance.fingerprint == "b" * 64
        assert len(store.trials()) == 1

    def test_first_of_the_newest_code(self, tmp_path):
        runs = [("a", 1), ("b", 2), ("b", 3), ("a", 4)]
        for n, (code, day) in enumerate(runs):
            started = f"2026-01-0{day}T00:00:00+00:00"
            write(Store(tmp_path / f"{n}"), fingerprint=code * 64, started=started)
        for n in reversed(range(len(runs))):
            shutil.copytree(tmp_path / f"{n}", tmp_path / "all", dirs_exist_ok=True)
        assert Store(tmp_path / "all").read(key()).record.provenance.started[:10] == "2026-01-02"

    def test_of_the_code_that_is_asked_for(self, store):
        for code, day, failed in [("a", 1, False), ("b", 2, True), ("c", 3, False)]:
            started = f"2026-01-0{day}T00:00:00+00:00"
            write(store, fingerprint=code * 64, started=started, failed=failed)

        def code_of(asked):
            read = store.read(key(), fingerprint=asked)
            (listed,) = store.trials(fingerprint=asked)
            assert as_bytes([read]) == as_bytes([listed])
            return read.record.provenance.fingerprint[0]

        assert [code_of(code * 64) for code in "abc"] == ["a", "b", "c"]
        assert code_of("d" * 64) == "c"
        assert code_of(None) == "c"

    @pytest.mark.parametrize("names", [("..",), ("fake", "../fake"), ("fake", "quick", "/")])
    def test_malformed_filter(self, store, names):
        write(store)
        with pytest.raises(ValueError, match="name of a directory must be"):
            store.trials(*names)

    def test_sorted_and_filtered(self, store):
        for at in (key(1), key(0), key(0, slug="else"), key(0, preset="laptop")):
            write(store, at)
        keys = [TrialKey.of(trial.record) for trial in store.trials()]
        assert keys == sorted(keys)
        assert len(keys) == 4
        assert len(store.trials("fake")) == 3
        assert len(store.trials("fake", "quick")) == 2
        assert len(store.trials(preset="laptop")) == 1
        assert len(store.trials(config_hash="0123456789ab")) == 4
        assert store.trials("nothing") == []


class TestDamage:
    def test_moves_to_quarantine_with_one_line(self, store, warned):
        write(store, key(0))
        path = write(store, key(1))
        (path / "trial.json").write_bytes(b"{}")
        assert [trial.seed for trial in store.trials()] == [0]
        assert [trial.seed for trial in store.trials()] == [0]
        assert len(warned) == 1
        assert str(path) in warned[0]
        assert "\n" not in warned[0]
        assert not path.exists()
        assert len(store.quarantined()) == 1
        assert (store.quarantined()[0] / "trial.json").read_bytes() == b"{}"

    @pytest.mark.parametrize("name", ["trial.json", "series.safetensors"])
    @pytest.mark.parametrize("kind", ["missing", "link", "folder", "pipe", "empty", "huge"])
    def test_of_a_file(self, store, warned, name, kind, tmp_path):
        path = write(store) / name
        copy = tmp_path / "copy"
        path.rename(copy)
        match kind:
            case "link":
                path.symlink_to(copy)
            case "folder":
                path.mkdir()
            case "pipe":
                os.mkfifo(path)
            case "empty":
                path.touch()
            case "huge":
                path.touch()
                os.truncate(path, 2**40)
        assert store.read(key()) is None
        assert len(warned) == 1
        assert len(store.quarantined()) == 1

    @pytest.mark.parametrize(
        ("name", "old", "new"),
        [("trial.json", b"0.9\n", b"0.8\n"), ("series.safetensors", b"\x08@", b"\x00@")],
    )
    def test_of_a_figure_that_still_reads(self, store, warned, name, old, new):
        path = write(store) / name
        data = path.read_bytes()
        assert old in data
        path.write_bytes(data.replace(old, new))
        assert store.read(key()) is None
        assert f"{name} does not match its SHA-256" in warned[0]

    def test_renamed_directory_is_not_believed(self, store, warned):
        path = write(store)
        path.rename(path.with_name(path.name.replace("0000", "0001")))
        assert store.read(key(1)) is None
        assert "belongs to fake/quick/0123456789ab/seed-0000.done-" in warned[0]

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda plain: plain.update(seed="0"), "seed"),
            (lambda plain: plain.update(seed=True), "seed"),
            (lambda plain: plain.update(slug="../../etc"), "slug"),
            (lambda plain: plain.update(extra=1), "extra"),
            (lambda plain: plain.update(values={"a": "1.0"}), "values.a"),
            (lambda plain: plain.update(values={"<b>": 1.0}), "metric must be"),
            (lambda plain: plain.update(config={"a": float("nan")}), "config"),
            (lambda plain: plain.update(payloads={"../x": "0"}), "unknown payloads"),
            (lambda plain: plain.update(schema_version=0), "unknown schema 0"),
            (lambda plain: plain["competitors"][0]["cost"].update(salary=1.0), "cost of 'ours'"),
            (lambda plain: plain["competitors"][0]["cost"].update(tuning_trials=0.5), "cost of"),
            (lambda plain: plain["competitors"][0]["cost"].update(tuning_trials=None), "cost of"),
            (lambda plain: plain["competitors"].append(plain["competitors"][0]), "different names"),
            (lambda plain: plain.pop("provenance"), "provenance"),
        ],
    )
    def test_of_what_a_signed_record_says(self, store, warned, change, says):
        rewrite(write(store), change)
        assert store.read(key()) is None
        assert len(warned) == 1
        assert says in warned[0]
        assert len(store.quarantined()) == 1

    def test_deep_nesting(self):
        deep = b'{\n "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"\n}\n"
        with pytest.raises(DamagedError, match="malformed"):
            decode(sign(deep))

    def test_warning_is_one_printable_line(self, store, warned):
        rewrite(write(store), lambda plain: plain.update({"\x1b[31m\n" + "x" * 5000: 1}))
        assert store.read(key()) is None
        assert warned[0].isprintable()
        assert len(warned[0]) < 2000

    def test_newer_schema_is_left_in_place(self, store, warned):
        path = rewrite(write(store), lambda plain: plain.update(schema_version=2, new_field=1))
        assert store.read(key()) is None
        assert path.exists()
        assert "schema 2 was written by a newer provenn" in warned[0]
        assert store.quarantined() == []
        write(store, wall_s=3.0)
        assert store.read(key()).record.provenance.wall_s == 3.0

    def test_newer_schema_is_told_apart(self):
        with pytest.raises(NewerSchemaError, match="reads up to 1"):
            decode(sign(b'{\n "schema_version": 2\n}\n'))

    def test_unreadable_is_left_in_place(self, store, warned, monkeypatch):
        path = write(store)
        real = os.open

        def refuse(name, *arguments, **options):
            if str(name).endswith("trial.json"):
                raise PermissionError(errno.EACCES, "Permission denied")
            return real(name, *arguments, **options)

        monkeypatch.setattr(os, "open", refuse)
        assert store.read(key()) is None
        assert path.exists()
        assert "cannot be read: Permission denied; left in place" in warned[0]

    def test_quarantine_that_cannot_be_made(self, store, warned):
        path = write(store)
        (path / "trial.json").write_bytes(b"")
        (store.root / "quarantine").write_text("in the way")
        assert store.read(key()) is None
        assert path.exists()
        assert "left in place" in warned[0]

    def test_damaged_trial_does_not_keep_a_new_one_out(self, store, warned):
        path = write(store)
        (path / "series.safetensors").write_bytes(b"")
        assert write(store) == path
        assert store.is_done(key())
        assert len(warned) == 1


class TestSeriesFile:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\0" * 7,
            b"\0" * 8,
            (2**62).to_bytes(8, "little") + b"{}",
            (2**21).to_bytes(8, "little") + b" " * 2**21,
            b"\x02" + b"\0" * 7 + b"[]",
        ],
    )
    def test_malformed(self, data):
        with pytest.raises(DamagedError, match=r"series\.safetensors"):
            decode_series(data)

    def test_other_dtype(self):
        import safetensors.numpy

        data = safetensors.numpy.save({"a": np.zeros(3, dtype=np.float32)})
        with pytest.raises(DamagedError, match="must be F64, got F32"):
            decode_series(data)

    def test_malformed_name(self):
        import safetensors.numpy

        with pytest.raises(DamagedError, match="series must be"):
            decode_series(safetensors.numpy.save({"../a": np.zeros(3)}))

    def test_too_many(self):
        import safetensors.numpy

        many = {f"a{i}": np.zeros(0) for i in range(1001)}
        with pytest.raises(ValueError, match="at most 1000 arrays, got 1001"):
            encode_series(many)
        with pytest.raises(DamagedError, match="more than 1000 arrays"):
            decode_series(safetensors.numpy.save(many))


class TestHostileFolder:
    def test_links_are_not_followed(self, store, tmp_path):
        outside = Store(tmp_path / "outside")
        write(outside)
        store.root.mkdir()
        (store.root / "fake").symlink_to(outside.root / "fake")
        assert store.trials() == []
        assert store.read(key()) is None
        with pytest.raises(StoreError, match="must be a directory, not a link"):
            write(store)
        assert len(outside.trials()) == 1

    def test_link_to_a_trial_is_not_followed(self, store, tmp_path, warned):
        path = write(store)
        moved = path.rename(tmp_path / path.name)
        path.symlink_to(moved)
        assert store.trials() == []
        assert warned == []
        assert moved.exists()

    @pytest.mark.parametrize("name", [".running", "quarantine"])
    def test_linked_service_folder(self, store, tmp_path, name):
        (tmp_path / "outside").mkdir()
        store.root.mkdir()
        (store.root / name).symlink_to(tmp_path / "outside")
        assert store.running() == []
        assert store.quarantined() == []
        if name == ".running":
            for act in (write, lambda s: s.lease(key()), lambda s: s.checkpoints(key())):
                with pytest.raises(StoreError, match="not a link"):
                    act(store)
        assert list((tmp_path / "outside").iterdir()) == []

    def test_strange_names_are_passed_over(self, store, warned):
        path = write(store)
        home = path.parent
        for folder, name in [
            (store.root, "UPPER"),
            (store.root, "a b"),
            (store.root, "-x"),
            (store.root, "x\n"),
            (store.root, "\udc80"),
            (home, "seed-0000"),
            (home, "seed-0000.done-xyz"),
            (home, "seed-\u0660\u0660\u0660\u0660.done-01234567"),
            (home.parent, "..."),
        ]:
            (folder / name).mkdir()
        (store.root / "file").write_text("not a folder")
        (home / "seed-0001.done-01234567").write_text("not a folder")
        assert len(store.trials()) == 1
        assert warned == []

    def test_too_many_entries(self, store, monkeypatch):
        monkeypatch.setattr(files, "MAX_ENTRIES", 3)
        for seed in range(4):
            write(Store(store.root), key(seed), failed=True) if seed < 3 else None
        (store.root / "fake" / "quick" / "0123456789ab" / "x").mkdir()
        with pytest.raises(StoreError, match="more than 3 entries"):
            store.trials()

    def test_root_that_is_a_file(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(StoreError, match="file must be a directory"):
            Store(tmp_path / "file")


class TestReadOnly:
    @pytest.fixture
    def committed(self, store):
        write(store, key(0))
        (write(store, key(1)) / "trial.json").write_bytes(b"")
        shutil.rmtree(store.root / ".running")
        return Store(store.root, readonly=True)

    def test_damaged_is_skipped_where_it_lies(self, committed, warned):
        before = sorted(committed.root.rglob("*"))
        assert len(committed.trials()) == 1
        assert len(committed.trials()) == 1
        assert committed.running() == []
        assert sorted(committed.root.rglob("*")) == before
        assert len(warned) == 1
        assert "skipped" in warned[0]

    def test_nothing_is_written(self, committed):
        for act in (write, lambda s: s.lease(key()), lambda s: s.checkpoints(key())):
            with pytest.raises(StoreError, match="open for reading only"):
                act(committed)


class TestCheckpoints:
    def test_dropped_by_the_done_trial_alone(self, store):
        folder = store.checkpoints(key())
        (folder / "stage").mkdir()
        (folder / "stage" / "data").write_text("1")
        store.checkpoints(key(1)).joinpath("stage").write_text("1")
        write(store, failed=True)
        assert (folder / "stage" / "data").exists()
        write(store)
        assert not folder.exists()
        assert store.checkpoints(key(1)).joinpath("stage").exists()

    def test_same_place_again(self, store):
        assert store.checkpoints(key()) == store.checkpoints(key())


class TestSizes:
    def test_record_too_large(self, store):
        big = record().model_copy(update={"error": "x" * encoding.MAX_RECORD_BYTES})
        with pytest.raises(ValueError, match="record must be at most"):
            store.write(big, {})
        assert store.trials() == []

    def test_series_too_large(self, store, monkeypatch):
        monkeypatch.setattr(encoding, "MAX_SERIES_BYTES", 2**20 + 10)
        with pytest.raises(ValueError, match="series must be at most 10 bytes, got 48"):
            write(store)

    def test_traceback_keeps_its_end(self):
        text = "x" * 100_000 + "\udc80 the end"
        what = encoding.failed_from(
            text, key=key(), config=Config(), provenance=record().provenance
        )
        assert what.error.endswith("? the end")
        assert decode(encoding.encode(what)[0])[0] == what

    def test_malformed_series_name(self, store):
        with pytest.raises(ValueError, match="series must be"):
            store.write(record(), {"../x": np.zeros(1)})


class TestKeys:
    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("../x", "quick", "0" * 12, 0), "slug must be"),
            (("x", "Quick", "0" * 12, 0), "preset must be"),
            (("x", "quick", "0" * 11, 0), "config_hash must be 12 hexadecimal"),
            (("x", "quick", "0" * 12 + "\n", 0), "config_hash must be 12 hexadecimal"),
            (("x", "quick", "0" * 12, -1), "seed must be from 0 to 999999, got -1"),
            (("x", "quick", "0" * 12, 1_000_000), "seed must be"),
        ],
    )
    def test_malformed(self, arguments, says):
        with pytest.raises(ValueError, match=says):
            TrialKey(*arguments)

    @pytest.mark.parametrize("seed", [0, 9999, 10_000, 999_999])
    def test_name_round_trip(self, seed):
        assert TrialKey.parse(key(seed).name) == key(seed)

    @pytest.mark.parametrize(
        "name", ["", "a.b", "fake.quick.0123456789ab.seed-00003", "a.b.0123456789ab.seed-3"]
    )
    def test_malformed_name(self, name):
        with pytest.raises(ValueError, match="must be"):
            TrialKey.parse(name)


class TestSeeds:
    def test_gap_is_named(self, store):
        for seed in (0, 1, 3):
            write(store, key(seed))
        with pytest.raises(ValueError, match=r"fake/quick/0123456789ab .* 0 to 3.* missing: 2"):
            check_seeds(store.trials())

    def test_failed_is_no_gap(self, store):
        write(store, key(0), failed=True)
        write(store, key(1))
        check_seeds(store.trials())
        check_seeds([])

    def test_up_to_the_first_gap(self, store):
        for seed in (0, 1, 3, 4):
            write(store, key(seed))
        trials = store.trials()
        assert [trial.seed for trial in without_gap(reversed(trials))] == [0, 1]
        assert without_gap(trials[1:]) == without_gap([]) == []


class TestWhere:
    def test_default(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PROVENN_STORE", str(tmp_path / "mine"))
        assert default_store().root == tmp_path / "mine"
        monkeypatch.delenv("PROVENN_STORE")
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        assert default_store().root == tmp_path / "data" / "provenn" / "store"
        monkeypatch.delenv("XDG_DATA_HOME")
        monkeypatch.setenv("HOME", str(tmp_path))
        assert default_store().root == tmp_path / ".local" / "share" / "provenn" / "store"

    @pytest.mark.parametrize(
        ("package", "evidence"),
        [
            ("src/provenn", "evidence"),
            ("site-packages/provenn", "site-packages/provenn/_committed"),
        ],
    )
    def test_committed(self, monkeypatch, tmp_path, package, evidence):
        import provenn

        monkeypatch.setattr(provenn, "__file__", str(tmp_path / package / "__init__.py"))
        assert committed_store() is None
        (tmp_path / evidence).mkdir(parents=True)
        assert committed_store().root == tmp_path / evidence
        assert committed_store().readonly

    def test_says_what_it_is(self, tmp_path):
        assert repr(Store(tmp_path)) == f"Store({str(tmp_path)!r}, readonly=False)"
        assert Store(str(tmp_path)).root == Path(tmp_path)


def test_abandoned_writing_is_removed(store):
    write(store)
    left = store.root / ".running" / "writing" / "left"
    fresh = store.root / ".running" / "writing" / "fresh"
    left.mkdir()
    fresh.mkdir()
    os.utime(left, (0, 0))
    store.running()
    assert not left.exists()
    assert fresh.exists()


def test_copying_is_merging(tmp_path):
    a, b = Store(tmp_path / "a"), Store(tmp_path / "b")
    write(a, key(0), wall_s=1.0)
    write(b, key(0), wall_s=2.0)
    write(b, key(1))
    for n, order in enumerate([(a, b), (b, a)]):
        for source in order:
            shutil.copytree(source.root, tmp_path / f"merged-{n}", dirs_exist_ok=True)
    merged = [as_bytes(Store(tmp_path / f"merged-{n}").trials()) for n in range(2)]
    assert merged[0] == merged[1]
    assert len(Store(tmp_path / "merged-0").trials()) == 2
