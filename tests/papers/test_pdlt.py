"""The page of pdlt: what it declares, a small trial, its negative controls, its figures."""

import math
from io import StringIO

import pytest

from provenn import papers
from provenn.papers import pdlt
from tests.papers.running import attempted, task_of

TINY = {
    "still_nets": 300,
    "still_width": 100,
    "falling_nets": 200,
    "falling_width": 60,
    "falling_depth": 12,
    "skip_nets": 100,
    "tangent_nets": 60,
    "change_widths": (16, 32),
    "share_nets": 10,
    "digits_steps": 3,
}
LARGER = {
    "activations": ("sin", "gelu"),
    "pair_nets": 60,
    "collapse_widths": (16, 32),
    "tangent_widths": (8, 16),
    "every": True,
    "scan": "digits",
    "scan_depths": (3, 4),
    "scan_steps": 2,
    "scan_images": 600,
    "aspect_parameters": 2000,
    "aspect_depths": (3, 4),
}


def run(preset="quick", seed=0, **overrides):
    trial, _ = attempted(task_of("pdlt", preset, seed, **{**TINY, **overrides}))
    return trial


@pytest.fixture(scope="module")
def tiny():
    return run()


@pytest.fixture(scope="module")
def larger():
    """All stages of the larger presets; digits stand in for the images that are not bundled."""

    def digits(name, ctx, *, train, valid, test):
        return load(name, ctx, train=600, valid=200, test=597)

    load = pdlt.classified
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdlt, "classified", digits)
        return run(**LARGER)


def test_every_claim_of_the_sheet_is_there():
    ids = {claim.id.partition("-")[0] for claim in pdlt.CLAIMS}
    assert ids == {*(f"c{i}" for i in range(1, 10)), "ours"}
    judged = {p for c in pdlt.CLAIMS for p in c.presets}
    assert judged == {"quick", "laptop", "full"}


def test_quick_claims_find_their_metrics(tiny):
    for claim in pdlt.CLAIMS:
        if "quick" in claim.presets:
            margins = claim.relation.margins(tiny.scalars(), tiny.series)
            assert all(math.isfinite(m) for m in margins), claim.id


def test_larger_claims_find_their_metrics(larger):
    known = {*larger.scalars(), *larger.series}
    others = {f"vertex_error_{name}" for name in pdlt.PRESETS["laptop"].activations}
    for claim in pdlt.CLAIMS:
        assert set(claim.relation.metrics()) <= known | others, claim.id


def test_competitors_have_quality_and_cost(larger):
    scalars = larger.scalars()
    names = {c.name for c in larger.metrics.competitors}
    for activation, own in (("tanh", "xavier"), ("relu", "kaiming")):
        for start in ("critical", "subcritical", "default", "orthogonal", "lsuv", own):
            name = f"{activation}-{start}"
            assert 0 <= scalars[f"{name}.accuracy"] <= 1
            assert scalars[f"{name}.tuning_trials"] == 3
            assert scalars[f"{name}.parameters"] == 64 * 65 + 28 * 64 * 65 + 65 * 10
            assert scalars[f"{name}.wall_s"] > 0
    assert "relu-norm-skip" in names
    assert any(c.package == "torch" for c in larger.metrics.competitors)


def test_a_trial_repeats_itself(tiny):
    again = run()
    assert again.metrics.repeatable() == tiny.metrics.repeatable()


def test_off_critical_networks_break_their_claims():
    trial = run(factor=0.6)
    page = papers.load("pdlt")
    for name in ("c1-slopes", "c2-tanh", "c2-relu", "c3-kernels", "c5-tanh", "c6-tangent"):
        margins = page.claim(name).relation.margins(trial.scalars(), trial.series)
        assert min(margins) < 0, name


def test_ablations_cover_every_strict_claim():
    broken = {claim for ablation in pdlt.ABLATIONS for claim in ablation.breaks}
    strict = {c.id for c in pdlt.CLAIMS if c.relation.strict}
    assert strict - broken == {"c5-depth"}  # an off-critical network trains at no depth


def test_figures_are_drawn_from_stored_trials(tiny, larger):
    few, many = pdlt.figures([tiny]), pdlt.figures([larger])
    assert set(few) < set(many) == set(pdlt.CAPTIONS)
    for figure in many.values():
        out = StringIO()
        figure.savefig(out, format="svg")
        assert out.getvalue().rstrip().endswith("</svg>")
    assert pdlt.figures([]) == {}


def test_the_example_runs(capsys):
    exec(pdlt.EXAMPLE, {})  # noqa: S102 - the page's own text
    assert "critical_init_" in capsys.readouterr().out
