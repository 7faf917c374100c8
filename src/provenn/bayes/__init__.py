"""Amortised Bayesian inference: networks that answer with posterior predictive distributions."""

from provenn.bayes.pfn.bars import BarDistribution
from provenn.bayes.pfn.estimators import PFNClassifier, PFNRegressor
from provenn.bayes.pfn.fitting import PriorFitting, context_sizes
from provenn.bayes.pfn.likelihoods import (
    BernoulliLikelihood,
    CategoricalLikelihood,
    GaussianLikelihood,
)
from provenn.bayes.pfn.network import PriorFittedNetwork
from provenn.bayes.pfn.priors import (
    Beta,
    BetaBernoulliPrior,
    BNNPrior,
    Gamma,
    GaussianProcessPrior,
    MedianBinarized,
    Prior,
    StrokesPrior,
    TabularBNNPrior,
    draw,
)
from provenn.bayes.pfn.scaling import ExtrapolationWarning
from provenn.bayes.pfn.shipped import load_shipped, shipped_names

__all__ = [
    "BNNPrior",
    "BarDistribution",
    "BernoulliLikelihood",
    "Beta",
    "BetaBernoulliPrior",
    "CategoricalLikelihood",
    "ExtrapolationWarning",
    "Gamma",
    "GaussianLikelihood",
    "GaussianProcessPrior",
    "MedianBinarized",
    "PFNClassifier",
    "PFNRegressor",
    "Prior",
    "PriorFittedNetwork",
    "PriorFitting",
    "StrokesPrior",
    "TabularBNNPrior",
    "context_sizes",
    "draw",
    "load_shipped",
    "shipped_names",
]
