import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from provenn.report import drawing


def parsed(drawn):
    return ElementTree.fromstring(drawn)  # noqa: S314 (drawn here)


def draw(plot):
    with drawing.house_style():
        figure = Figure()
        plot(figure.subplots())
        return drawing.svg(figure)


def themes(drawn):
    """Rules of classes, and what changes of them where dark is preferred."""
    light, _, dark = drawn.partition("<style>")[2].partition("</style>")[0].partition("@media")
    return [dict(re.findall(r"\.(c\d+)\{([^}]*)\}", rules)) for rules in (light, dark)]


def test_colours_of_the_style_have_a_dark_form():
    light, dark = themes(draw(lambda ax: ax.plot([1, 2], label="a line")))
    line = next(name for name, rule in light.items() if rule.startswith("fill:none;stroke:#0a66b7"))
    assert dark[line] == "stroke:#6db3f2"
    for name, rule in light.items():
        own = set(re.findall(r"#[0-9a-f]{6}", rule))
        assert len(re.findall("#", dark.get(name, ""))) == rule.count("#"), (rule, own)


def test_superscripts_of_ticks_have_a_dark_form():
    drawn = draw(lambda ax: ax.loglog([1, 1000], [1, 1000]))
    light, dark = themes(drawn)
    marks = re.findall(r'<tspan[^>]*class="(c\d+)"', drawn)
    assert marks
    assert all(drawing.MUTED in light[m] and "#a6abb6" in dark[m] for m in marks)


def test_every_colour_of_the_style_is_one_of_the_gallerys():
    css = drawing._CSS.read_text(encoding="utf-8")
    themed = dict(drawing._THEMED.findall(css))
    assert {drawing.INK, drawing.MUTED, drawing.GRID, *drawing.SERIES} < themed.keys()


def test_text_stays_text():
    drawn = draw(lambda ax: ax.set_title("accuracy"))
    name = re.search(r'<text[^>]*class="(c\d+)"[^>]*>accuracy</text>', drawn)[1]
    assert "font-size:10px" in themes(drawn)[0][name]


def test_same_figure_same_bytes():
    assert draw(lambda ax: ax.bar("abc", [1, 2, 3])) == draw(lambda ax: ax.bar("abc", [1, 2, 3]))


def test_ids_are_those_referred_to():
    drawn = draw(lambda ax: ax.plot([1, 2], marker="o"))
    ids = [e.get("id") for e in parsed(drawn).iter() if e.get("id")]
    assert ids
    assert len(set(ids)) == len(ids)
    assert set(ids) == set(re.findall(r'(?:href="|url\()#(\w+)', drawn))


def test_nothing_but_listed_elements_and_attributes():
    drawn = draw(lambda ax: ax.imshow(np.eye(4)))
    names = {e.tag.rpartition("}")[2] for e in parsed(drawn).iter()}
    assert names <= {*drawing._ELEMENTS, "style"}
    assert "style=" not in drawn
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


def points(path):
    """Absolute points of a path of relative moves, lines and curves."""
    here, found = (0.0, 0.0), []
    for command, numbers in re.findall(r"([a-z])([^a-z]*)", path):
        values = [float(v) for v in re.findall(r"-?[\d.]+", numbers)]
        pairs = list(zip(values[::2], values[1::2], strict=True))
        assert len(pairs) == {"m": 1, "l": 1, "q": 2, "c": 3, "z": 0}[command]
        found += [(here[0] + x, here[1] + y) for x, y in pairs]
        here = found[-1]
    return found


@given(
    st.lists(
        st.tuples(
            st.sampled_from("LQC"), st.lists(st.floats(-1e3, 1e3, width=32), min_size=6, max_size=6)
        ),
        max_size=20,
    )
)
def test_relative_paths_go_where_the_absolute_ones_went(segments):
    sizes = {"L": 2, "Q": 4, "C": 6}
    parts = [(command, numbers[: sizes[command]]) for command, numbers in segments]
    absolute = "M 1.005 -2.5 " + " ".join(f"{c} {' '.join(map(repr, n))}" for c, n in parts)
    wanted = [1.005, -2.5, *(value for _, numbers in parts for value in numbers)]
    got = np.ravel(points(drawing._relative(absolute)))
    np.testing.assert_allclose(got, wanted, atol=0.0051)


def test_a_closed_path_goes_on_from_where_it_began():
    assert drawing._relative("M 1 1 L 3 1 L 3 3 z L 1 5") == "m1 1l2 0l0 2zl0 4"
    assert drawing._relative("M 0 0 L 1e-05 2.5e+00") == "m0 0l0 2.5"


def test_groups_pass_on_what_they_say():
    group = ElementTree.fromstring(  # noqa: S314 (written here)
        '<svg><g fill="none" stroke="#0a66b7"><g stroke="#ffffff"><path d=""/></g><path d=""/></g>'
        '<g opacity="0.5"><path d=""/></g></svg>'
    )
    classes = {}
    drawing._flatten(group, {}, classes)
    assert classes == {"fill:none;stroke:#ffffff": "c0", "fill:none;stroke:#0a66b7": "c1"}
    assert [child.tag for child in group] == ["path", "path", "g"]
    assert [child.get("class") for child in group] == ["c0", "c1", None]


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
    found = drawing._attributes({"style": f"font: {font}; text-anchor: middle"})
    assert found.pop("text-anchor") == "middle"
    expected = {"font-size": f"{size}px", "font-style": slant, "font-weight": weight}
    assert found == {name: value for name, value in expected.items() if value}
