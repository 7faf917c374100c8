"""Kernels and tangent kernels against those of neural-tangents, at several depths."""

import json
from pathlib import Path

import pytest
import torch

from provenn.theory import EffectiveTheory

REFERENCE = json.loads((Path(__file__).parent / "references/neural_tangents.json").read_text())


@pytest.mark.parametrize(
    "case",
    REFERENCE["cases"],
    ids=lambda case: f"{case['activation']}-{case['depth']}-{case['C_b']}",
)
def test_kernels_are_those_of_neural_tangents(case):
    x = torch.tensor(REFERENCE["x"], dtype=torch.float64)
    C_b, C_W = case["C_b"], case["C_W"]
    found = EffectiveTheory(case["activation"]).kernels(
        x, case["depth"], C_b=C_b, C_W=C_W, lr=(C_b, C_W)
    )
    for ours, theirs in ((found.K[-1], case["K"]), (found.Theta[-1], case["Theta"])):
        expected = torch.tensor(theirs, dtype=torch.float64)
        torch.testing.assert_close(ours, expected, rtol=1e-7, atol=1e-9)
