"""``provenn lock``: freeze claims before they are measured."""

import typer

from provenn.cli.output import warn
from provenn.cli.pages import All, Slugs, pages


def lock(slugs: Slugs = None, every: All = False) -> None:
    """Lock new claims, and new versions of changed ones, in the claims.lock beside the page.

    A claim that was changed under its old version number is not locked: raise its version.
    """
    from provenn.evidence.lock import update

    chosen = pages(slugs, every)
    problems = update(chosen)
    for problem in problems:
        warn(str(problem))
    if problems:
        raise typer.Exit(1)
    print(f"locked: {', '.join(page.paper.slug for page in chosen)}")
