"""What a retention manager does with experiments, in a real browser."""

import csv
import io
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import delete

from data.tables import readings
from jobs.embedded_redis import embedded_redis
from services.readout.kept import Readings
from tests.browser.test_looks import CONTRAST
from tests.support.browser import PHONE, OpenBrowser, Site, looks, served
from tests.support.models import Trained
from tests.support.stack import application, configure
from tests.support.trials import BROKEN, EARLY, NOTE, PAST, STATES, UNDECIDED, WON, fill_trials

pytestmark = pytest.mark.browser
PAGES = ("/experiments", *(f"/experiments/{name}" for name in STATES))
OPEN_ALL = "() => document.querySelectorAll('details').forEach((each) => { each.open = true; })"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Iterator[Site]:
    """The application over real HTTP, with experiments in every state. The limits on signing in are kept in its own
    Redis: all browsers of a run come from one address."""
    socket = tmp_path_factory.mktemp("r") / "redis.sock"
    with embedded_redis(socket), application(tmp_path_factory.mktemp("trials"), trained, f"unix://{socket}") as app:
        configure(app, aliases=trained.aliases)
        fill_trials(app)
        with served(app) as url:
            yield Site(url, app)


@pytest.fixture
def nothing_kept(site: Site) -> None:
    """As before anything was counted for a page."""
    with site.app.extensions["holdfast"].engine.begin() as connection:
        connection.execute(delete(readings))


def complete(page: Page) -> Page:
    """Once everything has come that the page asks for."""
    expect(page.locator(".later")).to_have_count(0)
    return page


def test_the_verdict_is_one_sentence_and_the_first_to_be_read(browse: OpenBrowser) -> None:
    watched = browse()
    page = watched.sign_in()
    page.click("nav >> text=Experiments")
    page.click(f"text={WON}")
    expect(page.locator("h1")).to_have_text(WON)
    verdict = page.locator(".verdict")
    expect(verdict).to_have_count(1)
    expect(verdict).to_contain_text("Decided")
    sentence = page.locator(".verdict .sentence").inner_text()
    assert sentence.startswith("Challenger keeps more clients than champion:")
    assert sentence.endswith(".")
    assert ". " not in sentence, "one sentence"
    box = verdict.bounding_box()
    assert box
    assert box["y"] + box["height"] < 400, "read without scrolling"
    expect(page.locator("nav [aria-current]")).to_have_text("Experiments")


@pytest.mark.parametrize(
    ("name", "word", "says"),
    [
        (UNDECIDED, "Not decided", "No winner yet: challenger cannot be told from champion"),
        (BROKEN, "Alarm", "Do not trust this experiment"),
        (EARLY, "Waiting", "Too early to tell"),
        (PAST, "Decided", "Heuristic keeps fewer clients than champion"),
    ],
)
def test_every_verdict_has_its_word(browse: OpenBrowser, name: str, word: str, says: str) -> None:
    watched = browse()
    watched.sign_in()
    page = watched.open(f"/experiments/{name}")
    expect(page.locator(".verdict .word")).to_have_text(word)
    expect(page.locator(".verdict .sentence")).to_contain_text(says)
    expect(page.locator(".verdict .sign")).to_be_visible()


def test_start_pause_resume_and_stop(browse: OpenBrowser) -> None:
    watched = browse()
    watched.sign_in()
    page = watched.open("/experiments")
    page.click("summary:has-text('Start an experiment')")
    page.get_by_label("Name").fill("from the browser")
    page.get_by_label("Champion", exact=True).fill("60")
    page.get_by_label("Challenger", exact=True).fill("30")
    expect(page.locator("[data-sum]")).to_have_text("Together 90%, not 100%.")
    page.get_by_label("Layer").fill("browser")
    page.get_by_label("Its share of all clients").fill("5")
    page.locator("#start-why").fill("To see it work")
    page.click("button:has-text('Start the experiment')")
    expect(page.locator("#shares-help .wrong")).to_have_text("The shares sum to 90%, not 100%: 10% are missing.")
    expect(page.get_by_label("Name")).to_have_value("from the browser")
    expect(page.locator("#start-why")).to_have_value("To see it work")
    page.get_by_label("Challenger", exact=True).fill("40")
    expect(page.locator("[data-sum]")).to_have_text("Together 100%.")
    page.click("button:has-text('Start the experiment')")
    expect(page.locator(".notice.done")).to_contain_text("has started")
    page.click("a:has-text('from the browser')")
    act(page, "Pause", "Pause the experiment", "a pause")
    expect(page.locator(".badge.state")).to_have_text("Paused")
    expect(page.locator(".notice", has_text="a pause")).to_be_visible()
    act(page, "Resume", "Resume the experiment", "go on")
    expect(page.locator(".badge.state")).to_have_text("Running")
    page.click("summary:has-text('Stop')")
    page.get_by_label("Winner").select_option("challenger")
    act(page, "", "Stop the experiment", "The challenger is calmer.")
    expect(page.locator(".notice.done")).to_contain_text("is stopped")
    page.click("main nav >> text=Experiments")
    row = page.locator(".past tbody tr", has_text="from the browser")
    expect(row).to_contain_text("Challenger")
    expect(row).to_contain_text("The challenger is calmer.")


def act(page: Page, title: str, button: str, why: str) -> None:
    if title:
        page.click(f"summary:has-text('{title}')")
    form = page.locator("form", has=page.locator(f"button:has-text('{button}')"))
    form.locator("textarea").fill(why)
    form.locator("button").click()
    page.wait_for_load_state()


@pytest.mark.usefixtures("nothing_kept")
def test_a_large_experiment_is_counted_once_its_page_stands(browse: OpenBrowser, site: Site) -> None:
    wired = site.app.extensions["holdfast"]
    usual, wired.readings = wired.readings, Readings(wired.engine, wired.clock, few_clients=0)
    watched = browse()
    page = watched.sign_in()
    page.route("**/experiments/*count=now", lambda route: None)
    watched.open(f"/experiments/{UNDECIDED}")
    expect(page.locator("#figures")).to_contain_text("Its clients are being counted")
    page.unroute("**/experiments/*count=now")
    page.reload()
    expect(page.locator("#figures .verdict")).to_contain_text("No winner yet")
    expect(page.locator("#facts .badge.state")).to_have_text("Running")
    expect(page.locator("#acts summary").first).to_be_visible()
    expect(page.locator("#quality table").first).to_be_visible()
    page.reload()
    expect(page.locator(".as-of")).to_contain_text("just now")
    wired.readings = usual


def test_a_model_steps_up_the_ladder_and_back(browse: OpenBrowser) -> None:
    watched = browse()
    watched.sign_in()
    page = watched.open("/experiments")
    rung = page.locator(".rung", has_text="Heuristic 1")
    rung.locator("summary").first.click()
    expect(rung).to_contain_text("scores every client silently")
    rung.locator("button").first.click()
    expect(rung.locator(".wrong")).to_have_text("Must be filled in.")
    rung.locator("textarea").first.fill("as a yardstick")
    rung.locator("button").first.click()
    expect(rung.locator("[aria-current=step]")).to_have_text("Shadow")
    act_in = rung.locator("details", has_text="Take it off the ladder")
    act_in.locator("summary").click()
    act_in.locator("textarea").fill("enough")
    act_in.locator("button").click()
    expect(page.locator(".rung", has_text="Heuristic 1").locator("[aria-current=step]")).to_have_count(0)


@pytest.mark.usefixtures("nothing_kept")
def test_the_list_stands_at_once_and_its_verdicts_follow(browse: OpenBrowser) -> None:
    watched = browse()
    page = watched.sign_in()
    page.route("**/experiments/*part=verdict", lambda route: None)
    watched.open("/experiments")
    run = page.locator(".run", has_text=EARLY)
    expect(run.locator(".later .htmx-indicator")).to_be_visible()
    expect(page.locator(".months .interval")).to_have_count(4)
    page.unroute("**/experiments/*part=verdict")
    page.reload()
    expect(run.locator(".verdict")).to_contain_text("Too early to tell")
    expect(page.locator(".later")).to_have_count(0)


@pytest.mark.usefixtures("nothing_kept")
def test_a_lost_connection_is_told(browse: OpenBrowser, site: Site) -> None:
    """Also when the script that tells it comes late."""
    page = browse().sign_in("/account")
    scripts: list[Route] = []

    def hold(route: Route) -> None:
        scripts.append(route)

    page.route("**/page.js", hold)
    page.route("**/experiments?part=months", lambda route: route.abort())
    with page.expect_request("**/page.js"):
        page.goto(f"{site.url}/experiments", wait_until="commit")
    page.wait_for_timeout(1000)
    scripts.pop().continue_()
    expect(page.locator("#announce")).to_contain_text("could not be reached")
    expect(page.locator("#announce")).to_be_visible()


@pytest.mark.usefixtures("nothing_kept")
def test_without_scripts_it_works_as_well(browse: OpenBrowser) -> None:
    watched = browse(java_script_enabled=False)
    watched.sign_in()
    page = watched.open("/experiments")
    page.click("text=See the months")
    expect(page.locator(".months .interval")).to_have_count(4)
    expect(page.locator(".run", has_text=EARLY)).to_contain_text("Too early to tell")
    page = watched.open(f"/experiments/{BROKEN}")
    act(page, "Pause", "Pause the experiment", "look into it first")
    expect(page.locator(".badge.state")).to_have_text("Paused")
    act(page, "Resume", "Resume the experiment", "all the same")
    expect(page.locator(".badge.state")).to_have_text("Running")


def test_the_arms_can_be_downloaded(browse: OpenBrowser) -> None:
    watched = browse()
    watched.sign_in()
    page = watched.open(f"/experiments/{WON}")
    with page.expect_download() as download:
        page.click("text=Download CSV")
    content = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert [line["arm"] for line in csv.DictReader(io.StringIO(content))] == [
        "champion",
        "catboost@1",
        "challenger",
        "holdout",
    ]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_for_everybody(browse: OpenBrowser, path: str) -> None:
    watched = browse()
    page = complete(watched.sign_in(path))
    page.evaluate(OPEN_ALL)
    for look in looks(page):
        assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), look
        for table in page.locator(".answers").all():
            assert table.evaluate("(e) => e.querySelector('table').scrollWidth - e.clientWidth") <= 0, look
        assert page.evaluate(CONTRAST) == [], look
    check_for_a_screen_reader(page)


def check_for_a_screen_reader(page: Page) -> None:
    levels = page.locator("h1, h2, h3, h4").evaluate_all("(all) => all.map((e) => Number(e.tagName[1]))")
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("thead th:not([scope=col]), tbody th:not([scope=row])").count() == 0
    assert page.locator("svg:not([aria-hidden]):not([aria-label])").count() == 0
    nameless = "(all) => all.filter((e) => !e.labels.length && !e.ariaLabel).length"
    assert page.locator("input:not([type=hidden]), select, textarea").evaluate_all(nameless) == 0
    ids = page.locator("[id]").evaluate_all("(all) => all.map((e) => e.id)")
    assert len(ids) == len(set(ids))


def test_the_list_keeps_what_was_learned(browse: OpenBrowser) -> None:
    watched = browse(PHONE)
    watched.sign_in()
    page = watched.open("/experiments")
    row = page.locator(".past tbody tr", has_text=PAST)
    expect(row).to_contain_text(NOTE)
    expect(page.locator(".months .interval").first).to_be_visible()
    expect(page.locator(".saved-sentence")).to_contain_text("Treating clients")
