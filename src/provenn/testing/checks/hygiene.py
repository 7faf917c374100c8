"""A module leaves alone what is not its own, keeps nothing for ever, and says what it is."""

import gc
import inspect
import weakref
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from provenn.testing.checks.compare import require, same
from provenn.testing.outcome import NotApplicable
from provenn.testing.subject import Inputs, Subject, weighted_sum

FOLLOWED_STEPS = 50
"""Steps of each half in which every operation's memory is followed."""


def inputs_unmodified(subject: Subject) -> None:
    """Forward and backward in training mode leave the inputs as they were."""
    module = subject.module(train=True)
    inputs = subject.inputs()
    outputs = subject.call(module, *inputs)
    if any(y.requires_grad for y in outputs):
        weighted_sum(outputs).backward()
    same(inputs, subject.inputs(), "inputs after the call")


def parameters_unmodified(subject: Subject) -> None:
    """Forward and backward in training mode leave the parameters as they were."""
    module = subject.module(train=True)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    outputs = subject.call(module, *subject.inputs())
    if any(y.requires_grad for y in outputs):
        weighted_sum(outputs).backward()
    for name, parameter in module.named_parameters():
        same((parameter.detach(),), (before[name],), f"{name} after a training step")


def state_unmodified_in_eval(subject: Subject) -> None:
    """In evaluation mode a call leaves the whole state as it was, key by key."""
    module = subject.module()
    before = {name: t.detach().clone() for name, t in module.state_dict().items()}
    subject.call(module, *subject.inputs())
    after = module.state_dict()
    require(list(after) == list(before), f"keys {list(before)} became {list(after)}")
    for name, tensor in after.items():
        same((tensor,), (before[name],), f"{name} after a call in evaluation mode")


def outputs_own_memory(subject: Subject) -> None:
    """No output shares memory with an input, a parameter or a buffer."""
    module, inputs = subject.module(), subject.inputs()
    owners = {f"input {i}": x for i, x in enumerate(inputs)}
    owners |= {**dict(module.named_parameters()), **dict(module.named_buffers())}
    addresses = {t.untyped_storage().data_ptr(): name for name, t in owners.items() if t.numel()}
    for i, y in enumerate(subject.call(module, *inputs)):
        owner = addresses.get(y.untyped_storage().data_ptr())
        require(owner is None or not y.numel(), f"output {i} shares the memory of {owner}")


def live_tensors_constant(subject: Subject) -> None:
    """Over ``steps`` training steps neither live tensors nor kept graphs grow in number.

    Tensors and graph nodes that Python holds are counted over all steps; memory blocks, which a
    graph may hold out of Python's sight, are followed during the last steps of each half.
    """
    module, inputs = subject.module(train=True), subject.inputs()
    half = subject.steps // 2
    followed = min(FOLLOWED_STEPS, half)
    storages = _Storages()
    counts = []
    for _ in range(2):
        _train(subject, module, inputs, half - followed)
        with storages:
            _train(subject, module, inputs, followed)
        gc.collect()
        counts.append((storages.alive(), _graph_nodes(), _live_tensors()))
    kinds = ("memory blocks are alive", "graph nodes are kept", "tensors are alive")
    for kind, before, after in zip(kinds, *counts, strict=True):
        grown = after - before
        require(grown <= 0, f"{grown} more {kind} after {half} more steps")


def mode_propagates(subject: Subject) -> None:
    """``train()`` and ``eval()`` set the mode of every part and return the module."""
    module = subject.module()
    for mode in (True, False):
        returned = module.train() if mode else module.eval()
        require(returned is module, "train() or eval() does not return the module")
        for name, part in module.named_modules():
            require(
                part.training is mode,
                f"{name or type(module).__name__} stays in the other mode after "
                f"{'train' if mode else 'eval'}()",
            )


def representation(subject: Subject) -> None:
    """``repr`` works before and after use, names the class, and stays the same."""
    module = subject.module()
    before = repr(module)
    require(type(module).__name__ in before, f"repr does not name the class: {before[:200]!r}")
    subject.call(module, *subject.inputs())
    require(repr(module) == before, "repr changes with use")


def constructor_in_repr(subject: Subject) -> None:
    """``repr`` shows the constructor's required arguments that the module keeps as attributes."""
    module = subject.module()
    parameters = inspect.signature(type(module)).parameters.values()
    required = [p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    plain = (bool, int, float, str, tuple)
    shown = [name for name in required if isinstance(getattr(module, name, None), plain)]
    if not shown:
        raise NotApplicable("no required constructor argument is kept as a plain attribute")
    for name in shown:
        value = getattr(module, name)
        require(
            str(value) in repr(module),
            f"repr does not show {name}={value!r}; return it from extra_repr",
        )


def documented(subject: Subject) -> None:
    """The class has a docstring of its own."""
    kind = type(subject.module())
    require(bool((kind.__dict__.get("__doc__") or "").strip()), f"{kind.__name__} has no docstring")


def forward_annotated(subject: Subject) -> None:
    """Every argument of ``forward`` and its result are annotated."""
    kind = type(subject.module())
    signature = inspect.signature(kind.forward)
    for name, parameter in list(signature.parameters.items())[1:]:
        require(
            parameter.annotation is not parameter.empty,
            f"argument {name!r} of {kind.__name__}.forward has no annotation",
        )
    require(
        signature.return_annotation is not signature.empty,
        f"the result of {kind.__name__}.forward has no annotation",
    )


def _train(subject: Subject, module: nn.Module, inputs: Inputs, steps: int) -> None:
    for _ in range(steps):
        outputs = subject.call(module, *inputs)
        torch.autograd.backward([y.sum() for y in outputs if y.requires_grad])
        module.zero_grad()


class _Storages(TorchDispatchMode):
    """Counts the memory blocks that operations made and that are still alive."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[int, weakref.ref[torch.UntypedStorage]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        for part in output if isinstance(output, tuple | list) else (output,):
            if isinstance(part, Tensor) and part.layout == torch.strided:
                storage = part.untyped_storage()
                self._made[id(storage)] = weakref.ref(storage)
        return output

    def alive(self) -> int:
        self._made = {key: ref for key, ref in self._made.items() if ref() is not None}
        return len(self._made)


def _live_tensors() -> int:
    """Tensors that are alive in Python."""
    return sum(issubclass(type(o), Tensor) for o in gc.get_objects())


def _graph_nodes() -> int:
    """Nodes of the autograd graphs that tensors in Python keep alive."""
    pending = [o.grad_fn for o in gc.get_objects() if type(o) is Tensor]
    seen = set()
    while pending:
        node = pending.pop()
        if node is not None and node not in seen:
            seen.add(node)
            pending.extend(parent for parent, _ in node.next_functions)
    return len(seen)
