"""A page whose trials take about 50 ms, for tests of the runner and of its reliability.

Its config decides how a trial behaves: well, crashing, dying, or taking its time.
"""

import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from provenn.evidence import Claim, Competitor, Context, Greater, Metrics, Paper
from provenn.evidence.records import Trial

PAPER = Paper(
    slug="brief",
    title="A Brief Trial",
    authors=("Ada Example",),
    arxiv="2601.00001",
    year=2026,
    venue="Tests",
    summary="Adds random numbers in three stages.",
    room="nn",
)


@dataclass(frozen=True)
class Config:
    """Knobs of the trial.

    Args:
        pause_s: Seconds that each of the three stages sleeps.
        crash: Seeds that raise an error.
        die: Seeds whose process is killed.
        journal: File to which each stage that is run adds a line; empty for none.
        stop_after: Stage after which the trial kills its process if ``journal`` shows that it has
            not done so before; empty for none.
    """

    pause_s: float = 0.015
    crash: tuple[int, ...] = ()
    die: tuple[int, ...] = ()
    journal: str = ""
    stop_after: str = ""


PRESETS = {"quick": Config(), "laptop": Config(), "full": Config()}
SEEDS = {"quick": 3, "laptop": 5, "full": 5}

CLAIMS = [
    Claim(
        id="c1-larger",
        says="The method is better than its peer.",
        reported="+0.5",
        where="nowhere",
        relation=Greater("method.accuracy", "peer.accuracy"),
        margin_source="none",
        presets=("quick", "laptop", "full"),
        method="method",
        peers=("peer",),
    ),
    Claim(
        id="c2-never",
        says="Nobody can tell.",
        reported="nothing",
        where="nowhere",
        unjudged="there is nothing to measure",
    ),
]


def trial(config: Config, seed: int, ctx: Context) -> Metrics:
    """Add random numbers in three stages."""
    if seed in config.crash:
        raise ArithmeticError(f"seed {seed} crashes")
    if seed in config.die:
        os.kill(os.getpid(), signal.SIGKILL)

    def stage(name: str, offset: float) -> Competitor:
        def work() -> Competitor:
            _note(config, f"{seed} {name}")
            with ctx.measure() as meter:
                time.sleep(config.pause_s)
                drawn = torch.rand(100).double().sum() + np.random.rand()  # noqa: NPY002
            return Competitor(
                name=name,
                label=name,
                role="method" if name == "method" else "peer",
                quality={"accuracy": float(drawn) + offset},
                cost=meter.cost(parameters=100, flops=99),
            )

        competitor = ctx.stage(name, work)
        _stop_once(config, name)
        ctx.progress(("method", "peer", "third").index(name) + 1, 3)
        return competitor

    competitors = [stage("method", 0.5), stage("peer", 0.0), stage("third", torch.rand(1).item())]
    curve = ctx.stage("curve", lambda: {"loss": np.linspace(1.0, 0.0, 5) ** 2})
    return Metrics(
        values={"between": torch.rand(1).item()},
        series={"loss": curve["loss"]},
        competitors=competitors,
    )


def figures(trials: Sequence[Trial]) -> Mapping[str, object]:
    """No figures."""
    return {}


def _note(config: Config, line: str) -> None:
    if config.journal:
        with Path(config.journal).open("a") as journal:
            journal.write(f"{line}\n")


def _stop_once(config: Config, name: str) -> None:
    stop = f"stopped after {name}"
    if config.stop_after == name and stop not in Path(config.journal).read_text():
        _note(config, stop)
        os.kill(os.getpid(), signal.SIGKILL)
