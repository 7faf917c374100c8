"""The ratios of bounds to exact constants that the page of lipschitz reports."""

import numpy as np
import pytest

from provenn.papers.bounds.measure import _ratios


def test_a_constant_network_is_met_exactly_or_not_at_all():
    bounds, exact = np.array([2.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])
    assert _ratios(bounds, exact) == pytest.approx([2.0, 1.0, np.inf])
