"""The verbs of the command, put together."""

import io
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from provenn.cli import (
    bench,
    catalogue,
    check,
    controls,
    datasets,
    doctor,
    export,
    gallery,
    lock,
    new,
    overrides,
    run,
    verify,
)
from provenn.cli.door import UsageError, Verbs, enter

app = typer.Typer(
    cls=Verbs,
    help="Neural-network methods that come with their evidence: run a paper, read the verdicts.",
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> bool:
    if wanted:
        import provenn

        print(f"provenn {provenn.__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _every_verb(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Options that stand before the verb."""


app.command("list")(catalogue.list_papers)
app.command("show")(catalogue.show)
app.command("run")(run.run)
app.command("report")(gallery.report)
app.command("verify")(verify.verify)
app.command("controls")(controls.controls)
app.command("cite")(catalogue.cite)
app.command("doctor")(doctor.doctor)
app.add_typer(datasets.app, name="data")
app.command("export")(export.export)
app.command("new")(new.new)
app.command("lock")(lock.lock)
app.command("check")(check.check)
app.command("bench")(bench.bench)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 all judged, 1 something failed, 2 usage, 130 interrupted."""
    words = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    sys.exit(enter(lambda: _run(words)))


def _run(arguments: Sequence[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    words, options = overrides.set_aside(arguments)
    if options and words[:1] != ["run"]:
        raise UsageError(f"{overrides.PREFIX}{options[0][0]} belongs to `provenn run`")
    overrides.asked.set(tuple(options))
    return app(args=words, prog_name="provenn", standalone_mode=False) or 0
