"""What a retention manager does, in a real browser."""

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import PHONE, OpenBrowser, Watched, until
from tests.support.customers import IDS
from tests.support.visitor import PASSWORD

pytestmark = pytest.mark.browser


def predict(page: Page, ids: str) -> None:
    page.fill("#ids", ids)
    page.click("button:has-text('Predict')")
    page.wait_for_selector(".figures")


def column(page: Page, place: int) -> list[str]:
    cells = page.locator(f"tbody tr > :nth-child({place})")
    return [cells.nth(i).get_attribute("data-value") or "" for i in range(cells.count())]


def test_sign_in_predict_by_ids_sign_out(browse: OpenBrowser) -> None:
    page = browse().sign_in_by_form()
    predict(page, "\n".join([*IDS[:4], "nobody"]))
    expect(page.locator("tbody tr")).to_have_count(4)
    expect(page.locator(".notice")).to_contain_text("nobody: unknown")
    expect(page.locator("tbody")).to_contain_text("High risk:")
    assert page.locator("#ids").input_value().split() == [*IDS[:4], "nobody"], "what was entered stays"
    page.click("text=Sign out")
    page.wait_for_selector("#username")
    page.goto(f"{page.url.split('/login')[0]}/model_interface")
    expect(page.locator("h1")).to_have_text("Sign in")


def test_a_wrong_password_says_so_and_is_not_shown(browse: OpenBrowser, site: object) -> None:
    watched = browse()
    page = watched.open("/login")
    page.fill("#username", watched.site.person())
    page.fill("#password", "not the password")
    page.click("main button:has-text('Sign in')")
    expect(page.locator("[role=alert]")).to_have_text("User name or password is not right.")
    assert "not the password" not in page.content()
    assert page.locator("#password").get_attribute("type") == "password"
    assert page.evaluate("document.activeElement.id") == "password"
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Today")


def test_what_if_from_a_customer_of_the_table(browse: OpenBrowser) -> None:
    page = browse().sign_in()
    predict(page, IDS[0])
    page.click("text=Try changes")
    expect(page.locator("#client_id")).to_have_value(IDS[0])
    page.click("button:has-text('Predict')")
    expect(page.locator("tbody tr")).to_have_count(1)
    number = page.locator("input[type=number]").first
    number.fill("")
    page.click("button:has-text('Predict')")
    expect(page.locator("[role=alert]")).to_contain_text("Look again at")
    expect(page.locator(".wrong")).to_contain_text("Must be filled in")
    expect(page.locator("tbody")).to_have_count(0)


def test_the_score_follows_what_is_typed(browse: OpenBrowser) -> None:
    page = browse().sign_in("/model_interface?view=what-if")
    told = page.locator(".so-far")
    expect(told).to_contain_text("at risk")
    number = page.locator("fieldset input[type=number][required]").first
    typical = number.input_value()
    number.fill("")
    expect(told).to_contain_text("Nothing was scored yet")
    number.press_sequentially(typical)
    expect(told).to_contain_text("at risk")
    assert page.evaluate("document.activeElement.type") == "number"


def test_sorting_needs_no_new_answer(browse: OpenBrowser) -> None:
    page = browse().sign_in()
    predict(page, "\n".join(IDS))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for name, place in (("Probability of leaving", 2), ("Lifetime value", 4)):
        page.click(f"button.sort:has-text('{name}')")
        first = [float(each) for each in column(page, place) if each]
        assert page.locator(f"th:has-text('{name}')").first.get_attribute("aria-sort") in ("ascending", "descending")
        page.click(f"button.sort:has-text('{name}')")
        second = [float(each) for each in column(page, place) if each]
        assert first == sorted(first, reverse=True)
        assert second == sorted(second)
        assert column(page, place)[-1] == "" or place == 2, "what is unknown stays last"
    expect(page.locator("#announce")).to_contain_text("Sorted by Lifetime value, ascending")
    assert asked == []


def test_the_file_can_be_downloaded(browse: OpenBrowser) -> None:
    page = browse().sign_in()
    predict(page, "\n".join(IDS[:3]))
    with page.expect_download() as download:
        page.click("text=Download CSV")
    content = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert {line["client_id"] for line in csv.DictReader(io.StringIO(content))} == set(IDS[:3])


def test_by_keyboard_alone(browse: OpenBrowser) -> None:
    watched = browse()
    name = watched.site.person()
    page = watched.open("/model_interface")
    page.wait_for_selector("#username:focus")
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#ids")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    page.wait_for_selector("#main:focus")
    tab_to(page, "ids")
    page.keyboard.type(", ".join(IDS))
    tab_to(page, "Predict")
    page.keyboard.press("Enter")
    page.wait_for_selector("tbody")
    expect(page.locator("#announce")).to_contain_text("8 of 8 scored")
    tab_to(page, "Probability of leaving")
    page.keyboard.press("Enter")
    found = [float(each) for each in column(page, 2)]
    assert found == sorted(found, reverse=True)
    assert focused(page) == "Probability of leaving"


def test_without_scripts_it_works_as_well(browse: OpenBrowser) -> None:
    page = browse(java_script_enabled=False).sign_in()
    predict(page, "\n".join(IDS[:2]))
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("h1")).to_have_text("Predict")


def test_a_lost_connection_is_told(browse: OpenBrowser) -> None:
    page = browse().sign_in()
    page.route("**/model_interface", lambda route: route.abort())
    page.fill("#ids", IDS[0])
    page.click("button:has-text('Predict')")
    expect(page.locator("#announce")).to_contain_text("could not be reached")
    expect(page.locator("#announce")).to_be_visible()


def test_a_session_that_ended_leads_to_signing_in(browse: OpenBrowser) -> None:
    page = browse(PHONE).sign_in()
    page.context.clear_cookies(name="holdfast")
    page.fill("#ids", IDS[0])
    page.click("button:has-text('Predict')")
    expect(page.locator("h1")).to_have_text("Sign in")
    assert "next=/model_interface" in page.url


def focused(page: Page) -> str:
    """The id or the text of what has the focus, which must be seen to have it."""
    name, outline = page.evaluate(
        """() => { const e = document.activeElement, s = getComputedStyle(e);
                   return [e.id || e.textContent.trim(), s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2
                           || s.boxShadow !== 'none']; }"""
    )
    assert outline, f"{name} has the focus and does not show it"
    return str(name)


def tab_to(page: Page, wanted: str) -> None:
    for _ in range(30):
        page.keyboard.press("Tab")
        if focused(page) == wanted:
            return
    raise AssertionError(f"30 tabs did not reach {wanted}")


def test_the_watch_itself_sees_wrong(browse: OpenBrowser) -> None:
    """Were it blind, the other tests would pass for nothing."""
    watched: Watched = browse()
    page = watched.open("/login")
    page.evaluate(
        "() => { const e = document.createElement('style'); e.textContent = 'p{}'; document.head.append(e); }"
    )
    page.evaluate("() => { new Image().src = 'http://192.0.2.1/x.png'; }")
    page.evaluate("() => { setTimeout(() => { throw new Error('wrong'); }); }")
    seen = watched.violations, watched.errors, watched.foreign
    until(page, lambda: all(seen))
    for found in seen:
        found.clear()
