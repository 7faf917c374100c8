"""The exact local Lipschitz constant of a tiny network, region by linear region.

A ReLU network is affine on each set of inputs that share an activation pattern. The patterns that
occur inside the box are found depth first: one linear program asks for each sign of each unstable
neuron whether some ball fits on that side (a region without interior has no say in a supremum). The
number of regions grows like (neurons)^(inputs): a dozen unstable neurons are cheap, fifty are not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.optimize import linprog
from torch import Tensor

from provenn.verify.backward import Norm
from provenn.verify.forward import States
from provenn.verify.graph import Affine, Graph
from provenn.verify.region import Region

MARGIN = 1e-7
"""Radius, relative to the box, below which a region counts as having no interior."""


@dataclass(frozen=True, eq=False)
class Cell:
    """Half-spaces ``normals @ y + offsets >= 0`` in the unit box ``[-1, 1]^d``, and a ball inside.

    Args:
        normals: ``(n, d)``, of unit length.
        offsets: ``(n,)``.
        centre: A point of the box.
        radius: Distance of the centre to the nearest half-space's border; negative if outside.
    """

    normals: NDArray[np.float64]
    offsets: NDArray[np.float64]
    centre: NDArray[np.float64]
    radius: float

    @classmethod
    def box(cls, d: int) -> "Cell":
        """The whole box."""
        return cls(np.zeros((0, d)), np.zeros(0), np.zeros(d), np.inf)

    def cut(self, normals: NDArray[np.float64], offsets: NDArray[np.float64]) -> "Cell":
        """The cell inside more half-spaces, with its largest ball unless the present one will do.

        A half-space that does not depend on ``y`` holds everywhere or nowhere.
        """
        length = np.linalg.norm(normals, axis=1)
        constant = length <= 1e-12 * np.maximum(1, np.abs(offsets))
        if (offsets[constant] < 0).any():
            return replace(self, radius=-np.inf)
        scale = length[~constant]
        unit = normals[~constant] / scale[:, None]
        cell = replace(
            self,
            normals=np.r_[self.normals, unit],
            offsets=np.r_[self.offsets, offsets[~constant] / scale],
        )
        distance = cell.normals @ self.centre + cell.offsets
        radius = float(distance.min(initial=np.inf))
        return replace(cell, radius=radius) if radius > MARGIN else cell.recentred()

    def recentred(self) -> "Cell":
        """The same cell with the largest ball whose centre lies in the box, by a linear program."""
        d = self.normals.shape[1]
        solution = linprog(
            np.r_[np.zeros(d), -1.0],
            A_ub=np.c_[-self.normals, np.ones(len(self.normals))],
            b_ub=self.offsets,
            bounds=[(-1, 1)] * d + [(None, None)],
            method="highs",
        )
        if solution.x is None:
            raise RuntimeError(f"the linear program of a region failed: {solution.message}")
        return replace(self, centre=solution.x[:-1], radius=float(solution.x[-1]))


def exact_constants(
    graph: Graph, region: Region, states: States, norm: Norm = "inf", max_regions: int = 100_000
) -> Float[Tensor, " outputs"]:
    """Largest gradient norm of each output over the linear regions that meet the box.

    Args:
        graph: Traced network.
        region: One box.
        states: Proven states of the neurons; only the unstable ones are decided by programs.
        norm: Norm of the gradient.
        max_regions: Give up beyond this number of regions.

    Raises:
        ValueError: If there are more regions than ``max_regions``.
    """
    walk = _Walk(graph, region)
    best = graph.like.new_zeros(graph.n_outputs)
    regions = _linear_regions(walk, 1, Cell.box(walk.d), states)
    for count, jacobian in enumerate(regions, start=1):
        if count > max_regions:
            raise ValueError(
                f"max_regions must be at least the number of linear regions inside the box, got "
                f"{max_regions}; shrink the region or use method='crown' with branch_and_bound"
            )
        norms = jacobian.abs().sum(1) if norm == "inf" else jacobian.norm(dim=1)
        best = torch.maximum(best, norms)
    return best


def pattern_margin(graph: Graph, region: Region, states: States, splits: States) -> float:
    """Radius of the part of one box where every neuron of ``splits`` has its sign.

    Args:
        graph: Traced network.
        region: One box.
        states: A state for every neuron, none unstable.
        splits: Neurons whose sign is demanded (non-zero entries).

    Returns:
        Radius of a ball inside, relative to the box; negative where the signs contradict each
        other.
    """
    walk = _Walk(graph, region)
    normals, offsets = [np.zeros((0, walk.d))], [np.zeros(0)]
    for position in range(1, len(graph.nodes)):
        if position in graph.relus:
            before, at_zero = walk.before(position)
            sign = splits[position].flatten().cpu().double().numpy()
            demanded = sign.nonzero()[0]
            normals.append(sign[demanded, None] * before[demanded])
            offsets.append(sign[demanded] * at_zero[demanded])
            walk.activate(position, states[position].flatten())
        else:
            walk.advance(position)
    return Cell.box(walk.d).cut(np.concatenate(normals), np.concatenate(offsets)).radius


class _Walk:
    """Every node as an affine function of ``y``, where ``x = centre + radius * y``.

    A node is held as ``d + 1`` values: its change with each ``y_k``, and its value at 0; beside
    them stands its Jacobian with respect to ``x``.
    """

    def __init__(self, graph: Graph, region: Region) -> None:
        self.graph = graph
        self.d = graph.nodes[0].size
        lo, hi = region.lo.flatten(), region.hi.flatten()
        rows = torch.cat([torch.diag((hi - lo) / 2), ((lo + hi) / 2)[None]])
        identity = torch.eye(self.d, dtype=lo.dtype, device=lo.device)
        self.values = {0: rows.reshape(-1, *graph.in_shape)}
        self.jacobians = {0: identity.reshape(-1, *graph.in_shape)}

    def advance(self, position: int) -> None:
        """Compute a node that is not a ReLU."""
        node = self.graph.nodes[position]
        for store in (self.values, self.jacobians):
            read = [store[p] for p in node.parents]
            if isinstance(node, Affine):
                store[position] = node.operator.apply(read[0])
            else:
                store[position] = torch.stack(read).sum(0)
        if isinstance(node, Affine) and node.operator.bias is not None:
            self.values[position][-1] += node.operator.bias

    def before(self, position: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Normals and offsets of the values that a ReLU reads."""
        rows = self.values[self.graph.nodes[position].parents[0]].flatten(1).cpu().double()
        return rows[:-1].T.numpy(), rows[-1].numpy()

    def activate(self, position: int, state: Tensor) -> None:
        """Compute a ReLU whose neurons are all decided."""
        node = self.graph.relus[position]
        source = self.values[node.parents[0]]
        factor = torch.where(state > 0, source.new_ones(()), node.slope).reshape(node.shape)
        for store in (self.values, self.jacobians):
            store[position] = store[node.parents[0]] * factor


def _linear_regions(
    walk: _Walk, position: int, cell: Cell, states: States
) -> Iterator[Float[Tensor, "outputs inputs"]]:
    """Jacobian of every linear region in a cell, with every node before ``position`` computed."""
    if position == len(walk.graph.nodes):
        yield walk.jacobians[position - 1].flatten(1).T
    elif position not in walk.graph.relus:
        walk.advance(position)
        yield from _linear_regions(walk, position + 1, cell, states)
    else:
        state = states[position].flatten()
        undecided = (state == 0).nonzero().squeeze(1).tolist()
        normals, offsets = walk.before(position)
        for signs, part in _sign_patterns(undecided, normals, offsets, cell):
            decided = state.clone()
            decided[undecided] = torch.tensor(signs, dtype=state.dtype, device=state.device)
            walk.activate(position, decided)
            yield from _linear_regions(walk, position + 1, part, states)


def _sign_patterns(
    neurons: list[int], normals: NDArray[np.float64], offsets: NDArray[np.float64], cell: Cell
) -> Iterator[tuple[list[int], Cell]]:
    """Signs that the neurons take together somewhere in the cell, each with its part of it."""
    if not neurons:
        yield [], cell
        return
    first, *rest = neurons
    for sign in (1, -1):
        part = cell.cut(sign * normals[first, None], sign * offsets[first, None])
        if part.radius > MARGIN:
            for signs, smaller in _sign_patterns(rest, normals, offsets, part):
                yield [sign, *signs], smaller
