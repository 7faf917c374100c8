"""A continuous piecewise-affine law as a ReLU network: the largest of some smallest affine pieces.

    u(θ) = max_i min_{j ∈ S_i} l_j(θ),        S_i = { j : l_j >= l_i on region i }

holds on region k if some j of each S_i has ``l_j <= l_k`` there, as the regions' vertices tell.
Where a pair (i, k) has no such j, its regions are cut along the pieces that cross them, which
settles it for every continuous law over a convex domain (Tarela and Martinez, Region configurations
for realizability of lattice piecewise-linear models, 1999).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64
from torch import nn

from provenn.control.door import Array, Indices, Mask
from provenn.control.polyhedra import Polytope

EQUAL = 1e-8
"""Pieces that differ by no more than this, relative to the law's size, count as equal."""

MOST_PARTS = 10_000
"""Parts into which the regions may be cut."""


def lattice_network(
    regions: Sequence[Polytope],
    gains: Float64[np.ndarray, "regions n_inputs state_dim"],
    intercepts: Float64[np.ndarray, "regions n_inputs"],
    bound: float,
) -> nn.Sequential:
    """The ReLU network of a continuous law over a convex domain.

    Args:
        regions: Bounded regions, each with an interior.
        gains: Gain of each region.
        intercepts: Intercept of each region.
        bound: At least the magnitude of every piece over the whole domain.

    Returns:
        Linear and ReLU layers in turn, in float64. Units that carry a value on are shifted by
        ``bound``, so that over the domain they are never negative.

    Raises:
        ValueError: If the law is not continuous, or its regions do not fill a convex domain.
    """
    tolerance = EQUAL * max(1.0, bound)
    pieces: list[Array] = []
    terms: list[list[int]] = []
    counts = []
    for output in range(gains.shape[1]):
        affine = np.column_stack([gains[:, output], intercepts[:, output]])
        distinct, sets = _lattice(regions, affine, tolerance, output)
        terms += [[len(pieces) + j for j in one] for one in sets]
        pieces += list(distinct)
        counts.append(len(sets))
    ordered = np.array([pieces[j] for term in terms for j in term])
    builder = _Builder(ordered, bound)
    builder.reduce([len(term) for term in terms], sign=-1.0)
    builder.reduce(counts, sign=1.0)
    return builder.network()


def _lattice(
    regions: Sequence[Polytope], affine: Array, tolerance: float, output: int
) -> tuple[Array, list[list[int]]]:
    """The distinct pieces of one output, and the sets of pieces whose minima are wanted."""
    pieces, own = _distinct(affine)
    parts = [_Part.of(region, int(i)) for region, i in zip(regions, own, strict=True)]
    while True:
        ahead = [part.corners @ (pieces - pieces[part.own]).T for part in parts]
        above = np.array([values.min(0) >= -tolerance for values in ahead])
        below = np.array([values.max(0) <= tolerance for values in ahead])
        open_pairs = above.astype(float) @ below.T.astype(float) == 0
        if not open_pairs.any():
            return pieces, _smallest(above)
        for chosen in (open_pairs.any(axis=1), open_pairs.any(axis=0)):
            halves = [
                _cut(part, pieces, values, tolerance) if split else [part]
                for part, values, split in zip(parts, ahead, chosen.tolist(), strict=True)
            ]
            if sum(map(len, halves)) > len(parts):
                break
        if not len(parts) < sum(map(len, halves)) <= MOST_PARTS:
            near = parts[int(open_pairs.any(axis=1).argmax())].corners[:, :-1].mean(0)
            raise ValueError(
                f"law must be continuous over a convex domain, got output {output}, which is not "
                f"near {near.round(6).tolist()}"
            )
        parts = [half for both in halves for half in both]


@dataclass(frozen=True, eq=False)
class _Part:
    """A polytope over which one piece is active, with its vertices as ``(θ, 1)``."""

    polytope: Polytope
    own: int
    corners: Array

    @classmethod
    def of(cls, polytope: Polytope, own: int) -> "_Part":
        """The part with its vertices worked out."""
        vertices = polytope.vertices()
        return cls(polytope, own, np.column_stack([vertices, np.ones(len(vertices))]))


def _cut(part: _Part, pieces: Array, ahead: Array, tolerance: float) -> list[_Part]:
    """The part on either side of the piece that crosses it most evenly; itself if none does."""
    crossing = np.minimum(ahead.max(0), -ahead.min(0))
    for most in np.argsort(-crossing):
        if crossing[most] <= tolerance:
            break
        line = pieces[most] - pieces[part.own]
        halves = [
            Polytope(
                np.vstack([part.polytope.A, sign * line[:-1]]),
                np.append(part.polytope.b, -sign * line[-1]),
            )
            for sign in (1.0, -1.0)
        ]
        if min(half.chebyshev()[1] for half in halves) > EQUAL:
            return [_Part.of(half, part.own) for half in halves]
    return [part]


def _distinct(affine: Array) -> tuple[Array, Indices]:
    """Rows that differ, and which of them each row is."""
    kept: list[Array] = []
    own = []
    for row in affine:
        scale = 1e-9 * max(1.0, float(np.abs(row).max()))
        same = [i for i, other in enumerate(kept) if np.abs(other - row).max() <= scale]
        if not same:
            kept.append(row)
        own.append(same[0] if same else len(kept) - 1)
    return np.array(kept), np.array(own)


def _smallest(above: Mask) -> list[list[int]]:
    """Sets of pieces that hold no other of the sets: the minimum over a larger one is no larger."""
    sets = sorted({frozenset(np.flatnonzero(row).tolist()) for row in above}, key=len)
    kept: list[frozenset[int]] = []
    for candidate in sets:
        if not any(other <= candidate for other in kept):
            kept.append(candidate)
    return sorted(sorted(term) for term in kept)


class _Builder:
    """Layers so far, and the current values as an affine map of the last one's units."""

    def __init__(self, pieces: Array, bound: float) -> None:
        self.bound = bound
        self.layers: list[tuple[Array, Array]] = []
        self.weight, self.bias = pieces[:, :-1], pieces[:, -1]

    def reduce(self, sizes: Sequence[int], sign: float) -> None:
        """Each run of values to its maximum (sign 1) or minimum (-1), in pairs, layer by layer."""
        while max(sizes) > 1:
            sizes = self._halve(sizes, sign)

    def _halve(self, sizes: Sequence[int], sign: float) -> list[int]:
        """One layer: ``a ± ReLU(±(b - a))`` of each pair ``a, b``; ``a`` of what has no partner."""
        units: list[tuple[int, int | None]] = []
        values: list[list[tuple[int, float]]] = []
        for start, size in zip(np.cumsum([0, *sizes[:-1]]), sizes, strict=True):
            for a in range(start, start + size, 2):
                partner = a + 1 if a + 1 < start + size else None
                units.append((a, None))
                values.append([(len(units) - 1, 1.0)])
                if partner is not None:
                    units.append((a, partner))
                    values[-1].append((len(units) - 1, sign))
        into, shift = np.zeros((len(units), len(self.bias))), np.zeros(len(units))
        for unit, (a, partner) in enumerate(units):
            if partner is None:
                into[unit, a], shift[unit] = 1.0, self.bound
            else:
                into[unit, [partner, a]] = sign, -sign
        self.layers.append((into @ self.weight, into @ self.bias + shift))
        self.weight, self.bias = np.zeros((len(values), len(units))), np.zeros(len(values))
        for value, parts in enumerate(values):
            self.bias[value] = -self.bound
            for unit, factor in parts:
                self.weight[value, unit] = factor
        return [(size + 1) // 2 for size in sizes]

    def network(self) -> nn.Sequential:
        """The layers, with a ReLU between each two."""
        modules: list[nn.Module] = []
        for weight, bias in (*self.layers, (self.weight, self.bias)):
            linear = nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(weight))
                linear.bias.copy_(torch.from_numpy(bias))
            modules += [linear.requires_grad_(False), nn.ReLU()]
        return nn.Sequential(*modules[:-1]).eval()
