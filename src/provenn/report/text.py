"""Numbers, links and code as the gallery prints them: bounded, and the same on every machine."""

import io
import keyword
import math
import token
import tokenize
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import accumulate
from urllib.parse import quote, urlsplit

import numpy as np
from markupsafe import Markup, escape

LIMIT = 2_000
"""Characters of one piece of text that a page shows."""

MISSING = "–"  # noqa: RUF001 (an en dash, as tables use it)
MINUS = "−"  # noqa: RUF001 (a minus sign is as wide as a digit)
TIMES = "×"  # noqa: RUF001 (a multiplication sign)

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SI = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_BINARY = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
_SHOWN_CONTROLS = "\n\t"


def clip(text: str, limit: int = LIMIT) -> str:
    """``text`` without control and direction-changing characters, cut after ``limit``."""
    shown = "".join(
        c if c in _SHOWN_CONTROLS or unicodedata.category(c) not in ("Cc", "Cf", "Cs") else "\ufffd"
        for c in text[:limit]
    )
    return shown if len(text) <= limit else f"{shown}… ({len(text) - limit:,} more characters)"


def number(value: float, digits: int = 3) -> str:
    """``value`` with ``digits`` significant digits: ``12,300``, ``0.0421``, ``1.2 × 10⁻⁹``."""
    if math.isnan(value):
        return MISSING
    sign = MINUS if value < 0 else ""
    size = abs(value)
    if math.isinf(size):
        return f"{sign}∞"
    mantissa, _, exponent = f"{size:.{digits - 1}e}".partition("e")
    power = int(exponent)
    if size == 0 or -4 <= power < 7:
        return sign + _trim(f"{float(f'{size:.{digits}g}'):,.{max(digits - 1 - power, 0)}f}")
    return f"{sign}{_trim(mantissa)} {TIMES} 10{str(power).translate(_SUPERSCRIPTS)}"


def interval(low: float, high: float) -> str:
    """``[low, high]``."""
    return f"[{number(low)}, {number(high)}]"


def spread(values: Sequence[float]) -> str:
    """Mean ± standard deviation, to the second digit of the deviation."""
    sample = np.asarray([v for v in values if math.isfinite(v)])
    if sample.size == 0:
        return MISSING
    mean, sd = float(sample.mean()), float(sample.std(ddof=1)) if sample.size > 1 else 0.0
    if sample.size == 1 or sd <= 1e-12 * abs(mean):
        return number(mean, 4)
    places = 1 - math.floor(math.log10(sd))
    if not 0 <= places <= 6 or abs(mean) >= 1e7:
        return f"{number(mean)} ± {number(sd, 2)}"
    return f"{mean:,.{places}f} ± {sd:.{places}f}".replace("-", MINUS)


def count(value: float) -> str:
    """A number of things: ``16,452``, ``2.74 M``."""
    if not math.isfinite(value):
        return number(value)
    for size, unit in _SI[:-1]:
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:,.0f}"


def seconds(value: float) -> str:
    """A duration: ``340 ms``, ``12.3 s``, ``4.1 min``, ``2.0 h``."""
    if not math.isfinite(value):
        return number(value)
    if value < 1:
        return f"{value * 1000:.3g} ms"
    if value < 120:
        return f"{value:.3g} s"
    return f"{value / 60:.3g} min" if value < 7200 else f"{value / 3600:.3g} h"


def memory(value: float) -> str:
    """A size in bytes: ``1.5 MiB``."""
    if not math.isfinite(value):
        return number(value)
    for size, unit in _BINARY:
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f} B"


def plural(n: int, singular: str) -> str:
    """``1 seed``, ``3 seeds``."""
    return f"{n:,} {singular}{'' if n == 1 else 's'}"


def web_address(text: str) -> str:
    """``text`` if it is an https address that may become a link, else nothing."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    plain = text.isascii() and text.isprintable() and not set(text) & set(" \"'<>\\`")
    return text if plain and parts.scheme == "https" and parts.netloc and len(text) < 500 else ""


def doi_address(doi: str) -> str:
    """Address that resolves ``doi``."""
    return f"https://doi.org/{quote(doi[:200], safe='/')}" if doi else ""


def highlight(code: str) -> Markup:
    """Python ``code`` with its comments, strings, numbers and keywords marked up."""
    code = clip(code)
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(code).readline))
    except (tokenize.TokenError, SyntaxError):
        return escape(code)
    return Markup("").join(_marked(code, tokens))


def _marked(code: str, tokens: list[tokenize.TokenInfo]) -> Iterator[Markup]:
    lengths = (len(line) + 1 for line in code.split("\n"))
    starts = [0, *accumulate(lengths)]
    done = 0
    for info in tokens:
        kind = _kind(info)
        start, end = (starts[row - 1] + column for row, column in (info.start, info.end))
        if kind and start >= done:
            yield escape(code[done:start])
            yield Markup('<span class="code-{}">{}</span>').format(kind, code[start:end])
            done = end
    yield escape(code[done:])


def _kind(info: tokenize.TokenInfo) -> str:
    if info.type == token.NAME and keyword.iskeyword(info.string):
        return "keyword"
    return {token.STRING: "string", token.NUMBER: "number", token.COMMENT: "comment"}.get(
        info.type, ""
    )


def _trim(digits: str) -> str:
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
