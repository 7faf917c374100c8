"""Seed 0 of every page at ``quick``, measured in a fresh process."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import provenn.papers
from provenn.evidence.executors import Processes
from provenn.evidence.page import Page
from provenn.evidence.records import Trial
from provenn.evidence.runner import Summary, run
from provenn.evidence.store import Store
from tests.reliability.pages import brief


def all_pages() -> list[Page]:
    """Every paper that is installed, and the brief one of the tests."""
    papers = [provenn.papers.load(slug) for slug in provenn.papers.slugs()]
    return [Page.from_module(brief), *papers]


@contextmanager
def fresh_store() -> Iterator[Store]:
    """A store that is gone after the block."""
    with tempfile.TemporaryDirectory(prefix="provenn-reliability-") as folder:
        yield Store(folder)


def measure(page: Page, store: Store, overrides: Mapping[str, Any] | None = None) -> Summary:
    """Run seed 0 of ``page``."""
    return run(
        [page], preset="quick", store=store, executor=Processes(1), seeds=1, overrides=overrides
    )


@cache
def straight(slug: str) -> str:
    """What :func:`said` tells of a run from start to end."""
    (page,) = (page for page in all_pages() if page.paper.slug == slug)
    with fresh_store() as store:
        measure(page, store)
        (trial,) = store.trials()
        return said(trial)


def said(trial: Trial) -> str:
    """All that a second run must give again, to the last bit; the error of a crashed trial."""
    if trial.failed:
        return trial.record.error
    series = {name: values.tobytes().hex() for name, values in trial.series.items()}
    scalars = {name: value.hex() for name, value in trial.metrics.repeatable().items()}
    return repr((sorted(scalars.items()), sorted(series.items())))
