"""Learned iterative solvers for large linear systems."""

from provenn.linalg.conjugate_direction.data import lanczos, ritz_rhs, spectrum
from provenn.linalg.conjugate_direction.fitting import DCDMFitting, fit_dcdm
from provenn.linalg.conjugate_direction.loss import conjugate_direction_loss
from provenn.linalg.conjugate_direction.network import DCDMNet
from provenn.linalg.conjugate_direction.solver import dcdm
from provenn.linalg.poisson import PoissonOperator

__all__ = [
    "DCDMFitting",
    "DCDMNet",
    "PoissonOperator",
    "conjugate_direction_loss",
    "dcdm",
    "fit_dcdm",
    "lanczos",
    "ritz_rhs",
    "spectrum",
]
