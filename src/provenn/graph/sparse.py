"""Constant sparse matrices times dense ones, with one more such product as the derivative.

The derivative that PyTorch itself takes of a sparse CSR product is several times slower than the
product. Here the transposed matrix is laid out once, and the backward pass is a product with it.
"""

import warnings
from contextlib import AbstractContextManager, nullcontext
from functools import cache, cached_property
from typing import Any

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor

from provenn.checks import autocasts

Index = Int[Tensor, " _"]


class Pattern:
    """Where a sparse matrix has entries, in the order of its rows, and in that of its columns.

    Args:
        crow: Where each row begins among the entries, (rows + 1,).
        col: Column of each entry, ascending within a row.
        shape: Rows and columns.
    """

    def __init__(self, crow: Index, col: Index, shape: tuple[int, int]) -> None:
        self.crow = crow
        self.col = col
        self.shape = shape

    @classmethod
    def of_entries(
        cls, row: Int64[Tensor, " e"], col: Int64[Tensor, " e"], shape: tuple[int, int]
    ) -> tuple["Pattern", Int64[Tensor, " e"], int]:
        """Pattern of entries in any order.

        Args:
            row: Row of each entry.
            col: Column of each entry; the same place may come several times.
            shape: Rows and columns.

        Returns:
            The pattern, the place of each entry in it, and the number of places.
        """
        places, inverse = torch.unique(row * max(shape[1], 1) + col, return_inverse=True)
        rows = places // max(shape[1], 1)
        return cls(*_rows(rows, places % max(shape[1], 1), shape[0]), shape), inverse, len(places)

    @cached_property
    def row(self) -> Int64[Tensor, " e"]:
        """Row of each entry."""
        count = self.crow.long().diff()
        return torch.repeat_interleave(count, output_size=len(self.col))

    @cached_property
    def transposed(self) -> tuple["Pattern", Int64[Tensor, " e"]]:
        """Pattern of the transposed matrix, and where each of its entries is in this one."""
        order = torch.argsort(self.col, stable=True)
        crow, col = _rows(self.col.long()[order], self.row[order], self.shape[1])
        return Pattern(crow, col, (self.shape[1], self.shape[0])), order

    def to(self, device: torch.device) -> "Pattern":
        """The pattern on a device."""
        if device == self.crow.device:
            return self
        return Pattern(self.crow.to(device), self.col.to(device), self.shape)

    def with_values(self, value: Float[Tensor, " e"]) -> Tensor:
        """The matrix as a sparse CSR tensor."""
        _say_nothing_of_beta()
        return torch.sparse_csr_tensor(
            self.crow, self.col, value, self.shape, check_invariants=False
        )


class SparseMatrix:
    """A constant sparse matrix that is multiplied with dense ones.

    Args:
        pattern: Where it has entries.
        value: The entries.
    """

    def __init__(self, pattern: Pattern, value: Float[Tensor, " e"]) -> None:
        self.pattern = pattern
        self.value = value

    @cached_property
    def csr(self) -> Tensor:
        """The matrix as a sparse CSR tensor."""
        return self.pattern.with_values(self.value)

    @cached_property
    def transposed_csr(self) -> Tensor:
        """Its transpose as a sparse CSR tensor: the same one if it is symmetric."""
        pattern, order = self.pattern.transposed
        value = self.value[order]
        same_pattern = torch.equal(pattern.crow, self.pattern.crow) and torch.equal(
            pattern.col, self.pattern.col
        )
        if self.pattern.shape == pattern.shape and same_pattern and torch.equal(value, self.value):
            return self.csr
        return pattern.with_values(value)

    def __matmul__(self, dense: Float[Tensor, "columns k"]) -> Float[Tensor, "rows k"]:
        return self.times(dense)

    def times(
        self, dense: Float[Tensor, "columns k"], value: Float[Tensor, " e"] | None = None
    ) -> Float[Tensor, "rows k"]:
        """The product with a dense matrix.

        Args:
            dense: The dense matrix.
            value: Entries in place of the matrix's own, constant as well.
        """
        product: Tensor = _Product.apply(dense, value, self, False)
        return product

    def powers(self, dense: Float[Tensor, "n m"], k: int) -> Float[Tensor, "powers n m"]:
        """The products of a square matrix's powers 0, 1, ..., k with a dense matrix."""
        stack: Tensor = _Powers.apply(dense, self, k, False)
        return stack


class _Product(torch.autograd.Function):
    """``M @ dense``, or ``M^T @ dense``; entries ``None`` are the matrix's own."""

    @staticmethod
    def forward(dense: Tensor, value: Any, matrix: SparseMatrix, transposed: bool) -> Tensor:
        with _without_autocast(dense):
            return _laid_out(matrix, value, transposed) @ dense

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        _, value, ctx.matrix, ctx.transposed = inputs
        ctx.own_values = value is None
        ctx.save_for_backward(*(() if value is None else (value,)))
        ctx.save_for_forward(*(() if value is None else (value,)))

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        value = None if ctx.own_values else ctx.saved_tensors[0]
        return _Product.apply(gradients[0], value, ctx.matrix, not ctx.transposed), None, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        value = None if ctx.own_values else ctx.saved_tensors[0]
        return _Product.apply(tangents[0], value, ctx.matrix, ctx.transposed)

    @staticmethod
    def vmap(info: Any, in_dims: Any, *inputs: Any) -> Any:
        dense, value, matrix, transposed = inputs
        at, value_at, *_ = in_dims
        if value_at is None:
            side_by_side = dense.movedim(at, 1)
            product = _Product.apply(side_by_side.flatten(1), value, matrix, transposed)
            return product.unflatten(1, side_by_side.shape[1:]), 1
        products = [
            _Product.apply(
                dense if at is None else dense.select(at, i),
                value.select(value_at, i),
                matrix,
                transposed,
            )
            for i in range(info.batch_size)
        ]
        return torch.stack(products), 0


class _Powers(torch.autograd.Function):
    """The stack of ``M^l @ dense`` for l = 0..k; its derivative is a :class:`_PowerSum`."""

    @staticmethod
    def forward(dense: Tensor, matrix: SparseMatrix, k: int, transposed: bool) -> Tensor:
        csr = _laid_out(matrix, None, transposed)
        stack = dense.new_empty(k + 1, *dense.shape)
        stack[0] = dense
        with _without_autocast(dense):
            for power in range(k):
                torch.mm(csr, stack[power], out=stack[power + 1])
        return stack

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        _, ctx.matrix, ctx.k, ctx.transposed = inputs

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        total = _PowerSum.apply(gradients[0], ctx.matrix, ctx.k, not ctx.transposed)
        return total, None, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        return _Powers.apply(tangents[0], ctx.matrix, ctx.k, ctx.transposed)

    @staticmethod
    def vmap(info: Any, in_dims: Any, *inputs: Any) -> Any:
        dense, *others = inputs
        side_by_side = dense.movedim(in_dims[0], 1)
        stack = _Powers.apply(side_by_side.flatten(1), *others)
        return stack.unflatten(2, side_by_side.shape[1:]), 2


class _PowerSum(torch.autograd.Function):
    """``sum_l M^l @ stack_l`` for l = 0..k by Horner's rule; its derivative is :class:`_Powers`."""

    @staticmethod
    def forward(stack: Tensor, matrix: SparseMatrix, k: int, transposed: bool) -> Tensor:
        csr = _laid_out(matrix, None, transposed)
        total = stack[k]
        with _without_autocast(stack):
            for power in range(k - 1, -1, -1):
                total = torch.addmm(stack[power], csr, total)
        return total.clone() if k == 0 else total

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        _, ctx.matrix, ctx.k, ctx.transposed = inputs

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        stack = _Powers.apply(gradients[0], ctx.matrix, ctx.k, not ctx.transposed)
        return stack, None, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        return _PowerSum.apply(tangents[0], ctx.matrix, ctx.k, ctx.transposed)

    @staticmethod
    def vmap(info: Any, in_dims: Any, *inputs: Any) -> Any:
        stack, *others = inputs
        side_by_side = stack.movedim(in_dims[0], 2)
        total = _PowerSum.apply(side_by_side.flatten(2), *others)
        return total.unflatten(1, side_by_side.shape[2:]), 1


def _laid_out(matrix: SparseMatrix, value: Any, transposed: bool) -> Tensor:
    """The matrix or its transpose as a sparse CSR tensor, with its own entries or others."""
    if value is None:
        return matrix.transposed_csr if transposed else matrix.csr
    if not transposed:
        return matrix.pattern.with_values(value)
    pattern, order = matrix.pattern.transposed
    return pattern.with_values(value[order])


def _without_autocast(dense: Tensor) -> AbstractContextManager[Any]:
    """Products are of the matrix's own precision, also under automatic mixed precision."""
    if autocasts(dense.device.type):
        return torch.autocast(dense.device.type, enabled=False)
    return nullcontext()


def _rows(
    row: Int64[Tensor, " e"], col: Int64[Tensor, " e"], rows: int
) -> tuple[Int[Tensor, " starts"], Int[Tensor, " e"]]:
    """Beginnings of the rows of entries that are in order, and their columns."""
    starts = torch.searchsorted(row, torch.arange(rows + 1, device=row.device))
    # The fast kernels take 32-bit indices.
    fits = len(row) < 2**31 and rows < 2**31
    return (starts.int(), col.int()) if fits else (starts, col)


@cache
def _say_nothing_of_beta() -> None:
    """Let PyTorch's notice that sparse CSR tensors are in beta, given once, pass unseen."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        none = torch.zeros(1, dtype=torch.int32)
        torch.sparse_csr_tensor(none, none[1:], torch.zeros(0), (0, 0), check_invariants=False)
