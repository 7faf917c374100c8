"""Small subsets of tables, classified by the shipped network and by tuned peers."""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from provenn.bayes import load_shipped
from provenn.evidence.metrics import Competitor, Metrics
from provenn.evidence.page import Context
from provenn.papers.posteriors import tabular
from provenn.papers.posteriors.entrants import Entrant, ask, flops, parameters
from provenn.papers.posteriors.problems import Predictions
from provenn.papers.posteriors.scores import auc, calibration_error, mean_ranks, wilcoxon_p
from provenn.papers.posteriors.tables import draw_subset, load_table


def subsets(names: Sequence[str], ctx: Context, *, blind: bool) -> Metrics:
    """Classify small subsets of tables, 30 labelled rows each, with the shipped network and peers.

    Returns:
        For each competitor ``rank``, the mean over tables of its rank by AUC, ``auc``, the mean,
        and ``calibration_error`` over all predictions pooled; the seconds that it took for all
        tables, tuning included; ``wilcoxon_p``, of AUC against XGBoost.
    """
    problems = [draw_subset(load_table(name, ctx), ctx.seed) for name in names]
    network = load_shipped("tabular-binary").to(ctx.device)
    candidates = tabular.classifiers()
    entrants: list[Entrant] = [
        Entrant("pfn-tables", "PFN, shipped", "method", partial(ask, network, blind=blind)),
        *(
            Entrant(
                name,
                each.label,
                "peer",
                partial(tabular.predict, classifier=each, seed=ctx.seed),
                None,
                each.package,
                each.candidates,
            )
            for name, each in candidates.items()
        ),
    ]
    said: dict[str, list[Predictions]] = {}
    costs, timings = {}, {}
    for entrant in entrants:
        ctx.progress(len(said), len(entrants), entrant.label)
        with ctx.measure() as meter:
            said[entrant.name] = [entrant.answer(each) for each in problems]
        is_method = entrant.role == "method"
        costs[entrant.name] = meter.cost(
            parameters=parameters(network) if is_method else math.nan,
            flops=flops(network, 30, 1) if is_method else math.nan,
            tuning_trials=entrant.tuning_trials,
        )
        timings[f"{entrant.name}.seconds"] = sum(each.wall_s for each in said[entrant.name])
    areas = np.array(
        [
            [auc(p.y_query[0], _probabilities(said[e.name][i])[:, 1]) for e in entrants]
            for i, p in enumerate(problems)
        ]
    )
    truth = np.concatenate([each.y_query[0] for each in problems])
    ranks = mean_ranks(areas)
    quality = {
        e.name: {
            "rank": float(ranks[i]),
            "auc": float(areas[:, i].mean()),
            "calibration_error": calibration_error(
                truth, np.concatenate([_probabilities(each) for each in said[e.name]])
            ),
        }
        for i, e in enumerate(entrants)
    }
    boosting = [e.name for e in entrants].index("boosting")
    return Metrics(
        values={"wilcoxon_p": wilcoxon_p(areas[:, 0].tolist(), areas[:, boosting].tolist())},
        timings=timings,
        series={f"auc-{e.name}": areas[:, i] for i, e in enumerate(entrants)},
        competitors=[
            Competitor(
                name=e.name,
                label=e.label,
                role=e.role,
                package=e.package,
                quality=quality[e.name],
                cost=costs[e.name],
            )
            for e in entrants
        ],
    )


def _probabilities(predictions: Predictions) -> NDArray[np.float64]:
    """Probabilities of the classes of one data set, (queries, classes)."""
    found = predictions.probabilities
    if found is None:
        raise TypeError("predictions must be of classes, got a regression's")
    first: NDArray[np.float64] = found[0]
    return first
