"""Papers, claims, metrics and pages refuse what would not be honest or not be readable."""

import dataclasses
import math
from types import ModuleType

import numpy as np
import pytest

from provenn.evidence import Ablation, Claim, Competitor, Cost, Greater, Metrics, Page, Paper
from provenn.evidence.names import check_id, check_metric, nearest
from provenn.evidence.page import config_hash

PAPER = Paper(
    slug="fake",
    title="A fake paper",
    authors=("Ada Lovelace", "Alan Turing"),
    arxiv="2101.00001",
    year=2021,
    venue="Journal of Fakes",
    summary="Nothing.",
    room="nn",
    doi="10.1000/fake",
)
CLAIM = Claim(
    id="c1",
    says="a beats b",
    reported="1.0",
    where="Table 1",
    relation=Greater("a", "b"),
    margin_source="the sheet",
    presets=("quick",),
)


@dataclasses.dataclass(frozen=True)
class Config:
    steps: int = 3
    rate: float = 0.1


def page_module(**changes):
    module = ModuleType("fake_page")
    module.__file__ = __file__
    declared = {
        "PAPER": PAPER,
        "Config": Config,
        "PRESETS": {p: Config() for p in ("quick", "laptop", "full")},
        "SEEDS": {"quick": 3, "laptop": 5, "full": 3},
        "CLAIMS": (CLAIM,),
        "trial": lambda config, seed, ctx: Metrics(),
        "figures": lambda trials: {},
        **changes,
    }
    for name, value in declared.items():
        if value is not None:
            setattr(module, name, value)
    return module


def test_page_is_read_and_overridden():
    page = Page.from_module(page_module())
    assert page.config("quick", {"steps": 7}) == Config(steps=7)
    assert page.claim("c1") is CLAIM


@dataclasses.dataclass
class Thawed:
    steps: int = 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trial": None}, "must declare trial"),
        ({"PRESETS": {"quick": Config()}}, "PRESETS of fake_page must have the keys"),
        ({"SEEDS": {"quick": 3}}, "SEEDS of fake_page must have the keys"),
        ({"CLAIMS": ()}, "CLAIMS of fake_page must be non-empty"),
        ({"CLAIMS": (CLAIM, CLAIM)}, "different ids"),
        ({"Config": Thawed}, "frozen dataclass"),
        (
            {"ABLATIONS": (Ablation(name="x", says="x", overrides={}, breaks=("c2",)),)},
            "no claim 'c2'",
        ),
        (
            {"ABLATIONS": (Ablation(name="x", says="x", overrides={"z": 1}, breaks=("c1",)),)},
            "no 'z'",
        ),
    ],
)
def test_a_page_that_misses_something_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        Page.from_module(page_module(**changes))


def test_unknown_preset_key_and_claim_name_the_nearest():
    page = Page.from_module(page_module())
    with pytest.raises(ValueError, match="did you mean 'quick'"):
        page.config("quik")
    with pytest.raises(ValueError, match="did you mean 'steps'"):
        page.config("quick", {"step": 1})
    with pytest.raises(ValueError, match="no claim 'c3'"):
        page.claim("c3")


def test_config_hash_depends_on_every_field_and_on_nothing_else():
    assert config_hash(Config()) == config_hash(Config(steps=3, rate=0.1))
    assert config_hash(Config()) != config_hash(Config(steps=4))
    assert config_hash(Config()) != config_hash(Config(rate=0.2))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "C 1"}, "claim id must be"),
        ({"presets": ("quik",)}, "preset 'quik' is unknown"),
        ({"relation": None}, "either a relation or a reason"),
        ({"unjudged": "no data"}, "either a relation or a reason"),
        ({"presets": ()}, "if and only if"),
        ({"margin_source": ""}, "where its margin comes from"),
    ],
)
def test_a_claim_that_could_not_be_judged_honestly_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(CLAIM, **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"slug": "../etc"}, "slug must be"),
        ({"room": "N N"}, "room must be"),
        ({"arxiv": "abc"}, "arxiv must look like"),
    ],
)
def test_a_paper_with_a_bad_name_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(PAPER, **changes)


def test_bibtex_has_what_a_citation_needs():
    entry = PAPER.bibtex
    assert entry.startswith("@article{fake-2021,")
    assert "author = {Ada Lovelace and Alan Turing}" in entry
    assert "doi = {10.1000/fake}" in entry
    assert dataclasses.replace(PAPER, doi="").bibtex.startswith("@misc{")


def test_flat_names_of_values_qualities_and_costs():
    competitor = Competitor(
        name="net-a",
        label="Net A",
        role="method",
        quality={"accuracy": 0.9},
        cost=Cost(parameters=10, wall_s=2.0),
    )
    metrics = Metrics(values={"err": 1.0}, timings={"speedup": 3.0}, competitors=(competitor,))
    flat = metrics.flat()
    assert flat["err"] == 1.0
    assert flat["net-a.accuracy"] == 0.9
    assert flat["net-a.parameters"] == 10
    assert math.isnan(flat["net-a.flops"])
    assert not {"speedup", "net-a.wall_s", "net-a.peak_bytes"} & set(metrics.repeatable())
    assert {"err", "net-a.accuracy", "net-a.parameters"} <= set(metrics.repeatable())


def test_series_become_float64():
    assert Metrics(series={"curve": np.arange(3)}).series["curve"].dtype == np.float64


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Metrics(values={"Not a name": 1.0}), "metric must be"),
        (lambda: competitor_named("Bad Name"), "competitor name must be"),
        (lambda: competitor_named("a", quality={"x.y": 1.0}), "must not use a dot"),
        (lambda: competitor_named("a", quality={"wall_s": 1.0}), "the name of a cost"),
        (
            lambda: Metrics(competitors=(competitor_named("a"), competitor_named("a"))),
            "different names",
        ),
        (lambda: Ablation(name="x", says="x", overrides={}, breaks=()), "at least one claim"),
        (lambda: check_id("a" * 101, "slug"), "at most 100"),
        (lambda: check_metric("a" * 201), "metric must be"),
    ],
)
def test_bad_metrics_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_nearest_lists_what_is_accepted():
    assert nearest("qick", ["quick", "full"]) == "did you mean 'quick'? accepted: full, quick"
    assert nearest("zzz", []) == "accepted: nothing"


def competitor_named(name, quality=None):
    return Competitor(name=name, label=name, role="peer", quality=quality or {})
