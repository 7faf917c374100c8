"""Kernels, tangent kernels and vertices of many inputs."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from provenn.theory import EffectiveTheory, critical
from provenn.theory.activations import ACTIVATIONS, Activation

X = torch.tensor(
    [[1.0, 0.3, -0.5], [0.2, -1.0, 0.4], [0.9, 0.1, -0.4], [-0.6, 0.5, 0.8]], dtype=torch.float64
)
SMOOTH = ("tanh", "sin", "gelu", "scaled_erf")


@pytest.mark.parametrize("name", ["relu", "tanh", "sin", "gelu", "silu", "scaled_erf"])
@pytest.mark.parametrize("gamma", [0.0, 0.5])
def test_one_input_is_the_diagonal(name, gamma):
    theory = EffectiveTheory(name)
    found = theory.kernels(X, 5, gamma=gamma, lr=(0.4, 0.7))
    for i, x in enumerate(X):
        flow = theory.flow(float(x.square().mean()), 5, gamma=gamma, lr=(0.4, 0.7))
        torch.testing.assert_close(found.K[:, i, i], flow.K)
        torch.testing.assert_close(found.Theta[:, i, i], flow.Theta)


@settings(max_examples=15)
@given(name=st.sampled_from(("relu", "tanh", "sin", "gelu", "abs")), seed=st.integers(0, 1000))
def test_kernels_are_positive_semidefinite(name, seed):
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x[1] = x[0]
    x[2] = -x[0]
    found = EffectiveTheory(name).kernels(x, 6)
    for layer in (found.K, found.Theta):
        least = torch.linalg.eigvalsh(layer)[:, 0]
        assert float(least.min()) > -1e-9 * float(layer.abs().max())
    torch.testing.assert_close(found.K[:, 0], found.K[:, 1])


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "sin", "erf", "scaled_erf", "linear"])
def test_closed_forms_are_the_quadrature(name):
    closed = ACTIVATIONS[name]
    bare = Activation(name, closed.function, closed.first)
    given = {"C_b": 0.1, "C_W": 1.2, "lr": (0.3, 0.6)}
    by_form = EffectiveTheory(closed).kernels(X, 4, **given)
    by_quadrature = EffectiveTheory(bare).kernels(X, 4, **given)
    torch.testing.assert_close(by_form.K, by_quadrature.K, rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(by_form.Theta, by_quadrature.Theta, rtol=1e-9, atol=1e-11)


def test_nearby_inputs_grow_apart_as_the_susceptibilities_say():
    """K_[1] by χ_∥; K_[2], the squared distance, by χ_⊥ and h, to leading order."""
    theory, found = EffectiveTheory("gelu"), critical("gelu")
    step = 1e-3
    middle = torch.tensor([1.2, -0.7, 0.4], dtype=torch.float64)
    aside = torch.tensor([0.3, 0.5, 0.1], dtype=torch.float64)
    x = torch.stack((middle + step * aside, middle - step * aside))
    K = theory.kernels(x, 2).K
    first, second = K
    at = theory.susceptibilities(float(theory.kernels(middle[None], 1).K), C_W=found.C_W)
    norm = (first[0, 0] - first[1, 1], second[0, 0] - second[1, 1])
    apart = [k[0, 0] + k[1, 1] - 2 * k[0, 1] for k in (first, second)]
    assert float(norm[1] / norm[0]) == pytest.approx(at.parallel, rel=1e-5)
    expected = at.perp * apart[0] + at.h * norm[0] ** 2
    assert float(apart[1]) == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("name", SMOOTH)
def test_jacobian_against_finite_differences(name):
    """``J`` by a central difference of ``<σ_a σ_b>`` in each independent entry of ``K``."""
    from provenn.theory.kernels import products, responses

    activation = ACTIVATIONS[name]
    K = torch.tensor([[1.1, 0.4], [0.4, 0.8]], dtype=torch.float64)
    pairs = ((0, 0), (0, 1), (1, 1))
    J = responses(activation, K, pairs)
    step = 1e-4
    for column, (c, d) in enumerate(pairs):
        change = torch.zeros_like(K)
        change[c, d] = change[d, c] = step
        moved = [products(activation, K + sign * change)[0] for sign in (1, -1)]
        slope = (moved[0] - moved[1]) / (2 * step)
        expected = torch.stack([slope[a, b] for a, b in pairs])
        torch.testing.assert_close(J[:, column], expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["relu", *SMOOTH])
def test_vertex_is_symmetric_and_positive(name):
    found = EffectiveTheory(name).vertices(X, 4)
    tolerance = 2e-3 if name == "relu" else 1e-4
    for V in found.V[1:]:
        torch.testing.assert_close(V, V.T)
        least = float(torch.linalg.eigvalsh(V)[0])
        assert least > -tolerance * float(V.abs().max())


@pytest.mark.parametrize("name", ["relu", "tanh", "gelu"])
def test_vertex_of_one_input_is_its_diagonal_entry(name):
    theory = EffectiveTheory(name)
    found = theory.vertices(X[:2], 5, width=(20, 40, 30, 10))
    for i in range(2):
        row = found.pairs.index((i, i))
        flow = theory.flow(float(X[i].square().mean()), 5, width=(20, 40, 30, 10))
        torch.testing.assert_close(found.V[:, row, row], flow.V, rtol=1e-9, atol=1e-12)


def test_identical_inputs_have_equal_entries():
    found = EffectiveTheory("tanh").vertices(X[[0, 0]], 4)
    V = found.V[-1]
    torch.testing.assert_close(V, V[0, 0].expand_as(V), rtol=1e-8, atol=1e-12)


def test_scale_invariant_networks_with_orthogonal_inputs():
    """Linear: V_(ab)(cd) = (ℓ-1) (K_ac K_bd + K_ad K_bc)."""
    x = torch.tensor([[1.0, 0.5], [0.2, -0.7]], dtype=torch.float64)
    found = EffectiveTheory("linear").vertices(x, 4)
    K = found.K[0]
    for layer, V in enumerate(found.V):
        for i, (a, b) in enumerate(found.pairs):
            for j, (c, d) in enumerate(found.pairs):
                expected = layer * (K[a, c] * K[b, d] + K[a, d] * K[b, c])
                assert float(V[i, j]) == pytest.approx(float(expected), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("x", [torch.zeros(2, 3), torch.ones(0, 3), torch.full((1, 2), torch.nan)])
def test_malformed_inputs_are_named(x):
    with pytest.raises(ValueError, match="x must"):
        EffectiveTheory("tanh").vertices(x, 3)
