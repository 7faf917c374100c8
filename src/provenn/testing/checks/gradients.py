"""Gradients: right, complete, accumulated, and stopped where they are asked to stop."""

import torch
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck

from provenn.testing.checks.compare import close, finite, require
from provenn.testing.outcome import CheckFailed, NotApplicable
from provenn.testing.subject import Inputs, Subject, trainable, weighted_sum


def gradcheck_training(subject: Subject) -> None:
    """In training mode and float64, gradients agree with finite differences."""
    _gradcheck(subject, train=True)


def gradcheck_evaluation(subject: Subject) -> None:
    """In evaluation mode and float64, gradients agree with finite differences."""
    _gradcheck(subject, train=False)


def double_backward(subject: Subject) -> None:
    """In evaluation mode and float64, second derivatives agree with finite differences."""
    module = subject.module(dtype=torch.float64)
    gradgradcheck(_outputs_of(subject, module), _leaves(subject, module), fast_mode=True)


def gradients_reach_parameters(subject: Subject) -> None:
    """A training step gives every trainable parameter a finite gradient that is not all zero."""
    module, _ = _trained(subject)
    _require_gradients({name: p.grad for name, p in trainable(module).items()})


def gradients_reach_inputs(subject: Subject) -> None:
    """A training step gives every floating-point input a finite gradient that is not all zero."""
    positions = subject.float_positions
    _, inputs = _trained(subject)
    _require_gradients({f"input {i}": inputs[i].grad for i in positions})


def gradients_accumulate(subject: Subject) -> None:
    """In evaluation mode, two backward passes without ``zero_grad`` double the gradients."""
    module = subject.module()
    trainable(module)
    passes = []
    for _ in range(2):
        weighted_sum(subject.call(module, *subject.inputs())).backward()
        passes.append(_gradients(module))
    close(passes[1], tuple(2 * g for g in passes[0]), "gradients after a second backward pass")


def zero_grad_clears(subject: Subject) -> None:
    """``zero_grad`` clears every gradient of a training step."""
    module, _ = _trained(subject)
    trainable(module)
    module.zero_grad()
    for name, parameter in module.named_parameters():
        cleared = parameter.grad is None or not bool(parameter.grad.any())
        require(cleared, f"zero_grad leaves a gradient on {name}")


def frozen_parameters(subject: Subject) -> None:
    """After ``requires_grad_(False)`` no output requires a gradient."""
    subject.parameters()
    module = subject.module(train=True).requires_grad_(False)
    for y in subject.call(module, *subject.inputs()):
        require(not y.requires_grad, "an output requires a gradient although all are frozen")


def _gradcheck(subject: Subject, *, train: bool) -> None:
    module = subject.module(train=train, dtype=torch.float64)
    gradcheck(_outputs_of(subject, module), _leaves(subject, module), fast_mode=True)


def _leaves(subject: Subject, module: nn.Module) -> Inputs:
    """The inputs, ready for gradients, and then the trainable parameters."""
    inputs = [
        x.requires_grad_() if x.is_floating_point() else x for x in subject.inputs(torch.float64)
    ]
    parameters = [p for p in module.parameters() if p.requires_grad]
    if not parameters and not any(x.requires_grad for x in inputs):
        raise NotApplicable("there is no floating-point input and no trainable parameter")
    return (*inputs, *parameters)


def _outputs_of(subject: Subject, module: nn.Module):  # type: ignore[no-untyped-def]
    """A function of inputs and parameters as ``gradcheck`` calls it: it changes them in place."""
    count = len(subject.inputs())

    def outputs(*leaves: Tensor) -> Inputs:
        found = subject.call(module, *leaves[:count])
        return tuple(y for y in found if y.is_floating_point())

    return outputs


def _trained(subject: Subject) -> tuple[nn.Module, Inputs]:
    """A module and its inputs after one training step, with their gradients."""
    module = subject.module(train=True)
    inputs = tuple(x.requires_grad_() if x.is_floating_point() else x for x in subject.inputs())
    loss = weighted_sum(subject.call(module, *inputs))
    if not loss.requires_grad:
        raise CheckFailed("no output depends on a parameter or an input by autograd")
    loss.backward()
    return module, inputs


def _gradients(module: nn.Module) -> Inputs:
    return tuple(p.grad.clone() for p in module.parameters() if p.grad is not None)


def _require_gradients(gradients: dict[str, Tensor | None]) -> None:
    for name, gradient in gradients.items():
        if gradient is None:
            raise CheckFailed(f"{name} receives no gradient")
        finite({name: gradient}, "gradients of a training step")
        require(bool(gradient.any()), f"{name} receives a gradient that is zero everywhere")
