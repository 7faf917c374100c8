import csv
import html
import re

import pytest

from provenn.report import build
from provenn.report.text import LIMIT
from tests.report.hostile import PAYLOADS, hostile_gallery


@pytest.fixture(scope="module", params=range(0, len(PAYLOADS), 5))
def texts(request, tmp_path_factory):
    """Every file of a paper, built from a hostile page and store."""
    folder = tmp_path_factory.mktemp("hostile")
    pages, store = hostile_gallery(folder, request.param)
    index = build(pages, [store], folder / "gallery")
    paper = index.parent / "paper-00"
    return {p.name: p.read_text() for p in paper.iterdir()}


def test_no_tag_of_a_stranger(texts):
    tags = {tag.lower() for tag in re.findall(r"<(\w+)", texts["index.html"])}
    assert not tags & {"iframe", "object", "link", "base", "textarea"}
    assert texts["index.html"].count("<script>") == 1
    assert texts["index.html"].count("<style>") == 1
    pictures = re.findall(r'<img src="([^"]*)"', texts["index.html"])
    assert len(pictures) == texts["index.html"].count("<img")
    assert {*pictures} <= texts.keys()


def test_links_are_https_or_of_the_gallery(texts):
    for target in re.findall(r'href="([^"]*)"', texts["index.html"]):
        address = html.unescape(target)
        assert re.match(
            r"https://|#|\.\./index\.html|[\w-]+(/index\.html|\.csv|\.svg)|data:image/png", address
        )


def test_texts_are_bounded(texts):
    longest = max(
        len(t) for t in re.split(r"<[^>]*>", texts["index.html"].partition("</script>")[2])
    )
    assert longest < LIMIT + 100
    assert len(texts["index.html"]) < 1e6


def test_templates_in_texts_are_not_run(texts):
    assert "{{ 7 * 7 }}" in html.unescape(texts["index.html"])


def test_no_formula_in_the_csv(texts):
    for name, text in texts.items():
        if name.endswith(".csv"):
            cells = [c for row in csv.reader(text.splitlines()) for c in row]
            assert not [c for c in cells if re.match(r"[=@+]|-\D", c)]
