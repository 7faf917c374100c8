"""What only a fresh process can show: start-up, colour, pipes."""

import subprocess
import sys
import time

import pytest


def test_help_is_fast_and_needs_no_torch(environment):
    code = (
        "import sys, provenn.cli\n"
        "try:\n    provenn.cli.main(['--help'])\n"
        "except SystemExit as end:\n    print(end.code, 'torch' in sys.modules)\n"
    )
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert time.perf_counter() - start < 2
    assert done.stdout.endswith("0 False\n")


def test_an_unknown_verb_needs_no_torch(environment):
    code = (
        "import sys, provenn.cli\n"
        "try:\n    provenn.cli.main(['lst'])\n"
        "except SystemExit as end:\n    print(end.code, 'torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "2 False\n"


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}, {"PYTHONIOENCODING": "ascii"}])
def test_output_into_a_pipe_is_plain(provenn_process, store, variables):
    code, out, err = provenn_process(
        "run", "tiny", "--workers", 1, "--seeds", 2, "--no-report", "--store", store, **variables
    )
    assert code == 0, err
    assert "\x1b" not in out + err
    assert "2 done" in out


def test_a_closed_pipe_is_no_traceback(environment):
    process = subprocess.Popen(
        [sys.executable, "-m", "provenn", "list"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    process.wait(timeout=60)
