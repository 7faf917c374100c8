"""The report tells a hypernetwork that follows its input's magnitude from one that does not."""

import math

import pytest
import torch
from torch.func import functional_call
from torch.nn.functional import mse_loss

from provenn.hyper import Condition, HyperNetwork, magnitude_report
from tests.hyper.networks import mlp

DEFAULT = {"encoding": "none", "residual": False}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def loss_of(hyper):
    x, y = torch.randn(32, 4), torch.randn(32, 3)
    return lambda theta, lam: mse_loss(functional_call(hyper.primary, theta, (x,)), y)


def test_norms_are_those_of_the_prediction():
    hyper = HyperNetwork(mlp(), {"lam": Condition(lo=2.0, hi=4.0)})
    report = magnitude_report(hyper, 5)
    assert report.gamma.flatten().tolist() == [2.0, 2.5, 3.0, 3.5, 4.0]
    theta = hyper(lam=2.5)
    norm = math.sqrt(sum(float(v.detach().square().sum()) for v in theta.values()))
    assert float(report.weight_norm[1]) == pytest.approx(norm, rel=1e-5)
    assert float(report.std["0.weight"][1]) == pytest.approx(
        float(theta["0.weight"].detach().square().mean().sqrt()), rel=1e-5
    )
    assert report.gradient_norm is None
    assert math.isnan(report.gradient_variation)


def test_an_ordinary_hypernetwork_is_told():
    hyper = HyperNetwork(mlp(), {"lam": Condition(lo=0.01, hi=1.0)}, **DEFAULT)
    report = magnitude_report(hyper, loss=loss_of(hyper))
    assert report.spread == pytest.approx(100, rel=1e-3)
    assert "varies by a factor of 100 over the domain" in str(report)
    assert "encoding='circle', residual=True" in str(report)
    assert len(str(report).splitlines()) == 13
    from_zero = magnitude_report(HyperNetwork(mlp(), {"lam": 1}, **DEFAULT))
    assert from_zero.spread == math.inf
    assert "infinitely many" in str(from_zero)


def test_mip_is_told():
    hyper = HyperNetwork(mlp(), {"lam": 1})
    report = magnitude_report(hyper, loss=loss_of(hyper))
    assert report.spread < 3
    assert "encoding=" not in str(report)
    ordinary = HyperNetwork(mlp(), {"lam": 1}, **DEFAULT)
    assert (
        magnitude_report(ordinary, loss=loss_of(ordinary)).gradient_variation
        > 2 * report.gradient_variation
    )


def test_gradient_norm_is_that_of_backward():
    hyper = HyperNetwork(mlp(), {"lam": 1})
    loss = loss_of(hyper)
    report = magnitude_report(hyper, 3, loss=loss)
    loss(hyper(lam=0.5), lam=0.5).backward()
    total = math.sqrt(sum(float(p.grad.square().sum()) for p in hyper.parameters()))
    assert float(report.gradient_norm[1]) == pytest.approx(total, rel=1e-5)


def test_several_numbers_are_drawn_from_their_domain():
    hyper = HyperNetwork(mlp(), {"lam": 3, "noise": Condition(2, law="normal")})
    generator = torch.Generator().manual_seed(0)
    report = magnitude_report(hyper, 6, generator=generator)
    norms = report.gamma.norm(dim=1)
    assert report.gamma.shape == (6, 5)
    assert torch.equal(norms, norms.sort().values)
    again = magnitude_report(hyper, 6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(again.gamma, report.gamma)
