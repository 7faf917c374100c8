"""The ways of conditioning that are compared, each as a module of images and a condition."""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from provenn.evidence.metrics import Competitor, Cost, Role
from provenn.hyper import HyperNetwork
from provenn.papers.hypernetworks.networks import Primary

HYPERLIGHT = importlib.util.find_spec("hyperlight") is not None
"""Whether the authors' library is installed (extra ``peers``)."""

MIP: dict[str, Any] = {}
DEFAULT: dict[str, Any] = {"encoding": "none", "residual": False}


class Conditioned(nn.Module):
    """A network whose parameters a hypernetwork predicts."""

    def __init__(self, hyper: HyperNetwork) -> None:
        super().__init__()
        self.hyper = hyper

    def forward(self, x: Tensor, gamma: Tensor, *args: Tensor) -> Tensor:
        """Output for one condition, or for equal shares of the rows under each of several."""
        if gamma.ndim == 1:
            return self.hyper.call(x, *args, gamma=gamma)  # type: ignore[no-any-return]
        parts = x.unflatten(0, (len(gamma), -1))
        call = partial(functional_call, self.hyper.primary)
        return vmap(call)(self.hyper(gamma), parts).flatten(0, 1)  # type: ignore[no-any-return]


class Official(nn.Module):
    """The same with the authors' library, as its README puts it to use."""

    def __init__(self, primary: Primary, d: int) -> None:
        from hyperlight import HyperNet, hypernetize
        from hyperlight.find import find_parameters_from_patterns

        super().__init__()
        network = primary.network()
        chosen = find_parameters_from_patterns(network, globs=list(primary.predicted or ("*",)))
        ordered = [p for name, p in network.named_parameters() if name in chosen]
        self.primary = hypernetize(network, parameters=ordered)
        self.hyper = HyperNet(
            input_shapes={"gamma": (d,)},
            output_shapes=self.primary.external_shapes(),
            hidden_sizes=[16, 128],
        )

    def forward(self, x: Tensor, gamma: Tensor, *args: Tensor) -> Tensor:
        """Output for one condition."""
        with self.primary.using_externals(self.hyper(gamma=gamma)):
            return self.primary(x, *args)  # type: ignore[no-any-return]


class Concatenated(nn.Module):
    """A network that reads the condition as further channels of its input."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, gamma: Tensor) -> Tensor:
        """Output for one condition."""
        planes = gamma[None, :, None, None].expand(len(x), -1, *x.shape[2:])
        return self.network(torch.cat([x, planes], 1))  # type: ignore[no-any-return]


class Unconditioned(nn.Module):
    """An ordinary network, which hears nothing of the condition."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, gamma: Tensor, *args: Tensor) -> Tensor:
        """Output, whatever the condition."""
        return self.network(x, *args)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Method:
    """A way of conditioning.

    Args:
        name: Identifier.
        label: What the page calls it.
        role: Its part in the comparison.
        build: Makes the module from a network and the number of entries of the condition.
        package: Distribution that provides it, when that is third-party.
    """

    name: str
    label: str
    role: Role
    build: Callable[[Primary, int], nn.Module]
    package: str = ""

    def competitor(self, quality: Mapping[str, float], cost: Cost) -> Competitor:
        """The method as it did in a stage."""
        return Competitor(
            name=self.name,
            label=self.label,
            role=self.role,
            quality=quality,
            cost=cost,
            package=self.package,
        )


def hyper(primary: Primary, d: int, *, film: bool = False, **options: Any) -> Conditioned:
    """Hypernetwork over a network; with ``film`` over its scales and shifts alone."""
    options.setdefault("parameters", primary.predicted)
    return Conditioned(HyperNetwork(primary.network(film=film), {"gamma": d}, **options))


def methods(ours: dict[str, Any]) -> dict[str, Method]:
    """Every method by its name.

    Args:
        ours: Options of the hypernetwork that the page praises: ``MIP``, or ``DEFAULT`` as its
            negative control.
    """
    film: dict[str, Any] = {
        "encoding": "none",
        "base": "given",
        "output_init": "zero",
        "parameters": ("*.scale", "*.shift"),
    }

    def concatenated(primary: Primary, d: int) -> nn.Module:
        return Concatenated(primary.network(d))

    def ordinary(primary: Primary, d: int) -> nn.Module:
        return Unconditioned(primary.network())

    def fan(init: str) -> Callable[[Primary, int], nn.Module]:
        return partial(hyper, **DEFAULT, output_init=init)

    everyone = [
        Method("mip", "MIP", "method", partial(hyper, **ours)),
        Method("default", "default hypernetwork", "peer", partial(hyper, **DEFAULT)),
        Method(
            "encoding", "circle encoding alone", "baseline",
            partial(hyper, encoding="circle", residual=False),
        ),
        Method(
            "residual", "residual form alone", "baseline",
            partial(hyper, encoding="none", residual=True),
        ),
        Method("mip-scaled", "MIP, encoding / sqrt(d)", "method",
               partial(hyper, **ours, unit_norm=ours == MIP)),
        Method("hyperfan-in", "default, HyperFan-in", "peer", fan("hyperfan_in")),
        Method("hyperfan-out", "default, HyperFan-out", "peer", fan("hyperfan_out")),
        Method("low-rank", "residual, rank 4", "peer",
               partial(hyper, encoding="none", residual=True, rank=4)),
        Method("film", "FiLM", "peer", partial(hyper, film=True, **film)),
        Method("concat", "input concatenation", "peer", concatenated),
        Method("ordinary", "ordinary network", "oracle", ordinary),
    ]  # fmt: skip
    if HYPERLIGHT:
        official = Method("hyperlight", "MIP in HyperLight", "peer", Official, "hyperlight")
        everyone.insert(2, official)
    return {method.name: method for method in everyone}


def parameter_count(model: nn.Module) -> int:
    """Trainable numbers."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
