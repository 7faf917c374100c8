"""Views to HTML: templates with autoescape, and a policy that lets nothing in from outside."""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import provenn
from provenn.report import text
from provenn.report.overview import Overview
from provenn.report.paper_view import MOST_TRIALS, PaperView, Run, share
from provenn.report.pictures import Picture
from provenn.report.rawdata import table
from provenn.report.strip import WIDTH

_HERE = Path(__file__).parent


def gallery_files(papers: Sequence[PaperView], index: Overview) -> dict[str, str]:
    """Relative path to content of every file of the gallery."""
    return dict(_files(papers, index))


def _files(papers: Sequence[PaperView], index: Overview) -> Iterator[tuple[str, str]]:
    environment = _environment()
    yield "index.html", environment.get_template("index.html.j2").render(index=index)
    page = environment.get_template("paper.html.j2")
    for view in papers:
        yield f"{view.slug}/index.html", page.render(view=view)
        for picture in view.pictures:
            if picture.data:
                yield f"{view.slug}/{file_name(picture)}.csv", picture.data.text
                yield f"{view.slug}/{file_name(picture)}.svg", picture.svg
        for run in view.runs:
            yield f"{view.slug}/{run.preset}-trials.csv", trials_csv(run)


def file_name(picture: Picture) -> str:
    """Name of a picture's files without their suffix."""
    return f"{picture.preset}-{picture.name}"


def trials_csv(run: Run) -> str:
    """Every scalar of every trial of ``run``, one line each."""
    rows: list[tuple[str | float, ...]] = [("seed", "status", "metric", "value")]
    for trial in run.trials:
        scalars = sorted(trial.scalars().items())[:500]
        rows += [(trial.seed, trial.record.status, name, value) for name, value in scalars]
        if not scalars:
            rows.append((trial.seed, trial.record.status, "", ""))
    return table(rows)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_bounded,
    )
    names = ("number", "interval", "spread", "count", "seconds", "memory", "plural", "highlight")
    environment.filters |= {name: getattr(text, name) for name in names}
    environment.filters |= {"clip": text.clip, "web": text.web_address, "doi": text.doi_address}
    style, script = _asset("gallery.css"), _asset("gallery.js")
    environment.globals |= {
        "style": Markup(style),  # noqa: S704 (our own file)
        "script": Markup(script),  # noqa: S704 (our own file)
        "policy": _policy(style, script),
        "provenn_version": provenn.__version__,
        "share": share,
        "file_name": file_name,
        "strip_width": WIDTH,
        "most_trials": MOST_TRIALS,
    }
    return environment


def _bounded(value: Any) -> Any:
    """Cut every piece of text that a template prints, except what was marked up already."""
    return text.clip(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _policy(style: str, script: str) -> str:
    """Content-security policy under which only our own style and script take effect."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'"
    )


def _hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def _asset(name: str) -> str:
    return (_HERE / "assets" / name).read_text(encoding="utf-8")
