"""Priors whose exact posterior predictive distribution is known."""

import math
from collections.abc import Sequence
from functools import partial
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from provenn.bayes import GaussianProcessPrior, PriorFittedNetwork
from provenn.bayes.pfn.likelihoods import RegressionLikelihood
from provenn.bayes.pfn.priors import draw
from provenn.evidence.metrics import Competitor, Metrics
from provenn.evidence.page import Context
from provenn.papers.posteriors import likelihood
from provenn.papers.posteriors.entrants import (
    HELD_OUT_SEED,
    Entrant,
    Said,
    ask,
    flops,
    held_out,
    parameters,
    run,
    seconds,
)
from provenn.papers.posteriors.gaussian import HyperPrior, Kernel
from provenn.papers.posteriors.networks import FITS, fitted
from provenn.papers.posteriors.problems import Predictions, Problems, timed

COIN_TOSSES = (0, 1, 4, 16, 32)
COIN_DATASETS = 64
"""Data sets with different noise as inputs, for each number of heads."""
BAND_SIZE = 10
"""Context size at which bands are compared."""
PICTURE = (2, 5, 10)
"""Context sizes of the picture."""
LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
"""Levels of the quantiles in the picture."""


def coins(ctx: Context, *, blind: bool) -> Metrics:
    """Fit to tosses of biased coins and compare with the exact ``(1 + heads) / (2 + tosses)``.

    Returns:
        For each number of tosses ``kl_nN``, the divergence from the exact prediction, the mean over
        the number of heads, and ``error_nN``, the largest difference of probabilities.
    """
    with ctx.measure() as meter:
        network = fitted("coins", ctx)
        generator = torch.Generator(ctx.device).manual_seed(HELD_OUT_SEED + ctx.seed)
        quality = {}
        for n in COIN_TOSSES:
            heads = torch.arange(n + 1, device=ctx.device).repeat_interleave(COIN_DATASETS)
            y = (torch.arange(n, device=ctx.device) < heads[:, None]).float()
            x, x_query = (
                torch.rand(len(heads), k, 1, generator=generator, device=ctx.device) for k in (n, 1)
            )
            with torch.no_grad():
                logit = network(x, y * (not blind), x_query)[:, 0, 0].double()
            p, q = (1 + heads.double()) / (2 + n), logit.sigmoid()
            kl = p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()
            quality[f"kl_n{n}"] = float(kl.mean())
            quality[f"error_n{n}"] = float((p - q).abs().max())
    cost = meter.cost(parameters=parameters(network), flops=flops(network, 32, 1))
    return Metrics(
        values={
            "coins_kl": max(quality[f"kl_n{n}"] for n in COIN_TOSSES),
            "coins_error": max(quality[f"error_n{n}"] for n in COIN_TOSSES),
        },
        competitors=[
            Competitor(
                name="coins", label=FITS["coins"].label, role="method", quality=quality, cost=cost
            )
        ],
    )


def curves(
    names: Sequence[str],
    ctx: Context,
    *,
    sizes: Sequence[int],
    datasets: int,
    few: int,
    blind: bool,
) -> Metrics:
    """Fit networks to a Gaussian process with known hyper-parameters; the exact answer is known.

    Args:
        names: Networks, the method first; they share a prior.
        ctx: Context of the trial.
        sizes: Context sizes.
        datasets: Data sets held out for each size.
        few: How many of them a slow peer is given.
        blind: Whether the context's targets are hidden.

    Returns:
        For each competitor and size ``nll_nN`` and, on the same data sets, ``gap_nN`` to the exact
        answer, ``surplus_nN``, that gap in its standard errors, and ``closure_nN``, the share of
        the way from the prior predictive to the exact answer; for networks ``mean_error`` and
        ``band_overlap``; where positional encodings are tried, ``positional_loss_nN``, what they
        add to the loss.
    """
    prior = cast(GaussianProcessPrior, FITS[names[0]].prior)
    problems = held_out(prior, sizes, datasets, ctx)
    answer_exactly = partial(_exact, prior)
    exact = {n: answer_exactly(each) for n, each in problems.items()}
    before = 0.5 * math.log(2 * math.pi * math.e * _variance(prior))

    def quality(said: Said) -> dict[str, float]:
        found = {}
        for n, predictions in said.items():
            reference = exact[n].nll[: len(predictions.nll)]
            gap = predictions.nll - reference
            found[f"nll_n{n}"] = float(predictions.nll.mean())
            found[f"gap_n{n}"] = float(gap.mean())
            found[f"surplus_n{n}"] = _in_standard_errors(gap)
            found[f"closure_n{n}"] = float(1 - gap.mean() / (before - reference.mean()))
        return found

    competitors: list[Competitor] = []
    timings: dict[str, float] = {}
    series: dict[str, NDArray[np.float64]] = {}
    losses: dict[str, dict[str, float]] = {}
    for name in names:
        with ctx.measure() as meter:
            network = fitted(name, ctx)
            answer = partial(ask, network, blind=blind)
            said = {n: answer(each) for n, each in problems.items()}
        losses[name] = quality(said)
        nearness = _bands(network, prior, problems[BAND_SIZE], blind=blind)
        competitors.append(
            Competitor(
                name=name,
                label=FITS[name].label,
                role="method" if name == names[0] else "baseline",
                quality={**losses[name], **nearness},
                cost=meter.cost(
                    parameters=parameters(network), flops=flops(network, max(sizes), 1)
                ),
            )
        )
        timings |= seconds(name, said)
        if name == names[0]:
            series = _picture(network, prior, ctx, blind=blind)
    unknown = HyperPrior(kernel=cast(Kernel, prior.kernel))
    entrants = [
        Entrant("exact", "exact Gaussian process", "oracle", answer_exactly),
        Entrant(
            "scikit-learn", "scikit-learn, MLE-II", "peer",
            partial(likelihood.scikit_learn_mle, prior=unknown), few, "scikit-learn",
        ),
    ]  # fmt: skip
    others, spent = run(entrants, problems, ctx, quality)
    values = {"prior_nll": before}
    if {"pfn-small", "pfn-positional"} <= set(names):
        for n in sizes:
            added = losses["pfn-positional"][f"nll_n{n}"] - losses["pfn-small"][f"nll_n{n}"]
            values[f"positional_loss_n{n}"] = added
    return Metrics(
        values=values,
        timings={**timings, **spent},
        series=series,
        competitors=[*competitors, *others],
    )


def bands(names: Sequence[str], ctx: Context, *, datasets: int, blind: bool) -> Metrics:
    """Fit networks, each to its own Gaussian process; compare mean and band with the exact ones.

    Args:
        names: Networks; the first is drawn.
        ctx: Context of the trial.
        datasets: Data sets held out.
        blind: Whether the context's targets are hidden.

    Returns:
        For each network ``mean_error`` and ``band_overlap`` at ``BAND_SIZE`` points.
    """
    competitors: list[Competitor] = []
    series: dict[str, NDArray[np.float64]] = {}
    for name in names:
        prior = cast(GaussianProcessPrior, FITS[name].prior)
        problems = held_out(prior, [BAND_SIZE], datasets, ctx)[BAND_SIZE]
        with ctx.measure() as meter:
            network = fitted(name, ctx)
            quality = _bands(network, prior, problems, blind=blind)
        cost = meter.cost(parameters=parameters(network), flops=flops(network, BAND_SIZE, 1))
        competitors.append(
            Competitor(name=name, label=FITS[name].label, role="method", quality=quality, cost=cost)
        )
        series = series or _picture(network, prior, ctx, blind=blind)
    return Metrics(series=series, competitors=competitors)


def _in_standard_errors(values: NDArray[np.float64]) -> float:
    """Mean over its standard error; 0 if every value is 0, as the exact answer's gaps are."""
    if not values.any():
        return 0.0
    return float(values.mean() / (values.std(ddof=1) / math.sqrt(len(values))))


def _exact(prior: GaussianProcessPrior, problems: Problems) -> Predictions:
    """The exact posterior predictive distribution under known hyper-parameters."""
    with timed() as watch:
        density = prior.log_predictive(*problems.tensors())
    return Predictions(density.numpy(), watch.wall_s, watch.cpu_s)


def _variance(prior: GaussianProcessPrior) -> float:
    """Variance of a target under a prior that fixes its hyper-parameters."""
    return cast(float, prior.outputscale) + cast(float, prior.noise)


@torch.no_grad()
def _bands(
    network: PriorFittedNetwork, prior: GaussianProcessPrior, problems: Problems, *, blind: bool
) -> dict[str, float]:
    """How far mean and 95 % band are from the exact ones.

    Returns:
        ``mean_error``, the root mean square difference of means in standard deviations of the
        prior; ``band_overlap``, the mean over queries of intersection over union of the bands.
    """
    x, y, x_query, _ = problems.tensors()
    mean, variance = prior.predictive(x, y, x_query)
    half = 1.959964 * variance.sqrt()
    low, high = mean - half, mean + half
    likelihood = cast(RegressionLikelihood, network.likelihood)
    outputs = _outputs(network, x, y * (not blind), x_query)
    ends = likelihood.quantile(outputs, [0.025, 0.975]).to(mean)
    overlap = torch.minimum(high, ends[..., 1]) - torch.maximum(low, ends[..., 0])
    union = torch.maximum(high, ends[..., 1]) - torch.minimum(low, ends[..., 0])
    error = (likelihood.mean(outputs).to(mean) - mean).square().mean().sqrt()
    return {
        "mean_error": float(error / math.sqrt(_variance(prior))),
        "band_overlap": float((overlap.clamp(min=0) / union).mean()),
    }


@torch.no_grad()
def _picture(
    network: PriorFittedNetwork, prior: GaussianProcessPrior, ctx: Context, *, blind: bool
) -> dict[str, NDArray[np.float64]]:
    """One data set's predictions over the unit interval, for the page; none in more dimensions."""
    if prior.n_features > 1:
        return {}
    generator = torch.Generator().manual_seed(HELD_OUT_SEED + ctx.seed)
    x, y = draw(prior, 1, PICTURE[-1], generator=generator, dtype=torch.float64)
    grid = torch.linspace(0, 1, 101, dtype=torch.float64)[None, :, None]
    likelihood = cast(RegressionLikelihood, network.likelihood)
    series = {"picture_x": x[0, :, 0], "picture_y": y[0], "picture_grid": grid[0, :, 0]}
    for n in PICTURE:
        mean, variance = prior.predictive(x[:, :n], y[:, :n], grid)
        outputs = _outputs(network, x[:, :n], y[:, :n] * (not blind), grid)
        series[f"picture_exact_n{n}"] = torch.stack([mean[0], variance[0].sqrt()])
        series[f"picture_mean_n{n}"] = likelihood.mean(outputs)[0]
        series[f"picture_levels_n{n}"] = likelihood.quantile(outputs, LEVELS)[0].T
    return {name: tensor.double().cpu().numpy() for name, tensor in series.items()}


def _outputs(network: PriorFittedNetwork, x: Tensor, y: Tensor, x_query: Tensor) -> Tensor:
    """What a network says, wherever it and the data sets lie."""
    weight = network.x_encoder.weight
    outputs: Tensor = network(*(t.to(weight.device, weight.dtype) for t in (x, y, x_query)))
    return outputs
