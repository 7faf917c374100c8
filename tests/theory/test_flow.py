"""Single-input flows against the tables of the sheet and exact cases."""

import math

import pytest
import torch

from provenn.theory import EffectiveTheory, critical, scale_invariant_spread

TABLES = {
    "tanh": (
        [0.5, 0.273676, 0.185054, 0.138727, 0.110518, 0.091635],
        [0, 0.064880, 0.052462, 0.041612, 0.034031, 0.028642],
        [0, 0, -0.030597, -0.052823, -0.068687, -0.080481],
    ),
    "gelu": (
        [1.164452, 1.175719, 1.186710, 1.197437, 1.207912, 1.218147],
        [0, 6.149043, 12.131702, 17.967181, 23.672422, 29.262409],
        [0, 0, 0.156895, 0.455349, 0.881945, 1.424911],
    ),
}


@pytest.mark.parametrize(("name", "columns"), TABLES.items())
def test_tabulated_values(name, columns):
    flow = EffectiveTheory(name).flow(0.5, depth=6)
    for found, expected in zip((flow.K, flow.V, flow.G1), columns, strict=True):
        assert found.tolist() == pytest.approx(expected, abs=6e-7)


LIMITS = {
    "tanh": (0.5, (0.5801, 0.5121, 0.5017), (0.5524, 0.6480, 0.6641), (-0.1847, -0.3099, -0.3305)),
    "sin": (1.0, (0.9218, 0.9843, 0.9976), (0.5895, 0.6620, 0.6667), (-0.2098, -0.3180, -0.3319)),
    "scaled_erf": (2 / math.pi, (0.6886, 0.6440, 0.6376), None, None),
}


@pytest.mark.parametrize(("name", "expected"), LIMITS.items())
def test_falling_kernels_forget_their_input(name, expected):
    limit, *tabulated = expected
    layers = torch.tensor([10, 100, 1000])
    for mean_square in (0.3, 1.0, 4.0):
        flow = EffectiveTheory(name).flow(mean_square, depth=1000)
        at = layers - 1
        products = (flow.K[at] * layers, (flow.V / flow.K**2)[at] / layers)
        assert float(products[0][-1]) == pytest.approx(limit, rel=0.012)
        assert float(products[1][-1]) == pytest.approx(2 / 3, rel=0.01)
        correction = (flow.G1 / flow.K)[at] / layers
        assert float(correction[-1]) == pytest.approx(-1 / 3, abs=0.005)
        if mean_square == 1.0:
            for found, given in zip((*products, correction), tabulated, strict=True):
                if given is not None:
                    assert found.tolist() == pytest.approx(given, abs=6e-5)


def test_linear_networks_are_exact():
    flow = EffectiveTheory("linear").flow(0.7, depth=8)
    layers = torch.arange(8, dtype=torch.float64)
    torch.testing.assert_close(flow.K, torch.full_like(flow.K, 0.7))
    torch.testing.assert_close(flow.V, 2 * layers * 0.7**2, atol=1e-12, rtol=1e-10)
    off = EffectiveTheory("linear").flow(0.7, depth=8, C_b=0.0, C_W=1.3)
    torch.testing.assert_close(off.K, 0.7 * 1.3 ** (layers + 1))


def test_relu_networks_are_exact():
    flow = EffectiveTheory("relu").flow(0.5, depth=9, lr=(0.3, 0.7))
    layers = torch.arange(9, dtype=torch.float64)
    torch.testing.assert_close(flow.V / flow.K**2, 5 * layers, atol=1e-10, rtol=1e-10)
    assert float(flow.G1.abs().max()) < 1e-10
    torch.testing.assert_close(flow.Theta, (layers + 1) * (0.3 + 0.7 * 0.5))
    assert scale_invariant_spread(5.0, (50,) * 8) == pytest.approx((1 + 5 / 50) ** 8)


def test_half_stable_flows_come_near_slowly():
    """Flows that start at 1.4 K* fall towards the fixed point, over thousands of layers."""
    found = critical("gelu")
    start = (1.4 * found.K_star - found.C_b) / found.C_W
    flow = EffectiveTheory("gelu").flow(start, depth=3001)
    at = [10, 100, 1000, 3000]
    ratios = (flow.K[at] / found.K_star).tolist()
    assert ratios == pytest.approx([1.398, 1.382, 1.279, 1.182], abs=1e-3)


def test_tangent_kernel_reference_values():
    relu = EffectiveTheory("relu").flow(1.0, 4, C_b=0.0, C_W=2.0, lr=(0.3, 0.7))
    tanh = EffectiveTheory("tanh").flow(1.0, 4, lr=(0.3, 0.7))
    n = 64
    for flow, expected in (
        (relu, (4.0, 0.375, 0.437, 0.973, 0.844)),
        (tanh, (1.2363, 1.711e-3, 1.744e-2, 1.59e-3, -1.01e-3)),
    ):
        found = [float(v[-1]) for v in (flow.Theta, flow.F / n, flow.B / n, flow.A / n, flow.D / n)]
        assert found == pytest.approx(expected, rel=5e-3)


def test_theta_is_the_sum_of_its_contributions():
    for name in ("tanh", "gelu"):
        for gamma in (0.0, 0.6):
            flow = EffectiveTheory(name).flow(1.0, 7, gamma=gamma, lr=(0.4, 0.9))
            total = float(flow.contributions.sum())
            assert total == pytest.approx(float(flow.Theta[-1]), rel=1e-12)


def test_uniform_rates_grow_as_the_book_says():
    """λ_b ℓ / 2 from the biases of tanh networks, λ_W / 2 from their weights."""
    flow = EffectiveTheory("tanh").flow(1.0, 2000)
    biases, weights = flow.contributions.sum(1).tolist()
    assert biases == pytest.approx(2000 / 2, rel=0.02)
    assert weights == pytest.approx(0.5, rel=0.02)


def test_unequal_widths_weigh_what_came_before():
    theory = EffectiveTheory("relu")
    widths = (100, 200, 50)
    flow = theory.flow(1.0, 4, width=widths)
    spread = [float(v) for v in flow.fluctuation]
    sums = [0.0, 5 / 100, 5 / 100 + 5 / 200, 5 / 100 + 5 / 200 + 5 / 50]
    assert spread == pytest.approx(sums)
    assert flow.previous_width.tolist()[1:] == list(widths)


def test_mean_kernel_adds_the_correction():
    flow = EffectiveTheory("gelu").flow(1.0, 5, width=20)
    torch.testing.assert_close(flow.mean_kernel, flow.K + flow.G1 / 20)


@pytest.mark.parametrize("name", ["relu", "tanh", "gelu", "silu"])
def test_weak_skips_are_no_skips(name):
    theory = EffectiveTheory(name)
    plain = theory.flow(1.0, 6)
    found = critical(name)
    skipped = theory.flow(1.0, 6, gamma=1e-9, C_b=found.C_b, C_W=found.C_W)
    for field in ("K", "V", "G1", "Theta"):
        torch.testing.assert_close(
            getattr(skipped, field), getattr(plain, field), rtol=1e-6, atol=1e-7
        )
    assert skipped.A is None
    assert skipped.B is None


def test_strong_skips_leave_the_vertex_alone():
    flow = EffectiveTheory("relu").flow(1.0, 6, gamma=0.99999)
    assert float(flow.V.diff().abs().max()) < 1e-3


def test_linear_residual_networks_follow_the_published_recursion():
    gamma, K = 0.6, 0.8
    flow = EffectiveTheory("linear").flow(K, 6, gamma=gamma)
    C_W = 1 - gamma**2
    V = [0.0]
    for _ in range(5):
        V.append(2 * C_W**2 * K**2 + 4 * gamma**2 * K**2 * (1 - gamma**2) + V[-1])
    # The first layer has no skip and C_W = 1, which leaves the kernel at K.
    assert flow.V.tolist() == pytest.approx(V)


def test_hyperparameters_may_differ_from_layer_to_layer():
    theory = EffectiveTheory("relu")
    flow = theory.flow(1.0, 3, C_b=(0.0, 0.1, 0.2), C_W=(2.0, 1.0, 3.0), lr=((1, 2, 3), 0.5))
    assert flow.K.tolist() == pytest.approx([2.0, 0.1 + 1.0, 0.2 + 1.5 * 1.1])
    assert flow.rates[0].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"mean_square": 0.0}, "mean_square"),
        ({"depth": 0}, "depth"),
        ({"gamma": 1.0}, "gamma"),
        ({"C_W": (1.0, 2.0)}, "4 layers"),
        ({"C_W": 0.0}, "C_W"),
        ({"C_b": -0.1}, "C_b"),
        ({"lr": (0.1, -1.0)}, "lr\\[1\\]"),
        ({"width": (10, 20)}, "3 hidden layers"),
        ({"width": (10, 20, 10), "gamma": 0.5}, "same for all layers with skips"),
    ],
)
def test_malformed_arguments_are_named(options, says):
    with pytest.raises(ValueError, match=says):
        EffectiveTheory("tanh").flow(**{"mean_square": 1.0, "depth": 4, **options})
