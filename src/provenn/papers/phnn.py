"""PHNNs: lightweight neural networks via parameterized hypercomplex convolutions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Literal

from provenn.evidence.claims import Ablation, Claim, Deviation, Paper
from provenn.evidence.metrics import Metrics
from provenn.evidence.page import Context
from provenn.evidence.relations import All, Greater, Identity, Less
from provenn.papers.classification import (
    CIFAR10_MEAN,
    CIFAR10_STD,
    Entry,
    Recipe,
    Split,
    join_parts,
    split_images,
    train_and_measure,
)
from provenn.papers.classification.convolutions import TENSORLY_TORCH
from provenn.papers.hypercomplex.learning import ALGEBRAS, learn_algebra
from provenn.papers.hypercomplex.networks import Architecture, competitors, count

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from provenn.evidence.records import Trial

PAPER = Paper(
    slug="phnn",
    title="PHNNs: Lightweight Neural Networks via Parameterized Hypercomplex Convolutions",
    authors=("Eleonora Grassucci", "Aston Zhang", "Danilo Comminiello"),
    arxiv="2110.04176",
    year=2022,
    venue="IEEE Transactions on Neural Networks and Learning Systems",
    doi="10.1109/TNNLS.2022.3226772",
    code="https://github.com/eleGAN23/HyperNets",
    summary=(
        "The weight of a layer is a sum of n Kronecker products whose two factors are learned: "
        "small n x n matrices, an algebra, and n banks of small filters. That takes about 1/n of "
        "the weights; the complex and the Hamilton product are special cases, and n = 3 takes RGB "
        "images as they are."
    ),
    room="nn",
)


@dataclass(frozen=True)
class Config:
    """Knobs of the page.

    Args:
        data: ``digits`` (8x8, grey) or ``cifar10`` (32x32, RGB).
        train_images: Training images, drawn with the trial's seed; 0 for all.
        test_images: Test images.
        depths: Residual blocks of each stage; empty for the small CNN on digits.
        widths: Channels of each stage.
        epochs: Passes over the training images.
        batch_size: Images of each step.
        lr: Learning rate of SGD, the same for every competitor; it falls to 0 along a cosine.
        bfloat16: Whether training runs in automatic mixed precision.
        recovery_steps: Steps of Adam when the algebra is learned from products.
        joint_steps: Steps of Adam when algebra and filters are learned together.
        latency_s: Seconds for which the latency of each network is timed.
        peers: Whether the peers beside the real and the quaternion network run.
        algebra: ``learned``, or ``identity``: every ``A_i`` fixed at the unit matrix, so that
            blocks never mix (negative control).
        kronecker: Whether weights are sums of Kronecker products, or ordinary ones (negative
            control).
    """

    data: Literal["digits", "cifar10"] = "digits"
    train_images: int = 0
    test_images: int = 360
    depths: tuple[int, ...] = ()
    widths: tuple[int, ...] = (24, 48)
    epochs: int = 8
    batch_size: int = 128
    lr: float = 0.05
    bfloat16: bool = False
    recovery_steps: int = 600
    joint_steps: int = 1000
    latency_s: float = 0.05
    peers: bool = True
    algebra: Literal["learned", "identity"] = "learned"
    kronecker: bool = True


PRESETS = {
    "quick": Config(),
    "laptop": Config(
        data="cifar10",
        train_images=10_000,
        test_images=10_000,
        depths=(1, 1, 1),
        widths=(12, 24, 48),
        epochs=3,
        lr=0.1,
        latency_s=0.2,
    ),
    "full": Config(
        data="cifar10",
        test_images=10_000,
        depths=(2, 2, 2, 2),
        widths=(60, 120, 240, 516),
        epochs=30,
        lr=0.1,
        bfloat16=True,
        latency_s=0.2,
        peers=False,
    ),
}
SEEDS = {"quick": 3, "laptop": 5, "full": 5}

_OURS = "our own, written into the page's specification before its first run"
_RGB = "strict, as the paper words it; n = 3 is fixed in advance as the natural n of RGB images"

CLAIMS = (
    Claim(
        id="c1-parameters",
        says="Layers have about 1/n of the parameters of the real ones.",
        reported="1/n",
        where="abstract",
        relation=Less("parameter_excess", 0.05),
        margin_source="5 % above 1/n; the n^3 numbers of each layer's algebra are not counted",
        presets=("quick", "laptop", "full"),
        method="phc-n3",
        peers=("real",),
    ),
    Claim(
        id="c1-counts",
        says="PHC-ResNet-18, 50 and 152 for n = 2, 3, 4 have the authors' numbers of parameters.",
        reported="3,640,594 for PHC-ResNet-18, n = 3 (all nine are compared)",
        where="authors' code; its classes count bias vectors that are never added",
        relation=Identity("count_error", 0.5),
        margin_source="exact: the counts are whole numbers",
        presets=("quick", "laptop", "full"),
        method="phc-n3",
    ),
    Claim(
        id="c2-images",
        says="PHNNs outperform their real and quaternion counterparts on images.",
        reported="higher accuracy on SVHN, CIFAR-10 and CIFAR-100",
        where="abstract and main tables",
        relation=All(
            Greater("phc-n3.accuracy", "real.accuracy"),
            Greater("phc-n3.accuracy", "quaternion.accuracy"),
        ),
        margin_source=_RGB,
        presets=("quick", "laptop", "full"),
        method="phc-n3",
        peers=("real", "quaternion"),
    ),
    Claim(
        id="c2a-best",
        says="The best PHNNs reach 94.885 % on SVHN, 90.54 % on CIFAR-10, 66.497 % on CIFAR-100.",
        reported="94.885 / 90.54 / 66.497 %",
        where="main tables, as a leaderboard page lists them",
        unjudged=(
            "The source of these figures says neither which network nor which n reached them, and "
            "they come from 50 to 200 epochs on networks of up to 53 million parameters."
        ),
    ),
    Claim(
        id="c2b-tables",
        says="Real and quaternion ResNets of the same tables are less accurate.",
        reported="not found",
        where="main tables",
        unjudged="The tables' rows for real and quaternion networks could not be found.",
    ),
    Claim(
        id="c3-audio",
        says="PHNNs outperform real and quaternion networks at sound event detection.",
        reported=(
            "error rate 0.39 (n = 2), 0.45 (n = 4), 0.51 (n = 16), 0.56 (n = 8), "
            "0.52 (quaternion)"
        ),
        where="abstract and audio table, L3DAS21 task 2",
        unjudged=(
            "No preset has the L3DAS21 recordings, and the recipe is 1000 epochs on a GPU. The "
            "paper's own figures have the quaternion network ahead of n = 8."
        ),
    ),
    Claim(
        id="c4-natural-domain",
        says="With n = 3 RGB images need no padding channel, unlike with quaternions.",
        reported="n = 3 on three channels, quaternions on four",
        where="abstract",
        relation=All(
            Less("phc-n3.padding_channels", "quaternion.padding_channels"),
            Greater("phc-n3.accuracy", "quaternion.accuracy"),
        ),
        margin_source="none: no worse for it than the padded quaternion network",
        presets=("laptop", "full"),
        method="phc-n3",
        peers=("quaternion",),
    ),
    Claim(
        id="c5-algebra",
        says="The layer learns the rules of an algebra from data.",
        reported="loss 0, A recovered to about 1e-7 (Hamilton product)",
        where="authors' tutorials",
        relation=All(Identity("recovery_error", 1e-3), Identity("joint_loss", 1e-4)),
        margin_source=(
            "largest error below 1e-3 for n = 2, 4, 8 with known filters, mean squared error below "
            "1e-4 with unknown ones"
        ),
        presets=("quick", "laptop", "full"),
    ),
    *(
        Claim(
            id=name,
            says=f"{says} (not in the paper)",
            reported="not in the paper",
            where="this page",
            relation=Greater(f"{method}.accuracy", f"{peer}.accuracy", margin),
            margin_source=_OURS,
            presets=presets,
            method=method,
            peers=(peer,),
        )
        for name, says, method, peer, margin, presets in (
            ("ours-n2-near-real", "n = 2 is at most 2.5 points below the real network", "phc-n2",
             "real", -2.5, ("quick",)),
            ("ours-n4-near-quaternion", "n = 4 is at most 1.5 points below the quaternion network",
             "phc-n4", "quaternion", -1.5, ("quick",)),
            ("ours-n3-near-real", "n = 3 is at most 2 points below the real network", "phc-n3",
             "real", -2.0, ("laptop",)),
            ("ours-n3-nearer-real", "n = 3 is at most 0.7 points below the real network",
             "phc-n3", "real", -0.7, ("full",)),
            ("ours-n3-narrow", "n = 3 beats a real network narrowed to as many parameters",
             "phc-n3", "real-narrow", 0.0, ("laptop",)),
            ("ours-n3-grouped", "n = 3 beats convolutions in three groups", "phc-n3", "grouped",
             0.0, ("laptop",)),
            ("ours-n3-separable", "n = 3 beats depthwise-separable convolutions of as many "
             "parameters", "phc-n3", "separable", 0.0, ("laptop",)),
        )
    ),
)  # fmt: skip

_SCALED = "the claim is judged in minutes on two processor cores"
DEVIATIONS = (
    Deviation(
        aspect="data",
        paper="SVHN, CIFAR-10, CIFAR-100",
        ours="scikit-learn's digits: 1,437 grey 8x8 images to train on, 360 to test, drawn by seed",
        why="needs no network; n = 3 has no natural meaning on one channel",
        presets=("quick",),
    ),
    Deviation(
        aspect="network",
        paper="ResNet-18, 50, 152 and VGG",
        ours="three convolutions of 24, 24 and 48 channels; the first is real in every network",
        why=_SCALED,
        presets=("quick",),
    ),
    Deviation(
        aspect="network",
        paper="ResNet-18, 50, 152 and VGG; widths 60, 120, 240, 516",
        ours="residual network of three blocks; widths 12, 24, 48",
        why=_SCALED,
        presets=("laptop",),
    ),
    Deviation(
        aspect="training set",
        paper="50,000 CIFAR-10 images",
        ours="10,000 of them, stratified, drawn by seed",
        why=_SCALED,
        presets=("laptop",),
    ),
    Deviation(
        aspect="image file",
        paper="lossless CIFAR-10",
        ours=(
            "whatever copy is found; some are JPEG with chroma subsampling, which blurs colour. "
            "The hash of the pixels is in the trial's provenance"
        ),
        why="the same for every competitor, but colour is what n = 3 is about",
        presets=("laptop", "full"),
    ),
    Deviation(
        aspect="epochs",
        paper="200 (CIFAR-10)",
        ours="8 on digits, 3 at laptop, 30 at full",
        why="networks are compared early in training, at laptop far from convergence",
    ),
    Deviation(
        aspect="learning rate",
        paper="0.1 for ResNets on CIFAR-10",
        ours="0.05 on digits, 0.1 else; one configuration for every competitor, none tuned",
        why="no competitor is tuned more than another; each may have a better learning rate",
    ),
    Deviation(
        aspect="test protocol",
        paper="20 % of the test set serves as validation set; accuracy of the last epoch",
        ours="no validation set, nothing is selected; accuracy of the last epoch",
        why="selecting on test images favours whoever is selected",
    ),
    Deviation(
        aspect="bias of convolutions",
        paper="a parameter that is counted and never added",
        ours="none; batch norm follows",
        why="the same function; c1-counts switches it on to compare counts",
    ),
    Deviation(
        aspect="quaternion network",
        paper="quaternion-valued initialisation",
        ours="PHConv2d with the Hamilton product fixed and Xavier filters",
        why="the same function and parameters; batch norm takes out the scale",
    ),
    Deviation(
        aspect="low-rank peer",
        paper="none",
        ours="Tucker factors of tensorly-torch, in trials where that package is installed",
        why="an optional extra; no claim rests on it",
        presets=("quick", "laptop"),
    ),
    Deviation(
        aspect="seeds",
        paper="one, as far as known",
        ours="3 at quick, 5 else",
        why="the paper's gaps are of the size of the spread between seeds",
    ),
)

_ACCURACY = [c.id for c in CLAIMS if c.relation and c.relation.strict and "c1" not in c.id]
ABLATIONS = (
    Ablation(
        name="identity-algebra",
        says="Every A_i is fixed at the unit matrix: n blocks with common filters never mix.",
        overrides={"algebra": "identity"},
        breaks=[*_ACCURACY, "c5-algebra"],
    ),
    Ablation(
        name="ordinary-weights",
        says="The weights are free, not sums of Kronecker products.",
        overrides={"kronecker": False},
        breaks=["c1-parameters", "c1-counts"],
    ),
)

EXAMPLE = """\
import torch
from provenn.nn import PHConv2d, ph_resnet18

conv = PHConv2d(3, 12, kernel_size=3, padding=1, n=3)  # a third of the weights
y = conv(torch.randn(1, 3, 32, 32))
dense = conv.to_dense()                                # torch.nn.Conv2d to deploy
net = ph_resnet18(num_classes=10, n=3)                 # 3.6 million parameters, not 10.9
"""


def trial(config: Config, seed: int, ctx: Context) -> Metrics:
    """Count parameters, learn algebras from products, then train every competitor."""
    identity = config.algebra == "identity"
    architecture = Architecture(config.depths, config.widths, identity, config.kronecker)
    entries = competitors(architecture, peers=config.peers)
    recipe = Recipe(
        epochs=config.epochs,
        batch_size=config.batch_size,
        lr=config.lr,
        bfloat16=config.bfloat16,
    )
    is_colour = config.data == "cifar10"

    @cache
    def split() -> Split:
        return split_images(
            config.data,
            ctx,
            train=config.train_images,
            test=config.test_images,
            mean=CIFAR10_MEAN if is_colour else (0.0,),
            std=CIFAR10_STD if is_colour else (1.0,),
        )

    def learn(name: str) -> Metrics:
        return learn_algebra(
            name,
            ctx.device,
            steps=config.recovery_steps,
            joint_steps=config.joint_steps,
            fixed=identity,
        )

    def compete(index: int, entry: Entry) -> Metrics:
        images = split()
        steps = recipe.steps(len(images.train_y))

        def progress(step: int) -> None:
            ctx.progress(index * steps + step, len(entries) * steps, entry.label)

        return train_and_measure(
            entry, images, recipe, ctx, latency_s=config.latency_s, progress=progress
        )

    if config.peers and not TENSORLY_TORCH:
        ctx.progress(0, 1, "no Tucker peer: tensorly-torch is missing (extra 'peers')")
    parts = [
        ctx.stage("counts", partial(count, architecture)),
        *(ctx.stage(f"algebra-{name}", partial(learn, name)) for name in ALGEBRAS),
        *(ctx.stage(entry.name, partial(compete, i, entry)) for i, entry in enumerate(entries)),
    ]
    measured = join_parts(parts)
    worst = {
        what: max(measured.values[f"{what}_{name}"] for name in ALGEBRAS)
        for what in ("recovery_error", "joint_loss")
    }
    return join_parts([measured, Metrics(values=worst)])


CAPTIONS = {
    "accuracy": "Test accuracy against parameters and against operations. Small points are seeds, "
    "markers their means. PHC saves parameters, not operations; groups save both.",
    "algebra": "The four matrices of the Hamilton product as learned from products (top) and as "
    "they are (bottom), seed 0.",
    "recovery": "Left: largest error of the learned algebra when filters are known. Right: mean "
    "squared error when filters are learned as well. A line a seed.",
    "learning": "Training loss of each epoch: mean over seeds, band from lowest to highest.",
    "cost": "What each competitor costs next to the real network, as ratios within each trial. "
    "Bars are means, lines run from the lowest to the highest seed.",
}


def figures(trials: Sequence["Trial"]) -> Mapping[str, "Figure"]:
    """The page's figures, from stored trials alone."""
    from provenn.papers.classification import figures as draw
    from provenn.papers.hypercomplex.figures import algebra_figure, recovery_figure

    finished = draw.finished(trials)
    if not finished:
        return {}
    return {
        "algebra": algebra_figure(finished[0]),
        "accuracy": draw.accuracy_against_cost(finished),
        "recovery": recovery_figure(finished),
        "learning": draw.learning_curves(finished),
        "cost": draw.cost_bars(finished, "real"),
    }
