"""The battery on torch's own modules: everything that they reasonably can, they pass."""

from provenn.testing import parametrize
from tests.testing.test_checks import marks
from tests.testing.torch_modules import TORCH


@parametrize(TORCH, marks=marks)
def test_conformance(case):
    case.run()
