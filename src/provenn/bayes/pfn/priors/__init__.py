"""Priors over data sets, from which a prior-data fitted network learns."""

from provenn.bayes.pfn.priors.binarized import MedianBinarized
from provenn.bayes.pfn.priors.conjugate import BetaBernoulliPrior
from provenn.bayes.pfn.priors.distributions import Beta, Gamma
from provenn.bayes.pfn.priors.gaussian_process import GaussianProcessPrior
from provenn.bayes.pfn.priors.neural import BNNPrior, TabularBNNPrior
from provenn.bayes.pfn.priors.prior import Prior, check_prior, draw
from provenn.bayes.pfn.priors.strokes import StrokesPrior

__all__ = [
    "BNNPrior",
    "Beta",
    "BetaBernoulliPrior",
    "Gamma",
    "GaussianProcessPrior",
    "MedianBinarized",
    "Prior",
    "StrokesPrior",
    "TabularBNNPrior",
    "check_prior",
    "draw",
]
