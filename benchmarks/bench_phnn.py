"""Hypercomplex layers: the weight against a broadcast product, evaluation against plain layers."""

import torch

from benchmarks.table import Row, compare
from provenn.nn import PHConv2d, PHLinear, ph_weight


def broadcast_and_sum(algebra: torch.Tensor, filters: torch.Tensor) -> torch.Tensor:
    """The Kronecker sum by way of all n products, as the authors' code builds it."""
    n, rows, columns, *kernel = filters.shape
    products = algebra[:, :, None, :, None, None, None] * filters[:, None, :, None]
    return products.reshape(n, n * rows, n * columns, *kernel).sum(0)


def rows() -> list[Row]:
    torch.manual_seed(0)
    return [*_builds(), *_evaluations()]


def _builds() -> list[Row]:
    found = []
    for n, channels, target in ((4, 256, 3.0), (2, 256, None), (3, 240, None), (4, 64, None)):
        A = torch.randn(n, n, n)
        F = torch.randn(n, channels // n, channels // n, 3, 3)
        torch.testing.assert_close(ph_weight(A, F), broadcast_and_sum(A, F), atol=1e-4, rtol=1e-4)
        found.append(
            compare(
                f"weight, {channels} -> {channels}, 3x3, n = {n}",
                lambda A=A, F=F: ph_weight(A, F),
                lambda A=A, F=F: broadcast_and_sum(A, F),
                at_least=target,
            )
        )
    A, F = torch.randn(4, 4, 4), torch.randn(4, 64, 64, 3, 3)
    A.requires_grad_()
    F.requires_grad_()
    gradient = torch.randn(256, 256, 3, 3)
    found.append(
        compare(
            "the same with its gradient, 256 -> 256, n = 4",
            lambda: torch.autograd.grad(ph_weight(A, F), (A, F), gradient),
            lambda: torch.autograd.grad(broadcast_and_sum(A, F), (A, F), gradient),
        )
    )
    return found


def _evaluations() -> list[Row]:
    found = []
    layer = PHConv2d(256, 256, 3, padding=1, n=4).eval().requires_grad_(False)
    for batch, size in ((8, 8), (1, 32)):
        what = f"PHConv2d in evaluation, {batch} x 256 x {size} x {size}"
        found.append(_evaluation(what, layer, torch.randn(batch, 256, size, size), 1.03))
    linear = PHLinear(1024, 1024, n=4).eval().requires_grad_(False)
    found.append(_evaluation("PHLinear in evaluation, 256 x 1024", linear, torch.randn(256, 1024)))
    return found


def _evaluation(
    what: str, layer: PHConv2d | PHLinear, x: torch.Tensor, at_most: float | None = None
) -> Row:
    dense = layer.to_dense()
    torch.testing.assert_close(layer(x), dense(x), atol=1e-4, rtol=1e-4)
    return compare(what, lambda: layer(x), lambda: dense(x), at_most=at_most, overhead=True)
