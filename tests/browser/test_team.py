"""Account and team in a real browser: on a phone too, without a breach of the policy."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import PHONE, OpenBrowser
from tests.support.visitor import PASSWORD

pytestmark = pytest.mark.browser


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_a_password_is_shown_only_while_one_asks_for_it(browse: OpenBrowser) -> None:
    page = browse().open("/login")
    field = page.locator("#password")
    assert field.get_attribute("type") == "password"
    field.fill(PASSWORD)
    page.get_by_role("button", name="Show: Password").click()
    assert field.get_attribute("type") == "text"
    page.get_by_role("button", name="Hide: Password").click()
    assert field.get_attribute("type") == "password"


def test_a_second_factor_is_set_up_on_a_phone(browse: OpenBrowser) -> None:
    page = browse(PHONE).sign_in()
    page.click(".person .who")
    page.fill("#second_factor-current", PASSWORD)
    page.click("text=Set up a second factor")
    expect(page.locator(".qr svg")).to_be_visible()
    assert fits(page)


def test_an_administrator_adds_somebody(browse: OpenBrowser) -> None:
    window = browse()
    accounts = window.site.app.extensions["holdfast"].accounts
    page = window.sign_in()
    name = page.locator(".person .who").inner_text()
    accounts.set_role(name, "admin", "a test")
    window.open("/login?next=/team")
    page.fill("#username", name)
    page.fill("#password", PASSWORD)
    page.click("main button:has-text('Sign in')")
    page.fill("#username", f"new-{name}")
    page.click("#add button")
    expect(page.locator("#made-password")).to_be_visible()
    page.set_viewport_size(PHONE)
    assert fits(page)
    page.click("text=Audit log")
    expect(page.locator("td", has_text="user added").first).to_be_visible()
    assert fits(page)
