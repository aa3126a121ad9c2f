"""What a manager does with models, in a real browser."""

from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from services.config.lifecycle import Lifecycle
from tests.browser.test_looks import CONTRAST
from tests.support.browser import OpenBrowser, Site, looks

pytestmark = pytest.mark.browser
CARD = "/models/catboost/1"
PAIR = "/models/compare?a=additive@1&b=catboost@1"
PAGES = ("/models", CARD, PAIR)
BROKEN = "() => [...document.images].filter((each) => !each.complete || !each.naturalWidth).map((each) => each.src)"
EAGER = "() => document.querySelectorAll('img').forEach((each) => { each.loading = 'eager'; })"


def complete(page: Page) -> Page:
    """Once every picture is there."""
    page.evaluate(EAGER)
    page.wait_for_function(f"() => ({BROKEN})().length === 0")
    return page


def test_from_the_list_to_a_draft(browse: OpenBrowser, site: Site) -> None:
    watched = browse()
    page = watched.sign_in()
    page.click("nav >> text=Models")
    expect(page.locator(".models tbody tr", has_text="additive@1")).to_contain_text("Champion")
    page.click(".models >> text=Catboost 1")
    complete(page)
    expect(page.locator(".picture")).to_have_count(6)
    expect(page.locator("nav [aria-current]")).to_have_text("Models")
    page.get_by_label("Score silently").check()
    page.click("button:has-text('Draft the change')")
    expect(page.locator("#use-why-help")).to_have_text("Must be filled in.")
    expect(page.get_by_label("Score silently")).to_be_checked()
    page.get_by_label("Why?").fill("as a yardstick")
    page.click("button:has-text('Draft the change')")
    changes: Lifecycle = site.app.extensions["holdfast"].config_changes
    draft = changes.open_changes()[0]
    assert page.url.split("#")[0] == f"{site.url}/config/changes/{draft.id}"
    changes.abandon(draft.id, "a test")
    assert (draft.changes, draft.reason) == ({"shadow": '["catboost@1"]'}, "as a yardstick")


def test_two_are_compared_without_scripts_as_well(browse: OpenBrowser) -> None:
    watched = browse(java_script_enabled=False)
    watched.sign_in()
    page = watched.open("/models")
    page.get_by_label("With").select_option("heuristic@1")
    page.click("button:has-text('Compare')")
    expect(page.locator(".side h2")).to_have_text(["A Additive 1", "B Heuristic 1"])
    expect(page.locator(".compare-table .interval")).to_have_count(18)


def test_the_list_can_be_sorted(browse: OpenBrowser) -> None:
    page = browse().sign_in()
    page.click("nav >> text=Models")
    page.click("th button:has-text('ROC AUC')")
    values = [float(each) for each in page.locator(".models tbody td:nth-child(5) strong").all_inner_texts()]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) > 1


def test_it_fits_text_stands_out_and_a_screen_reader_finds_its_way(browse: OpenBrowser) -> None:
    watched = browse()
    watched.sign_in()
    for path in PAGES:
        page = complete(watched.open(path))
        for look in looks(page):
            assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), (path, look)
            for table in page.locator(".answers").all():
                cut_off = "(e) => e.querySelector('table').scrollWidth - e.clientWidth"
                assert table.evaluate(cut_off) <= 0, (path, look)
            assert page.evaluate(CONTRAST) == [], (path, look)
        levels = page.locator("h1, h2, h3, h4").evaluate_all("(all) => all.map((e) => Number(e.tagName[1]))")
        assert levels[0] == 1
        assert all(later - earlier <= 1 for earlier, later in pairwise(levels)), path
        assert page.locator("table:not(:has(caption)), img:not([alt]), img[alt='']").count() == 0
        assert page.locator("thead th:not([scope=col]), tbody th:not([scope=row])").count() == 0
        assert page.locator("svg:not([aria-hidden]):not([aria-label])").count() == 0
        nameless = "(all) => all.filter((e) => !e.labels.length && !e.ariaLabel).length"
        assert page.locator("input:not([type=hidden]), select, textarea").evaluate_all(nameless) == 0
        ids = page.locator("[id]").evaluate_all("(all) => all.map((e) => e.id)")
        assert len(ids) == len(set(ids)), path
