"""The Kronecker sum and the products with it, against slow references in float64."""

from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from provenn.nn import (
    PHConv1d,
    PHConv2d,
    PHConv3d,
    PHLinear,
    algebra,
    ph_conv1d,
    ph_conv2d,
    ph_conv3d,
    ph_linear,
    ph_weight,
)
from provenn.nn.hypercomplex import functional as products
from provenn.nn.hypercomplex.functional import LARGE, batched_product, sparse_product

from .references import kron_weight, quaternion_conv2d

CONVS = {1: ph_conv1d, 2: ph_conv2d, 3: ph_conv3d}
DENSE = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
PRODUCTS = [batched_product, sparse_product]
few = settings(max_examples=25, deadline=None)


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("product", [ph_weight, *PRODUCTS])
@given(
    n=st.integers(1, 5),
    rows=st.integers(1, 3),
    columns=st.integers(1, 3),
    kernel=st.lists(st.integers(1, 3), max_size=3),
    groups=st.integers(1, 3),
)
@few
def test_weight_is_a_sum_of_kronecker_products(product, n, rows, columns, kernel, groups):
    A, F = draw(n, n, n), draw(n, rows * groups, columns, *kernel, seed=1)
    H = product(A, F, groups)
    torch.testing.assert_close(H, kron_weight(A, F, groups), rtol=0, atol=1e-12)


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_weight_in_every_precision(product, dtype):
    A, F = draw(4, 4, 4).to(dtype), draw(4, 6, 5, 3, 3, seed=1).to(dtype)
    H = product(A, F, 2)
    assert H.dtype == dtype
    A, F = A.double(), F.double()
    error = (H.double() - kron_weight(A, F, 2)).abs()
    assert (error <= 2 * torch.finfo(dtype).eps * kron_weight(A.abs(), F.abs(), 2)).all()


@pytest.fixture
def large():
    A, F = draw(4, 4, 4).float(), draw(4, 64, 64, 3, 3, seed=1).float()
    assert F.numel() >= LARGE
    return A, F


def test_large_constant_weight_is_a_sparse_product(large):
    expected = batched_product(*large, 1)
    with mock.patch.object(products, "sparse_product", wraps=sparse_product) as spy:
        weights = [ph_weight(*large)]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            weights.append(ph_weight(*large))
        with torch.no_grad():
            weights.append(ph_weight(*(t.requires_grad_() for t in large)))
    assert spy.call_count == 3
    for H in weights:
        torch.testing.assert_close(H, expected, rtol=1e-4, atol=1e-5)


def test_large_weight_is_differentiable(large):
    A, F = (t.requires_grad_() for t in large)
    direction = draw(*F.shape, seed=2).float()
    H = ph_weight(A, F)
    torch.testing.assert_close(H, sparse_product(A, F, 1), rtol=1e-4, atol=1e-5)
    (gradient,) = torch.autograd.grad(H, A, ph_weight(A, direction), create_graph=True)
    assert torch.autograd.grad(gradient.sum(), F)[0].isfinite().all()
    _, slope = torch.func.jvp(lambda F: ph_weight(A, F), (F,), (direction,))
    torch.testing.assert_close(slope, sparse_product(A, direction, 1), rtol=1e-4, atol=1e-5)


def test_large_weight_is_mapped(large):
    A, F = large
    algebras = torch.stack([A, draw(4, 4, 4, seed=2).float()])
    mapped = torch.vmap(ph_weight, in_dims=(0, None))(algebras, F)
    expected = torch.stack([sparse_product(A, F, 1) for A in algebras])
    torch.testing.assert_close(mapped, expected, rtol=1e-4, atol=1e-5)
    x = draw(3, 1, 256, 3, 3, seed=3).float()
    y = torch.vmap(ph_conv2d, in_dims=(0, None, None))(x, A, F)
    torch.testing.assert_close(y, ph_conv2d(x[:, 0], A, F)[:, None], rtol=1e-3, atol=1e-3)


@given(
    axes=st.integers(1, 3),
    n=st.integers(1, 4),
    groups=st.integers(1, 2),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 2),
    padding=st.one_of(st.integers(0, 2), st.sampled_from(["same", "valid"])),
    dilation=st.integers(1, 2),
    bias=st.booleans(),
)
@few
def test_convolution_is_the_dense_one(axes, n, groups, kernel, stride, padding, dilation, bias):
    if padding == "same":
        stride, kernel = 1, 3 if kernel == 2 else kernel  # torch warns where the sides differ
    A, F = draw(n, n, n), draw(n, 2 * groups, 1, *(kernel,) * axes, seed=1)
    x = draw(2, n * groups, *(7,) * axes, seed=2)
    b = draw(2 * n * groups, seed=3) if bias else None
    options = (stride, padding, dilation, groups)
    y = CONVS[axes](x, A, F, b, *options)
    expected = DENSE[axes](x, kron_weight(A, F, groups), b, *options)
    torch.testing.assert_close(y, expected, rtol=0, atol=1e-11)


@given(
    st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.lists(st.integers(0, 3), max_size=2)
)
@few
def test_linear_is_the_dense_one(n, rows, columns, batch):
    A, S, b = draw(n, n, n), draw(n, rows, columns, seed=1), draw(n * rows, seed=2)
    x = draw(*batch, n * columns, seed=3)
    expected = x @ kron_weight(A, S).T + b
    torch.testing.assert_close(ph_linear(x, A, S, b), expected, rtol=0, atol=1e-12)


def test_groups_are_layers_side_by_side():
    A, F, x = draw(2, 2, 2), draw(2, 6, 2, 3, 3, seed=1), draw(1, 12, 5, 5, seed=2)
    halves = [
        ph_conv2d(x_part, A, F_part)
        for x_part, F_part in zip(x.chunk(3, dim=1), F.chunk(3, dim=1), strict=True)
    ]
    y = ph_conv2d(x, A, F, groups=3)
    torch.testing.assert_close(y, torch.cat(halves, dim=1), rtol=0, atol=1e-12)


def test_one_block_is_an_ordinary_convolution():
    F, x = draw(1, 5, 3, 3, 3), draw(2, 3, 6, 6, seed=1)
    A = torch.ones(1, 1, 1, dtype=torch.float64)
    torch.testing.assert_close(ph_conv2d(x, A, F), functional.conv2d(x, F[0]), rtol=0, atol=1e-12)


def test_hamilton_algebra_is_quaternion_convolution():
    F, x = draw(4, 3, 2, 3, 3), draw(2, 8, 6, 6, seed=1)
    y = ph_conv2d(x, algebra("quaternion"), F)
    torch.testing.assert_close(y, quaternion_conv2d(x, *F), rtol=0, atol=1e-12)


@given(st.integers(0, 10**6))
@few
def test_quaternion_product_keeps_norms(seed):
    q, x = draw(4, seed=seed), draw(4, seed=seed + 1)
    y = ph_conv2d(x.view(1, 4, 1, 1), algebra("quaternion"), q.view(4, 1, 1, 1, 1)).flatten()
    torch.testing.assert_close(y.norm(), q.norm() * x.norm())


@given(st.integers(0, 10**6))
@few
def test_octonion_product_keeps_norms(seed):
    a, b = draw(8, seed=seed), draw(8, seed=seed + 1)
    y = ph_linear(b, algebra("octonion"), a.view(8, 1, 1))
    torch.testing.assert_close(y.norm(), a.norm() * b.norm())


def test_complex_algebra_is_complex_arithmetic():
    W, z = draw(2, 3, 5), draw(7, 10, seed=1)
    y = ph_linear(z, algebra("complex"), W)
    expected = torch.complex(z[:, :5], z[:, 5:]) @ torch.complex(W[0], W[1]).T
    torch.testing.assert_close(y, torch.cat([expected.real, expected.imag], dim=1))


@given(n=st.integers(1, 5), scale=st.floats(0.1, 10))
@few
def test_weight_has_a_scale_ambiguity(n, scale):
    A, F = draw(n, n, n), draw(n, 2, 3, 3, seed=1)
    torch.testing.assert_close(ph_weight(scale * A, F / scale), ph_weight(A, F))


@given(st.integers(1, 5))
@few
def test_weight_is_unchanged_by_mixing(n):
    A, F = draw(n, n, n), draw(n, 2, 3, 3, seed=1)
    M = draw(n, n, seed=2) + 3 * torch.eye(n, dtype=torch.float64)
    mixed_A = torch.einsum("ij,jac->iac", M, A)
    mixed_F = torch.einsum("ji,j...->i...", torch.linalg.inv(M), F)
    torch.testing.assert_close(ph_weight(mixed_A, mixed_F), ph_weight(A, F))


@pytest.mark.parametrize("groups", [1, 2])
def test_gradcheck(groups):
    A, F = draw(2, 2, 2), draw(2, 2, 1, 2, 2, seed=1)
    x = draw(2, 2 * groups, 3, 3, seed=2)
    inputs = [t.requires_grad_() for t in (A, F, x)]

    def convolution(A, F, x):
        return ph_conv2d(x, A, F, padding=1, groups=groups)

    assert torch.autograd.gradcheck(convolution, (A, F, x))
    assert torch.autograd.gradgradcheck(convolution, inputs)


def test_every_entry_gets_gradient():
    A, F, x = draw(3, 3, 3), draw(3, 2, 2, 3, 3, seed=1), draw(4, 6, 6, 6, seed=2)
    A.requires_grad_()
    F.requires_grad_()
    ph_conv2d(x, A, F, padding=1).square().sum().backward()
    assert (A.grad != 0).all()
    assert (F.grad != 0).all()


def test_axes_agree():
    A, F, x = draw(2, 2, 2), draw(2, 2, 3, 5, seed=1), draw(2, 6, 9, seed=2)
    y = ph_conv1d(x, A, F, padding=2)
    y2 = ph_conv2d(x.unsqueeze(-1), A, F.unsqueeze(-1), padding=(2, 0))
    y3 = ph_conv3d(x[..., None, None], A, F[..., None, None], padding=(2, 0, 0))
    torch.testing.assert_close(y2.squeeze(-1), y, rtol=0, atol=1e-12)
    torch.testing.assert_close(y3[..., 0, 0], y, rtol=0, atol=1e-12)


def test_linear_is_a_1x1_convolution():
    A, S, x = draw(3, 3, 3), draw(3, 2, 4, seed=1), draw(5, 12, seed=2)
    y = ph_conv2d(x[..., None, None], A, S[..., None, None])
    torch.testing.assert_close(y[..., 0, 0], ph_linear(x, A, S), rtol=0, atol=1e-12)


def test_vmap_over_weights():
    A, F, x = draw(5, 2, 2, 2), draw(5, 2, 2, 2, 3, 3, seed=1), draw(2, 4, 5, 5, seed=2)
    mapped = torch.vmap(ph_conv2d, in_dims=(None, 0, 0))(x, A, F)
    looped = torch.stack([ph_conv2d(x, *weights) for weights in zip(A, F, strict=True)])
    torch.testing.assert_close(mapped, looped)


def test_autocast_rounds_the_weight_once():
    A, F = draw(4, 4, 4).float(), draw(4, 8, 8, seed=1).float()
    x = draw(16, 32, seed=2).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = ph_linear(x, A, F)
        assert ph_weight(A, F).dtype == torch.float32
    expected = functional.linear(x.bfloat16(), ph_weight(A, F).bfloat16())
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y, expected, rtol=0, atol=0)


@pytest.mark.parametrize("layer", [PHLinear, PHConv1d, PHConv2d, PHConv3d])
def test_layers_call_the_same_product(layer):
    kernel = () if layer is PHLinear else (3,)
    module = layer(6, 9, *kernel, n=3, dtype=torch.float64)
    expected = kron_weight(module.algebra, module.filters)
    torch.testing.assert_close(module.weight, expected, rtol=0, atol=1e-12)
