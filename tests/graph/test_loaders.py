"""PyTorch Geometric's loaders: the mini-batches of those that need no compiled extension.

``NeighborLoader`` and ``ClusterLoader`` sample with pyg-lib or torch-sparse. Their batches are
induced subgraphs with renamed nodes; ``k_hop_subgraph`` makes such ones here.
"""

import torch
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader, RandomNodeLoader
from torch_geometric.utils import k_hop_subgraph, subgraph

from provenn.graph import DAGNN, gcn_normalize
from tests.graph.graphs import both_ways, cycle, rows

K = 3


def network() -> DAGNN:
    torch.manual_seed(0)
    return DAGNN(5, 4, hidden=6, k=K).double().eval()


def ring(n: int) -> Data:
    return Data(x=rows(n, 5), edge_index=cycle(n), y=torch.arange(n) % 4)


def test_a_batch_of_graphs_is_each_graph_alone():
    net, data = network(), [ring(4), ring(5), ring(6)]
    (batch,) = DataLoader(data, batch_size=3)
    alone = torch.cat([net(d.x, d.edge_index) for d in data])
    torch.testing.assert_close(net(batch.x, batch.edge_index), alone, rtol=0, atol=1e-14)


def test_random_parts_of_a_graph_can_be_trained_on():
    net, data = network().train(), ring(20)
    data.index = torch.arange(20)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    seen = []
    for part in RandomNodeLoader(data, num_parts=4):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(part.x, part.edge_index), part.y)
        loss.backward()
        optimizer.step()
        expected, _ = subgraph(part.index, data.edge_index, relabel_nodes=True, num_nodes=20)
        assert part.edge_index.shape == expected.shape
        seen += part.index.tolist()
    assert sorted(seen) == list(range(20))


def test_the_weights_of_the_whole_graph_make_a_neighbourhood_exact():
    """A k-hop neighbourhood has lost edges at its rim; with normalised weights nothing is lost."""
    torch.manual_seed(1)
    n = 40
    edges = both_ways(torch.randint(n, (2, 50)))
    edges = edges[:, edges[0] != edges[1]]
    net, x = network(), rows(n, 5)
    adjacency = gcn_normalize(edges, n, dtype=torch.float64)
    whole = net(x, adjacency)
    index, weight = adjacency.edge_index, adjacency.edge_weight
    nodes, part, centre, kept = k_hop_subgraph(
        [3, 17], K, index, relabel_nodes=True, num_nodes=n, directed=False
    )
    assert len(nodes) < n
    taken = gcn_normalize(
        part, len(nodes), weight[kept], normalization="none", add_self_loops=False
    )
    torch.testing.assert_close(net(x[nodes], taken)[centre], whole[[3, 17]], rtol=0, atol=1e-13)
    renormalised = net(x[nodes], part[:, part[0] != part[1]])[centre]
    assert (renormalised - whole[[3, 17]]).abs().max() > 1e-4
