"""R14: a hostile store and page, rendered in headless Chromium."""

import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from provenn.report import build
from tests.reliability.figures import Figure, Size, figure
from tests.report.browsing import chromium
from tests.report.hostile import PAYLOADS, hostile_gallery

_PROVOKE = """() => {
  for (const e of document.querySelectorAll("*")) {
    if (e.matches("details")) e.open = true;
    for (const kind of ["mouseover", "focus", "error", "load"]) e.dispatchEvent(new Event(kind));
  }
}"""
_RAN = "() => ('ran' in window) || document.title === 'ran' || document.scripts.length !== 1"


@figure("R14")
def measure(size: Size) -> Figure:
    """Texts of a stranger in every field: scripts run, files touched outside, requests sent."""
    shifts = range(len(PAYLOADS)) if size == "full" else range(0, len(PAYLOADS), 6)
    scripts = requests = touched = 0
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        for shift in shifts:
            folder = Path(name) / str(shift)
            folder.mkdir()
            pages, store = hostile_gallery(folder, shift)
            before = _outside(folder)
            index = build(pages, [store], folder / "gallery")
            touched += len(_outside(folder) ^ before)
            own = {path.as_uri() for path in index.parent.rglob("*.svg")}
            for path in sorted(index.parent.rglob("*.html")):
                ran, sent = _visit(browser, path, own)
                scripts += ran
                requests += sent
    return Figure(
        id="R14",
        says=f"{len(PAYLOADS)} hostile texts in every field, {len(shifts)} galleries in Chromium:"
        " scripts run, files touched outside, requests sent",
        target="0, 0, 0",
        measured=f"{scripts}, {touched}, {requests}",
        ok=(scripts, touched, requests) == (0, 0, 0),
    )


def _outside(folder: Path) -> set[tuple[str, bytes]]:
    """Files beside the gallery with their contents."""
    files = (p for p in folder.rglob("*") if p.is_file() and not p.is_symlink())
    return {(str(p), p.read_bytes()) for p in files if folder / "gallery" not in p.parents}


def _visit(browser: Browser, path: Path, own: set[str]) -> tuple[int, int]:
    """Scripts that ran and requests that were sent while a page was open and provoked.

    Args:
        browser: The browser.
        path: The page.
        own: Addresses of the gallery's figures, which pages show.
    """
    context = browser.new_context()
    page = context.new_page()
    dialogs: list[str] = []
    asked: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.evaluate(_PROVOKE)
    page.wait_for_timeout(100)
    ran = int(page.evaluate(_RAN)) + len(dialogs)
    at_home = page.url == path.as_uri()
    context.close()
    kept = {path.as_uri(), *own}
    sent = [url for url in asked if url not in kept and not url.startswith("data:image/png")]
    return ran, len(sent) + (not at_home)
