"""Parameterized hypercomplex products as pure functions.

The weight of a parameterized hypercomplex layer is a sum of Kronecker products,

    H = sum_{i=1..n} A_i (x) F_i,    H[a U + u, c V + v, ...] = sum_i A_i[a, c] F_i[u, v, ...],

with n matrices ``A_i`` of shape (n, n), the algebra, and n banks ``F_i`` of U x V small filters.
Features form n contiguous blocks, on the input side and on the output side.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from provenn.nn.hypercomplex.checks import (
    autocasts,
    check_divisible,
    check_float_tensor,
    check_input,
    check_positive_int,
    is_constant,
    per_axis,
)

LARGE = 2**17
"""Entries of the filters from which on the sparse product, which has more to prepare, is faster."""


def ph_weight(
    algebra: Float[Tensor, "n n n"], filters: Float[Tensor, "n u v *kernel"], groups: int = 1
) -> Float[Tensor, "n*u n*v *kernel"]:
    """Dense weight ``sum_i A_i (x) F_i``, built by one matrix product.

    With groups, each group of output channels is a hypercomplex product of its own, with its own
    filters and the common algebra, as in ``groups`` layers side by side.

    Args:
        algebra: ``A``, shape (n, n, n).
        filters: ``F``, shape ``(n, out / n, in / (n groups), *kernel)``.
        groups: Number of blocked connections, as in ``torch.nn.Conv2d``; divides out / n.

    Returns:
        ``H`` of shape ``(out, in / groups, *kernel)``.

    Raises:
        TypeError: If an argument is not a floating-point tensor, or the dtypes differ.
        ValueError: If the shapes do not fit or the devices differ.

    Reference:
        arXiv 2110.04176; for linear layers arXiv 2102.08597, equation 3.

    Example:
        >>> H = ph_weight(torch.eye(2).expand(2, 2, 2), torch.ones(2, 1, 1))
        >>> H
        tensor([[2., 0.],
                [0., 2.]])
    """
    _check_weight(algebra, filters, groups)
    return kronecker_sum(algebra, filters, groups)


def ph_linear(
    x: Float[Tensor, "*batch d"],
    algebra: Float[Tensor, "n n n"],
    filters: Float[Tensor, "n u v"],
    bias: Float[Tensor, "s"] | None = None,
) -> Float[Tensor, "*batch s"]:
    """Parameterized hypercomplex multiplication ``y = x H^T + b``.

    Args:
        x: Input, shape ``(*, in)``.
        algebra: ``A``, shape (n, n, n).
        filters: ``S``, shape (n, out / n, in / n).
        bias: ``b``, shape (out,).

    Returns:
        Output of shape ``(*, out)``.

    Raises:
        TypeError: If an argument is not a floating-point tensor, or the dtypes differ.
        ValueError: If the shapes do not fit or the devices differ.

    Reference:
        arXiv 2102.08597, equation 2.

    Example:
        >>> ph_linear(torch.ones(5, 6), torch.rand(3, 3, 3), torch.rand(3, 4, 2)).shape
        torch.Size([5, 12])
    """
    _check_weight(algebra, filters, 1, axes=0)
    _check_bias(bias, filters)
    check_input(x, filters.shape[0] * filters.shape[2], -1, None, filters)
    return functional.linear(x, kronecker_sum(algebra, filters, 1), bias)


def ph_conv1d(
    x: Float[Tensor, "*batch d length"],
    algebra: Float[Tensor, "n n n"],
    filters: Float[Tensor, "n u v k"],
    bias: Float[Tensor, "s"] | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Float[Tensor, "*batch s length_out"]:
    """Parameterized hypercomplex convolution of a sequence; see :func:`ph_conv2d`.

    Example:
        >>> ph_conv1d(torch.ones(1, 4, 9), torch.rand(2, 2, 2), torch.rand(2, 3, 2, 5)).shape
        torch.Size([1, 6, 5])
    """
    return _ph_conv(1, x, algebra, filters, bias, stride, padding, dilation, groups)


def ph_conv2d(
    x: Float[Tensor, "*batch d height width"],
    algebra: Float[Tensor, "n n n"],
    filters: Float[Tensor, "n u v kh kw"],
    bias: Float[Tensor, "s"] | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Float[Tensor, "*batch s height_out width_out"]:
    """Parameterized hypercomplex convolution ``y = conv2d(x, H) + b``.

    Args:
        x: Input, shape (batch, in, height, width), or without the batch.
        algebra: ``A``, shape (n, n, n).
        filters: ``F``, shape (n, out / n, in / (n groups), kernel height, kernel width).
        bias: ``b``, shape (out,).
        stride: As in ``torch.nn.functional.conv2d``, and so are the rest.
        padding: Integers, ``"same"`` or ``"valid"``.
        dilation: Spacing of the kernel's elements.
        groups: Number of blocked connections; each is a hypercomplex product of its own.

    Returns:
        Output of shape (batch, out, ...).

    Raises:
        TypeError: If an argument has the wrong type, or the dtypes differ.
        ValueError: If the shapes do not fit or the devices differ.

    Reference:
        arXiv 2110.04176.

    Example:
        >>> A, F = torch.rand(3, 3, 3), torch.rand(3, 4, 1, 3, 3)
        >>> ph_conv2d(torch.ones(1, 3, 8, 8), A, F, padding=1).shape
        torch.Size([1, 12, 8, 8])
    """
    return _ph_conv(2, x, algebra, filters, bias, stride, padding, dilation, groups)


def ph_conv3d(
    x: Float[Tensor, "*batch d depth height width"],
    algebra: Float[Tensor, "n n n"],
    filters: Float[Tensor, "n u v kd kh kw"],
    bias: Float[Tensor, "s"] | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Float[Tensor, "*batch s depth_out height_out width_out"]:
    """Parameterized hypercomplex convolution of a volume; see :func:`ph_conv2d`.

    Example:
        >>> A, F = torch.rand(2, 2, 2), torch.rand(2, 1, 1, 3, 3, 3)
        >>> ph_conv3d(torch.ones(1, 2, 4, 4, 4), A, F, padding="same").shape
        torch.Size([1, 2, 4, 4, 4])
    """
    return _ph_conv(3, x, algebra, filters, bias, stride, padding, dilation, groups)


def kronecker_sum(algebra: Tensor, filters: Tensor, groups: int) -> Tensor:
    """:func:`ph_weight` without its checks.

    Under automatic mixed precision the sum is built in the parameters' own precision, so that the
    weight is rounded once, by the convolution or product that uses it.
    """
    is_large = filters.numel() >= LARGE and not torch.compiler.is_compiling()
    if is_large and is_constant(algebra) and is_constant(filters):
        return sparse_product(algebra, filters, groups)
    if autocasts(filters):
        with torch.autocast(filters.device.type, enabled=False):
            return batched_product(algebra, filters, groups)
    return batched_product(algebra, filters, groups)


def batched_product(algebra: Tensor, filters: Tensor, groups: int) -> Tensor:
    """:func:`kronecker_sum` by dense products, one for each row of the filters.

    What is left to copy into place are whole block rows, n times longer than those of a single
    product.
    """
    n, rows, columns, *kernel = filters.shape
    coefficients = algebra.reshape(n, n * n).t().expand(rows, n * n, n)
    product = torch.bmm(coefficients, filters.reshape(n, rows, -1).transpose(0, 1))
    blocks = product.view(groups, rows // groups, n, -1).transpose(1, 2)
    return blocks.reshape(n * rows, n * columns, *kernel)


def sparse_product(algebra: Tensor, filters: Tensor, groups: int) -> Tensor:
    """:func:`kronecker_sum` by the product of a sparse matrix with the rows of the filters.

    Each row of a block of ``H`` is a sum of n rows of the filters, one of each bank, weighted by
    the algebra. It is written in its place at once, so that nothing is left to copy; but the
    product cannot be differentiated twice or mapped.
    """
    n, rows, columns, *kernel = filters.shape
    terms = (groups, n, rows // groups, n, n)  # of group g: block row a, row u, block column c, i
    numbers = torch.arange(n * rows, dtype=torch.int32, device=filters.device)
    product = functional.embedding_bag(
        numbers.view(n, groups, 1, -1, 1).movedim(0, -1).expand(terms).reshape(-1, n),
        filters.reshape(n * rows, -1),
        mode="sum",
        per_sample_weights=algebra.permute(1, 2, 0)[:, None].expand(terms).reshape(-1, n),
    )
    return product.view(n * rows, n * columns, *kernel)


def convolve(
    axes: int,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Tensor:
    """Convolution along ``axes`` axes."""
    function = (functional.conv1d, functional.conv2d, functional.conv3d)[axes - 1]
    return function(x, weight, bias, stride, padding, dilation, groups)


def check_padding(padding: Any, axes: int, stride: tuple[int, ...]) -> tuple[int, ...] | str:
    """Integers per axis, ``"same"`` or ``"valid"``."""
    if not isinstance(padding, str):
        return per_axis("padding", padding, axes, 0)
    if padding not in ("same", "valid"):
        raise ValueError(f"padding must be integers, 'same' or 'valid', got {padding!r}")
    if padding == "same" and any(s != 1 for s in stride):
        raise ValueError(f"padding='same' needs stride 1, got stride {stride}")
    return padding


def _ph_conv(
    axes: int,
    x: Tensor,
    algebra: Tensor,
    filters: Tensor,
    bias: Tensor | None,
    stride: int | Sequence[int],
    padding: int | Sequence[int] | str,
    dilation: int | Sequence[int],
    groups: int,
) -> Tensor:
    _check_weight(algebra, filters, groups, axes)
    _check_bias(bias, filters)
    check_input(
        x, filters.shape[0] * filters.shape[2] * groups, -1 - axes, (axes + 1, axes + 2), filters
    )
    stride = per_axis("stride", stride, axes, 1)
    dilation = per_axis("dilation", dilation, axes, 1)
    padding = check_padding(padding, axes, stride)
    weight = kronecker_sum(algebra, filters, groups)
    return convolve(axes, x, weight, bias, stride, padding, dilation, groups)


def _check_weight(algebra: Any, filters: Any, groups: Any, axes: int | None = None) -> None:
    check_float_tensor("algebra", algebra)
    check_float_tensor("filters", filters)
    check_positive_int("groups", groups)
    n = algebra.shape[0] if algebra.ndim else 0
    if algebra.shape != (n, n, n) or n == 0:
        raise ValueError(f"algebra must have shape (n, n, n), got {tuple(algebra.shape)}")
    if filters.ndim < 3 or filters.shape[0] != n or filters.numel() == 0:
        raise ValueError(
            f"filters must have shape (n = {n}, out / n, in / n, *kernel), all positive, "
            f"got {tuple(filters.shape)}"
        )
    if axes is not None and filters.ndim != 3 + axes:
        raise ValueError(
            f"filters must have {3 + axes} dimensions, got {filters.ndim} "
            f"with shape {tuple(filters.shape)}"
        )
    check_divisible("filters' out / n", filters.shape[1], groups, "groups")
    if algebra.dtype != filters.dtype:
        raise TypeError(
            f"algebra must have the filters' dtype {filters.dtype}, got {algebra.dtype}"
        )
    if algebra.device != filters.device:
        raise ValueError(
            f"algebra must be on the filters' device {filters.device}, got {algebra.device}"
        )


def _check_bias(bias: Any, filters: Tensor) -> None:
    if bias is None:
        return
    check_float_tensor("bias", bias)
    out = filters.shape[0] * filters.shape[1]
    if bias.shape != (out,):
        raise ValueError(f"bias must have shape ({out},), got {tuple(bias.shape)}")
