"""What a retention manager does all day, in a real browser: see whom to call and why, call, and mark it."""

import csv
import io
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_looks import CONTRAST
from tests.support.browser import PHONE, OpenBrowser, Site, looks, served, until
from tests.support.calls import Calls
from tests.support.models import Trained
from tests.support.stack import application, configure

pytestmark = pytest.mark.browser
LONG = "long-" + "W" * 185
ODD = "a/b <i>😀</i>?#"
DAY = timedelta(days=1)
MARK = "button:has-text('Mark as contacted')"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, trained: Trained, embedded_redis_url: str) -> Iterator[Site]:
    """Forty clients to call; the first has a history, others have ids that do not fit everywhere."""
    with application(tmp_path_factory.mktemp("calls"), trained, embedded_redis_url) as app:
        configure(app, aliases=trained.aliases, call_list_capacity=200)
        calls = Calls(app, trained)
        for number in range(36):
            calls.score(f"C{1000 + number}", 900.0 - number, timedelta(hours=1 + number))
        for number, client_id in enumerate((LONG, ODD, "..", "unknown worth")):
            calls.score(client_id, None if number == 3 else 20.0 - number, ltv=None if number == 3 else 90.0)
        drawn = random.Random(5)
        for days in range(60, 0, -2):
            calls.score("C1000", 500.0, days * DAY, prediction=round(drawn.uniform(0.2, 0.9), 4))
        calls.act("C1000", 50 * DAY)
        calls.report("C1000", False, 45 * DAY)
        with served(app) as url:
            yield Site(url, app)


def signed_in(browse: OpenBrowser, path: str = "/call-list", **options: object) -> Page:
    watched = browse(**options)
    watched.sign_in()
    return watched.open(path)


def first_open(page: Page) -> str:
    """The first client on the list that is not marked yet."""
    return page.locator("tr:not(.done) a.id").first.inner_text()


def called(page: Page) -> int:
    return int(page.locator("#progress strong").inner_text())


def mark_first(page: Page) -> str:
    client_id = first_open(page)
    page.locator(MARK).first.click()
    expect(page.locator("#announce")).to_contain_text(f"{client_id} is marked as contacted")
    return client_id


def test_a_manager_sees_why_marks_two_and_takes_the_list_along(browse: OpenBrowser) -> None:
    page = signed_in(browse)
    expect(page.locator("h1")).to_have_text("Call list")
    row = page.locator("tr:not(.done)", has=page.locator("a.id")).first
    expect(row.locator(".reasons li")).to_have_count(3)
    expect(row.locator(".reasons li").first).to_contain_text("is")
    expect(row.locator(".do")).to_contain_text("Call")
    before = called(page)
    marked = [mark_first(page), mark_first(page)]
    assert called(page) == before + 2
    done = page.locator(".calls tr.done")
    expect(done).to_have_count(2)
    expect(done.first).to_contain_text("Call by person")
    page.reload()
    assert first_open(page) not in marked
    table = page.locator(".called")
    for client_id in marked:
        expect(table).to_contain_text(client_id)
    with page.expect_download() as download:
        page.click("text=Download CSV")
    assert download.value.suggested_filename.startswith("call-list-")
    content = Path(download.value.path()).read_text(encoding="utf-8-sig")
    listed = [line["client_id"] for line in csv.DictReader(io.StringIO(content))]
    assert len(listed) >= 30
    assert not set(marked) & set(listed)


def test_an_impatient_double_click_is_one_call(browse: OpenBrowser, site: Site, trained: Trained) -> None:
    page = signed_in(browse)
    client_id, before = first_open(page), called(page)
    following = page.locator("tr:not(.done) a.id").nth(1).inner_text()
    page.locator(MARK).first.dblclick()
    expect(page.locator("#announce")).to_contain_text(client_id)
    page.reload()
    assert called(page) == before + 1
    assert first_open(page) == following, "the row below did not move under the pointer"
    assert len(Calls(site.app, trained).actions(client_id)) <= 2


def test_by_keyboard_the_focus_stays_where_the_news_is(browse: OpenBrowser) -> None:
    page = signed_in(browse)
    following = page.locator("tr:not(.done) a.id").nth(1).inner_text()
    page.locator(MARK).first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("tr.done :focus")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == following


def test_without_scripts_it_works_as_well(browse: OpenBrowser) -> None:
    page = signed_in(browse, java_script_enabled=False)
    client_id, before = first_open(page), called(page)
    page.locator(MARK).first.click()
    expect(page.locator("#progress strong")).to_have_text(str(before + 1))
    expect(page.locator(".called tbody tr").first).to_contain_text(client_id)
    assert first_open(page) != client_id
    page.goto(page.url.split("/call-list")[0] + "/clients/C1000")
    expect(page.locator("#chart")).to_contain_text("needs JavaScript")
    expect(page.locator("#scores tbody tr")).to_have_count(31)


def test_nothing_is_too_wide_or_too_faint(browse: OpenBrowser) -> None:
    page = signed_in(browse)
    base = page.url.split("/call-list")[0]
    mark_first(page)
    paths = (
        "/call-list",
        "/call-list/suggestions",
        "/clients/C1000",
        f"/clients/{LONG}",
        "/clients/nobody",
        "/clients",
    )
    for path in ("", *paths):
        if path:
            page.goto(base + path)
        for look in looks(page):
            assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), (path, look)
            assert page.evaluate(CONTRAST) == [], (path, look)
            for box in page.locator(".answers").all():
                cut_off = "(e) => (e.querySelector('table')?.scrollWidth ?? 0) - e.clientWidth"
                assert box.evaluate(cut_off) <= 0, (path, look)


def test_on_a_phone_a_client_is_a_card_with_a_broad_button(browse: OpenBrowser) -> None:
    page = signed_in(browse, viewport=PHONE)
    expect(page.locator(".calls thead")).to_be_hidden()
    button = page.locator(MARK).first.bounding_box()
    assert button
    assert button["width"] > 250
    assert button["height"] >= 32
    mark_first(page)
    expect(page.locator(".calls tr.done").first).to_be_visible()


def test_an_odd_id_leads_to_its_page_and_back(browse: OpenBrowser) -> None:
    page = signed_in(browse)
    for client_id in (ODD, "..", LONG):
        page.goto(f"{page.url.split('/call-list')[0].split('/clients')[0]}/call-list")
        page.locator("a.id", has_text=client_id).first.click()
        assert page.locator("h1.client").inner_text() == client_id
        page.click(MARK)
        expect(page.locator(".happened")).to_contain_text("Call by person")
        assert page.locator("h1.client").inner_text() == client_id


def ink(page: Page) -> list[list[int]]:
    """The colours on the chart that cover more than a few points."""
    found: list[list[int]] = page.evaluate(
        """() => { const c = document.querySelector('#chart canvas'), seen = {};
                   const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
                   for (let i = 0; i < d.length; i += 4)
                     if (d[i + 3] === 255) { const k = [d[i], d[i + 1], d[i + 2]]; seen[k] = (seen[k] || 0) + 1; }
                   return Object.keys(seen).filter((k) => seen[k] > 50).map((k) => k.split(',').map(Number)); }"""
    )
    return found


def test_the_chart_is_drawn_in_the_colours_of_the_page_light_and_dark(browse: OpenBrowser) -> None:
    page = signed_in(browse, "/clients/C1000", color_scheme="light")
    page.wait_for_selector("#chart canvas")
    kelp, risk = [14, 100, 82], [163, 54, 23]
    light = ink(page)
    assert kelp in light
    assert risk in light
    page.emulate_media(color_scheme="dark")
    until(page, lambda: [98, 202, 174] in ink(page))
    assert kelp not in ink(page)
    assert page.locator("#chart").get_attribute("role") == "img"
    assert "31 answers" in (page.locator("#chart").get_attribute("aria-label") or "")


def test_pointing_at_the_chart_tells_the_answer(browse: OpenBrowser) -> None:
    page = signed_in(browse, "/clients/C1000")
    page.wait_for_selector("#chart canvas")
    box = page.locator("#chart canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.4)
    expect(page.locator("#reading")).to_contain_text("UTC: ")
    words = page.locator("#reading").inner_text()
    assert page.locator(f"#scores tr[data-words='{words}']").count() == 1


def test_the_team_writes_advice_and_the_list_gives_it(browse: OpenBrowser) -> None:
    page = signed_in(browse, "/call-list/suggestions")
    page.select_option("#feature", "")
    page.fill("#kind", "Call back")
    page.fill("#advice", "Ask how the summer was.")
    page.evaluate("document.querySelector('#kind').form.noValidate = true")
    page.click("button:has-text('Add')")
    expect(page.locator(".wrong")).to_contain_text("Kind of action must be")
    assert page.locator("#advice").input_value() == "Ask how the summer was."
    page.fill("#kind", "call-back")
    page.click("button:has-text('Add')")
    expect(page.locator("[role=status]")).to_contain_text("saved")
    page.click("text=Back to the call list")
    expect(page.locator(".do").first).to_contain_text("Call back Ask how the summer was.")
    page.click("text=Edit suggestions")
    page.locator("tbody a:has-text('Change')").first.click()
    page.click("button:has-text('Delete')")
    expect(page.locator("[role=status]")).to_contain_text("deleted")


def test_every_button_and_field_has_a_name_of_its_own(browse: OpenBrowser) -> None:
    page = signed_in(browse)
    names = page.locator(MARK).all_inner_texts()
    assert len(names) == len(set(names)) > 20
    page.goto(page.url.split("/call-list")[0] + "/call-list/suggestions")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
                 .filter((e) => !e.labels?.length).map((e) => e.name)"""
    )
    assert nameless == []


def test_a_lost_connection_is_told_and_nothing_seems_done(browse: OpenBrowser) -> None:
    page = signed_in(browse)
    page.route("**/call-list/contacted", lambda route: route.abort())
    page.locator(MARK).first.click()
    expect(page.locator("#announce")).to_contain_text("could not be reached")
    expect(page.locator("#announce")).to_be_visible()
    expect(page.locator(".calls tr.done")).to_have_count(0)


def test_a_session_that_ended_leads_to_signing_in_and_back(browse: OpenBrowser) -> None:
    page = signed_in(browse)
    page.context.clear_cookies(name="holdfast")
    page.locator(MARK).first.click()
    expect(page.locator("h1")).to_have_text("Sign in")
    assert "next=/call-list" in page.url
