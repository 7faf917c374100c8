"""A trial of a page in the process of the tests, by the runner or by the least that it needs."""

import contextlib

import numpy as np
import torch

from provenn.evidence.attempt import attempt
from provenn.evidence.encoding import trial_from
from provenn.evidence.meter import measure
from provenn.evidence.records import Trial, TrialRecord
from provenn.evidence.tasks import Task
from provenn.papers import load


def task_of(slug, preset, seed=0, **overrides):
    """A seed of a page, with a small config."""
    page = load(slug)
    config = page.config(preset, overrides)
    return Task(slug=slug, module=page.module, preset=preset, config=config, seed=seed)


def attempted(task):
    """The trial as it is stored, which must not fail, and the events on the way."""
    events = []
    record, series = attempt(task, events.append)
    assert record.status == "done", record.error
    return trial_from(record, series), events


class StageContext:
    """The least that a trial needs of a runner."""

    device = torch.device("cpu")

    def __init__(self, seed=0):
        self.seed = seed
        self.stages = []
        self.used = []

    def stage(self, name, function):
        assert name not in self.stages
        self.stages.append(name)
        torch.manual_seed(self.seed)
        np.random.seed(self.seed)  # noqa: NPY002 - pyamg draws from it
        return function()

    def uses(self, data):
        self.used.append(f"{data.name}/{data.split}")
        return data

    def progress(self, step, total, note=""):
        assert 0 <= step <= total

    @contextlib.contextmanager
    def measure(self):
        with measure("cpu") as meter:
            yield meter


def as_trial(metrics):
    """Metrics that were never stored, for figures."""
    record = TrialRecord.model_construct(status="done", seed=0)
    return Trial(record=record, metrics=metrics, series=metrics.series)
