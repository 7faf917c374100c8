"""The part of a decoupled graph network that sees one node at a time."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from provenn.checks import check_flag, check_integer, check_like, check_number
from provenn.graph.checks import check_rows
from provenn.graph.features import SparseFeatures


class NodeMLP(nn.Module):
    """A perceptron of two layers on each node: ``dropout, Linear, ReLU, dropout, Linear``.

    Args:
        in_features: Features of a node.
        out_features: Outputs for a node, such as scores of classes.
        hidden: Hidden units.
        dropout: Probability of dropping a hidden unit.
        input_dropout: Probability of dropping a feature; ``dropout`` without it.
        batch_norm: Whether hidden units are normalised over the nodes before the ReLU.
        device: Where the parameters are.
        dtype: Their type.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If it is out of range.

    Example:
        >>> import torch
        >>> NodeMLP(8, 3)(torch.rand(5, 8)).shape
        torch.Size([5, 3])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        hidden: int = 64,
        dropout: float = 0.5,
        *,
        input_dropout: float | None = None,
        batch_norm: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        for name, value in (
            ("in_features", in_features),
            ("out_features", out_features),
            ("hidden", hidden),
        ):
            check_integer(name, value)
        check_number("dropout", dropout, least=0.0, below=1.0)
        if input_dropout is not None:
            check_number("input_dropout", input_dropout, least=0.0, below=1.0)
        check_flag("batch_norm", batch_norm)
        factory: dict[str, Any] = {"device": device, "dtype": dtype}
        self.dropout = dropout
        self.input_dropout = dropout if input_dropout is None else input_dropout
        self.lin1 = nn.Linear(in_features, hidden, **factory)
        self.norm = nn.BatchNorm1d(hidden, **factory) if batch_norm else nn.Identity()
        self.lin2 = nn.Linear(hidden, out_features, **factory)

    def extra_repr(self) -> str:
        """The probabilities of dropout."""
        return f"dropout={self.dropout}, input_dropout={self.input_dropout}"

    def reset_parameters(self) -> None:
        """Draw the parameters anew, as ``torch.nn.Linear`` does."""
        for layer in (self.lin1, self.norm, self.lin2):
            if not isinstance(layer, nn.Identity):
                layer.reset_parameters()

    def forward(
        self, x: Float[Tensor, "nodes in_features"] | SparseFeatures
    ) -> Float[Tensor, "nodes out_features"]:
        """Outputs for each node.

        Args:
            x: Features: dense, or :class:`SparseFeatures` (a sparse tensor is made into these).

        Raises:
            TypeError: If ``x`` is neither, or of another dtype than the parameters.
            ValueError: If it has another number of columns, or is on another device.
        """
        hidden = self.norm(self._first(x)).relu()
        hidden = functional.dropout(hidden, self.dropout, self.training)
        scores: Tensor = self.lin2(hidden)
        return scores

    def _first(self, x: Any) -> Tensor:
        weight, bias = self.lin1.weight, self.lin1.bias
        if isinstance(x, Tensor) and x.layout != torch.strided:
            x = SparseFeatures(x)
        if isinstance(x, SparseFeatures):
            check_like("x", x, weight)
            if x.shape[1] != weight.shape[1]:
                raise ValueError(f"x must have {weight.shape[1]} columns, got shape {x.shape}")
            return x.dropout(self.input_dropout, training=self.training).linear(weight, bias)
        check_rows("x", x, weight.shape[1])
        check_like("x", x, weight)
        dropped = functional.dropout(x, self.input_dropout, self.training)
        return functional.linear(dropped, weight, bias)
