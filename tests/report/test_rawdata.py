import csv

import numpy as np
import pytest
from matplotlib.figure import Figure

from provenn.report import rawdata


def rows(plot):
    figure = Figure()
    plot(figure.subplots())
    header, *body = csv.reader(rawdata.raw_data(figure).text.splitlines())
    assert tuple(header) == rawdata.HEADER
    return body


def test_line():
    assert rows(lambda ax: ax.plot([1, 2], [0.5, 0.25], label="ours")) == [
        ["1", "line", "ours", "1", "0.5", ""],
        ["1", "line", "ours", "2", "0.25", ""],
    ]


def test_points_with_values():
    found = rows(lambda ax: ax.scatter([1], [2], c=[3.0], label="seeds"))
    assert found == [["1", "point", "seeds", "1", "2", "3"]]


@pytest.mark.parametrize("method", ["bar", "barh"])
def test_bars_stand_under_their_names(method):
    def plot(ax):
        getattr(ax, method)(["ours", "real"], [0.9, 0.8])
        ax.set_title("accuracy")

    assert rows(plot) == [
        ["accuracy", "bar", "", "ours", "0.9", ""],
        ["accuracy", "bar", "", "real", "0.8", ""],
    ]


@pytest.mark.parametrize("method", ["imshow", "pcolormesh"])
def test_cells(method):
    found = rows(lambda ax: getattr(ax, method)(np.array([[1.0, 2.0], [3.0, np.nan]])))
    assert [r[3:] for r in found] == [
        ["0", "0", "1"],
        ["1", "0", "2"],
        ["0", "1", "3"],
        ["1", "1", ""],
    ]


def test_band_and_error_bars():
    found = rows(lambda ax: (ax.fill_between([0, 1], [0, 0], [1, 2]), ax.errorbar([0], [1], [0.5])))
    assert {r[1] for r in found} == {"band", "segment", "line"}
    assert ["1", "segment", "", "0", "0.5", "0"] in found


def test_colour_pictures_hold_no_measurement():
    assert rows(lambda ax: ax.imshow(np.zeros((2, 2, 3)))) == []


def test_a_spreadsheet_sees_no_formula():
    assert rows(lambda ax: ax.plot([1], [1], label="=HYPERLINK(1)"))[0][2] == "'=HYPERLINK(1)"


def test_the_number_of_rows_is_bounded_and_said():
    figure = Figure()
    figure.subplots().plot(np.arange(rawdata.LARGEST + 7))
    data = rawdata.raw_data(figure)
    assert (data.rows, data.left_out) == (rawdata.LARGEST, 7)
    assert data.text.count("\n") == rawdata.LARGEST + 1
