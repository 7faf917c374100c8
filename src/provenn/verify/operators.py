"""Linear operators of a network: applied, transposed and in absolute value, never made dense.

A network's affine layer is ``z = W h + b``. Bound propagation needs three products with ``W``:
``W a`` (coefficients on a gradient), ``Wᵀ a`` (coefficients on an activation) and the same with
``|W|`` (intervals). For a convolution, ``W a`` is the convolution itself and ``Wᵀ a`` its
transpose, so the matrix that they stand for is not built.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional, grad

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class LinearOperator(ABC):
    """``W`` and ``b`` of one affine layer, on tensors with any number of leading dimensions.

    Args:
        in_shape: Shape of one input, without the batch.
        out_shape: Shape of one output.
        bias: ``b``, of a shape that broadcasts to ``out_shape``; ``None`` for zero.
    """

    in_shape: Shape
    out_shape: Shape
    bias: Tensor | None

    def apply(self, a: Tensor) -> Tensor:
        """``W a`` of ``a`` with shape ``(..., *in_shape)``."""
        lead = a.shape[: a.ndim - len(self.in_shape)]
        return self._apply(a.reshape(-1, *self.in_shape)).reshape(*lead, *self.out_shape)

    def adjoint(self, a: Tensor) -> Tensor:
        """``Wᵀ a`` of ``a`` with shape ``(..., *out_shape)``."""
        lead = a.shape[: a.ndim - len(self.out_shape)]
        return self._adjoint(a.reshape(-1, *self.out_shape)).reshape(*lead, *self.in_shape)

    def columns(self, index: Tensor, like: Tensor) -> Tensor:
        """Columns ``index`` of ``W``, one a row: shape ``(len(index), *out_shape)``."""
        return self.apply(unit_rows(index, self.in_shape, like))

    def rows(self, index: Tensor, like: Tensor) -> Tensor:
        """Rows ``index`` of ``W``: shape ``(len(index), *in_shape)``."""
        return self.adjoint(unit_rows(index, self.out_shape, like))

    @abstractmethod
    def absolute(self) -> "LinearOperator":
        """The operator ``|W|``, without bias."""

    @abstractmethod
    def _apply(self, a: Tensor) -> Tensor: ...

    @abstractmethod
    def _adjoint(self, a: Tensor) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Dense(LinearOperator):
    """A matrix on the last dimension, as in ``torch.nn.Linear``."""

    weight: Tensor

    def absolute(self) -> "Dense":
        """The operator ``|W|``, without bias."""
        return replace(self, weight=self.weight.abs(), bias=None)

    def columns(self, index: Tensor, like: Tensor) -> Tensor:
        """Columns ``index`` of ``W``, read instead of multiplied."""
        if len(self.in_shape) > 1:
            return super().columns(index, like)
        return self.weight.T[index]

    def rows(self, index: Tensor, like: Tensor) -> Tensor:
        """Rows ``index`` of ``W``, read instead of multiplied."""
        if len(self.in_shape) > 1:
            return super().rows(index, like)
        return self.weight[index]

    def _apply(self, a: Tensor) -> Tensor:
        return a @ self.weight.T

    def _adjoint(self, a: Tensor) -> Tensor:
        return a @ self.weight


@dataclass(frozen=True, eq=False)
class Convolution(LinearOperator):
    """A convolution over one or two dimensions with zero padding."""

    weight: Tensor
    stride: Shape
    padding: Shape
    dilation: Shape
    groups: int

    def absolute(self) -> "Convolution":
        """The operator ``|W|``, without bias."""
        return replace(self, weight=self.weight.abs(), bias=None)

    def _apply(self, a: Tensor) -> Tensor:
        convolve = functional.conv1d if len(self.stride) == 1 else functional.conv2d
        return convolve(a, self.weight, None, self.stride, self.padding, self.dilation, self.groups)

    def _adjoint(self, a: Tensor) -> Tensor:
        kernel = self.weight.shape[2:]
        full = tuple(
            d * (k - 1) - p for k, p, d in zip(kernel, self.padding, self.dilation, strict=True)
        )
        if a.dtype == torch.float32 and set(self.stride) == {1} and min(full) >= 0:
            return self._mirrored(a, full)
        transpose = grad.conv1d_input if len(self.stride) == 1 else grad.conv2d_input
        result: Tensor = transpose(
            (a.shape[0], *self.in_shape),
            self.weight,
            a,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
        )
        return result

    def _mirrored(self, a: Tensor, padding: Shape) -> Tensor:
        """``Wᵀ a`` as a convolution with the mirrored kernel: twice as fast on a CPU in float32."""
        out, each, *kernel = self.weight.shape
        grouped = self.weight.reshape(self.groups, out // self.groups, each, *kernel)
        mirrored = grouped.transpose(1, 2).flatten(0, 1).flip(tuple(range(2, 2 + len(kernel))))
        convolve = functional.conv1d if len(self.stride) == 1 else functional.conv2d
        return convolve(a, mirrored, None, 1, padding, self.dilation, self.groups)


@dataclass(frozen=True, eq=False)
class Scale(LinearOperator):
    """A factor for each element: batch normalisation in evaluation mode, or a constant."""

    factor: Tensor

    def absolute(self) -> "Scale":
        """The operator ``|W|``, without bias."""
        return replace(self, factor=self.factor.abs(), bias=None)

    def _apply(self, a: Tensor) -> Tensor:
        return a * self.factor

    def _adjoint(self, a: Tensor) -> Tensor:
        return a * self.factor


@dataclass(frozen=True, eq=False)
class Reshape(LinearOperator):
    """The same elements under another shape."""

    def absolute(self) -> "Reshape":
        """The operator itself."""
        return self

    def _apply(self, a: Tensor) -> Tensor:
        return a.reshape(-1, *self.out_shape)

    def _adjoint(self, a: Tensor) -> Tensor:
        return a.reshape(-1, *self.in_shape)


def unit_rows(index: Tensor, shape: Sequence[int], like: Tensor) -> Tensor:
    """Unit vectors ``e_k`` for ``k`` in ``index``, each of ``shape``, dtype and device of ``like``.

    Example:
        >>> unit_rows(torch.tensor([2, 0]), (3,), torch.zeros(1))
        tensor([[0., 0., 1.],
                [1., 0., 0.]])
    """
    size = int(torch.Size(shape).numel())
    rows = torch.zeros(len(index), size, dtype=like.dtype, device=like.device)
    rows[torch.arange(len(index), device=like.device), index] = 1
    return rows.reshape(-1, *shape)
