"""Wrong input: refused in words that name what was given and what is accepted."""

import inspect
import re
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from provenn.testing.checks.compare import described, error_of, require, same
from provenn.testing.outcome import CheckFailed, NotApplicable
from provenn.testing.subject import Inputs, Subject, tensors, weighted_sum

REFUSALS = (TypeError, ValueError, RuntimeError)
"""Errors that count as a refusal; ``RuntimeError`` because torch's own operations raise it."""


def nan_propagates(subject: Subject) -> None:
    """NaN in an input is refused by name or comes out as NaN: never as a number.

    Tried with a single NaN in the entry of each input that the output depends on most, and with an
    input that is NaN throughout.
    """
    for position in subject.float_positions:
        module, inputs = subject.module(), subject.inputs()
        entry = _most_influential(subject, module, inputs, position)
        single, throughout = inputs[position].clone(), inputs[position].clone()
        single.view(-1)[entry] = torch.nan
        throughout.fill_(torch.nan)
        for what, bad in (("one NaN", single), ("only NaN", throughout)):
            given = _replaced(inputs, position, bad)
            error = error_of(module, *given)
            if error is not None:
                _require_words(error, f"input {position} with {what}", [r"nan|finite"])
                continue
            outputs = [y for y in subject.call(module, *given) if y.is_floating_point()]
            require(
                any(bool(y.isnan().any()) for y in outputs),
                f"input {position} with {what} gives an output without NaN",
            )


def bad_rows_stay_apart(subject: Subject) -> None:
    """In evaluation mode NaN or infinity in one row is refused or stays in that row."""
    positions, axes = subject.float_positions, subject.output_axes
    for value in (torch.nan, torch.inf, -torch.inf):
        module, inputs = subject.module(), subject.inputs()
        expected = subject.call(module, *inputs)
        for position in positions:
            axis = subject.batch_axes[position]
            if axis is None:
                continue
            bad = inputs[position].clone()
            bad.select(axis, 0).fill_(value)
            given = _replaced(inputs, position, bad)
            error = error_of(module, *given)
            if error is not None:
                _require_words(error, f"a row of {value} in input {position}", [r"nan|inf|finite"])
                continue
            outputs = subject.call(module, *given)
            for y, clean, out in zip(outputs, expected, axes, strict=True):
                if out is not None:
                    rest = y.shape[out] - 1
                    what = f"rows beside one that holds {value}"
                    same((y.narrow(out, 1, rest),), (clean.narrow(out, 1, rest),), what)


def wrong_size(subject: Subject) -> None:
    """An axis of fixed size given another one, or one that would broadcast, is refused by name.

    Every axis but the batch is tried with one entry more; where that is refused the axis has a
    fixed size, and a single entry must be refused too. The message names both sizes.
    """
    fixed = 0
    for position in subject.float_positions:
        module, inputs = subject.module(), subject.inputs()
        x = inputs[position]
        for axis in range(x.ndim):
            if axis == subject.batch_axes[position]:
                continue
            size = x.shape[axis]
            longer = _replaced(inputs, position, _resized(x, axis, size + 1))
            if error_of(module, *longer) is None:
                continue
            fixed += 1
            for wrong in sorted({1, size + 1} - {size}):
                given = _replaced(inputs, position, _resized(x, axis, wrong))
                _require_refusal(
                    module,
                    given,
                    f"input {position} with {wrong} instead of {size} entries along axis {axis}",
                    [_number(wrong), _number(size)],
                )
    if not fixed:
        raise NotApplicable("every axis may have another size")


def wrong_ndim(subject: Subject) -> None:
    """A scalar in place of an input that has axes is refused by name, unless a scalar comes out."""
    refused = 0
    for position in subject.float_positions:
        module, inputs = subject.module(), subject.inputs()
        given = _replaced(inputs, position, inputs[position].flatten()[0])
        if error_of(module, *given) is None and all(y.ndim == 0 for y in tensors(module(*given))):
            continue
        refused += 1
        what = f"a scalar in place of input {position} with {inputs[position].ndim} axes"
        _require_refusal(
            module, given, what, [r"(?<!\d)0|\[\]|\(\)|scalar", r"(?<!\d)[1-9]|axis|axes|shape"]
        )
    if not refused:
        raise NotApplicable("a scalar is as good as any other shape")


def wrong_dtype(subject: Subject) -> None:
    """An integer in place of a floating-point input, or the reverse, is refused by name.

    A module may instead take integers for the numbers that they are.
    """
    refused = 0
    module, inputs = subject.module(), subject.inputs()
    for position, x in enumerate(inputs):
        integral = not x.is_floating_point()
        wrong = x.float() if integral else x.round().long()
        given = _replaced(inputs, position, wrong)
        if not integral and error_of(module, *given) is None:
            as_float = _replaced(inputs, position, wrong.float())
            numbers = tuple(y.float() for y in subject.call(module, *as_float))
            outputs = tuple(y.float() for y in subject.call(module, *given))
            same(outputs, numbers, f"output of input {position} as integers against as floats")
            continue
        refused += 1
        names = [r"int|long|bool", r"float"]
        what = f"input {position} as {wrong.dtype} instead of {x.dtype}"
        _require_refusal(module, given, what, names)
    if not refused:
        raise NotApplicable("integers are taken for the numbers that they are")


def wrong_device(subject: Subject) -> None:
    """An input on another device than the parameters is refused; the message names both."""
    subject.parameters()
    module, inputs = subject.module(), subject.inputs()
    for position, x in enumerate(inputs):
        given = _replaced(inputs, position, x.to("meta"))
        _require_refusal(
            module,
            given,
            f"input {position} on meta instead of cpu",
            [r"meta", r"cpu"],
        )


def not_a_tensor(subject: Subject) -> None:
    """A list or None in place of an input is refused with TypeError or ValueError by its name."""
    module, inputs = subject.module(), subject.inputs()
    names = _argument_names(module, len(inputs))
    for position, (x, name) in enumerate(zip(inputs, names, strict=True)):
        for wrong in (x.tolist(), None):
            given = (*inputs[:position], wrong, *inputs[position + 1 :])
            _require_refusal(
                module,
                given,
                f"a {type(wrong).__name__} in place of argument {name!r}",
                [rf"\b{re.escape(name)}\b"],
                accepted=(TypeError, ValueError),
            )


def _replaced(inputs: Inputs, position: int, tensor: Tensor) -> Inputs:
    return (*inputs[:position], tensor, *inputs[position + 1 :])


def _resized(x: Tensor, axis: int, size: int) -> Tensor:
    return x.index_select(axis, torch.arange(size) % x.shape[axis])


def _number(value: int) -> str:
    return rf"(?<!\d){value}(?!\d)"


def _most_influential(subject: Subject, module: nn.Module, inputs: Inputs, position: int) -> int:
    x = inputs[position].clone().requires_grad_()
    loss = weighted_sum(subject.call(module, *_replaced(inputs, position, x)))
    if loss.requires_grad:
        (gradient,) = torch.autograd.grad(loss, x, allow_unused=True)
        if gradient is not None:
            return int(gradient.abs().argmax())
    return 0


def _argument_names(module: nn.Module, count: int) -> list[str]:
    parameters = list(inspect.signature(module.forward).parameters.values())
    named = [p.name for p in parameters if p.kind is not p.VAR_POSITIONAL][:count]
    return named + ["input"] * (count - len(named))


def _require_refusal(
    module: nn.Module,
    given: Sequence[object],
    what: str,
    patterns: Sequence[str],
    accepted: tuple[type[Exception], ...] = REFUSALS,
) -> None:
    error = error_of(module, *given)
    if error is None:
        raise CheckFailed(f"{what} is accepted")
    if not isinstance(error, accepted):
        kinds = " or ".join(kind.__name__ for kind in accepted)
        raise CheckFailed(f"{what} raises {described(error)}, not {kinds}")
    _require_words(error, what, patterns)


def _require_words(error: Exception, what: str, patterns: Sequence[str]) -> None:
    for pattern in patterns:
        if not re.search(pattern, str(error), re.IGNORECASE):
            raise CheckFailed(
                f"the refusal of {what} says nothing that matches {pattern!r}: {described(error)}"
            )
