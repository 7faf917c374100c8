"""Precisions, and construction on another device or in another dtype."""

import torch
from torch import Tensor, nn

from provenn.testing.checks.compare import close, finite, require, same
from provenn.testing.outcome import NotApplicable
from provenn.testing.subject import Subject, reset, weighted_sum


def float64(subject: Subject) -> None:
    """In float64 the outputs are float64 and agree with those in float32."""
    _in_dtype(subject, torch.float64, tolerance=1e-3)


def bfloat16_weights(subject: Subject) -> None:
    """Cast to bfloat16, the outputs are bfloat16 and within 10 % of those in float32."""
    _in_dtype(subject, torch.bfloat16, tolerance=0.1)


def dtype_round_trip(subject: Subject) -> None:
    """To float64 and back leaves the outputs identical, also when used in between."""
    module = subject.used_module()
    before = subject.call(module, *subject.inputs())
    module.to(torch.float64)
    subject.call(module, *subject.inputs(torch.float64))
    module.to(torch.float32)
    same(subject.call(module, *subject.inputs()), before, "output after the round trip")


def bfloat16_autocast(subject: Subject) -> None:
    """Under bfloat16 autocast the outputs are within 5 % and the gradients finite.

    The inputs come in float32, and in bfloat16 as they do from a layer before.
    """
    _under_autocast(subject, torch.bfloat16)


def float16_autocast(subject: Subject) -> None:
    """Under float16 autocast the outputs are within 5 % and the gradients finite.

    The inputs come in float32, and in float16 as they do from a layer before.
    """
    _under_autocast(subject, torch.float16)


def meta_device(subject: Subject) -> None:
    """Built on the meta device, then ``to_empty`` and ``reset_parameters``: a working module.

    Every floating-point tensor of the state must be finite again, every other one equal to that of
    a module built directly, and the output of the usual shape.
    """
    module = _on_meta(subject)
    for name, tensor in _state(module).items():
        require(tensor.is_meta, f"{name} is on {tensor.device} although built on meta")
    module.to_empty(device="cpu").eval()
    _spoil(module)
    torch.default_generator.manual_seed(subject.seed)
    reset(module)
    built = subject.module()
    for name, tensor in _state(built).items():
        restored = _state(module)[name]
        if tensor.is_floating_point():
            finite({name: restored}, "after to_empty and reset_parameters")
        else:
            same((restored,), (tensor,), f"{name} after to_empty and reset_parameters")
    given = subject.call(module, *subject.inputs())
    expected = subject.call(built, *subject.inputs())
    for a, b in zip(given, expected, strict=True):
        require(a.shape == b.shape, f"output of shape {tuple(a.shape)}, not {tuple(b.shape)}")


def factory_dtype(subject: Subject) -> None:
    """Built with ``dtype=torch.float64``, every floating-point tensor of the state is float64."""
    if not subject.takes("dtype"):
        raise NotApplicable("the factory takes no dtype")
    for name, tensor in _state(subject.factory(dtype=torch.float64)).items():
        if tensor.is_floating_point():
            require(
                tensor.dtype == torch.float64,
                f"{name} is {tensor.dtype} although built with dtype=torch.float64",
            )


def _in_dtype(subject: Subject, dtype: torch.dtype, tolerance: float) -> None:
    expected = subject.call(subject.module(), *subject.inputs())
    given = subject.call(subject.module(dtype=dtype), *subject.inputs(dtype))
    for y in given:
        if y.is_floating_point():
            require(y.dtype == dtype, f"the output is {y.dtype} although all was cast to {dtype}")
    close(given, expected, f"output in {dtype}", tolerance)


def _under_autocast(subject: Subject, dtype: torch.dtype) -> None:
    expected = subject.call(subject.module(), *subject.inputs())
    for arriving in (torch.float32, dtype):
        module = subject.module()
        with torch.autocast("cpu", dtype=dtype):
            given = subject.call(module, *subject.inputs(arriving))
        close(given, expected, f"output under autocast of inputs in {arriving}", 0.05)
        if any(y.requires_grad for y in given):
            weighted_sum(given).backward()
            finite(_gradients(module), "gradients under autocast")


def _gradients(module: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad for name, p in module.named_parameters() if p.grad is not None}


def _state(module: nn.Module) -> dict[str, Tensor]:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _on_meta(subject: Subject) -> nn.Module:
    if subject.takes("device"):
        return subject.factory(device="meta")
    with torch.device("meta"):
        return subject.factory()


def _spoil(module: nn.Module) -> None:
    with torch.no_grad():
        for tensor in _state(module).values():
            tensor.fill_(torch.nan if tensor.is_floating_point() else 1)
