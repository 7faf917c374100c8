"""Random piecewise-affine laws, and their evaluation region by region."""

import numpy as np
import torch

from provenn.control import PiecewiseAffine, Polytope
from provenn.control.piecewise import Region


def random_regions(seed: int, n: int, m: int, cuts: int) -> list[Region]:
    """Parts of a box, cut by random planes, each with a random law: discontinuous as a rule."""
    rng = np.random.default_rng(seed)
    box = Polytope.box(-np.ones(n), np.ones(n))
    parts = [(box.A, box.b)]
    for _ in range(cuts):
        normal, offset = rng.normal(size=n), rng.uniform(-0.5, 0.5)
        halves = [
            (np.vstack([A, sign * normal]), np.append(b, sign * offset))
            for A, b in parts
            for sign in (1.0, -1.0)
        ]
        parts = [part for part in halves if Polytope(*part).chebyshev()[1] > 1e-3]
    order = rng.permutation(len(parts))
    return [(*parts[i], rng.normal(size=(m, n)), rng.normal(size=m)) for i in order]


def random_law(seed: int, n: int, m: int, cuts: int, **options: object) -> PiecewiseAffine:
    """The law of random parts of the box ``[-1, 1]^n``."""
    return PiecewiseAffine.from_regions(random_regions(seed, n, m, cuts), **options)


def evaluated(law: PiecewiseAffine, points: torch.Tensor) -> torch.Tensor:
    """The law, one region at a time, from the last to the first; zero outside."""
    outputs = torch.zeros(len(points), law.n_inputs, dtype=points.dtype)
    for i in reversed(range(law.n_regions)):
        rows = int(law.rows[i])
        E, f = law.normals[:rows, i], law.offsets[:rows, i]
        held = (points @ E.T <= f + law.tolerance).all(-1)
        outputs[held] = points[held] @ law.gains[i].T + law.intercepts[i]
    return outputs


def facet_points(law: PiecewiseAffine, count: int, seed: int = 0) -> torch.Tensor:
    """Points on the facets of every region: random mixtures of the corners of each facet."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(law.n_regions):
        region = law.region(i)
        corners = region.vertices()
        for normal, offset in zip(region.A, region.b, strict=True):
            on = corners[np.abs(corners @ normal - offset) <= 1e-9]
            if len(on):
                found.append(rng.dirichlet(np.ones(len(on)), count) @ on)
    return torch.from_numpy(np.vstack(found))
