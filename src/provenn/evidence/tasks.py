"""What the runner works on, and what it tells while it does.

A :class:`Task` is one trial that is to be measured. Executors turn tasks into outcomes and send
events, plain dataclasses that travel through pipes and queues, so that any listener can be plugged
in: a live board, lines of text, a verdict printed as soon as its last trial lands.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from provenn.evidence.keys import TrialKey
from provenn.evidence.page import config_hash
from provenn.evidence.records import TrialRecord


@dataclass(frozen=True, kw_only=True)
class Task:
    """One trial to measure: everything that a fresh process needs to know.

    Args:
        slug: Paper.
        module: Module of its page, imported by name where the trial runs.
        preset: Preset that the config comes from.
        config: Instance of the page's ``Config``.
        seed: Seed of the trial.
        device: Where it computes, e.g. ``cpu`` or ``cuda:0``.
    """

    slug: str
    module: str
    preset: str
    config: Any
    seed: int
    device: str = "cpu"

    @cached_property
    def key(self) -> TrialKey:
        """Where the store keeps the trial."""
        return TrialKey(self.slug, self.preset, config_hash(self.config), self.seed)

    def __str__(self) -> str:
        return f"{self.slug} {self.preset} seed {self.seed}"


Status = Literal["done", "failed", "skipped", "busy"]


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    It is ``skipped`` if the store has it by now, ``busy`` if another process runs it.
    """

    task: Task
    status: Status
    error: str = ""
    """One line; empty unless the trial failed."""


@dataclass(frozen=True)
class Planned:
    """A run begins: these tasks are to be done, these are in the store already."""

    tasks: tuple[Task, ...]
    skipped: tuple[Task, ...]


@dataclass(frozen=True)
class Started:
    """A trial began."""

    task: Task


@dataclass(frozen=True)
class Progressed:
    """A trial has done ``step`` of ``total`` steps of a stage."""

    task: Task
    step: int
    total: int
    stage: str = ""
    note: str = ""


@dataclass(frozen=True)
class Finished:
    """A trial is in the store, whether it went well or crashed."""

    task: Task
    record: TrialRecord


@dataclass(frozen=True)
class Settled:
    """A task needs no more work; follows :class:`Finished` where a trial ran."""

    outcome: Outcome


Event = Planned | Started | Progressed | Finished | Settled
Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Listen to nothing."""
