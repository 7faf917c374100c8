"""Whatever is wrong with a command line is said in one line, and never with a traceback."""

import pytest
import typer

from provenn.cli import door
from provenn.evidence.files import StoreError


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lst"], "unknown verb 'lst'; did you mean 'list'? accepted: bench, "),
        (["cite", "tny"], "unknown paper 'tny'; did you mean 'tiny'? accepted: "),
        (
            ["show", "tiny", "--jsn"],
            "unknown option '--jsn' of 'provenn show'; did you mean '--json'?",
        ),
        (["run", "tiny", "--preset", "lapto"], "unknown preset 'lapto'; did you mean 'laptop'?"),
        (["run", "tiny", "--config.bonsu", "3"], "did you mean '--config.bonus'?"),
        (["run", "tiny", "--config.bonus", "x"], "--config.bonus must be float, got 'x'"),
        (["run", "tiny", "--seeds", "x"], "'--seeds'"),
        (["run", "tiny", "--seeds", "0"], "'--seeds'"),
        (["run", "tiny", "--workers", "-1"], "'--workers'"),
        (["run", "tiny", "--seeds"], "--seeds"),
        (["run", "tiny", "--device", "tpu9"], "--device 'tpu9' cannot be used here; accepted: cpu"),
        (["run", "tiny", "--device", "cuda:99"], "--device 'cuda:99' cannot be used here"),
        (["run", "tiny", "--device", "meta"], "--device 'meta' cannot be used here"),
        (["run", "tiny", "--ray", "x", "--workers", "2"], "--workers and --ray exclude each other"),
        (["run"], "name a paper or give --all; accepted: "),
        (["run", "tiny", "--all"], "name papers or give --all, not both"),
        (["list", "--config.x", "3"], "--config.x belongs to `provenn run`"),
        (["list", "extra"], "extra"),
        (["cite"], "SLUG"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(provenn_command, words, said):
    code, out, err = provenn_command(*words)
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("error: ")
    assert said in err


def test_no_words_print_the_help(provenn_command):
    code, out, _ = provenn_command()
    assert code == 0
    assert "Usage: provenn" in out


def test_version(provenn_command):
    assert provenn_command("--version").out == "provenn 0.1.0\n"


def leave(error: BaseException):
    def command() -> int:
        raise error

    return door.enter(command)


def test_an_unexpected_error_leaves_its_traceback_in_a_log(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert leave(ZeroDivisionError("by nothing")) == 1
    (log,) = tmp_path.iterdir()
    assert capsys.readouterr().err == (
        f"error: ZeroDivisionError inside provenn; the traceback is in {log}\n"
    )
    assert "by nothing" in log.read_text()
    assert "Traceback" in log.read_text()


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (PermissionError(13, "Permission denied", "/x"), 1, "error: Permission denied at /x\n"),
        (OSError("gone"), 1, "error: gone\n"),
        (StoreError("cannot write /x: full"), 1, "error: cannot write /x: full\n"),
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
        (typer.Abort(), 130, "error: interrupted\n"),
        (door.CommandError("two\nlines"), 1, "error: two lines\n"),
        (door.UsageError("no"), 2, "error: no\n"),
    ],
)
def test_each_error_has_its_code(capsys, error, code, said):
    assert leave(error) == code
    assert capsys.readouterr().err == said
