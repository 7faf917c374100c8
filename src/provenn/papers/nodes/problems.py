"""Graphs of which some nodes' classes are known: generated ones, and the data sets."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from provenn.data import load_graph
from provenn.evidence.page import Context
from provenn.graph import Adjacency, SparseFeatures, gcn_normalize, normalize_rows

PLANETOID = ("cora", "citeseer", "pubmed")
"""Citation graphs with published splits."""
LARGEST_COMPONENT = ("amazon_computers", "amazon_photo")
"""Graphs of which the largest connected component is taken."""

Nodes = NDArray[np.int64]


@dataclass(frozen=True)
class Problem:
    """A graph and the nodes that are trained on, selected by and tested on.

    Args:
        x: Features, kept sparse where they are mostly zeros.
        edge_index: Edges in both directions.
        y: Class of each node.
        train: Training nodes.
        val: Validation nodes.
        test: Test nodes.
    """

    x: Tensor | SparseFeatures
    edge_index: Tensor
    y: Tensor
    train: Tensor
    val: Tensor
    test: Tensor

    @property
    def features(self) -> int:
        """Features of a node."""
        return self.x.shape[1]

    @cached_property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.y.max()) + 1

    @cached_property
    def adjacency(self) -> Adjacency:
        """The normalised adjacency with self-loops."""
        return gcn_normalize(self.edge_index, len(self.y), dtype=torch.float32)

    @cached_property
    def dense_x(self) -> Tensor:
        """Features as a dense matrix, for who cannot use them sparse."""
        return self.x.to_dense() if isinstance(self.x, SparseFeatures) else self.x

    def with_split(self, train: Nodes, val: Nodes, test: Nodes) -> "Problem":
        """The same graph with other nodes to train on, select by and test on."""
        nodes = (torch.from_numpy(part).to(self.y.device) for part in (train, val, test))
        return replace(self, **dict(zip(("train", "val", "test"), nodes, strict=True)))


@dataclass(frozen=True)
class Used:
    """A graph that was read, for the trial's provenance."""

    name: str
    split: str
    sha256: str


def block_model(
    seed: int,
    device: torch.device,
    *,
    nodes: int = 2000,
    classes: int = 5,
    degree: float = 4.0,
    within: float = 0.8,
    separation: float = 0.4,
    features: int = 50,
    labels: int = 3,
    val: int = 300,
) -> Problem:
    """A contextual stochastic block model: linked mostly within classes, features around means.

    Args:
        seed: Seed of the graph, the features and the split.
        device: Where the tensors are.
        nodes: Nodes.
        classes: Classes, equally probable.
        degree: Mean degree.
        within: Share of the degree within the class.
        separation: Standard deviation of the classes' means; that of a node around it is 1.
        features: Features.
        labels: Training nodes of each class.
        val: Validation nodes.
    """
    random = np.random.default_rng(seed)
    y = random.integers(classes, size=nodes)
    same = y[:, None] == y[None, :]
    inside, outside = nodes / classes, nodes - nodes / classes
    probability = np.where(same, degree * within / inside, degree * (1 - within) / outside)
    linked = np.triu(random.random((nodes, nodes)) < probability, 1)
    edges = np.stack(np.nonzero(linked | linked.T)).astype(np.int64)
    means = separation * random.normal(size=(classes, features))
    x = means[y] + random.normal(size=(nodes, features))
    train, rest = _some_of_each(y, labels, random)
    none = torch.empty(0, dtype=torch.long)
    graph = Problem(
        torch.from_numpy(x).float().to(device),
        torch.from_numpy(edges).to(device),
        torch.from_numpy(y).to(device),
        none,
        none,
        none,
    )
    return graph.with_split(train, rest[:val], rest[val:])


def load_problem(name: str, ctx: Context, split: int | None = None) -> Problem:
    """A data set with its published split, or with a random one.

    Features are divided by their sums. Random splits of citation graphs have 20 training nodes of
    each class, 500 validation and 1,000 test nodes; those of others 20 and 30 of each class, and
    the rest.

    Args:
        name: Name of the graph.
        ctx: Context of the trial.
        split: Seed of a random split; ``None`` for the published one.

    Raises:
        DataError: If the graph cannot be had.
    """
    data = load_graph(name, seed=None if name in PLANETOID else split)
    ctx.uses(Used(name, "published" if split is None else f"random-{split}", data.sha256))
    x, edges, y = data.x, data.edge_index, data.y
    masks = torch.stack([data.train_mask, data.val_mask, data.test_mask])
    if name in LARGEST_COMPONENT:
        x, edges, y, masks = _largest_component(x, edges, y, masks, split or 0)
    train, val, test = (mask.nonzero().squeeze(1) for mask in masks)
    features = normalize_rows(SparseFeatures(x))
    device = ctx.device
    problem = Problem(
        features.to(device), edges.to(device), y.to(device), train.to(device), val.to(device),
        test.to(device),
    )  # fmt: skip
    return problem if split is None or name not in PLANETOID else few_labels(problem, 20, split)


def few_labels(problem: Problem, labels: int, seed: int) -> Problem:
    """A random split with so many training nodes of each class, 500 to select by, 1,000 to test."""
    random = np.random.default_rng(seed)
    train, rest = _some_of_each(problem.y.cpu().numpy(), labels, random)
    return problem.with_split(train, rest[:500], rest[500:1500])


def _some_of_each(y: Nodes, count: int, random: np.random.Generator) -> tuple[Nodes, Nodes]:
    """So many nodes of each class, and all others in random order."""
    order = random.permutation(len(y))
    classes = range(int(y.max()) + 1)
    chosen = np.concatenate([order[y[order] == label][:count] for label in classes])
    return chosen, order[~np.isin(order, chosen)]


def _largest_component(
    x: Tensor, edges: Tensor, y: Tensor, masks: Tensor, split: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The largest connected component, its nodes renamed, with a split of its own."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    from provenn.data.graphs import random_masks

    source, target = edges.numpy()
    graph = coo_array((np.ones(len(source)), (source, target)), shape=(len(y), len(y)))
    label = connected_components(graph, directed=False)[1]
    kept = torch.from_numpy(label == np.bincount(label).argmax())
    number = torch.cumsum(kept, 0) - 1
    inside = kept[edges[0]]
    drawn = torch.from_numpy(random_masks(y[kept].numpy(), split))
    return x[kept], number[edges[:, inside]], y[kept], drawn
