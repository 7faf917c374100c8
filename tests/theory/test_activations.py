"""Activations: what is read, what is refused, and derivatives against autograd."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from provenn.theory import ACTIVATIONS
from provenn.theory.activations import Activation, angle, as_activation

Z = torch.linspace(-4, 4, 81, dtype=torch.float64) + 0.01
NAMES = sorted(ACTIVATIONS)


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_are_those_of_autograd(name):
    activation = ACTIVATIONS[name]
    values, first = activation.derivatives(Z, 1)
    torch.testing.assert_close(activation(Z), values)
    torch.testing.assert_close(activation.derivative(Z), first, rtol=1e-7, atol=1e-12)


TAYLOR = {
    "tanh": (0, 1, 0, -2),
    "sin": (0, 1, 0, -1),
    "scaled_erf": (0, 1, 0, -math.pi / 2),
    "gelu": (0, 0.5, 2 / math.sqrt(2 * math.pi), 0),
    "silu": (0, 0.5, 0.5, 0),
    "softplus": (math.log(2), 0.5, 0.25, 0),
    "sigmoid": (0.5, 0.25, 0, -0.125),
}


@pytest.mark.parametrize(("name", "expected"), TAYLOR.items())
def test_taylor_coefficients_at_zero(name, expected):
    assert ACTIVATIONS[name].taylor() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("module", [nn.ELU(), nn.SELU(), nn.CELU(alpha=2.0), torch.relu])
def test_a_kink_at_zero_has_no_taylor_coefficients(module):
    assert as_activation(module).taylor() is None


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("swish", "silu"), ("identity", "linear"), (nn.ReLU(), "relu"), (nn.GELU(), "gelu"),
        (torch.tanh, "tanh"), (functional.silu, "silu"), (nn.Identity(), "linear"),
    ],
)  # fmt: skip
def test_known_modules_and_functions_are_recognised(given, name):
    assert as_activation(given) is ACTIVATIONS[name]


def test_a_scale_invariant_function_is_noticed():
    activation = as_activation(lambda z: torch.where(z > 0, 3 * z, -0.5 * z))
    assert activation.slopes == pytest.approx((-0.5, 3.0))
    assert as_activation(nn.LeakyReLU(0.2)).slopes == pytest.approx((0.2, 1.0))


def test_another_function_stays_itself():
    activation = as_activation(lambda z: z * torch.tanh(z))
    assert isinstance(activation, Activation)
    assert activation.slopes is None
    torch.testing.assert_close(activation(Z), Z * torch.tanh(Z))


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ("rleu", ValueError, "'rleu'"),
        (nn.ReLU, TypeError, "type"),
        (nn.Softmax(-1), ValueError, "each number alone"),
        (nn.Linear(1, 1), ValueError, "no parameters"),
        (lambda z: z - z.mean(), ValueError, "each number alone"),
        (torch.log, ValueError, "each number alone"),
        (lambda z: z.float(), ValueError, "torch.float32"),
        (lambda z: z @ z @ z, ValueError, "an error"),
    ],
)
def test_what_is_no_activation_is_refused(given, error, says):
    with pytest.raises(error, match=says):
        as_activation(given)


def test_angle_is_exact_at_its_ends():
    one = torch.ones(3, dtype=torch.float64)
    given = torch.tensor([1.0, -1.0, 0.0], dtype=torch.float64)
    expected = torch.tensor([0.0, math.pi, math.pi / 2], dtype=torch.float64)
    torch.testing.assert_close(angle(one, one, given), expected, rtol=0, atol=1e-15)
    near = torch.tensor([1 - 1e-14], dtype=torch.float64)
    assert float(angle(one[:1], one[:1], near)) == pytest.approx(math.sqrt(2e-14), rel=0.02)


def test_gradients_are_off_outside():
    with torch.no_grad():
        assert float(ACTIVATIONS["tanh"].derivatives(torch.zeros(1), 1)[1]) == 1.0
    with torch.inference_mode():
        assert not ACTIVATIONS["tanh"].derivatives(torch.zeros(1), 2)[2].requires_grad
