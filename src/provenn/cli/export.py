"""``provenn export``: verdicts and trials, for a spreadsheet, a program or another store."""

import csv
import io
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provenn.cli.door import CommandError, UsageError, unknown
from provenn.cli.output import plain
from provenn.cli.pages import All, Slugs, check_preset, pages
from provenn.cli.stores import StoreOption, stores
from provenn.cli.verdicts import latest_verdicts, plain_verdict

if TYPE_CHECKING:
    from provenn.evidence import Page
    from provenn.evidence.records import Trial
    from provenn.evidence.store import Store

FORMATS = ("csv", "json", "store")


def export(
    slugs: Slugs = None,
    every: All = False,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="csv (verdicts), json (verdicts and trials) or store (a directory or .zip that "
            "can be merged into any store by copying).",
        ),
    ] = "csv",
    preset: Annotated[
        str | None, typer.Option(metavar="PRESET", help="Only trials of this preset.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Where to write (default: stdout).")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Export the evidence of papers, the reader's own and the committed."""
    if format_ not in FORMATS:
        raise unknown(f"format {format_!r}", format_, FORMATS)
    if preset is not None:
        check_preset(preset)
    chosen, sources = pages(slugs, every), stores(store)
    if format_ == "store":
        if out is None:
            raise UsageError(
                "--format store needs --out: a new directory, or a path ending in .zip"
            )
        _export_store(_trials(chosen, sources, preset), out)
        return
    text = _verdicts_csv(chosen, sources) if format_ == "csv" else _json(chosen, sources, preset)
    if out is None:
        print(text, end="")
    else:
        _write(out, text)


def _trials(
    pages: "Sequence[Page]", sources: "Sequence[Store]", preset: str | None
) -> "list[Trial]":
    """Every trial, once; of one key the first store's."""
    from provenn.evidence.keys import TrialKey

    found: dict[TrialKey, Trial] = {}
    for page in pages:
        for source in sources:
            for trial in source.trials(page.paper.slug, preset):
                found.setdefault(TrialKey.of(trial.record), trial)
    return [found[key] for key in sorted(found)]


def _verdict_rows(pages: "Sequence[Page]", sources: "Sequence[Store]") -> list[dict[str, Any]]:
    return [
        {"paper": page.paper.slug, **plain_verdict(verdict)}
        for page in pages
        for verdict in latest_verdicts(page, sources)
    ]


def _verdicts_csv(pages: "Sequence[Page]", sources: "Sequence[Store]") -> str:
    rows = [plain(row) for row in _verdict_rows(pages, sources)]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _json(pages: "Sequence[Page]", sources: "Sequence[Store]", preset: str | None) -> str:
    document = {
        "verdicts": _verdict_rows(pages, sources),
        "trials": [
            {
                **trial.record.model_dump(mode="json"),
                "series": {name: values.tolist() for name, values in trial.series.items()},
            }
            for trial in _trials(pages, sources, preset)
        ],
    }
    return json.dumps(plain(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _export_store(trials: "Sequence[Trial]", out: Path) -> None:
    from provenn.evidence.files import StoreError
    from provenn.evidence.store import Store

    if out.exists():
        raise UsageError(f"--out must be new, and {out} exists already")
    if not trials:
        raise CommandError("there is no trial to export; `provenn run` measures some")
    with tempfile.TemporaryDirectory(prefix="provenn-export-") as folder:
        root = Path(folder) / "store"
        try:
            store = Store(root)
            for trial in trials:
                store.write(trial.record, trial.series)
        except StoreError as error:
            raise CommandError(str(error)) from error
        shutil.rmtree(root / ".running", ignore_errors=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.suffix == ".zip":
            shutil.move(shutil.make_archive(str(Path(folder) / "store"), "zip", root), out)
        else:
            shutil.copytree(root, out)
    print(out)


def _write(out: Path, text: str) -> None:
    if out.is_dir():
        raise UsageError(f"--out must be a file, and {out} is a directory")
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.partial")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    print(out)
