"""The door: names, splits, what a data set is, what an error says."""

import os
import subprocess
import sys

import numpy as np
import pytest

from provenn.data import DataError, Dataset, info, load, names, where
from provenn.data.dataset import fingerprint

from .files import COLOUR, image_entry, image_file, pixels

BUNDLED = [name for name in names() if info(name).bundled]


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_sets_have_the_shapes_that_info_states(name):
    whole, train, test = (load(name, split) for split in ("all", "train", "test"))
    known = info(name)
    assert whole.x.shape == (sum(known.splits.values()), *known.shape)
    assert {"train": len(train), "test": len(test)} == known.splits
    assert whole.classes == known.classes
    assert whole.x.dtype == np.float32
    if known.classes:
        assert whole.y.dtype == np.int64
        assert set(whole.y.tolist()) == set(range(len(known.classes)))
    else:
        assert whole.y.dtype == np.float64
    if known.kind == "table":
        assert len(whole.features) == known.shape[0]


def test_bundled_sets_are_five():
    assert BUNDLED == ["breast_cancer", "diabetes", "digits", "iris", "wine"]


@pytest.mark.parametrize(
    ("name", "split", "sha256"),
    [
        ("digits", "train", "9af199704232"),
        ("digits", "test", "2812b8a343fe"),
        ("iris", "train", "1c349e94277d"),
        ("diabetes", "test", "d92ec6c1fb86"),
    ],
)
def test_fixed_splits_never_change(name, split, sha256):
    assert load(name, split).sha256.startswith(sha256)


def test_a_fixed_split_is_stratified_and_loses_no_row():
    whole, train, test = (load("wine", split) for split in ("all", "train", "test"))
    rows = sorted(map(tuple, np.concatenate([train.x, test.x]).tolist()))
    assert rows == sorted(map(tuple, whole.x.tolist()))
    share = np.bincount(whole.y) / len(whole)
    np.testing.assert_allclose(np.bincount(test.y) / len(test), share, atol=1 / len(test))


def test_digits_are_in_the_unit_interval():
    x = load("digits", "all").x
    assert (x.min(), x.max()) == (0.0, 1.0)
    np.testing.assert_array_equal(x * 16, np.round(x * 16))


def test_images_are_read_from_the_folder(tiny_root):
    train = load("tiny")
    np.testing.assert_array_equal(train.x, pixels(9, (1, 6, 5)).astype(np.float32) / 255)
    assert train.y.tolist() == [0, 1, 2] * 3
    assert train.classes == ("a", "b", "c")
    assert train.source == "PROVENN_DATA/tiny/train.parquet"
    assert str(tiny_root) not in repr(train)
    assert train.note == ""


def test_all_is_train_then_test(tiny_root):
    whole = load("tiny", "all")
    parts = [load("tiny", "train"), load("tiny", "test")]
    np.testing.assert_array_equal(whole.x, np.concatenate([part.x for part in parts]))
    assert len({whole.sha256, *(part.sha256 for part in parts)}) == 3


def test_root_is_looked_in_instead_of_the_environment(tiny_root, monkeypatch):
    monkeypatch.setenv("PROVENN_DATA", str(tiny_root / "tiny"))
    assert load("tiny", root=tiny_root).source == "root/tiny/train.parquet"


def test_a_jpeg_copy_is_said_to_be_lossy(tiny_root, add_entry):
    add_entry(image_entry(shape=COLOUR))
    for split in ("train", "test"):
        (tiny_root / "tiny" / f"{split}.parquet").write_bytes(image_file(9, COLOUR, "JPEG"))
    assert "lossy" in load("tiny").note
    assert "lossy" in load("tiny").note, "read from the cache"


def test_sha256_is_of_the_stated_layout():
    y, x = np.array([3, 1]), np.arange(6, dtype=np.uint8).reshape(2, 3)
    content = b"x |u1 (2, 3)\n" + bytes(range(6)) + b"y <i8 (2,)\n"
    content += (3).to_bytes(8, "little") + (1).to_bytes(8, "little")
    import hashlib

    assert fingerprint({"x": x, "y": y}) == hashlib.sha256(content).hexdigest()
    swapped = {"x": np.asfortranarray(x), "y": y.astype(">i8")}
    assert fingerprint(swapped) == fingerprint({"x": x, "y": y})


def test_published_pixels_are_required_where_they_are_known(tiny_root, add_entry):
    add_entry(image_entry(sha256=load("tiny").sha256))
    assert len(load("tiny")) == 9
    with pytest.raises(DataError, match="not the published pixels and labels"):
        load("tiny", "test")


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'fashion_mnist'"):
        load("fashion-mnist")
    with pytest.raises(ValueError, match=r"accepted: .*cifar10"):
        info("qqq")


@pytest.mark.parametrize("call", [load, info, where])
def test_a_name_must_be_a_string(call):
    with pytest.raises(TypeError):
        call(3)


def test_an_unknown_split_or_kind_is_refused():
    with pytest.raises(ValueError, match="split must be one of train, test, all, got 'valid'"):
        load("iris", "valid")
    with pytest.raises((TypeError, ValueError)):
        names("video")


def test_a_graph_is_not_for_load():
    with pytest.raises(ValueError, match="use load_graph"):
        load("cora")


def test_a_missing_set_says_what_to_do(cache_folder):
    with pytest.raises(DataError) as caught:
        load("mnist", "test", download=False)
    for part in (
        "PROVENN_DATA is not set",
        str(cache_folder),
        "provenn data fetch mnist",
        "mnist/test.parquet",
        "10000 rows, columns image {bytes, path} and label",
    ):
        assert part in str(caught.value)


def test_a_set_without_a_public_home_is_not_said_to_be_fetchable():
    with pytest.raises(DataError) as caught:
        load("heart")
    assert "fetch" not in str(caught.value)
    assert "tabular/heart.csv" in str(caught.value)


def test_a_damaged_file_says_what_to_do(tiny_root):
    path = tiny_root / "tiny" / "train.parquet"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError) as caught:
        load("tiny")
    for part in (str(path), "damaged", "Replace it", "columns image"):
        assert part in str(caught.value)


def test_a_folder_that_is_not_there_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("PROVENN_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="PROVENN_DATA must name a folder"):
        load("mnist")
    for wrong in (tmp_path / "nowhere", ""):
        with pytest.raises(DataError, match="root must name a folder"):
            where("mnist", root=wrong)
    with pytest.raises(TypeError):
        where("mnist", root=3)
    assert len(load("iris")) == 120


def test_where_says_how_a_set_is_had(tiny_root):
    assert where("iris").found
    assert where("iris").path is None
    tiny = where("tiny")
    assert tiny.found
    assert tiny.path == tiny_root / "tiny" / "train.parquet"
    missing = where("mnist")
    assert not missing.found
    assert missing.path is None
    assert "provenn data fetch mnist" in missing.says
    (tiny_root / "tiny" / "test.parquet").unlink()
    assert not where("tiny").found, "a part is missing"


def test_every_entry_is_complete():
    for name in names():
        known = info(name)
        assert known.name == name
        assert known.title
        assert known.homepage.startswith("https://")
        assert known.licence
        assert len(set(known.classes)) == len(known.classes)


def test_a_dataset_cannot_be_changed_by_assignment():
    data = load("iris")
    assert isinstance(data, Dataset)
    with pytest.raises(AttributeError):
        data.name = "other"


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, provenn.data; heavy = {'torch', 'sklearn', 'scipy', 'pyarrow', 'PIL', 'pooch',"
        " 'huggingface_hub', 'torch_geometric'}; print(sorted(heavy & set(sys.modules)))"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )
    assert out.stdout.strip() == "[]"
