"""Piecewise-affine laws, explicit model-predictive control, and their exact networks."""

from provenn.control.mpc import condense, explicit_mpc
from provenn.control.mpqp import MultiParametricQP, solve
from provenn.control.piecewise import PiecewiseAffine
from provenn.control.plants import chain_of_masses, zero_order_hold
from provenn.control.polyhedra import Polytope
from provenn.control.riccati import lqr
from provenn.control.yann import YANN, DenseYANN

__all__ = [
    "YANN",
    "DenseYANN",
    "MultiParametricQP",
    "PiecewiseAffine",
    "Polytope",
    "chain_of_masses",
    "condense",
    "explicit_mpc",
    "lqr",
    "solve",
    "zero_order_hold",
]
