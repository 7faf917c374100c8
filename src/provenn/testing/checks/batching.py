"""Batches of any size and any memory layout."""

import torch

from provenn.testing.checks.compare import close, error_of, finite, require
from provenn.testing.outcome import NotApplicable
from provenn.testing.subject import Inputs, Subject, weighted_sum


def empty_batch(subject: Subject) -> None:
    """No rows in give no rows out, of the usual shape, and a backward pass without NaN."""
    axes = subject.output_axes
    module = subject.module()
    usual = subject.call(module, *subject.inputs())
    outputs = subject.call(module, *subject.batch_of(0))
    for y, full, axis in zip(outputs, usual, axes, strict=True):
        if axis is not None:
            expected = (*full.shape[:axis], 0, *full.shape[axis + 1 :])
            require(
                tuple(y.shape) == expected,
                f"an empty batch gives shape {tuple(y.shape)} instead of {expected}",
            )
    if any(y.requires_grad for y in outputs):
        weighted_sum(outputs).backward()
        gradients = {n: p.grad for n, p in module.named_parameters() if p.grad is not None}
        finite(gradients, "gradients of an empty batch")


def batch_of_one(subject: Subject) -> None:
    """One row in gives one row out, and keeps its batch axis."""
    axes = subject.output_axes
    module = subject.module()
    usual = subject.call(module, *subject.inputs())
    outputs = subject.call(module, *subject.batch_of(1))
    for y, full, axis in zip(outputs, usual, axes, strict=True):
        if axis is not None:
            expected = (*full.shape[:axis], 1, *full.shape[axis + 1 :])
            require(
                tuple(y.shape) == expected,
                f"a batch of one gives shape {tuple(y.shape)} instead of {expected}",
            )


def rows_independent(subject: Subject) -> None:
    """In evaluation mode a row's output does not depend on the rows beside it."""
    size, axes = subject.batch_size, subject.output_axes
    module, inputs = subject.used_module(), subject.inputs()
    together = _batched(subject.call(module, *inputs), axes)
    for i in range(size):
        alone = _batched(subject.call(module, *subject.rows(inputs, [i])), axes)
        expected = tuple(y.narrow(axis, i, 1) for y, axis in together)
        close(tuple(y for y, _ in alone), expected, f"row {i} alone against in its batch")


def unbatched(subject: Subject) -> None:
    """An input without its batch axis is refused, or gives the output without its batch axis."""
    axes = subject.output_axes
    module, inputs = subject.module(), subject.inputs()
    row = tuple(
        x if axis is None else x.select(axis, 0)
        for x, axis in zip(inputs, subject.batch_axes, strict=True)
    )
    refused = error_of(module, *row)
    if refused is not None:
        raise NotApplicable("an input without its batch axis is refused")
    together = _batched(subject.call(module, *inputs), axes)
    alone = subject.call(module, *row)
    given = tuple(y for y, axis in zip(alone, axes, strict=True) if axis is not None)
    expected = tuple(y.select(axis, 0) for y, axis in together)
    close(given, expected, "output of an unbatched input")


def non_contiguous(subject: Subject) -> None:
    """An input that is not contiguous in memory gives the outputs of its contiguous copy."""
    module, inputs = subject.module(), subject.inputs()
    strided = tuple(torch.stack((x, torch.zeros_like(x)), -1)[..., 0] for x in inputs)
    expected = subject.call(module, *inputs)
    close(subject.call(module, *strided), expected, "output of a strided input")
    reversed_axes = tuple(
        x.permute(*reversed(range(x.ndim))).contiguous().permute(*reversed(range(x.ndim)))
        for x in inputs
    )
    close(subject.call(module, *reversed_axes), expected, "output of a transposed input")


def channels_last(subject: Subject) -> None:
    """In the channels-last memory format module and input give the usual outputs."""
    inputs = subject.inputs()
    if not any(x.ndim == 4 and x.is_floating_point() for x in inputs):
        raise NotApplicable("no input has four axes")
    expected = subject.call(subject.module(), *inputs)
    module = subject.module().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    laid_out = tuple(
        x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x for x in inputs
    )
    close(subject.call(module, *laid_out), expected, "output in channels-last format")


def _batched(outputs: Inputs, axes: tuple[int | None, ...]) -> list[tuple[torch.Tensor, int]]:
    """The outputs that have a batch axis, each with it."""
    return [(y, axis) for y, axis in zip(outputs, axes, strict=True) if axis is not None]
