"""What was done to clients is told once, however often it is sent, and the holdout is warned about."""

from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from sqlalchemy import text

from data.engine import build_engine
from helpers.ids import new_id
from tests.endpoints.test_bad_input import check_problem
from tests.support.deployment import TOKEN
from tests.support.stack import configure

PATH = "/actions"
GOOD: dict[str, Any] = {"client_id": "7590-VHVEG", "kind": "call", "at": "2024-03-01T09:30:00Z", "by": "Mia Ürün"}


def kept(app: APIFlask) -> list[dict[str, Any]]:
    with app.extensions["holdfast"].engine.connect() as connection:
        found = connection.execute(text("select * from actions order by at, action_id")).mappings()
        return [dict(row) for row in found]


def tell(client: FlaskClient, body: Any) -> Any:
    answer = client.post(PATH, json=body)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def test_one_is_recorded_and_told_again_known(client: FlaskClient, app: APIFlask) -> None:
    first = tell(client, GOOD)
    assert (set(first), first["status"], first["warnings"]) == ({"action_id", "status", "warnings"}, "recorded", [])
    before = kept(app)
    assert tell(client, {**GOOD, "at": "2024-03-01T10:30:00+01:00"}) == {**first, "status": "known"}
    assert kept(app) == before
    (row,) = before
    assert (row["client_id"], row["kind"], row["actor"], row["prediction_id"]) == (
        "7590-VHVEG",
        "call",
        "Mia Ürün",
        None,
    )
    assert row["at"] == "2024-03-01 09:30:00.000000"


@pytest.mark.parametrize(
    "change",
    [{"kind": "gift"}, {"by": "Ben"}, {"at": "2024-03-02"}, {"client_id": "anna"}, {"prediction_id": new_id()}],
    ids=lambda change: next(iter(change)),
)
def test_whatever_differs_makes_another_action(client: FlaskClient, app: APIFlask, change: dict[str, str]) -> None:
    told = tell(client, [GOOD, {**GOOD, **change}, GOOD])["results"]
    assert [each["status"] for each in told] == ["recorded", "recorded", "known"]
    assert len(kept(app)) == 2


def test_a_prediction_of_another_client_is_refused(
    client: FlaskClient, app: APIFlask, customer: dict[str, Any]
) -> None:
    answer = client.post("/predict", json={"client_id": "anna", **customer}).get_json()
    assert app.extensions["holdfast"].shipper.flush(20)
    wrong = {**GOOD, "prediction_id": answer["prediction_id"]}
    check_problem(client.post(PATH, json=wrong), 422, "prediction_id")
    told = tell(client, [wrong, {**wrong, "client_id": "anna"}])["results"]
    assert (told[0]["error"]["field"], told[1]["status"]) == ("0.prediction_id", "recorded")
    assert [row["client_id"] for row in kept(app)] == ["anna"]


def test_whoever_acts_in_the_holdout_is_warned_and_it_is_recorded(client: FlaskClient, app: APIFlask) -> None:
    configure(app, holdout_percentage="50")
    rows = [{**GOOD, "client_id": f"c{number}"} for number in range(60)]
    told = tell(client, rows)["results"]
    assert {each["status"] for each in told} == {"recorded"}
    warned = {row["client_id"] for row, each in zip(rows, told, strict=True) if each["warnings"]}
    held = {row["client_id"] for row in rows if client.get(f"/assignments/{row['client_id']}").get_json()["holdout"]}
    assert warned == held
    assert 10 < len(held) < 50
    assert {(each["code"], each["field"]) for result in told for each in result["warnings"]} == {
        ("holdout", "client_id")
    }


def test_without_a_model_in_service_it_is_recorded_all_the_same(client: FlaskClient, app: APIFlask) -> None:
    app.extensions["holdfast"].ensure_started()
    app.extensions["holdfast"].live._snapshot = None
    assert tell(client, GOOD)["status"] == "recorded"


@pytest.mark.parametrize("value", ["", "Call", "-call", "two words", "x" * 41, "call\n", "ä", 5, None])
def test_a_kind_is_one_plain_word(client: FlaskClient, value: Any) -> None:
    check_problem(client.post(PATH, json={**GOOD, "kind": value}), 422, "kind")


@pytest.mark.parametrize("value", ["", "x" * 101, "a\nb", "a\0", 5, None, ["Mia"]])
def test_who_did_it_is_printable_text(client: FlaskClient, value: Any) -> None:
    check_problem(client.post(PATH, json={**GOOD, "by": value}), 422, "by")


@pytest.mark.parametrize("value", ["2024-11-22T10:00:00", "2126-01-01", "1969-12-31", "soon", 5, None])
def test_a_time_must_be_an_instant_of_the_past(client: FlaskClient, value: Any) -> None:
    check_problem(client.post(PATH, json={**GOOD, "at": value}), 422, "at")


@pytest.mark.parametrize("value", ["", "x" * 191, "a\0b", 42, None, {}])
def test_an_id_must_be_short_printable_text(client: FlaskClient, value: Any) -> None:
    check_problem(client.post(PATH, json={**GOOD, "client_id": value}), 422, "client_id")


@pytest.mark.parametrize("missing", GOOD)
def test_a_missing_field_is_named(client: FlaskClient, missing: str) -> None:
    check_problem(client.post(PATH, json={k: v for k, v in GOOD.items() if k != missing}), 422, missing)


def test_an_unknown_field_is_named(client: FlaskClient) -> None:
    check_problem(client.post(PATH, json={**GOOD, "note": "nice"}), 422, "note")


def test_a_thousand_are_kept_and_bad_ones_among_them_named(client: FlaskClient, app: APIFlask) -> None:
    rows: list[Any] = [{**GOOD, "client_id": f"c{number}"} for number in range(998)] + [{**GOOD, "kind": "?"}, "x"]
    told = tell(client, rows)["results"]
    assert [each["error"]["field"] for each in told[998:]] == ["998.kind", "999"]
    assert len(kept(app)) == 998
    check_problem(client.post(PATH, json=[*rows, GOOD]), 422, "body")


def test_the_token_is_needed(app: APIFlask) -> None:
    anonymous = app.test_client()
    check_problem(anonymous.post(PATH, json=GOOD), 401)
    check_problem(anonymous.post(PATH, json=[GOOD]), 401)
    check_problem(anonymous.post(PATH, json={**GOOD, "token": "x"}), 403)
    assert anonymous.post(PATH, json={**GOOD, "token": TOKEN}).status_code == 200


def test_a_database_that_is_away_is_503(client: FlaskClient, app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.extensions["holdfast"], "engine", build_engine("mysql+pymysql://root@127.0.0.1:1/none"))
    answer = client.post(PATH, json=GOOD)
    check_problem(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0


def test_what_is_sent_and_answered_fits_its_description(client: FlaskClient, app: APIFlask) -> None:
    configure(app, holdout_percentage="50")
    schemas = client.get("/openapi.json").get_json()["components"]

    def fits(name: str, instance: Any) -> bool:
        schema = {"$ref": f"#/components/schemas/{name}", "components": schemas}
        return Draft202012Validator(schema).is_valid(instance)

    many = [{**GOOD, "client_id": f"c{number}", "prediction_id": new_id()} for number in range(9)]
    for body in (GOOD, many):
        assert fits("ActionRequest", body)
        assert fits("ActionAnswer", tell(client, body))
    assert fits("ActionAnswer", tell(client, [GOOD, {}]))
    changed: list[dict[str, Any]] = [{"kind": "?"}, {"by": None}, {"x": 1}]
    for wrong in ({}, [], *({**GOOD, **each} for each in changed)):
        assert not fits("ActionRequest", wrong)
