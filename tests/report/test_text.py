import html
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenn.report import text
from provenn.report.text import MINUS, MISSING, TIMES


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (0.0421, "0.0421"),
        (-0.5, f"{MINUS}0.5"),
        (12345.6, "12,300"),
        (0.99996, "1"),
        (9.999, "10"),
        (1.25e-9, f"1.25 {TIMES} 10⁻⁹"),
        (3e8, f"3 {TIMES} 10⁸"),
        (math.nan, MISSING),
        (-math.inf, f"{MINUS}∞"),
    ],
)
def test_number(value, shown):
    assert text.number(value) == shown


@given(st.floats(-1e300, 1e300))
def test_number_is_the_value_to_three_digits(value):
    shown = text.number(value).replace(",", "").replace(MINUS, "-")
    mantissa, _, exponent = shown.partition(f" {TIMES} 10")
    power = int(exponent.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0)
    assert float(f"{mantissa}e{power}") == pytest.approx(value, rel=5.1e-3, abs=0)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([], MISSING),
        ([0.5], "0.5"),
        ([0.98, 0.97, 0.99], "0.980 ± 0.010"),
        ([2, 2, 2], "2"),
        ([math.nan, 0.98, 0.97, 0.99], "0.980 ± 0.010"),
        ([1000, 3000], "2,000 ± 1,400"),
        ([1e-9, 3e-9], f"2 {TIMES} 10⁻⁹ ± 1.4 {TIMES} 10⁻⁹"),
        ([-1.0, -1.2], f"{MINUS}1.10 ± 0.14"),
    ],
)
def test_spread(values, shown):
    assert text.spread(values) == shown


@pytest.mark.parametrize(
    ("function", "value", "shown"),
    [
        (text.count, 8690, "8,690"),
        (text.count, 10_877_062, "10.9 M"),
        (text.count, 2.5e12, "2.5 T"),
        (text.count, math.nan, MISSING),
        (text.seconds, 0.34, "340 ms"),
        (text.seconds, 12.34, "12.3 s"),
        (text.seconds, 246, "4.1 min"),
        (text.seconds, 7200, "2 h"),
        (text.seconds, math.nan, MISSING),
        (text.memory, math.inf, "∞"),
        (text.memory, 1.5 * 2**20, "1.5 MiB"),
        (text.memory, 12, "12 B"),
    ],
)
def test_sizes(function, value, shown):
    assert function(value) == shown


def test_clip_says_how_much_is_left_out():
    assert text.clip("a" * 3000, 10) == "aaaaaaaaaa… (2,990 more characters)"
    assert text.clip("short") == "short"


def test_clip_leaves_no_control_or_direction_characters():
    assert text.clip("a\x00b\u202ec\ud800d\ne") == "a\ufffdb\ufffdc\ufffdd\ne"


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "http://example.org",
        "https://",
        "data:text/html,x",
        'https://a.b/" onclick="x',
        "https://[",
        "//example.org",
        " https://example.org",
    ],
)
def test_only_https_addresses_become_links(address):
    assert text.web_address(address) == ""


def test_an_https_address_stays():
    assert text.web_address("https://github.com/a/b") == "https://github.com/a/b"


@given(st.text(max_size=200))
def test_highlight_shows_the_code_and_nothing_else(code):
    shown = re.sub(r"</?span[^>]*>", "", text.highlight(code))
    assert html.unescape(shown) == text.clip(code)


def test_highlight_marks_tokens():
    shown = text.highlight('import os  # why\nx = "<b>" + 1\n')
    assert '<span class="code-keyword">import</span> os' in shown
    assert '<span class="code-comment"># why</span>' in shown
    assert '<span class="code-string">&#34;&lt;b&gt;&#34;</span>' in shown
    assert '<span class="code-number">1</span>' in shown
