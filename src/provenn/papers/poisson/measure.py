"""Solving the same systems with learned directions and with every peer."""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from provenn.evidence.metrics import Competitor, Cost, Metrics, Role
from provenn.evidence.page import Context
from provenn.linalg import DCDMNet, PoissonOperator, dcdm
from provenn.papers.poisson.networks import Trained
from provenn.papers.poisson.peers import Peer, Solved, System, peers_for, timed
from provenn.papers.poisson.problems import Case, Grid

TOLERANCE = 1e-4
TIGHT = 1e-10
LIMIT = 5000
"""Most steps of a learned solver with the safeguard, as of the peers."""
BARE_LIMIT = 500
"""Most steps without it; the authors' script has 100."""
LARGE_WINDOW = 20
"""Window for the largest systems, where a step of the network costs far more than the window."""


@dataclass(frozen=True)
class Learned:
    """A network with the way in which the solver uses it.

    Args:
        name: Identifier.
        label: What the page calls it.
        trained: The network.
        role: Its part in the comparison.
        window: Earlier directions to which each is made A-orthogonal.
        safeguard: Whether conjugate gradients take over where the network does not get on.
    """

    name: str
    label: str
    trained: Trained
    role: Role = "method"
    window: int = 2
    safeguard: bool = True

    def solve(
        self, A: PoissonOperator, b: Grid, rtol: float, limit: int | None = None
    ) -> tuple[Solved, int]:
        """How a solve went, and how many of its directions did not come from the network."""
        if limit is None:
            limit = LIMIT if self.safeguard else BARE_LIMIT
        with timed(A.device.type) as clock:
            x, info = dcdm(
                A,
                b.to(A.device),
                self.trained.net,
                rtol=rtol,
                window=self.window,
                safeguard=self.safeguard,
                maxiter=limit,
            )
        residual = float((b.to(A.device) - A.matvec(torch.as_tensor(x))).norm() / b.norm())
        history = list(info.residuals / info.residuals[0])
        return Solved(info.n_iter, residual, clock.seconds, history), info.n_fallback


def compare(
    case: Case,
    learned: Sequence[Learned],
    kinds: tuple[str, ...],
    ctx: Context,
    *,
    with_peers: bool = True,
    record: bool = False,
) -> Metrics:
    """Solve one domain's systems to 1e-4 with every competitor.

    Args:
        case: The domain.
        learned: Learned solvers.
        kinds: Right-hand sides, by kind.
        ctx: Context of the trial.
        with_peers: Whether the peers solve them too.
        record: Whether the residuals of the first system are kept, step by step.

    Returns:
        For each competitor the mean ``iterations_CASE``, the largest true ``residual_CASE`` and,
        of learned ones, the mean ``fallback_CASE`` of steps that did not come from the network;
        seconds for a system, set-up included, as the timing ``NAME.seconds_CASE``; the series
        ``history-CASE-NAME``.
    """
    A = case.operator(ctx.seed)
    systems = case.right_hand_sides(kinds, ctx.seed)
    parts = [_by_network(entrant, A.to(ctx.device), systems, case) for entrant in learned]
    if with_peers:
        parts.append(_by_torch(A.to(ctx.device), systems, case))
        parts += _by_peers(case.operator(ctx.seed), systems, case, record)
    if not record:
        parts = [replace(part, series={}) for part in parts]
    return merge(parts)


def _by_network(
    entrant: Learned, A: PoissonOperator, systems: Sequence[Grid], case: Case
) -> Metrics:
    solved, fallbacks = zip(*(entrant.solve(A, b, TOLERANCE) for b in systems), strict=True)
    quality = {f"fallback_{case.key}": float(np.mean(fallbacks))}
    return _told(competitor_of(entrant), case, solved, 0.0, quality)


def _by_torch(A: PoissonOperator, systems: Sequence[Grid], case: Case) -> Metrics:
    """Conjugate gradients by the same code on the same device: the residual as direction."""
    solved = []
    for b in systems:
        with timed(A.device.type) as clock:
            _, info = dcdm(
                A, b.to(A.device), lambda r: r, rtol=TOLERANCE, window=1, safeguard=False,
                maxiter=LIMIT,
            )  # fmt: skip
        history = list(info.residuals / info.residuals[0])
        solved.append(Solved(info.n_iter, history[-1], clock.seconds, history))
    peer = Competitor(
        name="cg-torch",
        label="CG in PyTorch, same code and device",
        role="peer",
        quality={},
        cost=Cost(parameters=0, wall_s=0.0),
    )
    return _told(peer, case, solved, 0.0, {})


def _by_peers(
    A: PoissonOperator, systems: Sequence[Grid], case: Case, record: bool
) -> Iterator[Metrics]:
    system = System.of(A)
    vectors = [system.vector(b.numpy()) for b in systems]
    for peer in peers_for(A):
        with timed() as setup:
            solve = peer.prepare(system)
        solved = [solve(system, b, TOLERANCE, False) for b in vectors]
        if record:
            again = solve(system, vectors[0], TOLERANCE, True)
            solved[0] = replace(solved[0], history=again.history)
        yield _told(_competitor_of_peer(peer), case, solved, setup.seconds, {})


def _told(
    competitor: Competitor,
    case: Case,
    solved: Sequence[Solved],
    setup_s: float,
    quality: dict[str, float],
) -> Metrics:
    """What a competitor did in one domain."""
    quality = {
        f"iterations_{case.key}": float(np.mean([s.iterations for s in solved])),
        f"residual_{case.key}": max(s.residual for s in solved),
        **quality,
    }
    seconds = setup_s + float(np.mean([s.solve_s for s in solved]))
    spent = setup_s + sum(s.solve_s for s in solved)
    cost = replace(competitor.cost, wall_s=competitor.cost.wall_s + spent)
    return Metrics(
        competitors=[replace(competitor, quality=quality, cost=cost)],
        timings={f"{competitor.name}.seconds_{case.key}": seconds},
        series={f"history-{case.key}-{competitor.name}": np.array(solved[0].history)},
    )


def one_shot(case: Case, trained: Trained, kinds: tuple[str, ...], ctx: Context) -> Metrics:
    """The network's first answer alone, at its best length: a learned solver that does not iterate.

    Returns:
        One competitor with the smallest relative residual over the systems, ``residual_CASE``.
    """
    entrant = Learned("one-shot", "the network's answer alone", trained, "baseline", 0, False)
    A = case.operator(ctx.seed)
    solved = [entrant.solve(A, b, 0.0, limit=1)[0] for b in case.right_hand_sides(kinds, ctx.seed)]
    competitor = competitor_of(entrant)
    quality = {f"residual_{case.key}": min(s.residual for s in solved)}
    return Metrics(competitors=[replace(competitor, quality=quality)])


def robustness(
    cases: Sequence[Case], kinds: tuple[str, ...], entrant: Learned, ctx: Context
) -> Metrics:
    """Solve every domain with every right-hand side to 1e-10.

    Returns:
        Of the entrant, ``unsolved``, the systems whose true residual stays above, and of its form
        without the safeguard ``unsolved`` likewise; the number of systems, and of those in which
        the safeguard stepped in.
    """
    bare = replace(
        entrant, name=f"{entrant.name}-bare", label="without the safeguard", safeguard=False
    )
    unsolved = {entrant.name: 0, bare.name: 0}
    rescued = 0
    for case in cases:
        A = case.operator(ctx.seed)
        for b in case.right_hand_sides(kinds, ctx.seed):
            solved, fallback = entrant.solve(A, b, TIGHT)
            unsolved[entrant.name] += solved.residual > TIGHT
            if fallback:
                rescued += 1
                solved, _ = bare.solve(A, b, TIGHT)
            unsolved[bare.name] += solved.residual > TIGHT
    return Metrics(
        values={"systems": len(cases) * len(kinds), "rescued": rescued},
        competitors=[
            replace(competitor_of(e), quality={"unsolved": float(unsolved[e.name])})
            for e in (entrant, bare)
        ],
    )


def growth(
    name: str,
    entrants: Mapping[int, Learned],
    dim: int,
    kinds: tuple[str, ...],
    ctx: Context,
) -> Metrics:
    """Mean iterations in empty boxes by size.

    Args:
        name: What the series begin with.
        entrants: Learned solver of each size.
        dim: Axes.
        kinds: Right-hand sides, by kind.
        ctx: Context of the trial.

    Returns:
        The series ``NAME_cells`` and ``NAME_iterations``.
    """
    found = []
    for n, entrant in entrants.items():
        case = Case("box", n, dim)
        (competitor,) = compare(case, [entrant], kinds, ctx, with_peers=False).competitors
        found.append(competitor.quality[f"iterations_{case.key}"])
    return Metrics(
        series={f"{name}_cells": np.array([*entrants]), f"{name}_iterations": np.array(found)}
    )


def large(case: Case, entrant: Learned, ctx: Context) -> Metrics:
    """Solve one large system to 1e-10, with the network in bfloat16 and a long window.

    Args:
        case: The domain.
        entrant: Learned solver.
        ctx: Context of the trial.

    Returns:
        Values ``large_unknowns``, ``large_steps`` to 1e-4 and ``large_tight_steps`` to 1e-10,
        ``large_fallback``, the share of all steps that did not come from the network, and the true
        relative ``large_residual``. The timing ``large_seconds`` is that of the whole solve.
    """
    A = case.operator(ctx.seed).to(ctx.device)
    (b,) = case.right_hand_sides(("blobs",), ctx.seed)
    net = copy.deepcopy(entrant.trained.net).bfloat16()
    solver = replace(entrant, trained=replace(entrant.trained, net=net), window=LARGE_WINDOW)
    solved, fallback = solver.solve(A, b, TIGHT)
    return Metrics(
        values={
            "large_unknowns": float(A.unknowns),
            "large_steps": float(np.argmax(np.array([*solved.history, 0.0]) < TOLERANCE)),
            "large_tight_steps": float(solved.iterations),
            "large_fallback": fallback / max(solved.iterations, 1),
            "large_residual": solved.residual,
        },
        timings={"large_seconds": solved.solve_s},
        series={"large_history": np.array(solved.history)},
    )


def means(metrics: Metrics) -> Metrics:
    """The same, with each competitor's ``iterations_mean-N``: over the domains of a size."""
    competitors = []
    for c in metrics.competitors:
        found: dict[str, list[float]] = {}
        for key, value in c.quality.items():
            if match := re.fullmatch(r"iterations_[a-z]+-(\d+(?:-3d)?)", key):
                found.setdefault(match[1], []).append(value)
        mean = {f"iterations_mean-{size}": float(np.mean(values)) for size, values in found.items()}
        competitors.append(replace(c, quality={**c.quality, **mean}))
    return replace(metrics, competitors=competitors)


def competitor_of(entrant: Learned) -> Competitor:
    """A learned solver before it has solved anything."""
    net = entrant.trained.net
    return Competitor(
        name=entrant.name,
        label=entrant.label,
        role=entrant.role,
        quality={},
        cost=Cost(
            parameters=sum(p.numel() for p in net.parameters()),
            flops=_flops(net),
            wall_s=0.0,
        ),
    )


def _competitor_of_peer(peer: Peer) -> Competitor:
    return Competitor(
        name=peer.name,
        label=peer.label,
        role="peer",
        package=peer.package,
        quality={},
        cost=Cost(parameters=0, wall_s=0.0),
    )


@torch.no_grad()
def _flops(net: DCDMNet, cells: int = 64) -> float:
    """Operations of one evaluation on 64 cells along each axis, by the count on 16."""
    r = torch.zeros(1, 1, *[16] * net.dim, device=next(net.parameters()).device)
    with FlopCounterMode(display=False) as counter:
        net(r)
    return float(counter.get_total_flops()) * (cells / 16) ** net.dim


def merge(parts: Sequence[Metrics], training_s: Mapping[str, float] | None = None) -> Metrics:
    """All that the parts measured; a competitor's qualities stand side by side, seconds add up.

    Args:
        parts: What was measured.
        training_s: Seconds of training to add, by competitor.
    """
    competitors: dict[str, Competitor] = {}
    for part in parts:
        for c in part.competitors:
            before = competitors.setdefault(c.name, c)
            if before is not c:
                cost = replace(c.cost, wall_s=before.cost.wall_s + c.cost.wall_s)
                quality = {**before.quality, **c.quality}
                competitors[c.name] = replace(before, quality=quality, cost=cost)
    for name, seconds in (training_s or {}).items():
        c = competitors[name]
        competitors[name] = replace(c, cost=replace(c.cost, wall_s=c.cost.wall_s + seconds))
    return Metrics(
        values={k: v for part in parts for k, v in part.values.items()},
        timings={k: v for part in parts for k, v in part.timings.items()},
        series={k: v for part in parts for k, v in part.series.items()},
        competitors=list(competitors.values()),
    )
