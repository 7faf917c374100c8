import pytest

from provenn.evidence.claims import Claim
from provenn.evidence.relations import Greater
from provenn.evidence.verdicts import judge
from provenn.report.strip import WIDTH, strip
from tests.evidence.builders import trials

CLAIM = Claim(
    id="c1",
    says="a is larger",
    reported="yes",
    where="table 1",
    relation=Greater("a", "b"),
    margin_source="the sheet",
    presets=("laptop",),
)


def of(margins):
    return strip(judge(CLAIM, trials(margins)).parts[0])


def test_places_are_in_the_order_of_the_margins():
    drawn = of([0.1, 0.2, 0.3])
    assert drawn.zero < drawn.seeds[0] < drawn.seeds[1] == drawn.mean < drawn.seeds[2]
    assert drawn.low < drawn.mean < drawn.high
    assert all(0 <= x <= WIDTH for x in (drawn.zero, drawn.low, drawn.high, *drawn.seeds))


def test_a_crashed_seed_opens_the_lower_bound():
    drawn = of([0.1, None, 0.3])
    assert (drawn.open_low, drawn.open_high, drawn.lost) == (True, False, 1)
    assert len(drawn.seeds) == 2
    assert drawn.mean is None


def test_equal_margins_of_zero_have_a_place():
    drawn = of([0.0, 0.0, 0.0])
    assert drawn.zero == drawn.mean


@pytest.mark.parametrize("margins", [[None], [None, None]])
def test_nothing_to_draw(margins):
    assert of(margins) is None
