"""Hypernetworks: homogeneity, the residual form, batches, and the primary network."""

import contextlib
import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call
from torch.nn.functional import mse_loss

from provenn.hyper import Condition, HyperNetwork
from tests.hyper.networks import Tied, cnn, flat, mlp

DEFAULT = {"encoding": "none", "residual": False}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@settings(max_examples=25)
@given(
    scale=st.floats(1e-3, 1e3),
    hidden=st.lists(st.integers(2, 20), min_size=1, max_size=4),
    activation=st.sampled_from(["relu", "leaky_relu"]),
    d=st.integers(1, 4),
)
def test_ordinary_hypernetworks_are_proportional_to_their_input(scale, hidden, activation, d):
    torch.manual_seed(0)
    hyper = HyperNetwork(mlp(), {"lam": d}, hidden, activation=activation, **DEFAULT).double()
    gamma = torch.rand(d, dtype=torch.float64) + 0.1
    torch.testing.assert_close(
        flat(hyper(lam=scale * gamma)), scale * flat(hyper(lam=gamma)), rtol=1e-5, atol=1e-12
    )


@pytest.mark.parametrize("activation", ["tanh", "gelu", "silu"])
def test_smooth_activations_are_not_homogeneous(activation):
    hyper = HyperNetwork(mlp(), {"lam": 1}, activation=activation, **DEFAULT)
    ratio = flat(hyper(lam=1.0)).norm() / flat(hyper(lam=0.01)).norm()
    assert abs(ratio / 100 - 1) > 1e-3


def test_mip_keeps_the_magnitude():
    default, mip = HyperNetwork(mlp(), {"lam": 1}, **DEFAULT), HyperNetwork(mlp(), {"lam": 1})
    ratios = [
        float(flat(hyper(lam=1.0)).detach().norm() / flat(hyper(lam=0.01)).detach().norm())
        for hyper in (default, mip)
    ]
    assert ratios[0] == pytest.approx(100, rel=1e-4)
    assert 0.7 < ratios[1] < 1.4


def test_normalising_a_raw_number_erases_it():
    hyper = HyperNetwork(mlp(), {"lam": 1}, norm="layer", **DEFAULT).double()
    for layer in hyper.hidden:
        if isinstance(layer, nn.LayerNorm):
            layer.eps = 0.0
    torch.testing.assert_close(flat(hyper(lam=0.1)), flat(hyper(lam=0.9)))


@pytest.mark.parametrize("options", [{}, DEFAULT, {"encoding": "complement"}, {"rank": 1}])
def test_change_is_the_output_without_its_bias(options):
    hyper = HyperNetwork(mlp(), {"lam": 2}, **options)
    with torch.no_grad():
        for p in hyper.parameters():
            p.add_(0.1 * torch.randn_like(p))
    gamma = torch.rand(2)
    theta, change = hyper(lam=gamma), hyper.change(lam=gamma)
    assert list(theta) == [n for n, _ in mlp().named_parameters()] == list(hyper.shapes)
    for name, base in hyper.theta0.items():
        torch.testing.assert_close(theta[name] - base, change[name])
    before = {name: value.clone() for name, value in change.items()}
    with torch.no_grad():
        for base in hyper.theta0.values():
            base.zero_()
    for name, value in hyper(lam=gamma).items():
        torch.testing.assert_close(value, before[name])


def test_without_output_weights_the_primary_is_an_ordinary_network():
    hyper = HyperNetwork(mlp(), {"lam": 1})
    nn.init.zeros_(hyper.output.weight)
    ordinary = copy.deepcopy(hyper.primary)
    x = torch.randn(7, 4)
    for lam in (0.0, 0.3, 1.0):
        for name, value in hyper(lam=lam).items():
            assert torch.equal(value, ordinary.get_parameter(name))
        assert torch.equal(hyper.call(x, lam=lam), ordinary(x))


def test_a_trained_network_is_reproduced_exactly():
    trained = cnn()
    x = torch.randn(5, 1, 6, 6)
    trained(x)  # moves the running statistics
    trained.eval()
    hyper = HyperNetwork.from_pretrained(trained, {"lam": 1})
    assert torch.equal(hyper.call(x, lam=0.7), trained(x))
    moving = HyperNetwork.from_pretrained(trained, {"lam": 1}, zero_init=False)
    assert not torch.equal(moving.call(x, lam=0.7), trained(x))
    for name, base in moving.theta0.items():
        assert torch.equal(base, trained.get_parameter(name))
        assert base is not trained.get_parameter(name)


def test_gradient_of_the_base_is_the_gradient_of_the_weights():
    hyper = HyperNetwork(mlp(), {"lam": 1})
    x, y = torch.randn(7, 4), torch.randn(7, 3)
    theta = {n: v.detach().requires_grad_() for n, v in hyper(lam=0.4).items()}
    mse_loss(functional_call(hyper.primary, theta, (x,)), y).backward()
    mse_loss(hyper.call(x, lam=0.4), y).backward()
    for name, base in hyper.theta0.items():
        torch.testing.assert_close(base.grad, theta[name].grad)


def test_a_step_on_the_base_alone_is_a_step_of_the_ordinary_network():
    hyper = HyperNetwork(mlp(), {"lam": 1}, output_init="zero")
    ordinary = copy.deepcopy(hyper.primary)
    x, y = torch.randn(7, 4), torch.randn(7, 3)
    for output, parameters in (
        (hyper.call(x, lam=0.4), hyper.theta0.values()),
        (ordinary(x), ordinary.parameters()),
    ):
        mse_loss(output, y).backward()
        torch.optim.SGD(parameters, lr=0.1).step()
    for name, base in hyper.theta0.items():
        assert torch.equal(base, ordinary.get_parameter(name))


def test_number_of_parameters():
    hyper = HyperNetwork(mlp(), {"lam": 3}, (16, 12), encoding="circle")
    P = sum(p.numel() for p in mlp().parameters())
    expected = (6 * 16 + 16) + (16 * 12 + 12) + P * (12 + 1)
    assert sum(p.numel() for p in hyper.parameters()) == expected


@pytest.mark.parametrize("options", [{}, DEFAULT, {"rank": 2}, {"norm": "batch"}])
def test_a_batch_of_conditions_is_a_loop(options):
    hyper = HyperNetwork(cnn(), {"lam": 2, "mu": 1}, **options).eval()
    lam, mu, x = torch.rand(5, 2), torch.rand(5, 1), torch.randn(5, 1, 6, 6)
    theta = hyper(lam=lam, mu=mu)
    output = hyper.call(x, lam=lam, mu=mu)
    for i in range(5):
        one = hyper(lam=lam[i], mu=mu[i])
        for name, value in one.items():
            torch.testing.assert_close(theta[name][i], value, atol=1e-5, rtol=1e-5)
        row = hyper.call(x[i : i + 1], lam=lam[i], mu=mu[i])[0]
        torch.testing.assert_close(output[i], row, atol=1e-5, rtol=1e-5)


def test_gradients_of_a_batch_are_those_of_a_loop():
    hyper = HyperNetwork(mlp(), {"lam": 1}).double()
    lam, x = torch.rand(5, 1).double(), torch.randn(5, 4).double()
    gradients = []
    for output in (
        hyper.call(x, lam=lam),
        torch.cat([hyper.call(x[i : i + 1], lam=lam[i]) for i in range(5)]),
    ):
        hyper.zero_grad()
        output.square().sum().backward()
        gradients.append([p.grad.clone() for p in hyper.parameters()])
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b)


def test_one_number_stands_beside_a_batch():
    hyper = HyperNetwork(mlp(), {"lam": 1, "mu": 1})
    lam = torch.rand(3, 1)
    beside = hyper(lam=lam, mu=0.5)
    repeated = hyper(lam=lam, mu=torch.full((3, 1), 0.5))
    torch.testing.assert_close(flat(beside, 1), flat(repeated, 1))
    side_by_side = hyper(torch.tensor([0.2, 0.5]))
    assert torch.equal(flat(side_by_side), flat(hyper(mu=0.5, lam=torch.tensor(0.2))))


def test_some_parameters_are_predicted_and_the_others_are_trained():
    hyper = HyperNetwork(cnn(), {"lam": 1}, parameters=["0.*", "5.bias"])
    assert list(hyper.shapes) == ["0.weight", "0.bias", "5.bias"]
    x = torch.randn(4, 1, 6, 6)
    hyper.call(x, lam=0.1).square().sum().backward()
    assert hyper.primary.get_parameter("5.weight").grad is not None
    assert hyper.primary.get_parameter("1.weight").grad is not None
    assert hyper.primary[1].num_batches_tracked == 1


def test_shared_parameters_are_predicted_once():
    hyper = HyperNetwork(Tied(), {"lam": 1})
    assert list(hyper.shapes) == ["first.weight", "first.bias", "second.bias"]
    x, lam = torch.randn(3, 4), torch.rand(3, 1)
    out = hyper.call(x, lam=lam)
    assert {name: tuple(v.shape) for name, v in out.items()} == {"y": (3, 4), "sum": (3,)}
    theta = hyper(lam=0.3)
    with hyper.using(theta) as primary:
        inside = primary(x)
        assert primary.second.weight is theta["first.weight"]
    for name, value in hyper.call(x, lam=0.3).items():
        torch.testing.assert_close(inside[name], value)


def test_context_restores_the_primary_also_after_an_error():
    hyper = HyperNetwork(mlp(), {"lam": 1})
    x = torch.randn(2, 4)
    own = dict(hyper.primary.named_parameters())
    a, b = hyper(lam=0.1), hyper(lam=0.9)
    with hyper.using(a) as primary:
        outer = primary(x)
        with contextlib.suppress(ZeroDivisionError), hyper.using(b):
            assert not torch.equal(primary(x), outer)
            assert torch.equal(flat(hyper(lam=0.1)), flat(a))
            raise ZeroDivisionError
        assert torch.equal(primary(x), outer)
    assert torch.equal(outer, functional_call(hyper.primary, a, (x,)))
    assert all(p is own[name] for name, p in hyper.primary.named_parameters())


def test_gradients_pass_through_the_context():
    hyper = HyperNetwork(mlp(), {"lam": 1})
    x = torch.randn(2, 4)
    with hyper.using(hyper(lam=0.1)) as primary:
        primary(x).sum().backward()
    inside = [p.grad.clone() for p in hyper.parameters()]
    hyper.zero_grad()
    hyper.call(x, lam=0.1).sum().backward()
    for a, p in zip(inside, hyper.parameters(), strict=True):
        torch.testing.assert_close(a, p.grad)


def test_materialized_network_is_ordinary():
    hyper = HyperNetwork(cnn(), {"lam": 1}).eval()
    x = torch.randn(2, 1, 6, 6)
    network = hyper.materialize(lam=0.3)
    assert type(network) is nn.Sequential
    assert not network.training
    torch.testing.assert_close(network(x), hyper.call(x, lam=0.3))
    assert all(p.is_leaf and p.requires_grad for p in network.parameters())


@pytest.mark.parametrize("move", ["state", "copy", "double"])
def test_theta0_survives(move):
    hyper = HyperNetwork.from_pretrained(mlp(), {"lam": 1}, zero_init=False)
    if move == "state":
        other = HyperNetwork(mlp(), {"lam": 1})
        other.load_state_dict(hyper.state_dict())
    elif move == "copy":
        other = copy.deepcopy(hyper)
    else:
        other = copy.deepcopy(hyper).to(torch.float64)
    for name, base in hyper.theta0.items():
        assert torch.equal(other.theta0[name].float(), base)
        torch.testing.assert_close(other(lam=0.3)[name].float(), hyper(lam=0.3)[name])


def test_the_given_network_is_left_alone():
    net = mlp()
    before = copy.deepcopy(net.state_dict())
    HyperNetwork(net, {"lam": 1}, **DEFAULT)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_domains_are_rescaled_and_guarded():
    hyper = HyperNetwork(mlp(), {"decay": Condition(lo=-6.0, hi=-2.0)})
    unit = HyperNetwork(mlp(), {"decay": 1})
    unit.load_state_dict(hyper.state_dict())
    assert torch.equal(flat(hyper(decay=-3.0)), flat(unit(decay=0.75)))
    with pytest.raises(ValueError, match=r"within \[-6, -2\], got values from 0 to 0"):
        hyper(decay=0.0)
    raw = HyperNetwork(mlp(), {"decay": Condition(lo=-6.0, hi=-2.0)}, **DEFAULT)
    torch.testing.assert_close(flat(raw(decay=4.0)), 4 * flat(raw(decay=1.0)))


def test_unbounded_inputs_go_through_their_distribution():
    hyper = HyperNetwork(mlp(), {"noise": Condition(4, law="normal")})
    drawn = hyper.sample_inputs(3, generator=torch.Generator().manual_seed(0))
    assert drawn["noise"].shape == (3, 4)
    unit = HyperNetwork(mlp(), {"noise": 4})
    unit.load_state_dict(hyper.state_dict())
    torch.testing.assert_close(
        flat(hyper(**drawn), 1), flat(unit(noise=torch.special.ndtr(drawn["noise"])), 1)
    )
    assert flat(hyper(noise=torch.full((4,), 100.0))).isfinite().all()


def test_unit_norm_divides_the_encoding():
    wide = HyperNetwork(mlp(), {"lam": 16})
    unit = HyperNetwork(mlp(), {"lam": 16}, unit_norm=True)
    unit.load_state_dict(wide.state_dict())
    gamma = torch.rand(16)
    change = flat(wide.change(lam=gamma)).norm() / flat(unit.change(lam=gamma)).norm()
    assert change.item() == pytest.approx(math.sqrt(16), rel=1e-4)


def test_low_rank_changes_have_that_rank_and_fewer_numbers():
    net = nn.Sequential(nn.Conv2d(8, 16, 3), nn.Flatten(), nn.Linear(16, 10))
    hyper = HyperNetwork(net, {"lam": 1}, rank=2)
    full = HyperNetwork(net, {"lam": 1})
    assert hyper.output.weight.numel() < full.output.weight.numel() / 3
    nn.init.normal_(hyper.output.weight)
    change = hyper.change(lam=0.3)
    assert torch.linalg.matrix_rank(change["0.weight"].flatten(1)) == 2
    assert torch.linalg.matrix_rank(change["2.weight"]) == 2
    assert change["2.bias"].shape == (10,)


def test_batch_norm_in_training_needs_one_condition():
    hyper = HyperNetwork(cnn(), {"lam": 1})
    with pytest.raises(ValueError, match="batch norm '1' of the primary is in training mode"):
        hyper.call(torch.randn(3, 1, 6, 6), lam=torch.rand(3, 1))


def test_repr_tells_what_is_predicted():
    hyper = HyperNetwork(mlp(), {"lam": 1}, rank=1, unit_norm=True)
    assert "encoding='circle', residual=True, unit_norm=True, rank=1" in repr(hyper)
    assert "predicts 6 parameters of 83 numbers" in repr(hyper)
