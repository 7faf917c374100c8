"""Pages with trials that look like real ones, for tests of the gallery."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from provenn.evidence import (
    Claim,
    Competitor,
    Cost,
    Deviation,
    Greater,
    Identity,
    Metrics,
    Near,
    Page,
    Paper,
    Ratio,
)
from provenn.evidence.fingerprint import fingerprint
from provenn.evidence.page import config_hash
from provenn.evidence.records import CompetitorRecord, Provenance, Trial, TrialRecord
from provenn.evidence.store import Store

ROOMS = ("nn", "hyper", "sparse", "bayes", "graph", "operators", "linalg", "control", "theory")

TRACEBACK = "Traceback (most recent call last):\n  ...\nFloatingPointError: the loss is nan"

EXAMPLE = """
from provenn.nn import PHConv2d  # a drop-in layer

layer = PHConv2d(in_channels=3, out_channels=12, kernel_size=3, n=3, padding=1)
image = torch.randn(8, 3, 32, 32)
print(layer(image).shape, "with a third of the parameters")
"""


@dataclass(frozen=True)
class Config:
    width: int = 8


def paper(slug: str, i: int = 0) -> Paper:
    return Paper(
        slug=slug,
        title=f"Lightweight networks by hypercomplex parameterization, part {i + 1:02d}",
        authors=("Ada Example", "Emmy Sample", "Carl Specimen"),
        arxiv=f"2110.{i + 4000:05d}",
        year=2018 + i % 8,
        venue="IEEE Transactions on Neural Networks",
        doi=f"10.1109/TNNLS.2022.{i}",
        code="https://github.com/example/networks",
        summary=(
            "A layer whose weight is a sum of Kronecker products of a small learned algebra with a"
            " bank of small filters, so that it has one n-th of the parameters of the layer that it"
            " replaces, for any n and without a change of the network around it."
        ),
        room=ROOMS[i % len(ROOMS)],
    )


def claims() -> list[Claim]:
    both = ("quick", "laptop")
    return [
        Claim(
            id="c1-parameters",
            says="The layer has about one n-th of the parameters of the real layer.",
            reported="1/2",
            reported_effect=0.5,
            where="abstract",
            relation=Ratio("ours.parameters", "real.parameters", at_most=0.55),
            margin_source="the sheet",
            presets=both,
            method="ours",
            peers=("real",),
        ),
        Claim(
            id="c2-accuracy",
            says="It outperforms its real-valued counterpart on image classification.",
            reported="94.83 against 94.1",
            reported_effect=0.007,
            where="table 2",
            relation=Greater("ours.accuracy", "real.accuracy", margin=0.003),
            margin_source="half of the paper's gap",
            presets=both,
            method="ours",
            peers=("real",),
            tried="A wider stem, and a learning rate tuned on validation; both stay below.",
        ),
        Claim(
            id="c3-grouped",
            says="It is more accurate than a grouped convolution of the same size.",
            reported="2 points",
            reported_effect=0.02,
            where="table 3",
            relation=Greater("ours.accuracy", "grouped.accuracy"),
            margin_source="the paper's gap is not given",
            presets=both,
            method="ours",
            peers=("grouped",),
        ),
        Claim(
            id="c4-algebra",
            says="The algebra is learned from data up to rounding.",
            reported="error 1e-7",
            reported_effect=1e-7,
            where="section 4.1",
            relation=Identity("algebra_error", tol=1e-3),
            margin_source="the sheet",
            presets=("quick",),
        ),
        Claim(
            id="c5-matches",
            says="With n = 4 it matches the quaternion network.",
            reported="within 0.5 points",
            where="table 4",
            relation=Near("quaternion_gap", 0.0, tol=0.01),
            margin_source="the paper's spread",
            presets=both,
        ),
        Claim(
            id="c6-audio",
            says="It outperforms real and quaternion networks on sound event detection.",
            reported="error rate 0.39 against 0.52",
            where="table 6",
            unjudged="the data set of the challenge is not open",
        ),
    ]


def figures(trials: Sequence[Trial]) -> dict[str, Figure]:
    curves, ax = plt.subplots()
    for name, label in (("ours", "ours, n = 2"), ("real", "real")):
        stacked = np.stack([t.series[f"{name}_curve"] for t in trials])
        epochs = np.arange(1, stacked.shape[1] + 1)
        (line,) = ax.plot(epochs, stacked.mean(0), label=label)
        ax.fill_between(epochs, stacked.min(0), stacked.max(0), alpha=0.2, color=line.get_color())
    ax.set(xlabel="epoch", ylabel="accuracy")
    ax.legend()

    bars, ax = plt.subplots(figsize=(9, 3))
    labels = ["ours", "real", "grouped"]
    heights = [np.mean([t.scalars()[f"{c}.accuracy"] for t in trials]) for c in labels]
    ax.bar(labels, heights, color=["C0", "C1", "C2"])
    ax.set(ylabel="accuracy", ylim=(0.8, 1.0))

    image, ax = plt.subplots()
    ax.imshow(trials[0].series["algebra"], cmap="cividis")
    ax.set_title("learned algebra $A_1$")
    ax.grid(visible=False)
    return {"learning-curves": curves, "accuracy": bars, "algebra": image}


def page(slug: str, i: int = 0) -> Page:
    return Page(
        paper=paper(slug, i),
        config_type=Config,
        presets={"quick": Config(), "laptop": Config(16), "full": Config(64)},
        seeds={"quick": 3, "laptop": 5, "full": 5},
        claims=claims(),
        trial=lambda config, seed, ctx: Metrics(),
        figures=figures,
        path=Path(__file__),
        module=__name__,
        deviations=[
            Deviation(
                aspect="training set",
                paper="all 50,000 images",
                ours="10,000 images",
                why="20 minutes on two cores",
                presets=("laptop",),
            ),
            Deviation(aspect="tuning", paper="unknown", ours="one setting each", why="not said"),
        ],
        example=EXAMPLE,
        captions={"learning-curves": "Accuracy over epochs; the band spans the seeds."},
    )


def pages(n: int = 33) -> list[Page]:
    return [page(f"paper-{i:02d}", i) for i in range(n)]


def fill(store: Store, page: Page, presets: Sequence[str] = ("quick",), crashed: int = -1) -> None:
    """Write the trials of ``presets``; the one of seed ``crashed`` is a failed one."""
    for preset in presets:
        for seed in range(page.seeds[preset]):
            record, series = trial(page, preset, seed, failed=seed == crashed)
            store.write(record, series)


def trial(
    page: Page, preset: str, seed: int, *, failed: bool = False
) -> tuple[TrialRecord, dict[str, np.ndarray]]:
    rng = np.random.default_rng([seed, len(preset), *page.paper.slug.encode()])
    good = rng.normal(0.02 * math.sin(rng.integers(6)), 0.004)
    accuracy = {"ours": 0.962 + good, "real": 0.962 + rng.normal(0, 0.002), "grouped": 0.93}
    accuracy["grouped"] += rng.normal(0, 0.01)
    peers = [
        Competitor(
            name=name,
            label=label,
            role=role,
            quality={"accuracy": accuracy[name], "loss": 0.3 - 0.2 * accuracy[name]},
            cost=Cost(
                parameters=size,
                flops=size * 1024,
                wall_s=12.5 + rng.normal(),
                peak_bytes=2**27 + size,
                tuning_trials=4,
            ),
            package="torch" if role == "peer" else "",
        )
        for name, label, role, size in (
            ("ours", "PHC, n = 2", "method", 8_690),
            ("real", "Real convolution", "peer", 16_452),
            ("grouped", "Grouped convolution", "peer", 8_710),
        )
    ]
    epochs = np.arange(1, 31)
    series = {
        f"{name}_curve": accuracy[name] * (1 - np.exp(-epochs / 4)) + rng.normal(0, 0.003, 30)
        for name in ("ours", "real")
    }
    series["algebra"] = rng.normal(size=(8, 8))
    record = TrialRecord(
        slug=page.paper.slug,
        preset=preset,
        config={"width": page.config(preset).width},
        config_hash=config_hash(page.config(preset)),
        seed=seed,
        status="failed" if failed else "done",
        values={} if failed else {"algebra_error": 2e-7, "quaternion_gap": rng.normal(0, 0.004)},
        competitors=[] if failed else [_stored(c) for c in peers],
        error=TRACEBACK if failed else "",
        provenance=provenance(page),
    )
    return record, ({} if failed else series)


def provenance(page: Page) -> Provenance:
    return Provenance(
        provenn="0.1.0",
        python="3.11.7",
        packages={"torch": "2.13.0", "numpy": "2.3.5"},
        git_revision="3f2a9c1e" * 5,
        git_dirty=False,
        fingerprint=fingerprint(page),
        data={"digits": "8d1f" * 16},
        device="cpu",
        cpu="a processor with two cores",
        threads=1,
        deterministic=True,
        started="2026-01-01T00:00:00+00:00",
        wall_s=13.7,
        cpu_s=13.1,
        peak_bytes=412_000_000,
    )


def _stored(competitor: Competitor) -> CompetitorRecord:
    cost = {
        name: float(getattr(competitor.cost, name))
        for name in ("parameters", "flops", "wall_s", "peak_bytes", "tuning_trials")
    }
    return CompetitorRecord(
        name=competitor.name,
        label=competitor.label,
        role=competitor.role,
        quality=dict(competitor.quality),
        cost=cost,
        package=competitor.package,
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    files = (p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}
