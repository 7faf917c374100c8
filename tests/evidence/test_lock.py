"""Claims stay as they were locked; a changed one is a new version beside the old."""

import dataclasses
import json
import types

import pytest

from provenn import papers
from provenn.evidence import Claim, Less, Page, Paper, lock
from provenn.evidence.files import StoreError
from provenn.evidence.relations import Greater


def claim(**changes):
    plain = {
        "id": "c1",
        "says": "a beats b",
        "reported": "1 %",
        "where": "Table 1",
        "relation": Greater("a", "b", 0.5),
        "margin_source": "the sheet",
        "presets": ("quick",),
    }
    return Claim(**{**plain, **changes})


@dataclasses.dataclass(frozen=True)
class Config:
    width: int = 1


@pytest.fixture
def page_of(tmp_path):
    """Makes a page with the given claims in a folder of its own."""

    def make(*claims, slug="fake"):
        module = types.ModuleType(slug)
        module.__file__ = str(tmp_path / f"{slug}.py")
        module.PAPER = Paper(
            slug=slug,
            title="A title",
            authors=["A. Author"],
            arxiv="2110.04176",
            year=2021,
            venue="A venue",
            summary="A summary.",
            room="nn",
        )
        module.Config = Config
        module.PRESETS = dict.fromkeys(("quick", "laptop", "full"), Config())
        module.SEEDS = dict.fromkeys(("quick", "laptop", "full"), 3)
        module.CLAIMS = list(claims)
        module.trial = lambda config, seed, ctx: None
        module.figures = lambda trials: {}
        return Page.from_module(module)

    return make


def says(problems):
    return [str(problem) for problem in problems]


def test_lock_matches_the_code():
    assert says(lock.check([papers.load(slug) for slug in papers.slugs()])) == []


def test_new_claim_must_be_locked_first(page_of):
    page = page_of(claim())
    assert says(lock.check([page])) == ["fake/c1: is not locked; lock it before it is measured"]
    assert lock.update([page]) == []
    assert lock.check([page]) == []


def test_file_is_made_for_diffs(page_of):
    page = page_of(claim())
    lock.update([page])
    text = page.path.with_name("claims.lock").read_text()
    assert text.endswith("}\n")
    assert '\n      "says": "a beats b",\n' in text
    lock.update([page])
    assert page.path.with_name("claims.lock").read_text() == text
    assert [path.name for path in page.path.parent.iterdir()] == ["claims.lock"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("says", "a beats b by far"),
        ("reported", "2 %"),
        ("reported_effect", 0.5),
        ("where", "Table 2"),
        ("relation", Greater("a", "b", 0.25)),
        ("relation", Less("a", "b", 0.5)),
        ("margin_source", "a guess"),
        ("presets", ("quick", "laptop")),
    ],
)
def test_changed_claim_needs_a_new_version(page_of, field, value):
    lock.update([page_of(claim())])
    changed = page_of(claim(**{field: value}))
    problem = f"fake/c1: {field} changed; raise its version above 1"
    assert says(lock.check([changed])) == [problem]
    assert says(lock.update([changed])) == [problem]
    raised = page_of(claim(**{field: value}, version=2))
    assert says(lock.check([raised])) == [
        "fake/c1: version 2 is not locked; lock it before it is measured"
    ]
    assert lock.update([raised]) == []
    assert lock.check([raised]) == []
    assert lock.history(raised) == {"c1": [json.loads(json.dumps(claim().frozen_parts()))]}


def test_what_is_not_frozen_may_change(page_of):
    lock.update([page_of(claim())])
    assert lock.check([page_of(claim(tried="everything", method="ours"))]) == []


def test_old_version_may_not_come_back(page_of):
    lock.update([page_of(claim())])
    lock.update([page_of(claim(says="more", version=2))])
    assert says(lock.check([page_of(claim())])) == [
        "fake/c1: says, version changed; raise its version above 2"
    ]


def test_claim_may_not_go(page_of):
    lock.update([page_of(claim(), claim(id="c2"))])
    left = page_of(claim())
    gone = "fake/c2: is locked but the page does not state it any more; a claim may fail,"
    assert says(lock.check([left]))[0].startswith(gone)
    assert says(lock.update([left]))[0].startswith(gone)


def test_pages_share_a_file(page_of):
    pages = [page_of(claim()), page_of(claim(), slug="other")]
    assert lock.update(pages) == []
    assert lock.check(pages) == []
    assert lock.check(pages[:1]) == []
    assert lock.history(pages[0]) == {}


def test_unjudged_claim(page_of):
    page = page_of(claim(relation=None, presets=(), margin_source="", unjudged="needs a cluster"))
    assert lock.update([page]) == []
    assert lock.check([page]) == []


def tamper(page, change):
    path = page.path.with_name("claims.lock")
    plain = json.loads(path.read_text())
    change(plain["papers"]["fake"]["c1"])
    path.write_text(json.dumps(plain))


def test_edited_entry_is_noticed(page_of):
    page = page_of(claim())
    lock.update([page])
    tamper(page, lambda versions: versions[0]["claim"].update(says="something else"))
    assert says(lock.check([page])) == [
        "fake/c1: an entry of claims.lock does not match its SHA-256"
    ]
    assert lock.update([page]) != []


def test_versions_out_of_order(page_of):
    lock.update([page_of(claim())])
    page = page_of(claim(version=2))
    lock.update([page])
    tamper(page, lambda versions: versions.reverse())
    assert says(lock.check([page])) == [
        "fake/c1: its versions in claims.lock are not in order: [2, 1]"
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "malformed at its start"),
        ("[]", "malformed at its start"),
        ('{"schema_version": 2}', "malformed at schema_version"),
        ('{"papers": {"fake": {"c1": []}}}', r"malformed at papers\.fake\.c1"),
        (
            '{"papers": {"fake": {"c1": [{"claim": {"version": "1"}, "sha256": ""}]}}}',
            "must have the number of its version",
        ),
        ("x" * (16 * 2**20 + 1), "larger than"),
    ],
)
def test_malformed_file(page_of, content, message):
    page = page_of(claim())
    page.path.with_name("claims.lock").write_text(content)
    for act in (lock.check, lock.update, lambda pages: lock.history(pages[0])):
        with pytest.raises(StoreError, match=message) as caught:
            act([page])
        assert "claims.lock" in str(caught.value)
    assert page.path.with_name("claims.lock").read_text() == content


def test_file_that_cannot_be_written(page_of, monkeypatch):
    page = page_of(claim())
    lock.update([page])
    before = page.path.with_name("claims.lock").read_bytes()
    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(StoreError, match=r"cannot write .*claims\.lock: No space left"):
        lock.update([page_of(claim(says="more", version=2))])
    assert page.path.with_name("claims.lock").read_bytes() == before
    assert [path.name for path in page.path.parent.iterdir()] == ["claims.lock"]


def refuse(*arguments):
    raise OSError(28, "No space left on device")
