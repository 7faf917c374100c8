"""The real files, where ``PROVENN_DATA`` names them: shapes, class counts, hashes, notes, speed."""

import time

import numpy as np
import pytest

from provenn.data import info, load, names

pytestmark = pytest.mark.data

TABLES = [name for name in names("table") if not info(name).bundled]


@pytest.fixture(autouse=True)
def keep_decoded(real_cache, monkeypatch, cache_folder):
    monkeypatch.setenv("PROVENN_CACHE", str(real_cache))


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "cifar10_lossless"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_images(name, split, real_root):
    data, known = load(name, split, root=real_root), info(name)
    assert data.x.shape == (known.splits[split], *known.shape)
    assert data.x.dtype == np.float32
    assert (data.x.min(), data.x.max()) == (0.0, 1.0)
    counts = np.bincount(data.y, minlength=10)
    assert len(counts) == 10
    assert counts.min() > 0
    if name in ("fashion_mnist", "cifar10"):
        assert set(counts.tolist()) == {known.splits[split] // 10}
    assert bool(data.note) == (name == "cifar10")


def test_first_labels_are_those_that_everyone_knows(real_root):
    assert load("mnist", root=real_root).y[:5].tolist() == [5, 0, 4, 1, 9]
    assert load("fashion_mnist", root=real_root).y[:5].tolist() == [9, 0, 0, 3, 0]


def test_hashes_are_stable(real_root):
    first, second = (load("cifar10_lossless", "test", root=real_root) for _ in range(2))
    assert first.sha256 == second.sha256
    np.testing.assert_array_equal(first.x, second.x)


def test_the_second_load_is_fast(real_root):
    load("mnist", "test", root=real_root)
    start = time.perf_counter()
    load("mnist", "test", root=real_root)
    assert time.perf_counter() - start < 2, "0.1 s on an idle machine"


@pytest.mark.parametrize("name", TABLES)
def test_tables(name, real_root):
    known = info(name)
    whole, train, test = (load(name, split, root=real_root) for split in ("all", "train", "test"))
    assert whole.x.shape == (len(train) + len(test), *known.shape)
    assert {"train": len(train), "test": len(test)} == known.splits
    assert whole.classes == known.classes
    assert np.isfinite(whole.x).all()
    assert set(test.y.tolist()) == set(range(len(known.classes)))
    assert len(whole.features) == known.shape[0]


def test_a_known_row(real_root):
    heart = load("heart", "all", root=real_root)
    assert heart.features[:3] == ("age", "sex", "cp")
    assert heart.x[0].tolist()[:5] == [63, 1, 3, 145, 233]
