"""``provenn data``: which data sets there are, where they lie, and how to fetch one."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from provenn.cli.door import CommandError, Verbs, unknown
from provenn.cli.output import AsJson, print_json, print_table

if TYPE_CHECKING:
    from provenn.data import Place

app = typer.Typer(cls=Verbs, help="List, fetch and find data sets.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="As `provenn data list` names it.")]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME...", help="As `provenn data list` names them."),
]


@app.command("list")
def list_data(as_json: AsJson = False) -> None:
    """List the data sets and say which of them need no network."""
    from provenn import data

    known = [(data.info(name), data.where(name)) for name in data.names()]
    if as_json:
        print_json([{**asdict(info), "found": place.found} for info, place in known])
        return
    print_table(
        ("name", "kind", "example", "splits", "here", "what"),
        [
            (
                info.name,
                info.kind,
                " x ".join(map(str, info.shape)),
                ", ".join(f"{split} {n}" for split, n in info.splits.items()),
                "yes" if place.found else "no",
                info.title,
            )
            for info, place in known
        ],
    )


@app.command()
def where(names: Names = None, as_json: AsJson = False) -> None:
    """Say where data sets lie (default: all of them), or how they can be had."""
    from provenn import data

    places = [data.where(_known(name)) for name in names or data.names()]
    _print_places(places, as_json)
    if names and not all(place.found for place in places):
        raise typer.Exit(1)


@app.command()
def fetch(name: Name, as_json: AsJson = False) -> None:
    """Fetch a data set once, check it, and keep it for use without the network."""
    from provenn import data

    try:
        place = data.fetch(_known(name))
    except (data.DataError, ImportError) as error:
        raise CommandError(str(error)) from error
    _print_places([place], as_json)


def _print_places(places: "list[Place]", as_json: bool) -> None:
    if as_json:
        print_json([asdict(place) for place in places])
    else:
        for place in places:
            print(f"{place.name}: {place.says}")


def _known(name: str) -> str:
    from provenn import data

    if name not in data.names():
        raise unknown(f"data set {name!r}", name, data.names())
    return name
