"""The networks of the paper: sizes to the last parameter, channels, saving and loading."""

import json
from fractions import Fraction

import pytest
import torch
from torch import nn

from provenn.nn import (
    PHVGG,
    PHConv2d,
    PHResNet,
    ResNet,
    ph_resnet18,
    ph_resnet20,
    ph_resnet50,
    ph_resnet152,
    ph_vgg,
)

BUILDERS = {18: ph_resnet18, 50: ph_resnet50, 152: ph_resnet152}
SHAPES = {
    18: ("basic", (2, 2, 2, 2)),
    50: ("bottleneck", (3, 4, 6, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
}
REAL = {18: 10_877_062, 50: 22_538_086}
COUNTS = {
    (18, 2): 5_450_906,
    (18, 3): 3_640_594,
    (18, 4): 2_736_258,
    (50, 2): 11_331_446,
    (50, 3): 7_587_841,
    (50, 4): 5_717_766,
    (152, 2): 26_648_102,
    (152, 3): 17_847_235,
    (152, 4): 13_451_334,
}
BIASES = {18: 4_680, 50: 25_692, 152: 71_772}


def count(module):
    return sum(p.numel() for p in module.parameters())


def plain(i, o, k, s):
    return nn.Conv2d(i, o, k, s, k // 2, bias=False)


@pytest.mark.parametrize(("depth", "n"), COUNTS)
def test_parameter_counts_are_the_authors(depth, n):
    with torch.device("meta"):
        assert count(BUILDERS[depth](n=n, bias=True)) == COUNTS[depth, n]
        assert count(BUILDERS[depth](n=n)) == COUNTS[depth, n] - BIASES[depth]


@pytest.mark.parametrize("depth", BUILDERS)
def test_real_parameter_counts(depth):
    block, depths = SHAPES[depth]
    with torch.device("meta"):
        real = ResNet(plain, block, depths, (60, 120, 240, 516))
        one_block = BUILDERS[depth](n=1)
    layers = sum(isinstance(m, PHConv2d) for m in one_block.modules())
    assert count(one_block) - layers == count(real)
    if depth in REAL:
        assert count(real) == REAL[depth]
    assert round(count(real) / 1e6, 1) == {18: 10.9, 50: 22.5, 152: 53.0}[depth]


@pytest.mark.parametrize("depth", [11, 13, 16, 19])
@pytest.mark.parametrize("n", [2, 3, 4])
def test_vgg_parameter_count(depth, n):
    """The count by hand: convolutions, batch norms, two hidden layers and the classifier."""
    with torch.device("meta"):
        net = ph_vgg(depth, n=n, bias=True)
    stages = {11: "11222", 13: "22222", 16: "22333", 19: "22444"}[depth]
    total, channels = Fraction(0), 3 + (-3 % n)
    for repeats, width in zip(stages, (24, 72, 216, 648, 648), strict=True):
        for _ in range(int(repeats)):
            total += n**3 + Fraction(channels * width * 9, n) + width + 2 * width
            channels = width
    for inputs in (648, 516):
        total += n**3 + Fraction(inputs * 516, n) + 516
    assert count(net) == total + 516 * 10 + 10


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6])
def test_small_network_runs_for_every_n(n):
    net = PHResNet("bottleneck", (1, 1), (12, 24), n=n)
    assert net.padding_channels == {1: 0, 2: 1, 3: 0, 4: 1, 6: 3}[n]
    net(torch.randn(2, 3, 8, 8)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_zero_channel_comes_first():
    net = PHResNet("basic", (1,), (4,), n=4).eval()
    seen = []
    net.net.stem.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    x = torch.randn(2, 3, 8, 8)
    net(x)
    assert (seen[0][:, 0] == 0).all()
    assert torch.equal(seen[0][:, 1:], x)


def test_other_input_sizes():
    net = PHVGG((1, 1), (6, 12), hidden=12, n=3, in_channels=1, num_classes=4).eval()
    assert net(torch.ones(2, 1, 9, 21)).shape == (2, 4)
    assert ph_resnet20(n=4, widths=(16, 32, 64), in_channels=4)(torch.ones(1, 4, 8, 8)).shape == (
        1,
        10,
    )


def test_fixed_algebra_network():
    net = PHResNet("basic", (1,), (4,), n=4, algebra="quaternion", learn_algebra=False)
    assert not any("algebra" in name for name, _ in net.named_parameters())


NETWORKS = {
    "resnet": lambda: PHResNet("basic", (1, 1), (6, 12), n=3, algebra=None, bias=True),
    "quaternion": lambda: PHResNet(
        "basic", (1,), (4,), 1, 5, n=4, algebra="quaternion", learn_algebra=False
    ),
    "vgg": lambda: PHVGG((1, 1), (6, 12), hidden=12, dropout=0.1, n=3),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_save_and_load(name, tmp_path):
    net = NETWORKS[name]()
    x = torch.randn(4, net.in_channels, 8, 8)
    net(x)  # moves the running statistics
    net.eval()
    net.save_pretrained(tmp_path / "deep" / "net")
    state = torch.get_rng_state()
    loaded = type(net).from_pretrained(tmp_path / "deep" / "net")
    assert torch.equal(torch.get_rng_state(), state)
    assert loaded.config == net.config
    assert torch.equal(loaded(x), net(x))
    assert all(p.requires_grad for p in loaded.parameters())
    assert sorted(p.name for p in (tmp_path / "deep" / "net").iterdir()) == [
        "config.json",
        "model.safetensors",
    ]
    loaded.train()(x).sum().backward()


def test_save_again_replaces(tmp_path):
    net = NETWORKS["resnet"]()
    net.save_pretrained(tmp_path)
    nn.init.ones_(net.net.classifier.weight)
    net.save_pretrained(str(tmp_path))
    assert (PHResNet.from_pretrained(tmp_path).net.classifier.weight == 1).all()


def test_load_keeps_the_dtype(tmp_path):
    NETWORKS["resnet"]().double().save_pretrained(tmp_path)
    assert PHResNet.from_pretrained(tmp_path).net.classifier.weight.dtype == torch.float64


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_missing_file(missing, tmp_path):
    NETWORKS["resnet"]().save_pretrained(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(FileNotFoundError, match=missing):
        PHResNet.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "must be JSON"),
        ("[]", "must be an object"),
        ('{"class": "PHResNet"}', "must be an object"),
        ('{"class": "Other", "arguments": {}}', "must be of class PHResNet, got 'Other'"),
        ('{"class": "PHResNet", "arguments": {"n": 3}}', "must have the arguments"),
        ('{"class": "PHResNet", "arguments": {"nn": 3}}', "must have the arguments"),
    ],
)
def test_damaged_config(text, message, tmp_path):
    NETWORKS["resnet"]().save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        PHResNet.from_pretrained(tmp_path)


def test_config_of_another_size(tmp_path):
    NETWORKS["resnet"]().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["arguments"]["widths"] = [6, 6]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="must fit its config"):
        PHResNet.from_pretrained(tmp_path)


@pytest.mark.parametrize("cut", [0, 4, 100, -1])
def test_damaged_weights(cut, tmp_path):
    NETWORKS["resnet"]().save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(ValueError, match="must fit its config"):
        PHResNet.from_pretrained(tmp_path)


def test_failed_save_keeps_the_old_one(tmp_path, monkeypatch):
    net = NETWORKS["resnet"]()
    net.save_pretrained(tmp_path)
    expected = (tmp_path / "model.safetensors").read_bytes()

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("provenn.nn.pretrained.save_file", full)
    with pytest.raises(OSError, match="no space"):
        net.save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == expected
    assert len([*tmp_path.iterdir()]) == 2
