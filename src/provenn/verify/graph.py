"""A traced network: a short list of nodes in the order in which they are computed."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from provenn.verify.operators import LinearOperator, Shape


@dataclass(frozen=True, eq=False)
class Node:
    """One value that the network computes.

    Args:
        parents: Positions of the nodes that it is computed from.
        shape: Shape of one value, without the batch.
    """

    parents: tuple[int, ...]
    shape: Shape

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(torch.Size(self.shape).numel())


@dataclass(frozen=True, eq=False)
class Input(Node):
    """The network's input."""


@dataclass(frozen=True, eq=False)
class Affine(Node):
    """``W h + b``."""

    operator: LinearOperator


@dataclass(frozen=True, eq=False)
class ReLU(Node):
    """``max(z, slope · z)`` with ``0 <= slope <= 1``; 0 is the plain ReLU."""

    slope: float


@dataclass(frozen=True, eq=False)
class Add(Node):
    """Sum of its parents."""


@dataclass(frozen=True, eq=False)
class Graph:
    """A network as nodes, the input first and the output last.

    Args:
        nodes: Nodes in topological order.
        like: An empty tensor that carries the network's dtype and device.
    """

    nodes: tuple[Node, ...]
    like: Tensor

    @property
    def in_shape(self) -> Shape:
        """Shape of one input."""
        return self.nodes[0].shape

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return self.nodes[-1].size

    @cached_property
    def relus(self) -> dict[int, ReLU]:
        """The ReLU nodes by position."""
        return {i: node for i, node in enumerate(self.nodes) if isinstance(node, ReLU)}

    @cached_property
    def last_use(self) -> tuple[int, ...]:
        """For each node, the last position that reads it (its own where none does)."""
        last = list(range(len(self.nodes)))
        for i, node in enumerate(self.nodes):
            for parent in node.parents:
                last[parent] = i
        return tuple(last)

    @cached_property
    def depends_on_relu(self) -> tuple[bool, ...]:
        """For each node, whether a ReLU lies between the input and it (itself included)."""
        depends: list[bool] = []
        for node in self.nodes:
            depends.append(isinstance(node, ReLU) or any(depends[p] for p in node.parents))
        return tuple(depends)

    def readers(self, position: int) -> list[int]:
        """Positions of the nodes that read a node."""
        return [i for i, node in enumerate(self.nodes) if position in node.parents]

    def widths(self, position: int = 0) -> tuple[int, int]:
        """Largest node from ``position`` on: of all, and of those that follow a ReLU."""
        sizes = [
            (node.size, after) for node, after in zip(self.nodes, self.depends_on_relu, strict=True)
        ]
        return (
            max(size for size, _ in sizes[position:]),
            max((size for size, after in sizes[position:] if after), default=1),
        )

    def values(self, x: Float[Tensor, "batch ..."]) -> list[Tensor]:
        """Value of every node, as the network was traced."""
        values = [x]
        for node in self.nodes[1:]:
            read = [values[p] for p in node.parents]
            if isinstance(node, Affine):
                bias = node.operator.bias
                value = node.operator.apply(read[0])
                values.append(value if bias is None else value + bias)
            elif isinstance(node, ReLU):
                values.append(torch.nn.functional.leaky_relu(read[0], node.slope))
            else:
                values.append(torch.stack(read).sum(0))
        return values
