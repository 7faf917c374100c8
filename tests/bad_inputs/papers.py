"""Malformed slugs of papers."""

import math
from functools import partial

from provenn.papers import load
from tests.bad_inputs.case import BadCase

CASES = {
    "provenn.papers.load": [
        *(
            BadCase(
                f"{slug!r}", partial(load, slug), ValueError, ("paper", repr(slug), "accepted: ")
            )
            for slug in ("", "phn", "PHNN", "../phnn", "provenn.papers.phnn")
        ),
        *(
            BadCase(f"{slug!r}", partial(load, slug), TypeError, ("slug", repr(slug), "string"))
            for slug in (None, 3, math.nan, b"phnn", ["phnn"], {"phnn"}, True)
        ),
    ],
}
