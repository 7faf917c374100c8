"""R8: a trial that is killed at three checkpoints and resumed gives what a straight run gives."""

import os
import subprocess
import sys

from provenn.evidence.executors import _import_path
from provenn.evidence.page import Page
from provenn.evidence.store import Store
from tests.reliability.figures import Figure, Size, figure
from tests.reliability.fresh import all_pages, fresh_store, said, straight
from tests.reliability.fresh import measure as run_fresh

KILLS = 3
_UNTIL_THE_NEXT_CHECKPOINT = """
import os, signal, sys
from provenn.evidence import checkpoints
from provenn.evidence.attempt import load_page
from provenn.evidence.executors import InProcess
from provenn.evidence.runner import run
from provenn.evidence.store import Store

write = checkpoints.write

def write_and_die(*arguments):
    write(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)

checkpoints.write = write_and_die
page, store = load_page(sys.argv[1]), Store(sys.argv[2])
run([page], preset="quick", store=store, executor=InProcess(), seeds=1)
"""


@figure("R8")
def measure(size: Size) -> Figure:
    """Kill and resume seed 0 of every page."""
    equal, differing, without = [], [], []
    for page in all_pages():
        slug = page.paper.slug
        with fresh_store() as store:
            kills = _killed(page, store)
            run_fresh(page, store)
            (trial,) = store.trials()
        if not kills:
            without.append(slug)
        elif kills == KILLS and not trial.failed and said(trial) == straight(slug):
            equal.append(slug)
        else:
            differing.append(f"{slug} ({kills} kills)")
    checkpointing = len(equal) + len(differing)
    return Figure(
        id="R8",
        says=f"killed at {KILLS} checkpoints and resumed against a straight run, {checkpointing} "
        f"pages at quick ({len(without)} without checkpoints): bit-equal",
        target="all that checkpoint",
        measured=f"{len(equal)} of {checkpointing} {' '.join(differing)}".strip(),
        ok=bool(equal) and not differing,
    )


def _killed(page: Page, store: Store) -> int:
    """Run the trial in one process after the other, each killed when it has written a checkpoint.

    Returns:
        How many were killed; fewer than three if the trial has fewer checkpoints.
    """
    command = [sys.executable, "-c", _UNTIL_THE_NEXT_CHECKPOINT, page.module, str(store.root)]
    environment = os.environ | {"PYTHONPATH": _import_path()}
    for kills in range(KILLS):
        if subprocess.run(command, env=environment, check=False).returncode == 0:
            return kills
    return KILLS
