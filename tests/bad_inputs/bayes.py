"""Malformed calls of the networks, priors and estimators of ``provenn.bayes``."""

from functools import partial
from typing import Any

import numpy as np
import torch

from provenn.bayes import (
    BarDistribution,
    BernoulliLikelihood,
    Beta,
    BetaBernoulliPrior,
    BNNPrior,
    CategoricalLikelihood,
    Gamma,
    GaussianLikelihood,
    GaussianProcessPrior,
    MedianBinarized,
    PFNClassifier,
    PFNRegressor,
    PriorFittedNetwork,
    PriorFitting,
    StrokesPrior,
    TabularBNNPrior,
    context_sizes,
    draw,
    load_shipped,
)
from tests.bad_inputs.case import BadCase
from tests.bad_inputs.nn import COUNT, DIRECTORY, FLAG, Wrong, bad

NAN = float("nan")
INF = float("inf")
POSITIVE: list[Wrong] = [
    (0.0, ValueError, "0.0", "greater than 0"),
    (-1.0, ValueError, "-1.0", "greater than 0"),
    (INF, ValueError, "inf", "finite"),
    (NAN, ValueError, "nan", "finite"),
    ("1", TypeError, "'1'", "number"),
    (None, TypeError, "None", "number"),
    (True, TypeError, "True", "number"),
]
NOT_NEGATIVE: list[Wrong] = [(-1.0, ValueError, "-1.0", "at least 0"), *POSITIVE[2:]]
TWO_OR_MORE: list[Wrong] = [
    *((value, ValueError, str(value), "at least 2") for value in (1, 0, -2)),
    *COUNT[2:],
]
SHARE: list[Wrong] = [
    (-0.1, ValueError, "-0.1", "at least 0"),
    (1.5, ValueError, "1.5", "at most 1"),
    (NAN, ValueError, "nan", "at least 0"),
    ("0.5", TypeError, "'0.5'", "number"),
]
FROM_ZERO: list[Wrong] = [
    (-1, ValueError, "-1", "at least 0"),
    (1.0, TypeError, "1.0", "int"),
    (True, TypeError, "True", "int"),
]
NOT_A_TENSOR: list[Wrong] = [
    (None, TypeError, "NoneType", "torch.Tensor"),
    ([[0.0]], TypeError, "list", "torch.Tensor"),
    (np.zeros(3), TypeError, "ndarray", "torch.Tensor"),
]


class _Broken:
    """A prior one of whose parts is not as it should be."""

    def __init__(self, n_features: Any = 1, n_classes: Any = None, x: Any = 0, y: Any = 0) -> None:
        self.n_features, self.n_classes = n_features, n_classes
        self._x, self._y = x, y

    def __repr__(self) -> str:
        return "Broken"

    def sample(self, batch, n, *, generator=None, device=None, dtype=torch.float32):
        x = torch.zeros(batch, n, 1, dtype=dtype) if isinstance(self._x, int) else self._x
        y = torch.zeros(batch, n, dtype=dtype) if isinstance(self._y, int) else self._y
        return x, y


CURVES = GaussianProcessPrior()
COIN = BetaBernoulliPrior()
PRIOR: list[Wrong] = [
    (None, TypeError, "NoneType", "n_features"),
    (GaussianProcessPrior, TypeError, "property", "int"),
    (object(), TypeError, "object", "n_features"),
    (_Broken(n_features=0), ValueError, "0", "at least 1"),
    (_Broken(n_classes=1), ValueError, "1", "at least 2"),
    (_Broken(n_classes="2"), TypeError, "'2'", "int"),
]


def network(likelihood: Any = None, **options: Any) -> PriorFittedNetwork:
    return PriorFittedNetwork(2, likelihood or GaussianLikelihood(), 8, 1, 2, **options)


ANSWERING = network()
CLASSIFYING = network(BernoulliLikelihood())
X, Y, X_QUERY = torch.zeros(3, 4, 2), torch.zeros(3, 4), torch.zeros(3, 5, 2)
CONTEXT = ANSWERING.encode(X, Y)

CONTEXT_ARGUMENTS: dict[str, list[Wrong]] = {
    "x": [
        *NOT_A_TENSOR,
        (X.int(), TypeError, "torch.int32", "floating-point"),
        (X.double(), TypeError, "torch.float64", "torch.float32"),
        (X.to("meta"), ValueError, "meta", "cpu"),
        (X[0, 0], ValueError, "(2,)", "(*batch, n, d)"),
        (torch.zeros(3, 4, 3), ValueError, "(3, 4, 3)", "n_features = 2"),
        (torch.zeros(3, 4, 0), ValueError, "(3, 4, 0)", "from 1"),
    ],
    "y": [
        *NOT_A_TENSOR,
        (Y.long(), TypeError, "torch.int64", "floating-point"),
        (Y.double(), TypeError, "torch.float64", "torch.float32"),
        (Y[:, :3], ValueError, "(3, 3)", "(3, 4)"),
        (Y[..., None], ValueError, "(3, 4, 1)", "(3, 4)"),
        (Y.to("meta"), ValueError, "meta", "cpu"),
    ],
}
QUERIES: list[Wrong] = [
    *NOT_A_TENSOR,
    (X_QUERY.bool(), TypeError, "torch.bool", "floating-point"),
    (X_QUERY.double(), TypeError, "torch.float64", "torch.float32"),
    (X_QUERY[0], ValueError, "(5, 2)", "(3, m, 2)"),
    (X_QUERY[:2], ValueError, "(2, 5, 2)", "(3, m, 2)"),
    (X_QUERY[..., :1], ValueError, "(3, 5, 1)", "(3, m, 2)"),
    (X_QUERY.to("meta"), ValueError, "meta", "cpu"),
]


def outputs_and_targets(likelihood: Any) -> list[BadCase]:
    """What no likelihood takes as outputs of a network and as targets."""
    k = likelihood.n_outputs
    outputs, y = torch.zeros(3, k), torch.zeros(3)
    wrong: dict[str, list[Wrong]] = {
        "outputs": [
            *NOT_A_TENSOR,
            (outputs.int(), TypeError, "torch.int32", "floating"),
            (torch.zeros(3, k + 1), ValueError, f"(3, {k + 1})", f"(*batch, {k})"),
            (torch.tensor(0.0), ValueError, "()", f"(*batch, {k})"),
        ],
        "y": [
            *NOT_A_TENSOR,
            (y.bool(), TypeError, "torch.bool", "integers"),
            (y.to(torch.complex64), TypeError, "torch.complex64", "integers"),
            (y[:2], ValueError, "(2,)", "(3,)"),
            (y.to("meta"), ValueError, "meta", "cpu"),
        ],
    }
    return bad(likelihood.log_prob, {"outputs": outputs, "y": y}, wrong)


def labels(likelihood: Any) -> list[BadCase]:
    most = str(likelihood.n_classes - 1)
    outputs = torch.zeros(3, likelihood.n_outputs)
    wrong: list[Wrong] = [
        (torch.tensor([0.0, 1.0, label]), ValueError, str(label), f"labels 0 to {most}")
        for label in (-1.0, 0.5, likelihood.n_classes + 0.0, NAN)
    ]
    return [
        BadCase(f"label {case.says}", case.call, case.error, case.words)
        for case in bad(likelihood.log_prob, {"outputs": outputs}, {"y": wrong})
    ]


REQUEST: dict[str, list[Wrong]] = {
    "batch": COUNT,
    "n": COUNT,
    "generator": [(0, TypeError, "int", "torch.Generator")],
    "dtype": [
        (torch.float16, TypeError, "torch.float16", "torch.float32"),
        (torch.int64, TypeError, "torch.int64", "torch.float32"),
        ("float32", TypeError, "float32", "torch.float64"),
    ],
}


def drawn(**parts: Any) -> Any:
    return partial(draw, _Broken(**parts), 3, 4)


BROKEN_DRAWS = [
    BadCase(says, drawn(**parts), error, words)
    for says, parts, error, words in [
        ("x of another dtype", {"x": X.double()[..., :1]}, TypeError,
         ("x of Broken", "torch.float64", "torch.float32")),
        ("x no tensor", {"x": None}, TypeError, ("x of Broken", "NoneType", "tensor")),
        ("x of another shape", {"x": X}, ValueError, ("x of Broken", "(3, 4, 2)", "(3, 4, 1)")),
        ("x not finite", {"x": X[..., :1] + NAN}, ValueError, ("x of Broken", "NaN", "finite")),
        ("y of another shape", {"y": Y[..., None]}, ValueError,
         ("y of Broken", "(3, 4, 1)", "(3, 4)")),
        ("y not finite", {"y": Y + INF}, ValueError, ("y of Broken", "infinity", "finite")),
        ("y no label", {"y": Y + 0.5, "n_classes": 2}, ValueError,
         ("y of Broken", "0.5", "class labels from 0")),
        ("y too large a label", {"y": Y + 2, "n_classes": 2}, ValueError,
         ("y of Broken", "got 2", "n_classes - 1 = 1")),
    ]
]  # fmt: skip


ROWS = np.linspace(0, 1, 8).reshape(4, 2)


def estimator(
    build: Any, model: Any, y: Any, models: list[Wrong], targets: list[Wrong]
) -> list[BadCase]:
    """Malformed parameters and data, which ``fit`` refuses."""

    def fit(*, X: Any, y: Any, **parameters: Any) -> Any:
        return build(**parameters).fit(X, y)

    wrong: dict[str, list[Wrong]] = {
        "model": [
            (None, TypeError, "None", "PriorFittedNetwork"),
            (3, TypeError, "3 of type int", "PriorFittedNetwork"),
            ("no-such-network", ValueError, "'no-such-network'", "shipped network"),
            *models,
        ],
        "scaling": [
            ("z-score", ValueError, "'z-score'", "auto"),
            (None, TypeError, "None", "str"),
        ],
        "batch_size": COUNT,
        "device": [("abacus", ValueError, "'abacus'", "PyTorch")],
        "X": [
            (ROWS + NAN, ValueError, "NaN", "contains"),
            (ROWS + INF, ValueError, "infinity", "contains"),
            (np.ones((4, 3)), ValueError, "3", "at most 2 features"),
        ],
        "y": targets,
    }
    unequal = BadCase(
        "fewer targets than rows",
        lambda: fit(model=model, X=ROWS, y=y[:3]),
        ValueError,
        ("input variables", "[4, 3]", "numbers of samples"),
    )
    return [*bad(fit, {"model": model, "X": ROWS, "y": y}, wrong), unequal]


CASES = {
    "provenn.bayes.PriorFittedNetwork": bad(
        PriorFittedNetwork,
        {"n_features": 2, "likelihood": GaussianLikelihood(), "d_model": 8, "n_heads": 2},
        {
            "n_features": COUNT,
            "likelihood": [
                (None, TypeError, "NoneType", "Likelihood"),
                (GaussianLikelihood, TypeError, "ABCMeta", "Likelihood"),
                ("gaussian", TypeError, "str", "Likelihood"),
            ],
            "d_model": [*COUNT, (7, ValueError, "7", "divisible by n_heads = 2")],
            "n_layers": COUNT,
            "n_heads": COUNT,
            "d_ff": [wrong for wrong in COUNT if wrong[0] is not None],
            "dropout": SHARE,
            "standardize": FLAG,
            "rescale_features": [*FLAG, (True, ValueError, "standardize=False", "needs")],
            "positional": FLAG,
            "max_context": FROM_ZERO,
        },
    ),
    "provenn.bayes.PriorFittedNetwork.forward": bad(
        ANSWERING, {"x": X, "y": Y, "x_query": X_QUERY}, {**CONTEXT_ARGUMENTS, "x_query": QUERIES}
    ),
    "provenn.bayes.PriorFittedNetwork.encode": bad(
        ANSWERING.encode, {"x": X, "y": Y}, CONTEXT_ARGUMENTS
    ),
    "provenn.bayes.PriorFittedNetwork.decode": bad(
        ANSWERING.decode,
        {"context": CONTEXT, "x_query": X_QUERY},
        {
            "context": [
                (None, TypeError, "NoneType", "encode"),
                (tuple(CONTEXT), TypeError, "tuple", "encode"),
                (X, TypeError, "Tensor", "encode"),
            ],
            "x_query": QUERIES,
        },
    ),
    "provenn.bayes.PriorFittedNetwork.save_pretrained": bad(
        ANSWERING.save_pretrained, {}, {"directory": DIRECTORY}
    ),
    "provenn.bayes.PriorFitting": bad(
        PriorFitting,
        {"network": ANSWERING, "prior": CURVES, "steps": 2, "n_points": 5},
        {
            "network": [
                (None, TypeError, "NoneType", "PriorFittedNetwork"),
                (PriorFittedNetwork, TypeError, "type", "PriorFittedNetwork"),
                (torch.nn.Linear(2, 2), TypeError, "Linear", "PriorFittedNetwork"),
            ],
            "prior": [
                *PRIOR,
                (COIN, ValueError, "2", "n_classes = None"),
                (GaussianProcessPrior(3), ValueError, "3", "at most n_features = 2"),
            ],
            "steps": COUNT,
            "n_points": COUNT,
            "batch_size": COUNT,
            "context": [
                ("small", ValueError, "'small'", "'weighted', 'uniform'"),
                (5, ValueError, "5", "less than n_points = 5"),
                *FROM_ZERO,
            ],
            "max_context": [(5, ValueError, "5", "less than n_points = 5"), *FROM_ZERO],
            "lr": POSITIVE,
            "warmup": SHARE,
            "accumulate": COUNT,
            "clip": POSITIVE,
            "seed": FROM_ZERO,
            "autocast": FLAG,
        },
    ),
    "provenn.bayes.context_sizes": bad(
        context_sizes,
        {"n_points": 4, "max_context": 2},
        {
            "n_points": COUNT,
            "max_context": [(4, ValueError, "4", "less than n_points = 4"), *FROM_ZERO],
            "rule": [
                ("even", ValueError, "'even'", "'weighted', 'uniform'"),
                (None, TypeError, "None", "str"),
            ],
        },
    ),
    "provenn.bayes.BarDistribution": bad(
        BarDistribution,
        {"borders": torch.arange(4.0)},
        {
            "borders": [
                *NOT_A_TENSOR,
                (torch.arange(4), TypeError, "torch.int64", "floating"),
                (torch.zeros(2, 2), ValueError, "(2, 2)", "(K + 1,)"),
                (torch.arange(2.0), ValueError, "(2,)", "2"),
                (torch.tensor([0.0, 1.0, NAN]), ValueError, "NaN", "finite"),
                (torch.tensor([0.0, 1.0, 1.0]), ValueError, "1.0", "strictly increasing"),
                (torch.arange(4.0, device="meta"), ValueError, "meta", "values"),
            ],
            "full_support": FLAG,
            "dtype": [(torch.float16, TypeError, "torch.float16", "torch.float32")],
        },
    ),
    "provenn.bayes.BarDistribution.log_prob": [
        *outputs_and_targets(BarDistribution(torch.arange(4.0))),
        *bad(
            BarDistribution(torch.arange(3.0), full_support=False).log_prob,
            {"outputs": torch.zeros(1, 2)},
            {
                "y": [
                    (torch.tensor([2.5]), ValueError, "2.5", "within the borders [0, 2]"),
                    (torch.tensor([NAN]), ValueError, "nan", "within the borders"),
                ]
            },
        ),
    ],
    "provenn.bayes.BarDistribution.from_samples": bad(
        BarDistribution.from_samples,
        {"y": torch.arange(9.0), "n_buckets": 3},
        {
            "y": [
                *NOT_A_TENSOR,
                (torch.arange(9), TypeError, "torch.int64", "floating"),
                (torch.zeros(9), ValueError, "1 distinct", "enough distinct values"),
                (torch.arange(2.0), ValueError, "2", "at least n_buckets = 3"),
                (torch.arange(9.0) * NAN, ValueError, "NaN", "finite"),
            ],
            "n_buckets": COUNT,
            "full_support": FLAG,
        },
    ),
    "provenn.bayes.BarDistribution.from_prior": bad(
        BarDistribution.from_prior,
        {"prior": CURVES, "n_buckets": 3, "datasets": 10},
        {
            "prior": [*PRIOR, (COIN, ValueError, "2 classes", "n_classes None")],
            "n_buckets": COUNT,
            "datasets": COUNT,
            "n_points": COUNT,
        },
    ),
    "provenn.bayes.GaussianLikelihood": [
        *bad(GaussianLikelihood, {}, {"variance_floor": NOT_NEGATIVE}),
        *outputs_and_targets(GaussianLikelihood()),
    ],
    "provenn.bayes.BernoulliLikelihood": [
        *outputs_and_targets(BernoulliLikelihood()),
        *labels(BernoulliLikelihood()),
    ],
    "provenn.bayes.CategoricalLikelihood": [
        *bad(
            CategoricalLikelihood,
            {},
            {"n_classes": TWO_OR_MORE},
        ),
        *outputs_and_targets(CategoricalLikelihood(3)),
        *labels(CategoricalLikelihood(3)),
    ],
    "provenn.bayes.draw": [
        *bad(draw, {"prior": CURVES, "batch": 2, "n": 3}, {"prior": PRIOR, **REQUEST}),
        *BROKEN_DRAWS,
    ],
    "provenn.bayes.GaussianProcessPrior": bad(
        GaussianProcessPrior,
        {},
        {
            "n_features": COUNT,
            "kernel": [
                ("cosine", ValueError, "'cosine'", "rbf"),
                (None, TypeError, "None", "str"),
            ],
            "lengthscale": [
                *POSITIVE,
                ((0.1, 0.2), ValueError, "2", "one number"),
                (("a",), TypeError, "'a'", "number"),
            ],
            "outputscale": POSITIVE,
            "noise": [*POSITIVE[3:], (1e-5, ValueError, "1e-05", "at least 0.0001")],
            "vary_n_features": FLAG,
        },
    ),
    "provenn.bayes.GaussianProcessPrior.predictive": bad(
        GaussianProcessPrior(2).predictive,
        {"x": X, "y": Y, "x_query": X_QUERY},
        {
            "x": [
                (X + NAN, ValueError, "NaN", "finite"),
                (X[..., :1], ValueError, "(3, 4, 1)", "n_features=2"),
            ],
            "y": [
                *NOT_A_TENSOR[:2],
                (Y.int(), TypeError, "torch.int32", "floating-point"),
                (Y[:, :2], ValueError, "(3, 2)", "(3, 4)"),
            ],
            "x_query": [(X_QUERY[:1], ValueError, "(1,)", "(3,)")],
        },
    ),
    "provenn.bayes.Gamma": bad(
        Gamma, {"shape": 1.0, "rate": 1.0}, {"shape": POSITIVE, "rate": POSITIVE}
    ),
    "provenn.bayes.Beta": bad(
        Beta, {"alpha": 1.0, "beta": 1.0}, {"alpha": POSITIVE, "beta": POSITIVE}
    ),
    "provenn.bayes.BetaBernoulliPrior": bad(
        BetaBernoulliPrior, {}, {"alpha": POSITIVE, "beta": POSITIVE, "n_features": COUNT}
    ),
    "provenn.bayes.BNNPrior": bad(
        BNNPrior,
        {},
        {
            "n_features": COUNT,
            "hidden": COUNT,
            "activation": [
                ("sine", ValueError, "'sine'", "tanh"),
                (3, TypeError, "got 3", "str"),
            ],
        },
    ),
    "provenn.bayes.TabularBNNPrior": bad(
        TabularBNNPrior,
        {},
        {
            "n_features": TWO_OR_MORE,
            "n_layers": TWO_OR_MORE,
            "activation": [("sine", ValueError, "'sine'", "tanh")],
            "max_hidden": TWO_OR_MORE,
            "hidden": [(0.5, TypeError, "0.5", "Beta")],
            "used_features": [(Gamma(1.0, 1.0), TypeError, "Gamma", "Beta")],
            "weight_std": POSITIVE,
            "noise_std": [(-0.1, ValueError, "-0.1", "at least 0")],
            "sparsity": [(1.0, ValueError, "1.0", "less than 1")],
            "group": COUNT,
        },
    ),
    "provenn.bayes.MedianBinarized": bad(
        MedianBinarized,
        {},
        {
            "prior": [
                *PRIOR,
                (COIN, ValueError, "2 classes", "n_classes None"),
                (StrokesPrior(), ValueError, "5 classes", "n_classes None"),
            ]
        },
    ),
    "provenn.bayes.StrokesPrior": [
        *bad(
            StrokesPrior,
            {},
            {
                "n_classes": TWO_OR_MORE,
                "shots": [wrong for wrong in COUNT if wrong[0] is not None],
            },
        ),
        *bad(
            StrokesPrior().sample,
            {"batch": 1, "n": 25},
            {"n": [(24, ValueError, "24", "at least n_classes * shots = 25")]},
        ),
    ],
    "provenn.bayes.PFNRegressor": estimator(
        PFNRegressor,
        ANSWERING,
        ROWS[:, 0],
        [(CLASSIFYING, ValueError, "classification", "regression")],
        [
            (ROWS[:, 0] + NAN, ValueError, "NaN", "contains"),
        ],
    ),
    "provenn.bayes.PFNClassifier": estimator(
        PFNClassifier,
        CLASSIFYING,
        [0, 1, 0, 1],
        [(ANSWERING, ValueError, "regression", "classification")],
        [
            ([0, 0, 0, 0], ValueError, "got 1 class", "at least 2"),
            ([0, 1, 2, 0], ValueError, "with 3", "2 classes"),
        ],
    ),
    "provenn.bayes.load_shipped": bad(
        load_shipped,
        {},
        {
            "name": [
                (None, TypeError, "None", "str"),
                (3, TypeError, "3 of type int", "str"),
                (b"gp", TypeError, "bytes", "str"),
                (["gp"], TypeError, "list", "str"),
                ("", ValueError, "''", "one of"),
                ("gp", ValueError, "'gp'", "one of"),
                ("../weights", ValueError, "'../weights'", "one of"),
                ("tabular-binary/", ValueError, "'tabular-binary/'", "one of"),
            ]
        },
    ),
}
