"""A board on a terminal, plain lines elsewhere; both say what failed."""

import io
import re

import pytest
from rich.console import Console

from provenn.evidence import progress
from provenn.evidence.page import Page
from provenn.evidence.progress import Board, Lines, reader
from provenn.evidence.runner import plan
from provenn.evidence.tasks import Outcome, Planned, Progressed, Settled, Started
from tests.reliability.pages import brief

FIRST, SECOND, THIRD = plan([Page.from_module(brief)], "quick")
EVENTS = [
    Planned((FIRST, SECOND), (THIRD,)),
    Started(FIRST),
    Progressed(FIRST, 3, 10, "train", "loss 0.5"),
    Started(SECOND),
    Settled(Outcome(FIRST, "done")),
    Settled(Outcome(SECOND, "failed", "ValueError: [bold]no[/bold]")),
]


def console(**options):
    return Console(file=io.StringIO(), width=120, **options)


def terminal():
    return console(force_terminal=True, color_system="standard", legacy_windows=False)


def text_of(console):
    return console.file.getvalue()


def without_escapes(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_lines_say_each_event_once(monkeypatch):
    monkeypatch.setattr(progress.time, "monotonic", lambda: 0.0)
    out = console()
    with Lines(out) as lines:
        for event in EVENTS:
            lines(event)
        lines.say("c1: holds")
    assert text_of(out).splitlines() == [
        "2 to run, 1 already in the store",
        "brief quick seed 0: started",
        "brief quick seed 1: started",
        "brief quick seed 0: done after 0.0 s (1 of 2)",
        "brief quick seed 1: failed after 0.0 s (2 of 2): ValueError: [bold]no[/bold]",
        "c1: holds",
    ]


def test_lines_tell_progress_now_and_then(monkeypatch):
    clock = iter([0.0, 4.0, 11.0, 12.0, 22.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    out = console()
    lines = Lines(out, interval_s=10.0)
    lines(Started(FIRST))
    for step in (1, 2, 3, 4):
        lines(Progressed(FIRST, step, 10, "train"))
    assert text_of(out).splitlines()[1:] == [
        "brief quick seed 0: train 2/10",
        "brief quick seed 0: train 4/10",
    ]


def test_long_lines_are_not_broken():
    out = console()
    Lines(out).say("x" * 300)
    assert text_of(out) == "x" * 300 + "\n"


def test_board_shows_paper_preset_seed_step_and_state():
    out = terminal()
    with Board(out) as board:
        for event in EVENTS[:3]:
            board(event)
        board._progress.refresh()
    shown = without_escapes(text_of(out))
    (row,) = {line for line in shown.splitlines() if "seed 0" in line and "train" in line}
    assert re.search(r"brief +quick +seed 0 .* +3/10 +0:00:00 +\S+ +train loss 0.5", row)
    assert re.search(r"all +quick .* +1/3 ", shown)


def test_board_keeps_what_failed_and_what_is_said():
    out = terminal()
    with Board(out) as board:
        for event in EVENTS:
            board(event)
        board.say("c1: holds")
    shown = without_escapes(text_of(out))
    assert "brief quick seed 1: failed: ValueError: [bold]no[/bold]" in shown
    assert "c1: holds" in shown
    assert board._rows == {}


def test_board_ignores_progress_of_what_has_ended():
    with Board(terminal()) as board:
        for event in (*EVENTS, Progressed(FIRST, 9, 10)):
            board(event)
    assert board._rows == {}


@pytest.mark.parametrize("no_color", [False, True])
def test_no_color_is_respected(monkeypatch, no_color):
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    out = terminal()
    with Board(out) as board:
        for event in EVENTS:
            board(event)
    colours = re.findall(r"\x1b\[(?:\d+;)*(?:3[0-9]|9[0-7])(?:;\d+)*m", text_of(out))
    assert bool(colours) is not no_color


def test_the_reader_gets_what_suits_the_console():
    assert isinstance(reader(terminal()), Board)
    assert isinstance(reader(console()), Lines)


def test_lines_count_anew_for_each_run():
    out = console()
    with Lines(out) as lines:
        for event in (*EVENTS, *EVENTS):
            lines(event)
    assert text_of(out).count("(2 of 2)") == 2
