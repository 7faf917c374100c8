"""The battery's own behaviour: what it runs, reports, raises and leaves alone."""

import pytest
import torch
from torch import nn

from provenn.testing import (
    CHECKS,
    ConformanceError,
    Report,
    Subject,
    capability_matrix,
    check_module,
    iter_checks,
    parametrize,
)
from provenn.testing.battery import Case
from provenn.testing.outcome import Outcome
from tests.testing.affine import Affine
from tests.testing.broken import FEATURES, ChangesSettings, HidesNaN, SilentRepr

QUICK = ["float64", "nan_propagates", "channels_last", "constructor_in_repr"]


def affine(**kwargs):
    return Affine(4, 3, **kwargs)


def test_report_holds_each_outcome_in_the_order_of_the_table():
    report = check_module(affine, FEATURES, checks=reversed(QUICK))
    assert report.name == "Affine"
    assert [outcome.check for outcome in report] == [name for name in CHECKS if name in QUICK]
    assert report["float64"] == Outcome("float64", "passed")
    assert report["channels_last"].status == "not applicable"
    assert report["channels_last"].reason == "no input has four axes"
    assert len(report.having("passed")) == 3
    with pytest.raises(KeyError, match="'export' did not run on Affine"):
        report["export"]


def test_all_checks_run_by_default():
    cases = iter_checks(Subject(affine, FEATURES))
    assert [case.check.name for case in cases] == list(CHECKS)


def test_error_lists_every_failed_check_with_what_the_module_did():
    class Both(HidesNaN, SilentRepr):
        """Broken in two ways."""

    with pytest.raises(ConformanceError) as caught:
        check_module(lambda: Both(4, 3), FEATURES, checks=QUICK)
    message = str(caught.value)
    assert message.startswith("Both failed 2 of 4 checks:")
    assert "nan_propagates: input 0 with one NaN gives an output without NaN" in message
    assert "constructor_in_repr: repr does not show in_features=4" in message
    assert caught.value.report["float64"].status == "passed"


def test_expected_failure_is_reported_with_its_reason():
    reasons = {"nan_propagates": "missing values count as zero"}
    report = check_module(lambda: HidesNaN(4, 3), FEATURES, expected_failures=reasons, checks=QUICK)
    outcome = report["nan_propagates"]
    assert outcome.status == "expected failure"
    assert outcome.reason == "missing values count as zero"
    assert "without NaN" in outcome.detail


@pytest.mark.parametrize(
    ("check", "found"),
    [("float64", "is passed"), ("channels_last", "is not applicable: no input has four axes")],
)
def test_expected_failure_that_does_not_happen_is_an_error(check, found):
    with pytest.raises(ConformanceError, match=rf"expected to fail \(why\) but {found}"):
        check_module(affine, FEATURES, expected_failures={check: "why"}, checks=QUICK)


def test_expected_failure_of_a_check_that_is_not_run_is_no_error():
    report = check_module(affine, FEATURES, expected_failures={"export": "why"}, checks=["float64"])
    assert len(report) == 1


def test_battery_leaves_generator_and_gradient_mode_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    with pytest.raises(ConformanceError):
        check_module(
            lambda: ChangesSettings(4, 3), FEATURES, checks=["global_state_untouched", "deepcopy"]
        )
    assert torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), before)


def test_example_inputs_may_be_a_function():
    report = check_module(
        affine, lambda: (torch.randn(5, 4),), checks=["inputs_unmodified", "deepcopy"]
    )
    assert len(report.having("passed")) == 2


def test_integer_inputs_make_float_checks_not_applicable():
    report = check_module(
        lambda **kwargs: nn.Embedding(7, 3, **kwargs),
        (torch.arange(5),),
        checks=["gradients_reach_inputs", "nan_propagates", "gradcheck_training", "empty_batch"],
    )
    assert [o.status for o in report] == ["passed", "not applicable", "passed", "not applicable"]
    assert report["nan_propagates"].reason == "no input is of floating point"


def test_modules_without_a_batch_axis():
    report = check_module(
        affine, FEATURES, batch_dim=None, checks=["vmap_rows", "empty_batch", "deepcopy"]
    )
    assert [o.status for o in report] == ["passed", "not applicable", "not applicable"]


def test_each_input_may_have_a_batch_axis_of_its_own():
    class Weighted(nn.Module):
        """The batch lies along axis 1 of ``x``, and ``weight`` has none."""

        def forward(self, x, weight):
            return x.T @ weight

    report = check_module(
        Weighted,
        (torch.randn(4, 5), torch.randn(4, 3)),
        batch_dim=(1, None),
        checks=["vmap_rows", "rows_independent", "empty_batch", "batch_of_one"],
    )
    assert len(report.having("passed")) == 4


def test_module_without_parameters_or_tensors_in_its_output():
    assert (
        check_module(nn.Tanh, FEATURES, checks=["vmap_parameters"])["vmap_parameters"].reason
        == "the module has no trainable parameter"
    )

    class Silent(nn.Module):
        """Gives nothing."""

        def forward(self, x):
            return None

    with pytest.raises(ConformanceError, match="the output holds no tensor"):
        check_module(Silent, FEATURES, checks=["deepcopy"])


def test_nested_outputs_are_compared_tensor_by_tensor():
    class Nested(nn.Module):
        """Gives a mapping of tuples."""

        def forward(self, x):
            return {"a": (x + 1, x.sum(1)), "b": [x.argmax(1)]}

    report = check_module(Nested, FEATURES, checks=["rows_independent", "vmap_rows", "empty_batch"])
    assert len(report.having("passed")) == 3


def test_inductor_without_a_compiler_is_not_applicable(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    report = check_module(affine, FEATURES, checks=["compile_forward"])
    assert "no C++ compiler" in report["compile_forward"].reason


def test_parametrize_makes_one_test_of_each_module_and_check():
    subjects = {"one": Subject(affine, FEATURES), "two": Subject(affine, FEATURES)}
    mark = pytest.mark.compiled
    decorator = parametrize(
        subjects, ["float64", "export"], marks=lambda check: [mark] * check.needs_compile
    )
    argument, parameters = decorator.args
    assert argument == "case"
    assert [p.id for p in parameters] == ["one-float64", "one-export", "two-float64", "two-export"]
    assert [bool(p.marks) for p in parameters] == [False, True, False, True]
    assert all(isinstance(p.values[0], Case) for p in parameters)


def test_matrix_shows_capabilities_and_numbers_its_notes():
    sound = Report(
        "Affine",
        (Outcome("float64", "passed"), Outcome("channels_last", "not applicable", "no")),
    )
    lacking = Report(
        "Other",
        (
            Outcome("float64", "expected failure", "sorts | in\nfloat32"),
            Outcome("compile_forward", "passed"),
            Outcome("compile_backward", "expected failure", "needs eager"),
        ),
    )
    header, rule, first, second, blank, *notes = capability_matrix(
        {"Affine": sound, "Other": lacking}
    ).splitlines()
    columns = [cell.strip() for cell in header.split("|")[1:-1]]
    cells = {
        row: dict(zip(columns, (c.strip() for c in line.split("|")[1:-1]), strict=True))
        for row, line in (("sound", first), ("lacking", second))
    }
    assert set(rule) <= set("|- ")
    assert cells["sound"]["module"] == "`Affine`"
    assert cells["sound"]["float64"] == "yes"
    assert cells["sound"]["channels last"] == "n/a"
    assert cells["sound"]["compile"] == ""
    assert cells["lacking"]["float64"] == "no (1)"
    assert cells["lacking"]["compile"] == "no (2)"
    assert blank == ""
    assert notes == [
        "1. `Other`, `float64`: sorts \\| in float32",
        "2. `Other`, `compile_backward`: needs eager",
    ]
