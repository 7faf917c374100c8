"""Fitting: it helps the solver, it repeats itself, it goes on from where it stopped."""

import pytest
import torch

from provenn.linalg import (
    DCDMFitting,
    DCDMNet,
    PoissonOperator,
    dcdm,
    fit_dcdm,
    ritz_rhs,
    spectrum,
)

A = PoissonOperator((12, 12))


def network():
    torch.manual_seed(0)
    return DCDMNet(2, channels=8)


def losses(fitting, n):
    return [fitting.step() for _ in range(n)]


def test_a_fitted_network_needs_fewer_steps_than_conjugate_gradients(generator):
    A = PoissonOperator((16, 16))
    torch.manual_seed(0)
    net = DCDMNet(2)
    curve = fit_dcdm(net, A, spectrum(A), 200)
    assert not net.training
    assert sum(curve[-10:]) < 0.3 * sum(curve[:10])
    (b,) = ritz_rhs(A, 1, generator=generator, dtype=torch.float64)
    learned = dcdm(A, b, net)[1]
    plain = dcdm(A, b, lambda r: r)[1]
    assert learned.n_fallback == 0
    assert learned.n_iter < 0.75 * plain.n_iter


@pytest.mark.parametrize("data", [ritz_rhs(A, 25), spectrum(A)], ids=["vectors", "spectrum"])
def test_it_goes_on_from_a_state(data):
    options = {"steps": 8, "batch_size": 10, "seed": 3}
    straight = losses(DCDMFitting(network(), A, data, **options), 8)
    first = DCDMFitting(network(), A, data, **options)
    begun = losses(first, 5)
    state = first.state_dict()
    other = DCDMNet(2, channels=8)
    resumed = DCDMFitting(other, A, data, **options)
    resumed.load_state_dict(state)
    assert resumed.taken == 5
    assert begun + losses(resumed, 3) == straight


def test_every_pass_sees_every_vector_once():
    data = torch.eye(144).reshape(144, 12, 12)[:7]
    fitting = DCDMFitting(network(), A, data, steps=6, batch_size=3)
    seen = torch.cat([fitting._batch().flatten(1).argmax(1) for _ in range(3)])
    assert sorted(seen.tolist()) == list(range(7))


@pytest.mark.parametrize(("schedule", "last"), [("cosine", 2e-4), ("constant", 1e-3)])
def test_the_learning_rate_follows_its_schedule(schedule, last):
    fitting = DCDMFitting(
        network(), A, spectrum(A), steps=4, final_lr=2e-4, schedule=schedule, batch_size=1
    )
    rates = []
    while not fitting.done:
        rates.append(fitting.optimizer.param_groups[0]["lr"])
        fitting.step()
    rates.append(fitting.optimizer.param_groups[0]["lr"])
    assert rates[0] == 1e-3
    assert rates[-1] == pytest.approx(last)
    assert rates == sorted(rates, reverse=True)


def test_the_weight_of_the_low_part_reaches_the_draws():
    for weight, least, most in ((9.0, 0.96, 1.0), (0.0, 0.0, 1e-9)):
        fitting = DCDMFitting(network(), A, spectrum(A), steps=1, low_weight=weight)
        b = fitting._batch().double()
        cosines = spectrum(A).combine(torch.eye(143, dtype=torch.float64)).flatten(1)
        energy = (b.flatten(1) @ cosines.T).square()
        assert least <= float(energy[:, : round(0.55 * 143)].sum(1).mean()) <= most


def test_bfloat16_is_an_option():
    fitting = DCDMFitting(network(), A, spectrum(A), steps=2, autocast=True)
    assert all(0 < loss < 2 for loss in losses(fitting, 2))
    assert fitting.net.first.weight.dtype == torch.float32


def test_no_step_comes_after_the_last():
    fitting = DCDMFitting(network(), A, spectrum(A), steps=1, batch_size=1)
    fitting.step()
    with pytest.raises(RuntimeError, match="all 1 steps are taken"):
        fitting.step()


def test_a_loss_that_is_not_finite_stops_it():
    net = network()
    net.out.weight.data.fill_(torch.inf)
    with pytest.raises(RuntimeError, match=r"the loss of step 0 is nan; lower lr = 0.001"):
        DCDMFitting(net, A, spectrum(A), steps=1).step()
