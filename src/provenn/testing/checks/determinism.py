"""The same seed gives the same module and the same step, and evaluation depends on state alone."""

import torch
from torch import nn

from provenn.testing.checks.compare import require, same
from provenn.testing.outcome import NotApplicable
from provenn.testing.subject import Inputs, Subject, perturb, reset, tensors, weighted_sum


def construction_reproducible(subject: Subject) -> None:
    """Two modules built under one seed have identical state."""
    first, second = subject.module().state_dict(), subject.module().state_dict()
    require(list(first) == list(second), "two modules built under one seed differ in their keys")
    for name in first:
        same((second[name],), (first[name],), f"{name} of a second module under the same seed")


def reset_reproducible(subject: Subject) -> None:
    """``reset_parameters`` sets every parameter anew, and to the same values under one seed."""
    resets = []
    for _ in range(2):
        module = subject.module()
        if not any(hasattr(part, "reset_parameters") for part in module.modules()):
            raise NotApplicable("the module has no reset_parameters")
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.fill_(17.0)
        torch.default_generator.manual_seed(subject.seed)
        reset(module)
        resets.append(dict(module.named_parameters()))
    for name, parameter in resets[0].items():
        require(
            not bool((parameter == 17.0).all()),
            f"reset_parameters leaves {name} as it was",
        )
        same((resets[1][name],), (parameter,), f"{name} after a second reset under the same seed")


def eval_deterministic(subject: Subject) -> None:
    """In evaluation mode two calls give identical outputs and draw no random numbers."""
    module = subject.used_module()
    inputs = subject.inputs()
    torch.default_generator.manual_seed(1)
    first = tensors(module(*inputs))
    torch.default_generator.manual_seed(2)
    second = tensors(module(*inputs))
    same(second, first, "output of a second call in evaluation mode")


def train_deterministic(subject: Subject) -> None:
    """Under one seed, two training steps give identical outputs and gradients."""
    first, second = (_step(subject, subject.module(train=True)) for _ in range(2))
    same(second[0], first[0], "output of a second training step under the same seed")
    same(second[1], first[1], "gradients of a second training step under the same seed")


def eval_follows_parameters(subject: Subject) -> None:
    """After an evaluation, new parameters count at once: nothing stale is used.

    The parameters are changed in place, by ``load_state_dict`` and by a training step, and each
    time the module must agree with a new one that loads its state.
    """
    module = subject.module()
    if not any(True for _ in module.parameters()):
        raise NotApplicable("the module has no parameter")
    changes = {
        "after a change in place": lambda: perturb(module),
        "after load_state_dict": lambda: module.load_state_dict(
            subject.module(seed=subject.seed + 1).state_dict()
        ),
        "after a training step": lambda: _descend(subject, module),
    }
    for when, change in changes.items():
        with torch.no_grad():
            subject.call(module, *subject.inputs())
        change()
        module.eval()
        reference = subject.module()
        reference.load_state_dict(module.state_dict())
        with torch.no_grad():
            expected = subject.call(reference, *subject.inputs())
            same(subject.call(module, *subject.inputs()), expected, f"output {when}")


def inference_mode(subject: Subject) -> None:
    """Under ``inference_mode`` the outputs are the same, and the gradients after it as well."""
    module, reference = subject.used_module(), subject.used_module()
    with torch.inference_mode():
        given = subject.call(module, *subject.inputs())
    same(given, subject.call(reference, *subject.inputs()), "output under inference_mode")
    after, expected = _step(subject, module), _step(subject, reference)
    same(after[1], expected[1], "gradients after inference_mode")


def global_state_untouched(subject: Subject) -> None:
    """Building and running a module leaves torch's settings and the seed in force as they were."""
    before, inputs = _settings(), subject.inputs()
    states = []
    for seed in (1, 2):
        torch.default_generator.manual_seed(seed)
        module = subject.factory()
        tensors(module(*inputs))
        states.append(torch.get_rng_state())
    require(_settings() == before, f"settings changed from {before} to {_settings()}")
    require(not torch.equal(*states), "the module reseeds the global generator")


def _step(subject: Subject, module: nn.Module) -> tuple[Inputs, Inputs]:
    """Outputs and parameters' gradients of one forward and backward pass."""
    outputs = subject.call(module, *subject.inputs())
    if any(y.requires_grad for y in outputs):
        weighted_sum(outputs).backward()
    return outputs, tuple(p.grad for p in module.parameters() if p.grad is not None)


def _descend(subject: Subject, module: nn.Module) -> None:
    module.train()
    _step(subject, module)
    torch.optim.SGD(module.parameters(), lr=0.1).step()


def _settings() -> dict[str, object]:
    return {
        "default dtype": torch.get_default_dtype(),
        "default device": torch.get_default_device(),
        "gradients": torch.is_grad_enabled(),
        "threads": torch.get_num_threads(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
    }
