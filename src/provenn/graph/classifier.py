"""DAGNN as an estimator in scikit-learn's manner, with the paper's training procedure."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Shaped
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from provenn.checks import check_flag, check_integer, check_number
from provenn.graph.adjacency import Adjacency, gcn_normalize
from provenn.graph.checks import check_rows
from provenn.graph.dagnn import DAGNN
from provenn.graph.features import SparseFeatures, normalize_rows
from provenn.graph.training import train_full_batch

ESTIMATOR = "estimator.json"
_SPARSE_BELOW = 0.25
"""Share of non-zeros under which features are kept sparse."""


class DAGNNClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classification of the nodes of one graph from the classes of some of them.

    ``fit`` trains a :class:`~provenn.graph.DAGNN` on the whole graph by Adam and keeps the weights
    of the epoch with the lowest validation loss. It ends early, in the second half of the epochs,
    when the validation loss is above the mean of the previous ``early_stopping`` ones. The defaults
    are the paper's for Cora; the other ones are in the documentation.

    Args:
        hidden: Hidden units.
        k: Number of propagations.
        dropout: Probability of dropping a feature or a hidden unit.
        weight_decay: L2 penalty on all parameters. The scores are a sum of k + 1 terms, so that it
            has to grow with k.
        lr: Learning rate.
        max_epochs: Most epochs.
        early_stopping: Validation losses that are averaged; 0 never ends early.
        batch_norm: Whether hidden units are normalised over the nodes.
        input_dropout: Probability of dropping a feature, where it is another.
        gate_bias: Whether the gate has a bias.
        normalize_features: Whether each row of features is divided by its sum.
        undirected: Whether each edge counts in both directions.
        random_state: Seed of initialisation and dropout; ``None`` for PyTorch's generator.
        device: Where to compute.

    Attributes:
        network_: The trained network, in evaluation mode.
        classes_: Classes of the training nodes, in order.
        n_features_in_: Number of features.
        n_iter_: Epochs that were run.
        best_epoch_: Epoch whose weights are kept, from 1.
        history_: ``train_loss``, ``val_loss`` and ``val_accuracy`` after each epoch.

    Reference:
        arXiv 2007.09296, section 5, and the official ``train_eval.py``.

    Example:
        >>> import numpy as np
        >>> from provenn.graph import DAGNNClassifier
        >>> x = np.eye(6, dtype=np.float32)
        >>> edges = np.array([[0, 1, 2, 3, 4, 5], [1, 2, 0, 4, 5, 3]])  # two triangles
        >>> y = np.array(["left", "?", "?", "right", "?", "?"])
        >>> known = np.array([True, False, False, True, False, False])
        >>> classifier = DAGNNClassifier(max_epochs=50, weight_decay=0, random_state=0)
        >>> classifier.fit(x, edges, y, known, known).predict().tolist()
        ['left', 'left', 'left', 'right', 'right', 'right']
    """

    # scikit-learn wants constructors that accept anything; fit refuses it.
    def __init__(
        self,
        *,
        hidden: Any = 64,
        k: Any = 10,
        dropout: Any = 0.8,
        weight_decay: Any = 5e-3,
        lr: Any = 0.01,
        max_epochs: Any = 1000,
        early_stopping: Any = 100,
        batch_norm: Any = False,
        input_dropout: Any = None,
        gate_bias: Any = True,
        normalize_features: Any = True,
        undirected: Any = True,
        random_state: Any = None,
        device: Any = "cpu",
    ) -> None:
        self.hidden = hidden
        self.k = k
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.lr = lr
        self.max_epochs = max_epochs
        self.early_stopping = early_stopping
        self.batch_norm = batch_norm
        self.input_dropout = input_dropout
        self.gate_bias = gate_bias
        self.normalize_features = normalize_features
        self.undirected = undirected
        self.random_state = random_state
        self.device = device

    def fit(
        self, x: Any, edge_index: Any, y: Any, train_mask: Any, val_mask: Any
    ) -> "DAGNNClassifier":
        """Train on the classes of the training nodes.

        Args:
            x: Features, (nodes, features): an array, a SciPy sparse matrix, a tensor, or
                :class:`~provenn.graph.SparseFeatures`.
            edge_index: Edges, (2, edges), an array or a tensor; or an
                :class:`~provenn.graph.Adjacency`, which is taken as it is.
            y: Class of each node, (nodes,); whatever stands at other nodes is not read.
            train_mask: Which nodes are trained on, (nodes,) bools.
            val_mask: Which nodes decide when to stop, (nodes,) bools; their classes must be among
                those of the training nodes.

        Returns:
            The estimator itself.

        Raises:
            TypeError: If an argument or a parameter has the wrong type.
            ValueError: If it is out of range, shapes do not fit, features are NaN or infinite, or
                training diverged.
        """
        self._check_parameters()
        features = self._features(x)
        nodes = features.shape[0]
        adjacency = self._adjacency(edge_index, nodes)
        train, val = _nodes("train_mask", train_mask, nodes), _nodes("val_mask", val_mask, nodes)
        classes, labels = _labels(y, nodes, train, val)
        # Written anew at each fit, as scikit-learn's estimators do.
        self.classes_, self.n_features_in_ = classes, features.shape[1]
        device = torch.device(self.device)
        devices = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices, enabled=self.random_state is not None):
            if self.random_state is not None:
                torch.manual_seed(self.random_state)
            self._train(features, adjacency, labels.to(device), train.to(device), val.to(device))
        self._graph = (features, adjacency)
        return self

    def predict(self, x: Any = None, edge_index: Any = None) -> Shaped[np.ndarray, " nodes"]:
        """Most probable class of each node.

        Args:
            x: Features of another graph; without it those of the graph of ``fit``.
            edge_index: Its edges.

        Raises:
            NotFittedError: If it is not fitted.
            TypeError: If an argument has the wrong type.
            ValueError: If shapes do not fit, or the estimator was loaded and no graph is given.
        """
        best = self.predict_proba(x, edge_index).argmax(1)
        predicted: np.ndarray = self.classes_[best]
        return predicted

    def predict_proba(
        self, x: Any = None, edge_index: Any = None
    ) -> Float32[np.ndarray, "nodes classes"]:
        """Probability of each class for each node; arguments and errors as :meth:`predict`."""
        features, adjacency = self._given_graph(x, edge_index)
        with torch.no_grad():
            scores = self.network_(features, adjacency)
        return _array(scores.softmax(1))

    def retainment_scores(
        self, x: Any = None, edge_index: Any = None
    ) -> Float32[np.ndarray, "nodes hops"]:
        """How much of each of the k + 1 hops each node keeps; as :meth:`predict` otherwise."""
        features, adjacency = self._given_graph(x, edge_index)
        return _array(self.network_.retainment_scores(features, adjacency))

    def score(self, y: Any, mask: Any = None) -> float:
        """Share of nodes of the graph of ``fit`` that are classified right.

        Args:
            y: Class of each node, (nodes,).
            mask: Which nodes count, (nodes,) bools; all without it.

        Raises:
            NotFittedError: If it is not fitted.
            TypeError: If ``mask`` is no array of bools.
            ValueError: If shapes do not fit.
        """
        predicted = self.predict()
        truth = np.asarray(y)
        if truth.shape != predicted.shape:
            raise ValueError(f"y must have shape {predicted.shape}, got {truth.shape}")
        right = predicted == truth
        if mask is not None:
            right = right[_nodes("mask", mask, len(right)).numpy()]
        return float(right.mean())

    def save(self, directory: str | Path) -> None:
        """Write the network and the estimator's parameters, not the graph, into a directory.

        Args:
            directory: Where to; made if it is missing.

        Raises:
            NotFittedError: If it is not fitted.
            TypeError: If ``directory`` is not a path.
            OSError: If it cannot be written.
        """
        check_is_fitted(self, "network_")
        self.network_.save_pretrained(directory)
        kept = {"parameters": self.get_params(), "classes": self.classes_.tolist()}
        path = Path(directory) / ESTIMATOR
        scratch = path.with_suffix(".tmp")
        scratch.write_text(json.dumps(kept, indent=2, default=str) + "\n", encoding="utf-8")
        scratch.replace(path)

    @classmethod
    def load(cls, directory: str | Path) -> "DAGNNClassifier":
        """Read what :meth:`save` wrote; predictions then need a graph.

        Args:
            directory: Where it was written.

        Raises:
            TypeError: If ``directory`` is not a path.
            FileNotFoundError: If a file is missing.
            ValueError: If a file is damaged.
        """
        network = DAGNN.from_pretrained(directory)
        path = Path(directory) / ESTIMATOR
        if not path.is_file():
            raise FileNotFoundError(f"directory must hold {ESTIMATOR}, got {directory} without it")
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            estimator = cls(**kept["parameters"])
            estimator.classes_ = np.asarray(kept["classes"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} must be what save wrote: {error}") from None
        if len(estimator.classes_) != network.config["n_classes"]:
            raise ValueError(
                f"{path} must have {network.config['n_classes']} classes as the network has, got "
                f"{len(estimator.classes_)}"
            )
        estimator.n_features_in_ = network.config["in_features"]
        estimator.network_ = network.to(_device(estimator.device))
        return estimator

    def _train(
        self,
        features: Tensor | SparseFeatures,
        adjacency: Adjacency,
        y: Tensor,
        train: Tensor,
        val: Tensor,
    ) -> None:
        network = DAGNN(
            self.n_features_in_,
            len(self.classes_),
            self.hidden,
            self.k,
            self.dropout,
            input_dropout=self.input_dropout,
            batch_norm=self.batch_norm,
            gate_bias=self.gate_bias,
            device=self.device,
        )
        best: dict[str, Tensor] = {}

        def logits(training: bool) -> Tensor:
            scores: Tensor = network.train(training)(features, adjacency)
            return scores

        def keep(scores: Tensor) -> None:
            best.update({name: value.clone() for name, value in network.state_dict().items()})

        curves = train_full_batch(
            logits,
            torch.optim.Adam(network.parameters(), lr=self.lr, weight_decay=self.weight_decay),
            y,
            train,
            val,
            max_epochs=self.max_epochs,
            early_stopping=self.early_stopping,
            improved=keep,
        )
        if not best:
            raise ValueError(f"lr must be one at which training is stable, got {self.lr}: NaN loss")
        network.load_state_dict(best)
        self.network_ = network.eval()
        self.n_iter_ = len(curves)
        self.best_epoch_ = curves.best_epoch
        self.history_ = {
            name: _array(getattr(curves, name))
            for name in ("train_loss", "val_loss", "val_accuracy")
        }

    def _check_parameters(self) -> None:
        for name, least in (("hidden", 1), ("k", 0), ("max_epochs", 1), ("early_stopping", 0)):
            check_integer(name, getattr(self, name), least)
        for name in ("batch_norm", "gate_bias", "normalize_features", "undirected"):
            check_flag(name, getattr(self, name))
        check_number("dropout", self.dropout, least=0.0, below=1.0)
        if self.input_dropout is not None:
            check_number("input_dropout", self.input_dropout, least=0.0, below=1.0)
        check_number("weight_decay", self.weight_decay, least=0.0)
        check_number("lr", self.lr, least=0.0)
        if self.random_state is not None:
            check_integer("random_state", self.random_state, 0)
        _device(self.device)

    def _features(self, x: Any) -> Tensor | SparseFeatures:
        features: Any = _as_features(x)
        if self.normalize_features:
            features = normalize_rows(features)
        moved: Tensor | SparseFeatures = features.to(_device(self.device), torch.float32)
        return moved

    def _adjacency(self, edge_index: Any, nodes: int) -> Adjacency:
        device = _device(self.device)
        if isinstance(edge_index, Adjacency):
            if edge_index.num_nodes != nodes:
                raise ValueError(
                    f"edge_index must be of {nodes} nodes as x has rows, got an Adjacency of "
                    f"{edge_index.num_nodes}"
                )
            return edge_index.to(device, torch.float32)
        index = torch.as_tensor(edge_index) if isinstance(edge_index, np.ndarray) else edge_index
        if not isinstance(index, Tensor):
            raise TypeError(
                "edge_index must be an array or a tensor of shape (2, edges) or an Adjacency, got "
                f"{type(edge_index).__name__}"
            )
        plain = gcn_normalize(index, nodes, normalization="none", add_self_loops=False)
        edges = plain.edge_index
        if self.undirected:
            edges = torch.cat([edges, edges.flip(0)], 1).unique(dim=1)
        return gcn_normalize(edges.to(device), nodes)

    def _given_graph(self, x: Any, edge_index: Any) -> tuple[Tensor | SparseFeatures, Adjacency]:
        check_is_fitted(self, "network_")
        if (x is None) != (edge_index is None):
            missing, given = ("x", "edge_index") if x is None else ("edge_index", "x")
            raise ValueError(f"{missing} must be given with {given}, got {given} alone")
        if x is not None:
            features = self._features(x)
            return features, self._adjacency(edge_index, features.shape[0])
        if not hasattr(self, "_graph"):
            raise ValueError(
                "x and edge_index must be given to an estimator that was loaded, got neither: "
                "graphs are not saved"
            )
        graph: tuple[Tensor | SparseFeatures, Adjacency] = self._graph
        return graph


def _as_features(x: Any) -> Tensor | SparseFeatures:
    """Features as a float32 tensor, kept sparse if they are mostly zeros."""
    if isinstance(x, SparseFeatures):
        return x
    if hasattr(x, "tocoo"):
        entries = x.tocoo()
        places = torch.from_numpy(np.stack([entries.row, entries.col]).astype(np.int64))
        values = torch.as_tensor(entries.data, dtype=torch.float32)
        x = torch.sparse_coo_tensor(places, values, entries.shape, check_invariants=False)
    elif isinstance(x, np.ndarray) and x.dtype.kind in "fiub":
        x = torch.as_tensor(x, dtype=torch.float32)
    if not isinstance(x, Tensor):
        raise TypeError(
            "x must be an array of numbers, a SciPy sparse matrix, a tensor or SparseFeatures, got "
            f"{type(x).__name__}"
        )
    x = x.detach().float()
    check_rows("x", x)
    entries = x if x.layout == torch.strided else x.to_sparse_coo().coalesce().values()
    if not bool(entries.isfinite().all()):
        raise ValueError("x must be finite, got NaN or infinity")
    if x.layout == torch.strided and int((x != 0).sum()) >= _SPARSE_BELOW * x.numel():
        dense: Tensor = x
        return dense
    return SparseFeatures(x)


def _nodes(name: str, mask: Any, nodes: int) -> Tensor:
    """Numbers of the nodes that a mask picks, of which there is at least one."""
    given = mask.cpu().numpy() if isinstance(mask, Tensor) else np.asarray(mask)
    if given.dtype != np.bool_:
        raise TypeError(f"{name} must be an array of bools, got {given.dtype}")
    if given.shape != (nodes,):
        raise ValueError(f"{name} must have shape ({nodes},), got {given.shape}")
    if not given.any():
        raise ValueError(f"{name} must pick at least one node, got none")
    return torch.from_numpy(np.flatnonzero(given))


def _labels(
    y: Any, nodes: int, train: Tensor, val: Tensor
) -> tuple[Shaped[np.ndarray, " classes"], Tensor]:
    """Classes of the training nodes, and each node's number among them (0 where it has none)."""
    given = y.cpu().numpy() if isinstance(y, Tensor) else np.asarray(y)
    if given.shape != (nodes,):
        raise ValueError(f"y must have shape ({nodes},) as x has {nodes} rows, got {given.shape}")
    classes = unique_labels(given[train.numpy()])
    unknown = ~np.isin(given[val.numpy()], classes)
    if unknown.any():
        raise ValueError(
            "y must have classes of training nodes at validation nodes, got "
            f"{given[val.numpy()][unknown][0]!r}"
        )
    number = np.searchsorted(classes, given).clip(max=len(classes) - 1)
    return classes, torch.from_numpy(np.where(classes[number] == given, number, 0))


def _device(device: Any) -> torch.device:
    try:
        return torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"device must be one that PyTorch has, got {device!r}: {error}") from None


def _array(values: Tensor) -> Float32[np.ndarray, "..."]:
    array: np.ndarray = values.float().cpu().numpy()
    return array
