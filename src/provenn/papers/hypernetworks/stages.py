"""The stages of a trial by their names: which methods are measured on what."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

from provenn.evidence.metrics import Metrics
from provenn.evidence.page import Context
from provenn.papers.hypernetworks.large import deep, hyperparameters
from provenn.papers.hypernetworks.measure import (
    ablation_grid,
    bayesian,
    on_digits,
    registration,
    step_times,
)
from provenn.papers.hypernetworks.methods import Method
from provenn.papers.hypernetworks.problems import Images, Pairs, cifar10, digits, mnist, pairs_of

COMPONENTS = ("mip", "default", "hyperlight", "encoding", "residual")
"""The method, its peers in kind, and its two parts alone."""
OTHERS = ("hyperfan-in", "low-rank", "film", "concat", "ordinary")

BAYES_PEERS = ("hyperlight", "film", "concat")
BAYES_PEERS_D = 8
BAYES_RATES = {"adam": (3e-4, 1e-3, 3e-3), "sgd": (1e-2, 1e-1)}
BAYES_TARGET = 0.9
BAYES_EVERY = 20

REGISTRATION_METHODS = (*COMPONENTS, "film", "concat", "ordinary")
REGISTRATION_RATES = (3e-4, 1e-3, 3e-3)
GRID_RATES = (1e-3, 3e-3)
LARGE_RATES = (1e-3, 3e-3)

Stages = dict[str, Callable[[], Metrics]]
Methods = Mapping[str, Method]


class Data:
    """What a trial learns from, each set loaded when it is first asked for.

    Args:
        ctx: Context of the trial.
        mnist_images: MNIST images to train on.
    """

    def __init__(self, ctx: Context, mnist_images: int) -> None:
        self.ctx = ctx
        self._mnist_images = mnist_images

    @cached_property
    def digits(self) -> Images:
        """Digits."""
        return digits(self.ctx)

    @cached_property
    def mnist(self) -> Images:
        """MNIST, with 200 images to validate and 400 to test at every mark of a training."""
        return mnist(self.ctx, train=self._mnist_images, validation=200, test=400)

    @cached_property
    def pairs(self) -> Pairs:
        """Pairs of MNIST images of one class, 100 to validate and 200 to test."""
        return pairs_of(self.mnist, self.ctx, validation=100, test=200)

    @cached_property
    def cifar(self) -> Images:
        """CIFAR-10, with 5,000 images to validate."""
        return cifar10(self.ctx, validation=5000)


def digit_stages(
    known: Methods, data: Data, *, steps: int, adam: float, sgd: float, thorough: bool
) -> Stages:
    """The pilot's comparison, and the time of a step.

    The method and the default hypernetwork train with both optimisers for all steps. The others
    train with Adam for half of them; if ``thorough``, for all of them, and those that are of the
    method's kind with SGD as well.
    """

    def run(method: Method) -> Metrics:
        main = method.name in (COMPONENTS if thorough else COMPONENTS[:2])
        lr = {"adam": adam, "sgd": sgd} if main else {"adam": adam}
        taken = steps if main or thorough else steps // 2
        return on_digits(method, data.digits, data.ctx, steps, taken, lr)

    names = (*COMPONENTS, *OTHERS, *(("hyperfan-out",) if thorough else ()))
    stages: Stages = {f"digits-{m.name}": partial(run, m) for m in _of(known, names)}
    timed = _of(known, ("mip", "default", "hyperlight", "ordinary"))
    stages["step-times"] = lambda: step_times(timed, data.digits, data.ctx)
    return stages


def bayes_stages(known: Methods, data: Data, *, sizes: Sequence[int], steps: int) -> Stages:
    """Bayesian hypernetworks for each number of entries of the condition."""

    def run(method: Method, d: int) -> Metrics:
        return bayesian(
            method,
            d,
            data.mnist,
            data.ctx,
            steps=steps,
            every=BAYES_EVERY,
            target=BAYES_TARGET,
            lr=BAYES_RATES,
        )

    stages: Stages = {}
    for d in sizes:
        names = ["mip", "default"]
        names += BAYES_PEERS if d == BAYES_PEERS_D else ()
        names += ["mip-scaled"] if d == max(sizes) else []
        for method in _of(known, names):
            stages[f"bayes-d{d}-{method.name}"] = partial(run, method, d)
    return stages


def registration_stages(known: Methods, data: Data, *, steps: int) -> Stages:
    """Registration under every trade-off; none without steps."""

    def run(method: Method) -> Metrics:
        return registration(method, data.pairs, data.ctx, steps=steps, rates=REGISTRATION_RATES)

    methods = _of(known, REGISTRATION_METHODS) if steps else []
    return {f"registration-{m.name}": partial(run, m) for m in methods}


def grid_stages(data: Data, *, ours: Mapping[str, Any], steps: int) -> Stages:
    """The grid of activations, normalisations and architectures; none without steps."""

    def run() -> Metrics:
        return ablation_grid(data.digits, data.ctx, ours=ours, steps=steps, rates=GRID_RATES)

    return {"grid": run} if steps else {}


def large_stages(known: Methods, data: Data, *, cifar_steps: int, vgg_steps: int) -> Stages:
    """What takes a GPU; none without steps."""

    def on_cifar(method: Method) -> Metrics:
        return hyperparameters(method, data.cifar, data.ctx, steps=cifar_steps, rates=LARGE_RATES)

    def on_vgg(method: Method) -> Metrics:
        return deep(method, data.cifar, data.ctx, steps=vgg_steps, rates=LARGE_RATES)

    cifar = _of(known, (*COMPONENTS, "ordinary")) if cifar_steps else []
    vgg = _of(known, ("mip", "ordinary")) if vgg_steps else []
    return {
        **{f"cifar-{m.name}": partial(on_cifar, m) for m in cifar},
        **{f"vgg-{m.name}": partial(on_vgg, m) for m in vgg},
    }


def _of(known: Methods, names: Sequence[str]) -> list[Method]:
    """Methods of those names, without those whose package is not installed."""
    return [known[name] for name in names if name in known]
