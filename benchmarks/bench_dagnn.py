"""Propagation against PyTorch Geometric's, and features that are kept sparse against dense ones.

Graphs and features are random, of the sizes of Cora and of a graph ten times as large. PyTorch
Geometric has its normalised edges cached; its propagation gathers and scatters messages.
"""

import warnings

import torch
from torch import Tensor
from torch_geometric.nn import APPNP

from benchmarks.table import Row, compare, show
from provenn.graph import DAGNN, AdaptivePropagation, Adjacency, SparseFeatures, gcn_normalize

K = 10


def random_edges(nodes: int, edges: int) -> Tensor:
    half = torch.randint(nodes, (2, edges // 2), generator=torch.Generator().manual_seed(0))
    return torch.cat([half, half.flip(0)], 1)[:, (half[0] != half[1]).repeat(2)]


def step(function, z: Tensor) -> None:
    z.grad = None
    function(z).sum().backward()


def propagation(nodes: int, edges: int, channels: int, at_least: float | None = None) -> list[Row]:
    """Forward and backward, with the gated sum and without it, against APPNP."""
    index = random_edges(nodes, edges)
    adjacency = gcn_normalize(index, nodes)
    z = torch.randn(nodes, channels, requires_grad=True)
    appnp, gated = APPNP(K, 0.1, cached=True), AdaptivePropagation(channels, K)
    weights = torch.tensor([0.1 * 0.9**hop for hop in range(K)] + [0.9**K])

    def polynomial(h: Tensor) -> Tensor:
        return torch.einsum("h,hnc->nc", weights, adjacency.hops(h, K))

    torch.testing.assert_close(polynomial(z), appnp(z, index), atol=1e-4, rtol=1e-4)
    size = f"{nodes:,} nodes, {channels} channels, K = {K}"
    return [
        compare(
            f"APPNP's polynomial against PyTorch Geometric's APPNP, {size}",
            lambda: step(polynomial, z),
            lambda: step(lambda h: appnp(h, index), z),
            at_least=at_least,
        ),
        compare(
            f"DAGNN's gated sum against PyTorch Geometric's APPNP, {size}",
            lambda: step(lambda h: gated(h, adjacency), z),
            lambda: step(lambda h: appnp(h, index), z),
        ),
    ]


def backward(nodes: int, edges: int, channels: int) -> Row:
    """One product and its derivative, against PyTorch's own for sparse CSR matrices."""
    adjacency = gcn_normalize(random_edges(nodes, edges), nodes)
    csr = adjacency.matrix.csr
    z = torch.randn(nodes, channels, requires_grad=True)
    return compare(
        f"one propagation with its derivative against PyTorch's sparse product, {nodes:,} nodes",
        lambda: step(adjacency.propagate, z),
        lambda: step(lambda h: csr @ h, z),
    )


def training(adjacency: Adjacency, features: int, share: float) -> Row:
    """A training step of DAGNN with dropout."""
    dense = torch.rand(adjacency.num_nodes, features)
    dense = torch.where(torch.rand_like(dense) < share, dense, 0)
    sparse = SparseFeatures(dense)
    network = DAGNN(features, 7, k=K)

    def train(x: Tensor | SparseFeatures) -> None:
        network.zero_grad()
        network(x, adjacency).sum().backward()

    return compare(
        f"training step, sparse features against dense, {features:,} of which {share:.1%} not 0",
        lambda: train(sparse),
        lambda: train(dense),
        at_least=2.0,
    )


def main() -> int:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that sparse CSR tensors are in beta
        rows = [
            *propagation(2708, 10_556, 7, at_least=2.0),
            *propagation(27_080, 105_560, 16),
            backward(2708, 10_556, 7),
            training(gcn_normalize(random_edges(2708, 10_556), 2708), 1433, 0.0127),
        ]
    print(show("dagnn", rows))
    return int(not all(row.reached for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
