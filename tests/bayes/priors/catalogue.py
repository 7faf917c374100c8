"""Every prior once, with what they have in common tested on all of them."""

from provenn.bayes.pfn.priors import (
    BetaBernoulliPrior,
    BNNPrior,
    Gamma,
    GaussianProcessPrior,
    MedianBinarized,
    Prior,
    StrokesPrior,
    TabularBNNPrior,
)

PRIORS: dict[str, Prior] = {
    "gp": GaussianProcessPrior(2),
    "gp-matern12": GaussianProcessPrior(2, "matern12", lengthscale=[0.3, 0.5]),
    "gp-matern32": GaussianProcessPrior(1, "matern32", noise=Gamma(2.0, 10.0)),
    "gp-hyperprior": GaussianProcessPrior.with_hyperprior(3),
    "gp-varied": GaussianProcessPrior(4, vary_n_features=True),
    "bnn": BNNPrior(3, 5),
    "bnn-linear": BNNPrior(2, 4, None),
    "tabular": TabularBNNPrior(n_features=6, max_hidden=10),
    "tabular-sparse": TabularBNNPrior(4, 4, "relu", max_hidden=9, sparsity=0.4, group=3),
    "binarized": MedianBinarized(GaussianProcessPrior(2)),
    "coin": BetaBernoulliPrior(2.0, 0.5, 2),
    "strokes": StrokesPrior(4, None),
}
