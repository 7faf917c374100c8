"""The fingerprint changes with the code that a measurement rests on, and with nothing else."""

import sys
import textwrap
import time
from pathlib import Path

import pytest

import provenn
from provenn import papers
from provenn.evidence import fingerprint as module
from provenn.evidence.fingerprint import compute, fingerprint

PAGE = """
    \"\"\"A page.\"\"\"

    from dataclasses import dataclass
    from typing import TYPE_CHECKING

    import numpy as np
    from matplotlib import pyplot

    from outside.drawing import colours
    from outside.room import Layer, shared as common
    from outside.tools import registry

    if TYPE_CHECKING:
        from outside.typed import Anything

    PAPER = "a paper"
    LIMIT = 3
    CLAIMS = ["claim"]
    DEVIATIONS = ["deviation"]
    CAPTIONS = {"a": "caption"}
    EXAMPLE = "example"
    SEEDS = {"quick": 3}
    ABLATIONS = ["ablation"]
    PALETTE = ["red"]


    @dataclass(frozen=True)
    class Config:
        \"\"\"Knobs.\"\"\"

        width: int = 4
        \"\"\"Width.\"\"\"


    PRESETS = {"quick": Config()}


    def helper(x):
        return x + LIMIT  # a comment


    def trial(config, seed, ctx):
        from outside.late import late

        return Layer(helper(seed)), common, late, registry


    @registry.append
    def registered(x):
        return x


    def draw(x):
        return colours(PALETTE, np.mean(x), pyplot)


    def figures(trials):
        return draw(trials)


    for name in PRESETS:
        assert name
"""
FILES = {
    "__init__.py": "",
    "page.py": PAGE,
    "drawing.py": "def colours(*a): return a\n",
    "late.py": "from outside import deep\nfrom .room import *\n\ndef late(): return deep.DEPTH\n",
    "deep.py": "import torch\n\nDEPTH = 1\n",
    "typed.py": "class Anything: pass\n",
    "tools/__init__.py": "registry = []\n",
    "tools/unused.py": "X = 1\n",
    "room/__init__.py": (
        "from outside.room.layer import Layer\n"
        "from .sharing import SHARED as shared\n"
        "from outside.room.other import Other\n"
    ),
    "room/layer.py": (
        "from ..base import Base\n\n"
        "class Layer(Base):\n    RATE = 0.5\n    def __init__(self, n): self.n = n\n"
    ),
    "room/sharing.py": "SHARED = 1\n",
    "room/other.py": "class Other: pass\n",
    "base.py": "import outside.room.sharing\nimport provenn.evidence.records\n\nclass Base: pass\n",
}


class Outside:
    """A package of a page, on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root / "outside"
        for name, text in FILES.items():
            path = self.root / name
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(textwrap.dedent(text))

    def compute(self) -> str:
        # Parsed files are remembered by their times, which a quick edit need not change.
        module._parsed.cache_clear()
        module._normalised.cache_clear()
        return compute("outside.page", self.root / "page.py")

    def replace(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


@pytest.fixture
def outside(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "outside", raising=False)
    return Outside(tmp_path)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("page.py", "# a comment", "# another comment"),
        ("page.py", '"""A page."""', '"""Another text."""'),
        ("page.py", '"""Knobs."""', '"""Other text."""'),
        ("page.py", '"""Width."""', '"""Other text."""'),
        ("page.py", "x + LIMIT", "(x  +  LIMIT)"),
        ("page.py", '"a paper"', '"another paper"'),
        ("page.py", '["claim"]', '["other"]'),
        ("page.py", '["deviation"]', '["other"]'),
        ("page.py", '"caption"', '"other"'),
        ("page.py", '"example"', '"other"'),
        ("page.py", '{"quick": 3}', '{"quick": 5}'),
        ("page.py", '["ablation"]', '["other"]'),
        ("page.py", '["red"]', '["blue"]'),
        ("page.py", "return draw(trials)", "return [draw(trials)]"),
        ("page.py", "np.mean(x)", "np.std(x)"),
        ("page.py", "import Anything", "import Nothing"),
        ("drawing.py", "return a", "return 2"),
        ("typed.py", "pass", "X = 1"),
        ("tools/unused.py", "1", "2"),
    ],
)
def test_same(outside, name, old, new):
    before = outside.compute()
    outside.replace(name, old, new)
    assert outside.compute() == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("page.py", "LIMIT = 3", "LIMIT = 4"),
        ("page.py", "LIMIT = 3", "LIMIT = 3.0"),
        ("page.py", "width: int = 4", "width: int = 5"),
        ("page.py", "x + LIMIT", "x - LIMIT"),
        ("page.py", "Layer(helper(seed))", "Layer(seed)"),
        ("page.py", "def registered(x):\n    return x", "def registered(x):\n    return 2"),
        ("page.py", "shared as common", "other as common"),
        ("page.py", "    assert name", "    assert not name"),
        ("room/layer.py", "RATE = 0.5", "RATE = 0.25"),
        ("room/sharing.py", "1", "2"),
        ("base.py", "pass", "X = 1"),
        ("late.py", "deep.DEPTH", "-deep.DEPTH"),
        ("deep.py", "1", "2"),
        ("tools/__init__.py", "[]", "[1]"),
    ],
)
def test_different(outside, name, old, new):
    before = outside.compute()
    outside.replace(name, old, new)
    assert outside.compute() != before


def test_what_runs_where_types_are_not_checked_counts(outside):
    outside.replace("deep.py", "DEPTH = 1", "if TYPE_CHECKING:\n    X = 1\nelse:\n    DEPTH = 1")
    before = outside.compute()
    outside.replace("deep.py", "DEPTH = 1", "DEPTH = 2")
    assert outside.compute() != before


def test_another_method_in_the_room_changes_nothing(outside):
    outside.replace("late.py", "from .room import *\n", "")
    before = outside.compute()
    outside.replace("room/other.py", "pass", "X = 1")
    (outside.root / "room" / "new.py").write_text("class New: pass\n")
    outside.replace("room/__init__.py", "Other\n", "Other\nfrom outside.room.new import New\n")
    assert outside.compute() == before


def test_star_takes_the_whole_room(outside):
    before = outside.compute()
    outside.replace("room/other.py", "pass", "X = 1")
    assert outside.compute() != before


def test_lazy_package_takes_all_of_itself(outside):
    outside.replace("tools/__init__.py", "[]", "[]\ndef __getattr__(name): return name\n")
    before = outside.compute()
    outside.replace("tools/unused.py", "1", "2")
    assert outside.compute() != before


def test_name_that_the_room_passes_in_a_circle(outside):
    outside.replace("room/__init__.py", "room.other import Other", "room import Other")
    outside.replace("page.py", "shared as common", "Other as common")
    assert outside.compute()


def test_page_without_a_package(tmp_path):
    path = tmp_path / "alone.py"
    path.write_text("Config = 1\nPRESETS = {}\ndef trial(config, seed, ctx): return 1\n")
    before = compute("alone", path)
    path.write_text("Config = 1\nPRESETS = {}\ndef trial(config, seed, ctx): return 10\n")
    assert len(before) == 64
    assert compute("alone", path) != before


def test_follows_provenn_but_not_what_is_left_out(tmp_path):
    path = tmp_path / "alone.py"
    path.write_text(
        "from provenn.evidence import Metrics\nfrom provenn.data import load\n"
        "from provenn.papers import slugs\nConfig = PRESETS = 1\n"
        "def trial(config, seed, ctx): return Metrics(), load, slugs\n"
    )
    reach = module._Reach("alone")
    reach.fingerprint(path)
    assert set(reach._texts) == {"alone", "provenn.papers"}


def test_of_every_page_is_fast():
    for slug in papers.slugs():
        page = papers.load(slug)
        assert fingerprint(page) == compute(page.module, page.path)
        start = time.perf_counter()
        fingerprint(page)
        assert time.perf_counter() - start < 0.05


def test_source_of_every_module_can_be_read():
    for path in Path(provenn.__file__).parent.rglob("*.py"):
        assert module._text(path)
