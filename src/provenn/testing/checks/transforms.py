"""The function transforms of ``torch.func``."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from provenn.testing.checks.compare import close, require, same
from provenn.testing.outcome import NotApplicable
from provenn.testing.subject import Inputs, Subject, perturb, tensors, trainable, weighted_sum


def functional_call(subject: Subject) -> None:
    """``functional_call`` with other parameters equals a module that has them, and leaves its own.

    The module is used once before, so that nothing that it keeps may take their place.
    """
    module, other = subject.module(), subject.module()
    before = subject.call(module, *subject.inputs())
    perturb(other)
    state = {**dict(other.named_parameters()), **dict(other.named_buffers())}
    given = subject.call(_with_state(module, state), *subject.inputs())
    same(given, subject.call(other, *subject.inputs()), "output of functional_call")
    same(subject.call(module, *subject.inputs()), before, "output after functional_call")


def func_grad(subject: Subject) -> None:
    """``torch.func.grad`` over the parameters equals the gradients of ``backward``."""
    module = subject.module()
    parameters = trainable(module)
    inputs = subject.inputs()

    def loss(values: dict[str, Tensor]) -> Tensor:
        return weighted_sum(subject.call(_with_state(module, values), *inputs))

    given = torch.func.grad(loss)({name: p.detach() for name, p in parameters.items()})
    weighted_sum(subject.call(module, *inputs)).backward()
    reached = [name for name, p in parameters.items() if p.grad is not None]
    require(bool(reached), "backward reaches no parameter")
    expected = tuple(parameters[name].grad for name in reached)
    close(tuple(given[name] for name in reached), expected, "torch.func.grad")  # type: ignore[arg-type]


def forward_mode(subject: Subject) -> None:
    """Forward-mode and reverse-mode derivatives along random directions agree."""
    module = subject.module(dtype=torch.float64)
    inputs = subject.inputs(torch.float64)
    names = [n for n, p in module.named_parameters() if p.requires_grad]
    positions = [i for i, x in enumerate(inputs) if x.is_floating_point()]
    state = dict(module.named_parameters())
    primals = tuple(state[n].detach() for n in names) + tuple(inputs[i] for i in positions)
    if not primals:
        raise NotApplicable("there is no floating-point input and no trainable parameter")

    def function(*leaves: Tensor) -> Inputs:
        values = dict(zip(names, leaves, strict=False))
        arguments = list(inputs)
        for i, x in zip(positions, leaves[len(names) :], strict=True):
            arguments[i] = x
        found = subject.call(_with_state(module, values), *arguments)
        return tuple(y for y in found if y.is_floating_point())

    directions = tuple(torch.randn_like(x) for x in primals)
    outputs, forward = torch.func.jvp(function, primals, directions)[:2]
    weights = tuple(torch.randn_like(y) for y in outputs)
    pull_back = torch.func.vjp(function, *primals)[1]
    along = sum(((w * f).sum() for w, f in zip(weights, forward, strict=True)), torch.zeros(()))
    back = pull_back(weights)
    against = sum(((d * b).sum() for d, b in zip(directions, back, strict=True)), torch.zeros(()))
    close((along.double(),), (against.double(),), "forward mode against reverse mode", 1e-6)


def vmap_rows(subject: Subject) -> None:
    """``torch.func.vmap`` over the rows equals a loop over them."""
    size, output_axes = subject.batch_size, subject.output_axes
    module, inputs = subject.module(), subject.inputs()
    axes = subject.batch_axes

    def one_row(*row: Tensor) -> Inputs:
        batch = (
            x if axis is None else x.unsqueeze(axis) for x, axis in zip(row, axes, strict=True)
        )
        return tensors(module(*batch))

    loop = [one_row(*_row(inputs, axes, i)) for i in range(size)]
    expected = tuple(torch.stack(parts) for parts in zip(*loop, strict=True))
    given = torch.func.vmap(one_row, in_dims=axes)(*inputs)
    kept = [i for i, axis in enumerate(output_axes) if axis is not None]
    close(tuple(given[i] for i in kept), tuple(expected[i] for i in kept), "vmap over the rows")


def vmap_parameters(subject: Subject) -> None:
    """``vmap`` over the stacked state of three modules equals calling each of them."""
    subject.parameters()
    ensemble = [subject.module(seed=subject.seed + i) for i in range(3)]
    for i, member in enumerate(ensemble):
        perturb(member, 0.05 * (i + 1))
    parameters, buffers = torch.func.stack_module_state(ensemble)
    inputs = subject.inputs()

    def member_output(values: dict[str, Tensor], constants: dict[str, Tensor]) -> Inputs:
        return tensors(_with_state(ensemble[0], {**values, **constants})(*inputs))

    given = torch.func.vmap(member_output)(parameters, buffers)
    outputs = [subject.call(member, *inputs) for member in ensemble]
    expected = tuple(torch.stack(parts) for parts in zip(*outputs, strict=True))
    close(given, expected, "vmap over stacked parameters")


def _with_state(module: nn.Module, state: dict[str, Tensor]) -> Callable[..., object]:
    def call(*inputs: Tensor) -> object:
        return torch.func.functional_call(module, state, inputs)

    return call


def _row(inputs: Inputs, axes: tuple[int | None, ...], i: int) -> Inputs:
    return tuple(
        x if axis is None else x.select(axis, i) for x, axis in zip(inputs, axes, strict=True)
    )
