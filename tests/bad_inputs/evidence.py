"""Malformed records of the evidence contract."""

import dataclasses
import math
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from provenn.evidence import (
    Ablation,
    All,
    Claim,
    Competitor,
    Cost,
    Deviation,
    Greater,
    Identity,
    Less,
    Metrics,
    Near,
    Page,
    Paper,
    Ratio,
    Slope,
    Sound,
)
from provenn.evidence.claims import PRESETS
from tests.bad_inputs.case import BadCase

GOOD: dict[type, dict[str, Any]] = {
    Paper: {
        "slug": "phnn",
        "title": "A title",
        "authors": ("Given Family",),
        "arxiv": "2110.04176",
        "year": 2022,
        "venue": "A journal",
        "summary": "A summary.",
        "room": "nn",
    },
    Claim: {
        "id": "c1-parameters",
        "says": "Fewer parameters.",
        "reported": "1/n",
        "where": "Table 1",
        "relation": Less("a.parameters", "b.parameters"),
        "margin_source": "the paper's gap",
        "presets": ("quick",),
    },
    Deviation: {"aspect": "epochs", "paper": "200", "ours": "20", "why": "time"},
    Ablation: {"name": "no-algebra", "says": "Removed.", "overrides": {}, "breaks": ("c1",)},
    Cost: {},
    Competitor: {"name": "phc-n2", "label": "PHC", "role": "method", "quality": {}},
    Metrics: {},
    Greater: {"a": "x.accuracy", "b": "y.accuracy", "margin": 0.0},
    Less: {"a": "x.accuracy", "b": "y.accuracy", "margin": 0.0},
    Ratio: {"a": "x.accuracy", "b": "y.accuracy", "at_least": 1.0},
    Near: {"a": "x.accuracy", "value": 1.0, "tol": 0.1},
    Identity: {"error": "max_error", "tol": 1e-9},
    Sound: {"lower": "lower", "upper": "upper", "rtol": 1e-6},
    Slope: {"n": "sizes", "cost": "seconds", "at_most": 1.0},
}
CONFIG = dataclasses.make_dataclass("Config", [("epochs", int, 1)], frozen=True)
GOOD[Page] = {
    "paper": Paper(**GOOD[Paper]),
    "config_type": CONFIG,
    "presets": dict.fromkeys(("quick", "laptop", "full"), CONFIG()),
    "seeds": {"quick": 3, "laptop": 5, "full": 5},
    "claims": (Claim(**GOOD[Claim]),),
    "trial": lambda config, seed, ctx: Metrics(),
    "figures": lambda trials: {},
    "path": Path(__file__),
    "module": __name__,
}
"""Arguments that each record accepts; a case changes one of them."""


def bad(
    record: type, argument: str, value: object, error: type[Exception], given: str, accepted: str
) -> BadCase:
    """The record with one malformed argument."""
    arguments = {**GOOD[record], argument: value}
    return BadCase(
        f"{argument}={value!r}", lambda: record(**arguments), error, (argument, given, accepted)
    )


def bad_metric(record: type, argument: str) -> list[BadCase]:
    """Malformed names of metrics."""
    return [
        bad(record, argument, None, TypeError, "None", "name of a metric"),
        bad(record, argument, "Two Words", ValueError, "'Two Words'", "lower-case letters"),
        bad(record, argument, "", ValueError, "''", "lower-case letters"),
    ]


def bad_number(record: type, argument: str, accepted: str) -> list[BadCase]:
    """Malformed numbers."""
    return [
        bad(record, argument, [], TypeError, "[]", "Real"),
        bad(record, argument, math.nan, ValueError, "nan", accepted),
        bad(record, argument, math.inf, ValueError, "inf", accepted),
    ]


def comparison(record: type) -> list[BadCase]:
    """Malformed ``a > b + margin``."""
    return [
        *bad_metric(record, "a"),
        *bad_metric(record, "b")[1:],
        *bad_number(record, "b", "finite"),
        *bad_number(record, "margin", "finite"),
        bad(record, "margin", "0.1", TypeError, "'0.1'", "Real"),
    ]


def limits(record: type, first: str, second: str) -> list[BadCase]:
    """Malformed ``at_least <= f(first, second) <= at_most``."""
    neither = {first: "a", second: "b"}
    crossed = {**neither, "at_least": 2.0, "at_most": 1.0}
    return [
        *bad_metric(record, first),
        *bad_metric(record, second),
        *bad_number(record, "at_least", "finite"),
        *bad_number(record, "at_most", "finite"),
        BadCase(
            "no limit",
            lambda: record(**neither),
            ValueError,
            ("at_least", "neither", "at_most or both"),
        ),
        BadCase(
            "limits the wrong way round",
            lambda: record(**crossed),
            ValueError,
            ("at_least", "2.0 and 1.0", "must not exceed"),
        ),
    ]


def module_without(name: str) -> BadCase:
    """A page module that lacks a declaration."""
    module = ModuleType("lacking")
    for declared in ("PAPER", "Config", "PRESETS", "SEEDS", "CLAIMS", "trial", "figures"):
        if declared != name:
            setattr(module, declared, None)
    return BadCase(
        f"no {name}",
        partial(Page.from_module, module),
        ValueError,
        ("page lacking", name, "must declare"),
    )


def bad_call(call: Any, says: str, error: type[Exception], *words: str) -> BadCase:
    """A malformed call of a method."""
    return BadCase(says, call, error, words)  # type: ignore[arg-type]


PAGE = Page(**GOOD[Page])

CASES = {
    "provenn.evidence.Greater": comparison(Greater),
    "provenn.evidence.Less": comparison(Less),
    "provenn.evidence.Ratio": limits(Ratio, "a", "b"),
    "provenn.evidence.Slope": limits(Slope, "n", "cost"),
    "provenn.evidence.Near": [
        *bad_metric(Near, "a"),
        *bad_number(Near, "value", "finite"),
        *bad_number(Near, "tol", "positive"),
        bad(Near, "tol", 0, ValueError, "0", "positive"),
    ],
    "provenn.evidence.Identity": [
        *bad_metric(Identity, "error"),
        *bad_number(Identity, "tol", "positive"),
        bad(Identity, "tol", -1.0, ValueError, "-1.0", "positive"),
        bad(Identity, "tol", True, TypeError, "True", "Real"),
    ],
    "provenn.evidence.Sound": [
        *bad_metric(Sound, "lower"),
        *bad_metric(Sound, "upper"),
        *bad_number(Sound, "rtol", "positive"),
    ],
    "provenn.evidence.All": [
        BadCase("nothing", All, ValueError, ("relations", "none", "at least one relation")),
        *(
            BadCase(
                f"{wrong!r} as its part",
                lambda wrong=wrong: All(Identity("max_error", 1.0), wrong),
                TypeError,
                ("relations[1]", given, "Relation"),
            )
            for wrong, given in (
                (None, "None"),
                ("a > b", "'a > b'"),
                (1.0, "1.0"),
                (True, "True"),
                ([Identity("max_error", 1.0)], "[Identity("),
                ({"type": "Near"}, "{'type': 'Near'}"),
                (Identity, "<class"),
            )
        ),
    ],
    "provenn.evidence.Cost": [
        bad(Cost, "parameters", "10", TypeError, "'10'", "Real"),
        bad(Cost, "parameters", -1, ValueError, "-1", "must not be negative"),
        bad(Cost, "flops", None, TypeError, "None", "Real"),
        bad(Cost, "flops", -0.5, ValueError, "-0.5", "must not be negative"),
        bad(Cost, "wall_s", [1.0], TypeError, "[1.0]", "Real"),
        bad(Cost, "wall_s", -1.0, ValueError, "-1.0", "must not be negative"),
        bad(Cost, "peak_bytes", True, TypeError, "True", "Real"),
        bad(Cost, "tuning_trials", 0, ValueError, "0", "at least 1"),
        bad(Cost, "tuning_trials", 1.5, TypeError, "1.5", "int"),
    ],
    "provenn.evidence.Competitor": [
        bad(Competitor, "name", "PHC n2", ValueError, "'PHC n2'", "lower-case letters"),
        bad(Competitor, "name", 3, TypeError, "3", "identifier"),
        bad(Competitor, "label", "", ValueError, "''", "not empty"),
        bad(Competitor, "label", None, TypeError, "None", "str"),
        bad(Competitor, "role", "rival", ValueError, "'rival'", "method, peer"),
        bad(Competitor, "quality", [1.0], TypeError, "[1.0]", "Mapping"),
        bad(Competitor, "quality", {"accuracy": "98"}, TypeError, "'98'", "Real"),
        bad(Competitor, "quality", {"a.b": 1.0}, ValueError, "'a.b'", "must not use a dot"),
        bad(Competitor, "quality", {"flops": 1.0}, ValueError, "'flops'", "must not use"),
        bad(Competitor, "cost", 3.0, TypeError, "3.0", "Cost"),
        bad(Competitor, "package", None, TypeError, "None", "str"),
    ],
    "provenn.evidence.Metrics": [
        bad(Metrics, "values", [1.0], TypeError, "[1.0]", "Mapping"),
        bad(Metrics, "values", {"error": "small"}, TypeError, "'small'", "Real"),
        bad(Metrics, "values", {3: 1.0}, TypeError, "3", "str"),
        bad(Metrics, "timings", None, TypeError, "None", "Mapping"),
        bad(Metrics, "timings", {"s": np.ones(2)}, TypeError, "array([1., 1.])", "Real"),
        bad(Metrics, "series", [1.0, 2.0], TypeError, "[1.0, 2.0]", "Mapping"),
        bad(Metrics, "series", {"loss": ["a"]}, TypeError, "['a']", "array of numbers"),
        bad(Metrics, "series", {"loss": [[1], [1, 2]]}, TypeError, "[[1], [1, 2]]", "array"),
        bad(Metrics, "competitors", ("phc",), TypeError, "'phc'", "Competitor"),
        bad(Metrics, "competitors", "phc", TypeError, "'phc'", "sequence of Competitor"),
        bad(
            Metrics,
            "competitors",
            (Competitor(**GOOD[Competitor]),) * 2,
            ValueError,
            "['phc-n2', 'phc-n2']",
            "different names",
        ),
    ],
    "provenn.evidence.Paper": [
        bad(Paper, "slug", "../x", ValueError, "'../x'", "lower-case letters"),
        bad(Paper, "slug", 3, TypeError, "3", "identifier"),
        bad(Paper, "room", "", ValueError, "''", "lower-case letters"),
        bad(Paper, "title", None, TypeError, "None", "str"),
        bad(Paper, "title", " ", ValueError, "' '", "not empty"),
        bad(Paper, "authors", "Given Family", TypeError, "'Given Family'", "sequence of str"),
        bad(Paper, "authors", ("",), ValueError, "''", "not empty"),
        bad(Paper, "authors", (3,), TypeError, "3", "str"),
        bad(Paper, "arxiv", "cs/9901002", ValueError, "'cs/9901002'", "2110.04176"),
        bad(Paper, "arxiv", 2110.04176, TypeError, "2110.04176", "str"),
        bad(Paper, "year", "2022", TypeError, "'2022'", "int"),
        bad(Paper, "year", 22, ValueError, "22", "at least 1900"),
        bad(Paper, "doi", None, TypeError, "None", "str"),
    ],
    "provenn.evidence.Claim": [
        bad(Claim, "id", "C1 parameters", ValueError, "'C1 parameters'", "lower-case letters"),
        bad(Claim, "says", "", ValueError, "''", "not empty"),
        bad(Claim, "reported", 0.25, TypeError, "0.25", "str"),
        bad(Claim, "relation", "a < b", TypeError, "'a < b'", "Relation or None"),
        bad(Claim, "peer_check", 1, TypeError, "1", "Relation or None"),
        bad(Claim, "reported_effect", "1/4", TypeError, "'1/4'", "Real or None"),
        bad(Claim, "presets", "quick", TypeError, "'quick'", "sequence of str"),
        bad(Claim, "presets", ("quikc",), ValueError, "'quikc'", "did you mean 'quick'"),
        bad(Claim, "peers", "real", TypeError, "'real'", "sequence of str"),
        bad(Claim, "version", 0, ValueError, "0", "at least 1"),
        bad(Claim, "filled_at", 2.5, TypeError, "2.5", "int"),
        bad(Claim, "unjudged", None, TypeError, "None", "str"),
    ],
    "provenn.evidence.Deviation": [
        bad(Deviation, "aspect", "", ValueError, "''", "not empty"),
        bad(Deviation, "aspect", 3, TypeError, "3", "str"),
        bad(Deviation, "paper", 200, TypeError, "200", "str"),
        bad(Deviation, "ours", 20, TypeError, "20", "str"),
        bad(Deviation, "ours", " ", ValueError, "' '", "not empty"),
        bad(Deviation, "why", None, TypeError, "None", "str"),
        bad(Deviation, "presets", "full", TypeError, "'full'", "sequence of str"),
        bad(Deviation, "presets", ("fulll",), ValueError, "'fulll'", "did you mean 'full'"),
    ],
    "provenn.evidence.Ablation": [
        bad(Ablation, "name", "No algebra", ValueError, "'No algebra'", "lower-case letters"),
        bad(Ablation, "name", None, TypeError, "None", "identifier"),
        bad(Ablation, "says", "", ValueError, "''", "not empty"),
        bad(Ablation, "says", 1, TypeError, "1", "str"),
        bad(Ablation, "overrides", [], TypeError, "[]", "dict"),
        bad(Ablation, "overrides", None, TypeError, "None", "dict"),
        bad(Ablation, "breaks", "c1", TypeError, "'c1'", "sequence of str"),
        bad(Ablation, "breaks", (1,), TypeError, "1", "str"),
        bad(Ablation, "breaks", (), ValueError, "()", "at least one"),
    ],
    "provenn.evidence.Page": [
        bad(Page, "paper", None, TypeError, "None", "Paper"),
        bad(Page, "config_type", CONFIG(), TypeError, "Config(epochs=1)", "type"),
        BadCase(
            "a config that is no dataclass",
            partial(Page, **{**GOOD[Page], "config_type": dict}),
            ValueError,
            ("Config", "tests.bad_inputs.evidence", "frozen dataclass"),
        ),
        bad(Page, "presets", [CONFIG()], TypeError, "[Config(epochs=1)]", "Mapping"),
        bad(Page, "presets", dict.fromkeys(PRESETS, 3), TypeError, "3", "Config"),
        BadCase(
            "presets without full",
            partial(Page, **{**GOOD[Page], "presets": {"quick": CONFIG(), "laptop": CONFIG()}}),
            ValueError,
            ("PRESETS", "['quick', 'laptop']", "must have the keys"),
        ),
        bad(Page, "seeds", 3, TypeError, "3", "Mapping"),
        bad(Page, "seeds", dict.fromkeys(PRESETS, 0), ValueError, "0", "at least 1"),
        bad(Page, "seeds", dict.fromkeys(PRESETS, 1.5), TypeError, "1.5", "int"),
        bad(Page, "claims", "c1", TypeError, "'c1'", "sequence of Claim"),
        bad(Page, "claims", ("c1",), TypeError, "'c1'", "Claim"),
        BadCase(
            "no claims",
            partial(Page, **{**GOOD[Page], "claims": ()}),
            ValueError,
            ("CLAIMS", "[]", "non-empty with different ids"),
        ),
        bad(Page, "trial", None, TypeError, "None", "function"),
        bad(Page, "figures", {}, TypeError, "{}", "function"),
        bad(Page, "path", "page.py", TypeError, "'page.py'", "Path"),
        bad(Page, "module", None, TypeError, "None", "str"),
        bad(Page, "deviations", ("epochs",), TypeError, "'epochs'", "Deviation"),
        bad(Page, "ablations", ("no-algebra",), TypeError, "'no-algebra'", "Ablation"),
        bad(Page, "example", None, TypeError, "None", "str"),
        bad(Page, "captions", "curves", TypeError, "'curves'", "Mapping"),
    ],
    "provenn.evidence.Page.from_module": [
        bad_call(lambda: Page.from_module(None), "None", TypeError, "module", "None", "module"),
        bad_call(lambda: Page.from_module("m"), "a name", TypeError, "module", "'m'", "module"),
        *map(module_without, ("PAPER", "Config", "PRESETS", "SEEDS", "CLAIMS", "trial", "figures")),
    ],
    "provenn.evidence.Page.config": [
        *(
            bad_call(
                partial(PAGE.config, preset), repr(preset), error, "preset", repr(preset), accepted
            )
            for preset, error, accepted in (
                ("quikc", ValueError, "did you mean 'quick'"),
                ("", ValueError, "accepted: full, laptop, quick"),
                (None, TypeError, "str"),
                (3, TypeError, "str"),
            )
        ),
        *(
            bad_call(
                partial(PAGE.config, "quick", overrides),
                repr(overrides),
                error,
                word,
                given,
                accepted,
            )
            for overrides, error, word, given, accepted in (
                ({"epoch": 2}, ValueError, "config of phnn", "'epoch'", "did you mean 'epochs'"),
                ({"": 2}, ValueError, "config of phnn", "''", "accepted: epochs"),
                ({3: 2}, TypeError, "each key of overrides", "3", "str"),
                (["epochs"], TypeError, "overrides", "['epochs']", "Mapping or None"),
            )
        ),
    ],
    "provenn.evidence.Page.claim": [
        bad_call(partial(PAGE.claim, wrong), repr(wrong), error, word, repr(wrong), accepted)
        for wrong, error, word, accepted in (
            ("c1-parameter", ValueError, "claim", "did you mean 'c1-parameters'"),
            ("", ValueError, "claim", "accepted: c1-parameters"),
            ("C1-PARAMETERS", ValueError, "claim", "accepted: c1-parameters"),
            (None, TypeError, "claim_id", "str"),
            (1, TypeError, "claim_id", "str"),
            (1.5, TypeError, "claim_id", "str"),
            (b"c1", TypeError, "claim_id", "str"),
            (["c1-parameters"], TypeError, "claim_id", "str"),
        )
    ],
}
