"""Neural-network methods for PyTorch that come with their evidence.

Each room is a sub-package that is imported when it is first used::

    from provenn.nn import PHConv2d

Rooms: ``nn`` (layers), ``bayes`` (amortised Bayesian inference), ``control`` (explicit predictive
control and learning from it), ``graph`` (graph networks), ``hyper`` (networks that produce
networks), ``linalg`` (learned solvers of linear systems), ``theory`` (effective theory of wide
networks), ``verify`` (sound bounds). Around them: ``data`` (data sets), ``papers`` (one executable
page a paper), ``evidence`` (claims, trials, verdicts), ``report`` (the gallery) and ``testing``
(the conformance battery).
"""

import importlib
from types import ModuleType

__version__ = "0.1.0"

_SUBPACKAGES = (
    *("bayes", "control", "data", "evidence", "graph", "hyper", "linalg", "nn", "papers"),
    *("report", "testing", "theory", "verify"),
)

__all__ = ["__version__", *_SUBPACKAGES]


def __getattr__(name: str) -> ModuleType:
    if name in _SUBPACKAGES:
        return importlib.import_module(f"provenn.{name}")
    raise AttributeError(f"module 'provenn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
