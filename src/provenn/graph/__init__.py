"""Graph networks: decoupled transformation and propagation, on PyTorch Geometric's conventions."""

from provenn.graph.adjacency import Adjacency, gcn_normalize
from provenn.graph.classifier import DAGNNClassifier
from provenn.graph.dagnn import (
    DAGNN,
    AdaptivePropagation,
    DecoupledGNN,
    dagnn_propagate,
    retainment_scores,
)
from provenn.graph.encoder import NodeMLP
from provenn.graph.features import SparseFeatures, normalize_rows
from provenn.graph.oversmoothing import limit_propagation, smoothness

__all__ = [
    "DAGNN",
    "AdaptivePropagation",
    "Adjacency",
    "DAGNNClassifier",
    "DecoupledGNN",
    "NodeMLP",
    "SparseFeatures",
    "dagnn_propagate",
    "gcn_normalize",
    "limit_propagation",
    "normalize_rows",
    "retainment_scores",
    "smoothness",
]
