"""How a person who writes no code changes the configuration, in a real browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from jobs.embedded_redis import embedded_redis
from tests.browser.test_looks import CONTRAST
from tests.support.asking import ask_many
from tests.support.browser import OpenBrowser, Site, looks, served
from tests.support.customers import IDS, fill_tables
from tests.support.models import Trained
from tests.support.stack import application, configure

pytestmark = pytest.mark.browser
OPEN_ALL = "() => document.querySelectorAll('main details').forEach((each) => { each.open = true; })"
LOWEST, START = 1, 50


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Iterator[Site]:
    """The application over real HTTP, with customers of whom each has a score."""
    socket = tmp_path_factory.mktemp("r") / "redis.sock"
    with embedded_redis(socket), application(tmp_path_factory.mktemp("site"), trained, f"unix://{socket}") as app:
        configure(app, aliases=trained.aliases, proba_cutoff=START / 100)
        fill_tables(app, trained.schema)
        with served(app) as url:
            made = Site(url, app)
            answers(made, trained)
            yield made


def answers(site: Site, trained: Trained) -> dict[str, dict[str, Any]]:
    """What a back end is answered for each of the clients."""
    customers = [{**row, "client_id": each} for each, row in zip(IDS, trained.rows, strict=False)]
    return {found["client_id"]: found for found in ask_many(site.app, customers)}


def flags(site: Site, trained: Trained) -> dict[str, str]:
    return {each: found["high_risk"] for each, found in answers(site, trained).items()}


def test_the_way_of_a_person_who_writes_no_code(browse: OpenBrowser, site: Site, trained: Trained) -> None:
    scores = {each: found["prediction"] for each, found in answers(site, trained).items()}
    high = {cutoff: sum(score >= cutoff / 100 for score in scores.values()) for cutoff in (LOWEST, START)}
    assert high[LOWEST] > high[START], "the lower cutoff must make a difference"
    page = browse().sign_in()
    page.click("nav >> text=Config")
    page.wait_for_load_state()
    effect = page.locator("[data-effect]")
    expect(effect).to_have_text(f"{high[START]} of {len(IDS)} clients are at high risk by their newest score.")
    slider = page.get_by_label("High risk from, as a slider")
    slider.focus()
    page.keyboard.press("Home")
    number = page.get_by_label("High risk from, in %")
    expect(number).to_have_value(str(LOWEST))
    expect(effect).to_contain_text(f"{high[LOWEST]} of {len(IDS)} clients would be at high risk, now {high[START]}.")
    expect(page.locator("line.cutoff")).to_have_attribute("x1", str(LOWEST))
    expect(page.locator("[data-dock]")).to_contain_text("To change: High risk from.")

    number.fill("150")
    page.get_by_label("Why?").fill("More calls this month")
    page.click("button:has-text('Check the change')")
    expect(page.locator("#proba_cutoff-help")).to_have_text("Must be a number from 1 to 99%.")
    expect(page.locator("#wrong")).to_contain_text("Nothing was changed.")
    expect(page.get_by_label("Why?")).to_have_value("More calls this month")
    expect(number).to_have_value("150")
    number.fill(str(LOWEST))
    page.click("button:has-text('Check the change')")

    expect(page.locator(".way [aria-current=step]")).to_contain_text("Rehearse")
    expect(page.locator(".moves")).to_contain_text("High risk from")
    page.click("button:has-text('Rehearse')")
    expect(page.locator(".way [aria-current=step]")).to_contain_text("Promote")
    expect(page.locator("#rehearsal-head ~ .saved-sentence")).to_contain_text("high risk")
    before = flags(site, trained)
    page.click("button:has-text('Promote')")
    expect(page.locator(".notice.done")).to_contain_text("Every process follows with its next request.")
    expect(page.locator(".way [aria-current=step]")).to_contain_text("Watch")
    assert flags(site, trained) == {each: "yes" if score >= LOWEST / 100 else "no" for each, score in scores.items()}
    assert sum(each == "yes" for each in before.values()) == high[START]

    page.click("summary:has-text('Take it back')")
    page.get_by_label("Why?").fill("Too many calls")
    page.click("button:has-text('back')")
    expect(page.locator(".notice.done")).to_contain_text("is in force")
    assert flags(site, trained) == before


def test_without_scripts_a_change_goes_the_same_way(browse: OpenBrowser) -> None:
    watched = browse(java_script_enabled=False)
    watched.sign_in()
    page = watched.open("/config")
    page.click("#key-alert_recipients summary")
    page.get_by_label("Recipients of digest and alerts, one address a line").fill("a@example.com\nb@example.com")
    page.get_by_label("Why?").fill("New colleagues")
    for button, reached in (("Check the change", "Rehearse"), ("Rehearse", "Promote"), ("Promote", "Watch")):
        page.click(f"button:has-text('{button}')")
        expect(page.locator(".way [aria-current=step]")).to_contain_text(reached)
    page = watched.open("/config")
    expect(page.locator("#key-alert_recipients .value strong")).to_have_text("a@example.com, b@example.com")


def test_controls_fit_their_values(browse: OpenBrowser) -> None:
    watched = browse()
    watched.sign_in()
    page = watched.open("/config")
    page.click("#key-email_recipients summary")
    page.get_by_label("Recipients of that mail").fill("one@example.com")
    page.keyboard.press("Enter")
    page.get_by_label("Recipients of that mail").fill("two@example.com")
    page.click("#key-email_recipients button:has-text('Add')")
    page.get_by_label("Remove one@example.com").click()
    expect(page.locator("#f-email_recipients")).to_have_value("two@example.com")
    page.click("#key-guardrails summary")
    brier = page.locator(".rail", has_text="Brier score")
    brier.get_by_role("switch").uncheck()
    expect(brier.locator("input[type=number]")).to_be_disabled()
    page.click("#key-aliases summary")
    page.get_by_label("Challenger", exact=True).select_option("catboost@1")
    page.get_by_label("Why?").fill("Tidy up")
    page.click("button:has-text('Check the change')")
    expect(page.locator(".moves")).to_contain_text("Brier score off")
    expect(page.locator(".moves")).to_contain_text("two@example.com")
    expect(page.locator(".moves")).to_contain_text("Challenger is Catboost 1")
    page.click("button:has-text('Abandon')")
    expect(page.locator(".badge.state")).to_have_text("Abandoned")


def test_shares_of_arms_always_come_to_the_whole(browse: OpenBrowser, site: Site) -> None:
    arms = {"champion": 1.0, "challenger": 0.0, "heuristic": 0.0}
    configure(site.app, experiment={"name": "default", "salt": "default", "arms": arms})
    watched = browse()
    watched.sign_in()
    page = watched.open("/config")
    page.click("#key-experiment summary")
    slider = page.get_by_role("slider", name="Heuristic")
    slider.focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    shares = page.locator("[data-arms] input[type=number]")
    assert sorted(shares.evaluate_all("(all) => all.map((e) => Number(e.value))")) == [0, 30, 70]
    expect(page.locator("[data-together]")).to_have_text("Together 100%.")


def pages(page: Page, watched_url: str) -> list[str]:
    """The pages of the configuration, with the newest change there is."""
    page.goto(f"{watched_url}/config/history")
    return ["/config", "/config/history", "/config/changes/1"]


def test_it_fits_text_stands_out_and_everything_has_a_name(browse: OpenBrowser) -> None:
    watched = browse()
    page = watched.sign_in("/config")
    for path in pages(page, watched.site.url):
        watched.open(path).evaluate(OPEN_ALL)
        for look in looks(page):
            assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), (path, look)
            assert page.evaluate(CONTRAST) == [], (path, look)
        nameless = "(all) => all.filter((e) => !e.labels.length && !e.ariaLabel).map((e) => e.outerHTML)"
        fields = page.locator("main :is(input:not([type=hidden]), select, textarea):visible")
        assert fields.evaluate_all(nameless) == [], path
        ids = page.locator("[id]").evaluate_all("(all) => all.map((e) => e.id)")
        assert len(ids) == len(set(ids)), path
