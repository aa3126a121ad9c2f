"""Every bad input has its answer: a status, a field, and never a score."""

import io
import json
import time
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from tests.support.deployment import TOKEN
from tests.support.models import Trained


@pytest.fixture
def number(trained: Trained) -> str:
    return next(f.name for f in trained.schema.features if f.kind == "number" and not f.nullable)


@pytest.fixture
def category(trained: Trained) -> str:
    return next(f.name for f in trained.schema.features if f.kind == "category" and not f.nullable)


@pytest.fixture
def body(customer: dict[str, Any]) -> dict[str, Any]:
    return {"client_id": "7590-VHVEG", **customer}


def send(client: FlaskClient, raw: bytes | str, **options: Any) -> TestResponse:
    return client.post("/predict", data=raw, content_type=options.pop("content_type", "application/json"), **options)


def check_problem(answer: TestResponse, status: int, field: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.content_type == "application/problem+json"
    document: dict[str, Any] = answer.get_json(force=True)
    assert document["status"] == status
    assert document["detail"]
    assert not {"prediction", "high_risk", "money_at_risk"} & set(document)
    if field is not None:
        assert field in [line["field"] for line in document["errors"]]
    return document


@pytest.mark.parametrize(
    ("raw", "options"),
    [
        (b"", {}),
        (b'{"client_id": ', {}),
        (b'{"client_id": "\xff\xfe"}', {}),
        ('{"client_id": "x"}'.encode("utf-16"), {}),
        (b"\x1f\x8b\x08\x00", {"headers": {"Content-Encoding": "gzip"}}),
        (b'{"client_id": "a", "client_id": "b"}', {}),
        (b"[" * 5_000 + b"]" * 5_000, {}),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, {}),
        (b'{"tenure": ' + b"9" * 5_000 + b"}", {}),
    ],
    ids=[
        "empty",
        "cut",
        "not UTF-8",
        "UTF-16",
        "compressed",
        "duplicate key",
        "deep list",
        "deep object",
        "huge integer",
    ],
)
def test_what_cannot_be_read_is_400(client: FlaskClient, raw: bytes, options: dict[str, Any]) -> None:
    started = time.thread_time()
    check_problem(send(client, raw, **options), 400)
    assert time.thread_time() - started < 0.5


@pytest.mark.parametrize("raw", [b"null", b"[]", b'"text"', b"1", b"true"])
def test_json_that_is_no_object_is_422(client: FlaskClient, raw: bytes) -> None:
    check_problem(send(client, raw), 422, "body")


@pytest.mark.parametrize("spelled", ['"1"', "true", "null", "[]", "{}", "NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_must_be_a_finite_number(client: FlaskClient, body: dict[str, Any], number: str, spelled: str) -> None:
    raw = json.dumps({**body, number: "@"}).replace('"@"', spelled)
    check_problem(send(client, raw), 422, number)


@pytest.mark.parametrize("value", [1, True, None, [], {}, "two\nlines", "nul\0", "x" * 1_001])
def test_a_category_must_be_text(client: FlaskClient, body: dict[str, Any], category: str, value: Any) -> None:
    check_problem(client.post("/predict", json={**body, category: value}), 422, category)


@pytest.mark.parametrize("value", ["", "x" * 191, "a\0b", "a\r\nb", "a\x85b", 42, True, None, ["a"], {}])
def test_an_id_must_be_short_printable_text(client: FlaskClient, body: dict[str, Any], value: Any) -> None:
    check_problem(client.post("/predict", json={**body, "client_id": value}), 422, "client_id")


def test_a_lone_surrogate_in_an_id_is_refused(client: FlaskClient, body: dict[str, Any]) -> None:
    raw = json.dumps({**body, "client_id": "@"}).replace('"@"', r'"\ud800"')
    check_problem(send(client, raw), 422, "client_id")


@pytest.mark.parametrize(
    ("spelled", "field"),
    [
        (r'"shoe": "\udfff"', "shoe"),
        (r'"\uD800x": 1', "\\ud800x"),
        (r'"a": [1, {"b": ["x", "\ude00\ud83d"]}]', "a.1.b.1"),
        (r'"a": {"\udbff": {}}', "a.\\udbff"),
    ],
)
def test_a_lone_surrogate_anywhere_is_refused(
    client: FlaskClient, body: dict[str, Any], spelled: str, field: str
) -> None:
    raw = json.dumps(body)[:-1] + f", {spelled}}}"
    document = check_problem(send(client, raw), 422, field)
    assert "surrogate" in document["detail"]


def test_surrogates_in_pairs_are_a_character(client: FlaskClient, body: dict[str, Any]) -> None:
    raw = json.dumps({**body, "client_id": "\U0001f600 \\ud800"})
    assert r"\ud83d\ude00" in raw
    assert send(client, raw).get_json()["client_id"] == "\U0001f600 \\ud800"


def test_a_lone_surrogate_under_a_long_name_is_found_without_much_memory(client: FlaskClient) -> None:
    raw = json.dumps({"n" * 500_000: [[] for _ in range(300_000)] + ["@"]}).replace("@", r"\udc00")
    started = time.process_time()
    check_problem(send(client, raw), 422, "n" * 500_000 + ".300000")
    assert time.process_time() - started < 10, "a place spelled out for each part would take minutes"


def test_a_missing_field_without_gaps_in_training_is_named(
    client: FlaskClient, body: dict[str, Any], number: str
) -> None:
    del body[number]
    check_problem(client.post("/predict", json=body), 422, number)


def test_an_unknown_field_is_named(client: FlaskClient, body: dict[str, Any]) -> None:
    check_problem(client.post("/predict", json={**body, "shoe_size": 43}), 422, "shoe_size")


def test_a_missing_id_is_named(client: FlaskClient, customer: dict[str, Any]) -> None:
    check_problem(client.post("/predict", json=customer), 422, "client_id")


def test_the_id_may_stand_under_the_name_it_has_in_the_table(
    client: FlaskClient, customer: dict[str, Any], trained: Trained
) -> None:
    answer = client.post("/predict", json={trained.schema.id: "row", **customer})
    assert answer.get_json()["client_id"] == "row"
    both = client.post("/predict", json={trained.schema.id: "row", "client_id": "row", **customer})
    check_problem(both, 422, trained.schema.id)


def test_an_unknown_category_is_scored_with_a_warning(client: FlaskClient, body: dict[str, Any], category: str) -> None:
    answer = client.post("/predict", json={**body, category: "<script>alert(1)</script>"}).get_json()
    assert 0 < answer["prediction"] < 1
    warning = next(each for each in answer["warnings"] if each["code"] == "unknown_category")
    assert (warning["field"], warning["value"]) == (category, "<script>alert(1)</script>")


def test_a_gap_known_from_training_is_scored_with_a_warning(
    client: FlaskClient, body: dict[str, Any], trained: Trained
) -> None:
    gappy = next(f.name for f in trained.schema.features if f.nullable)
    for changed in ({**body, gappy: None}, {k: v for k, v in body.items() if k != gappy}):
        answer = client.post("/predict", json=changed).get_json()
        assert 0 < answer["prediction"] < 1
        assert ("missing_value", gappy) in [(each["code"], each["field"]) for each in answer["warnings"]]


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_415(client: FlaskClient, body: dict[str, Any], content_type: str) -> None:
    check_problem(send(client, json.dumps(body), content_type=content_type), 415)


def test_a_body_too_large_is_413(client: FlaskClient) -> None:
    check_problem(send(client, b'{"a": "' + b"x" * 10_000_000 + b'"}'), 413)


def test_a_body_too_large_without_its_length_is_413(client: FlaskClient) -> None:
    stream = io.BytesIO(b'{"a": "' + b"x" * 10_000_000 + b'"}')
    environ = {"wsgi.input": stream, "wsgi.input_terminated": True}
    answer = client.post("/predict", content_type="application/json", environ_overrides=environ)
    check_problem(answer, 413)
    assert stream.tell() < 3_000_000, "read on after the limit"


@pytest.mark.parametrize("reasons", [-1, 101, 1.5, "3", True, None])
def test_reasons_must_be_a_small_whole_number(client: FlaskClient, body: dict[str, Any], reasons: Any) -> None:
    check_problem(client.post("/predict", json={**body, "reasons": reasons}), 422, "reasons")


def test_a_whole_number_may_have_a_point(client: FlaskClient, body: dict[str, Any]) -> None:
    assert len(client.post("/predict", json={**body, "reasons": 2.0}).get_json()["reasons"]) == 2


@pytest.mark.parametrize("reasons", ["-1", "101", "x", "1.5", "²"])
def test_reasons_in_the_address_likewise(client: FlaskClient, body: dict[str, Any], reasons: str) -> None:
    check_problem(client.post("/predict", json=body, query_string={"reasons": reasons}), 422, "reasons")


def test_six_ids_that_look_alike_are_six_clients(client: FlaskClient, body: dict[str, Any]) -> None:
    for client_id in ("abc", "ABC", "äbc", "abc ", "😀", "😁"):
        answer = client.post("/predict", json={**body, "client_id": client_id}).get_json()
        assert (answer["client_id"], answer["recent_times_id_seen"]) == (client_id, 0)


class TestToken:
    def anonymous(self, app: APIFlask, body: Any, **options: Any) -> TestResponse:
        return app.test_client().post("/predict", json=body, **options)

    def test_missing_is_401_and_says_how(self, app: APIFlask, body: dict[str, Any]) -> None:
        answer = self.anonymous(app, body)
        check_problem(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")

    @pytest.mark.parametrize("wrong", ["wrong", TOKEN + "x", TOKEN[:-1], TOKEN.upper()])
    def test_wrong_is_403(self, app: APIFlask, body: dict[str, Any], wrong: str) -> None:
        headers = {"Authorization": f"Bearer {wrong}"}
        document = check_problem(self.anonymous(app, body, headers=headers), 403)
        assert document["detail"] == "access denied"
        check_problem(self.anonymous(app, {**body, "token": wrong}), 403)

    @pytest.mark.parametrize("token", [1, True, ["x"], {"a": 1}])
    def test_a_token_that_is_no_text_is_403(self, app: APIFlask, body: dict[str, Any], token: Any) -> None:
        check_problem(self.anonymous(app, {**body, "token": token}), 403)

    @pytest.mark.parametrize("token", [1, None, ["x"]])
    def test_beside_one_in_the_header_it_must_be_text_still(
        self, client: FlaskClient, body: dict[str, Any], token: Any
    ) -> None:
        check_problem(client.post("/predict", json={**body, "token": token}), 422, "token")

    def test_in_the_body_it_serves(self, app: APIFlask, body: dict[str, Any]) -> None:
        assert self.anonymous(app, {**body, "token": TOKEN}).status_code == 200

    def test_in_the_address_it_does_not(self, app: APIFlask, body: dict[str, Any]) -> None:
        check_problem(self.anonymous(app, body, query_string={"token": TOKEN}), 401)

    @pytest.mark.parametrize("header", [f"Basic {TOKEN}", TOKEN, "Bearer", "Bearer "])
    def test_another_scheme_is_401(self, app: APIFlask, body: dict[str, Any], header: str) -> None:
        check_problem(self.anonymous(app, body, headers={"Authorization": header}), 401)

    def test_it_comes_before_what_the_body_says(self, app: APIFlask) -> None:
        answer = app.test_client().post("/predict", data=b"{", content_type="application/json")
        check_problem(answer, 401)


class TestBatch:
    def post(self, client: FlaskClient, instances: Any, **more: Any) -> TestResponse:
        return client.post("/v1/predict/batch", json={"instances": instances, **more})

    @pytest.mark.parametrize("instances", [None, [], {}, "x", [{}] * 1_001])
    def test_it_holds_1_to_1000(self, client: FlaskClient, instances: Any) -> None:
        check_problem(self.post(client, instances), 422, "instances")

    def test_an_unknown_field_beside_it_is_named(self, client: FlaskClient, body: dict[str, Any]) -> None:
        check_problem(self.post(client, [{"key": 1, **body}], extra=1), 422, "extra")

    def test_each_row_has_its_answer_or_its_error(self, client: FlaskClient, body: dict[str, Any], number: str) -> None:
        rows = [{"key": "good", **body}, {"key": "bad", **body, number: "1"}, body, 7, {"key": 5, **body}]
        answers = self.post(client, rows).get_json()["answers"]
        assert [each["key"] for each in answers] == ["good", "bad", None, None, 5]
        assert [set(each) & {"prediction", "error"} for each in answers] == [
            {"prediction"},
            {"error"},
            {"error"},
            {"error"},
            {"prediction"},
        ]
        assert [each["error"]["field"] for each in answers if "error" in each] == [
            f"instances.1.{number}",
            "instances.2.key",
            "instances.3",
        ]
        assert answers[0]["prediction"] == answers[4]["prediction"]
        assert answers[0]["prediction_id"] != answers[4]["prediction_id"]

    @pytest.mark.parametrize("key", [2**53 + 1, -(2**70), 10**30, "", "x" * 191, "a\nb", 1.0, True, None, [1], {}])
    def test_a_key_that_cannot_be_given_back_costs_its_row(
        self, client: FlaskClient, app: APIFlask, body: dict[str, Any], key: Any
    ) -> None:
        reply = self.post(client, [{"key": key, **body}, {"key": "good", **body}])
        assert reply.status_code == 200
        refused, answered = reply.get_json()["answers"]
        assert (refused["key"], refused["error"]["field"]) == (None, "instances.0.key")
        assert (refused["error"]["status"], answered["key"]) == (422, "good")
        assert self.recorded(app) == [answered["prediction_id"]]

    @pytest.mark.parametrize("key", [2**53, -(2**53), 0, "x" * 190, "äöü 😀"])
    def test_a_key_is_given_back_as_it_came(self, client: FlaskClient, body: dict[str, Any], key: Any) -> None:
        (answer,) = self.post(client, [{"key": key, **body}]).get_json()["answers"]
        assert answer["key"] == key
        assert "prediction" in answer

    def test_a_key_serves_one_row(self, client: FlaskClient, app: APIFlask, body: dict[str, Any]) -> None:
        answers = self.post(client, [{"key": key, **body} for key in ("1", 1, "1", 1)]).get_json()["answers"]
        assert [each["key"] for each in answers] == ["1", 1, "1", 1]
        assert ["error" in each for each in answers] == [False, False, True, True]
        assert [each["error"]["field"] for each in answers[2:]] == ["instances.2.key", "instances.3.key"]
        assert len(self.recorded(app)) == 2

    @pytest.mark.parametrize("name", ["key", "client_id", "instances"])
    def test_a_name_that_comes_twice_refuses_the_batch(
        self, client: FlaskClient, app: APIFlask, body: dict[str, Any], name: str
    ) -> None:
        raw = json.dumps({"instances": [{"key": "good", **body}]}).replace(f'"{name}": ', f'"{name}": 1, "{name}": ')
        check_problem(client.post("/v1/predict/batch", data=raw, content_type="application/json"), 400)
        assert self.recorded(app) == []

    def test_rows_are_answered_alike_whether_another_is_at_fault_or_not(
        self, client: FlaskClient, body: dict[str, Any], number: str
    ) -> None:
        good = [{"key": n, **body, "client_id": f"a:{n}", "reasons": n, number: n} for n in range(3)]
        wrong = {"key": "wrong", **body, "client_id": 10**20}
        alone, beside = (self.post(client, rows).get_json()["answers"] for rows in (good, [*good, wrong]))
        changing = {"prediction_id": "", "recent_times_id_seen": 0, "response_time": 0.0}
        assert [{**each, **changing} for each in alone] == [{**each, **changing} for each in beside[:3]]
        assert [len(each["reasons"]) for each in alone] == [0, 1, 2]
        assert "quotes" in beside[3]["error"]["detail"]

    @pytest.mark.parametrize("field", ["key", "client_id", "shoe"])
    def test_a_lone_surrogate_refuses_the_batch(
        self, client: FlaskClient, app: APIFlask, body: dict[str, Any], field: str
    ) -> None:
        rows = [{"key": "good", **body}, {"key": "bad", **body, field: "@"}]
        raw = json.dumps({"instances": rows}).replace('"@"', r'"\ud800"')
        reply = client.post("/v1/predict/batch", data=raw, content_type="application/json")
        check_problem(reply, 422, f"instances.1.{field}")
        assert self.recorded(app) == []

    def recorded(self, app: APIFlask) -> list[str]:
        wiring = app.extensions["holdfast"]
        assert wiring.shipper.flush(10)
        with wiring.engine.connect() as connection:
            return list(connection.execute(text("select prediction_id from model_logs")).scalars())
