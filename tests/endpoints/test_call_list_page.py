"""The call list over HTTP: who is on it, why, what to do, and what one click does."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from apiflask import APIFlask
from werkzeug.test import TestResponse

from data.prediction_log import LedgerRow
from tests.support.calls import Calls, calling
from tests.support.models import Trained
from tests.support.stack import configure
from tests.support.visitor import PASSWORD, Visitor, text_of

DAY = timedelta(days=1)
SCRIPT = "<script>alert('1')</script>"


@pytest.fixture
def app(tmp_path: Path, trained: Trained, embedded_redis_url: str, database_url: str) -> Iterator[APIFlask]:
    with calling(tmp_path, trained, embedded_redis_url, database_url) as made:
        yield made


@pytest.fixture
def calls(app: APIFlask, trained: Trained) -> Calls:
    return Calls(app, trained)


@pytest.fixture
def visitor(app: APIFlask) -> Visitor:
    app.extensions["holdfast"].accounts.add("anna", "manager", PASSWORD, "a test")
    found = Visitor(app)
    found.sign_in()
    found.get("/call-list")
    return found


def rows_of(page: str) -> list[str]:
    return page.split("<tbody")[1].split("</tbody>", maxsplit=1)[0].split("<tr ")[1:] if "<tbody" in page else []


def mark(visitor: Visitor, one: LedgerRow, script: bool = False) -> TestResponse:
    headers = {"HX-Request": "true"} if script else {}
    return visitor.post("/call-list/contacted", {"prediction_id": one.prediction_id}, headers)


def test_every_part_needs_a_session(app: APIFlask) -> None:
    stranger = Visitor(app)
    for path in ("/call-list", "/call-list.csv", "/call-list/suggestions"):
        assert stranger.get(path).location == f"/login?next={path}"
    stranger.get("/login")
    for path in ("/call-list/contacted", "/call-list/suggestions"):
        assert stranger.post(path, {}).status_code == 303


def test_a_row_says_who_how_likely_how_much_when_why_and_what_to_do(visitor: Visitor, calls: Calls) -> None:
    one = calls.score(SCRIPT, 896.62)
    page = visitor.get("/call-list").text
    (row,) = rows_of(page)
    seen = text_of(row)
    assert SCRIPT in seen
    assert SCRIPT not in page
    for words in ("63.1%", "High risk: yes", "897", "of 1,420 lifetime value", "Scored 1 hour ago", "by Additive 1"):
        assert words in seen
    assert one.answered_at.strftime("%H:%M UTC") in seen
    assert len(re.findall(r"raises ×|lowers ÷|hardly any", seen)) == 3
    assert "Call Call, ask how things are going" in seen
    assert "0 of 50 called today" in text_of(page)


def test_a_model_that_is_gone_is_said_to_be(visitor: Visitor, calls: Calls) -> None:
    calls.score("anna", 1.0, model="long-gone")
    assert "no longer here" in text_of(visitor.get("/call-list").text)


def test_one_click_records_the_call_and_the_day_goes_on(visitor: Visitor, calls: Calls, app: APIFlask) -> None:
    configure(app, call_list_capacity=2)
    rows = [calls.score(f"c{number}", float(number)) for number in range(3)]
    response = mark(visitor, rows[2])
    assert (response.status_code, response.location) == (303, "/call-list?show=50")
    page = text_of(visitor.get("/call-list").text)
    assert "1 of 2 called today" in page
    called = page.split("Called today")[1]
    assert ("c2" in called, "Call by anna" in called, "c1" in called) == (True, True, False)
    (kept,) = calls.actions("c2")
    assert (kept.actor, kept.kind, kept.prediction_id) == ("anna", "call", rows[2].prediction_id)
    mark(visitor, rows[1])
    assert "The day's calls are made" in text_of(visitor.get("/call-list").text)


def test_a_double_click_changes_nothing(visitor: Visitor, calls: Calls) -> None:
    one = calls.score("anna", 1.0)
    first, again = mark(visitor, one, script=True), mark(visitor, one, script=True)
    assert first.text == again.text
    assert len(calls.actions("anna")) == 1


def test_a_script_gets_the_row_and_the_progress_alone(visitor: Visitor, calls: Calls) -> None:
    one = calls.score(SCRIPT, 10.0)
    part = mark(visitor, one, script=True).text
    assert "<html" not in part
    assert part.count("<tr ") == 1
    assert 'id="progress"' in part
    assert 'hx-swap-oob="true"' in part
    assert "1 of 50 called today" in text_of(part)
    assert SCRIPT not in part


def test_without_the_token_of_the_form_nothing_is_recorded(visitor: Visitor, calls: Calls) -> None:
    one = calls.score("anna", 1.0)
    response = visitor.post("/call-list/contacted", {"prediction_id": one.prediction_id, "csrf_token": "forged"})
    assert response.status_code == 400
    assert calls.actions("anna") == []


@pytest.mark.parametrize("script", [False, True])
def test_nobody_of_the_holdout_is_marked_and_it_is_told(visitor: Visitor, calls: Calls, script: bool) -> None:
    response = mark(visitor, calls.hold("anna"), script)
    assert response.status_code == 422
    assert "in the holdout" in text_of(response.text)
    assert calls.actions("anna") == []


def test_the_holdout_is_neither_on_the_page_nor_in_the_file(visitor: Visitor, calls: Calls) -> None:
    calls.hold("anna")
    assert rows_of(visitor.get("/call-list").text) == []
    assert "anna" not in visitor.get("/call-list.csv").text


def test_who_is_left_out_and_why_is_told(visitor: Visitor, calls: Calls) -> None:
    for client_id in ("open", "called", "gone"):
        calls.score(client_id, 10.0)
    calls.act("called", 3 * DAY)
    calls.report("gone", True)
    seen = text_of(visitor.get("/call-list").text)
    assert "2 are left out: 1 contacted in the last 30 days, 1 gone already." in seen


def test_the_page_shows_more_when_asked_and_never_more_than_the_day_has(
    visitor: Visitor, calls: Calls, app: APIFlask
) -> None:
    configure(app, call_list_capacity=55)
    for number in range(60):
        calls.score(f"c{number}", float(number))
    page = visitor.get("/call-list").text
    assert len(rows_of(page)) == 50
    assert "Show 5 more" in text_of(page)
    further = unescape(re.findall(r'href="(/call-list\?show=\d+)"', page)[0])
    page = visitor.get(further).text
    assert (len(rows_of(page)), "more</a>" in page) == (55, False)
    for odd in ("-1", "x", "1e9", "99999", "²", ""):
        assert len(rows_of(visitor.get(f"/call-list?show={odd}").text)) == 50


def test_the_file_is_the_whole_list_for_spreadsheets(visitor: Visitor, calls: Calls, app: APIFlask) -> None:
    configure(app, call_list_capacity=100)
    for number in range(60):
        calls.score(f"c{number}", float(number))
    calls.score("=1+1", 99.0)
    response = visitor.get("/call-list.csv")
    assert response.content_type == "text/csv; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"
    assert re.search(r'filename="call-list-\d{4}-\d\d-\d\d\.csv"', response.headers["Content-Disposition"])
    assert response.text.startswith("\ufeff")
    lines = list(csv.DictReader(io.StringIO(response.text[1:])))
    assert [line["client_id"] for line in lines] == ["'=1+1", *(f"c{number}" for number in range(59, -1, -1))]


def test_an_empty_list_says_what_would_fill_it(visitor: Visitor, calls: Calls) -> None:
    assert "Nobody has been scored yet" in text_of(visitor.get("/call-list").text)
    calls.score("gone", 10.0)
    calls.report("gone", True)
    assert "Nobody is left to call" in text_of(visitor.get("/call-list").text)


def test_the_pages_are_in_the_navigation(visitor: Visitor) -> None:
    nav = visitor.get("/call-list").text.split("<nav")[1].split("</nav>")[0]
    assert re.search(r'href="/call-list" aria-current="page"', nav)
