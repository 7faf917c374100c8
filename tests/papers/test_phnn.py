"""The page of phnn: what it declares, what a trial measures, and that its controls bite."""

import dataclasses
import math
from io import StringIO

import numpy as np
import pytest
import torch

from provenn import papers
from provenn.papers import phnn
from provenn.papers.hypercomplex import networks
from tests.papers.running import attempted, task_of

TINY = {
    "train_images": 128,
    "test_images": 100,
    "epochs": 1,
    "recovery_steps": 40,
    "joint_steps": 40,
    "latency_s": 0.001,
}


def run(preset="quick", seed=0, **overrides):
    return attempted(task_of("phnn", preset, seed, **{**TINY, **overrides}))


@pytest.fixture(scope="module")
def tiny():
    return run()


def test_every_claim_of_the_paper_is_there():
    claims = {claim.id: claim for claim in phnn.CLAIMS}
    assert {
        "c1-parameters",
        "c2-images",
        "c2a-best",
        "c2b-tables",
        "c3-audio",
        "c4-natural-domain",
        "c5-algebra",
    } <= set(claims)
    assert all(claims[i].unjudged for i in ("c2a-best", "c2b-tables", "c3-audio"))
    assert claims["c2-images"].relation.strict
    assert {i for i, c in claims.items() if "not in the paper" in c.says} == {
        i for i in claims if i.startswith("ours-")
    }


def test_trial_measures_what_the_claims_read(tiny):
    trial, _ = tiny
    scalars = trial.scalars()
    for claim in phnn.CLAIMS:
        if claim.relation and {"quick", "laptop"} & set(claim.presets):
            margins = claim.relation.margins(scalars, trial.series)
            assert all(math.isfinite(m) for m in margins), claim.id


def test_every_competitor_has_quality_and_cost(tiny):
    trial, _ = tiny
    scalars = trial.scalars()
    names = [c.name for c in trial.metrics.competitors]
    assert {"phc-n2", "phc-n3", "phc-n4", "real", "quaternion", "real-narrow", "grouped"} < {*names}
    assert "tensorly-torch" in {c.package for c in trial.metrics.competitors}
    for name in names:
        for metric in ("accuracy", "parameters", "flops", "wall_s", "latency_ms"):
            assert scalars[f"{name}.{metric}"] > 0, (name, metric)
        assert scalars[f"{name}.tuning_trials"] == 1
    for name in ("real-narrow", "grouped", "separable", "tucker"):
        assert scalars[f"{name}.parameters"] == pytest.approx(
            scalars["phc-n3.parameters"], rel=0.05
        )
    for name in ("phc-n2", "phc-n3", "phc-n4", "quaternion"):
        assert scalars[f"{name}.flops"] == scalars["real.flops"]


def test_pilot_parameter_counts(tiny):
    scalars = tiny[0].scalars()
    counts = [
        scalars[f"{name}.parameters"] for name in ("phc-n2", "phc-n3", "phc-n4", "quaternion")
    ]
    assert counts == [8690, 6136, 4914, 4786]
    assert scalars["count_error"] == 0
    assert scalars["parameter_excess"] == 0


def test_trial_repeats_itself(tiny):
    again, _ = run()
    assert again.metrics.repeatable() == tiny[0].metrics.repeatable()
    for name, curve in tiny[0].series.items():
        np.testing.assert_array_equal(curve, again.series[name])


def test_seed_changes_the_trial(tiny):
    other, _ = run(seed=1, peers=False)
    assert other.scalars()["phc-n3.train_loss"] != tiny[0].scalars()["phc-n3.train_loss"]


def test_progress_reaches_its_end(tiny):
    told = [e for e in tiny[1] if hasattr(e, "step")]
    assert told[-1].step == told[-1].total
    assert [e.step for e in told] == sorted(e.step for e in told)


@pytest.mark.parametrize("name", ["complex", "quaternion", "octonion"])
def test_algebra_is_learned(name):
    torch.manual_seed(0)
    from provenn.papers.hypercomplex.learning import learn_algebra

    config = phnn.PRESETS["quick"]
    metrics = learn_algebra(
        name,
        torch.device("cpu"),
        steps=config.recovery_steps,
        joint_steps=config.joint_steps,
        fixed=False,
    )
    assert metrics.values[f"recovery_error_{name}"] < 1e-3
    assert metrics.values[f"joint_loss_{name}"] < 1e-4
    np.testing.assert_allclose(
        metrics.series[f"algebra-learned-{name}"],
        metrics.series[f"algebra-true-{name}"],
        atol=1e-3,
    )


def test_identity_algebra_learns_nothing():
    trial, _ = run(algebra="identity", peers=False)
    relation = papers.load("phnn").claim("c5-algebra").relation
    assert max(relation.margins(trial.scalars(), trial.series)) < 0
    assert trial.scalars()["phc-n3.parameters"] < 6136
    assert trial.scalars()["recovery_error"] == pytest.approx(1, abs=1e-6)


def test_ordinary_weights_break_the_counts():
    trial, _ = run(kronecker=False, peers=False)
    page = papers.load("phnn")
    for claim_id in ("c1-parameters", "c1-counts"):
        relation = page.claim(claim_id).relation
        assert max(relation.margins(trial.scalars(), trial.series)) < 0
    assert trial.scalars()["phc-n2.parameters"] == trial.scalars()["real.parameters"]


def test_ablations_cover_every_strict_claim():
    broken = {claim for ablation in phnn.ABLATIONS for claim in ablation.breaks}
    assert {c.id for c in phnn.CLAIMS if c.relation and c.relation.strict} <= broken


def test_without_the_optional_peer(monkeypatch):
    for module in (networks, phnn):
        monkeypatch.setattr(module, "TENSORLY_TORCH", False)
    trial, events = run()
    assert "tucker" not in [c.name for c in trial.metrics.competitors]
    assert any("tensorly-torch is missing" in getattr(e, "note", "") for e in events)


def test_peers_of_the_laptop_network_have_its_parameters():
    config = phnn.PRESETS["laptop"]
    of = networks.Architecture(config.depths, config.widths)
    counts = {e.name: networks.parameters(e.build()) for e in networks.competitors(of, peers=True)}
    for name in ("real-narrow", "grouped", "separable", "tucker"):
        assert counts[name] == pytest.approx(counts["phc-n3"], rel=0.05), name
    assert networks.count(of).values["parameter_excess"] < 0.05


def test_full_preset_builds_its_networks():
    config = phnn.PRESETS["full"]
    of = networks.Architecture(config.depths, config.widths)
    with torch.device("meta"):
        counts = {
            e.name: networks.parameters(e.build())
            for e in networks.competitors(of, peers=config.peers)
        }
    assert counts["real"] == 10_877_062
    assert counts["phc-n3"] == 3_640_594 - 4_680


def test_figures_are_drawn_from_stored_trials(tiny):
    other = dataclasses.replace(
        tiny[0], record=tiny[0].record.model_copy(update={"seed": 1}), metrics=tiny[0].metrics
    )
    drawn = phnn.figures([tiny[0], other])
    assert set(drawn) == set(phnn.CAPTIONS)
    for figure in drawn.values():
        out = StringIO()
        figure.savefig(out, format="svg")
        assert out.getvalue().rstrip().endswith("</svg>")


def test_no_figures_without_a_finished_trial(tiny):
    crashed = dataclasses.replace(
        tiny[0], record=tiny[0].record.model_copy(update={"status": "failed"})
    )
    assert phnn.figures([crashed]) == {}


def test_example_runs():
    exec(phnn.EXAMPLE, {})  # noqa: S102 - the page's own text


@pytest.mark.data
def test_colour_images():
    trial, _ = run("laptop", peers=False)
    scalars = trial.scalars()
    assert scalars["phc-n3.padding_channels"] == 0
    assert scalars["quaternion.padding_channels"] == 1
    assert scalars["phc-n3.parameters"] == 15_649
    assert set(trial.record.provenance.data) == {"cifar10/train", "cifar10/test"}
