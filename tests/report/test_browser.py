"""The built gallery in headless Chromium: what a reader can do with it, and for whom."""

import io
import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from matplotlib.image import imread
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

WIDE, NARROW = (1440, 900), (390, 844)


@pytest.fixture
def open_page(browser):
    """Opens a file of the gallery; the test fails if the page complains or asks for anything."""
    contexts, complaints = [], []

    def open_page(path, size=WIDE, fragment="", **options):
        width, height = size
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: r.url.startswith("file:") or complaints.append(r.url))
        page.goto(path.as_uri() + fragment)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def paper(gallery):
    return gallery.parent / "paper-00" / "index.html"


def is_dark_picture(png):
    """Whether text and lines of a picture are lighter than its ground."""
    grey = imread(io.BytesIO(png))[..., :3].mean(-1)
    return np.median(grey) < grey.mean()


def titles(page):
    return page.locator(".card:visible h3").all_text_contents()


def test_search(open_page, gallery):
    page = open_page(gallery)
    assert len(titles(page)) == 4
    page.get_by_label("Search").fill("hypercomplex PAPER-02 ada")
    assert [t[-2:] for t in titles(page)] == ["03"]
    expect(page.get_by_role("status")).to_have_text("1 of 4 papers")
    page.get_by_label("Search").fill("nothing has this name")
    expect(page.get_by_text("No paper matches.")).to_be_visible()
    page.get_by_label("Search").fill("")
    assert len(titles(page)) == 4


def test_filter_by_room_and_verdict(open_page, gallery):
    page = open_page(gallery)
    page.get_by_label("Room").select_option("hyper")
    assert [t[-2:] for t in titles(page)] == ["02"]
    page.get_by_label("Room").select_option("")
    page.get_by_label("Verdict").select_option("holds")
    shown = page.locator(".card:visible")
    assert 0 < shown.count() < 4
    assert all(int(card.get_attribute("data-holds")) > 0 for card in shown.all())


@pytest.mark.parametrize("order", ["year", "room", "holds", "fails", "title"])
def test_sort(open_page, gallery, order):
    page = open_page(gallery)
    page.get_by_label("Sort by").select_option(order)
    values = [c.get_attribute(f"data-{order}") for c in page.locator(".card").all()]
    if order in ("room", "title"):
        assert values == sorted(values)
    else:
        assert [int(v) for v in values] == sorted(map(int, values), reverse=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme_follows_the_system_until_it_is_chosen(open_page, gallery, scheme):
    page = open_page(gallery, color_scheme=scheme)

    def is_dark():
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", colour)[:3])) < 3 * 128

    assert is_dark() == (scheme == "dark")
    page.get_by_role("button", name="theme").click()
    assert is_dark() == (scheme == "light")
    page.reload()
    assert is_dark() == (scheme == "light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_follow_the_theme(open_page, paper, scheme):
    page = open_page(paper, color_scheme=scheme)
    figure = page.locator(".canvas img").first
    figure.scroll_into_view_if_needed()
    assert is_dark_picture(figure.screenshot()) == (scheme == "dark")
    page.get_by_role("button", name="theme").click()
    assert is_dark_picture(figure.screenshot()) == (scheme == "light")


def test_deep_link_to_a_claim(open_page, paper):
    page = open_page(paper, fragment="#c5-matches")
    expect(page.locator("#c5-matches")).to_be_in_viewport()
    plain = page.locator("#c4-algebra").evaluate("e => getComputedStyle(e).backgroundColor")
    marked = page.locator("#c5-matches").evaluate("e => getComputedStyle(e).backgroundColor")
    assert plain != marked


def test_copy(open_page, paper):
    page = open_page(paper, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the example").click()
    expect(page.get_by_role("button", name="Copied the example")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("from provenn.nn import PHConv2d  # a drop-in layer\n\nlayer =")


def test_from_a_card_to_its_paper_and_back(open_page, gallery):
    page = open_page(gallery)
    page.locator(".card").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("part 01")
    page.get_by_role("link", name="provenn", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("with their evidence")


@pytest.mark.parametrize("name", ["index", "paper"])
def test_everything_can_be_reached_by_keyboard(open_page, gallery, paper, name):
    page = open_page(gallery if name == "index" else paper)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    wanted = page.evaluate(
        """() => [...document.querySelectorAll('a, button, input, select, summary, [tabindex="0"]')]
        .filter(e => e.checkVisibility()).length"""
    )
    seen = 1
    for _ in range(wanted - 1):
        page.keyboard.press("Tab")
        outlined = page.evaluate(
            """() => { const e = document.activeElement;
            return ['', '::after'].some(p => getComputedStyle(e, p).outlineStyle !== 'none'); }"""
        )
        assert outlined, page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        seen += page.evaluate("document.activeElement !== document.body")
    assert seen == wanted
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === document.body")


def test_pages_read_without_script(open_page, gallery, paper):
    page = open_page(gallery, java_script_enabled=False)
    assert page.locator(".card").count() == 4
    expect(page.get_by_label("Search")).to_be_hidden()
    expect(page.locator("[data-theme-toggle]")).to_be_hidden()
    page.goto(paper.as_uri())
    expect(page.locator("#c2-accuracy")).to_be_visible()
    expect(page.locator(".copy").first).to_be_hidden()


@pytest.mark.parametrize("size", [WIDE, (900, 800), NARROW, (320, 640)])
def test_nothing_runs_over_the_edge(open_page, gallery, paper, size):
    for path in (gallery, paper):
        page = open_page(path, size)
        page.locator("details").evaluate_all("all => all.forEach(d => { d.open = true; })")
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0


def test_tables_become_cards_on_a_phone(open_page, paper):
    page = open_page(paper, NARROW)
    cells = page.locator("#c2-accuracy > *").all()
    assert len({round(cell.bounding_box()["x"]) for cell in cells}) == 1


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "paper"])
def test_axe_finds_no_violation(open_page, gallery, paper, name, scheme, size):
    page = open_page(gallery if name == "index" else paper, size, color_scheme=scheme)
    page.locator("details").evaluate_all("all => all.forEach(d => { d.open = true; })")
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    checked = {rule["id"] for rule in results.response["passes"]}
    assert {"color-contrast", "heading-order", "landmark-one-main", "html-has-lang"} <= checked
