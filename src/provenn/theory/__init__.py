"""Effective theory of deep networks: criticality, fluctuations, tangent kernels, and advice."""

from provenn.theory.activations import ACTIVATIONS
from provenn.theory.adviser import advise
from provenn.theory.aspect import (
    mutual_information,
    optimal_aspect_ratio,
    optimal_width,
    skip_strength,
)
from provenn.theory.criticality import critical
from provenn.theory.effective_theory import EffectiveTheory
from provenn.theory.flow import scale_invariant_spread
from provenn.theory.initialize import critical_init_
from provenn.theory.learning_rates import (
    equal_learning_rates,
    layer_learning_rates,
    parameter_groups,
)
from provenn.theory.measure import measure_flow, measure_networks
from provenn.theory.networks import CriticalMLP
from provenn.theory.prediction import infinite_width_prediction

__all__ = [
    "ACTIVATIONS",
    "CriticalMLP",
    "EffectiveTheory",
    "advise",
    "critical",
    "critical_init_",
    "equal_learning_rates",
    "infinite_width_prediction",
    "layer_learning_rates",
    "measure_flow",
    "measure_networks",
    "mutual_information",
    "optimal_aspect_ratio",
    "optimal_width",
    "parameter_groups",
    "scale_invariant_spread",
    "skip_strength",
]
