"""``provenn controls``: whether verdicts notice that the method is its peer, or is broken."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from provenn.cli.door import FAILED, UsageError
from provenn.cli.output import AsJson, print_json, print_table
from provenn.cli.pages import All, Slugs, pages
from provenn.cli.run import Workers, progress
from provenn.cli.stores import StoreOption, writable_store

if TYPE_CHECKING:
    from provenn.evidence.controls import Controls


def controls(
    slugs: Slugs = None,
    every: All = False,
    seeds: Annotated[int, typer.Option(min=4, help="Seeds for A/A: even, at least 4.")] = 6,
    workers: Workers = None,
    store: StoreOption = None,
    as_json: AsJson = False,
) -> int:
    """Run the negative controls: the method replaced by its peer, and its key term removed.

    With the peer in the method's place at most 5 % of the strict claims may hold; with the key term
    removed at least 90 % of those that held must stop holding. The gallery shows both figures.
    """
    from provenn.evidence.controls import FILE_NAME, Controls, control, read, save
    from provenn.evidence.executors import Processes
    from provenn.evidence.store import Store

    if seeds % 2:
        raise UsageError(f"--seeds must be even and at least 4, got {seeds}")
    chosen = pages(slugs, every)
    own = writable_store(store)
    apart = Store(own.root.with_name(f"{own.root.name}-controls"))
    path = own.root / FILE_NAME
    try:
        known = read(path)
    except ValueError as error:
        raise UsageError(str(error)) from error

    found: dict[str, Controls] = {}
    for page in chosen:
        with progress() as board:
            executor = Processes(workers)
            found[page.paper.slug] = control(page, apart, executor, seeds=seeds, listener=board)
        save({**known, **found}, path)
    total = sum(found.values(), Controls())
    if as_json:
        print_json(
            {
                "papers": {slug: asdict(each) for slug, each in found.items()},
                "aa_rate": total.aa_rate,
                "broken_rate": total.broken_rate,
                "ok": total.ok,
            }
        )
    else:
        _print(found, total)
    return 0 if total.ok else FAILED


def _print(found: "Mapping[str, Controls]", total: "Controls") -> None:
    print_table(
        ("paper", "hold with the peer in the method's place", "stop without the key term"),
        [
            (
                slug,
                f"{each.aa_holds} of {each.aa_cases}",
                f"{each.broken} of {each.sabotaged}",
            )
            for slug, each in found.items()
        ],
    )
    for name in total.unbroken:
        print(f"still holds without its key term: {name}")
    print(
        f"A/A {total.aa_rate:.1%} (at most 5 %), sabotage {total.broken_rate:.0%} (at least 90 %)"
    )
