"""The page of mip-hypernet: what it declares, what a trial measures, and that its control bites."""

import dataclasses
import math
from io import StringIO

import numpy as np
import pytest
import torch

from provenn import papers
from provenn.papers import mip_hypernet
from provenn.papers.hypernetworks import (
    figures,
    measure,
    methods,
    networks,
    problems,
    stages,
    training,
)
from provenn.papers.hypernetworks.networks import DIGITS, REGISTRATION
from tests.papers.running import StageContext, attempted, task_of

TINY = {"digits_steps": 6}


def run(preset="quick", seed=0, **overrides):
    return attempted(task_of("mip-hypernet", preset, seed, **{**TINY, **overrides}))


@pytest.fixture(autouse=True, scope="module")
def _small():
    """Few images are evaluated on, and steps are timed for a moment."""

    def few(ctx):
        drawn = problems.digits(ctx)
        held_out = [(x[:30], y[:30]) for x, y in (drawn.validation, drawn.test)]
        return problems.Images(drawn.train, *held_out)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "STEP_TIME_ROUNDS", 1)
        patch.setattr(stages, "digits", few)
        patch.setattr(stages, "mnist", lambda ctx, train, **_: problems.mnist(ctx, train, 20, 20))
        yield


@pytest.fixture(scope="module")
def tiny(_small):
    return run()


def images(count=24, classes=2, size=8):
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(count) % classes
    x = torch.rand(count, 1, size, size, generator=generator) + y[:, None, None, None]
    return problems.Images((x, y), (x, y), (x, y))


def test_every_claim_of_the_paper_is_there():
    claims = {claim.id: claim for claim in mip_hypernet.CLAIMS}
    assert {claim_id.partition("-")[0] for claim_id in claims} == {
        *(f"c{i}" for i in range(1, 9)),
        "ours",
    }
    assert claims["c4-oasis"].unjudged
    assert {i for i, c in claims.items() if "not in the paper" in c.says} == {
        i for i in claims if i.startswith("ours-")
    }


def test_trial_measures_what_the_claims_of_quick_read(tiny):
    trial, _ = tiny
    for claim in mip_hypernet.CLAIMS:
        if "quick" in claim.presets:
            margins = claim.relation.margins(trial.scalars(), trial.series)
            assert all(math.isfinite(m) for m in margins), claim.id


def test_proportionality_is_exact_at_the_start(tiny):
    scalars = tiny[0].scalars()
    assert scalars["default.init_ratio"] == pytest.approx(100, rel=1e-3)
    assert scalars["hyperfan-in.init_ratio"] == pytest.approx(100, rel=1e-3)
    assert scalars["proportionality_error"] < 1e-3
    for name in ("mip", "residual", "hyperlight"):
        assert scalars[f"{name}.init_ratio"] == pytest.approx(1, abs=0.1)


def test_every_competitor_has_quality_and_cost(tiny):
    trial, _ = tiny
    scalars = trial.scalars()
    names = [c.name for c in trial.metrics.competitors]
    assert names == [*stages.COMPONENTS, *stages.OTHERS]
    assert [c.package for c in trial.metrics.competitors if c.package] == ["hyperlight"]
    for name in names:
        for metric in ("accuracy_adam_half", "parameters", "flops", "wall_s"):
            assert scalars[f"{name}.{metric}"] > 0, (name, metric)
    assert scalars["mip.parameters"] == scalars["hyperlight.parameters"]
    assert scalars["mip.parameters"] - scalars["default.parameters"] == 16
    assert scalars["film.parameters"] < scalars["low-rank.parameters"] < scalars["mip.parameters"]


def test_trial_repeats_itself(tiny):
    again, _ = run()
    assert again.metrics.repeatable() == tiny[0].metrics.repeatable()
    for name, curve in tiny[0].series.items():
        np.testing.assert_array_equal(curve, again.series[name])


def test_the_control_is_the_default(monkeypatch):
    monkeypatch.setattr(stages, "OTHERS", ())
    trial, _ = run(parametrisation="default")
    scalars = trial.scalars()
    for metric in ("accuracy_adam_half", "accuracy_sgd", "init_ratio", "gradient_cv_adam"):
        assert scalars[f"mip.{metric}"] == scalars[f"default.{metric}"]
    page = papers.load("mip-hypernet")
    for ablation in page.ablations:
        for claim_id in ablation.breaks:
            claim = page.claim(claim_id)
            if "quick" in claim.presets:
                assert min(claim.relation.margins(scalars, trial.series)) <= 0, claim_id


def test_ablations_cover_every_strict_claim():
    broken = {claim for ablation in mip_hypernet.ABLATIONS for claim in ablation.breaks}
    strict = {c.id for c in mip_hypernet.CLAIMS if c.relation and c.relation.strict}
    assert strict - {"c8-deep", "ours-folding"} <= broken


def test_without_the_optional_peer(monkeypatch):
    monkeypatch.setattr(stages, "OTHERS", ())
    for module in (methods, mip_hypernet):
        monkeypatch.setattr(module, "HYPERLIGHT", False)
    trial, events = run()
    assert "hyperlight" not in [c.name for c in trial.metrics.competitors]
    assert any("hyperlight is missing" in getattr(e, "note", "") for e in events)


def test_methods_condition_a_network():
    known = methods.methods(methods.MIP)
    x, gamma = torch.rand(6, 1, 8, 8), torch.tensor([0.25, 0.5])
    for name, method in known.items():
        torch.manual_seed(0)
        model = method.build(DIGITS, 2)
        y = model(x, gamma)
        assert y.shape == (6, 10), name
        y.square().sum().backward()
        assert all(p.grad is not None for p in model.parameters()), name


def test_several_conditions_share_a_batch():
    model = methods.hyper(DIGITS, 1)
    x, gamma = torch.rand(6, 1, 8, 8), torch.tensor([[0.1], [0.7], [0.9]])
    expected = torch.cat([model(x[2 * i : 2 * i + 2], gamma[i]) for i in range(3)])
    torch.testing.assert_close(model(x, gamma), expected)


def test_hyperlight_predicts_the_same_parameters_as_ours():
    mnist = networks.MNIST
    ours, theirs = methods.hyper(mnist, 1), methods.Official(mnist, 1)
    assert ours.hyper.shapes == theirs.primary.external_shapes()
    assert "head.weight" not in ours.hyper.shapes


def test_warping_by_nothing_and_by_a_pixel():
    x = torch.rand(2, 1, 6, 6)
    flow = torch.zeros(2, 2, 6, 6)
    torch.testing.assert_close(problems.warp(x, flow), x)
    assert problems.smoothness(flow) == 0
    flow[:, 0] = 1.0  # one column to the right
    torch.testing.assert_close(problems.warp(x, flow)[..., :-1], x[..., 1:], rtol=0, atol=1e-6)
    slope = torch.zeros(1, 2, 6, 6)
    slope[:, 1] = 0.5 * torch.arange(6)[:, None]
    assert problems.smoothness(slope).item() == pytest.approx(0.25)


def test_folding_is_seen():
    pairs = problems.Pairs(*(torch.rand(4, 2, 8, 8) for _ in range(3)))
    problem = problems.Registration(REGISTRATION, pairs)

    class Stretch(torch.nn.Module):
        """Columns are read at ``(1 + factor) column``; -2 reflects."""

        def __init__(self, factor):
            super().__init__()
            self.factor = factor

        def forward(self, x, gamma):
            flow = torch.zeros(len(x), 2, 8, 8)
            flow[:, 0] = self.factor * torch.arange(8)
            return flow

    assert problem.folding(Stretch(-2.0), 0.5) == 1.0
    assert problem.folding(Stretch(0.0), 0.5) == 0.0


def test_pairs_are_of_one_class_and_not_of_one_image():
    given = images()
    pairs = problems.pairs_of(given, StageContext(), 3, 4)
    x, y = given.train
    for pair, label in zip(pairs.train, y, strict=True):
        partner = (x == pair[1:]).flatten(1).all(1).nonzero().flatten()
        assert len(partner) == 1
        assert y[partner] == label
        assert not torch.equal(pair[0], pair[1])
    assert (len(pairs.train), len(pairs.validation), len(pairs.test)) == (24, 3, 4)


def test_registration_learns_to_align():
    pairs = problems.Pairs(*(torch.rand(8, 2, 8, 8) for _ in range(3)))
    problem = problems.Registration(REGISTRATION, pairs)
    recipe = training.Recipe(optimizer="adam", lr=1e-3, steps=30, marks=(1, 30), batch_size=8)
    course = training.train(
        lambda: methods.hyper(REGISTRATION, 1), problem, recipe, 0, torch.device("cpu")
    )
    assert course.test[-1] > course.test[0]


def test_the_best_course_is_chosen_on_validation_data():
    def course(validation, test):
        return training.Course(torch.nn.Identity(), validation, test)

    courses = [course([0.1, 0.9, 0.9], [0.5, 0.6, 0.7]), course([0.9, 0.95, 0.8], [0.1, 0.9, 0.9])]
    assert training.best_of(courses, (10, 20, 30), target=0.9) == (1, 20)
    assert training.best_of(courses, (10, 20, 30)) == (0, 30)
    assert training.best_of(courses, (10, 20, 30), target=0.99) == (0, 30)


def test_grid_counts_wins(monkeypatch):
    monkeypatch.setattr(measure, "ACTIVATIONS", ("relu", "tanh"))
    metrics = measure.ablation_grid(
        images(64, 10), StageContext(), ours=methods.DEFAULT, steps=2, rates=(1e-3,)
    )
    assert metrics.values == {"grid_wins": 6, "architecture_wins": 3}  # equals itself everywhere
    assert metrics.series["grid"].shape == (6, 2, 2)


def test_figures_are_drawn_from_stored_trials(tiny):
    other = dataclasses.replace(
        tiny[0], record=tiny[0].record.model_copy(update={"seed": 1}), metrics=tiny[0].metrics
    )
    drawn = mip_hypernet.figures([tiny[0], other])
    assert (
        set(drawn) == {"magnitude", "gradients", "learning", "cost"} <= set(mip_hypernet.CAPTIONS)
    )
    for figure in drawn.values():
        out = StringIO()
        figure.savefig(out, format="svg")
        assert out.getvalue().rstrip().endswith("</svg>")
    crashed = dataclasses.replace(
        tiny[0], record=tiny[0].record.model_copy(update={"status": "failed"})
    )
    assert mip_hypernet.figures([crashed]) == {}


def test_example_runs():
    exec(mip_hypernet.EXAMPLE, {})  # noqa: S102 - the page's own text


@pytest.mark.parametrize("name", ["mip", "hyperlight", "ordinary"])
def test_large_networks_take_a_step(name, monkeypatch):
    from provenn.papers.hypernetworks import large

    small = networks.Primary(
        lambda extra, film: networks.ResNet((4, 4), 1, 10), networks.CIFAR.predicted
    )
    monkeypatch.setattr(large, "CIFAR", small)
    deep = networks.Primary(
        lambda extra, film: networks.ConvNet((3, 4, 4), 10, pools=(0,), norm=True)
    )
    monkeypatch.setattr(large, "VGG", deep)
    x, y = torch.randn(40, 3, 8, 8), torch.arange(40) % 10
    given = problems.Images((x, y), (x, y), (x, y))
    method = methods.methods(methods.MIP)[name]
    found = large.hyperparameters(method, given, StageContext(), steps=2, rates=(1e-3,))
    assert 0 <= found.competitors[0].quality["fixed_accuracy_cifar"] <= 1
    if name == "hyperlight":  # it does not initialise predicted scales of batch normalisation
        return
    found = large.deep(method, given, StageContext(), steps=2, rates=(1e-3,))
    assert 0 <= found.competitors[0].quality["accuracy_vgg"] <= 1


@pytest.mark.data
def test_the_laptop_measures_what_its_claims_read(monkeypatch):
    monkeypatch.setattr(stages, "BAYES_RATES", {"adam": (1e-3,), "sgd": (1e-2,)})
    monkeypatch.setattr(stages, "REGISTRATION_RATES", (1e-3,))
    monkeypatch.setattr(stages, "GRID_RATES", (1e-3,))
    monkeypatch.setattr(stages, "BAYES_EVERY", 2)
    for module in (measure, figures):
        monkeypatch.setattr(module, "ACTIVATIONS", ("relu",))
        monkeypatch.setattr(module, "ARCHITECTURES", {"shallow": (8,)})
    trial, _ = run("laptop", bayes_steps=2, registration_steps=3, grid_steps=2, mnist_images=100)
    for claim in mip_hypernet.CLAIMS:
        if "laptop" in claim.presets:
            margins = claim.relation.margins(trial.scalars(), trial.series)
            assert all(math.isfinite(m) for m in margins), claim.id
    assert set(mip_hypernet.figures([trial])) == set(mip_hypernet.CAPTIONS)
    assert set(trial.record.provenance.data) == {"digits/all", "mnist/train", "mnist/test"}
