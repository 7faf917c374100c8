"""Sparse features against the dense matrices that they stand for."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck
from torch_geometric.data import Data
from torch_geometric.transforms import NormalizeFeatures

from provenn.graph import SparseFeatures, normalize_rows
from tests.graph.graphs import rows

pytestmark = pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")


def sparse_matrix(n: int, m: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    kept = torch.rand(n, m, generator=generator) < 0.3
    return torch.where(kept, rows(n, m, seed), 0.0)


@settings(max_examples=30)
@given(st.integers(0, 5), st.integers(1, 6), st.integers(0, 100))
def test_products_are_those_of_the_dense_matrix(n, m, seed):
    x, weight, bias = sparse_matrix(n, m, seed), rows(3, m), rows(1, 3)[0]
    for given_ in (x, x.to_sparse_coo(), x.to_sparse_csr()):
        features = SparseFeatures(given_)
        assert torch.equal(features.to_dense(), x)
        expected = torch.nn.functional.linear(x, weight, bias)
        torch.testing.assert_close(features.linear(weight, bias), expected, rtol=0, atol=1e-14)


def test_derivatives_in_the_weight():
    features = SparseFeatures(sparse_matrix(6, 4))
    weight, bias = rows(3, 4).requires_grad_(), rows(1, 3)[0].requires_grad_()
    assert gradcheck(features.linear, (weight, bias))
    assert gradgradcheck(features.linear, (weight, bias))
    torch.manual_seed(0)
    dropped = features.dropout(0.5)
    assert gradcheck(dropped.linear, (weight, bias))
    assert gradgradcheck(dropped.linear, (weight, bias))


def test_networks_side_by_side():
    x = sparse_matrix(6, 4)
    features, weights = SparseFeatures(x), torch.stack([rows(3, 4, seed) for seed in range(5)])
    given_ = torch.func.vmap(features.linear)(weights)
    torch.testing.assert_close(given_, x @ weights.mT, rtol=0, atol=1e-14)

    def drop_and_multiply(weight):
        dropped = features.dropout(0.5)
        return dropped.linear(weight), dropped.linear(torch.eye(4, dtype=torch.float64))

    products, dropped = torch.func.vmap(drop_and_multiply, randomness="different")(weights)
    torch.testing.assert_close(products, dropped @ weights.mT, rtol=0, atol=1e-13)
    assert not torch.equal(dropped[0], dropped[1])


def test_dropout_is_that_of_the_whole_matrix():
    torch.manual_seed(0)
    x = sparse_matrix(40, 50) + 0.0
    features = SparseFeatures(x)
    dropped = features.dropout(0.8).to_dense()
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], 5 * x[kept])
    share = kept.sum() / (x != 0).sum()
    assert share == pytest.approx(0.2, abs=0.05)
    assert features.dropout(0.8, training=False) is features
    assert features.dropout(0.0) is features


def test_rows_add_up_to_one_as_in_pytorch_geometric():
    x = sparse_matrix(6, 4).abs()
    x[2] = 0
    expected = x / x.sum(1, keepdim=True).clamp(min=1e-300)
    torch.testing.assert_close(normalize_rows(x), expected)
    torch.testing.assert_close(normalize_rows(SparseFeatures(x)).to_dense(), expected)
    torch.testing.assert_close(normalize_rows(x.to_sparse_coo()).to_dense(), expected)
    counts = (10 * x).ceil()  # it divides by sums of at least 1 alone
    theirs = NormalizeFeatures()(Data(x=counts.clone())).x
    torch.testing.assert_close(normalize_rows(counts), theirs)


def test_moving_and_showing_features():
    features = SparseFeatures(sparse_matrix(6, 4))
    assert features.to("cpu") is features
    single = features.to(dtype=torch.float32)
    assert single.dtype == torch.float32
    assert single.device == torch.device("cpu")
    assert torch.equal(single.to_dense(), features.to_dense().float())
    assert repr(SparseFeatures(torch.eye(3))) == "SparseFeatures(3 x 3, 3 non-zero)"
