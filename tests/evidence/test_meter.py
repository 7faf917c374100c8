"""The meter knows time and the growth of memory, also of blocks inside blocks."""

import math
import time

import numpy as np
import pytest
import torch

from provenn.evidence import meter
from provenn.evidence.meter import measure

MIB = 2**20
needs_resettable_peak = pytest.mark.skipif(
    not meter._CLEAR_REFS.exists(), reason="the system cannot reset the peak of resident memory"
)


def hold(mebibytes):
    """Memory that is touched, so that it is resident."""
    return np.ones(mebibytes * MIB, dtype=np.uint8)


def test_wall_and_processor_time_differ():
    with measure() as block:
        time.sleep(0.05)
    assert block.wall_s >= 0.05
    assert block.cpu_s < block.wall_s


@needs_resettable_peak
def test_peak_is_the_growth_of_the_block():
    before = hold(64)
    with measure() as block:
        hold(48)  # freed before the block ends
    assert 47 * MIB < block.peak_bytes < 60 * MIB
    with measure() as block:
        pass
    assert block.peak_bytes < 8 * MIB
    del before


@needs_resettable_peak
def test_an_inner_block_does_not_hide_the_peak_of_the_outer():
    with measure() as outer:
        hold(64)
        with measure() as inner:
            hold(16)
    assert inner.peak_bytes < 32 * MIB
    assert outer.peak_bytes > 63 * MIB


@needs_resettable_peak
def test_the_peak_of_an_inner_block_counts_for_the_outer():
    with measure() as outer, measure() as inner:
        hold(64)
    assert inner.peak_bytes > 63 * MIB
    assert outer.peak_bytes > 63 * MIB


def test_peak_is_not_a_number_where_the_system_cannot_tell(monkeypatch, tmp_path):
    monkeypatch.setattr(meter, "_CLEAR_REFS", tmp_path / "absent" / "clear_refs")
    with measure() as block:
        pass
    assert math.isnan(block.peak_bytes)
    monkeypatch.setattr(meter, "_STATUS", tmp_path / "absent")
    with measure() as block:
        pass
    assert math.isnan(block.peak_bytes)


def test_cost_has_what_was_measured_and_what_was_told():
    with measure("cpu") as block:
        torch.ones(10).sum()
    cost = block.cost(parameters=3, flops=10, tuning_trials=2)
    assert (cost.parameters, cost.flops, cost.tuning_trials) == (3, 10, 2)
    assert cost.wall_s == block.wall_s


def test_cost_is_not_known_inside_the_block():
    with measure() as block, pytest.raises(RuntimeError, match="after the measure"):
        block.cost(parameters=0, flops=0)


def test_a_block_that_fails_is_closed():
    with pytest.raises(KeyError), measure():
        raise KeyError
    assert meter._open == []
