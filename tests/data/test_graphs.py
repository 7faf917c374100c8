"""Graphs: read without running anything, checked against PyTorch Geometric's own loaders."""

import io
import pickle
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch

from provenn.data import DataError, load_graph, names
from provenn.data.graph_files import read_npz, read_planetoid
from provenn.data.graphs import random_masks

from .files import expected, npz_graph, planetoid_graph

RING = expected(6, (4,), 3)
PLANETOID = expected(512, (4,), 3)


def test_an_npz_graph_is_read():
    graph = read_npz([npz_graph()], RING)
    assert graph.edges.tolist() == [[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]]
    assert graph.y.tolist() == [0, 1, 2] * 2
    assert set(graph.x.data.tolist()) == {1.0}
    assert graph.masks is None


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": np.zeros(5, np.int32)},
        {"labels": np.full(6, 7, np.int32)},
        {"labels": np.full(6, 0.5)},
        {"labels": np.array([None] * 6)},
        {"attr_shape": np.array([6, 10**9])},
        {"attr_indices": np.full(12, 9, np.int32)},
        {"attr_indptr": np.array([0, 3, 1, 4, 5, 6, 7])},
        {"adj_indices": np.full(6, -1, np.int32)},
        {"adj_indices": np.full(6, 6, np.int32)},
    ],
)
def test_an_npz_file_that_is_not_the_graph_is_refused(changes):
    with pytest.raises(DataError):
        read_npz([npz_graph(**changes)], RING)


def test_a_header_that_asks_for_memory_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(npz_graph())) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "labels.npy":
                content = content.replace(b"(6,)", b"(999999999,)").replace(b" " * 8, b"", 1)
            new.writestr(name, content)
    tracemalloc.start()
    with pytest.raises(DataError, match="labels must be an array of numbers as long as its header"):
        read_npz([out.getvalue()], RING)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_planetoid_is_read():
    graph = read_planetoid(planetoid_graph(), PLANETOID)
    assert graph.masks is not None
    assert graph.masks.sum(1).tolist() == [6, 500, 5]
    assert graph.y[[506, 507, 508, 509, 510, 511]].tolist() == [1, 2, 0, 1, 0, 0]
    assert graph.x.toarray()[506:511].min() == 1
    assert graph.x.toarray()[511].max() == 0, "a node that no file describes"
    assert graph.edges.shape == (2, 1024)


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("part", range(6))
def test_a_pickle_that_runs_something_is_refused(part, tmp_path):
    files = planetoid_graph()
    files[part] = pickle.dumps(Trap(tmp_path / "sprung"), protocol=2)
    with pytest.raises(DataError, match=r"asks for \w+\.open, which is not data"):
        read_planetoid(files, PLANETOID)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"cnumpy.core.multiarray\nscalar\n.",
        b"cos\nsystem\n(S'true'\ntR.",
        b"cbuiltins\ngetattr\n.",
        b"\x80\x02r\xff\xff\xff\x7f.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
        b"\x82\x01.",
        b"Pid\n.",
        b"]2.",
        b"",
    ],
    ids=["scalar", "system", "getattr", "memo", "stack-global", "extension", "id", "dup", "empty"],
)
def test_other_pickles_are_refused(content):
    files = planetoid_graph()
    for part in range(6):
        with pytest.raises(DataError):
            read_planetoid([*files[:part], content, *files[part + 1 :]], PLANETOID)


def test_lists_that_would_multiply_are_refused():
    shared = list(range(100_000))
    bomb = pickle.dumps(dict.fromkeys(range(100_000), shared), protocol=2)
    files = planetoid_graph()
    files[5] = bomb
    with pytest.raises(DataError, match="lists 10000000000 edges"):
        read_planetoid(files, PLANETOID)


def test_planetoid_files_must_go_together():
    files = planetoid_graph()
    for index in (b"1\n2\n3\n4\n5", b"506\n507", b"506\n507\n508\n509\n9999", b"", b"x"):
        with pytest.raises(DataError):
            read_planetoid([*files[:6], index], PLANETOID)


def test_random_masks_are_disjoint_balanced_and_seeded():
    y = np.repeat([0, 1, 2], 100)
    masks = random_masks(y, 3)
    assert (masks.sum(0) == 1).all()
    for label in range(3):
        assert masks[:, y == label].sum(1).tolist() == [20, 30, 50]
    np.testing.assert_array_equal(masks, random_masks(y, 3))
    assert (masks != random_masks(y, 4)).any()


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="is not a graph: use load"):
        load_graph("iris")
    with pytest.raises(ValueError, match="did you mean 'citeseer'"):
        load_graph("citeser")
    with pytest.raises(ValueError, match="seed must be 0 or more, got -1"):
        load_graph("cora", seed=-1)
    with pytest.raises(TypeError):
        load_graph("cora", seed=True if "beartype" not in sys.modules else "1")


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_geometric.data", None)
    with pytest.raises(ImportError, match=r"pip install 'provenn\[graph\]'"):
        load_graph("cora")


# -- real files ------------------------------------------------------------------------------------

THEIRS = {
    "cora": ("Planetoid", "planetoid", "Cora"),
    "citeseer": ("Planetoid", "planetoid", "CiteSeer"),
    "amazon_photo": ("Amazon", "amazon", "Photo"),
    "cora_ml": ("CitationFull", "citation_full", "cora_ml"),
    "citeseer_full": ("CitationFull", "citation_full", "citeseer"),
}


@pytest.mark.data
@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.filterwarnings("ignore")
def test_graphs_equal_those_of_pytorch_geometric(name, real_root, tmp_path):
    import shutil

    import torch_geometric.datasets

    loader, folder, theirs = THEIRS[name]
    shutil.copytree(real_root / folder / theirs, tmp_path / theirs)
    reference = getattr(torch_geometric.datasets, loader)(str(tmp_path), theirs)[0]
    graph = load_graph(name, root=real_root)
    for key in reference.keys():  # noqa: SIM118 - Data is no mapping
        assert torch.equal(graph[key], reference[key]), key
    assert graph.name == name
    assert len(graph.sha256) == 64


@pytest.mark.data
def test_graphs_have_the_published_sizes(real_root):
    edges = {"amazon_computers": 491_722, "coauthor_cs": 163_788, "cora": 10_556}
    for name, count in edges.items():
        graph = load_graph(name, root=real_root)
        assert graph.edge_index.shape[1] == count
        assert graph.is_undirected()
        assert not graph.has_self_loops()
        assert (graph.train_mask.int() + graph.val_mask.int() + graph.test_mask.int()).max() == 1


@pytest.mark.data
def test_a_seed_draws_another_split_of_a_published_graph(real_root):
    standard, drawn = load_graph("cora", root=real_root), load_graph("cora", root=real_root, seed=1)
    assert int(standard.train_mask.sum()) == int(drawn.train_mask.sum()) == 140
    assert not torch.equal(standard.train_mask, drawn.train_mask)
    assert standard.sha256 == drawn.sha256


def test_there_are_nine_graphs():
    assert len(names("graph")) == 9
