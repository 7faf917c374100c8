"""Malformed calls of the conformance battery."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from provenn.testing import (
    Report,
    Subject,
    capability_matrix,
    check_module,
    iter_checks,
    parametrize,
)
from provenn.testing.outcome import Outcome
from tests.bad_inputs.case import BadCase

INPUTS = (torch.ones(5, 4),)
SHARED = nn.Linear(4, 3)
PASSED = Outcome("float64", "passed")


def linear() -> nn.Module:
    return nn.Linear(4, 3)


def report(*outcomes: Outcome) -> Report:
    return Report("Linear", outcomes)


def construction(make: Callable[..., Any]) -> list[BadCase]:
    """Malformed arguments that ``Subject`` and ``check_module`` have in common."""
    return [
        BadCase(
            "a module in place of its factory",
            lambda: make(nn.Linear(4, 3), INPUTS),
            TypeError,
            ("factory", "Linear(", "a new nn.Module"),
        ),
        BadCase(
            "a factory that needs arguments",
            lambda: make(nn.Linear, INPUTS),
            TypeError,
            ("factory", "in_features", "callable without arguments"),
        ),
        BadCase(
            "a factory of something else",
            lambda: make(lambda: torch.ones(2), INPUTS),
            TypeError,
            ("factory", "tensor([1., 1.])", "nn.Module"),
        ),
        BadCase(
            "a factory that returns one module for ever",
            lambda: make(lambda: SHARED, INPUTS),
            ValueError,
            ("factory", "the same one twice", "a new module each time"),
        ),
        BadCase(
            "a tensor in place of a tuple",
            lambda: make(linear, INPUTS[0]),
            TypeError,
            ("example_inputs", "tensor([[1.", "non-empty tuple of tensors"),
        ),
        BadCase(
            "no inputs",
            lambda: make(linear, ()),
            TypeError,
            ("example_inputs", "()", "non-empty tuple of tensors"),
        ),
        BadCase(
            "a list among the inputs",
            lambda: make(linear, ([1.0],)),
            TypeError,
            ("example_inputs[0]", "[1.0]", "tensor"),
        ),
        BadCase(
            "inputs in float64",
            lambda: make(linear, (INPUTS[0].double(),)),
            ValueError,
            ("example_inputs[0]", "torch.float64", "float32"),
        ),
        BadCase(
            "inputs on another device",
            lambda: make(linear, (INPUTS[0].to("meta"),)),
            ValueError,
            ("example_inputs[0]", "meta", "cpu"),
        ),
        BadCase(
            "NaN in the inputs",
            lambda: make(linear, (INPUTS[0] * torch.nan,)),
            ValueError,
            ("example_inputs[0]", "NaN", "finite"),
        ),
        BadCase(
            "an empty batch of inputs",
            lambda: make(linear, (torch.ones(0, 4),)),
            ValueError,
            ("example_inputs[0]", "(0, 4)", "not be empty"),
        ),
        BadCase(
            "one row only",
            lambda: make(linear, (torch.ones(1, 4),)),
            ValueError,
            ("example_inputs", "[1]", "at least 2"),
        ),
        BadCase(
            "a batch axis that there is not",
            lambda: make(linear, INPUTS, batch_dim=2),
            ValueError,
            ("batch_dim", "2", "less than the 2 axes"),
        ),
        BadCase(
            "a batch axis in words",
            lambda: make(linear, INPUTS, batch_dim=("first",)),
            TypeError,
            ("batch_dim", "'first'", "integer or None"),
        ),
        BadCase(
            "two batch axes for one input",
            lambda: make(linear, INPUTS, batch_dim=(0, 0)),
            ValueError,
            ("batch_dim", "2", "one for each of 1 inputs"),
        ),
        BadCase(
            "an expected failure without a reason",
            lambda: make(linear, INPUTS, expected_failures={"export": ""}),
            ValueError,
            ("expected_failures", "''", "a reason in words"),
        ),
        BadCase(
            "expected failures as a list",
            lambda: make(linear, INPUTS, expected_failures=["export"]),
            TypeError,
            ("expected_failures", "['export']", "map check names to reasons"),
        ),
        BadCase(
            "no steps",
            lambda: make(linear, INPUTS, steps=0),
            ValueError,
            ("steps", "0", "at least 2"),
        ),
        BadCase(
            "steps in words",
            lambda: make(linear, INPUTS, steps="many"),
            TypeError,
            ("steps", "'many'", "integer"),
        ),
        BadCase(
            "a negative seed",
            lambda: make(linear, INPUTS, seed=-1),
            ValueError,
            ("seed", "-1", "at least 0"),
        ),
        BadCase(
            "an unknown backend",
            lambda: make(linear, INPUTS, backend="inducter"),
            ValueError,
            ("backend", "'inducter'", "inductor"),
        ),
    ]


def choice(make: Callable[[Any], Any]) -> list[BadCase]:
    """Malformed choices of checks."""
    return [
        BadCase(
            "a single name in place of a list",
            lambda: make("export"),
            TypeError,
            ("checks", "'export'", "collection of check names"),
        ),
        BadCase(
            "a number in place of names",
            lambda: make(3),
            TypeError,
            ("checks", "3", "collection of check names"),
        ),
        BadCase(
            "a number among the names",
            lambda: make(["export", 3]),
            TypeError,
            ("checks", "3", "check names"),
        ),
        BadCase(
            "a misspelt check",
            lambda: make(["exprot"]),
            ValueError,
            ("checks", "'exprot'", "did you mean 'export'"),
        ),
        BadCase(
            "an unknown check",
            lambda: make(["zzz"]),
            ValueError,
            ("checks", "'zzz'", "accepted: state_dict_round_trip"),
        ),
    ]


CASES = {
    "provenn.testing.Subject": construction(Subject),
    "provenn.testing.check_module": [
        *construction(check_module),
        *choice(lambda checks: check_module(linear, INPUTS, checks=checks)),
        BadCase(
            "a misspelt expected failure",
            lambda: check_module(linear, INPUTS, expected_failures={"flaot64": "why"}),
            ValueError,
            ("expected_failures", "'flaot64'", "did you mean 'float64'"),
        ),
    ],
    "provenn.testing.iter_checks": [
        *choice(lambda checks: iter_checks(Subject(linear, INPUTS), checks)),
        BadCase(
            "a module in place of a subject",
            lambda: iter_checks(nn.Linear(4, 3)),
            TypeError,
            ("subject", "Linear(", "Subject"),
        ),
        BadCase(
            "nothing in place of a subject",
            lambda: iter_checks(None),
            TypeError,
            ("subject", "None", "Subject"),
        ),
        BadCase(
            "a subject with a misspelt expected failure",
            lambda: iter_checks(Subject(linear, INPUTS, expected_failures={"vmap_row": "why"})),
            ValueError,
            ("expected_failures", "'vmap_row'", "did you mean 'vmap_rows'"),
        ),
    ],
    "provenn.testing.parametrize": [
        *choice(lambda checks: parametrize({"Linear": Subject(linear, INPUTS)}, checks)),
        BadCase(
            "a list of subjects",
            lambda: parametrize([Subject(linear, INPUTS)]),
            TypeError,
            ("subjects", "[Subject(", "map names to Subjects"),
        ),
        BadCase(
            "a factory in place of a subject",
            lambda: parametrize({"Linear": linear}),
            TypeError,
            ("subjects", "'Linear': <function linear", "map names to Subjects"),
        ),
        BadCase(
            "a number as a name",
            lambda: parametrize({1: Subject(linear, INPUTS)}),
            TypeError,
            ("subjects", "1: Subject(", "map names to Subjects"),
        ),
        BadCase(
            "a list of marks",
            lambda: parametrize({"Linear": Subject(linear, INPUTS)}, marks=[]),
            TypeError,
            ("marks", "[]", "function from a check to marks"),
        ),
    ],
    "provenn.testing.capability_matrix": [
        BadCase(
            "a list of reports",
            lambda: capability_matrix([report(PASSED)]),
            TypeError,
            ("reports", "[Report(", "map names to Reports"),
        ),
        BadCase(
            "one report",
            lambda: capability_matrix(report(PASSED)),
            TypeError,
            ("reports", "Report(", "map names to Reports"),
        ),
        BadCase(
            "nothing",
            lambda: capability_matrix(None),
            TypeError,
            ("reports", "None", "map names to Reports"),
        ),
        BadCase(
            "a string",
            lambda: capability_matrix("Linear"),
            TypeError,
            ("reports", "'Linear'", "map names to Reports"),
        ),
        BadCase(
            "no report",
            lambda: capability_matrix({}),
            ValueError,
            ("reports", "{}", "at least one"),
        ),
        BadCase(
            "a number as a name",
            lambda: capability_matrix({1: report(PASSED)}),
            TypeError,
            ("reports", "1: Report(", "map names to Reports"),
        ),
        BadCase(
            "an outcome in place of a report",
            lambda: capability_matrix({"Linear": PASSED}),
            TypeError,
            ("reports", "'Linear': Outcome(", "map names to Reports"),
        ),
        BadCase(
            "a report on an unknown check",
            lambda: capability_matrix({"Linear": report(Outcome("flaot64", "passed"))}),
            ValueError,
            ("reports['Linear']", "'flaot64'", "did you mean 'float64'"),
        ),
    ],
    "provenn.testing.Report": [
        BadCase(
            "a number as its name",
            lambda: Report(3, (PASSED,)),
            TypeError,
            ("name", "3", "string"),
        ),
        BadCase(
            "an empty name",
            lambda: Report("", (PASSED,)),
            ValueError,
            ("name", "''", "not empty"),
        ),
        BadCase(
            "a list of outcomes",
            lambda: Report("Linear", [PASSED]),
            TypeError,
            ("outcomes", "[Outcome(", "tuple of Outcomes"),
        ),
        BadCase(
            "no outcomes",
            lambda: Report("Linear", None),
            TypeError,
            ("outcomes", "None", "tuple of Outcomes"),
        ),
        BadCase(
            "a string among the outcomes",
            lambda: Report("Linear", ("passed",)),
            TypeError,
            ("outcomes", "'passed'", "tuple of Outcomes"),
        ),
        BadCase(
            "two outcomes of one check",
            lambda: report(PASSED, PASSED),
            ValueError,
            ("outcomes", "two for 'float64'", "one for each check"),
        ),
        BadCase(
            "a check that did not run",
            lambda: report(PASSED)["export"],
            KeyError,
            ("check", "'export'", "those that ran: float64"),
        ),
        BadCase(
            "an unknown status",
            lambda: report(PASSED).having("pased"),
            ValueError,
            ("status", "'pased'", "passed, failed"),
        ),
    ],
}
