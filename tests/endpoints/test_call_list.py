"""GET /v1/call-list: the same list for programs, as JSON and as CSV, written while it is read."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from sqlalchemy import insert, text
from werkzeug.test import TestResponse

from data.dialect import chunks
from data.prediction_log import COLUMNS
from data.tables import client_latest, model_logs
from tests.endpoints.test_bad_input import check_problem
from tests.support.calls import Calls, calling
from tests.support.ledger import row
from tests.support.models import Trained
from tests.support.stack import configure

PATH = "/v1/call-list"
DAY = timedelta(days=1)
MANY = 50_000
LITTLE = 20_000_000  # bytes; a list of so many rows would take several times that


@pytest.fixture
def app(tmp_path: Path, trained: Trained, embedded_redis_url: str, database_url: str) -> Iterator[APIFlask]:
    with calling(tmp_path, trained, embedded_redis_url, database_url) as made:
        yield made


@pytest.fixture
def calls(app: APIFlask, trained: Trained) -> Calls:
    return Calls(app, trained)


def read(response: TestResponse) -> list[dict[str, str]]:
    assert response.content_type == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(response.text)))


def test_an_entry_has_all_that_a_program_needs(client: FlaskClient, calls: Calls, app: APIFlask) -> None:
    configure(app, call_list_capacity=7)
    anna = calls.score("anna", 896.62)
    calls.score("poor", None, ltv=None)
    calls.score("resting", 9_999.0)
    calls.act("resting", DAY)
    found = client.get(PATH).get_json()
    schema = client.get("/openapi.json").get_json()
    reference = {"$ref": "#/components/schemas/CallList", "components": schema["components"]}
    Draft202012Validator(reference).validate(found)
    assert (found["capacity"], found["called"]) == (7, 0)
    assert found["left_out"] == {"among": 3, "contacted": 1, "churned": 0, "holdout": 0}
    first, second = found["entries"]
    assert first["client_id"] == "anna"
    assert (first["prediction_id"], first["prediction"], first["money_at_risk"]) == (anna.prediction_id, 0.6312, 896.62)
    assert (first["model"], first["model_version"]) == ("additive", "1")
    assert [set(each) for each in first["reasons"]] == [{"feature", "value", "effect"}] * 3
    assert (first["action"], first["expected_saving"], first["reasons_missing"]) == ("call", None, "")
    assert "not shown" in found["expected_saving_basis"]
    assert (second["client_id"], second["money_at_risk"], second["ltv"]) == ("poor", None, None)


def test_an_action_that_names_the_prediction_makes_it_a_call_of_the_day(
    client: FlaskClient, calls: Calls, app: APIFlask
) -> None:
    configure(app, call_list_capacity=2)
    rows = [calls.score(f"c{number}", float(number)) for number in range(4)]
    deed = {"client_id": "c3", "kind": "call", "at": calls.now.isoformat(), "by": "Mia"}
    assert client.post("/actions", json={**deed, "prediction_id": rows[3].prediction_id}).status_code == 200
    found = client.get(PATH).get_json()
    assert (found["called"], [each["client_id"] for each in found["entries"]]) == (1, ["c2"])


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (f"{PATH}?format=csv", {}),
        (PATH, {"Accept": "text/csv"}),
        (f"{PATH}?format=csv", {"Accept": "application/json"}),
    ],
)
def test_the_file_has_the_same_clients(client: FlaskClient, calls: Calls, path: str, headers: dict[str, str]) -> None:
    for number, client_id in enumerate(("=cmd|'/C calc'!A0", 'a "quoted", id', "😀")):
        calls.score(client_id, float(number))
    entries = client.get(PATH).get_json()["entries"]
    lines = read(client.get(path, headers=headers))
    assert [line["client_id"] for line in lines] == ["😀", 'a "quoted", id', "'=cmd|'/C calc'!A0"]
    for line, entry in zip(lines, entries, strict=True):
        assert float(line["prediction"]) == entry["prediction"]
        assert (line["prediction_id"], line["advice"]) == (entry["prediction_id"], entry["advice"])
        assert line["expected_saving"] == ""
        assert " is " in line["reasons"]


def test_the_limit_cuts_and_never_adds(client: FlaskClient, calls: Calls, app: APIFlask) -> None:
    configure(app, call_list_capacity=3)
    for number in range(5):
        calls.score(f"c{number}", float(number))
    assert len(client.get(f"{PATH}?limit=2").get_json()["entries"]) == 2
    assert len(client.get(f"{PATH}?limit=100000").get_json()["entries"]) == 3
    assert len(read(client.get(f"{PATH}?limit=1&format=csv"))) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        *((f"limit={text}", "limit") for text in ("0", "-1", "²", "1e3", "", "100001", "9" * 5_000)),
        *((f"format={text}", "format") for text in ("xml", "CSV")),
    ],
)
def test_a_bad_parameter_is_named(client: FlaskClient, query: str, field: str) -> None:
    assert check_problem(client.get(f"{PATH}?{query}"), 422)["field"] == field


def test_it_needs_the_token(app: APIFlask) -> None:
    stranger = app.test_client()
    assert stranger.get(PATH).status_code == 401
    assert stranger.get(PATH, headers={"Authorization": "Bearer wrong"}).status_code == 403
    assert stranger.post(PATH).status_code == 405


def test_a_list_without_anybody_is_empty(client: FlaskClient) -> None:
    assert client.get(PATH).get_json()["entries"] == []
    assert read(client.get(f"{PATH}?format=csv")) == []


def test_the_holdout_never_appears(client: FlaskClient, calls: Calls, app: APIFlask) -> None:
    configure(app, holdout_percentage=50)
    for number in range(30):
        calls.score(f"c{number}", float(number))
        calls.hold(f"held{number}")
    entries = client.get(PATH).get_json()["entries"]
    told = client.get("/assignments/c0").get_json()
    assert 3 < len(entries) < 27
    assert "0.8765" not in client.get(PATH).text + client.get(f"{PATH}?format=csv").text
    assert (told["arm"] == "holdout") is ("c0" not in {each["client_id"] for each in entries})


def test_a_database_that_does_not_answer_is_told(client: FlaskClient, app: APIFlask) -> None:
    with app.extensions["holdfast"].engine.begin() as connection:
        connection.execute(text("alter table client_latest rename to hidden"))
    try:
        for query in ("", "?format=csv"):
            response = client.get(PATH + query)
            check_problem(response, 503)
            assert response.headers["Retry-After"]
    finally:
        with app.extensions["holdfast"].engine.begin() as connection:
            connection.execute(text("alter table hidden rename to client_latest"))


@pytest.mark.slow
def test_a_long_list_is_never_in_memory_as_a_whole(client: FlaskClient, calls: Calls, app: APIFlask) -> None:
    configure(app, call_list_capacity=100_000)
    fill(calls, MANY)
    for media in ("csv", "json"):
        path = f"{PATH}?format={media}"
        growth(client, f"{path}&limit=2000")  # what any answer needs, once
        assert growth(client, path) < LITTLE


def growth(client: FlaskClient, path: str) -> int:
    """By how many bytes the process grows while the answer is read and thrown away."""
    process = psutil.Process()
    before, most = process.memory_info().rss, 0
    with client.get(path, buffered=False) as response:
        for place, _part in enumerate(response.iter_encoded()):
            most = max(most, process.memory_info().rss) if place % 1_000 == 0 else most
    return most - before


def fill(calls: Calls, number: int) -> None:
    """So many clients, with recorded reasons: what is measured is the list, not the model."""
    told = [{"feature": "contract", "value": "Monthly", "effect": 0.5 - place} for place in range(3)]
    names = ("client_id", "prediction_id", "answered_at", "prediction", "money_at_risk")
    short = row("", input={}, output={"reasons": told}, silent_scores={}, answered_at=calls.now)
    columns = {name: getattr(short, name) for name in COLUMNS}
    with calls.engine.begin() as connection:
        for some in chunks(range(number), 1_000):
            ids = [{"client_id": f"c{n:07d}", "prediction_id": f"p{n:07d}", "money_at_risk": float(n)} for n in some]
            rows: list[dict[str, Any]] = [{**columns, **each} for each in ids]
            connection.execute(insert(model_logs), rows)
            connection.execute(insert(client_latest), [{name: each[name] for name in names} for each in rows])
