"""``provenn list``, ``show`` and ``cite``: what there is to run, and what one page says."""

import dataclasses
from collections.abc import Sequence
from inspect import formatannotation
from typing import TYPE_CHECKING, Any

import typer

from provenn.cli.output import AsJson, console, print_heading, print_json, print_table, warn
from provenn.cli.pages import Slug, page, readable_pages
from provenn.cli.stores import StoreOption, stores
from provenn.cli.verdicts import latest_verdicts, plain_verdict, print_verdicts

if TYPE_CHECKING:
    from provenn.evidence import Claim, Page
    from provenn.evidence.verdicts import Verdict


def list_papers(as_json: AsJson = False) -> None:
    """List the papers that can be run."""
    found, broken = readable_pages()
    if as_json:
        print_json({"papers": [_summary(p) for p in found], "broken": broken})
    else:
        print_table(
            ("paper", "room", "year", "claims", "title"),
            [
                (p.paper.slug, p.paper.room, p.paper.year, len(p.claims), p.paper.title)
                for p in found
            ],
        )
        for slug, message in broken.items():
            warn(f"{slug}: {message}")
    if broken:
        raise typer.Exit(1)


def cite(slug: Slug) -> None:
    """Print the BibTeX entry of a paper."""
    print(page(slug).paper.bibtex, end="")


def show(slug: Slug, store: StoreOption = None, as_json: AsJson = False) -> None:
    """Show a paper: its claims, its config in each preset, its peers, and the latest verdicts."""
    chosen = page(slug)
    verdicts = latest_verdicts(chosen, stores(store))
    if as_json:
        print_json(_everything(chosen, verdicts))
        return
    paper = chosen.paper
    print_heading(paper.title)
    out = console()
    out.print(f"{', '.join(paper.authors)}. {paper.venue}, {paper.year}. arXiv {paper.arxiv}")
    out.print(f"room provenn.{paper.room}, page {chosen.path}\n", soft_wrap=True)
    out.print(paper.summary, markup=False)
    print_heading("Claims")
    for claim in chosen.claims:
        _print_claim(claim)
    print_heading("Config (override one with --config.KEY VALUE)")
    print_table(("key", "type", *chosen.presets, "what"), _config_rows(chosen))
    out.print("seeds: " + ", ".join(f"{n} at {preset}" for preset, n in chosen.seeds.items()))
    print_heading("Ways in which the setting differs from the paper's")
    print_table(
        ("aspect", "paper", "here", "why", "presets"),
        [(d.aspect, d.paper, d.ours, d.why, ", ".join(d.presets)) for d in chosen.deviations],
    )
    print_heading("Latest verdicts")
    print_verdicts(verdicts)


def _print_claim(claim: "Claim") -> None:
    from rich.text import Text

    lines = [
        (f"{claim.id} (version {claim.version})", "bold"),
        (f"  says      {claim.says}", ""),
        (f"  reported  {claim.reported} ({claim.where})", ""),
        (f"  judged by {claim.relation or 'nothing: ' + claim.unjudged}", ""),
    ]
    if claim.relation is not None:
        lines.append((f"  margin    {claim.margin_source}", ""))
        lines.append((f"  presets   {', '.join(claim.presets)}", ""))
    if claim.peers:
        lines.append((f"  peers     {', '.join(claim.peers)}", ""))
    for text, style in lines:
        console().print(Text(text, style=style))


def _config_rows(page: "Page") -> list[tuple[str, ...]]:
    docs = config_docs(page.config_type)
    types = {f.name: formatannotation(f.type) for f in dataclasses.fields(page.config_type)}
    return [
        (
            name,
            types[name],
            *(str(getattr(config, name)) for config in page.presets.values()),
            docs.get(name, ""),
        )
        for name in types
    ]


def config_docs(config_type: type[Any]) -> dict[str, str]:
    """What the config says of each of its fields, in its docstring or below the field."""
    import docstring_parser

    params = docstring_parser.parse_from_object(config_type).params
    return {p.arg_name: " ".join((p.description or "").split()) for p in params}


def _everything(page: "Page", verdicts: "Sequence[Verdict]") -> dict[str, Any]:
    return {
        **_summary(page),
        "claims": [
            {**claim.frozen_parts(), "method": claim.method, "peers": list(claim.peers)}
            for claim in page.claims
        ],
        "presets": {name: dataclasses.asdict(c) for name, c in page.presets.items()},
        "config": config_docs(page.config_type),
        "deviations": [dataclasses.asdict(d) for d in page.deviations],
        "ablations": [dataclasses.asdict(a) for a in page.ablations],
        "verdicts": [plain_verdict(v) for v in verdicts],
    }


def _summary(page: "Page") -> dict[str, Any]:
    paper = page.paper
    return {
        "slug": paper.slug,
        "title": paper.title,
        "authors": list(paper.authors),
        "year": paper.year,
        "venue": paper.venue,
        "arxiv": paper.arxiv,
        "doi": paper.doi,
        "room": paper.room,
        "summary": paper.summary,
        "claims": [claim.id for claim in page.claims],
        "seeds": dict(page.seeds),
    }
