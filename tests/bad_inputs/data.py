"""Malformed calls of the door to data, and malformed records that it returns."""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from provenn.data import (
    DataError,
    Dataset,
    Info,
    Place,
    fetch,
    info,
    load,
    load_graph,
    names,
    where,
)
from tests.bad_inputs.case import BadCase

Wrong = tuple[Any, type[Exception], str, str]
"""A value, the error that answers it, and how the message says what was given and accepted."""


def bad(
    call: Callable[..., object], good: dict[str, Any], wrong: dict[str, list[Wrong]]
) -> list[BadCase]:
    """One case for each wrong value of each argument, the others being good."""
    return [
        BadCase(
            f"{argument}={value!r:.60}",
            partial(call, **{**good, argument: value}),
            error,
            (argument, given, accepted),
        )
        for argument, values in wrong.items()
        for value, error, given, accepted in values
    ]


def named(call: Callable[..., object], good: str) -> list[BadCase]:
    """Malformed names and roots of a function that takes both."""
    unknown = [
        BadCase(
            f"name={wrong!r}",
            partial(call, wrong),
            ValueError,
            ("data set", f"{wrong!r} is unknown", "accepted: "),
        )
        for wrong in ("", "mnits", "MNIST", "../mnist", "mnist ")
    ]
    return unknown + bad(call, {}, {"name": NAME}) + bad(call, {"name": good}, {"root": ROOT})


NAME: list[Wrong] = [
    (value, TypeError, type(value).__name__, "a string")
    for value in (None, 3, b"mnist", ["mnist"], math.nan, {"mnist"})
]
ROOT: list[Wrong] = [
    (3, TypeError, "int", "a path"),
    (["/data"], TypeError, "list", "a path"),
    (b"data", TypeError, "bytes", "a path"),
    ("", DataError, "''", "a folder of data sets"),
    ("no-such-folder", DataError, "'no-such-folder'", "a folder of data sets"),
    (Path(__file__), DataError, "data.py", "a folder of data sets"),
]
TEXT: list[Wrong] = [
    (None, TypeError, "None of type NoneType", "str"),
    (3, TypeError, "3 of type int", "str"),
]
TEXTS: list[Wrong] = [
    (None, TypeError, "None", "tuple of str"),
    ("ab", TypeError, "'ab'", "tuple of str"),
    ((1,), TypeError, "(1,)", "tuple of str"),
]
DATASET = {
    "name": "two-rows",
    "split": "train",
    "x": np.zeros((2, 3), np.float32),
    "y": np.zeros(2, np.int64),
    "classes": ("a", "b"),
    "features": ("f1", "f2", "f3"),
    "sha256": 64 * "0",
    "source": "here",
}
INFO = {
    "name": "two-rows",
    "title": "Two rows",
    "kind": "table",
    "shape": (3,),
    "classes": ("a", "b"),
    "splits": {"train": 2},
    "homepage": "https://example.org",
    "licence": "CC0",
}

CASES = {
    "provenn.data.names": bad(
        names,
        {},
        {
            "kind": [
                (value, ValueError, repr(value), "images, table, graph")
                for value in ("", "image", "Images", "tables", 3, 1.5, True, b"graph", ("graph",))
            ]
        },
    ),
    "provenn.data.info": [*named(info, "digits")[:5], *bad(info, {}, {"name": NAME})],
    "provenn.data.where": named(where, "mnist"),
    "provenn.data.fetch": named(fetch, "mnist"),
    "provenn.data.load": [
        *named(load, "mnist"),
        *bad(
            load,
            {"name": "digits"},
            {
                "split": [
                    (value, ValueError, repr(value), "train, test, all")
                    for value in ("", "validation", "Train", None, 0, b"test")
                ],
                "download": [(value, TypeError, repr(value), "bool") for value in (None, "no", 1)],
            },
        ),
        BadCase(
            "a graph",
            partial(load, "cora"),
            ValueError,
            ("'cora'", "is a graph", "use load_graph('cora')"),
        ),
    ],
    "provenn.data.load_graph": [
        *named(load_graph, "cora"),
        *bad(
            load_graph,
            {"name": "cora"},
            {
                "seed": [
                    (-1, ValueError, "-1", "0 or more"),
                    (1.0, TypeError, "float", "whole number"),
                    ("0", TypeError, "str", "whole number"),
                    (True, TypeError, "bool", "whole number"),
                ],
                "download": [(value, TypeError, repr(value), "bool") for value in (None, "no", 1)],
            },
        ),
        BadCase(
            "not a graph",
            partial(load_graph, "mnist"),
            ValueError,
            ("'mnist'", "is not a graph", "use load('mnist')"),
        ),
    ],
    "provenn.data.Dataset": bad(
        Dataset,
        DATASET,
        {
            "name": TEXT,
            "split": [*TEXT, ("validation", ValueError, "'validation'", "train, test, all")],
            "x": [
                (None, TypeError, "None", "ndarray"),
                ([[0.0] * 3] * 2, TypeError, "list", "ndarray"),
                (np.zeros((2, 3)), TypeError, "float64", "float32"),
                (np.zeros((3, 3), np.float32), ValueError, "(3, 3)", "n rows"),
                (np.zeros((), np.float32), ValueError, "()", "n rows"),
            ],
            "y": [
                ([0, 1], TypeError, "[0, 1]", "ndarray"),
                (np.zeros(2, np.int32), TypeError, "int32", "int64 or float64"),
                (np.zeros(3, np.int64), ValueError, "(3,)", "(n,)"),
                (np.zeros((2, 1), np.int64), ValueError, "(2, 1)", "(n,)"),
            ],
            "classes": TEXTS,
            "features": TEXTS,
            "sha256": [*TEXT, ("abc", ValueError, "'abc'", "64 hexadecimal digits")],
            "source": TEXT,
            "note": TEXT,
        },
    ),
    "provenn.data.Info": bad(
        Info,
        INFO,
        {
            "name": TEXT,
            "title": TEXT,
            "kind": [*TEXT, ("text", ValueError, "'text'", "'images', 'table', 'graph'")],
            "shape": [
                (3, TypeError, "3", "tuple"),
                ((), ValueError, "()", "positive integers"),
                ((0,), ValueError, "(0,)", "positive integers"),
                ((3.0,), ValueError, "(3.0,)", "positive integers"),
            ],
            "classes": TEXTS,
            "splits": [
                (("train", 2), TypeError, "('train', 2)", "Mapping"),
                ({}, ValueError, "()", "positive integers"),
                ({"train": -2}, ValueError, "(-2,)", "positive integers"),
            ],
            "homepage": TEXT,
            "licence": TEXT,
            "bundled": [("no", TypeError, "'no'", "bool"), (1, TypeError, "1", "bool")],
            "extra": [*TEXT, ("ray", ValueError, "'ray'", "'data', 'graph'")],
        },
    ),
    "provenn.data.Place": bad(
        Place,
        {"name": "digits", "found": True, "path": None, "says": "here"},
        {
            "name": TEXT,
            "found": [("yes", TypeError, "'yes'", "bool"), (None, TypeError, "None", "bool")],
            "path": [("here", TypeError, "'here'", "Path or None"), (3, TypeError, "3", "Path")],
            "says": TEXT,
        },
    ),
}
