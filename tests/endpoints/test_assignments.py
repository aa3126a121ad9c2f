"""Asking for an assignment tells what a prediction would, and leaves no trace."""

from typing import Any
from urllib.parse import quote

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from redis import Redis
from sqlalchemy import func, select

from data.tables import exposures, metadata
from tests.endpoints.test_bad_input import check_problem
from tests.support.deployment import insert_config
from tests.support.models import Trained
from tests.support.stack import configure

FIELDS = {
    "client_id",
    "experiment",
    "layer",
    "arm",
    "model",
    "model_version",
    "shadow",
    "holdout",
    "config_revision",
}


def ask(client: FlaskClient, client_id: str) -> dict[str, Any]:
    answer = client.get(f"/assignments/{quote(client_id, safe='')}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: dict[str, Any] = answer.get_json()
    return found


def split_traffic(app: APIFlask) -> None:
    arms = {"champion": 0.6, "challenger": 0.4}
    experiment = {"name": "first", "salt": "first", "arms": arms}
    configure(app, experiment=experiment, shadow=["heuristic"], holdout_percentage="20")


def test_it_tells_what_a_prediction_then_does(client: FlaskClient, app: APIFlask, customer: dict[str, Any]) -> None:
    split_traffic(app)
    arms = set()
    for number in range(60):
        told = ask(client, f"c{number}")
        answer = client.post("/predict", json={"client_id": f"c{number}", **customer}).get_json()
        assert told["arm"] == answer["arm"]
        assert told["config_revision"] == answer["config_revision"]
        assert told["holdout"] == (answer["prediction"] is None)
        if not told["holdout"]:
            assert (told["model"], told["model_version"]) == (answer["model"], answer["model_version"])
        arms.add(told["arm"])
    assert arms == {"champion", "challenger", "holdout"}


def test_in_the_holdout_no_model_is_told(client: FlaskClient, app: APIFlask, trained: Trained) -> None:
    split_traffic(app)
    held = next(told for number in range(100) if (told := ask(client, f"c{number}"))["holdout"])
    assert set(held) == FIELDS
    assert (held["arm"], held["model"], held["model_version"]) == ("holdout", None, None)
    assert held["shadow"] == [trained.aliases["heuristic"]]


def test_a_layer_and_its_experiment_are_told(client: FlaskClient, app: APIFlask, customer: dict[str, Any]) -> None:
    split_traffic(app)
    own = {"name": "inner", "salt": "inner", "arms": {"champion": 0.5, "heuristic": 0.5}}
    configure(app, layers={"side": {"share": 0.5, "experiment": own}})
    told = {name: ask(client, name) for name in (f"c{number}" for number in range(40))}
    assert {(each["layer"], each["experiment"]) for each in told.values()} == {("side", "inner"), (None, "first")}
    for client_id in told:
        client.post("/predict", json={"client_id": client_id, **customer})
    assert app.extensions["holdfast"].shipper.flush(20)
    with app.extensions["holdfast"].engine.connect() as connection:
        enrolled = connection.execute(select(exposures).where(exposures.c.experiment.in_(["inner", "first"])))
        found = {row.client_id: (row.experiment, row.arm) for row in enrolled}
    assert found == {client_id: (each["experiment"], each["arm"]) for client_id, each in told.items()}


def test_asking_enrols_nobody_and_leaves_no_trace(
    client: FlaskClient, app: APIFlask, customer: dict[str, Any], embedded_redis_url: str
) -> None:
    ask(client, "anna")
    wiring = app.extensions["holdfast"]
    assert wiring.shipper.flush(10)
    with wiring.engine.connect() as connection:
        counts = {t.name: connection.scalar(select(func.count()).select_from(t)) for t in metadata.sorted_tables}
    assert {name for name, count in counts.items() if count} == {"config"}
    with Redis.from_url(embedded_redis_url) as redis:
        assert not redis.exists("holdfast:seen:anna")
    assert client.post("/predict", json={"client_id": "anna", **customer}).get_json()["recent_times_id_seen"] == 0


def test_it_follows_a_change_that_another_process_announced(client: FlaskClient, app: APIFlask) -> None:
    before = ask(client, "anna")
    wiring = app.extensions["holdfast"]
    arms = {"challenger": 0.5, "heuristic": 0.5}
    insert_config(wiring.engine, experiment={"name": "second", "salt": "s", "arms": arms})
    wiring.announce()
    after = ask(client, "anna")
    assert (before["arm"], before["experiment"], after["experiment"]) == ("champion", None, "second")
    assert after["arm"] in arms
    assert after["config_revision"] > before["config_revision"]


ODD = [
    "abc ",
    " abc",
    "ÄBC",
    "😀",
    "a/b",
    "/a",
    "a/",
    "//",
    "a//b",
    "a?b=c",
    "#1",
    "100%",
    "%41",
    "a+b",
    "a;b",
    "<b>'\"--",
    "a\\b",
    "x" * 190,
    "😀" * 190,
]


@pytest.mark.parametrize("client_id", ODD)
def test_any_printable_text_is_an_id(client: FlaskClient, client_id: str) -> None:
    assert ask(client, client_id)["client_id"] == client_id


@pytest.mark.parametrize("spelled", ["a%00b", "%0A", "a%0D%0Ab", "a%C2%85b", "%E2%80%A8", "x" * 191])
def test_what_is_no_id_is_422(client: FlaskClient, spelled: str) -> None:
    check_problem(client.get(f"/assignments/{spelled}"), 422, "client_id")


@pytest.mark.parametrize("raw", ["\xff", "a\xc3", "\xed\xa0\x80"])
def test_bytes_that_are_no_text_are_422(client: FlaskClient, raw: str) -> None:
    """As a server hands them on; a client would not send them so."""
    sent = {"PATH_INFO": f"/assignments/{raw}"}
    document = check_problem(client.get("/assignments/x", environ_overrides=sent), 422, "client_id")
    assert "UTF-8" in document["detail"]


def test_the_token_is_needed_in_the_header(app: APIFlask) -> None:
    anonymous = app.test_client()
    check_problem(anonymous.get("/assignments/anna"), 401)
    check_problem(anonymous.get("/assignments/anna?token=x"), 401)
    check_problem(anonymous.get("/assignments/anna", headers={"Authorization": "Bearer x"}), 403)
    check_problem(anonymous.get("/assignments/%00"), 401)


def test_without_a_model_in_service_it_is_503(client: FlaskClient, app: APIFlask) -> None:
    app.extensions["holdfast"].ensure_started()
    app.extensions["holdfast"].live._snapshot = None
    check_problem(client.get("/assignments/anna"), 503)


def test_it_is_described(client: FlaskClient, app: APIFlask) -> None:
    split_traffic(app)
    document = client.get("/openapi.json").get_json()
    operation = document["paths"]["/assignments/{client_id}"]["get"]
    assert [(each["name"], each["in"], each["required"]) for each in operation["parameters"]] == [
        ("client_id", "path", True)
    ]
    schema = {"$ref": "#/components/schemas/Assignment", "components": document["components"]}
    for number in range(20):
        Draft202012Validator(schema).validate(ask(client, f"c{number}"))
