import json


def test_list_names_every_paper(provenn_command):
    code, out, err = provenn_command("list")
    assert code == 0
    assert "tiny" in out
    assert "A Tiny Paper" in out
    assert err == ""


def test_list_as_json(provenn_command):
    papers = json.loads(provenn_command("list", "--json").out)["papers"]
    (tiny,) = (p for p in papers if p["slug"] == "tiny")
    assert tiny["claims"] == ["c1-better", "c2-exact", "c3-huge"]
    assert tiny["seeds"] == {"quick": 3, "laptop": 5, "full": 5}


def test_list_names_a_page_that_cannot_be_read(provenn_command, broken):
    code, out, err = provenn_command("list")
    assert code == 1
    assert "tiny" in out
    assert err.startswith("warning: broken: the page of 'broken' cannot be read: page broken_page")
    assert "must declare PAPER" in err
    assert "broken" in json.loads(provenn_command("list", "--json").out)["broken"]


def test_cite_prints_bibtex(provenn_command):
    code, out, _ = provenn_command("cite", "tiny")
    assert code == 0
    assert out.startswith("@article{tiny-2021,")
    assert "Ada Lovelace and Alan Turing" in out


def test_show_prints_claims_config_and_deviations(provenn_command, store):
    code, out, _ = provenn_command("show", "tiny", "--store", store)
    assert code == 0
    for part in (
        "A Tiny Paper",
        "Adds a number to another.",
        "c1-better",
        "method.score > peer.score + 0.5",
        "table 1",
        "half the paper's gap",
        "nothing: needs a thousand machines",
        "How much better the method is.",
        "tuple[int, ...]",
        "3 at quick",
        "it is a test",
        "not judged",
    ):
        assert part in out


def test_show_as_json(provenn_command, store):
    shown = json.loads(provenn_command("show", "tiny", "--json", "--store", store).out)
    assert shown["config"]["bonus"] == "How much better the method is."
    assert shown["presets"]["laptop"]["bonus"] == 2.0
    assert [v["status"] for v in shown["verdicts"]] == ["not judged"] * 3


def test_a_broken_page_is_no_traceback(provenn_command, broken):
    code, _, err = provenn_command("cite", "broken")
    assert code == 2
    assert err.startswith("error: the page of 'broken' cannot be read:")
