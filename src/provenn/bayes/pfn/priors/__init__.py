"""Priors over data sets, from which a prior-data fitted network learns."""

from provenn.bayes.pfn.priors.conjugate import BetaBernoulliPrior
from provenn.bayes.pfn.priors.distributions import Beta, Gamma
from provenn.bayes.pfn.priors.gaussian_process import GaussianProcessPrior
from provenn.bayes.pfn.priors.prior import Prior, check_prior, draw

__all__ = [
    "Beta",
    "BetaBernoulliPrior",
    "Gamma",
    "GaussianProcessPrior",
    "Prior",
    "check_prior",
    "draw",
]
