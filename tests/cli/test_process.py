"""What only a fresh process can show: start-up, colour, pipes."""

import subprocess
import sys
import time


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


def test_output_into_a_pipe_is_plain(provenn_process, store):
    words = ("run", "tiny", "--workers", 1, "--seeds", 2, "--no-report", "--store", store)
    code, out, err = provenn_process(*words, PYTHONIOENCODING="ascii", NO_COLOR="1")
    assert code == 0, err
    assert "\x1b" not in out + err
    assert "? undecided" in out  # the hollow mark is no ASCII character
    assert "2 done" in out


def test_a_closed_pipe_is_no_traceback(environment):
    with subprocess.Popen(
        [sys.executable, "-m", "provenn", "list"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()


def test_a_terminal_has_colour_and_no_color_takes_it_away(environment):
    code = (
        "import io, sys, provenn.cli\n"
        "class Terminal(io.StringIO):\n    isatty = lambda self: True\n"
        "sys.stdout = Terminal()\n"
        "try:\n    provenn.cli.main(['show', 'tiny', '--store', 'none'])\n"
        "except SystemExit:\n    print(repr(sys.stdout.getvalue()), file=sys.stderr)\n"
    )
    plain = {k: v for k, v in environment.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    coloured = {**plain, "TERM": "xterm-256color"}
    for variables, colour in ((coloured, True), ({**coloured, "NO_COLOR": "1"}, False)):
        done = subprocess.run(
            [sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True
        )
        assert ("\\x1b[90m" in done.stderr) is colour
