"""Learned iterative solvers for large linear systems."""

from provenn.linalg.dcdm.data import Spectrum, lanczos, ritz_rhs, spectrum
from provenn.linalg.dcdm.fitting import DCDMFitting, fit_dcdm
from provenn.linalg.dcdm.loss import conjugate_direction_loss
from provenn.linalg.dcdm.network import DCDMNet
from provenn.linalg.dcdm.solver import DCDMInfo, dcdm
from provenn.linalg.poisson import PoissonOperator

__all__ = [
    "DCDMFitting",
    "DCDMInfo",
    "DCDMNet",
    "PoissonOperator",
    "Spectrum",
    "conjugate_direction_loss",
    "dcdm",
    "fit_dcdm",
    "lanczos",
    "ritz_rhs",
    "spectrum",
]
