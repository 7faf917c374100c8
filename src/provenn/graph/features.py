"""Node features with few non-zeros, multiplied as the sparse matrix that they are.

Dropout leaves zeros alone, so that dropping the non-zeros is dropout of the whole matrix.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from provenn.checks import check_number
from provenn.graph.checks import check_rows
from provenn.graph.sparse import Pattern, SparseMatrix


class SparseFeatures:
    """Features of the nodes of a graph, kept sparse; data, through which no gradient flows.

    Every network of this room takes them in place of a dense ``x``, with the same results. Make
    them once for a graph: the layout of the transposed matrix is kept.

    Args:
        x: Features, (nodes, features), dense or sparse (COO, CSR or CSC).

    Raises:
        TypeError: If ``x`` is no floating-point tensor.
        ValueError: If it has not two axes, or requires a gradient.

    Example:
        >>> import torch
        >>> features = SparseFeatures(torch.tensor([[0.0, 2.0, 0.0], [1.0, 0.0, 0.0]]))
        >>> features.linear(torch.tensor([[1.0, 1.0, 1.0]]))
        tensor([[2.],
                [1.]])
    """

    def __init__(self, x: Float[Tensor, "nodes features"]) -> None:
        check_rows("x", x)
        if x.requires_grad:
            raise ValueError("x must not require a gradient where it is kept sparse, got one")
        shape = (x.shape[0], x.shape[1])
        entries = x.to_sparse_coo().coalesce()
        row, column = entries.indices()
        pattern, _, _ = Pattern.of_entries(row, column, shape)
        self._matrix = SparseMatrix(pattern, entries.values())
        self._value = self._matrix.value

    def __repr__(self) -> str:
        nodes, features = self.shape
        return f"SparseFeatures({nodes} x {features}, {len(self._matrix.value)} non-zero)"

    @property
    def shape(self) -> tuple[int, int]:
        """Nodes and features."""
        return self._matrix.pattern.shape

    @property
    def dtype(self) -> torch.dtype:
        """Type of the entries."""
        return self._value.dtype

    @property
    def device(self) -> torch.device:
        """Where they are."""
        return self._value.device

    def linear(
        self, weight: Float[Tensor, "out features"], bias: Float[Tensor, " out"] | None = None
    ) -> Float[Tensor, "nodes out"]:
        """``X W^T + b``, differentiable in the weight and the bias.

        Args:
            weight: Weight, as ``torch.nn.Linear`` has it.
            bias: Bias, or none.

        Raises:
            TypeError: If the weight is no floating-point tensor.
            ValueError: If it has another number of columns than there are features.
        """
        check_rows("weight", weight, self.shape[1])
        value = None if self._value is self._matrix.value else self._value
        product = self._matrix.times(weight.T, value)
        return product if bias is None else product + bias

    def dropout(self, p: float, *, training: bool = True) -> "SparseFeatures":
        """The features after dropout; with ``training=False`` or ``p=0`` they themselves.

        Args:
            p: Probability of each entry to become 0, at least 0 and less than 1.
            training: Whether entries are dropped.

        Raises:
            TypeError: If ``p`` is no number.
            ValueError: If it is out of range.
        """
        check_number("p", p, least=0.0, below=1.0)
        if not training or p == 0:
            return self
        return SparseFeatures._of(self._matrix, functional.dropout(self._value, p))

    def to(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> "SparseFeatures":
        """The features on a device and in a dtype; themselves if they are there already."""
        value = self._value.to(device=device, dtype=dtype)
        if value is self._value:
            return self
        matrix = SparseMatrix(self._matrix.pattern.to(value.device), value)
        return SparseFeatures._of(matrix, value)

    def to_dense(self) -> Float[Tensor, "nodes features"]:
        """The features as a dense matrix."""
        dense: Tensor = self._matrix.pattern.with_values(self._value).to_dense()
        return dense

    @classmethod
    def _of(cls, matrix: SparseMatrix, value: Tensor) -> "SparseFeatures":
        """Features with these entries in the places of the matrix."""
        features = object.__new__(cls)
        features._matrix, features._value = matrix, value
        return features


def normalize_rows(x: Any) -> Any:
    """Divide each row of non-negative features by its sum; rows of zeros stay as they are.

    Args:
        x: Features, (nodes, features): a dense or sparse tensor, or :class:`SparseFeatures`.

    Returns:
        A dense tensor of a dense one, else :class:`SparseFeatures`, with rows that add up to 1.

    Raises:
        TypeError: If ``x`` is none of these.
        ValueError: If it has not two axes, or an entry is negative, NaN or infinite.

    Example:
        >>> import torch
        >>> normalize_rows(torch.tensor([[1.0, 3.0], [0.0, 0.0]]))
        tensor([[0.2500, 0.7500],
                [0.0000, 0.0000]])
    """
    if not isinstance(x, SparseFeatures):
        check_rows("x", x)
        if x.layout == torch.strided:
            _check_amounts(x)
            total = x.sum(1, keepdim=True)
            return x / torch.where(total > 0, total, 1)
        x = SparseFeatures(x)
    _check_amounts(x._value)
    row = x._matrix.pattern.row
    total = x._value.new_zeros(x.shape[0]).index_add(0, row, x._value)
    divided = x._value / torch.where(total > 0, total, 1)[row]
    return SparseFeatures._of(SparseMatrix(x._matrix.pattern, divided), divided)


def _check_amounts(x: Tensor) -> None:
    if not bool(((x >= 0) & x.isfinite()).all()):
        raise ValueError("x must be finite and at least 0 to be divided by sums of rows, got less")
