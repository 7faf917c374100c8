"""Trials on a real cluster of two nodes, one of which is killed while it works."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from provenn.evidence.executors import InProcess
from provenn.evidence.page import Page
from provenn.evidence.runner import run
from provenn.evidence.store import Store
from provenn.evidence.tasks import Finished, Settled, Started
from tests.reliability.pages import brief

os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
ray = pytest.importorskip("ray", reason="needs Ray: pip install 'provenn[ray]'")
cluster_utils = pytest.importorskip("ray.cluster_utils")

PAGE = Page.from_module(brief)
NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}


@pytest.fixture
def cluster():
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=NODE)
    try:
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


@pytest.mark.cluster
@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_a_node_is_killed_and_every_trial_is_done(cluster, tmp_path):
    from provenn.evidence.ray_executor import Ray

    alive = [cluster.add_node(**NODE)]
    cluster.wait_for_nodes()
    store = Store(tmp_path / "cluster")
    events = []

    def listen(event):
        events.append(event)
        if len({event.task.seed for event in events if isinstance(event, Started)}) == 2 and alive:
            cluster.remove_node(alive.pop(), allow_graceful=False)  # while both nodes work

    options = {"preset": "quick", "seeds": 4, "overrides": {"pause_s": 0.4, "crash": (3,)}}
    summary = run([PAGE], store=store, executor=Ray(cluster.address), listener=listen, **options)

    assert sorted(task.seed for task in summary.done) == [0, 1, 2]
    ((task, error),) = summary.failed
    assert (task.seed, error) == (3, "ArithmeticError: seed 3 crashes")
    started = [event.task.seed for event in events if isinstance(event, Started)]
    assert len(started) > 4, "the trial of the killed node must have started again"
    assert sum(isinstance(event, Finished) for event in events) == 4
    assert sum(isinstance(event, Settled) for event in events) == 4
    assert store.running() == []

    here = Store(tmp_path / "here")
    run([PAGE], store=here, executor=InProcess(), **options)
    assert [t.metrics.repeatable() for t in store.trials()] == [
        t.metrics.repeatable() for t in here.trials()
    ]


def test_without_ray_the_error_says_how_to_get_it():
    code = "import sys\nsys.modules['ray'] = None\nimport provenn.evidence.ray_executor\n"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert out.returncode == 1
    assert out.stderr.splitlines()[-1] == (
        'ImportError: trials on a cluster need Ray: pip install "provenn[ray]"'
    )
