"""The module under test: how a check builds it, feeds it and calls it."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from provenn.testing.outcome import CheckFailed, NotApplicable

Inputs = tuple[Tensor, ...]


@dataclass(frozen=True)
class Subject:
    """A module with the inputs it is tried on.

    Args:
        factory: Returns a new module on the CPU in float32. If it takes the keywords ``device`` and
            ``dtype``, they must reach the module's constructor, and the checks use them; if not,
            the module is built under ``torch.device(...)`` as a context.
        example_inputs: The arguments of ``forward``: a tuple of tensors on the CPU, floating point
            in float32, or a function that returns one. At least two rows if there is a batch axis.
        batch_dim: Batch axis of every input, or one entry for each input (``None``: it has no batch
            axis). Outputs are asked where theirs is.
        expected_failures: Check name to the reason why the module fails it. A check that is listed
            and does not fail is an error.
        steps: Forward and backward steps over which live tensors must not grow in number.
        backend: Backend of ``torch.compile``.
        seed: Seed of construction and of every call.

    Raises:
        TypeError: If an argument has the wrong type; the message names it.
        ValueError: If an argument has the right type and cannot be used; the message names it.
    """

    factory: Callable[..., nn.Module]
    example_inputs: Callable[[], Inputs] | Inputs
    batch_dim: int | Sequence[int | None] | None = 0
    expected_failures: Mapping[str, str] = field(default_factory=dict)
    steps: int = 1000
    backend: str = "inductor"
    seed: int = 0

    def __post_init__(self) -> None:
        if not callable(self.example_inputs) and not isinstance(self.example_inputs, tuple):
            _refuse_inputs(self.example_inputs)
        if not callable(self.factory) or isinstance(self.factory, nn.Module):
            raise TypeError(
                "factory must be a function without required arguments that returns a new "
                f"nn.Module, got {_kind(self.factory)}"
            )
        for name, least in (("steps", 2), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be an integer, got {_kind(value)}")
            if value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")
        _check_backend(self.backend)
        _check_reasons(self.expected_failures)
        with torch.random.fork_rng(devices=[]):
            _check_inputs(self._given_inputs())
            _check_axes(self.batch_axes, self._given_inputs())
            self._check_factory()

    @cached_property
    def name(self) -> str:
        """Name of the module's class."""
        with torch.random.fork_rng(devices=[]):
            return type(self.factory()).__name__

    def module(
        self, *, train: bool = False, dtype: torch.dtype = torch.float32, seed: int | None = None
    ) -> nn.Module:
        """A new module, initialised under the seed, in evaluation mode unless ``train``."""
        torch.default_generator.manual_seed(self.seed if seed is None else seed)
        module = self.factory()
        module.train(train)
        return module.to(dtype)

    def used_module(self, dtype: torch.dtype = torch.float32) -> nn.Module:
        """A module in evaluation mode whose parameters and buffers have left their first values."""
        module = self.module(train=True, dtype=dtype)
        perturb(module)
        with torch.no_grad():
            self.call(module, *self.inputs(dtype))
        module.eval()
        return module

    def takes(self, keyword: str) -> bool:
        """Whether the factory takes this keyword."""
        parameters = inspect.signature(self.factory).parameters.values()
        return any(p.name == keyword or p.kind is p.VAR_KEYWORD for p in parameters)

    def inputs(self, dtype: torch.dtype = torch.float32) -> Inputs:
        """The example inputs in memory of their own, the floating-point ones as ``dtype``."""
        torch.default_generator.manual_seed(self.seed)
        return tuple(
            x.detach().clone().to(dtype if x.is_floating_point() else x.dtype)
            for x in self._given_inputs()
        )

    def call(self, module: Callable[..., Any], *inputs: Any) -> Inputs:
        """Every tensor in the output, after seeding the global generator."""
        torch.default_generator.manual_seed(self.seed)
        return tensors(module(*inputs))

    @property
    def batch_axes(self) -> tuple[int | None, ...]:
        """Batch axis of each input."""
        if isinstance(self.batch_dim, Sequence):
            return tuple(self.batch_dim)
        return (self.batch_dim,) * len(self._given_inputs())

    @property
    def float_positions(self) -> tuple[int, ...]:
        """Positions of the floating-point inputs, of which there is at least one.

        Raises:
            NotApplicable: If every input is an integer or a boolean tensor.
        """
        found = tuple(i for i, x in enumerate(self._given_inputs()) if x.is_floating_point())
        if not found:
            raise NotApplicable("no input is of floating point")
        return found

    @property
    def batch_size(self) -> int:
        """Rows of the example inputs.

        Raises:
            NotApplicable: If no input has a batch axis.
        """
        for x, axis in zip(self._given_inputs(), self.batch_axes, strict=True):
            if axis is not None:
                return x.shape[axis]
        raise NotApplicable("no input has a batch axis")

    def rows(self, inputs: Inputs, index: Sequence[int]) -> Inputs:
        """The inputs with the rows ``index`` along their batch axes."""
        rows = torch.tensor(index, dtype=torch.long)
        return tuple(
            x if axis is None else x.index_select(axis, rows)
            for x, axis in zip(inputs, self.batch_axes, strict=True)
        )

    def batch_of(self, size: int, dtype: torch.dtype = torch.float32) -> Inputs:
        """The example inputs with ``size`` rows, repeated as often as needed."""
        return self.rows(self.inputs(dtype), [i % self.batch_size for i in range(size)])

    @cached_property
    def output_axes(self) -> tuple[int | None, ...]:
        """Batch axis of each output: the one that grows by one when a row is added.

        Raises:
            NotApplicable: If no output has such an axis.
        """
        module = self.module()
        with torch.no_grad():
            small = self.call(module, *self.batch_of(self.batch_size))
            large = self.call(module, *self.batch_of(self.batch_size + 1))
        axes = tuple(_grown_axis(a.shape, b.shape) for a, b in zip(small, large, strict=True))
        if all(axis is None for axis in axes):
            raise NotApplicable("no output has a batch axis")
        return axes

    @cached_property
    def random_in_training(self) -> bool:
        """Whether the output in training mode depends on the global generator."""
        outputs = []
        for seed in (1, 2):
            module, inputs = self.module(train=True), self.inputs()
            torch.default_generator.manual_seed(seed)
            with torch.no_grad():
                outputs.append(tensors(module(*inputs)))
        return any(not torch.equal(a, b) for a, b in zip(*outputs, strict=True))

    def parameters(self) -> dict[str, nn.Parameter]:
        """The trainable parameters of a new module, of which there is at least one.

        Raises:
            NotApplicable: If there is none.
        """
        return trainable(self.module())

    def _given_inputs(self) -> Inputs:
        given = self.example_inputs
        return given if isinstance(given, tuple) else given()

    def _check_factory(self) -> None:
        try:
            modules = [self.factory(), self.factory()]
        except TypeError as error:
            raise TypeError(f"factory must be callable without arguments: {error}") from error
        for module in modules:
            if not isinstance(module, nn.Module):
                raise TypeError(f"factory must return an nn.Module, got {_kind(module)}")
        if modules[0] is modules[1]:
            raise ValueError("factory must return a new module each time, got the same one twice")


def tensors(output: Any) -> Inputs:
    """Every tensor in nested tuples, lists and mappings, in order.

    Raises:
        CheckFailed: If there is none.
    """
    found = tuple(_walk(output))
    if not found:
        raise CheckFailed(f"the output holds no tensor, it is {_kind(output)}")
    return found


def trainable(module: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that require a gradient, of which there is at least one.

    Raises:
        NotApplicable: If there is none.
    """
    found = {name: p for name, p in module.named_parameters() if p.requires_grad}
    if not found:
        raise NotApplicable("the module has no trainable parameter")
    return found


def perturb(module: nn.Module, scale: float = 0.05) -> None:
    """Add Gaussian noise to every floating-point parameter, in place."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.is_floating_point():
                noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
                parameter.add_(scale * noise.to(parameter.dtype))


def reset(module: nn.Module) -> None:
    """Call ``reset_parameters`` of every part of the module, children first.

    Raises:
        CheckFailed: If a part has parameters of its own and no such method.
    """
    for part in reversed(list(module.modules())):
        own_reset = getattr(part, "reset_parameters", None)
        if own_reset is not None:
            own_reset()
        elif any(True for _ in part.parameters(recurse=False)):
            raise CheckFailed(
                f"{type(part).__name__} has parameters of its own and no reset_parameters"
            )


def weighted_sum(outputs: Inputs) -> Tensor:
    """A scalar that depends on every floating-point output entry with its own weight."""
    terms = []
    for y in outputs:
        if y.is_floating_point():
            weight = torch.arange(1, y.numel() + 1, dtype=y.dtype).sin().reshape(y.shape)
            terms.append((weight * y).sum())
    if not terms:
        raise NotApplicable("no output is of floating point")
    return torch.stack(terms).sum()


def _walk(output: Any) -> list[Tensor]:
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, Mapping):
        output = tuple(output.values())
    if isinstance(output, tuple | list):
        return [tensor for part in output for tensor in _walk(part)]
    return []


def _grown_axis(small: torch.Size, large: torch.Size) -> int | None:
    if len(small) != len(large):
        return None
    grown = [i for i, (a, b) in enumerate(zip(small, large, strict=True)) if b == a + 1]
    return grown[0] if len(grown) == 1 else None


def _kind(value: object) -> str:
    return f"{value!r:.60} of type {type(value).__name__}"


def _check_backend(backend: object) -> None:
    if not isinstance(backend, str):
        raise TypeError(
            f"backend must be the name of a torch.compile backend, got {_kind(backend)}"
        )
    known = torch.compiler.list_backends(exclude_tags=())
    if backend not in known:
        raise ValueError(f"backend must be one of {', '.join(known)}, got {backend!r}")


def _check_reasons(expected_failures: object) -> None:
    if not isinstance(expected_failures, Mapping):
        raise TypeError(
            f"expected_failures must map check names to reasons, got {_kind(expected_failures)}"
        )
    for name, reason in expected_failures.items():
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError(
                f"expected_failures must give a reason in words for {name!r}, got {reason!r}"
            )


def _refuse_inputs(inputs: object) -> NoReturn:
    raise TypeError(
        "example_inputs must be a non-empty tuple of tensors or a function that returns one, "
        f"got {_kind(inputs)}"
    )


def _check_inputs(inputs: object) -> None:
    if not isinstance(inputs, tuple) or not inputs:
        _refuse_inputs(inputs)
    for i, x in enumerate(inputs):
        if not isinstance(x, Tensor):
            raise TypeError(f"example_inputs[{i}] must be a tensor, got {_kind(x)}")
        if x.device.type != "cpu":
            raise ValueError(f"example_inputs[{i}] must be on the cpu, got {x.device}")
        if x.is_floating_point() and x.dtype != torch.float32:
            raise ValueError(f"example_inputs[{i}] must be float32, got {x.dtype}")
        if x.is_floating_point() and not bool(x.isfinite().all()):
            raise ValueError(f"example_inputs[{i}] must be finite, got NaN or infinity in it")
        if x.numel() == 0:
            raise ValueError(f"example_inputs[{i}] must not be empty, got shape {tuple(x.shape)}")


def _check_axes(axes: tuple[int | None, ...], inputs: Inputs) -> None:
    if len(axes) != len(inputs):
        raise ValueError(
            f"batch_dim must be one axis or one for each of {len(inputs)} inputs, got {len(axes)}"
        )
    sizes = set()
    for i, (axis, x) in enumerate(zip(axes, inputs, strict=True)):
        if axis is None:
            continue
        if not isinstance(axis, int) or isinstance(axis, bool):
            raise TypeError(f"batch_dim must be an integer or None, got {_kind(axis)}")
        if not 0 <= axis < x.ndim:
            raise ValueError(
                f"batch_dim must be at least 0 and less than the {x.ndim} axes of "
                f"example_inputs[{i}], got {axis}"
            )
        sizes.add(x.shape[axis])
    if len(sizes) > 1 or sizes == {1}:
        raise ValueError(
            "example_inputs must have the same number of rows, at least 2, along batch_dim, "
            f"got {sorted(sizes)}"
        )
