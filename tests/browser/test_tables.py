"""What every table can do: sort, filter and be downloaded, with a screen reader and on a phone too."""

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import PHONE, OpenBrowser, Site
from tests.support.lived_in import ADMIN, LivedIn

pytestmark = pytest.mark.browser
TABLE = """<div class="answers"><table data-table="odd" role="table"><caption>Odd things</caption>
  <thead><tr><th scope="col">Name</th><th scope="col">Count</th><th scope="col">When</th>
    <th scope="col" data-sorts="no">Act</th></tr></thead>
  <tbody>{rows}</tbody></table></div>"""
ROW = '<tr><th scope="row">{}</th><td{}>{}</td><td>{}</td><td>Mind<select><option>viewer</select></td></tr>'
ROWS = [
    ("=1+1", "", "9 of 20", "<time datetime='2026-03-01'>1 Mar</time> long ago"),
    ('quoted "name", with comma', "", "1,397 of 2,088", "<time datetime='2026-10-02'>2 Oct</time>"),
    ("unknown", "", "", ""),
    ("below", "", "\u22125.7", "<time datetime='2025-12-31'>31 Dec</time>"),
    ("shown short", " data-value='1200000'", "1.2 M", "<time datetime='2026-10-01'>1 Oct</time>"),
    ("id <small><time datetime='1999-01-01'>then</time></small>", "", "10", "<time datetime='2026-02-01'>1 Feb</time>"),
    ("-3", "", "-3", "<time datetime='2026-01-15'>15 Jan</time>"),
    ("last", "", "0.5", "<time datetime='2026-01-16'>16 Jan</time>"),
]


@pytest.fixture(scope="module")
def site(lived_in: LivedIn) -> Site:
    return lived_in.site


def with_table(browse: OpenBrowser, **options: object) -> Page:
    """A page into which a table came as htmx brings it."""
    watched = browse(**options)
    watched.enter(ADMIN)
    page = watched.open("/clients")
    table = TABLE.format(rows="".join(ROW.format(*each) for each in ROWS))
    page.evaluate("(html) => document.getElementById('main').insertAdjacentHTML('beforeend', html)", table)
    page.evaluate("document.dispatchEvent(new CustomEvent('htmx:after:swap'))")
    return page


def names(page: Page) -> list[str]:
    return [" ".join(each.split()) for each in page.locator("tbody tr:not([hidden]) th").all_inner_texts()]


def head(page: Page, name: str) -> Locator:
    return page.get_by_role("columnheader", name=name)


def test_numbers_sort_as_numbers_and_what_is_unknown_comes_last(browse: OpenBrowser) -> None:
    page = with_table(browse)
    head(page, "Count").get_by_role("button").click()
    expect(head(page, "Count")).to_have_attribute("aria-sort", "descending")
    expect(page.locator("#announce")).to_have_text("Sorted by Count, descending")
    down = ["shown short", 'quoted "name", with comma', "id then", "=1+1", "last", "-3", "below", "unknown"]
    assert names(page) == down
    page.keyboard.press("Enter")
    expect(head(page, "Count")).to_have_attribute("aria-sort", "ascending")
    assert names(page) == [*reversed(down[:-1]), "unknown"]


def test_times_sort_by_their_instant_and_only_where_they_are_what_the_cell_says(browse: OpenBrowser) -> None:
    page = with_table(browse)
    head(page, "When").get_by_role("button").click()
    assert names(page)[:3] == ['quoted "name", with comma', "shown short", "=1+1"]
    head(page, "Name").get_by_role("button").click()
    expect(page.locator("[aria-sort]")).to_have_count(1)
    assert names(page).index("last") < names(page).index("id then") < names(page).index("below")


def test_a_filter_leaves_the_rows_that_hold_the_words(browse: OpenBrowser) -> None:
    page = with_table(browse)
    page.get_by_label("Filter: Odd things").fill("OF 20")
    assert names(page) == ["=1+1"]
    expect(page.locator("#announce")).to_have_text("1 of 8 rows")
    page.get_by_label("Filter: Odd things").fill("viewer")
    assert names(page) == [], "what can be done to a row is no word of it"
    page.get_by_label("Filter: Odd things").fill("")
    assert len(names(page)) == len(ROWS)


def test_the_file_holds_the_rows_that_are_shown_and_no_formula(browse: OpenBrowser) -> None:
    page = with_table(browse)
    head(page, "Count").get_by_role("button").click()
    page.get_by_label("Filter: Odd things").fill("1")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV: Odd things").click()
    assert download.value.suggested_filename == "odd.csv"
    content = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(content))) == [
        ["Name", "Count", "When"],
        ["shown short", "1200000", "2026-10-01"],
        ['quoted "name", with comma', "1,397 of 2,088", "2026-10-02"],
        ["id then", "10", "2026-02-01"],
        ["'=1+1", "9 of 20", "2026-03-01"],
        ["last", "0.5", "2026-01-16"],
        ["-3", "-3", "2026-01-15"],
        ["below", "\u22125.7", "2025-12-31"],
    ]


def test_where_rows_are_cards_a_list_sorts_them(browse: OpenBrowser) -> None:
    page = with_table(browse, viewport=PHONE)
    page.get_by_label("Sort: Odd things").select_option("Count, ascending")
    assert names(page)[:2] == ["below", "-3"]
    assert page.evaluate("document.scrollingElement.scrollWidth") <= PHONE["width"]


def test_a_table_of_a_page_has_it_all_and_none_of_it_twice(browse: OpenBrowser) -> None:
    watched = browse()
    watched.enter(ADMIN)
    page = watched.open("/config/history")
    page.evaluate("document.dispatchEvent(new CustomEvent('htmx:after:swap'))")
    expect(page.locator(".table-tools")).to_have_count(1)
    page.get_by_role("searchbox").fill("High risk from")
    expect(page.locator("tbody tr:visible")).to_have_count(1)
    expect(page.get_by_role("button", name="Download CSV")).to_have_count(1)


def test_every_table_is_one_of_these() -> None:
    without = [
        path.name
        for path in (Path(__file__).parents[2] / "templates").rglob("*.html")
        if path.parent.name != "mail" and path.read_text().count("<table") != path.read_text().count("data-table=")
    ]
    assert without == []
