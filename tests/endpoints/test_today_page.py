"""The first page: what waits for a person."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from apiflask import APIFlask

from tests.support.calls import Calls, calling
from tests.support.models import Trained
from tests.support.stack import application
from tests.support.visitor import PASSWORD, Visitor, text_of


@pytest.fixture
def app(tmp_path: Path, trained: Trained, embedded_redis_url: str, database_url: str) -> Iterator[APIFlask]:
    with calling(tmp_path, trained, embedded_redis_url, database_url) as made:
        yield made


@pytest.fixture
def visitor(app: APIFlask) -> Visitor:
    app.extensions["holdfast"].accounts.add("anna", "manager", PASSWORD, "a test")
    found = Visitor(app)
    found.sign_in()
    return found


def test_strangers_are_sent_to_sign_in(app: APIFlask) -> None:
    response = Visitor(app).get("/")
    assert (response.status_code, response.location) == (303, "/login?next=/")


def test_a_quiet_morning_says_so(visitor: Visitor) -> None:
    text = text_of(visitor.get("/").text)
    assert "Nobody is left to call" in text
    assert "No experiment is running" in text
    assert "No change of the configuration waits for anybody" in text
    assert "No model is newer than those that serve" in text


def test_the_first_five_calls_are_those_of_the_call_list(visitor: Visitor, app: APIFlask, trained: Trained) -> None:
    calls = Calls(app, trained)
    for number in range(1, 8):
        calls.score(f"client-{number}", 100.0 * number)
    ids = re.compile(r'<a class="id" href="[^"]+">([^<]+)</a>')
    first, listed = ids.findall(visitor.get("/").text), ids.findall(visitor.get("/call-list").text)
    assert len(first) == 5
    assert first == listed[:5]


def test_a_change_waits_until_it_is_promoted_and_is_watched_then(visitor: Visitor, app: APIFlask) -> None:
    changes = app.extensions["holdfast"].config_changes
    made = changes.draft({"call_list_capacity": 7}, "ben", "fewer people on Sundays")
    page = visitor.get("/").text
    assert f"/config/changes/{made.id}" in page
    assert "call_list_capacity Not rehearsed yet. fewer people on Sundays by ben" in text_of(page)
    changes.rehearse(made.id, "ben")
    assert "waits to be promoted" in text_of(visitor.get("/").text)
    changes.promote(made.id, "ben")
    assert "In force, and watched" in text_of(visitor.get("/").text)


def test_what_is_wrong_stands_first(visitor: Visitor, app: APIFlask) -> None:
    """No worker and no schedule process of this deployment gives a sign of life."""
    page = visitor.get("/").text
    assert page.index("No worker process runs") < page.index("Whom to call")
    assert "./run.sh worker" in page


def test_without_a_model_it_says_what_to_do(
    tmp_path: Path, trained: Trained, embedded_redis_url: str, database_url: str
) -> None:
    with application(tmp_path, trained, embedded_redis_url, DATABASE_URL=database_url) as app:
        app.extensions["holdfast"].accounts.add("anna", "viewer", PASSWORD, "a test")
        found = Visitor(app)
        found.sign_in()
        assert "No model is in service" in text_of(found.get("/").text)
