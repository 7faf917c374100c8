"""A page that takes milliseconds, so that the verbs can be tried on something."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from matplotlib.figure import Figure

from provenn.evidence import (
    Ablation,
    Claim,
    Competitor,
    Context,
    Cost,
    Deviation,
    Greater,
    Identity,
    Metrics,
    Paper,
)

if TYPE_CHECKING:
    from provenn.evidence.records import Trial

PAPER = Paper(
    slug="tiny",
    title="A Tiny Paper",
    authors=("Ada Lovelace", "Alan Turing"),
    arxiv="2110.04176",
    year=2021,
    venue="Journal of Small Things",
    doi="10.1000/tiny",
    summary="Adds a number to another.",
    room="nn",
)


@dataclass(frozen=True)
class Config:
    """What the trial does.

    Args:
        bonus: How much better the method is.
        crash_at: Seed whose trial crashes; -1 for none.
        sleep_s: Seconds that a trial takes, in steps of a twentieth.
        widths: Sizes of the layers.
        mode: How.
        noisy: Whether the seeds differ.
    """

    bonus: float = 1.0
    crash_at: int = -1
    sleep_s: float = 0.0
    widths: tuple[int, ...] = (4, 8)
    mode: Literal["plain", "fancy"] = "plain"
    noisy: bool = True

    def __post_init__(self) -> None:
        if self.sleep_s < 0:
            raise ValueError(f"sleep_s must not be negative, got {self.sleep_s}")


PRESETS = {"quick": Config(), "laptop": Config(bonus=2.0), "full": Config(bonus=3.0)}
SEEDS = {"quick": 3, "laptop": 5, "full": 5}

CLAIMS = [
    Claim(
        id="c1-better",
        says="The method is better than its peer.",
        reported="1.0 better",
        reported_effect=1.0,
        where="table 1",
        relation=Greater("method.score", "peer.score", 0.5),
        margin_source="half the paper's gap",
        presets=("quick", "laptop", "full"),
        method="method",
        peers=("peer",),
    ),
    Claim(
        id="c2-exact",
        says="The sum is exact.",
        reported="exact",
        where="equation 1",
        relation=Identity("sum_error", 1e-9),
        margin_source="double precision",
        presets=("quick", "laptop", "full"),
    ),
    Claim(
        id="c3-huge",
        says="It also works at a scale that nobody here has.",
        reported="90 %",
        where="table 9",
        unjudged="needs a thousand machines",
    ),
]
DEVIATIONS = [Deviation(aspect="scale", paper="large", ours="tiny", why="it is a test")]
ABLATIONS = [
    Ablation(
        name="no-bonus",
        says="the method is its peer",
        overrides={"bonus": 0.0},
        breaks=("c1-better",),
    )
]
EXAMPLE = "print(1 + 1)\n"


def trial(config: Config, seed: int, ctx: Context) -> Metrics:
    """Measure a sum."""
    if seed == config.crash_at:
        raise RuntimeError("the trial was told to crash")
    steps = int(config.sleep_s / 0.05)
    for step in range(steps):
        time.sleep(0.05)
        ctx.progress(step + 1, steps, "sleeping")
    noise = 0.01 * seed if config.noisy else 0.0
    scores = {"method": 1.0 + config.bonus + noise, "peer": 1.0}
    return Metrics(
        values={"sum_error": abs(0.5 + 0.25 - 0.75)},
        competitors=[
            Competitor(
                name=name,
                label=name.capitalize(),
                role="method" if name == "method" else "peer",
                quality={"score": score},
                cost=Cost(parameters=1, flops=2, wall_s=0.1, peak_bytes=1024),
            )
            for name, score in scores.items()
        ],
    )


def figures(trials: Sequence["Trial"]) -> Mapping[str, Figure]:
    """Draw the method's scores."""
    figure = Figure(figsize=(3, 2))
    axes = figure.subplots()
    done = [t for t in trials if not t.failed]
    axes.plot([t.seed for t in done], [t.scalars()["method.score"] for t in done], "o")
    return {"scores": figure}
