"""Malformed calls of the gallery's builder."""

import tempfile
from functools import partial
from pathlib import Path

from provenn.evidence.store import Store
from provenn.papers import load
from provenn.report import build
from tests.bad_inputs.case import BadCase


def bad(argument: str, value: object, given: str, accepted: str) -> BadCase:
    """A gallery in a folder of its own, with one malformed argument."""
    good = {"pages": [], "stores": [], "out": Path(tempfile.gettempdir(), "never-written")}
    return BadCase(
        f"{argument}={value!r}",
        partial(build, **{**good, argument: value}),
        TypeError,
        (argument, given, accepted),
    )


def twice() -> None:
    build([load("phnn")] * 2, [], Path(tempfile.gettempdir(), "never-written"))


def over_other_files() -> None:
    build([], [], Path(__file__).parent)


CASES = {
    "provenn.report.build": [
        bad("pages", None, "None", "sequence of Page"),
        bad("pages", "phnn", "'phnn'", "sequence of Page"),
        bad("pages", ["phnn"], "'phnn'", "Page"),
        bad("pages", {"phnn"}, "{'phnn'}", "sequence of Page"),
        bad("stores", None, "None", "sequence of Store"),
        bad("stores", "store", "'store'", "sequence of Store"),
        bad("stores", [Path("store")], "PosixPath('store')", "Store"),
        bad("stores", Store("store"), "Store(", "sequence of Store"),
        bad("out", None, "None", "Path"),
        bad("out", "gallery", "'gallery'", "Path"),
        bad("out", 3, "3", "Path"),
        BadCase("the same page twice", twice, ValueError, ("pages", "'phnn', 'phnn'", "different")),
        BadCase(
            "a folder with other files",
            over_other_files,
            ValueError,
            ("out", "bad_inputs has files", "new or empty directory or a gallery"),
        ),
    ],
}
