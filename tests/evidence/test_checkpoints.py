"""A stage's result comes back from its checkpoint bit by bit, or not at all."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from provenn.evidence import checkpoints
from provenn.evidence.files import StoreError
from provenn.evidence.metrics import Competitor, Cost, Metrics

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | arrays(
        st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
        array_shapes(min_dims=0, min_side=0),
    )
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=8,
)


def same(a, b):
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b, True)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return isinstance(b, dict) and [*a] == [*b] and all(same(a[k], b[k]) for k in a)
    return type(a) is type(b) and a == b


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "stages"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(VALUES)
def test_comes_back_as_it_was(tmp_path_factory, value):
    folder = tmp_path_factory.mktemp("stages")
    checkpoints.write(folder, "train", checkpoints.encode(value, "train"))
    kept = checkpoints.read(folder, "train")
    assert same(value, checkpoints.decode(kept))


def test_metrics_and_competitors_come_back(folder):
    competitor = Competitor(
        name="ours",
        label="Ours",
        role="method",
        quality={"accuracy": np.float64(0.1) + 0.2, "loss": math.nan},
        cost=Cost(parameters=3, tuning_trials=4),
    )
    metrics = Metrics(
        values={"x": math.inf}, series={"curve": np.arange(3.0)}, competitors=[competitor]
    )
    checkpoints.write(folder, "all", checkpoints.encode({"m": metrics}, "all"))
    back = checkpoints.decode(checkpoints.read(folder, "all"))["m"]
    assert repr(back.flat()) == repr(metrics.flat())
    assert np.array_equal(back.series["curve"], metrics.series["curve"])
    assert back.competitors[0].label == "Ours"


def test_what_the_stage_took_comes_back(folder):
    kept = checkpoints.Encoded("1", {}, wall_s=1.5, cpu_s=0.1, data={"digits/train": "ab"})
    checkpoints.write(folder, "train", kept)
    assert checkpoints.read(folder, "train") == kept


@pytest.mark.parametrize("value", [object(), {1: 2}, {"a": {3}}, [1j], np.array(["text"])])
def test_other_types_are_refused_by_name(value):
    with pytest.raises(TypeError, match="result of stage 'train' must be made of Metrics"):
        checkpoints.encode(value, "train")


def test_nothing_is_read_where_nothing_was_written(folder):
    assert checkpoints.read(folder, "train") is None


def test_every_damaged_byte_is_noticed(folder):
    checkpoints.write(folder, "train", checkpoints.encode({"w": np.arange(2)}, "train"))
    (path,) = folder.iterdir()
    payload = path.read_bytes()
    for position in range(len(payload)):
        path.write_bytes(payload[:position])
        assert checkpoints.read(folder, "train") is None
        flipped = bytearray(payload)
        flipped[position] ^= 1
        path.write_bytes(flipped)
        assert checkpoints.read(folder, "train") is None
    path.write_bytes(payload)
    assert checkpoints.read(folder, "train") is not None


def test_a_half_written_checkpoint_is_not_read(folder, monkeypatch):
    def fail(path, data):
        path.write_bytes(data[:10])
        raise StoreError(f"cannot write {path}: No space left on device")

    monkeypatch.setattr(checkpoints, "write_durably", fail)
    with pytest.raises(StoreError, match="No space left"):
        checkpoints.write(folder, "train", checkpoints.encode(1, "train"))
    assert checkpoints.read(folder, "train") is None
