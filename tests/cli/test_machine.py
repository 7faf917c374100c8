"""The verbs that look at this machine: doctor, data."""

import json

import pytest


@pytest.fixture(autouse=True)
def no_data(monkeypatch, tmp_path):
    monkeypatch.delenv("PROVENN_DATA", raising=False)
    monkeypatch.setenv("PROVENN_CACHE", str(tmp_path / "cache"))


def findings(result):
    return {f["what"]: f for f in json.loads(result.out)}


def test_doctor_finds_this_installation_well(provenn_command, store):
    code, out, _ = provenn_command("doctor", "--store", store)
    assert code == 0
    for part in (
        "torch",
        "threads",
        "C++ compiler",
        "store",
        "GiB free",
        "provenn data fetch NAME",
    ):
        assert part in out
    assert "PROBLEM" not in out


def test_doctor_as_json(provenn_command, store, monkeypatch, tmp_path):
    monkeypatch.setenv("PROVENN_DATA", str(tmp_path))
    found = findings(provenn_command("doctor", "--json", "--store", store))
    assert found["store"] == {"what": "store", "status": "ok", "found": str(store), "remedy": ""}
    assert "digits" in found["data sets here"]["found"]
    assert found["PROVENN_DATA"]["found"] == str(tmp_path)


def test_doctor_names_extras_that_are_missing(provenn_command, store, monkeypatch):
    wanted = [
        "torch>=2.10",
        'numpy>=1; extra == "data"',
        'no-such-package>=3; python_version >= "3" and extra == "peers"',
        'provenn[data]; extra == "dev"',
    ]
    monkeypatch.setattr("provenn.cli.doctor.requires", lambda name: wanted)
    found = findings(provenn_command("doctor", "--json", "--store", store))
    assert found["extra [data]"]["status"] == "ok"
    assert found["extra [peers]"]["status"] == "absent"
    assert found["extra [peers]"]["found"] == "without no-such-package"
    assert found["extra [peers]"]["remedy"] == 'python -m pip install "provenn[peers]"'


def test_doctor_finds_a_store_that_is_a_file(provenn_command, store):
    store.write_text("mine")
    code, out, _ = provenn_command("doctor", "--store", store)
    assert code == 1
    assert "PROBLEM" in out
    assert "name a directory that can be written with --store" in out


def test_doctor_finds_a_full_disk(provenn_command, store, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    result = provenn_command("doctor", "--json", "--store", store)
    assert result.code == 1
    assert findings(result)["disk"]["status"] == "problem"


def test_data_list(provenn_command):
    code, out, _ = provenn_command("data", "list")
    assert code == 0
    assert "mnist" in out
    listed = {d["name"]: d for d in json.loads(provenn_command("data", "list", "--json").out)}
    assert listed["digits"]["found"] is True
    assert listed["mnist"]["found"] is False
    assert listed["mnist"]["shape"] == [1, 28, 28]


def test_data_where(provenn_command):
    assert provenn_command("data", "where", "digits") == (
        0,
        "digits: digits comes with scikit-learn\n",
        "",
    )
    code, out, _ = provenn_command("data", "where", "cora", "digits")
    assert code == 1
    assert "provenn data fetch cora" in out
    assert provenn_command("data", "where").code == 0


def test_data_fetch(provenn_command, monkeypatch):
    assert provenn_command("data", "fetch", "digits").code == 0
    from provenn import data

    def fail(name):
        raise data.DataError(f"{name} is damaged; remove it")

    monkeypatch.setattr(data, "fetch", fail)
    assert provenn_command("data", "fetch", "iris") == (
        1,
        "",
        "error: iris is damaged; remove it\n",
    )


@pytest.mark.parametrize("verb", ["fetch", "where"])
def test_an_unknown_data_set(provenn_command, verb):
    code, _, err = provenn_command("data", verb, "mnst")
    assert code == 2
    assert "unknown data set 'mnst'; did you mean 'mnist'?" in err


def test_data_alone_says_what_is_accepted(provenn_command):
    assert provenn_command("data") == (
        2,
        "",
        "error: Missing command; accepted: fetch, list, where\n",
    )
    assert "did you mean 'list'?" in provenn_command("data", "lst").err
