"""The problems: what is known of the generated graph, and splits that do not overlap."""

import os

import numpy as np
import pytest
import torch

from provenn.graph import SparseFeatures
from provenn.papers.nodes.problems import PLANETOID, block_model, few_labels, load_problem
from tests.papers.running import StageContext

CPU = torch.device("cpu")


def check_split(problem):
    parts = [set(p.tolist()) for p in (problem.train, problem.val, problem.test)]
    assert sum(map(len, parts)) == len(set.union(*parts))


def test_the_block_model_is_the_one_that_is_declared():
    problem = block_model(0, CPU)
    source, target = problem.edge_index
    assert len(problem.y) == 2000
    assert problem.classes == 5
    assert problem.features == 50
    assert len(source) / 2000 == pytest.approx(4.0, abs=0.3)
    within = (problem.y[source] == problem.y[target]).double().mean()
    assert float(within) == pytest.approx(0.8, abs=0.03)
    assert not (source == target).any()
    forth = set(zip(source.tolist(), target.tolist(), strict=True))
    assert forth == {(t, s) for s, t in forth}
    assert np.bincount(problem.y[problem.train]).tolist() == [3] * 5
    assert (len(problem.val), len(problem.test)) == (300, 1685)
    check_split(problem)
    means = torch.stack([problem.x[problem.y == c].mean(0) for c in range(5)])
    assert float(means.std(0).mean()) == pytest.approx(0.4, abs=0.1)


def test_seeds_draw_graphs_and_splits():
    first, again, other = (block_model(seed, CPU, nodes=100) for seed in (0, 0, 1))
    assert torch.equal(first.edge_index, again.edge_index)
    assert torch.equal(first.train, again.train)
    assert not torch.equal(first.train, other.train)


def test_few_labels_are_so_many_of_each_class():
    problem = block_model(0, CPU)
    for labels in (1, 2, 20):
        split = few_labels(problem, labels, 7)
        assert np.bincount(split.y[split.train]).tolist() == [labels] * 5
        assert (len(split.val), len(split.test)) == (500, 1000)
        check_split(split)


@pytest.fixture
def real_root():
    if not os.environ.get("PROVENN_DATA"):
        reason = "PROVENN_DATA names no folder of data sets"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.mark.data
def test_cora_has_its_published_split_and_features_that_add_up_to_one(real_root):
    context = StageContext()
    problem = load_problem("cora", context)
    assert isinstance(problem.x, SparseFeatures)
    assert (len(problem.train), len(problem.val), len(problem.test)) == (140, 500, 1000)
    torch.testing.assert_close(problem.dense_x.sum(1), torch.ones(2708))
    drawn = load_problem("cora", context, 3)
    assert (len(drawn.train), len(drawn.val), len(drawn.test)) == (140, 500, 1000)
    assert not torch.equal(drawn.train, problem.train)
    assert context.used == ["cora/published", "cora/random-3"]


@pytest.mark.data
def test_the_largest_component_of_an_amazon_graph(real_root):
    problem = load_problem("amazon_photo", StageContext(), 0)
    assert len(problem.y) == 7487
    assert problem.edge_index.max() == 7486
    assert np.bincount(problem.y[problem.train]).tolist() == [20] * 8
    assert np.bincount(problem.y[problem.val]).tolist() == [30] * 8
    assert "amazon_photo" not in PLANETOID
    check_split(problem)
