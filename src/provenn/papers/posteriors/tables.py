"""Small binary problems: a few labelled rows of a table, and further rows to be classified."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from provenn.data import load
from provenn.evidence.page import Context
from provenn.papers.posteriors.problems import Problems

BUNDLED: Mapping[str, tuple[str, tuple[int, int]]] = {
    "breast-cancer": ("breast_cancer", (0, 1)),
    "wine-0-1": ("wine", (0, 1)),
    "wine-1-2": ("wine", (1, 2)),
    "iris-1-2": ("iris", (1, 2)),
    "digits-1-7": ("digits", (1, 7)),
    "digits-3-8": ("digits", (3, 8)),
    "digits-4-9": ("digits", (4, 9)),
}
"""Problems whose data scikit-learn brings along: name, set, and the two classes of it."""

TABLES: Mapping[str, tuple[str, tuple[int, int]]] = {
    **BUNDLED,
    **{
        name: (name, (0, 1))
        for name in (
            "australian", "german", "heart", "ionosphere", "splice", "fourclass", "magic",
            "vertebral",
        )
    },
    "pima-diabetes": ("pima_diabetes", (0, 1)),
    "satimage-3-4": ("satimage", (2, 3)),
    "letter-i-j": ("letter", (8, 9)),
    "letter-o-q": ("letter", (14, 16)),
    "penbased-5-9": ("penbased", (5, 9)),
}  # fmt: skip
"""All problems; none has more than 64 features."""


@dataclass(frozen=True, eq=False)
class Table:
    """All rows of two classes.

    Attributes:
        name: Name of the problem.
        x: Features in their own units; none is constant.
        y: 0 or 1.
    """

    name: str
    x: Float64[np.ndarray, "n d"]
    y: Int64[np.ndarray, " n"]


def load_table(name: str, ctx: Context) -> Table:
    """Load a problem.

    Raises:
        ValueError: No problem has that name.
    """
    if name not in TABLES:
        raise ValueError(f"name must be one of {', '.join(TABLES)}, got {name!r}")
    dataset, classes = TABLES[name]
    everything = ctx.uses(load(dataset, "all"))
    kept = np.isin(everything.y, classes)
    x = everything.x[kept].reshape(kept.sum(), -1).astype(np.float64)
    y = (everything.y[kept] == classes[1]).astype(np.int64)
    return Table(name, x[:, np.ptp(x, axis=0) > 0], y)


def draw_subset(table: Table, seed: int, *, labelled: int = 30, queries: int = 200) -> Problems:
    """Draw labelled rows and queries, disjoint, both with as many rows of either class.

    The labelled rows alternate between the classes. Features that are constant among them stay.

    Args:
        table: The problem.
        seed: Seed of the draw.
        labelled: Labelled rows.
        queries: Queries at most; fewer where the smaller class runs out.

    Returns:
        One data set.

    Raises:
        ValueError: ``labelled`` or ``queries`` is odd or below 2, or the table too small.
    """
    for what, count in (("labelled", labelled), ("queries", queries)):
        if count < 2 or count % 2:
            raise ValueError(f"{what} must be even and at least 2, got {count}")
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(np.flatnonzero(table.y == c)) for c in (0, 1)]
    smaller = min(len(r) for r in rows)
    if smaller <= labelled // 2:
        raise ValueError(
            f"labelled must be below twice the rows of the smaller class, {2 * smaller} in "
            f"{table.name}, got {labelled}"
        )
    last = min(smaller, (labelled + queries) // 2)
    order = np.stack([r[:last] for r in rows], axis=1).ravel()
    x, y = table.x[None, order], table.y[None, order].astype(np.float64)
    return Problems(x[:, :labelled], y[:, :labelled], x[:, labelled:], y[:, labelled:])
