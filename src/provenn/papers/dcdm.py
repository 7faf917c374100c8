"""A deep conjugate direction method for iteratively solving linear systems."""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from provenn.evidence.claims import Ablation, Claim, Deviation, Paper
from provenn.evidence.metrics import Metrics
from provenn.evidence.page import Context
from provenn.evidence.relations import All, Greater, Identity, Less, Ratio, Relation, Slope
from provenn.papers.poisson.measure import (
    TIGHT,
    TOLERANCE,
    Learned,
    compare,
    growth,
    large,
    means,
    merge,
    one_shot,
    robustness,
)
from provenn.papers.poisson.networks import Recipe, Trained, train_all
from provenn.papers.poisson.problems import Case, Domain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from provenn.evidence.records import Trial

PAPER = Paper(
    slug="dcdm",
    title="A Deep Conjugate Direction Method for Iteratively Solving Linear Systems",
    authors=(
        "Ayano Kaneda",
        "Osman Akar",
        "Jingyu Chen",
        "Victoria Kala",
        "David Hyde",
        "Joseph Teran",
    ),
    arxiv="2205.10763",
    year=2023,
    venue="International Conference on Machine Learning",
    code="https://github.com/ayano721/2023_DCDM",
    summary=(
        "Conjugate gradients with the search direction proposed by a small convolutional network "
        "that looks at the residual. Each direction is made A-orthogonal to the last two and an "
        "exact line search finds its length, so that the iteration goes on to any tolerance. The "
        "network is trained without solutions, on random sums of the matrix's eigenvectors, for "
        "the pressure equation of incompressible flow in an empty box."
    ),
    room="linalg",
)


@dataclass(frozen=True)
class Config:
    """Knobs of the page.

    Args:
        dim: Axes of the grids.
        sizes: Cells along each axis of the domains that are solved, the training size first.
        domains: Domains that are solved at each size.
        systems: Right-hand sides of each domain: sums of Gaussian blobs.
        steps: Optimiser steps of the network under test.
        lr: Its first learning rate.
        start_cells: Size at which it is trained first; 0 for none.
        start_steps: Optimiser steps there, and of the other networks for one size.
        own_sizes: Sizes with a network of their own, for the growth of the iterations.
        moved_sizes: Sizes that a single network is moved to, for the same.
        plain_cells: Size at which a network is also trained with plain random vectors; 0 for none.
        robust: Whether every domain of the training size is solved to 1e-10.
        windows: Windows of earlier directions that are compared at the training size.
        volume_cells: Training size of a 3-D network beside the 2-D one; 0 for none.
        volume_steps: Its optimiser steps.
        large_cells: Cells along each axis of a 3-D box with at least a million; 0 for none.
        window: Earlier directions to which each is made A-orthogonal (0: negative control).
        low_weight: Weight of the low half of the spectrum in training (1: negative control).
        safeguard: Whether conjugate gradients take over where the network does not get on.
    """

    dim: int = 2
    sizes: tuple[int, ...] = (32,)
    domains: tuple[Domain, ...] = ("box", "disc")
    systems: int = 3
    steps: int = 400
    lr: float = 1e-3
    start_cells: int = 0
    start_steps: int = 800
    own_sizes: tuple[int, ...] = ()
    moved_sizes: tuple[int, ...] = ()
    plain_cells: int = 0
    robust: bool = False
    windows: tuple[int, ...] = ()
    volume_cells: int = 0
    volume_steps: int = 200
    large_cells: int = 0
    window: int = 2
    low_weight: float = 9.0
    safeguard: bool = True


OBSTACLES: tuple[Domain, ...] = ("disc", "block", "random")
ROBUST_KINDS = ("blobs", "flow", "dipole", "noise")

PRESETS = {
    "quick": Config(),
    "laptop": Config(
        sizes=(64, 128),
        domains=("box", *OBSTACLES, "open"),
        systems=2,
        steps=500,
        start_cells=32,
        own_sizes=(16, 32, 64),
        moved_sizes=(32, 64, 128),
        plain_cells=32,
        robust=True,
        windows=(0, 1, 2, 4, 8),
        volume_cells=16,
        large_cells=100,
    ),
    "full": Config(
        dim=3,
        sizes=(64, 128, 256),
        domains=("box", "disc"),
        steps=2000,
        lr=5e-4,
        own_sizes=(32, 64),
        moved_sizes=(64, 128, 256),
        windows=(0, 1, 2, 4, 8),
    ),
}
SEEDS = {"quick": 3, "laptop": 5, "full": 3}


def _fewer(peer: str, at_most: float, *cases: str) -> tuple[Relation, ...]:
    return tuple(
        Ratio(f"dcdm.iterations_{c}", f"{peer}.iterations_{c}", at_most=at_most) for c in cases
    )


def _faster(case: str, *peers: str) -> All:
    return All(*(Less(f"dcdm.seconds_{case}", f"{peer}.seconds_{case}") for peer in peers))


def _met(*cases: str) -> tuple[Relation, ...]:
    return tuple(Less(f"dcdm.residual_{c}", TOLERANCE, -1e-9) for c in cases)


INDEPENDENT = float(np.log(1.5) / np.log(4))
"""Largest exponent of "independent of size": half as many again from one size to its fourfold."""

_SHEET = "our own, set before the measurement"
_PAPERS_PEERS = ("cg", "deflated", "ic")
_AMG = ("amg-rs", "amg-sa")

CLAIMS = (
    Claim(
        id="d1-tolerance",
        says=(
            "The residual falls to a given tolerance, where a learned solver that answers once "
            "stalls."
        ),
        reported="figures not found",
        where="abstract",
        relation=All(
            Identity("dcdm.residual_box-32", TOLERANCE),
            Identity("dcdm.residual_disc-32", TOLERANCE),
            Greater("one-shot.residual_box-32", 10 * TOLERANCE),
            Greater("one-shot.residual_disc-32", 10 * TOLERANCE),
        ),
        margin_source=f"{_SHEET}: 1e-4, and ten times as much for the network's answer alone",
        version=2,
        presets=("quick",),
        method="dcdm",
        peers=("one-shot",),
    ),
    Claim(
        id="d1-any-tolerance",
        says="Every system is solved to ten digits, where a single answer stalls.",
        reported="figures not found",
        where="abstract: any tolerance",
        relation=All(
            Identity("dcdm.unsolved", 0.5), Greater("one-shot.residual_box-64", 10 * TOLERANCE)
        ),
        margin_source=f"{_SHEET}: 20 of 20 systems to 1e-10, five domains by four kinds",
        presets=("laptop",),
        method="dcdm",
        peers=("one-shot",),
    ),
    Claim(
        id="d1-million",
        says="Systems with a million unknowns are solved, by the network.",
        reported="up to 256³ unknowns",
        where="abstract: millions of degrees of freedom",
        relation=All(
            Greater("large_unknowns", 999_999.5),
            Identity("large_residual", TIGHT * (1 + 1e-5)),
            Less("large_fallback", 0.5),
        ),
        margin_source=f"{_SHEET}: 1e-10, with more than half of the steps from the network",
        version=2,
        presets=("laptop",),
        method="dcdm-3d",
    ),
    Claim(
        id="ours-million",
        says="Systems with a million unknowns are solved to ten digits, with the safeguard where "
        "the network does not get on (not in the paper).",
        reported="not in the paper",
        where="this page",
        relation=All(
            Identity("large_residual", TIGHT * (1 + 1e-5)), Greater("large_unknowns", 999_999.5)
        ),
        margin_source="1e-10, in every trial",
        presets=("laptop",),
        method="dcdm-3d",
    ),
    Claim(
        id="d1-256",
        says="Systems with 256³ unknowns are solved to 1e-4.",
        reported="up to 256³ unknowns",
        where="abstract",
        relation=All(*_met("box-256-3d", "disc-256-3d")),
        margin_source="the tolerance of the paper",
        presets=("full",),
        method="dcdm",
    ),
    Claim(
        id="d2-quick",
        says="Fewer iterations than conjugate gradients.",
        reported="figures not found",
        where="results, figures and tables",
        relation=All(*_fewer("cg", 0.6, "mean-32")),
        margin_source=f"{_SHEET}: mean over two domains, three systems each",
        presets=("quick",),
        method="dcdm",
        peers=("cg",),
    ),
    Claim(
        id="d2-iterations",
        says="Fewer iterations than CG, deflated CG and incomplete-Cholesky CG.",
        reported="figures not found",
        where="results, figures and tables",
        relation=All(
            *_fewer("cg", 0.35, "box-64"),
            *_fewer("cg", 0.5, "box-128"),
            *(
                Less(f"dcdm.iterations_box-{n}", f"{peer}.iterations_box-{n}")
                for peer in ("ic", "deflated")
                for n in (64, 128)
            ),
        ),
        margin_source=f"{_SHEET}: 0.35 of CG at the training size, 0.5 at twice it, fewer than "
        "the others",
        presets=("laptop",),
        method="dcdm",
        peers=_PAPERS_PEERS,
    ),
    Claim(
        id="d2-volume",
        says="Fewer iterations than CG and incomplete-Cholesky CG in three dimensions.",
        reported="figures not found",
        where="results, figures and tables",
        relation=All(
            *(
                Ratio(f"dcdm-3d.iterations_box-{n}-3d", f"cg.iterations_box-{n}-3d", at_most=ratio)
                for n, ratio in ((16, 0.35), (32, 0.5))
            ),
            *(
                Less(f"dcdm-3d.iterations_box-{n}-3d", f"ic.iterations_box-{n}-3d")
                for n in (16, 32)
            ),
        ),
        margin_source=f"{_SHEET}: as in two dimensions",
        presets=("laptop",),
        method="dcdm-3d",
        peers=("cg", "ic"),
    ),
    Claim(
        id="d2-64",
        says="Fewer iterations than CG on 64³ cells, with the paper's network.",
        reported="figures not found",
        where="results, figures and tables",
        relation=All(*_fewer("cg", 0.3, "box-64-3d", "disc-64-3d")),
        margin_source=_SHEET,
        presets=("full",),
        method="dcdm",
        peers=("cg",),
    ),
    Claim(
        id="d2-time",
        says="Less time than CG, deflated CG and incomplete-Cholesky CG.",
        reported="figures not found; measured on a GPU",
        where="results, figures and tables",
        relation=_faster("box-64", *_PAPERS_PEERS),
        margin_source="none: strictly less processor time, training not counted",
        presets=("laptop",),
        method="dcdm",
        peers=_PAPERS_PEERS,
        tried="On a box of 64² cells 34 iterations take 128 ms of one core, CG's 186 take 6 ms: "
        "one evaluation of the network costs as much as 120 of CG's. Single precision and "
        "bfloat16 are options of the network; on a CPU neither closes a gap of twenty.",
    ),
    Claim(
        id="d2-gpu-time",
        says="Less time than CG on the same GPU at 128³ cells.",
        reported="figures not found",
        where="results, figures and tables",
        relation=_faster("box-128-3d", "cg-torch"),
        margin_source="none: strictly less time, training not counted",
        presets=("full",),
        method="dcdm",
        peers=("cg-torch",),
    ),
    Claim(
        id="d3-moved",
        says="The number of iterations is independent of the size: one network moved to larger "
        "grids.",
        reported="independent of problem size",
        where="abstract",
        relation=Slope("moved_cells", "moved_iterations", at_most=INDEPENDENT),
        margin_source=f"{_SHEET}: at most 1.5 times as many for four times the cells a side",
        presets=("laptop", "full"),
        method="dcdm-32",
        tried="A network trained at 32² and moved to 64² and 128² needs more than twice as many "
        "iterations for each doubling, as CG does.",
    ),
    Claim(
        id="d3-own",
        says="The number of iterations is independent of the size: a network for each size.",
        reported="independent of problem size",
        where="abstract",
        relation=Slope("own_cells", "own_iterations", at_most=INDEPENDENT),
        margin_source=f"{_SHEET}: at most 1.5 times as many for four times the cells a side",
        presets=("laptop", "full"),
        method="dcdm",
        tried="Networks trained for 16², 32² and 64², the largest after a start at 32², need "
        "1.7 times as many iterations for each doubling: better than one network moved, and far "
        "from constant. Longer training than 800 steps was not tried.",
    ),
    Claim(
        id="d4-disc",
        says="It carries over to an obstacle that training has not seen.",
        reported="figures not found",
        where="abstract, bunny and moving solids",
        relation=All(Identity("dcdm.residual_disc-32", TOLERANCE), *_fewer("cg", 0.6, "disc-32")),
        margin_source=_SHEET,
        version=2,
        presets=("quick",),
        method="dcdm",
        peers=("cg",),
    ),
    Claim(
        id="d4-obstacles",
        says="It carries over to obstacles and sizes that training has not seen.",
        reported="figures not found",
        where="abstract, bunny and moving solids",
        relation=All(*_fewer("cg", 0.6, *(f"{d}-{n}" for d in OBSTACLES for n in (64, 128)))),
        margin_source=f"{_SHEET}: a disc, a block, a fifth of all cells; two sizes",
        presets=("laptop",),
        method="dcdm",
        peers=("cg",),
    ),
    Claim(
        id="d4-open",
        says="It carries over to a boundary condition that training has not seen: an open top.",
        reported="figures not found",
        where="the problem's statement has free surfaces",
        relation=All(*_fewer("cg", 0.6, "open-64", "open-128")),
        margin_source=f"{_SHEET}: as with obstacles",
        presets=("laptop",),
        method="dcdm",
        peers=("cg",),
        tried="Past obstacles a network trained in a box needs a fifth of CG's iterations; "
        "below an open top twice as many. It has never seen the nearly constant mode that an "
        "open side adds, and the safeguard takes over. Training on such a domain is possible "
        "and was not done: the claim is about conditions that training has not seen.",
    ),
    Claim(
        id="d5-orthogonal",
        says="Making directions A-orthogonal to earlier ones matters.",
        reported="figures not found",
        where="ablation",
        relation=Ratio("dcdm.iterations_mean-32", "dcdm-w0.iterations_mean-32", at_most=0.75),
        margin_source=f"{_SHEET}: mean over two domains, three systems each",
        presets=("quick",),
        method="dcdm",
        peers=("dcdm-w0",),
    ),
    Claim(
        id="d5-windows",
        says="Making directions A-orthogonal to earlier ones matters.",
        reported="figures not found",
        where="ablation",
        relation=Ratio("dcdm.iterations_box-64", "dcdm-w0.iterations_box-64", at_most=0.75),
        margin_source=f"{_SHEET}: as at quick",
        presets=("laptop",),
        method="dcdm",
        peers=("dcdm-w0",),
    ),
    Claim(
        id="d6-data",
        says="Training vectors with weight on small eigenvalues beat plain random ones.",
        reported="figures not found",
        where="training data",
        relation=Ratio("dcdm-32.iterations_mean-32", "dcdm-plain.iterations_mean-32", at_most=0.9),
        margin_source=f"{_SHEET}: 10 % fewer iterations, mean over two domains",
        presets=("laptop",),
        method="dcdm-32",
        peers=("dcdm-plain",),
    ),
    Claim(
        id="d2-plume",
        says="Fewer iterations and less time on frames of a smoke plume past a bunny.",
        reported="figures not found",
        where="results, smoke plume and bunny",
        unjudged=(
            "The authors' frames and meshes are not published with their code, and no preset "
            "simulates smoke; divergences of smooth velocities past a disc stand in."
        ),
    ),
    Claim(
        id="ours-multigrid",
        says="Less time than multigrid-preconditioned CG, the strongest choice today (not in the "
        "paper).",
        reported="not in the paper",
        where="this page",
        relation=_faster("box-64", *_AMG),
        margin_source="none: strictly less processor time, training not counted",
        presets=("laptop",),
        method="dcdm",
        peers=_AMG,
        tried="Multigrid-preconditioned CG takes 5 iterations and 10 ms on a box of 64² cells, "
        "thirteen times less than the network's 128 ms.",
    ),
)

DEVIATIONS = (
    Deviation(
        aspect="grids",
        paper="three dimensions, 64 to 256 cells a side",
        ours="two dimensions, 32 cells a side",
        why="seconds of one processor core",
        presets=("quick",),
    ),
    Deviation(
        aspect="grids",
        paper="three dimensions, 64 to 256 cells a side",
        ours="two dimensions, 64 and 128 cells a side; three dimensions, 16, 32 and 100",
        why="minutes of one processor core",
        presets=("laptop",),
    ),
    Deviation(
        aspect="training vectors",
        paper="20,000 sums of 10,000 Ritz vectors of a Lanczos iteration, kept",
        ours="sums of the exact eigenvectors, products of cosines, drawn fresh for every step",
        why="the same distribution without the storage; provenn.linalg has the Lanczos data too",
    ),
    Deviation(
        aspect="training",
        paper="Adam 1e-4, batch 10, tens of passes over 18,000 vectors",
        ours="Adam 1e-3 falling to 1e-4, batch 10, 400 steps",
        why="seconds of one processor core",
        presets=("quick",),
    ),
    Deviation(
        aspect="training",
        paper="Adam 1e-4, batch 10, tens of passes over 18,000 vectors",
        ours="Adam 1e-3 falling to 1e-4, batch 10; 800 steps at 32 cells a side, then 500 at 64; "
        "200 steps in three dimensions",
        why="minutes of one processor core; a convolutional network can grow with the grid",
        presets=("laptop",),
    ),
    Deviation(
        aspect="training",
        paper="Adam 1e-4, batch 10, tens of passes over 18,000 vectors",
        ours="Adam 5e-4 falling to 5e-5, batch 10, 2,000 steps",
        why="minutes of one GPU",
        presets=("full",),
    ),
    Deviation(
        aspect="right-hand sides",
        paper="frames of smoke plumes past a bunny and moving solids",
        ours="sums of six Gaussian blobs; divergences of smooth velocities, dipoles and white "
        "noise where all must be solved to 1e-10",
        why="the authors' frames are not published",
    ),
    Deviation(
        aspect="safeguard",
        paper="none",
        ours="conjugate gradients take over where 20 steps of the network bring too little; the "
        "page counts such steps as 'fallback', and without any the method is the paper's",
        why="the method alone need not converge; systems to 1e-10 are solved both ways",
    ),
    Deviation(
        aspect="residual",
        paper="recomputed at every step, with a matrix in float32",
        ours="updated, recomputed every 20 steps and before the end, all in float64",
        why="the same numbers for half the products with the matrix",
    ),
    Deviation(
        aspect="tolerance",
        paper="relative for the method and IC, absolute for CG and deflated CG",
        ours="relative to the right-hand side for all",
        why="the same task for all",
    ),
    Deviation(
        aspect="deflated CG",
        paper="projections in float32",
        ours="projections in float64, renewed every 20 steps",
        why="in float32 it stalls near 1e-7",
    ),
    Deviation(
        aspect="time",
        paper="one GPU",
        ours="processor seconds of one core, set-up included, training not",
        why="no GPU in these presets",
        presets=("quick", "laptop"),
    ),
    Deviation(
        aspect="time",
        paper="one GPU",
        ours="wall time of one GPU; peers that run on the CPU up to 3 million unknowns, in "
        "processor seconds",
        why="their packages have no GPU version",
        presets=("full",),
    ),
    Deviation(
        aspect="a million unknowns",
        paper="up to 256³ with a network trained at 64³ or 128³",
        ours="100³ with the network of 16³ cells, evaluated in bfloat16, and a window of 20",
        why="minutes of one processor core",
        presets=("laptop",),
    ),
    Deviation(
        aspect="learned rivals",
        paper="FluidNet",
        ours="the network's own first answer stands for solvers that answer once",
        why="no rival has an installable package",
    ),
)

ABLATIONS = (
    Ablation(
        name="untrained",
        says="The network as it is drawn, and no safeguard.",
        overrides={"steps": 0, "start_steps": 0, "volume_steps": 0, "safeguard": False},
        breaks=["d1-tolerance", "d2-quick", "d4-disc", "d2-iterations", "d4-obstacles"],
    ),
    Ablation(
        name="no-orthogonality",
        says="Directions are taken as the network gives them.",
        overrides={"window": 0},
        breaks=["d5-orthogonal", "d5-windows"],
    ),
    Ablation(
        name="plain-data",
        says="Training vectors have the same weight on all eigenvalues.",
        overrides={"low_weight": 1.0},
        breaks=["d6-data"],
    ),
)

EXAMPLE = """\
import torch
from provenn.linalg import DCDMNet, PoissonOperator, dcdm, fit_dcdm, spectrum

box = PoissonOperator((32, 32))                       # walls all around
net = DCDMNet(dim=2)
fit_dcdm(net, box, spectrum(box), steps=50)           # hundreds for good directions

solid = torch.zeros(48, 64, dtype=torch.bool)
solid[20:28, 20:40] = True                            # an obstacle, another size
A = PoissonOperator((48, 64), solid=solid)
b = torch.randn(48, 64, dtype=torch.float64)
x, info = dcdm(A, b, net, rtol=1e-8)                  # converges with any network
info.converged, info.n_iter, info.n_fallback
"""


def trial(config: Config, seed: int, ctx: Context) -> Metrics:
    """Train networks on empty boxes, then solve the same systems with them and with peers.

    Raises:
        ImportError: A package of a peer is missing.
    """
    if config.robust and importlib.util.find_spec("pyamg") is None:
        raise ImportError("the peers of dcdm need pyamg: pip install 'provenn[peers]'")
    nets = train_all(_recipes(config), ctx)
    kinds = ("blobs",) * config.systems
    learned = [_method(config, nets["main"]), _steepest(config, nets["main"])]
    first = config.sizes[0]
    parts = []
    for n in config.sizes:
        entrants = learned if n == first else learned[:1]
        for domain in config.domains:
            case = Case(domain, n, config.dim)
            run = partial(compare, case, entrants, kinds, ctx, record=n == first)
            parts.append(ctx.stage(case.key, run))
    box, disc = (Case(domain, first, config.dim) for domain in config.domains[:2])
    for case in (box, disc):
        answer = partial(one_shot, case, nets["main"], kinds, ctx)
        parts.append(ctx.stage(f"one-shot-{case.key}", answer))
    parts += _sizes(config, nets, kinds, ctx)
    if config.robust:
        cases = [Case(domain, first, config.dim) for domain in config.domains]
        parts.append(ctx.stage("robust", partial(robustness, cases, ROBUST_KINDS, learned[0], ctx)))
    if config.windows:
        parts.append(ctx.stage("windows", partial(_windows, config, nets["main"], kinds, ctx)))
    if config.volume_cells:
        parts += _volume(config, nets["volume"], kinds, ctx)
    spent = {"dcdm": nets["main"].seconds}
    if config.volume_cells:
        spent["dcdm-3d"] = nets["volume"].seconds
    losses = {f"loss-{name}": trained.losses for name, trained in nets.items()}
    return means(merge([*parts, Metrics(series=losses)], spent))


def _recipes(config: Config) -> dict[str, Recipe]:
    """Networks by name, each after the one that it starts from."""
    small = {*config.own_sizes, *config.moved_sizes[:1], config.start_cells, config.plain_cells}
    recipes = {
        f"n{n}": Recipe(
            cells=n,
            steps=config.start_steps,
            dim=config.dim,
            lr=config.lr,
            low_weight=config.low_weight,
        )
        for n in sorted(small - {0, config.sizes[0]})
    }
    if config.plain_cells:
        recipes["plain"] = Recipe(
            cells=config.plain_cells, steps=config.start_steps, lr=config.lr, low_weight=1.0
        )
    recipes["main"] = Recipe(
        cells=config.sizes[0],
        steps=config.steps,
        dim=config.dim,
        lr=config.lr,
        low_weight=config.low_weight,
        start=f"n{config.start_cells}" if config.start_cells else "",
    )
    if config.volume_cells:
        recipes["volume"] = Recipe(
            cells=config.volume_cells,
            steps=config.volume_steps,
            dim=3,
            low_weight=config.low_weight,
        )
    return recipes


def _method(config: Config, trained: Trained, name: str = "dcdm", label: str = "DCDM") -> Learned:
    return Learned(name, label, trained, window=config.window, safeguard=config.safeguard)


def _steepest(config: Config, trained: Trained) -> Learned:
    return Learned(
        "dcdm-w0", "DCDM without A-orthogonality", trained, "baseline", 0, config.safeguard
    )


def _sizes(
    config: Config, nets: Mapping[str, Trained], kinds: tuple[str, ...], ctx: Context
) -> list[Metrics]:
    """Growth of the iterations with the size; and plain training vectors, at a small size."""
    first = config.sizes[0]
    by_size = {n: nets["main" if n == first else f"n{n}"] for n in config.own_sizes}
    parts = []
    for n in sorted({*config.own_sizes, *config.moved_sizes} - {*config.sizes}):
        domains = config.domains[:2] if n == config.plain_cells else config.domains[:1]
        learned = []
        if n == config.plain_cells:
            learned = [
                _method(config, nets[f"n{n}"], f"dcdm-{n}", f"DCDM trained at {n} cells"),
                _method(config, nets["plain"], "dcdm-plain", "DCDM trained on plain vectors"),
            ]
        for domain in domains:
            case = Case(domain, n, config.dim)
            parts.append(ctx.stage(case.key, partial(compare, case, learned, kinds, ctx)))
    if config.moved_sizes:
        start = config.moved_sizes[0]
        moved = nets["main" if start == first else f"n{start}"]
        pairs = {"own": by_size, "moved": dict.fromkeys(config.moved_sizes, moved)}
        for name, networks in pairs.items():
            entrants = {n: _method(config, trained) for n, trained in networks.items()}
            run = partial(growth, name, entrants, config.dim, kinds, ctx)
            parts.append(ctx.stage(f"growth-{name}", run))
    return parts


def _windows(config: Config, trained: Trained, kinds: tuple[str, ...], ctx: Context) -> Metrics:
    """Iterations by window in the empty box of the training size."""
    case = Case("box", config.sizes[0], config.dim)
    found = []
    for window in config.windows:
        entrant = replace(_method(config, trained), window=window)
        (competitor,) = compare(case, [entrant], kinds, ctx, with_peers=False).competitors
        found.append(competitor.quality[f"iterations_{case.key}"])
    return Metrics(
        series={"windows": np.array(config.windows), "windows_iterations": np.array(found)}
    )


def _volume(
    config: Config, trained: Trained, kinds: tuple[str, ...], ctx: Context
) -> list[Metrics]:
    """The 3-D network at its size, at twice its size, and at a million unknowns."""
    entrant = _method(config, trained, "dcdm-3d", "DCDM in three dimensions")
    parts = []
    for n in (config.volume_cells, 2 * config.volume_cells):
        for domain in config.domains[:2]:
            case = Case(domain, n, 3)
            parts.append(ctx.stage(case.key, partial(compare, case, [entrant], kinds, ctx)))
    if config.large_cells:
        case = Case("box", config.large_cells, 3)
        parts.append(ctx.stage("large", partial(large, case, entrant, ctx)))
    return parts


CAPTIONS = {
    "history": "Residual norm by iteration for the first right-hand side of the first seed, in the "
    "domains of the training size. AMG: algebraic multigrid.",
    "sizes": "Iterations to 1e-4 against the cells along each axis, empty box; dashed: one network "
    "moved to larger grids. A line is the mean over seeds.",
    "time": "Processor seconds of one core for a system, set-up included and training not, by "
    "domain and size. A point a seed.",
    "windows": "Iterations to 1e-4 in the empty box by the number of earlier directions that each "
    "is made A-orthogonal to. A line a seed.",
    "training": "Loss by optimiser step, mean of 20 steps: the share of a residual's squared norm "
    "that a step along the network's direction leaves. The first seed.",
}


def figures(trials: Sequence["Trial"]) -> Mapping[str, "Figure"]:
    """The page's figures, from stored trials alone."""
    from provenn.papers.poisson import figures as draw

    finished = [t for t in trials if not t.failed]
    if not finished:
        return {}
    drawn = {
        "history": draw.histories(finished),
        "sizes": draw.iterations_by_size(finished),
        "time": draw.seconds(finished),
        "windows": draw.windows(finished),
        "training": draw.losses(finished),
    }
    return {name: figure for name, figure in drawn.items() if figure is not None}
