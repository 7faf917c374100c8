import re
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from provenn.report import drawing


def parsed(drawn):
    return ElementTree.fromstring(drawn)  # noqa: S314 (drawn here)


def draw(plot, name="paper-quick-figure"):
    with drawing.house_style():
        figure = Figure()
        plot(figure.subplots())
        return drawing.svg(figure, name)


def test_colours_of_the_style_become_variables():
    drawn = draw(lambda ax: ax.plot([1, 2], label="a line"))
    assert 'stroke="var(--series-1,#0a66b7)"' in drawn
    assert 'fill="var(--muted,#5b606b)"' in drawn


def test_text_stays_text():
    drawn = draw(lambda ax: ax.set_title("accuracy"))
    assert re.search(r"<text[^>]*>accuracy</text>", drawn)
    assert re.search(r'font-size="10(px)?"', drawn)


def test_same_figure_same_bytes():
    assert draw(lambda ax: ax.bar("abc", [1, 2, 3])) == draw(lambda ax: ax.bar("abc", [1, 2, 3]))


def test_ids_are_those_referred_to_and_start_with_the_name():
    root = parsed(draw(lambda ax: ax.plot([1, 2], marker="o")))
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert ids
    assert len(set(ids)) == len(ids)
    assert all(i.startswith("paper-quick-figure-") for i in ids)


def test_nothing_but_listed_elements_and_attributes():
    drawn = draw(lambda ax: ax.imshow(np.eye(4)))
    names = {e.tag.rpartition("}")[2] for e in parsed(drawn).iter()}
    assert names <= {*drawing._ELEMENTS}
    assert "style" not in drawn
    assert 'href="data:image/png;base64,' in drawn


def test_labels_are_escaped_and_addresses_dropped():
    def plot(ax):
        ax.set_title("<script>alert(1)</script>")
        ax.scatter([1, 2], [1, 2]).set_urls(["javascript:alert(1)", "https://example.org"])

    drawn = draw(plot)
    assert "<script" not in drawn
    assert "javascript:" not in drawn
    assert "example.org" not in drawn


def test_a_large_figure_becomes_a_picture_with_text_around_it():
    points = np.random.default_rng(0).normal(size=(20_000, 2))
    drawn = draw(lambda ax: (ax.scatter(*points.T), ax.set_title("many points")))
    assert len(drawn) < drawing.LARGEST
    assert "<image" in drawn
    assert ">many points</text>" in drawn


def test_standalone_has_fixed_colours():
    alone = drawing.standalone(draw(lambda ax: ax.plot([1, 2])))
    assert "var(" not in alone
    assert 'stroke="#0a66b7"' in alone
    parsed(alone)


def test_the_readers_own_settings_do_not_matter():
    import matplotlib as mpl

    usual = draw(lambda ax: ax.plot([1, 2]))
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        assert draw(lambda ax: ax.plot([1, 2])) == usual
        assert mpl.rcParams["font.size"] == 30


@pytest.mark.parametrize("colour", drawing.SERIES)
def test_series_are_legible_on_white(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    assert 1.05 / (luminance + 0.05) >= 4.5


@pytest.mark.parametrize(
    ("font", "size", "slant", "weight"),
    [
        ("10px 'DejaVu Sans', sans-serif", "10", None, None),
        ("italic 9.5px 'DejaVu Sans'", "9.5", "italic", None),
        ("oblique 700 12px 'DejaVu Sans'", "12", "oblique", "700"),
    ],
)
def test_font_shorthand_becomes_attributes(font, size, slant, weight):
    given = drawing._attributes({"style": f"font: {font}; text-anchor: middle"}, "p-")
    assert given.pop("text-anchor") == "middle"
    expected = {"font-size": size, "font-style": slant, "font-weight": weight}
    assert given == {name: value for name, value in expected.items() if value}
