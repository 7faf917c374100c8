"""Every reliability figure reaches its target at the size of the default run."""

import pytest

from tests.reliability.figures import figure, registered


@pytest.mark.reliability
@pytest.mark.parametrize("id", registered())
def test_reaches_its_target(id):
    figure = registered()[id]("default")
    assert figure.id == id
    assert figure.ok, f"{figure.says}: target {figure.target}, measured {figure.measured}"


def test_every_figure_of_the_store_is_registered():
    assert {"R3", "R4", "R5", "R6", "R12", "R17"} <= set(registered())


def test_one_function_a_figure():
    registered()
    with pytest.raises(ValueError, match="R3 is measured by two functions"):
        figure("R3")(lambda size: None)


def test_malformed_id_is_named():
    with pytest.raises(ValueError, match="must look like R3, got 'three'"):
        figure("three")
