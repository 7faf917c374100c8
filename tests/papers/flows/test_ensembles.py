"""What the page of pdlt measures on random networks."""

import pytest
import torch

from provenn.papers.flows import ensembles
from provenn.papers.flows.ensembles import Ensemble, Sampler
from provenn.theory import EffectiveTheory

CPU = torch.device("cpu")


def test_published_vertices_without_skips_are_the_recursion():
    for name in ("relu", "tanh"):
        theory = EffectiveTheory(name)
        flow = theory.flow(1.0, 7)
        found = ensembles.published_vertices(theory, flow.K, 0.0)
        torch.testing.assert_close(torch.tensor(found, dtype=torch.float64), flow.V)


def test_published_vertices_of_scale_invariant_networks_grow_by_nu():
    """``ν(γ) = (1 - γ²) ((1 - γ²) ν + 4 γ²)`` for each layer."""
    theory, gamma = EffectiveTheory("relu"), 0.6
    K = torch.ones(5, dtype=torch.float64)
    found = ensembles.published_vertices(theory, K, gamma)
    free = 1 - gamma**2
    nu = free * (free * 5 + 4 * gamma**2)
    assert found == pytest.approx([nu * i for i in range(5)])


def test_critical_networks_are_told_from_others():
    drawn = [Ensemble("tanh", 8, 64, 1500)]
    honest = ensembles.one_input(drawn, Sampler(CPU, 0)).values
    off = ensembles.one_input(drawn, Sampler(CPU, 0, factor=0.6)).values
    assert honest["vertex_error_tanh"] < 0.2 < off["vertex_error_tanh"]
    assert honest["kernel_error_tanh"] < 0.05 < off["kernel_error_tanh"]


def test_relu_meets_the_complete_recursion_and_not_the_published_one():
    values = ensembles.skips([Ensemble("relu", 6, 256, 3000)], Sampler(CPU, 1)).values
    assert values["complete_error_relu"] < 0.15 < values["published_error_relu"]


def test_universality_is_a_matter_of_theory_alone():
    values = ensembles.universality().values
    assert values["universality_error"] < 0.012
    assert values["constant_error"] < 1e-8
    assert values["relu_drift"] < 1e-11
    assert values["uncritical"] == 0


def test_two_inputs_and_tangent_kernels_lie_within_what_is_allowed():
    drawn = [Ensemble("tanh", 4, 128, 1500)]
    assert ensembles.two_inputs(drawn, Sampler(CPU, 2)).values["pair_excess"] < 1
    tangent = ensembles.tangent_kernels([Ensemble("tanh", 4, 48, 600)], Sampler(CPU, 2)).values
    assert tangent["tangent_excess"] < 1
    off = ensembles.tangent_kernels([Ensemble("tanh", 4, 48, 600)], Sampler(CPU, 2, 0.6)).values
    assert off["tangent_excess"] > 2


def test_curves_of_several_widths_lie_on_each_other():
    found = ensembles.collapse((32, 64), 3000, Sampler(CPU, 3))
    assert found.values["collapse_error"] < 0.25
    assert len(found.series["collapse-64"]) == 9


def test_spread_of_tangent_kernels_falls_with_width():
    found = ensembles.tangent_by_width((16, 64), 500, Sampler(CPU, 4))
    narrow, wide = found.series["tangent_spread"]
    assert 2.5 < narrow / wide < 7
