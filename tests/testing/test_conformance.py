"""The battery on every public module, and on some of torch's own as its touchstone.

Steps without growth of live tensors are counted by figure R13 in ``tests/reliability``.
"""

from provenn.testing import CHECKS, parametrize
from tests.subjects.table import all_subjects, missing
from tests.testing.test_checks import marks


@parametrize(
    all_subjects(), [name for name in CHECKS if name != "live_tensors_constant"], marks=marks
)
def test_conformance(case):
    case.run()


def test_every_public_module_of_a_covered_room_is_tried():
    assert missing() == []
