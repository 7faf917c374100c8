"""A small gallery, built once, and a browser to look at it with."""

import pytest

from provenn.evidence.controls import FILE_NAME, Controls, save
from provenn.evidence.store import Store
from provenn.report import build
from tests.report import synthetic
from tests.report.browsing import chromium

CONTROLS = Controls(aa_holds=2, aa_cases=66, broken=61, sabotaged=64)


@pytest.fixture(scope="session")
def gallery(tmp_path_factory):
    """Index of a gallery of four papers: strong evidence, a look, a crash, and nothing at all."""
    folder = tmp_path_factory.mktemp("gallery")
    pages = synthetic.pages(4)
    store = Store(folder / "store")
    synthetic.fill(store, pages[0], ("quick", "laptop"))
    synthetic.fill(store, pages[1])
    synthetic.fill(store, pages[2], crashed=1)
    save({pages[0].paper.slug: CONTROLS}, store.root / FILE_NAME)
    return build(pages, [store], folder / "gallery")


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser
