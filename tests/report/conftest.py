"""A small gallery, built once, and a browser to look at it with."""

import pytest

from provenn.evidence.store import Store
from provenn.report import NegativeControls, build
from tests.report import synthetic
from tests.report.browsing import chromium

CONTROLS = NegativeControls(aa_holds=2, aa_claims=66, sabotage_noticed=61, sabotage_claims=64)


@pytest.fixture(scope="session")
def gallery(tmp_path_factory):
    """Index of a gallery of four papers: strong evidence, a look, a crash, and nothing at all."""
    folder = tmp_path_factory.mktemp("gallery")
    pages = synthetic.pages(4)
    store = Store(folder / "store")
    synthetic.fill(store, pages[0], ("quick", "laptop"))
    synthetic.fill(store, pages[1])
    synthetic.fill(store, pages[2], crashed=1)
    return build(pages, [store], folder / "gallery", controls=CONTROLS)


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser
