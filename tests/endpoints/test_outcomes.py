"""What became of clients can be told in any order, by one or by a thousand, and every bad row has its reason."""

import json
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from sqlalchemy import text

from data.engine import build_engine
from helpers.ids import new_id
from tests.endpoints.test_bad_input import check_problem
from tests.support.deployment import TOKEN

PATH = "/outcomes"
SOME_ID = "01a200ee-5625-73c4-a783-2333b7824225"
GOOD = {"client_id": "7590-VHVEG", "churned": True, "observed_at": "2024-03-01T09:30:00Z"}


def kept(app: APIFlask) -> list[dict[str, Any]]:
    with app.extensions["holdfast"].engine.connect() as connection:
        found = connection.execute(text("select * from outcomes order by observed_at, outcome_id")).mappings()
        return [dict(row) for row in found]


def tell(client: FlaskClient, body: Any) -> Any:
    answer = client.post(PATH, json=body)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


@pytest.fixture
def prediction_id(client: FlaskClient, app: APIFlask, customer: dict[str, Any]) -> str:
    """An answer to `anna` that is in the ledger."""
    answer = client.post("/predict", json={"client_id": "anna", **customer})
    assert app.extensions["holdfast"].shipper.flush(20)
    return str(answer.get_json()["prediction_id"])


def test_one_is_recorded_and_told_again_known(client: FlaskClient, app: APIFlask) -> None:
    first = tell(client, GOOD)
    assert (set(first), first["status"]) == ({"outcome_id", "status"}, "recorded")
    before = kept(app)
    again = tell(client, {**GOOD, "observed_at": "2024-03-01T10:30:00.000+01:00"})
    assert again == {**first, "status": "known"}
    assert kept(app) == before
    assert [(row["client_id"], row["churned"], row["source"]) for row in before] == [("7590-VHVEG", 1, "api")]


def test_a_correction_is_a_further_row(client: FlaskClient, app: APIFlask) -> None:
    told = [tell(client, {**GOOD, "churned": churned})["status"] for churned in (True, False, True)]
    assert told == ["recorded", "recorded", "known"]
    assert len(kept(app)) == 2


def test_a_prediction_stands_for_its_client(client: FlaskClient, app: APIFlask, prediction_id: str) -> None:
    by_id = {"prediction_id": prediction_id, "churned": False, "observed_at": "2024-03-02"}
    assert tell(client, by_id)["status"] == "recorded"
    assert tell(client, {**by_id, "client_id": "anna"})["status"] == "recorded"
    assert {(row["client_id"], row["prediction_id"]) for row in kept(app)} == {("anna", prediction_id)}


def test_a_prediction_of_another_client_is_refused(client: FlaskClient, app: APIFlask, prediction_id: str) -> None:
    wrong = {**GOOD, "prediction_id": prediction_id, "client_id": "Anna"}
    check_problem(client.post(PATH, json=wrong), 422, "client_id")
    told = tell(client, [{**wrong, "client_id": "anna"}, wrong])["results"]
    assert told[0]["status"] == "recorded"
    assert told[1]["error"]["field"] == "1.client_id"
    assert len(kept(app)) == 1


def test_a_prediction_still_on_its_way_is_waited_for(client: FlaskClient, app: APIFlask) -> None:
    told = tell(client, {**GOOD, "client_id": None, "prediction_id": new_id()})
    assert told["status"] == "waiting"
    assert [row["client_id"] for row in kept(app)] == [None]
    assert tell(client, {**GOOD, "client_id": None, "prediction_id": new_id()})["status"] == "waiting"


def test_what_waited_counts_once_the_outbox_was_shipped(
    client: FlaskClient, app: APIFlask, customer: dict[str, Any]
) -> None:
    """Told at once after the answer, mostly before the shipper has brought it to the ledger."""
    for number in range(20):
        answer = client.post("/predict", json={"client_id": f"c{number}", **customer}).get_json()
        tell(client, {"prediction_id": answer["prediction_id"], "churned": True, "observed_at": "2024-03-01"})
    assert app.extensions["holdfast"].shipper.flush(20)
    assert sorted(row["client_id"] for row in kept(app)) == sorted(f"c{number}" for number in range(20))


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        ("2024-11-22", "2024-11-22 00:00:00.000000"),
        ("2024-11-22T00:00:00Z", "2024-11-22 00:00:00.000000"),
        ("2024-11-21t23:30:00.1234567-02:30", "2024-11-22 02:00:00.123456"),
        ("2024-11-22 23:30:00z", "2024-11-22 23:30:00.000000"),
        ("1970-01-01", "1970-01-01 00:00:00.000000"),
    ],
)
def test_times_are_kept_in_utc(client: FlaskClient, app: APIFlask, spelled: str, meant: str) -> None:
    tell(client, {**GOOD, "observed_at": spelled})
    assert [row["observed_at"] for row in kept(app)] == [meant]


BAD_TIMES = [
    "2024-11-22T10:00:00",
    "2024-11-22T10:00Z",
    "22.11.2024",
    "20241122",
    "2024-W47-7",
    "2023-02-29",
    "2024-11-22T24:00:00Z",
    "2024-11-22T10:00:60Z",
    "2024-11-22T10:00:00+25:00",
    "1969-12-31T23:59:59Z",
    "1970-01-01T00:00:00+00:01",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2126-01-01",
    "٢٠٢٦-11-22",
    "now",
    "",
    1_763_800_000,
    True,
    None,
    [],
]


@pytest.mark.parametrize("value", BAD_TIMES)
def test_a_time_must_be_an_instant_of_the_past(client: FlaskClient, app: APIFlask, value: Any) -> None:
    check_problem(client.post(PATH, json={**GOOD, "observed_at": value}), 422, "observed_at")
    assert kept(app) == []


@pytest.mark.parametrize("value", ["1", "true", "yes", 1, 0, 1.0, None, [], {}])
def test_churned_must_be_true_or_false(client: FlaskClient, value: Any) -> None:
    check_problem(client.post(PATH, json={**GOOD, "churned": value}), 422, "churned")


@pytest.mark.parametrize("value", ["", "x" * 191, "a\0b", "a\r\nb", "a\x85b", 42, True, ["a"], {}])
def test_an_id_must_be_short_printable_text(client: FlaskClient, value: Any) -> None:
    check_problem(client.post(PATH, json={**GOOD, "client_id": value}), 422, "client_id")


@pytest.mark.parametrize("value", ["", "7590-VHVEG", SOME_ID.upper(), f"{SOME_ID}\n", SOME_ID[:-1], 5, ["a"]])
def test_a_prediction_id_must_be_one(client: FlaskClient, value: Any) -> None:
    check_problem(client.post(PATH, json={**GOOD, "prediction_id": value}), 422, "prediction_id")


@pytest.mark.parametrize("named", [{}, {"client_id": None}, {"client_id": None, "prediction_id": None}])
def test_it_must_be_told_of_somebody(client: FlaskClient, named: dict[str, None]) -> None:
    nobody = {"churned": True, "observed_at": "2024-03-01", **named}
    document = check_problem(client.post(PATH, json=nobody), 422, "client_id")
    assert "prediction_id" in document["detail"]


@pytest.mark.parametrize("missing", ["churned", "observed_at"])
def test_a_missing_field_is_named(client: FlaskClient, missing: str) -> None:
    check_problem(client.post(PATH, json={k: v for k, v in GOOD.items() if k != missing}), 422, missing)


def test_an_unknown_field_is_named(client: FlaskClient) -> None:
    check_problem(client.post(PATH, json={**GOOD, "outcome": 1}), 422, "outcome")


@pytest.mark.parametrize("raw", [b"", b"{", b'{"a": "\xff"}', b'{"churned": true, "churned": true}', b"[" * 5_000])
def test_what_cannot_be_read_is_400(client: FlaskClient, raw: bytes) -> None:
    check_problem(client.post(PATH, data=raw, content_type="application/json"), 400)


@pytest.mark.parametrize("raw", [b"null", b'"text"', b"1", b"true"])
def test_what_is_neither_object_nor_array_is_422(client: FlaskClient, raw: bytes) -> None:
    check_problem(client.post(PATH, data=raw, content_type="application/json"), 422, "body")


def test_another_content_type_is_415(client: FlaskClient) -> None:
    check_problem(client.post(PATH, data=json.dumps(GOOD), content_type="text/csv"), 415)


def test_six_ids_that_look_alike_are_six_clients(client: FlaskClient, app: APIFlask) -> None:
    six = ("abc", "ABC", "äbc", "abc ", "😀", "😁")
    told = tell(client, [{**GOOD, "client_id": each} for each in six])["results"]
    assert [each["status"] for each in told] == ["recorded"] * 6
    assert {row["client_id"] for row in kept(app)} == set(six)


def test_sql_and_html_are_kept_as_they_are(client: FlaskClient, app: APIFlask) -> None:
    odd = "'; drop table outcomes; -- <script>"
    tell(client, {**GOOD, "client_id": odd})
    assert [row["client_id"] for row in kept(app)] == [odd]


class TestArray:
    def test_a_thousand_rows_are_kept_and_known_afterwards(self, client: FlaskClient, app: APIFlask) -> None:
        rows = [{**GOOD, "client_id": f"c{number}", "churned": number % 3 == 0} for number in range(1_000)]
        told = tell(client, rows)["results"]
        assert {each["status"] for each in told} == {"recorded"}
        assert len({each["outcome_id"] for each in told}) == len(kept(app)) == 1_000
        again = tell(client, rows[::-1])["results"]
        assert again == [{**each, "status": "known"} for each in told[::-1]]
        assert len(kept(app)) == 1_000

    @pytest.mark.parametrize("rows", [[], [GOOD] * 1_001])
    def test_it_holds_1_to_1000(self, client: FlaskClient, app: APIFlask, rows: Any) -> None:
        check_problem(client.post(PATH, json=rows), 422, "body")
        assert kept(app) == []

    def test_good_rows_are_kept_and_bad_ones_say_why(self, client: FlaskClient, app: APIFlask) -> None:
        rows = [GOOD, {**GOOD, "churned": "1"}, 7, None, [GOOD], {**GOOD, "client_id": "bert"}, {}, GOOD]
        told = tell(client, rows)["results"]
        assert [each.get("status") for each in told] == ["recorded", None, None, None, None, "recorded", None, "known"]
        assert [each["error"]["field"] for each in told if "error" in each] == [
            "1.churned",
            "2",
            "3",
            "4",
            "6.client_id",
        ]
        assert {each["error"]["status"] for each in told if "error" in each} == {422}
        assert len(kept(app)) == 2

    def test_rows_that_are_all_bad_are_answered_too(self, client: FlaskClient) -> None:
        assert [set(each) for each in tell(client, [{}, 1])["results"]] == [{"error"}, {"error"}]

    def test_a_lone_surrogate_refuses_all_and_is_named(self, client: FlaskClient, app: APIFlask) -> None:
        raw = json.dumps([GOOD, {**GOOD, "client_id": "@"}]).replace('"@"', r'"\ud800"')
        check_problem(client.post(PATH, data=raw, content_type="application/json"), 422, "1.client_id")
        assert kept(app) == []


class TestToken:
    def test_one_may_hold_it_and_an_array_needs_the_header(self, app: APIFlask) -> None:
        anonymous = app.test_client()
        assert anonymous.post(PATH, json={**GOOD, "token": TOKEN}).status_code == 200
        for body in (GOOD, [GOOD], [{**GOOD, "token": TOKEN}], {**GOOD, "token": None}):
            answer = anonymous.post(PATH, json=body)
            check_problem(answer, 401)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert len(kept(app)) == 1

    def test_a_wrong_one_is_403(self, app: APIFlask) -> None:
        anonymous = app.test_client()
        check_problem(anonymous.post(PATH, json={**GOOD, "token": "x"}), 403)
        check_problem(anonymous.post(PATH, json=[GOOD], headers={"Authorization": "Bearer x"}), 403)

    def test_it_comes_before_what_the_body_says(self, app: APIFlask) -> None:
        check_problem(app.test_client().post(PATH, data=b"{", content_type="application/json"), 401)
        check_problem(app.test_client().post(PATH, data=b"7", content_type="application/json"), 401)


def test_a_database_that_is_away_is_503_and_nothing_is_acknowledged(
    client: FlaskClient, app: APIFlask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.extensions["holdfast"], "engine", build_engine("mysql+pymysql://root@127.0.0.1:1/none"))
    for body in (GOOD, [GOOD, {}]):
        answer = client.post(PATH, json=body)
        check_problem(answer, 503)
        assert int(answer.headers["Retry-After"]) > 0
    check_problem(client.post(PATH, json={}), 422)


def test_what_is_sent_and_answered_fits_its_description(client: FlaskClient) -> None:
    schemas = client.get("/openapi.json").get_json()["components"]

    def fits(name: str, instance: Any) -> bool:
        schema = {"$ref": f"#/components/schemas/{name}", "components": schemas}
        return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).is_valid(instance)

    by_prediction = {"prediction_id": new_id(), "churned": False, "observed_at": "2024-03-01"}
    for body in (GOOD, by_prediction, [GOOD, by_prediction, by_prediction]):
        assert fits("OutcomeRequest", body)
        assert fits("OutcomeAnswer", tell(client, body))
    for wrong in (
        {},
        [],
        {**GOOD, "client_id": None},
        {**GOOD, "churned": "1"},
        {**GOOD, "x": 1},
        [GOOD] * 1_001,
        None,
    ):
        assert not fits("OutcomeRequest", wrong)
    assert fits("OutcomeAnswer", tell(client, [GOOD, {}]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)
ROW = st.fixed_dictionaries(
    {},
    optional={
        "client_id": st.text(max_size=200) | JSON,
        "prediction_id": st.uuids().map(str) | JSON,
        "churned": st.booleans() | JSON,
        "observed_at": st.datetimes().map(lambda at: f"{at.isoformat()}Z") | st.dates().map(str) | JSON,
    },
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=ROW | st.lists(ROW, max_size=5) | JSON)
def test_nothing_makes_it_stumble(client: FlaskClient, body: Any) -> None:
    answer = client.post(PATH, data=json.dumps(body), content_type="application/json")
    assert answer.status_code in {200, 422}
    if answer.status_code == 200 and isinstance(body, list):
        assert len(answer.get_json()["results"]) == len(body)
