"""The contenders: the room's networks, and PyTorch Geometric's layers in published settings.

All read features that are kept sparse where they are mostly zeros: a first product with the weight
of a layer of PyTorch Geometric is taken out of it and made sparse, which changes no number.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from provenn.evidence.metrics import Role
from provenn.graph import DAGNN, DecoupledGNN, NodeMLP, SparseFeatures
from provenn.papers.nodes.problems import Problem

Groups = list[dict[str, Any]]


class NodeClassifier(nn.Module, ABC):
    """A network on a problem's graph, and how it is penalised."""

    weight_decay = 5e-4
    lr = 0.01

    @abstractmethod
    def forward(self, problem: Problem) -> Tensor:
        """Scores of the classes for each node."""

    def groups(self) -> Groups:
        """Parameters with their weight decay."""
        return [{"params": list(self.parameters()), "weight_decay": self.weight_decay}]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is chosen for a data set.

    Args:
        hidden: Hidden units of the networks.
        dropout: Dropout of DAGNN.
        weight_decay: Weight decay of DAGNN.
        k: Propagations of DAGNN.
        max_epochs: Most epochs of DAGNN.
        early_stopping: Validation losses that are averaged to end early.
    """

    hidden: int = 64
    dropout: float = 0.8
    weight_decay: float = 5e-3
    k: int = 10
    max_epochs: int = 1000
    early_stopping: int = 100


SETTINGS = {
    "sbm": Settings(hidden=32, dropout=0.5, weight_decay=5e-4, max_epochs=150, early_stopping=0),
    "cora": Settings(),
    "citeseer": Settings(dropout=0.5, weight_decay=0.02),
    "pubmed": Settings(k=20),
    "coauthor_cs": Settings(weight_decay=0.0, k=5),
    "coauthor_physics": Settings(weight_decay=0.0, k=5),
    "amazon_computers": Settings(
        dropout=0.5, weight_decay=5e-5, k=5, max_epochs=3000, early_stopping=300
    ),
    "amazon_photo": Settings(dropout=0.5, weight_decay=5e-4, k=5),
}
"""DAGNN's settings: those of the official code, and those of the generated graph."""


class Adaptive(NodeClassifier):
    """DAGNN."""

    def __init__(self, problem: Problem, depth: int, settings: Settings) -> None:
        super().__init__()
        self.weight_decay = settings.weight_decay
        self.network = DAGNN(
            problem.features, problem.classes, settings.hidden, depth, settings.dropout
        )

    def forward(self, problem: Problem) -> Tensor:
        """Scores of the classes for each node."""
        scores: Tensor = self.network(problem.x, problem.adjacency)
        return scores


class Decoupled(NodeClassifier):
    """The decoupled network of the paper's analysis."""

    def __init__(self, problem: Problem, depth: int, settings: Settings) -> None:
        super().__init__()
        self.network = DecoupledGNN(problem.features, problem.classes, settings.hidden, depth, 0.5)

    def forward(self, problem: Problem) -> Tensor:
        """Scores of the classes for each node."""
        scores: Tensor = self.network(problem.x, problem.adjacency)
        return scores


class Perceptron(NodeClassifier):
    """A perceptron on each node alone; it has no depth."""

    def __init__(self, problem: Problem, depth: int, settings: Settings) -> None:
        super().__init__()
        self.network = NodeMLP(problem.features, problem.classes, settings.hidden, 0.5)

    def forward(self, problem: Problem) -> Tensor:
        """Scores of the classes for each node."""
        scores: Tensor = self.network(problem.x)
        return scores


class GCN(NodeClassifier):
    """Graph convolutions, ``depth`` of them."""

    def __init__(self, problem: Problem, depth: int, settings: Settings) -> None:
        from torch_geometric.nn import GCNConv

        super().__init__()
        sizes = [problem.features, *[settings.hidden] * (depth - 1), problem.classes]
        self.convs = nn.ModuleList(GCNConv(i, o, cached=True) for i, o in pairwise(sizes))
        self.first = _taken_out(self.convs[0])

    def forward(self, problem: Problem) -> Tensor:
        """Scores of the classes for each node."""
        x = _dropped(problem.x, 0.5, self.training)
        h: Tensor = self.convs[0](_product(self.first, x), problem.edge_index)
        for conv in self.convs[1:]:
            h = conv(functional.dropout(h.relu(), 0.5, self.training), problem.edge_index)
        return h


class GAT(NodeClassifier):
    """Graph attention, ``depth`` layers; 8 heads, one in the last."""

    lr = 0.005

    def __init__(self, problem: Problem, depth: int, settings: Settings) -> None:
        from torch_geometric.nn import GATConv

        super().__init__()
        heads = 8
        channels = settings.hidden // heads
        sizes = [problem.features, *[settings.hidden] * (depth - 1)]
        hidden = [GATConv(i, channels, heads, dropout=0.6) for i in sizes[:-1]]
        last = GATConv(sizes[-1], problem.classes, 1, concat=False, dropout=0.6)
        self.convs = nn.ModuleList([*hidden, last])
        self.first = _taken_out(self.convs[0])

    def forward(self, problem: Problem) -> Tensor:
        """Scores of the classes for each node."""
        x = _dropped(problem.x, 0.6, self.training)
        h: Tensor = self.convs[0](_product(self.first, x), problem.edge_index)
        for conv in self.convs[1:]:
            h = conv(functional.dropout(functional.elu(h), 0.6, self.training), problem.edge_index)
        return h


class SGC(NodeClassifier):
    """Logistic regression on features that are propagated ``depth`` times."""

    lr = 0.2
    weight_decay = 1e-5

    def __init__(self, problem: Problem, depth: int, settings: Settings) -> None:
        from torch_geometric.nn import SGConv

        super().__init__()
        self.conv = SGConv(problem.features, problem.classes, depth, cached=True)

    def forward(self, problem: Problem) -> Tensor:
        """Scores of the classes for each node."""
        scores: Tensor = self.conv(problem.dense_x, problem.edge_index)
        return scores


class PersonalizedPageRank(NodeClassifier):
    """APPNP: scores of a perceptron, propagated ``depth`` times with a return to themselves."""

    def __init__(self, problem: Problem, depth: int, settings: Settings) -> None:
        from torch_geometric.nn import APPNP

        super().__init__()
        self.encoder = NodeMLP(problem.features, problem.classes, settings.hidden, 0.5)
        self.propagation = APPNP(depth, 0.1, cached=True)

    def forward(self, problem: Problem) -> Tensor:
        """Scores of the classes for each node."""
        scores: Tensor = self.propagation(self.encoder(problem.x), problem.edge_index)
        return scores

    def groups(self) -> Groups:
        """The first layer alone is penalised."""
        return [
            {"params": list(self.encoder.lin1.parameters()), "weight_decay": 5e-3},
            {"params": list(self.encoder.lin2.parameters()), "weight_decay": 0.0},
        ]


class GCNII(NodeClassifier):
    """Graph convolutions with initial residual and identity mapping, ``depth`` of them."""

    def __init__(self, problem: Problem, depth: int, settings: Settings) -> None:
        from torch_geometric.nn import GCN2Conv

        super().__init__()
        self.first = nn.Linear(problem.features, settings.hidden)
        self.convs = nn.ModuleList(
            GCN2Conv(settings.hidden, alpha=0.1, theta=0.5, layer=i + 1, cached=True)
            for i in range(depth)
        )
        self.last = nn.Linear(settings.hidden, problem.classes)

    def forward(self, problem: Problem) -> Tensor:
        """Scores of the classes for each node."""
        x = _dropped(problem.x, 0.6, self.training)
        h = h0 = _product(self.first, x).relu()
        for conv in self.convs:
            h = conv(functional.dropout(h, 0.6, self.training), h0, problem.edge_index).relu()
        scores: Tensor = self.last(functional.dropout(h, 0.6, self.training))
        return scores

    def groups(self) -> Groups:
        """Convolutions are penalised more than linear layers."""
        linear = [*self.first.parameters(), *self.last.parameters()]
        return [
            {"params": list(self.convs.parameters()), "weight_decay": 0.01},
            {"params": linear, "weight_decay": 5e-4},
        ]


class GeneralizedPageRank(NodeClassifier):
    """GPRGNN: hops summed with learned weights that all nodes share.

    PyTorch Geometric has no layer for it; the propagation is that of the room.
    """

    def __init__(self, problem: Problem, depth: int, settings: Settings) -> None:
        super().__init__()
        self.encoder = NodeMLP(problem.features, problem.classes, settings.hidden, 0.5)
        alpha = 0.1
        weights = [alpha * (1 - alpha) ** hop for hop in range(depth)] + [(1 - alpha) ** depth]
        self.hop_weights = nn.Parameter(torch.tensor(weights))

    def forward(self, problem: Problem) -> Tensor:
        """Scores of the classes for each node."""
        z = functional.dropout(self.encoder(problem.x), 0.5, self.training)
        hops = problem.adjacency.hops(z, len(self.hop_weights) - 1)
        return (self.hop_weights.view(-1, 1, 1) * hops).sum(0)

    def groups(self) -> Groups:
        """The weights of the hops are not penalised."""
        return [
            {"params": list(self.encoder.parameters()), "weight_decay": 5e-4},
            {"params": [self.hop_weights], "weight_decay": 0.0},
        ]


Build = Callable[[Problem, int, Settings], NodeClassifier]
"""Makes a network from a problem, a depth and the settings of the data set."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A network before it is built.

    Args:
        name: Identifier.
        label: What the page calls it.
        build: Makes it.
        depth: Its depth in the table of accuracies; 0 for that of the settings.
        max_epochs: Most epochs in the table, where it is published with fewer than others get.
        role: Its part in the comparison.
        package: Distribution that provides its layers.
    """

    name: str
    label: str
    build: Build
    depth: int = 2
    max_epochs: int = 10_000
    role: Role = "peer"
    package: str = ""


_PYG = "torch-geometric"
CONTENDERS = {
    c.name: c
    for c in (
        Contender(name="dagnn", label="DAGNN", build=Adaptive, depth=0, role="method"),
        Contender(
            name="decoupled", label="decoupled, last hop", build=Decoupled, depth=10,
            role="baseline",
        ),
        Contender(name="gcn", label="GCN", build=GCN, package=_PYG),
        Contender(name="gat", label="GAT", build=GAT, package=_PYG),
        Contender(name="sgc", label="SGC", build=SGC, max_epochs=100, package=_PYG),
        Contender(
            name="appnp", label="APPNP", build=PersonalizedPageRank, depth=10, package=_PYG
        ),
        Contender(name="gcnii", label="GCNII", build=GCNII, depth=8, package=_PYG),
        Contender(name="gprgnn", label="GPRGNN", build=GeneralizedPageRank, depth=10),
        Contender(name="mlp", label="MLP, no graph", build=Perceptron, role="baseline"),
    )
}  # fmt: skip
"""Every network, by name."""


def _taken_out(conv: nn.Module) -> nn.Module:
    """The linear map of a layer of PyTorch Geometric, which has none from then on."""
    lin = conv.lin
    conv.lin = nn.Identity()
    assert isinstance(lin, nn.Module)  # noqa: S101 - for the type checker
    return lin


def _dropped(x: Tensor | SparseFeatures, p: float, training: bool) -> Tensor | SparseFeatures:
    if isinstance(x, SparseFeatures):
        return x.dropout(p, training=training)
    return functional.dropout(x, p, training)


def _product(lin: Any, x: Tensor | SparseFeatures) -> Tensor:
    if isinstance(x, SparseFeatures):
        return x.linear(lin.weight, lin.bias)
    product: Tensor = lin(x)
    return product
