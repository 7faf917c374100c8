import dataclasses
import math

import pytest

from provenn.evidence.assess import assess
from provenn.evidence.relations import (
    All,
    Greater,
    Identity,
    Less,
    Near,
    Ratio,
    Relation,
    Slope,
    Sound,
)
from provenn.evidence.store import Store
from provenn.evidence.verdicts import judge
from provenn.report import paper_view
from provenn.report.overview import overview, survivors
from provenn.report.text import MINUS
from tests.evidence.builders import trials
from tests.report import synthetic


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """Views of three papers, with the numbers of surviving claims."""
    store = Store(tmp_path_factory.mktemp("store"))
    pages = synthetic.pages(3)
    synthetic.fill(store, pages[0], ("quick", "laptop"))
    synthetic.fill(store, pages[1], crashed=2)
    assessments = [assess(page, [store]) for page in pages]
    surviving = survivors(assessments)
    return [paper_view.paper_view(a, [], surviving[a.page.paper.slug], {}) for a in assessments]


@pytest.mark.parametrize(
    ("relation", "words"),
    [
        (Greater("a", "b"), f"a {MINUS} b"),
        (Less("a", "b"), f"b {MINUS} a"),
        (Greater("a", 0.5), "a"),
        (Less("a", 0.5), "a"),
        (Ratio("a", "b", at_least=2), "a / b"),
        (Near("a", 1.0, tol=0.1), "a"),
        (Identity("error", tol=0.1), "|error|"),
        (Sound("lower", "upper"), f"upper {MINUS} lower"),
        (Slope("n", "cost", at_most=2), "slope of log cost over log n"),
        (All(Less("a", "b"), Identity("c", tol=1)), f"b {MINUS} a"),
    ],
)
def test_quantity_of_every_relation(relation, words):
    assert paper_view.quantity(relation) == words


def test_every_kind_of_relation_is_covered():
    own = [t for t in Relation.__subclasses__() if t.__module__ == Relation.__module__]
    assert {t.__name__ for t in own} == {
        "Greater", "Less", "Ratio", "Near", "Identity", "Sound", "Slope", "All",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("preset", "n", "dirty", "look"),
    [
        ("quick", 3, False, "a look: quick, n = 3"),
        ("laptop", 3, False, "a look: n = 3 of 5"),
        ("laptop", 5, True, "a look: measured with uncommitted changes"),
        ("laptop", 5, False, ""),
    ],
)
def test_a_hollow_badge_says_why(preset, n, dirty, look):
    claim = dataclasses.replace(synthetic.claims()[0], relation=Greater("a", "b"))
    verdict = judge(claim, trials([0.1] * n, preset=preset, dirty=dirty))
    assert paper_view._look(verdict) == look


def test_largest_preset_first(views):
    assert [run.preset for run in views[0].runs] == ["laptop", "quick"]
    assert views[0].evidence == "laptop n = 5, quick n = 3"


def test_competitors_with_quality_beside_cost(views):
    table = views[0].competitors[0]
    assert [row.role for row in table.rows] == ["method", "peer", "peer"]
    assert [block.qualities for block in table.blocks] == [["accuracy", "loss"]]
    ours = table.rows[0]
    assert ours.cost["parameters"] == "8,690"
    assert ours.cost["tuning_trials"] == "4"
    assert "±" in ours.quality["accuracy"]


def test_competitors_measured_by_other_qualities_stand_apart():
    qualities = {
        "bounds": ("bound", "gap"),
        "oracle": ("gap",),
        "tables": ("auc", "rank"),
        "speed": ("loss",),
        "both": ("loss", "auc", "rank"),
        "none": (),
    }
    rows = [row(name, quality) for name, quality in qualities.items()]
    blocks = paper_view._blocks(rows)
    assert [[r.name for r in block.rows] for block in blocks] == [
        ["bounds", "oracle", "none"],
        ["tables", "speed", "both"],
    ]
    assert [block.qualities for block in blocks] == [["bound", "gap"], ["auc", "rank", "loss"]]


def row(name, quality):
    return paper_view.CompetitorRow(
        name=name,
        label=name,
        role="peer",
        package="",
        quality=dict.fromkeys(quality, "1"),
        cost={},
    )


def test_a_claim_names_only_its_competitors(views):
    grouped = next(c for c in views[0].claims if c.verdict.claim.id == "c3-grouped")
    assert [row.name for row in grouped.competitors] == ["ours", "grouped"]
    assert grouped.metrics == ["accuracy"]


def test_crashes_are_counted_with_their_bound(views):
    run = views[1].runs[0]
    assert run.crashed == 1
    assert run.collapse_upper == pytest.approx(0.8647, abs=1e-4)


def test_share_is_the_whole_bar(views):
    pieces = paper_view.share(views[0].counts)
    assert sum(width for *_, width in pieces) == pytest.approx(100, abs=0.01)
    assert pieces[-1][2] + pieces[-1][3] == pytest.approx(100, abs=0.01)


def test_overview_adds_up(views):
    index = overview(views, None)
    assert sum(index.counts.values()) == 18
    tested = [c for v in views for c in v.claims if not math.isnan(c.verdict.p_value)]
    assert index.tested == len(tested)
    assert index.false_holds == pytest.approx(0.05 * len(tested))
    holding = {c.verdict.claim.id for c in views[0].claims if c.verdict.status == "holds"}
    assert {name for view, name, _ in index.holding if view is views[0]} == holding - {"c4-algebra"}


def test_benjamini_hochberg_is_over_all_papers():
    assert survivors([]) == {}
