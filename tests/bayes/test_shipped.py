"""The networks that come with the package."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from provenn.bayes import GaussianLikelihood, PriorFittedNetwork
from provenn.bayes.pfn import shipped
from provenn.bayes.pfn.estimators import PFNClassifier, PFNRegressor
from provenn.bayes.pfn.shipped import find_network, load_shipped, shipped_names

LARGEST_TOGETHER = 8 * 2**20


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that stands for the package's own, with two networks."""
    for name in ("small-one", "small-two"):
        network = PriorFittedNetwork(1, GaussianLikelihood(), d_model=8, n_layers=1, n_heads=1)
        network.save_pretrained(tmp_path / name)
    (tmp_path / "notes").mkdir()
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    shipped._read.cache_clear()
    yield tmp_path
    shipped._read.cache_clear()


def test_names_are_those_of_the_folder(shelf: Path) -> None:
    assert shipped_names() == ("small-one", "small-two")


def test_each_call_gives_a_network_of_its_own(shelf: Path) -> None:
    first, second = load_shipped("small-one"), load_shipped("small-one")
    assert first is not second
    with torch.no_grad():
        first.x_encoder.weight.zero_()
    assert second.x_encoder.weight.any()
    assert load_shipped("small-one").x_encoder.weight.any()
    assert not first.training


def test_files_are_read_once(shelf: Path) -> None:
    before = load_shipped("small-one")
    (shelf / "small-one" / "model.safetensors").unlink()
    assert torch.equal(load_shipped("small-one").x_encoder.weight, before.x_encoder.weight)


def test_unknown_name_is_told_its_nearest_match(shelf: Path) -> None:
    message = "name must be one of small-one, small-two, got 'smaltwo'; the nearest is 'small-two'"
    with pytest.raises(ValueError, match=message):
        load_shipped("smaltwo")
    with pytest.raises(TypeError, match="name"):
        load_shipped(3)  # type: ignore[arg-type]


def test_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "missing")
    assert shipped_names() == ()
    with pytest.raises(ValueError, match=r"no shipped networks, got 'gp-1d'$"):
        load_shipped("gp-1d")


def test_a_name_goes_before_a_directory(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = PriorFittedNetwork(3, GaussianLikelihood(), d_model=8, n_layers=1, n_heads=1)
    elsewhere = tmp_path / "elsewhere"
    other.save_pretrained(elsewhere / "small-one")
    other.save_pretrained(elsewhere / "mine")
    monkeypatch.chdir(elsewhere)
    assert find_network("small-one").n_features == 1
    assert find_network("mine").n_features == 3
    assert find_network(Path("small-one")).n_features == 3
    assert find_network(other) is other


def test_model_that_is_nowhere(shelf: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"model must be.*directory.*nearest is 'small-one'"):
        find_network("small-on")
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        find_network(shelf / "notes")
    with pytest.raises(TypeError, match=r"model must be .* got None of type NoneType"):
        find_network(None)


needs_weights = pytest.mark.skipif(not shipped_names(), reason="no network is shipped")


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_network_predicts_at_once(name: str) -> None:
    network = load_shipped(name)
    assert not network.training
    assert network.config["max_context"] is not None
    x = np.linspace(0, 1, 20)[:, None]
    queries = np.linspace(0.05, 0.95, 9)[:, None]
    if network.likelihood.kind == "regression":
        regressor = PFNRegressor(name).fit(x, np.sin(6 * x[:, 0]))
        assert regressor.score(queries, np.sin(6 * queries[:, 0])) > 0.95
        low, high = regressor.predict_quantiles(queries, [0.05, 0.95]).T
        assert (low < high).all()
    else:
        classifier = PFNClassifier(name).fit(x, x[:, 0] > 0.5)
        assert (classifier.predict([[0.1], [0.9]]) == [False, True]).all()


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_network_tells_how_it_was_made(name: str) -> None:
    folder = shipped.FOLDER / name
    assert (folder / "README.md").is_file()
    assert json.loads((folder / "config.json").read_text())["class"] == "PriorFittedNetwork"


@needs_weights
def test_shipped_networks_are_small() -> None:
    sizes: list[Any] = [file.stat().st_size for file in shipped.FOLDER.rglob("*") if file.is_file()]
    assert sum(sizes) <= LARGEST_TOGETHER
