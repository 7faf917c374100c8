"""Turn the layers of an existing network into hypercomplex ones, and back into dense ones."""

import copy
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from torch import nn

from provenn.nn.hypercomplex.checks import check_choice, check_flag, check_positive_int
from provenn.nn.hypercomplex.layers import (
    INITS,
    Init,
    PHConv1d,
    PHConv2d,
    PHConv3d,
    PHLinear,
)

_REPLACEMENTS: dict[type[nn.Module], Any] = {
    nn.Linear: PHLinear,
    nn.Conv1d: PHConv1d,
    nn.Conv2d: PHConv2d,
    nn.Conv3d: PHConv3d,
}


@dataclass(frozen=True)
class Conversion:
    """What :func:`convert_to_ph` made.

    Args:
        model: The converted network.
        converted: Names of the layers that were replaced.
        skipped: Name of each other linear or convolution layer to the reason why it stayed.
        parameters: Trainable numbers before and after.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a number of parameters is negative.
    """

    model: nn.Module
    converted: tuple[str, ...]
    skipped: dict[str, str]
    parameters: tuple[int, int]

    def __post_init__(self) -> None:
        _check_module(self.model)
        _check_names("converted", self.converted, tuple, "a tuple")
        skipped = self.skipped
        if not isinstance(skipped, dict) or not all(
            isinstance(text, str) for pair in skipped.items() for text in pair
        ):
            raise TypeError(f"skipped must map names to reasons, got {skipped!r}")
        counts = self.parameters
        if not isinstance(counts, tuple) or [type(count) for count in counts] != [int, int]:
            raise TypeError(f"parameters must be two integers, before and after, got {counts!r}")
        if min(counts) < 0:
            raise ValueError(f"parameters must each be at least 0, got {counts}")

    def __str__(self) -> str:
        before, after = self.parameters
        lines = [
            f"{len(self.converted)} of {len(self.converted) + len(self.skipped)} layers converted; "
            f"parameters {before:,} -> {after:,}"
        ]
        lines += [f"  kept {name}: {reason}" for name, reason in self.skipped.items()]
        return "\n".join(lines)


def convert_to_ph(
    model: nn.Module,
    n: int,
    *,
    init: Init = "official",
    keep: Collection[str] = (),
    keep_first: bool = False,
    keep_last: bool = True,
) -> Conversion:
    """Copy a network with its linear and convolution layers replaced by hypercomplex ones.

    The new layers have the old ones' sizes, options, device, dtype and mode, and fresh weights: the
    network has to be trained. A layer stays as it is, and is listed with the reason, if ``n`` does
    not divide its sizes, if its parameters are shared or parameterized, or if it is of a subclass.

    Args:
        model: Network, or a single layer; it is not changed.
        n: Number of blocks of the new layers.
        init: Initialisation of the new layers, see :class:`PHConv2d`.
        keep: Names of layers to keep, as ``model.named_modules()`` has them.
        keep_first: Whether to keep the first layer that could be replaced.
        keep_last: Whether to keep the last one, as a rule the classifier.

    Returns:
        The new network with a report; ``print`` shows it.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If ``n`` is below 1, or a name in ``keep`` is not a linear or convolution layer.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(4, 8, 3), nn.Flatten(), nn.LazyLinear(10))
        >>> result = convert_to_ph(net, n=2, keep_last=False)
        >>> print(result)
        1 of 2 layers converted; parameters 296 -> 160
          kept 2: LazyLinear has no sizes yet
    """
    _check_module(model)
    check_positive_int("n", n)
    check_choice("init", init, INITS)
    check_flag("keep_first", keep_first)
    check_flag("keep_last", keep_last)
    _check_names("keep", keep, Collection, "a collection")
    model = copy.deepcopy(model)
    layers = {
        name: module
        for name, module in model.named_modules(remove_duplicate=False)
        if isinstance(module, tuple(_REPLACEMENTS))
    }
    for name in keep:
        if name not in layers:
            raise ValueError(
                f"keep must name linear or convolution layers, got {name!r}; "
                f"accepted: {', '.join(layers) or 'none'}"
            )
    kept = dict.fromkeys(keep, "named in keep")
    if layers and keep_first:
        kept.setdefault(next(iter(layers)), "the first layer")
    if layers and keep_last:
        kept.setdefault(next(reversed(layers)), "the last layer")
    uses = _uses(model)
    before = _trainable(model)
    replaced: dict[int, nn.Module] = {}
    skipped: dict[str, str] = {}
    for name, layer in layers.items():
        reason = kept.get(name) or _obstacle(layer, n, uses)
        if reason:
            skipped[name] = reason
            continue
        if id(layer) not in replaced:
            replaced[id(layer)] = _to_ph(layer, n, init)
        model = _put(model, name, replaced[id(layer)])
    converted = tuple(name for name in layers if name not in skipped)
    return Conversion(model, converted, skipped, (before, _trainable(model)))


def convert_to_dense(model: nn.Module) -> nn.Module:
    """Copy a network with its hypercomplex layers replaced by ordinary ones of the same output.

    Args:
        model: Network, or a single layer; it is not changed.

    Returns:
        The network to deploy: no weight is built when it runs.

    Raises:
        TypeError: If ``model`` is not a module.

    Example:
        >>> convert_to_dense(nn.Sequential(PHLinear(4, 6, n=2)))
        Sequential(
          (0): Linear(in_features=4, out_features=6, bias=True)
        )
    """
    _check_module(model)
    model = copy.deepcopy(model)
    dense: dict[int, nn.Module] = {}
    for name, module in [*model.named_modules(remove_duplicate=False)]:
        if isinstance(module, (PHLinear, PHConv1d, PHConv2d, PHConv3d)):
            model = _put(model, name, dense.setdefault(id(module), module.to_dense()))
    return model


def _check_module(model: Any) -> None:
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}")


def _check_names(name: str, value: Any, kind: type[Any], described: str) -> None:
    if (
        isinstance(value, str)
        or not isinstance(value, kind)
        or not all(isinstance(item, str) for item in value)
    ):
        raise TypeError(f"{name} must be {described} of names, got {value!r}")


def _uses(model: nn.Module) -> dict[int, set[int]]:
    """Parameter to the modules that hold it."""
    uses: dict[int, set[int]] = {}
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            uses.setdefault(id(parameter), set()).add(id(module))
    return uses


def _obstacle(layer: Any, n: int, uses: dict[int, set[int]]) -> str:
    """Why a layer cannot be replaced; empty if it can."""
    if any(isinstance(p, nn.UninitializedParameter) for p in layer.parameters()):
        return f"{type(layer).__name__} has no sizes yet"
    if type(layer) not in _REPLACEMENTS:
        return f"{type(layer).__name__} is a subclass or parameterized"
    if any(len(uses[id(p)]) > 1 for p in layer.parameters()):
        return "its parameters are shared with another layer"
    if not layer.weight.is_floating_point():
        return f"its dtype is {layer.weight.dtype}"
    out, into, *_ = layer.weight.shape
    if out % n or into % n or (out // n) % getattr(layer, "groups", 1):
        groups = getattr(layer, "groups", 1)
        grouped = f" in {groups} groups" if groups > 1 else ""
        return f"n = {n} does not divide {into * groups} -> {out}{grouped}"
    return ""


def _to_ph(layer: Any, n: int, init: Init) -> nn.Module:
    options = {
        "bias": layer.bias is not None,
        "device": layer.weight.device,
        "dtype": layer.weight.dtype,
        "n": n,
        "init": init,
    }
    new: nn.Module
    if isinstance(layer, nn.Linear):
        new = PHLinear(layer.in_features, layer.out_features, **options)
    else:
        new = _REPLACEMENTS[type(layer)](
            layer.in_channels,
            layer.out_channels,
            layer.kernel_size,
            layer.stride,
            layer.padding,
            layer.dilation,
            layer.groups,
            padding_mode=layer.padding_mode,
            **options,
        )
    return new.train(layer.training)


def _put(model: nn.Module, name: str, module: nn.Module) -> nn.Module:
    """Replace a submodule; an empty name is the model itself."""
    if not name:
        return module
    parent, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(parent), attribute, module)
    return model


def _trainable(model: nn.Module) -> int:
    return sum(
        p.numel()
        for p in model.parameters()
        if p.requires_grad and not isinstance(p, nn.UninitializedParameter)
    )
