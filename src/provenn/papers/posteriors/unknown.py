"""Priors whose posterior has no closed form: what samplers and optimisers say instead."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np

from provenn.bayes import BNNPrior, GaussianProcessPrior, load_shipped
from provenn.bayes.pfn.recipes import RECIPES
from provenn.evidence.metrics import Competitor, Metrics
from provenn.evidence.page import Context
from provenn.papers.posteriors import gaussian, hyper, likelihood, neural
from provenn.papers.posteriors.entrants import (
    Entrant,
    Said,
    ask,
    flops,
    held_out,
    parameters,
    run,
)
from provenn.papers.posteriors.gaussian import HyperPrior
from provenn.papers.posteriors.networks import FITS, fitted

TAGS = {"gp-1d-paper": "paper", "gp-1d": "own"}
"""What the names of competitors begin with."""
BNN_CONTEXT, BNN_QUERIES = 100, 200


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How many data sets are answered, and which peers that take long are asked.

    Args:
        datasets: Data sets held out for each context size.
        few: The first of them, that slow peers are given.
        compiled: Whether GPyTorch, and MLE-II compiled by JAX, are asked.
        nuts: NUTS budgets: numbers of warm-up steps, and as many samples.
        svi: SVI budgets: steps, and as many samples.
    """

    datasets: int
    few: int
    compiled: bool = False
    nuts: tuple[int, ...] = ()
    svi: tuple[int, ...] = ()


def hyperparameters(
    name: str, ctx: Context, *, sizes: Sequence[int], effort: Effort, blind: bool
) -> Metrics:
    """Ask a shipped network, and its peers, for curves with unknown hyper-parameters.

    Args:
        name: Shipped network.
        ctx: Context of the trial.
        sizes: Context sizes.
        effort: Data sets and peers.
        blind: Whether the context's targets are hidden.

    Returns:
        For each competitor and size ``nll_nN`` over the data sets that it was given and
        ``few_nN`` over the first few, which all were given; seconds for a data set; and, with
        NUTS, ``TAG_equal_loss_s``, the seconds of the smallest budget that is as good as the
        network, or of the largest.
    """
    tag, prior = TAGS[name], cast(GaussianProcessPrior, RECIPES[name].prior)
    problems = held_out(prior, sizes, effort.datasets, ctx)
    hyper_prior = HyperPrior.of(prior)
    with ctx.measure() as meter:
        network = load_shipped(name).to(ctx.device)
    cost = meter.cost(parameters=parameters(network), flops=flops(network, max(sizes), 1))
    entrants = [
        Entrant(f"{tag}-pfn", "PFN, shipped", "method", partial(ask, network, blind=blind)),
        Entrant(
            f"{tag}-exact", "exact, by quadrature", "oracle",
            partial(gaussian.quadrature, prior=hyper_prior), effort.few,
        ),
        Entrant(
            f"{tag}-scikit-learn", "scikit-learn, MLE-II", "peer",
            partial(likelihood.scikit_learn_mle, prior=hyper_prior), effort.few, "scikit-learn",
        ),
    ]  # fmt: skip
    if effort.compiled:
        entrants += [
            Entrant(
                f"{tag}-gpytorch", "GPyTorch, MLE-II", "peer",
                partial(likelihood.gpytorch_map, prior=hyper_prior), effort.few, "gpytorch",
            ),
            Entrant(
                f"{tag}-compiled", "MLE-II compiled by JAX", "peer",
                partial(hyper.mode, prior=hyper_prior), None, "jax",
            ),
        ]  # fmt: skip
    entrants += [
        Entrant(
            f"{tag}-nuts-{budget}", f"NUTS, {budget} + {budget}", "peer",
            partial(hyper.sampled, prior=hyper_prior, samples=budget, seed=ctx.seed),
            effort.few, "numpyro",
        )
        for budget in effort.nuts
    ]  # fmt: skip

    def quality(said: Said) -> dict[str, float]:
        found = {f"nll_n{n}": float(each.nll.mean()) for n, each in said.items()}
        few = {f"few_n{n}": float(each.nll[: effort.few].mean()) for n, each in said.items()}
        return found | few

    competitors, timings = run(entrants, problems, ctx, quality, costs={f"{tag}-pfn": cost})
    if effort.nuts:
        names = [f"{tag}-nuts-{budget}" for budget in effort.nuts]
        keys = [f"few_n{n}" for n in sizes]
        timings[f"{tag}_equal_loss_s"] = _equal_loss(
            f"{tag}-pfn", names, keys, competitors, timings
        )
    return Metrics(timings=timings, competitors=competitors)


def labels(name: str, ctx: Context, *, effort: Effort, blind: bool) -> Metrics:
    """Fit to the labels of Bayesian neural networks, and ask NUTS and SVI the same.

    Returns:
        For each competitor ``nll`` and, for posterior samplers, ``hard_nll``, that of averages of
        drawn labels; seconds for a data set; and ``NAME_nuts_s`` and ``NAME_svi_s``, the seconds
        of the smallest budget that is as good as the network, or of the largest.
    """
    prior = cast(BNNPrior, FITS[name].prior)
    problems = held_out(prior, (BNN_CONTEXT,), effort.few, ctx, queries=BNN_QUERIES)[BNN_CONTEXT]
    with ctx.measure() as meter:
        network = fitted(name, ctx)
        answer = ask(network, problems, blind=blind)
    cost = meter.cost(
        parameters=parameters(network), flops=flops(network, BNN_CONTEXT, BNN_QUERIES)
    )
    method = Competitor(
        name=name,
        label=FITS[name].label,
        role="method",
        quality={"nll": float(answer.nll.mean())},
        cost=cost,
    )
    competitors, timings = [method], {f"{name}.seconds": answer.seconds}
    activation: neural.Activation = "tanh" if prior.activation else "none"
    model = neural.Network(prior.hidden, activation)
    samplers: dict[str, tuple[str, tuple[int, ...], Callable[[int], neural.Posterior]]] = {
        "nuts": (
            "NUTS, {0} + {0}",
            effort.nuts,
            lambda budget: neural.sampled(problems, model, samples=budget, seed=ctx.seed),
        ),
        "svi": (
            "SVI, {0} steps",
            effort.svi,
            lambda budget: neural.variational(problems, model, steps=budget, seed=ctx.seed),
        ),
    }
    for kind, (label, budgets, sample) in samplers.items():
        names = [f"{name}-{kind}-{budget}" for budget in budgets]
        for each, budget in zip(names, budgets, strict=True):
            with ctx.measure() as meter:
                posterior = sample(budget)
            said = posterior.averaged
            competitors.append(
                Competitor(
                    name=each,
                    label=label.format(budget),
                    role="peer",
                    package="numpyro",
                    quality={
                        "nll": float(said.nll.mean()),
                        "hard_nll": float(posterior.drawn.nll.mean()),
                    },
                    cost=meter.cost(parameters=model.weights(prior.n_features), flops=math.nan),
                )
            )
            timings[f"{each}.seconds"] = said.seconds
        if names:
            timings[f"{name}_{kind}_s"] = _equal_loss(name, names, ["nll"], competitors, timings)
    return Metrics(timings=timings, competitors=competitors)


def _equal_loss(
    method: str,
    budgets: Sequence[str],
    keys: Sequence[str],
    competitors: Sequence[Competitor],
    timings: Mapping[str, float],
) -> float:
    """Seconds of the first of growing budgets whose mean loss is at most the method's."""
    losses = {
        c.name: float(np.mean([c.quality[key] for key in keys]))
        for c in competitors
        if keys[0] in c.quality
    }
    enough = [name for name in budgets if losses[name] <= losses[method]]
    return timings[f"{(enough or budgets[-1:])[0]}.seconds"]
