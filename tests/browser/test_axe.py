"""Every page, light and dark, broad and narrow: what axe finds, what leaves for elsewhere, what breaks the policy."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import pytest
from playwright.sync_api import Browser

from endpoints.pages import PAGE_BLUEPRINTS
from tests.support.browser import COMPLETE, DESK, PHONE, Watched, watch
from tests.support.customers import IDS
from tests.support.lived_in import ADMIN, PLACES, LivedIn

pytestmark = pytest.mark.browser
SCREENS = {"light": (DESK, PHONE), "dark": (PHONE, DESK)}
"""By theme the screen on which axe looks, and the other one."""
OPEN_ALL = "() => document.querySelectorAll('details').forEach((each) => { each.open = true; })"
FINDINGS = """async () => (await axe.run(document, { resultTypes: ['violations'], preload: false })).violations
  .filter((found) => ['serious', 'critical'].includes(found.impact))
  .flatMap((found) => found.nodes.map((node) => `${found.id}: ${node.target} ${node.any[0]?.message ?? ''}`))"""
WIDTH = "document.scrollingElement.scrollWidth"


@cache
def axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=SCREENS)
def window(request: pytest.FixtureRequest, chromium: Browser, lived_in: LivedIn) -> Iterator[Watched]:
    """One window of a theme for all pages, in which `ADMIN` is signed in."""
    watched = watch(
        chromium, lived_in.site, SCREENS[request.param][0], color_scheme=request.param, reduced_motion="reduce"
    )
    watched.enter(ADMIN)
    yield watched
    watched.page.context.close()


def inspect(watched: Watched, path: str) -> None:
    """Looks at the page that is open, on both screens."""
    page = watched.page
    page.wait_for_function(COMPLETE)
    page.evaluate(OPEN_ALL)
    page.evaluate(axe())
    assert page.evaluate(FINDINGS) == [], path
    first = page.viewport_size
    assert first
    for screen in (first, PHONE if first == DESK else DESK):
        page.set_viewport_size(screen)
        assert page.evaluate(WIDTH) <= screen["width"], f"{path} is wider than {screen['width']}"
    page.set_viewport_size(first)
    assert (watched.violations, watched.errors, watched.foreign, watched.complaints) == ([], [], [], []), path


@pytest.mark.parametrize("endpoint", PLACES)
def test_a_page_is_for_everybody(window: Watched, lived_in: LivedIn, endpoint: str) -> None:
    for path in lived_in.addresses(endpoint):
        window.open(path)
        inspect(window, path)


def test_answers_are_for_everybody(window: Watched) -> None:
    page = window.open("/model_interface")
    page.fill("#ids", "\n".join([*IDS, "nobody"]))
    page.click("button:has-text('Predict')")
    page.wait_for_selector("tbody")
    inspect(window, "answers about ids")
    page = window.open(f"/model_interface?client={IDS[0]}")
    page.click("button:has-text('Predict')")
    page.wait_for_selector(".outcome .chance, #outcome .chance")
    inspect(window, "the answer to what if")


def test_who_has_no_session_is_met_as_well(chromium: Browser, lived_in: LivedIn) -> None:
    for theme, (screen, _) in SCREENS.items():
        watched = watch(chromium, lived_in.site, screen, color_scheme=theme, reduced_motion="reduce")
        for path in ("/login", "/nowhere"):
            watched.open(path)
            inspect(watched, path)
        watched.page.context.close()


def test_every_page_has_its_place_here(lived_in: LivedIn) -> None:
    pages = {each.name for each in PAGE_BLUEPRINTS}
    read = [rule for rule in lived_in.site.app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    shown = [rule.endpoint for rule in read if not rule.rule.endswith((".csv", ".svg"))]
    assert {each for each in shown if each.rpartition(".")[0] in pages} == set(PLACES)


def test_the_watch_itself_sees_wrong(chromium: Browser, lived_in: LivedIn) -> None:
    """Were it blind, the other tests would pass for nothing."""
    watched = watch(chromium, lived_in.site)
    page = watched.open("/login")
    page.evaluate("() => { document.querySelector('main').innerHTML += '<img src=x><input>'; console.error('odd'); }")
    page.evaluate(axe())
    found = page.evaluate(FINDINGS)
    assert {each.split(":")[0] for each in found} >= {"image-alt", "label"}
    assert watched.complaints == ["odd"]
    page.context.close()
