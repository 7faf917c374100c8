"""Efficiently computing local Lipschitz constants of neural networks via bound propagation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from provenn.evidence.claims import Ablation, Claim, Deviation, Paper
from provenn.evidence.metrics import Metrics
from provenn.evidence.page import Context
from provenn.evidence.relations import All, Greater, Identity, Less, Ratio
from provenn.papers.bounds.measure import Comparison, bounders, measure_network, measure_tiny, merge
from provenn.papers.bounds.networks import NETWORKS
from provenn.verify import BranchAndBound

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from provenn.evidence.records import Trial

PAPER = Paper(
    slug="lipschitz",
    title=(
        "Efficiently Computing Local Lipschitz Constants of Neural Networks via Bound Propagation"
    ),
    authors=("Zhouxing Shi", "Yihan Wang", "Huan Zhang", "J. Zico Kolter", "Cho-Jui Hsieh"),
    arxiv="2210.07394",
    year=2022,
    venue="Advances in Neural Information Processing Systems 35",
    code="https://github.com/shizhouxing/Local-Lipschitz-Constants",
    summary=(
        "A guaranteed upper bound on how fast the outputs of a ReLU network can change inside a "
        "small box of inputs. The chain rule is written as a second network; its two "
        "nonlinearities, a gradient times an unknown ReLU derivative and the absolute value in "
        "the norm, are enclosed between lines; and linear bound propagation runs from the norm "
        "back to constants. Branch and bound on the signs of neurons tightens the result."
    ),
    room="verify",
)


@dataclass(frozen=True)
class Config:
    """Knobs of the page.

    Args:
        networks: Networks that are trained and bounded.
        points: Test points around which each is bounded.
        samples: Points of each box at which the Jacobian is sampled.
        tiny: Random tiny networks of each size that are bounded beside their exact constants.
        max_domains: Domains of branch and bound for each class of a tiny network.
        branch_networks: Networks that are also bounded with branch and bound.
        branch_domains: Domains for each class of these.
        branch_timeout: Seconds for each point of these.
        recompute: Whether their branches recompute every bound (the tighter variant).
        compare_dense: Networks that are also bounded in their dense form, for time.
        memory_budget: Bytes that one chunk of coefficients may take.
        relaxation: ``linear``, or ``constant``: constants in place of lines wherever the sign of a
            gradient is not known (negative control).
        branching: Whether branch and bound branches at all (negative control).
    """

    networks: tuple[str, ...] = ("digits-2", "digits-3")
    points: int = 10
    samples: int = 512
    tiny: int = 4
    max_domains: int = 200
    branch_networks: tuple[str, ...] = ()
    branch_domains: int = 200
    branch_timeout: float = 3600.0
    recompute: bool = True
    compare_dense: tuple[str, ...] = ()
    memory_budget: int = 2**25
    relaxation: Literal["linear", "constant"] = "linear"
    branching: bool = True


WIDTHS = (16, 32, 64, 128)
DEPTHS = (2, 3, 4, 5, 6)

PRESETS = {
    "quick": Config(),
    "laptop": Config(
        networks=(
            "mnist-mlp",
            "mnist-cnn",
            *(f"width-{w}" for w in WIDTHS),
            *(f"depth-{d}" for d in DEPTHS),
        ),
        points=3,
        tiny=20,
        branch_networks=("mnist-mlp",),
        compare_dense=("mnist-cnn",),
    ),
    "full": Config(
        networks=("cifar-4", "cifar-6"),
        samples=128,
        tiny=20,
        branch_networks=("cifar-4", "cifar-6"),
        branch_domains=200_000,
        branch_timeout=60.0,
        recompute=False,
        memory_budget=2**32,
    ),
}
SEEDS = {"quick": 3, "laptop": 5, "full": 3}


def _ordered(*metrics: str) -> tuple[Less, ...]:
    """Each competitor's mean bound is below that of the next looser one."""
    order = ("crown", "recurjac", "interval", "global")
    return tuple(
        Less(f"{a}.{metric}", f"{b}.{metric}") for metric in metrics for a, b in pairwise(order)
    )


def _at_most(metric: str, ratio: float) -> Ratio:
    return Ratio(f"crown.{metric}", f"recurjac.{metric}", at_most=ratio)


_EVERYWHERE = ("quick", "laptop", "full")
_LOOSER = ("recurjac", "interval", "global")
_SOUND = Identity("order_violation", 1e-6)

CLAIMS = (
    Claim(
        id="l1-exact",
        says="On tiny networks the bound is comparable with exact methods.",
        reported="tables of values; figures not found",
        where="abstract and tables of small networks",
        relation=Ratio("crown-bab.to_exact", "exact.to_exact", at_most=1.15),
        margin_source=(
            "our own: median of bound / exact over random networks of two hidden layers with at "
            "most 12 unstable neurons, 200 domains"
        ),
        presets=_EVERYWHERE,
        method="crown-bab",
        peers=("exact",),
    ),
    Claim(
        id="l2-digits",
        says="The bound is tighter than other relaxed methods and naive ones.",
        reported="figures not found",
        where="abstract, tables of larger networks",
        relation=All(
            _at_most("relative_digits-3_0-3", 0.65),
            _at_most("relative_digits-3_0-1", 0.90),
            _at_most("relative_digits-2_0-3", 0.80),
            _at_most("relative_digits-2_0-1", 0.97),
            _SOUND,
        ),
        margin_source="an earlier independent implementation on the same data, with room to spare",
        presets=("quick",),
        method="crown",
        peers=_LOOSER,
    ),
    Claim(
        id="l2-mnist",
        says="The bound is tighter than RecurJac, intervals and the product of norms on MNIST.",
        reported="figures not found",
        where="abstract, tables of MNIST networks",
        relation=All(*_ordered("bound_mnist-mlp_8-255", "bound_mnist-cnn_8-255"), _SOUND),
        margin_source="none: strictly tighter, as the paper words it",
        presets=("laptop",),
        method="crown",
        peers=_LOOSER,
    ),
    Claim(
        id="l2-depth",
        says="The gap to RecurJac grows with depth.",
        reported="figures not found",
        where="sweep over depth on synthetic data",
        relation=All(
            *(
                Less(f"crown.relative_depth-{d + 1}_0-1", f"crown.relative_depth-{d}_0-1")
                for d in DEPTHS[:-1]
            )
        ),
        margin_source="none: strictly monotone from 2 to 6 hidden layers of width 32, eps 0.1",
        presets=("laptop",),
        method="crown",
        peers=("recurjac",),
    ),
    Claim(
        id="l3-recurjac",
        says=(
            "RecurJac is a special case with weaker relaxations: never tighter, and equal where no "
            "unstable neuron's gradient crosses zero."
        ),
        reported="by construction",
        where="abstract and method",
        relation=All(Identity("recurjac_violation", 1e-6), Identity("no_crossing_error", 1e-6)),
        margin_source="rounding: 1e-6 of the bound, every class of every point",
        presets=_EVERYWHERE,
        method="crown",
        peers=("recurjac",),
    ),
    Claim(
        id="l4-cifar",
        says="It scales to CNNs on CIFAR-10 that earlier methods could not treat.",
        reported="figures not found",
        where="abstract, CIFAR-10 table",
        relation=All(*_ordered("bound_cifar-4_2-255", "bound_cifar-6_2-255"), _SOUND),
        margin_source="none: finishes on all 10 images and is strictly tighter",
        presets=("full",),
        method="crown",
        peers=_LOOSER,
    ),
    Claim(
        id="l4-tiny-imagenet",
        says="It scales to convolutional networks on TinyImageNet.",
        reported="figures not found",
        where="abstract, TinyImageNet table",
        unjudged="No preset has TinyImageNet: it is no data set that provenn can load.",
    ),
    Claim(
        id="l5-branching",
        says="Branch and bound tightens the bound further.",
        reported="figures not found",
        where="abstract and ablation",
        relation=All(
            Greater("crown-bab.improved", "crown.improved", 0.79),
            Greater("crown-bab.gap_closed", "crown.gap_closed", 0.3),
        ),
        margin_source=(
            "our own: at least 80 % of the tiny networks where the bound is not exact get a "
            "tighter one, and 200 domains close at least 30 % of the gap to the exact constant on "
            "average over those with at least 4 unstable neurons"
        ),
        presets=_EVERYWHERE,
        method="crown-bab",
        peers=("crown",),
    ),
    Claim(
        id="l5-cifar",
        says="Branch and bound tightens the bound on CIFAR-10 within 60 seconds an image.",
        reported="figures not found",
        where="abstract and CIFAR-10 table",
        relation=All(
            *(
                Greater(f"crown-bab.improved_{n}_2-255", f"crown.improved_{n}_2-255", 0.79)
                for n in ("cifar-4", "cifar-6")
            )
        ),
        margin_source="our own: on at least 8 of 10 images",
        presets=("full",),
        method="crown-bab",
        peers=("crown",),
    ),
    Claim(
        id="l6-monotone",
        says="It proves that outputs are monotone in some features, on a share of the samples.",
        reported="shares not found",
        where="application to the Adult data",
        unjudged=(
            "Needs Adult with its six continuous features; the copies at hand have them cut into "
            "quantiles. provenn.verify.is_monotone is the method, held by its own tests."
        ),
    ),
    Claim(
        id="ours-conv-path",
        says="Convolutions as convolutions are at least 5 times faster than as dense matrices (not "
        "in the paper).",
        reported="not in the paper",
        where="this page, MNIST CNN",
        relation=Ratio("mnist-cnn_dense_s", "mnist-cnn_conv_s", at_least=5.0),
        margin_source="our own target, set before the measurement",
        presets=("laptop",),
        method="crown",
    ),
)

DEVIATIONS = (
    Deviation(
        aspect="data",
        paper="synthetic random-K, MNIST, CIFAR-10, TinyImageNet, Adult",
        ours="scikit-learn's digits, and random tiny networks without data",
        why="needs no network",
        presets=("quick",),
    ),
    Deviation(
        aspect="networks of the comparison with exact values",
        paper="trained on synthetic data and MNIST",
        ours="2-6-6-2, 3-8-8-3 and 4-10-10-3 with random weights, boxes of radius 0.3",
        why="the oracle enumerates linear regions; beyond 12 unstable neurons it is left out",
    ),
    Deviation(
        aspect="radius of the boxes",
        paper="command-line arguments; values of the tables not found",
        ours="1/255, 8/255, 0.1, 0.3 (digits); 1/255, 8/255 (MNIST); 0.1 (synthetic); 1/255 and "
        "2/255 (CIFAR-10)",
        why="fixed before measurement",
    ),
    Deviation(
        aspect="bounds before each ReLU",
        paper="CROWN with 20 steps on its slopes, towards the margins of the true class",
        ours="plain CROWN for every competitor",
        why="the comparison is of the backward graph; optimised slopes are an option of the room",
    ),
    Deviation(
        aspect="branch and bound",
        paper="children keep the root's bounds; empty domains are not found",
        ours="every bound is recomputed and empty domains are dropped; the paper's variant at full",
        why="tighter for as many domains, and it converges to the exact constant",
        presets=("quick", "laptop"),
    ),
    Deviation(
        aspect="peers",
        paper="also exact methods (MILP, LipBaB), LipSDP and Fast-Lip",
        ours="RecurJac-style, interval and product of norms with the same neuron states, and "
        "exhaustive enumeration",
        why="auto_LiRPA has no installable version with Jacobian bounds; the exact solvers need a "
        "commercial licence. RecurJac's own treatment of smooth activations is left out",
    ),
    Deviation(
        aspect="points",
        paper="unknown",
        ours="10 test points a network at quick and full, 3 at laptop",
        why="the time of a preset",
    ),
    Deviation(
        aspect="training",
        paper="Adam 1e-3, 10 epochs, batch 256",
        ours="digits: Adam 2e-3, 60 epochs, batch 64; the paper's elsewhere",
        why="digits has 1,437 training images",
        presets=("quick",),
    ),
    Deviation(
        aspect="normalisation of images",
        paper="by mean and standard deviation; constants with respect to normalised inputs",
        ours="none: inputs and boxes in [0, 1]",
        why="constants then speak of pixel values; ratios of methods are what is judged",
    ),
)

ABLATIONS = (
    Ablation(
        name="constant-relaxation",
        says="Constants in place of lines wherever a gradient's sign is not known, as in RecurJac.",
        overrides={"relaxation": "constant"},
        breaks=["l2-digits", "l2-mnist", "l2-depth", "l4-cifar", "l5-branching", "l5-cifar"],
    ),
    Ablation(
        name="no-branching",
        says="Branch and bound stops at the undivided region.",
        overrides={"branching": False},
        breaks=["l5-branching", "l5-cifar"],
    ),
)

EXAMPLE = """\
import torch
from provenn.verify import jacobian_bounds, local_lipschitz

model = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
x = torch.rand(2, 4)
result = local_lipschitz(model, x, eps=0.1, clip=(0.0, 1.0))
result.lower, result.bound                            # a sampled value, a guaranteed bound
tighter = local_lipschitz(model, x, eps=0.1, branch_and_bound={"max_domains": 500})
lower, upper = jacobian_bounds(model, x, eps=0.1)     # every entry of the Jacobian
"""


def trial(config: Config, seed: int, ctx: Context) -> Metrics:
    """Bound tiny networks beside their exact constants, then train and bound each network."""

    def compare(branching: BranchAndBound | None, *, exact: bool = False) -> Comparison:
        if branching and not config.branching:
            branching = replace(branching, max_domains=1)
        competitors = bounders(config.relaxation, branching, exact=exact)
        return Comparison(competitors, ctx, config.samples, config.memory_budget)

    def tiny() -> Metrics:
        branching = BranchAndBound(max_domains=config.max_domains, timeout=3600.0)
        return measure_tiny(config.tiny, compare(branching, exact=True))

    def network(name: str) -> Metrics:
        branching = BranchAndBound(
            max_domains=config.branch_domains,
            timeout=config.branch_timeout,
            recompute=config.recompute,
        )
        comparison = compare(branching if name in config.branch_networks else None)
        dense = name in config.compare_dense
        return measure_network(name, NETWORKS[name], config.points, comparison, dense=dense)

    parts = [ctx.stage("tiny", tiny)]
    for i, name in enumerate(config.networks):
        ctx.progress(i, len(config.networks), NETWORKS[name].label)
        parts.append(ctx.stage(name, partial(network, name)))
    return merge(parts)


CAPTIONS = {
    "radius": "Mean bound over test points as the box grows, by method; bands run from the lowest "
    "to the highest seed. The grey area below the samples is where no sound bound can lie.",
    "exact": "Bound over exact constant on tiny random networks, against the number of unstable "
    "neurons. A point a network.",
    "depth": "Bound over RecurJac's bound, by depth and by width. A line a seed.",
    "cost": "Mean bound over RecurJac's against the time that a method took, all networks of the "
    "preset together.",
}


def figures(trials: Sequence["Trial"]) -> Mapping[str, "Figure"]:
    """The page's figures, from stored trials alone."""
    from provenn.papers.bounds import figures as draw

    finished = [t for t in trials if not t.failed]
    if not finished:
        return {}
    names = draw.networks(finished)
    drawn = {}
    if any(len(NETWORKS[name].eps) > 1 for name in names):
        drawn["radius"] = draw.bounds_by_radius(finished)
    drawn["exact"] = draw.ratio_to_exact(finished)
    if any(name.startswith("depth") for name in names):
        drawn["depth"] = draw.ratio_by_size(finished)
    if names:
        drawn["cost"] = draw.tightness_and_time(finished)
    return drawn
