"""Malformed calls of the room of graph networks."""

from typing import Any

import numpy as np
import torch

from provenn.graph import (
    DAGNN,
    AdaptivePropagation,
    Adjacency,
    DAGNNClassifier,
    DecoupledGNN,
    NodeMLP,
    SparseFeatures,
    dagnn_propagate,
    gcn_normalize,
    limit_propagation,
    normalize_rows,
    retainment_scores,
    smoothness,
)
from tests.bad_inputs.case import BadCase
from tests.bad_inputs.nn import COUNT, DIRECTORY, FLAG, Wrong, bad

EDGES = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
WEIGHT = torch.ones(4)
X = torch.linspace(0, 1, 12).reshape(3, 4)
ADJACENCY = gcn_normalize(EDGES, 3)
DIRECTED = torch.tensor([[0, 1], [1, 2]])
META = torch.empty(2, 4, dtype=torch.long, device="meta")

INDEX: list[Wrong] = [
    (None, TypeError, "NoneType", "torch.Tensor"),
    (EDGES.tolist(), TypeError, "list", "torch.Tensor"),
    (EDGES.float(), TypeError, "torch.float32", "torch.int64 (long)"),
    (EDGES.int(), TypeError, "torch.int32", "torch.int64 (long)"),
    (EDGES.T, ValueError, "(4, 2)", "(2, edges)"),
    (EDGES[0], ValueError, "(4,)", "(2, edges)"),
    (EDGES + 1, ValueError, "1 to 3", "from 0 to 2"),
    (EDGES - 1, ValueError, "-1 to 1", "from 0 to 2"),
]
WEIGHTS: list[Wrong] = [
    ([1.0] * 4, TypeError, "list", "floating-point torch.Tensor"),
    (WEIGHT.long(), TypeError, "torch.int64", "floating-point torch.Tensor"),
    (WEIGHT[:3], ValueError, "(3,)", "shape (4,)"),
    (-WEIGHT, ValueError, "less", "at least 0"),
    (WEIGHT * torch.nan, ValueError, "NaN", "finite"),
    (WEIGHT.to("meta"), ValueError, "meta", "cpu"),
]
RATE: list[Wrong] = [
    (-0.1, ValueError, "-0.1", "at least 0"),
    (1.0, ValueError, "1.0", "less than 1"),
    (float("nan"), ValueError, "nan", "at least 0"),
    ("0.5", TypeError, "'0.5'", "number"),
    (True, TypeError, "True", "number"),
]
HOPS: list[Wrong] = [
    (-1, ValueError, "-1", "at least 0"),
    (2.0, TypeError, "2.0 of type float", "int"),
    (None, TypeError, "None", "int"),
]
KIND: list[Wrong] = [
    ("random-walk", ValueError, "'random-walk'", "'symmetric', 'row'"),
    (None, TypeError, "None", "str"),
]


def rows(good: torch.Tensor, columns: int | None = None) -> list[Wrong]:
    """What is no matrix with a row for each node."""
    few = [] if columns is None else [(good[:, :1], ValueError, "(3, 1)", f"{columns} columns")]
    return [
        (None, TypeError, "NoneType", "torch.Tensor"),
        (good.tolist(), TypeError, "list", "torch.Tensor"),
        (good.long(), TypeError, "torch.int64", "floating-point"),
        (good[0], ValueError, "(4,)", "2 axes"),
        (good[None], ValueError, "(1, 3, 4)", "2 axes"),
        *few,
    ]


def given_to(network: Any, columns: int) -> list[Wrong]:
    """What a network of so many features refuses."""
    return [
        *rows(X, columns),
        (X.double(), TypeError, "torch.float64", "torch.float32"),
        (X.to("meta"), ValueError, "meta", "cpu"),
    ]


SIZES = {"in_features": 4, "n_classes": 3}
NETWORK = {"in_features": COUNT, "n_classes": COUNT, "hidden": COUNT, "k": HOPS, "dropout": RATE}
TASK = {
    "x": X.numpy(),
    "edge_index": EDGES.numpy(),
    "y": np.array([0, 1, 1]),
    "train_mask": np.array([True, True, False]),
    "val_mask": np.array([False, False, True]),
}


def fit(**task: Any) -> object:
    parameters = {k: task.pop(k) for k in list(task) if k not in TASK}
    return DAGNNClassifier(max_epochs=1, **parameters).fit(**task)


def called(network: Any, columns: int, first: str) -> list[BadCase]:
    """Malformed calls of a network's ``forward``."""
    good = {first: X, "edge_index": EDGES}
    on_edges = [wrong for wrong in INDEX if wrong[0] is not None]
    return bad(
        network,
        good,
        {
            first: given_to(network, columns),
            "edge_index": [
                *on_edges,
                (META, ValueError, "meta", "cpu"),
                (gcn_normalize(EDGES, 4), ValueError, "of 4", "3 nodes"),
            ],
            "edge_weight": WEIGHTS,
        },
    ) + bad(
        network,
        {first: X, "edge_index": ADJACENCY},
        {"edge_weight": [(WEIGHT, ValueError, "Tensor", "None")]},
    )


CASES = {
    "provenn.graph.gcn_normalize": bad(
        gcn_normalize,
        {"edge_index": EDGES, "num_nodes": 3},
        {
            "edge_index": [*INDEX, (ADJACENCY, TypeError, "Adjacency", "not normalised")],
            "num_nodes": [
                (-1, ValueError, "-1", "at least 0"),
                (3.0, TypeError, "3.0", "int"),
                (True, TypeError, "True", "int"),
            ],
            "edge_weight": WEIGHTS,
            "normalization": KIND,
            "add_self_loops": FLAG,
            "dtype": [
                (torch.int64, TypeError, "torch.int64", "floating-point torch.dtype"),
                ("float", TypeError, "'float'", "floating-point torch.dtype"),
            ],
        },
    )
    + bad(
        gcn_normalize,
        {"edge_index": torch.eye(3).to_sparse(), "num_nodes": 3},
        {
            "num_nodes": [],
            "edge_index": [
                (torch.ones(2, 3).to_sparse(), ValueError, "(2, 3)", "3 rows"),
                (torch.eye(4).to_sparse(), ValueError, "(4, 4)", "3 rows"),
            ],
            "edge_weight": [(torch.ones(3), ValueError, "Tensor", "None")],
        },
    ),
    "provenn.graph.Adjacency": bad(
        Adjacency,
        {"edge_index": EDGES, "edge_weight": WEIGHT, "num_nodes": 3},
        {
            "edge_index": INDEX,
            "edge_weight": [(None, TypeError, "NoneType", "floating-point"), *WEIGHTS],
            "num_nodes": [(None, TypeError, "None", "int"), (-1, ValueError, "-1", "at least 0")],
        },
    ),
    "provenn.graph.Adjacency.propagate": bad(
        ADJACENCY.propagate,
        {"h": X},
        {
            "h": [
                *rows(X),
                (X[:2], ValueError, "(2, 4)", "3 nodes"),
                (X.double(), TypeError, "torch.float64", "torch.float32"),
                (X.to("meta"), ValueError, "meta", "cpu"),
            ]
        },
    ),
    "provenn.graph.Adjacency.hops": bad(
        ADJACENCY.hops, {"h": X, "k": 2}, {"h": rows(X), "k": HOPS}
    ),
    "provenn.graph.NodeMLP": bad(
        NodeMLP,
        {"in_features": 4, "out_features": 3},
        {
            "in_features": COUNT,
            "out_features": COUNT,
            "hidden": COUNT,
            "dropout": RATE,
            "input_dropout": RATE,
            "batch_norm": FLAG,
        },
    ),
    "provenn.graph.NodeMLP.forward": bad(
        NodeMLP(4, 3),
        {},
        {
            "x": [
                *given_to(NodeMLP, 4),
                (SparseFeatures(X[:, :3]), ValueError, "(3, 3)", "4 columns"),
                (SparseFeatures(X.double()), TypeError, "torch.float64", "torch.float32"),
            ]
        },
    ),
    "provenn.graph.AdaptivePropagation": bad(
        AdaptivePropagation,
        {"channels": 4, "k": 2},
        {
            "channels": COUNT,
            "k": HOPS,
            "bias": FLAG,
            "normalization": KIND,
            "add_self_loops": FLAG,
        },
    ),
    "provenn.graph.AdaptivePropagation.forward": called(AdaptivePropagation(4, 2), 4, "z"),
    "provenn.graph.DAGNN": bad(
        DAGNN,
        SIZES,
        {
            **NETWORK,
            "input_dropout": RATE,
            "batch_norm": FLAG,
            "gate_bias": FLAG,
            "normalization": KIND,
            "add_self_loops": FLAG,
        },
    ),
    "provenn.graph.DAGNN.forward": called(DAGNN(4, 3), 4, "x"),
    "provenn.graph.DecoupledGNN": bad(
        DecoupledGNN, SIZES, {**NETWORK, "normalization": KIND, "add_self_loops": FLAG}
    ),
    "provenn.graph.DecoupledGNN.forward": called(DecoupledGNN(4, 3), 4, "x"),
    "provenn.graph.SparseFeatures": bad(
        SparseFeatures,
        {},
        {
            "x": [
                *rows(X),
                (X.clone().requires_grad_(), ValueError, "got one", "not require a gradient"),
                (X.numpy(), TypeError, "ndarray", "torch.Tensor"),
                (X.bool(), TypeError, "torch.bool", "floating-point"),
            ]
        },
    ),
    "provenn.graph.SparseFeatures.linear": bad(
        SparseFeatures(X).linear, {}, {"weight": rows(X, 4)}
    ),
    "provenn.graph.SparseFeatures.dropout": bad(SparseFeatures(X).dropout, {}, {"p": RATE}),
    "provenn.graph.normalize_rows": bad(
        normalize_rows,
        {},
        {
            "x": [
                *rows(X),
                (-X, ValueError, "less", "at least 0"),
                (X * torch.nan, ValueError, "less", "finite"),
                (SparseFeatures(-X), ValueError, "less", "at least 0"),
            ]
        },
    ),
    "provenn.graph.dagnn_propagate": bad(
        dagnn_propagate,
        {"z": X, "adjacency": ADJACENCY, "weight": torch.ones(4), "k": 2},
        {
            "z": rows(X),
            "adjacency": [(EDGES, TypeError, "Tensor", "Adjacency")],
            "weight": [
                (torch.ones(3), ValueError, "(3,)", "4 channels"),
                (torch.ones(4, 1), ValueError, "(4, 1)", "1 axes"),
                (None, TypeError, "NoneType", "torch.Tensor"),
            ],
            "k": HOPS,
        },
    ),
    "provenn.graph.retainment_scores": bad(
        retainment_scores,
        {"hops": torch.rand(3, 5, 4), "weight": torch.ones(4)},
        {
            "hops": [
                (None, TypeError, "NoneType", "torch.Tensor"),
                (X, ValueError, "(3, 4)", "3 axes"),
                (X.long(), TypeError, "torch.int64", "floating-point"),
                ([X], TypeError, "list", "torch.Tensor"),
            ],
            "weight": [
                (torch.ones(3), ValueError, "(3,)", "4 channels"),
                (torch.ones(()), ValueError, "()", "1 axes"),
                (torch.ones(4).long(), TypeError, "torch.int64", "floating-point"),
                (None, TypeError, "NoneType", "torch.Tensor"),
            ],
        },
    ),
    "provenn.graph.smoothness": bad(
        smoothness,
        {"h": X},
        {
            "h": [*rows(X), (X[:1], ValueError, "(1, 4)", "at least 2 rows")],
            "reduction": [
                ("sum", ValueError, "'sum'", "'mean', 'none'"),
                (None, TypeError, "None", "str"),
            ],
            "block": COUNT,
        },
    ),
    "provenn.graph.limit_propagation": bad(
        limit_propagation,
        {"edge_index": EDGES, "num_nodes": 3},
        {
            "edge_index": [*INDEX, (DIRECTED, ValueError, "directed", "both directions")],
            "edge_weight": [
                *WEIGHTS,
                (torch.tensor([1.0, 2, 1, 1]), ValueError, "directed", "same weight"),
            ],
            "normalization": [
                ("none", ValueError, "'none'", "'symmetric', 'row'"),
                (None, TypeError, "None", "str"),
            ],
        },
    )
    + bad(
        limit_propagation,
        {"edge_index": torch.tensor([[0, 0, 1], [1, 0, 0]]), "num_nodes": 2},
        {"edge_weight": [(torch.tensor([1.0, 0, 1]), ValueError, "node 0", "positive")]},
    ),
    "provenn.graph.DAGNNClassifier": bad(
        fit,
        TASK,
        {
            "hidden": COUNT,
            "k": HOPS,
            "dropout": RATE,
            "input_dropout": RATE,
            "weight_decay": [(-1.0, ValueError, "-1.0", "at least 0")],
            "lr": [("fast", TypeError, "'fast'", "number")],
            "early_stopping": HOPS,
            "batch_norm": FLAG,
            "gate_bias": FLAG,
            "normalize_features": FLAG,
            "undirected": FLAG,
            "random_state": [(-1, ValueError, "-1", "at least 0")],
            "device": [("abacus", ValueError, "'abacus'", "PyTorch")],
            "x": [
                (None, TypeError, "NoneType", "array of numbers"),
                (np.array([["a"] * 4] * 3), TypeError, "ndarray", "array of numbers"),
                (X.numpy()[0], ValueError, "(4,)", "2 axes"),
                (X.numpy() * np.nan, ValueError, "NaN", "finite"),
                (-X.numpy(), ValueError, "less", "at least 0"),
            ],
            "edge_index": [
                (None, TypeError, "NoneType", "array or a tensor"),
                (EDGES.numpy() + 1, ValueError, "1 to 3", "from 0 to 2"),
                (EDGES.numpy().astype(float), TypeError, "torch.float64", "torch.int64"),
                (gcn_normalize(EDGES, 4), ValueError, "of 4", "3 nodes"),
            ],
            "y": [
                ([0, 1], ValueError, "(2,)", "(3,)"),
                ([0, 1, 5], ValueError, "5", "classes of training nodes"),
            ],
            "train_mask": [
                ([0, 1, 0], TypeError, "int64", "bools"),
                ([True, False], ValueError, "(2,)", "(3,)"),
                ([False] * 3, ValueError, "none", "at least one"),
            ],
            "val_mask": [
                (None, TypeError, "object", "bools"),
                ([False] * 3, ValueError, "none", "at least one"),
            ],
        },
    ),
    "provenn.graph.DAGNNClassifier.load": bad(DAGNNClassifier.load, {}, {"directory": DIRECTORY}),
}
