"""The networks and the likelihoods of ``provenn.bayes`` in their smallest sizes."""

import torch

from provenn.bayes import (
    BarDistribution,
    BernoulliLikelihood,
    CategoricalLikelihood,
    GaussianLikelihood,
    PriorFittedNetwork,
)
from provenn.testing import Subject

BORDERS = torch.tensor([-2.0, -0.5, 0.0, 0.75, 2.0, 4.0])


def _normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def _labels(*shape: int, n_classes: int) -> torch.Tensor:
    return torch.randint(n_classes, shape, generator=torch.Generator().manual_seed(0)).float()


def _network(likelihood, y, *, backend="aot_eager", expected_failures=None, **options) -> Subject:
    """A network on three data sets of four points, with two queries."""
    x, x_query = _normal(3, 4, 2), _normal(3, 2, 2)

    def build(**factory) -> PriorFittedNetwork:
        return PriorFittedNetwork(
            2, likelihood, d_model=4, n_layers=2, n_heads=2, d_ff=6, **options, **factory
        )

    failures = expected_failures or {}
    return Subject(build, (x, y, x_query), backend=backend, expected_failures=failures)


_AT_START = {
    "gradients_reach_parameters": "layers start with zero projections: no query reads the context",
    "gradients_reach_inputs": "layers start with zero projections: no query reads the context",
}
_NO_NEIGHBOUR = "the number of a class has no neighbours: between two classes the answer is NaN"
_LABELS = {
    "gradcheck_training": _NO_NEIGHBOUR,
    "gradcheck_evaluation": _NO_NEIGHBOUR,
    "double_backward": _NO_NEIGHBOUR,
}
_WIDE = {"bfloat16_weights": "log probabilities are at least float32 whatever the outputs come in"}

SUBJECTS = {
    "PriorFittedNetwork": _network(
        BarDistribution(BORDERS),
        _normal(3, 4),
        backend="inductor",
        expected_failures=_AT_START,
    ),
    "PriorFittedNetwork-standardized": _network(
        GaussianLikelihood(),
        _normal(3, 4),
        standardize=True,
        rescale_features=True,
        positional=True,
        dropout=0.2,
        expected_failures=_AT_START,
    ),
    "PriorFittedNetwork-classes": _network(
        CategoricalLikelihood(3),
        _labels(3, 4, n_classes=3),
        standardize=True,
        expected_failures={**_AT_START, **_LABELS},
    ),
    "BarDistribution": Subject(
        lambda **factory: BarDistribution(BORDERS, **factory),
        (_normal(3, 5), _normal(3)),
        backend="aot_eager",
        expected_failures=_WIDE,
    ),
    "GaussianLikelihood": Subject(
        GaussianLikelihood,
        (_normal(3, 2), _normal(3)),
        backend="aot_eager",
        expected_failures=_WIDE,
    ),
    "BernoulliLikelihood": Subject(
        BernoulliLikelihood,
        (_normal(3, 1), _labels(3, n_classes=2)),
        backend="aot_eager",
        expected_failures=_WIDE,
    ),
    "CategoricalLikelihood": Subject(
        lambda: CategoricalLikelihood(3),
        (_normal(3, 3), _labels(3, n_classes=3)),
        backend="aot_eager",
        expected_failures=_WIDE,
    ),
}
