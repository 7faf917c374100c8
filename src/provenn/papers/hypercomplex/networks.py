"""The networks that the page compares, and their numbers of parameters."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn

from provenn.evidence.metrics import Metrics, Role
from provenn.nn import PHConv2d, ResNet, ph_resnet18, ph_resnet50, ph_resnet152
from provenn.papers.classification import Entry, match_scale, parameters
from provenn.papers.classification.convolutions import (
    TENSORLY_TORCH,
    Convolution,
    front_padded,
    grouped,
    plain,
    separable,
    small_cnn,
    tucker,
)

BLOCKS = (2, 3, 4)
"""The n that are compared."""

NATURAL = 3
"""The n whose number of parameters the peers are held to: that of RGB."""

COUNTS = {
    (ph_resnet18, 2): 5_450_906,
    (ph_resnet18, 3): 3_640_594,
    (ph_resnet18, 4): 2_736_258,
    (ph_resnet50, 2): 11_331_446,
    (ph_resnet50, 3): 7_587_841,
    (ph_resnet50, 4): 5_717_766,
    (ph_resnet152, 2): 26_648_102,
    (ph_resnet152, 3): 17_847_235,
    (ph_resnet152, 4): 13_451_334,
}
"""Parameters of the authors' classes, their unused bias vectors included."""


@dataclass(frozen=True)
class Architecture:
    """One topology, filled with any convolution.

    Args:
        depths: Residual blocks of each stage, for RGB images; empty for a small CNN on grey ones,
            whose stem is an ordinary convolution.
        widths: Channels of each stage.
        identity: Whether the method's algebra is fixed at unit matrices (negative control).
        kronecker: Whether the method's weights are sums of Kronecker products (no: negative
            control).
    """

    depths: tuple[int, ...]
    widths: tuple[int, ...]
    identity: bool = False
    kronecker: bool = True

    def padding(self, n: int) -> int:
        """Zero channels that ``n`` blocks need in front of the image's."""
        return -3 % n if self.depths else 0

    def build(self, convolution: Convolution, n: int = 1) -> nn.Module:
        """The network with a convolution that works on ``n`` blocks."""
        if not self.depths:
            return small_cnn(convolution, (self.widths[0], self.widths[1]), 10)
        padding = self.padding(n)
        network = ResNet(convolution, "basic", self.depths, self.widths, 3 + padding)
        return front_padded(padding, network)

    def hypercomplex(self, n: int) -> nn.Module:
        """The method's network, or what a negative control leaves of it."""
        if not self.kronecker:
            return self.build(plain)
        unit = torch.eye(n).expand(n, n, n)
        return self.build(ph_convolution(n, unit if self.identity else None), n)

    def matched(self, convolution: Convolution) -> nn.Module:
        """The network with its widths scaled to the method's number of parameters at n = 3."""

        def build(scale: float) -> nn.Module:
            widths = tuple(max(1, round(scale * width)) for width in self.widths)
            return replace(self, widths=widths).build(convolution)

        return build(match_scale(build, self.target()))

    def factorized(self) -> nn.Module:
        """The network in Tucker form, its rank set for the method's number of parameters."""

        def build(rank: float) -> nn.Module:
            return self.build(tucker(min(rank, 1.0)))

        return build(match_scale(build, self.target()))

    def target(self) -> int:
        """Parameters of the method's network at n = 3; the generators are left as they were."""
        with torch.random.fork_rng(devices=[]):
            return parameters(replace(self, kronecker=True, identity=False).hypercomplex(NATURAL))


def ph_convolution(n: int, algebra: torch.Tensor | str | None = None) -> Convolution:
    """PHConv2d as a factory; a given algebra is fixed."""

    def convolution(inputs: int, outputs: int, kernel_size: int, stride: int) -> nn.Module:
        return PHConv2d(
            inputs,
            outputs,
            kernel_size,
            stride,
            kernel_size // 2,
            bias=False,
            n=n,
            algebra=algebra,
            learn_algebra=algebra is None,
        )

    return convolution


def competitors(of: Architecture, *, peers: bool) -> list[Entry]:
    """The method for every n, the real and the quaternion network, and the other peers.

    Args:
        of: Topology that all of them share.
        peers: Whether the others are among them; the one that needs tensorly-torch only if that is
            installed.
    """

    def entry(
        name: str,
        label: str,
        build: Callable[[], nn.Module],
        n: int = 1,
        role: Role = "peer",
        package: str = "",
    ) -> Entry:
        quality = {"padding_channels": float(of.padding(n))}
        return Entry(
            name=name, label=label, build=build, role=role, package=package, quality=quality
        )

    hamilton = ph_convolution(4, "quaternion")
    entries = [
        *(
            entry(f"phc-n{n}", f"PHC, n = {n}", partial(of.hypercomplex, n), n, "method")
            for n in BLOCKS
        ),
        entry("real", "real", partial(of.build, plain), package="torch"),
        entry("quaternion", "quaternion", partial(of.build, hamilton, 4), 4),
    ]
    if not peers:
        return entries
    narrow, wide = partial(of.matched, plain), partial(of.matched, separable)
    groups = partial(of.build, grouped(NATURAL))
    entries += [
        entry("real-narrow", "real, narrowed", narrow, role="baseline", package="torch"),
        entry("grouped", f"{NATURAL} groups", groups, package="torch"),
        entry("separable", "depthwise-separable", wide, package="torch"),
    ]
    if TENSORLY_TORCH:
        entries.append(entry("tucker", "Tucker, low rank", of.factorized, package="tensorly-torch"))
    return entries


def count(of: Architecture) -> Metrics:
    """Parameters of the replaced convolutions against 1/n, and of the authors' networks.

    Returns:
        ``parameter_excess``: the largest over n of ``n (parameters - n^3 of each layer's algebra) /
        (parameters of the real layers) - 1``; ``count_error``: the largest difference to the
        authors' counts.
    """

    def weights(network: nn.Module) -> tuple[int, int]:
        layers = [
            parameters(m)
            for m in network.modules()
            if isinstance(m, (nn.Conv2d, PHConv2d)) and (of.depths or m.in_channels > 1)
        ]
        return sum(layers), len(layers)

    real, _ = weights(of.build(plain))
    values = {}
    for n in BLOCKS:
        found, layers = weights(of.hypercomplex(n))
        matrices = n**3 * layers if of.kronecker and not of.identity else 0
        values[f"parameter_excess_n{n}"] = n * (found - matrices) / real - 1
    errors = []
    with torch.device("meta"):
        for (build, n), expected in COUNTS.items():
            network = build(n=n if of.kronecker else 1, bias=True)
            errors.append(abs(parameters(network) - expected))
    return Metrics(
        values={
            "parameter_excess": max(values.values()),
            "count_error": float(max(errors)),
            **values,
        }
    )
