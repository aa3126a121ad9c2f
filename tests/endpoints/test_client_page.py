"""A client's page: any id finds it, it tells the whole story, and never a score of the holdout."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask import url_for

from endpoints.client_links import client_address
from experiments.assignment import in_holdout
from tests.support.calls import Calls, calling
from tests.support.customers import customer_fields, fill_tables
from tests.support.models import Trained
from tests.support.stack import configure
from tests.support.visitor import PASSWORD, Visitor, text_of

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ODD_IDS = (
    "a/b",
    "/a",
    "a/",
    "//",
    "a//b",
    ".",
    "..",
    "../../etc/passwd",
    "a/./b",
    "%2e%2e",
    "a b",
    " a ",
    "a?b=c&d#e",
    "a+b%20c",
    "a\\b",
    "naïve 😀 客户",
    "<script>alert(1)</script>",
    "'; drop table model_logs; --",
    "{{ 7 * 7 }}",
    "W" * 190,
    "😀" * 190,
)


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
    return found


def heading(page: str) -> str:
    return unescape(re.findall(r'<h1[^>]*><span class="id">(.*?)</span></h1>', page, flags=re.DOTALL)[0])


def test_every_id_is_found_by_the_link_of_the_call_list(visitor: Visitor, calls: Calls) -> None:
    for number, client_id in enumerate(ODD_IDS):
        calls.score(client_id, float(number + 1))
    page = visitor.get("/call-list").text
    links = [unescape(each) for each in re.findall(r'<a class="id" href="([^"]+)"', page)]
    assert len(links) == len(ODD_IDS)
    for client_id, link in zip(ODD_IDS[::-1], links, strict=True):
        response = visitor.get(link)
        assert (response.status_code, heading(response.text)) == (200, client_id)
        assert "<script>alert" not in response.text


def test_a_path_that_a_browser_would_change_is_not_used(app: APIFlask) -> None:
    with app.test_request_context():
        for client_id in ODD_IDS:
            path = client_address(client_id).split("?")[0]
            assert "//" not in path
            assert not {".", ".."} & set(path.split("/"))
        assert client_address("a/b c") == "/clients/a/b%20c"
        assert client_address("..") == url_for("client_page.by_query", id="..")


def test_who_is_not_signed_in_comes_back_to_the_very_client(app: APIFlask, calls: Calls) -> None:
    calls.score("a/b", 1.0)
    app.extensions["holdfast"].accounts.add("anna", "manager", PASSWORD, "a test")
    stranger = Visitor(app)
    refused = stranger.get("/clients/a/b")
    assert refused.location == "/login?next=/clients/a/b"
    stranger.get(refused.location)
    response = stranger.sign_in(goal="?next=/clients/a/b")
    assert heading(stranger.get(response.location).text) == "a/b"


def test_the_page_tells_what_changed_since_last_time(visitor: Visitor, calls: Calls, trained: Trained) -> None:
    fields = customer_fields(trained.schema, 1)
    calls.score("anna", 500.0, 9 * DAY, prediction=0.5, input={**fields, "support_calls": 1.0}, experiment="summer")
    calls.score("anna", 897.0, HOUR, input={**fields, "support_calls": 4.0}, model="gradient_boosting", ltv=2_000.0)
    seen = text_of(visitor.get("/clients/anna").text)
    assert "rose by 13.1 points, from 50% to 63.1%" in seen
    changes = seen.split("Since last time")[1].split("Scores over time")[0]
    assert "Support calls 1 4" in changes
    assert "Lifetime value 1,420 2,000" in changes
    assert "Model that scored Additive 1 Gradient boosting 1" in changes
    assert "Champion in the experiment autumn" in seen
    assert "Champion in the experiment summer" in seen


def test_the_page_tells_what_was_done_and_what_became_of_it(visitor: Visitor, calls: Calls) -> None:
    calls.score("anna", 10.0)
    calls.act("anna", 40 * DAY, "gift_voucher", "Mia <b>")
    calls.report("anna", True, 9 * DAY)
    calls.report("anna", False, 5 * DAY)
    page = visitor.get("/clients/anna").text
    seen = text_of(page)
    assert "Gift voucher by Mia <b>" in seen
    assert "Was still there Counts" in seen
    assert "Left told" in seen
    assert seen.count("another report counts") == 1
    assert "On the call list whenever" in seen


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("contacted", "off the call list until"),
        ("gone", "by the newest outcome the client has left"),
        ("held", "In the holdout"),
    ],
)
def test_the_page_tells_what_keeps_a_client_off_the_list(visitor: Visitor, calls: Calls, what: str, words: str) -> None:
    calls.score("anna", 10.0, DAY)
    if what == "contacted":
        calls.act("anna", DAY)
    elif what == "gone":
        calls.report("anna", True)
    else:
        calls.hold("anna")
    assert words in text_of(visitor.get("/clients/anna").text)


@pytest.mark.parametrize("how", ["answered", "drawn"])
def test_the_holdout_shows_no_score_anywhere(visitor: Visitor, calls: Calls, app: APIFlask, how: str) -> None:
    for days in (5, 4, 3):
        calls.score("anna", 896.62, days * DAY)
    if how == "answered":
        calls.hold("anna")
    else:
        configure(app, holdout_percentage=50, holdout_salt=salt_that_holds("anna"))
    page = visitor.get("/clients/anna").text
    assert "Holdout" in text_of(page)
    for trace in ("63.1", "0.6312", "897", "896.62", "0.8765", "data-score", "raises ×", "Mark as contacted"):
        assert trace not in page
    assert 'id="chart"' not in page


def salt_that_holds(client_id: str) -> str:
    return next(str(n) for n in range(99) if in_holdout(str(n), client_id, 50))


def test_only_open_answers_are_drawn(visitor: Visitor, calls: Calls) -> None:
    for days, prediction in ((9, 0.2), (7, 0.3), (3, 0.6312)):
        calls.score("anna", 10.0, days * DAY, prediction=prediction)
    calls.hold("anna", 5 * DAY)
    page = visitor.get("/clients/anna").text
    assert re.findall(r'data-score="([^"]+)"', page) == ["0.6312", "0.3", "0.2"]
    assert len(re.findall(r'data-cutoff="0.5"', page)) == 3
    assert 'role="img" aria-label="Probability of leaving at 3 answers' in page
    assert "0.8765" not in page


def test_one_answer_is_no_line(visitor: Visitor, calls: Calls) -> None:
    calls.score("anna", 10.0)
    page = visitor.get("/clients/anna").text
    assert "uPlot" not in page
    assert "Since last time" not in page


def test_a_client_is_marked_here_too_and_the_page_comes_back(visitor: Visitor, calls: Calls) -> None:
    one = calls.score("a/b", 10.0)
    visitor.get("/clients/a/b")
    response = visitor.post("/call-list/contacted", {"prediction_id": one.prediction_id, "back": "client"})
    assert response.location == "/clients/a/b"
    assert "Call by anna" in text_of(visitor.get("/clients/a/b").text)
    assert len(calls.actions("a/b")) == 1


def test_a_customer_without_a_score_can_be_predicted(visitor: Visitor, app: APIFlask, trained: Trained) -> None:
    fill_tables(app, trained.schema, more={"new one": customer_fields(trained.schema, 2)})
    page = visitor.get("/clients/new%20one").text
    assert "never scored" in text_of(page)
    assert "/model_interface?client=new+one" in page or "/model_interface?client=new%20one" in page


@pytest.mark.parametrize("path", ["/clients/Nobody", "/clients?id=Nobody"])
def test_an_unknown_client_is_a_page_that_helps(visitor: Visitor, calls: Calls, path: str) -> None:
    calls.score("nobody", 10.0)
    response = visitor.get(path)
    assert response.status_code == 404
    assert "Nothing is known of “ Nobody ”" in text_of(response.text)
    assert 'value="Nobody"' in response.text


@pytest.mark.parametrize("client_id", ["x" * 191, "a\x00b", "a\nb", "a\u2028b"])
def test_what_cannot_be_an_id_is_said_to_be(visitor: Visitor, client_id: str) -> None:
    response = visitor.get("/clients", query_string={"id": client_id})
    assert response.status_code == 404
    assert "No client can have this id" in response.text


def test_the_search_finds_a_client(visitor: Visitor, calls: Calls) -> None:
    calls.score("a/b", 10.0)
    assert "Find a client" in visitor.get("/clients").text
    assert heading(visitor.get("/clients", query_string={"id": "a/b"}).text) == "a/b"
