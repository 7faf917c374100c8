"""Conversion to hypercomplex layers and back."""

import pytest
import torch
from torch import nn

from provenn.nn import PHConv1d, PHConv2d, PHConv3d, PHLinear, convert_to_dense, convert_to_ph


class Shared(nn.Module):
    """One layer under two names."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.again = self.first
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.again(self.first(x)))


def cnn():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.Sequential(nn.Conv2d(8, 12, 3, 2, 1, bias=False, padding_mode="reflect"), nn.ReLU()),
        nn.Flatten(),
        nn.Linear(12 * 16, 6),
    )


def test_converts_what_divides_and_says_what_not():
    result = convert_to_ph(cnn(), 2)
    assert result.converted == ("1.0",)
    assert result.skipped == {"0": "n = 2 does not divide 3 -> 8", "3": "the last layer"}
    layer = result.model[1][0]
    assert isinstance(layer, PHConv2d)
    assert layer.padding_mode == "reflect"
    assert layer.stride == (2, 2)
    assert layer.bias is None
    assert result.model(torch.ones(2, 3, 8, 8)).shape == (2, 6)
    assert "kept 3: the last layer" in str(result)
    before, after = result.parameters
    assert before - after == 8 * 12 * 9 // 2 - 8


def test_model_is_not_changed():
    net = cnn()
    convert_to_ph(net, 2)
    assert type(net[1][0]) is nn.Conv2d


@pytest.mark.parametrize(
    ("layer", "kind"),
    [
        (nn.Linear(4, 8), PHLinear),
        (nn.Conv1d(4, 8, 3), PHConv1d),
        (nn.Conv2d(4, 8, 3, groups=2), PHConv2d),
        (nn.Conv3d(4, 8, 3), PHConv3d),
    ],
)
def test_single_layers(layer, kind):
    model = convert_to_ph(layer.double().eval(), 2, keep_last=False).model
    assert type(model) is kind
    assert model.filters.dtype == torch.float64
    assert not model.training
    back = convert_to_dense(model)
    assert type(back) is type(layer)
    assert back.weight.shape == layer.weight.shape


def test_keep():
    result = convert_to_ph(cnn(), 1, keep=["1.0"], keep_first=True, keep_last=False)
    assert result.converted == ("3",)
    assert result.skipped == {"1.0": "named in keep", "0": "the first layer"}


def test_shared_layer_stays_shared():
    model = convert_to_ph(Shared(), 2).model
    assert isinstance(model.first, PHLinear)
    assert model.first is model.again
    dense = convert_to_dense(model)
    assert dense.first is dense.again
    assert type(dense.first) is nn.Linear


def test_reasons_to_stay():
    tied = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    tied[1].weight = tied[0].weight
    net = nn.Sequential(
        tied,
        nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4)),
        nn.MultiheadAttention(4, 1).out_proj,
        nn.LazyLinear(4),
        nn.Conv2d(8, 8, 1, groups=8),
    )
    result = convert_to_ph(net, 2, keep_last=False)
    assert result.converted == ()
    assert result.skipped == {
        "0.0": "its parameters are shared with another layer",
        "0.1": "its parameters are shared with another layer",
        "1": "ParametrizedLinear is a subclass or parameterized",
        "2": "NonDynamicallyQuantizableLinear is a subclass or parameterized",
        "3": "LazyLinear has no sizes yet",
        "4": "n = 2 does not divide 8 -> 8 in 8 groups",
    }


def test_nothing_to_convert():
    result = convert_to_ph(nn.ReLU(), 2)
    assert result.converted == ()
    assert result.skipped == {}


def test_dense_network_has_the_same_output():
    model = convert_to_ph(cnn().double(), 2, keep_last=False).model.eval()
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    dense = convert_to_dense(model)
    torch.testing.assert_close(dense(x), model(x), rtol=0, atol=1e-12)
    assert not any(isinstance(m, (PHConv2d, PHLinear)) for m in dense.modules())
