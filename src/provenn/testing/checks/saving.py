"""A module's state: complete, saved, loaded, copied."""

import copy
import pickle

import safetensors.torch
import torch
from torch import Tensor, nn

from provenn.testing.checks.compare import described, error_of, require, same
from provenn.testing.outcome import CheckFailed, NotApplicable
from provenn.testing.subject import Subject, perturb


def state_dict_round_trip(subject: Subject) -> None:
    """A new module that loads the ``state_dict`` of a used one gives identical outputs."""
    used = subject.used_module()
    _loads(subject, used.state_dict(), used)


def safetensors_round_trip(subject: Subject) -> None:
    """The state survives safetensors: a module that loads it gives identical outputs."""
    used = subject.used_module()
    saved = safetensors.torch.save(used.state_dict())
    _loads(subject, safetensors.torch.load(saved), used)


def strict_loading(subject: Subject) -> None:
    """``load_state_dict`` refuses a missing key, an unexpected key and a wrong shape by name."""
    state = subject.module().state_dict()
    if not state:
        raise NotApplicable("the module has no state")
    key, tensor = next(iter(state.items()))
    cases: dict[str, tuple[str, dict[str, Tensor]]] = {
        "a missing key": (key, {k: v for k, v in state.items() if k != key}),
        "an unexpected key": ("not_a_key", {**state, "not_a_key": torch.zeros(1)}),
        "a wrong shape": (key, {**state, key: torch.zeros(*tensor.shape, 2)}),
    }
    for what, (culprit, broken) in cases.items():
        error = error_of(subject.module().load_state_dict, broken)
        if error is None:
            raise CheckFailed(f"load_state_dict accepts {what} ({culprit!r})")
        require(
            culprit in str(error),
            f"load_state_dict with {what} does not name {culprit!r}: {described(error)}",
        )


def deepcopy(subject: Subject) -> None:
    """A deep copy of a used module gives identical outputs and shares no state with it."""
    original = subject.used_module()
    before = subject.call(original, *subject.inputs())
    duplicate = copy.deepcopy(original)
    same(subject.call(duplicate, *subject.inputs()), before, "output of the copy")
    perturb(duplicate)
    subject.call(duplicate, *subject.inputs())
    after = subject.call(original, *subject.inputs())
    same(after, before, "output of the original after the copy changed")


def pickle_round_trip(subject: Subject) -> None:
    """A used module survives pickling and gives identical outputs."""
    original = subject.used_module()
    before = subject.call(original, *subject.inputs())
    restored = pickle.loads(pickle.dumps(original))  # noqa: S301 - our own bytes
    same(subject.call(restored, *subject.inputs()), before, "output of the unpickled module")


def tensors_registered(subject: Subject) -> None:
    """A new module holds no tensor outside its parameters and buffers, so all move and save."""
    module = subject.module()
    registered = {id(t) for t in (*module.parameters(), *module.buffers())}
    for path, part in module.named_modules():
        for name, value in vars(part).items():
            if name in ("_parameters", "_buffers", "_modules"):
                continue
            if any(id(tensor) not in registered for tensor in _held(value)):
                attribute = f"{path}.{name}" if path else name
                raise CheckFailed(
                    f"{attribute} of {type(part).__name__} holds a tensor that is neither a "
                    "parameter nor a buffer"
                )


def names_unique(subject: Subject) -> None:
    """No parameter or buffer is registered under two names."""
    names: dict[int, str] = {}
    module = subject.module()
    registered = [
        *module.named_parameters(remove_duplicate=False),
        *module.named_buffers(remove_duplicate=False),
    ]
    for name, tensor in registered:
        first = names.setdefault(id(tensor), name)
        require(first == name, f"{first!r} and {name!r} are the same tensor")


def _loads(subject: Subject, state: dict[str, Tensor], used: nn.Module) -> None:
    other = subject.module(seed=subject.seed + 1)
    other.load_state_dict(state)
    same(
        subject.call(other, *subject.inputs()),
        subject.call(used, *subject.inputs()),
        "output after loading",
    )


def _held(value: object) -> list[Tensor]:
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list | set):
        return [tensor for part in value for tensor in _held(part)]
    return [value] if isinstance(value, Tensor) else []
