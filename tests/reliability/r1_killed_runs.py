"""R1: no finished trial is lost and no record is corrupt after SIGKILL at random instants."""

from tests.reliability.figures import Figure, Size, figure
from tests.reliability.killing import toll


@figure("R1")
def measure(size: Size) -> Figure:
    """Kill runs and count what is lost."""
    found = toll(size)
    return Figure(
        id="R1",
        says=f"run killed with SIGKILL at {found.kills} random instants, {found.finished} trials "
        "finished before: lost / corrupt",
        target="0 / 0",
        measured=f"{found.lost} / {found.corrupt}",
        ok=found.finished > 0 and found.lost == found.corrupt == 0,
    )
