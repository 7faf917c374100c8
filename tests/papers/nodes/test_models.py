"""The contenders: each is the published network, with its first product done sparse."""

import dataclasses

import pytest
import torch
from torch_geometric.nn import GATConv, GCNConv

from provenn.graph import SparseFeatures
from provenn.papers.nodes.measure import Budget, measure, merge, train
from provenn.papers.nodes.models import CONTENDERS, SETTINGS, Settings
from provenn.papers.nodes.problems import block_model
from tests.papers.running import StageContext

SMALL = Settings(hidden=16, dropout=0.5, weight_decay=5e-4)


@pytest.fixture(scope="module")
def problem():
    return block_model(0, torch.device("cpu"), nodes=80, features=6, labels=3, val=20)


@pytest.mark.parametrize("name", CONTENDERS)
def test_sparse_features_give_the_same_scores(name, problem):
    sparse = dataclasses.replace(problem, x=SparseFeatures(problem.x))
    for depth in (1, 3):
        torch.manual_seed(0)
        network = CONTENDERS[name].build(problem, depth, SMALL).eval()
        scores = network(problem)
        assert scores.shape == (80, 5)
        torch.testing.assert_close(network(sparse), scores, rtol=1e-4, atol=1e-5)
        counted = [p for group in network.groups() for p in group["params"]]
        assert {id(p) for p in counted} == {id(p) for p in network.parameters()}
        assert len(counted) == len(set(map(id, counted)))


@pytest.mark.parametrize(("name", "layer"), [("gcn", GCNConv), ("gat", GATConv)])
def test_the_product_that_is_taken_out_is_the_layers_own(name, layer, problem):
    torch.manual_seed(0)
    network = CONTENDERS[name].build(problem, 1, SMALL).eval()
    whole = layer(6, 5) if name == "gcn" else layer(6, 5, 1, concat=False)
    whole.load_state_dict(
        {**network.convs[0].state_dict(), "lin.weight": network.first.weight.detach()}
    )
    expected = whole(problem.x, problem.edge_index)
    torch.testing.assert_close(network(problem), expected, rtol=1e-4, atol=1e-5)


def test_gprgnn_starts_as_appnp(problem):
    appnp = CONTENDERS["appnp"].build(problem, 4, SMALL).eval()
    gprgnn = CONTENDERS["gprgnn"].build(problem, 4, SMALL).eval()
    gprgnn.encoder.load_state_dict(appnp.encoder.state_dict())
    torch.testing.assert_close(gprgnn(problem), appnp(problem), rtol=1e-4, atol=1e-5)


def test_the_weights_of_the_lowest_validation_loss_are_tested(problem):
    torch.manual_seed(0)
    found = train(CONTENDERS["dagnn"], problem, 4, SMALL, Budget(1, 30))
    right = found.network(problem)[problem.test].argmax(1) == problem.y[problem.test]
    assert found.accuracy == pytest.approx(100 * float(right.double().mean()))
    assert found.epochs == 30


def test_runs_are_averaged_and_parts_put_together(problem):
    context = StageContext()
    parts = [
        measure(CONTENDERS["dagnn"], key, lambda run: problem, 0, SMALL, Budget(2, 5), context)
        for key in ("sbm", "sbm_10")
    ]
    merged = merge(parts)
    (competitor,) = merged.competitors
    runs = merged.series["runs-dagnn_sbm"]
    assert len(runs) == 2
    assert competitor.quality["accuracy_sbm"] == pytest.approx(runs.mean())
    assert set(competitor.quality) == {"accuracy_sbm", "accuracy_sbm_10"}
    costs = [part.competitors[0].cost.wall_s for part in parts]
    assert competitor.cost.wall_s == pytest.approx(sum(costs))


def test_the_published_settings():
    assert SETTINGS["citeseer"].weight_decay == 0.02
    assert SETTINGS["pubmed"].k == 20
    assert SETTINGS["amazon_computers"].max_epochs == 3000
