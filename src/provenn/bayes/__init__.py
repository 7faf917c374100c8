"""Amortised Bayesian inference: networks that answer with posterior predictive distributions."""

from provenn.bayes.pfn.bars import BarDistribution
from provenn.bayes.pfn.fitting import PriorFitting
from provenn.bayes.pfn.likelihoods import (
    BernoulliLikelihood,
    CategoricalLikelihood,
    GaussianLikelihood,
)
from provenn.bayes.pfn.network import PriorFittedNetwork
from provenn.bayes.pfn.priors import BetaBernoulliPrior, Gamma, GaussianProcessPrior, Prior

__all__ = [
    "BarDistribution",
    "BernoulliLikelihood",
    "BetaBernoulliPrior",
    "CategoricalLikelihood",
    "Gamma",
    "GaussianLikelihood",
    "GaussianProcessPrior",
    "Prior",
    "PriorFittedNetwork",
    "PriorFitting",
]
