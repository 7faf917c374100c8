"""The conformance battery that every public module passes.

In the spirit of scikit-learn's ``check_estimator``: a module that passes can be saved, copied,
compiled, vectorised, differentiated and fed wrong input without a surprise::

    from provenn.testing import check_module

    check_module(lambda **kwargs: MyLayer(4, 3, **kwargs), (torch.randn(5, 4),))
"""

from provenn.testing.battery import check_module, iter_checks, parametrize
from provenn.testing.checks import CHECKS
from provenn.testing.matrix import capability_matrix
from provenn.testing.outcome import ConformanceError, Report
from provenn.testing.subject import Subject

__all__ = [
    "CHECKS",
    "ConformanceError",
    "Report",
    "Subject",
    "capability_matrix",
    "check_module",
    "iter_checks",
    "parametrize",
]
