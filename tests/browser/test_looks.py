"""What every page keeps to, on any screen."""

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.support.browser import DESK, PHONE, OpenBrowser, looks
from tests.support.customers import IDS, LONG_ID

pytestmark = pytest.mark.browser
TABLET = ViewportSize(width=768, height=900)
PAGES = (
    "/model_interface",
    "/model_interface?view=what-if",
    "/call-list",
    "/call-list/suggestions",
    "/clients",
    "/nowhere",
)
CONTRAST = """() => {
  const light = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const brightness = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const ground = (e) => { for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c; }
    return [255, 255, 255]; };
  const poor = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.closest(".unseen, noscript, svg")) continue;
    const style = getComputedStyle(e);
    const [a, b] = [brightness(rgb(style.color)), brightness(ground(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(e.textContent.trim().slice(0, 40) + " " + style.color);
  }
  return poor; }"""


def with_results(page: Page) -> Page:
    page.goto(page.url.split("/model_interface")[0] + "/model_interface")
    page.fill("#ids", "\n".join([*IDS, LONG_ID, "nobody" * 30]))
    page.click("button:has-text('Predict')")
    page.wait_for_selector("tbody")
    return page


def check_looks(page: Page, what: str) -> None:
    """On three screens, in both themes: nothing is wider than the screen, and text stands out from its ground."""
    fits = "document.scrollingElement.scrollWidth <= innerWidth"
    page.set_viewport_size(TABLET)
    assert page.evaluate(fits), what
    for look in looks(page):
        assert page.evaluate(fits), (what, look)
        assert page.evaluate(CONTRAST) == [], (what, look)


def test_every_page_fits_the_screen_and_can_be_read(browse: OpenBrowser) -> None:
    watched = browse()
    check_looks(watched.open("/login"), "/login")
    page = watched.sign_in()
    for path in PAGES:
        check_looks(watched.open(path), path)
    watched.open("/model_interface")
    check_looks(with_results(page), "results")
    for screen in (PHONE, TABLET, DESK):
        page.set_viewport_size(screen)
        cut_off = "(e) => e.querySelector('table').scrollWidth - e.clientWidth"
        assert page.locator(".answers").evaluate(cut_off) <= 0, screen


@pytest.mark.parametrize("width", [1280, 1100, 768, 360])
def test_the_pages_stand_in_one_line_or_fold_into_a_menu(browse: OpenBrowser, width: int) -> None:
    page = browse(ViewportSize(width=width, height=700)).sign_in()
    band = page.locator("header.band").bounding_box()
    assert band
    assert band["height"] < 64, "one line"
    menu, pages = page.get_by_role("button", name="Menu"), page.get_by_role("navigation", name="Pages")
    if width < 1088:
        expect(pages).to_be_hidden()
        menu.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Today"
        expect(pages.locator("[aria-current=page]")).to_have_text("Predict")
        page.keyboard.press("Escape")
        expect(pages).to_be_hidden()
        expect(menu).to_be_focused()
    else:
        expect(menu).to_be_hidden()
        expect(pages.locator("[aria-current=page]")).to_have_text("Predict")


def test_on_a_phone_each_client_is_a_card_with_its_labels(browse: OpenBrowser) -> None:
    page = with_results(browse(PHONE).sign_in())
    expect(page.locator("thead")).to_be_hidden()
    card = page.locator("tbody tr").first
    box = card.bounding_box()
    assert box
    assert box["height"] > 200
    label = card.locator("[data-label='Money at risk']").evaluate("(e) => getComputedStyle(e, '::before').content")
    assert label == '"Money at risk"'


def test_dark_is_dark_and_light_is_light(browse: OpenBrowser) -> None:
    ground = "() => getComputedStyle(document.documentElement).backgroundColor"
    shades = {
        scheme: sum(int(n) for n in browse(color_scheme=scheme).open("/login").evaluate(ground)[4:-1].split(",")) / 3
        for scheme in ("light", "dark")
    }
    assert shades["light"] > 230
    assert shades["dark"] < 40


def test_who_wants_no_motion_sees_none(browse: OpenBrowser) -> None:
    page = browse(reduced_motion="reduce").open("/login")
    assert (
        page.locator("main button:has-text('Sign in')").evaluate("(e) => getComputedStyle(e).transitionDuration")
        == "0s"
    )


def test_the_api_documentation_shows_without_a_complaint(browse: OpenBrowser) -> None:
    page = browse().open("/docs")
    page.wait_for_selector(".swagger-ui .opblock")
    assert page.locator(".opblock").count() >= 5


def test_every_field_has_a_name_for_a_screen_reader(browse: OpenBrowser) -> None:
    page = browse().sign_in("/model_interface?view=what-if")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
                 .filter((e) => !e.labels?.length).map((e) => e.name)"""
    )
    assert nameless == []
    assert page.locator("html[lang=en] main#main h1").count() == 1
