"""Deep adaptive graph networks: transform once, propagate many times, and choose how far to look.

    Z = MLP(X),   H_l = A_hat^l Z,   S = sigmoid(H s + b),   out_i = sum_l S_il H_il

Source: Liu, Gao, Ji, Towards Deeper Graph Neural Networks, KDD 2020, arXiv 2007.09296, section 4.
"""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from provenn.checks import check_choice, check_flag, check_integer, check_like
from provenn.graph.adjacency import (
    NORMALIZATIONS,
    Adjacency,
    AdjacencyCache,
    Normalization,
)
from provenn.graph.checks import check_rows
from provenn.graph.encoder import NodeMLP
from provenn.graph.features import SparseFeatures
from provenn.nn.pretrained import PretrainedModule

Features = Float[Tensor, "nodes in_features"] | SparseFeatures
Hops = Float[Tensor, "hops nodes channels"]


def retainment_scores(
    hops: Hops, weight: Float[Tensor, " channels"], bias: Float[Tensor, ""] | None = None
) -> Float[Tensor, "hops nodes"]:
    """How much of each hop each node keeps: ``sigmoid(H s + b)``.

    Args:
        hops: Stack of :meth:`Adjacency.hops <provenn.graph.Adjacency.hops>`.
        weight: The vector s, shared by all nodes and hops.
        bias: The scalar b, or none.

    Raises:
        TypeError: If an argument is no floating-point tensor.
        ValueError: If shapes do not fit.

    Example:
        >>> import torch
        >>> retainment_scores(torch.zeros(3, 2, 4), torch.ones(4))
        tensor([[0.5000, 0.5000],
                [0.5000, 0.5000],
                [0.5000, 0.5000]])
    """
    for name, value, ndim in (("hops", hops, 3), ("weight", weight, 1)):
        if not isinstance(value, Tensor) or not value.is_floating_point():
            kind = value.dtype if isinstance(value, Tensor) else type(value).__name__
            raise TypeError(f"{name} must be a floating-point torch.Tensor, got {kind}")
        if value.ndim != ndim:
            raise ValueError(f"{name} must have {ndim} axes, got shape {tuple(value.shape)}")
    if hops.shape[-1] != weight.shape[0]:
        raise ValueError(
            f"weight must have an entry for each of {hops.shape[-1]} channels, got shape "
            f"{tuple(weight.shape)}"
        )
    scores = hops @ weight.to(hops.dtype)
    return (scores if bias is None else scores + bias).sigmoid()


def dagnn_propagate(
    z: Float[Tensor, "nodes channels"],
    adjacency: Adjacency,
    weight: Float[Tensor, " channels"],
    bias: Float[Tensor, ""] | None = None,
    *,
    k: int,
) -> Float[Tensor, "nodes channels"]:
    """Adaptive propagation: ``out_i = sum_l sigmoid(s^T (A^l z)_i + b) (A^l z)_i``, l from 0 to k.

    A gated sum: neither a mean nor a softmax over the hops.

    Args:
        z: A row for each node.
        adjacency: Edges along which it is propagated.
        weight: The vector s.
        bias: The scalar b, or none.
        k: Number of propagations.

    Returns:
        A row for each node, of the dtype of ``z``.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If ``k`` is negative or shapes do not fit.

    Reference:
        arXiv 2007.09296, section 4.1. The official code has the bias, the formula has not.

    Example:
        >>> import torch
        >>> from provenn.graph import gcn_normalize
        >>> adjacency = gcn_normalize(torch.tensor([[0, 1], [1, 0]]), 2)
        >>> dagnn_propagate(torch.tensor([[2.0], [0.0]]), adjacency, torch.zeros(1), k=1)
        tensor([[1.5000],
                [0.5000]])
    """
    _check_propagation(z, adjacency)
    hops = adjacency.hops(z, k)
    scores = retainment_scores(hops, weight, bias)
    return (scores.unsqueeze(-1) * hops).sum(0).to(z.dtype)


class AdaptivePropagation(nn.Module):
    """The propagation of DAGNN alone, to put on top of any encoder of nodes.

    Args:
        channels: Channels of its input and output.
        k: Number of propagations.
        bias: Whether the gate has a bias.
        normalization: How edges are normalised, see :func:`~provenn.graph.gcn_normalize`.
        add_self_loops: Whether nodes without a self-loop get one.
        device: Where the parameters are.
        dtype: Their type.

    Attributes:
        weight: The vector s, (channels,).
        bias: The scalar b, or ``None``.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If it is out of range.

    Example:
        >>> import torch
        >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> AdaptivePropagation(4, k=10)(torch.rand(3, 4), edges).shape
        torch.Size([3, 4])
    """

    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(
        self,
        channels: int,
        k: int,
        bias: bool = True,
        *,
        normalization: Normalization = "symmetric",
        add_self_loops: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_integer("channels", channels)
        check_integer("k", k, least=0)
        check_flag("bias", bias)
        check_choice("normalization", normalization, NORMALIZATIONS)
        check_flag("add_self_loops", add_self_loops)
        self.channels = channels
        self.k = k
        self.normalization = normalization
        self.add_self_loops = add_self_loops
        self.weight = nn.Parameter(torch.empty(channels, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty((), device=device, dtype=dtype)) if bias else None
        self._last = AdjacencyCache(normalization, add_self_loops)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the gate anew, as ``torch.nn.Linear(channels, 1)`` does."""
        bound = 1 / math.sqrt(self.channels)
        nn.init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            nn.init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"channels={self.channels}, k={self.k}, bias={self.bias is not None}, "
            f"normalization={self.normalization}, add_self_loops={self.add_self_loops}"
        )

    def forward(
        self,
        z: Float[Tensor, "nodes channels"],
        edge_index: Tensor | Adjacency,
        edge_weight: Float[Tensor, " edges"] | None = None,
    ) -> Float[Tensor, "nodes channels"]:
        """Propagate and gate.

        Args:
            z: A row for each node.
            edge_index: Edges, (2, edges), which are normalised when they are first seen; or an
                :class:`Adjacency`, which is taken as it is.
            edge_weight: Weight of each edge; 1 without it.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If shapes or devices do not fit, or an edge names no node.
        """
        check_rows("z", z, self.channels)
        check_like("z", z, self.weight)
        adjacency = _adjacency(self._last, z, edge_index, edge_weight)
        return dagnn_propagate(z, adjacency, self.weight, self.bias, k=self.k)

    @torch.no_grad()
    def retainment_scores(
        self,
        z: Float[Tensor, "nodes channels"],
        edge_index: Tensor | Adjacency,
        edge_weight: Float[Tensor, " edges"] | None = None,
    ) -> Float[Tensor, "nodes hops"]:
        """How much of each hop each node keeps, from 0 to 1, (nodes, k + 1); arguments as above."""
        check_rows("z", z, self.channels)
        check_like("z", z, self.weight)
        hops = _adjacency(self._last, z, edge_index, edge_weight).hops(z, self.k)
        return retainment_scores(hops, self.weight, self.bias).T


class DAGNN(PretrainedModule):
    """Deep adaptive graph neural network for the classification of nodes.

    Args:
        in_features: Features of a node.
        n_classes: Classes.
        hidden: Hidden units of the perceptron.
        k: Number of propagations; 0 looks at no neighbour.
        dropout: Probability of dropping a feature or a hidden unit; nothing is dropped later.
        input_dropout: Probability of dropping a feature, where it is another.
        batch_norm: Whether hidden units are normalised over the nodes. With ``input_dropout=0``,
            ``hidden=256``, ``k=16`` and ``dropout=0.2`` it is the network for ogbn-arxiv.
        gate_bias: Whether the gate has a bias, as in the official code; the formula has none.
        normalization: How edges are normalised, see :func:`~provenn.graph.gcn_normalize`.
        add_self_loops: Whether nodes without a self-loop get one.
        device: Where the parameters are.
        dtype: Their type.

    Attributes:
        encoder: The perceptron, a :class:`~provenn.graph.NodeMLP`.
        propagation: The gated propagation, an :class:`AdaptivePropagation`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If it is out of range.

    Reference:
        arXiv 2007.09296, section 4.1.

    Example:
        >>> import torch
        >>> from provenn.graph import gcn_normalize
        >>> x, edges = torch.rand(3, 8), torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> net = DAGNN(8, 4, hidden=16, k=10).eval()
        >>> net(x, edges).shape
        torch.Size([3, 4])
        >>> adjacency = gcn_normalize(edges, 3)  # once, for as long as the graph stays
        >>> torch.equal(net(x, adjacency), net(x, edges))
        True
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        hidden: int = 64,
        k: int = 10,
        dropout: float = 0.8,
        *,
        input_dropout: float | None = None,
        batch_norm: bool = False,
        gate_bias: bool = True,
        normalization: Normalization = "symmetric",
        add_self_loops: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_integer("n_classes", n_classes)
        check_flag("gate_bias", gate_bias)
        factory: dict[str, Any] = {"device": device, "dtype": dtype}
        self.encoder = NodeMLP(
            in_features,
            n_classes,
            hidden,
            dropout,
            input_dropout=input_dropout,
            batch_norm=batch_norm,
            **factory,
        )
        self.propagation = AdaptivePropagation(
            n_classes,
            k,
            gate_bias,
            normalization=normalization,
            add_self_loops=add_self_loops,
            **factory,
        )
        self.config = {
            "in_features": in_features,
            "n_classes": n_classes,
            "hidden": hidden,
            "k": k,
            "dropout": dropout,
            "input_dropout": input_dropout,
            "batch_norm": batch_norm,
            "gate_bias": gate_bias,
            "normalization": normalization,
            "add_self_loops": add_self_loops,
        }

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        self.encoder.reset_parameters()
        self.propagation.reset_parameters()

    def forward(
        self,
        x: Features,
        edge_index: Tensor | Adjacency,
        edge_weight: Float[Tensor, " edges"] | None = None,
    ) -> Float[Tensor, "nodes n_classes"]:
        """Scores of the classes (logits) for each node.

        Args:
            x: Features of the nodes: dense, or :class:`~provenn.graph.SparseFeatures`.
            edge_index: Edges, (2, edges), which are normalised when they are first seen; or an
                :class:`~provenn.graph.Adjacency`, which is taken as it is.
            edge_weight: Weight of each edge; 1 without it.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If shapes or devices do not fit, or an edge names no node.
        """
        scores: Tensor = self.propagation(self.encoder(x), edge_index, edge_weight)
        return scores

    @torch.no_grad()
    def retainment_scores(
        self,
        x: Features,
        edge_index: Tensor | Adjacency,
        edge_weight: Float[Tensor, " edges"] | None = None,
    ) -> Float[Tensor, "nodes hops"]:
        """How much of each hop each node keeps, from 0 to 1, (nodes, k + 1); arguments as above."""
        z = self.encoder(x)
        scores: Tensor = self.propagation.retainment_scores(z, edge_index, edge_weight)
        return scores


class DecoupledGNN(nn.Module):
    """The network of the paper's analysis: ``A_hat^k MLP(X)``, the last hop alone, without a gate.

    It shows what depth does once transformation and propagation are apart. DAGNN's settings do not
    suit it: without the sum over hops its scores are small, so take less dropout and weight decay.

    Args:
        in_features: Features of a node.
        n_classes: Classes.
        hidden: Hidden units of the perceptron.
        k: Number of propagations.
        dropout: Probability of dropping a feature or a hidden unit.
        normalization: How edges are normalised, see :func:`~provenn.graph.gcn_normalize`.
        add_self_loops: Whether nodes without a self-loop get one.
        device: Where the parameters are.
        dtype: Their type.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If it is out of range.

    Reference:
        arXiv 2007.09296, section 3.

    Example:
        >>> import torch
        >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> DecoupledGNN(8, 4, k=100)(torch.rand(3, 8), edges).shape
        torch.Size([3, 4])
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        hidden: int = 64,
        k: int = 10,
        dropout: float = 0.5,
        *,
        normalization: Normalization = "symmetric",
        add_self_loops: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_integer("n_classes", n_classes)
        check_integer("k", k, least=0)
        check_choice("normalization", normalization, NORMALIZATIONS)
        check_flag("add_self_loops", add_self_loops)
        self.k = k
        self.encoder = NodeMLP(in_features, n_classes, hidden, dropout, device=device, dtype=dtype)
        self._last = AdjacencyCache(normalization, add_self_loops)

    def extra_repr(self) -> str:
        """The number of propagations."""
        return f"k={self.k}"

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        self.encoder.reset_parameters()

    def forward(
        self,
        x: Features,
        edge_index: Tensor | Adjacency,
        edge_weight: Float[Tensor, " edges"] | None = None,
    ) -> Float[Tensor, "nodes n_classes"]:
        """Scores of the classes (logits) for each node; arguments as :meth:`DAGNN.forward`."""
        z = self.encoder(x)
        adjacency = _adjacency(self._last, z, edge_index, edge_weight)
        return adjacency.hops(z, self.k)[-1].to(z.dtype)


def _check_propagation(z: Any, adjacency: Any) -> None:
    check_rows("z", z)
    if not isinstance(adjacency, Adjacency):
        raise TypeError(f"adjacency must be an Adjacency, got {type(adjacency).__name__}")


def _adjacency(
    last: AdjacencyCache, z: Tensor, edge_index: Any, edge_weight: Tensor | None
) -> Adjacency:
    """The adjacency along which the rows of ``z`` are propagated."""
    if isinstance(edge_index, Adjacency):
        if edge_weight is not None:
            raise ValueError(
                "edge_weight must be None where edge_index is an Adjacency, which holds the "
                f"weights; got a {type(edge_weight).__name__}"
            )
        if edge_index.num_nodes != z.shape[0]:
            raise ValueError(
                f"edge_index must be of {z.shape[0]} nodes, one for each row, got an Adjacency of "
                f"{edge_index.num_nodes}"
            )
        return edge_index
    if not isinstance(edge_index, Tensor):
        raise TypeError(
            "edge_index must be a torch.Tensor of shape (2, edges) or an Adjacency, got "
            f"{type(edge_index).__name__}"
        )
    if edge_index.device != z.device:
        raise ValueError(f"edge_index must be on the device {z.device}, got {edge_index.device}")
    dtype = z.dtype if z.dtype == torch.float64 else torch.float32
    return last.get(edge_index, z.shape[0], edge_weight, dtype)
