"""Stages are seeded alike, kept, and read back; progress is told, but not too often."""

import random
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from provenn.evidence import checkpoints, context
from provenn.evidence.context import TrialContext, repeatable
from provenn.evidence.page import Page
from provenn.evidence.tasks import Progressed, Task
from tests.reliability.pages import brief

PAGE = Page.from_module(brief)
TASK = Task(slug="brief", module=PAGE.module, preset="quick", config=brief.Config(), seed=3)


@dataclass(frozen=True)
class Digits:
    name: str = "digits"
    split: str = "train"
    sha256: str = "ab12"


def draw():
    return {
        "python": random.random(),  # noqa: S311
        "numpy": np.random.rand(),  # noqa: NPY002
        "torch": torch.rand(2, dtype=torch.float64).numpy(),
    }


@pytest.fixture
def told():
    return []


@pytest.fixture
def make(told, tmp_path):
    return lambda folder=tmp_path: TrialContext(TASK, told.append, folder)


def test_all_stages_start_from_the_seed(make):
    ctx = make(None)
    assert repr(ctx.stage("one", draw)) == repr(ctx.stage("two", draw))
    other = TrialContext(
        Task(slug="brief", module=PAGE.module, preset="quick", config=brief.Config(), seed=4), print
    )
    assert repr(other.stage("one", draw)) != repr(make(None).stage("one", draw))


def test_what_follows_a_stage_does_not_depend_on_whether_it_ran(make):
    ctx = make()
    ctx.stage("one", draw)
    after = draw()
    resumed = make()
    draw()
    resumed.stage("one", lambda: pytest.fail("the stage was kept"))
    assert repr(draw()) == repr(after)


def test_a_kept_stage_is_read_back_as_it_was(make):
    first = make().stage("one", lambda: (draw(), [1]))
    second = make().stage("one", lambda: pytest.fail("the stage was kept"))
    assert repr(first) == repr(second)


def test_a_damaged_stage_runs_again(make, tmp_path):
    make().stage("one", lambda: 1)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    assert make().stage("one", lambda: 2) == 2
    assert make().stage("one", lambda: 3) == 2


def test_a_result_is_the_same_whether_it_can_be_kept_or_not(make):
    assert make(None).stage("one", lambda: {"n": np.int64(3)}) == {"n": 3}
    assert type(make(None).stage("one", lambda: np.float32(0.5))) is float


def test_time_and_data_of_a_kept_stage_still_count(make):
    def stage():
        first.uses(Digits())
        return 1

    first = make()
    first.stage("one", stage)
    resumed = make()
    resumed.stage("one", lambda: pytest.fail("the stage was kept"))
    assert resumed.data == first.data == {"digits/train": "ab12"}
    assert resumed.resumed_wall_s > 0
    assert first.resumed_wall_s == 0


def test_data_of_other_stages_is_not_kept_with_a_stage(make, tmp_path):
    ctx = make()
    ctx.uses(Digits(split="test"))
    ctx.stage("one", lambda: ctx.uses(Digits()).split)
    assert checkpoints.read(tmp_path, "one").data == {"digits/train": "ab12"}
    assert set(ctx.data) == {"digits/test", "digits/train"}


def test_a_stage_that_fails_keeps_nothing(make, tmp_path):
    ctx = make()
    with pytest.raises(ZeroDivisionError):
        ctx.stage("one", lambda: 1 / 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "Two Words", "../up", "a" * 101])
def test_malformed_stage_names_are_refused(make, name):
    with pytest.raises(ValueError, match="stage must be lower-case"):
        make().stage(name, lambda: 1)


def test_a_name_may_be_used_once(make):
    ctx = make()
    ctx.stage("one", lambda: 1)
    with pytest.raises(ValueError, match="different names, got 'one' again"):
        ctx.stage("one", lambda: 2)


def test_progress_is_rate_limited_and_the_end_is_told(make, told, monkeypatch):
    clock = iter(np.arange(0, 10, 1 / 64))
    monkeypatch.setattr(context, "PROGRESS_INTERVAL_S", 1 / 8)
    monkeypatch.setattr(context.time, "monotonic", lambda: float(next(clock)))
    ctx = make()
    ctx.stage("train", lambda: [ctx.progress(step, 100, "loss 1") for step in range(101)])
    assert [event.step for event in told] == [*range(0, 100, 8), 100]
    assert told[0] == Progressed(TASK, 0, 100, "train", "loss 1")


@pytest.mark.parametrize(("step", "total"), [(-1, 3), (4, 3), (0, 0)])
def test_impossible_progress_is_refused(make, step, total):
    with pytest.raises(ValueError, match=f"got step {step} of {total}"):
        make().progress(step, total)


def test_the_callers_settings_come_back():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    with repeatable():
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
        context.seed_generators(5)
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.rand(1) == expected
