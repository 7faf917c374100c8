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

_NONE: dict[str, str] = {}
BORDERS = torch.tensor([-2.0, -0.5, 0.0, 0.75, 2.0, 4.0])


def _normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def _labels(*shape: int, n_classes: int) -> torch.Tensor:
    return torch.randint(n_classes, shape, generator=torch.Generator().manual_seed(0)).float()


def _network(
    likelihood, y, *, n_layers=2, drawn=False, expected_failures=_NONE, **options
) -> Subject:
    """A network on three data sets of four points, with two queries.

    With ``drawn`` the output projections of its layers are drawn as other weights are, so that
    queries read the context from the start.
    """

    def build(**factory) -> PriorFittedNetwork:
        network = PriorFittedNetwork(
            2, likelihood, d_model=4, n_layers=n_layers, n_heads=2, d_ff=6, **options, **factory
        )
        if drawn:
            for layer in network.layers:
                layer.out_proj.reset_parameters()
                layer.linear2.reset_parameters()
        return network

    return Subject(
        build,
        (_normal(3, 4, 2), y, _normal(3, 2, 2)),
        backend="aot_eager",
        expected_failures=expected_failures,
    )


def _likelihood(build, outputs, y, **expected_failures: str) -> Subject:
    wide = "log probabilities are at least float32, whatever the outputs come in"
    return Subject(
        build,
        (outputs, y),
        backend="aot_eager",
        expected_failures={"bfloat16_weights": wide, **expected_failures},
    )


_AT_START = "layers start with zero output projections, so that no query reads the context"
_NO_NEIGHBOUR = "the number of a class has no neighbours: between two classes the answer is NaN"
_NOT_A_CLASS = "a label is the number of a class: one that lies between two classes is refused"
_CHOSEN = "the number of a class chooses what is read, and has no gradient"

SUBJECTS = {
    "PriorFittedNetwork": _network(
        BarDistribution(BORDERS),
        _normal(3, 4),
        expected_failures={
            "gradients_reach_parameters": _AT_START,
            "gradients_reach_inputs": _AT_START,
        },
    ),
    "PriorFittedNetwork-standardized": _network(
        GaussianLikelihood(),
        _normal(3, 4),
        drawn=True,
        standardize=True,
        rescale_features=True,
        positional=True,
        dropout=0.2,
    ),
    "PriorFittedNetwork-classes": _network(
        CategoricalLikelihood(3),
        _labels(3, 4, n_classes=3),
        n_layers=1,
        drawn=True,
        standardize=True,
        expected_failures={
            "gradcheck_training": _NO_NEIGHBOUR,
            "gradcheck_evaluation": _NO_NEIGHBOUR,
            "double_backward": _NO_NEIGHBOUR,
            "gradients_reach_inputs": _CHOSEN,
        },
    ),
    "BarDistribution": _likelihood(
        lambda **factory: BarDistribution(BORDERS, **factory), _normal(3, 5), _normal(3)
    ),
    "GaussianLikelihood": _likelihood(lambda: GaussianLikelihood(), _normal(3, 2), _normal(3)),
    "BernoulliLikelihood": _likelihood(
        lambda: BernoulliLikelihood(),
        _normal(3, 1),
        _labels(3, n_classes=2),
        gradcheck_training=_NOT_A_CLASS,
        gradcheck_evaluation=_NOT_A_CLASS,
        double_backward=_NOT_A_CLASS,
    ),
    "CategoricalLikelihood": _likelihood(
        lambda: CategoricalLikelihood(4),
        _normal(3, 4),
        _labels(3, n_classes=4),
        gradcheck_training=_NOT_A_CLASS,
        gradcheck_evaluation=_NOT_A_CLASS,
        double_backward=_NOT_A_CLASS,
        gradients_reach_inputs=_CHOSEN,
    ),
}
