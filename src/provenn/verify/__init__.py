"""Sound bounds: linear bound propagation and local Lipschitz constants."""

from provenn.verify.branch_and_bound import BranchAndBound
from provenn.verify.lipschitz import jacobian_bounds, local_lipschitz
from provenn.verify.lowering import UnsupportedOperatorError
from provenn.verify.monotone import is_monotone

__all__ = [
    "BranchAndBound",
    "UnsupportedOperatorError",
    "is_monotone",
    "jacobian_bounds",
    "local_lipschitz",
]
