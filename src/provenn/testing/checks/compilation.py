"""``torch.compile`` and ``torch.export``."""

import os
import shutil
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from provenn.testing.checks.compare import close
from provenn.testing.outcome import NotApplicable
from provenn.testing.subject import Subject, weighted_sum


def compile_forward(subject: Subject) -> None:
    """Compiled as one graph, the module gives its eager outputs in evaluation mode."""
    module = subject.module()
    expected = subject.call(module, *subject.inputs())
    given = subject.call(_compiled(subject, subject.module()), *subject.inputs())
    close(given, expected, "output of the compiled module")


def compile_backward(subject: Subject) -> None:
    """Compiled as one graph, a training step gives its eager gradients.

    Where training draws random numbers, which a compiler may draw in another order, the step is
    taken in evaluation mode.
    """
    train = not subject.random_in_training
    gradients = []
    for prepare in (lambda module: module, lambda module: _compiled(subject, module)):
        module = subject.module(train=train)
        inputs = tuple(x.requires_grad_() if x.is_floating_point() else x for x in subject.inputs())
        outputs = subject.call(prepare(module), *inputs)
        if not any(y.requires_grad for y in outputs):
            raise NotApplicable("no output requires a gradient")
        weighted_sum(outputs).backward()
        leaves = (*module.parameters(), *inputs)
        gradients.append(tuple(x.grad for x in leaves if x.grad is not None))
    close(gradients[1], gradients[0], "gradients of the compiled module")


def compile_dynamic(subject: Subject) -> None:
    """Compiled with ``dynamic=True``, the module takes other batch sizes without recompiling."""
    size = subject.batch_size
    module = subject.module()
    compiled = _compiled(subject, subject.module(), dynamic=True)
    subject.call(compiled, *subject.inputs())
    with torch.compiler.set_stance("fail_on_recompile"):
        for larger in (size + 1, size + 3):
            inputs = subject.batch_of(larger)
            given = subject.call(compiled, *inputs)
            close(given, subject.call(module, *inputs), f"compiled output for {larger} rows")


def export(subject: Subject) -> None:
    """``torch.export`` gives a program with the module's outputs."""
    module = subject.module()
    program = torch.export.export(module, subject.inputs())
    given = subject.call(program.module(), *subject.inputs())
    close(given, subject.call(module, *subject.inputs()), "output of the exported program")


def export_dynamic(subject: Subject) -> None:
    """``torch.export`` with a dynamic batch gives a program for other batch sizes."""
    size = subject.batch_size
    module = subject.module()
    batch = torch.export.Dim("batch", min=2, max=1024)
    shapes = tuple({} if axis is None else {axis: batch} for axis in subject.batch_axes)
    exported = torch.export.export(module, subject.inputs(), dynamic_shapes=shapes)
    program = exported.module()
    for larger in (size + 1, size + 3):
        inputs = subject.batch_of(larger)
        given = subject.call(program, *inputs)
        close(given, subject.call(module, *inputs), f"exported output for {larger} rows")


def _compiled(
    subject: Subject, module: nn.Module, *, dynamic: bool | None = None
) -> Callable[..., Any]:
    if subject.backend == "inductor" and not _has_cpp_compiler():
        raise NotApplicable("this machine has no C++ compiler, which the backend inductor needs")
    torch.compiler.reset()
    return torch.compile(module, fullgraph=True, dynamic=dynamic, backend=subject.backend)


def _has_cpp_compiler() -> bool:
    names = (os.environ.get("CXX", ""), "g++", "clang++", "c++")
    return any(shutil.which(name) for name in names if name)
