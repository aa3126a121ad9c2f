"""The same question sent again under one Idempotency-Key: one answer, one row."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from services import idempotency
from tests.endpoints.test_bad_input import check_problem
from tests.endpoints.test_predict import ledger
from tests.support.models import Trained
from tests.support.stack import application, configure

KEY = '"8e03978e-40d5-43dd-bc93-6894a57f9324"'
PATHS = ("/predict", "/v1/predict", "/v1/predict/batch")


@pytest.fixture
def body(customer: dict[str, Any]) -> dict[str, Any]:
    return {"client_id": "anna", **customer}


def asked(path: str, body: dict[str, Any]) -> dict[str, Any]:
    if path != "/v1/predict/batch":
        return body
    return {"instances": [{"key": 1, **body}, {"key": 2, **body}, {"key": 3}, {"key": 4, **body, "client_id": "b"}]}


def post(client: FlaskClient, body: Any, key: str = KEY, path: str = "/predict") -> Any:
    return client.post(path, json=body, headers={"Idempotency-Key": key})


@pytest.mark.parametrize("path", PATHS)
def test_the_second_answer_is_the_first_one_and_the_ledger_has_it_once(
    app: APIFlask, client: FlaskClient, body: dict[str, Any], path: str
) -> None:
    first, second = (post(client, asked(path, body), path=path) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.get_data() == second.get_data()
    assert first.content_type == second.content_type == "application/json"
    assert len(ledger(app)) == (3 if path == "/v1/predict/batch" else 1)


def test_without_the_header_each_is_a_question_of_its_own(
    app: APIFlask, client: FlaskClient, body: dict[str, Any]
) -> None:
    for _ in range(2):
        assert client.post("/predict", json=body).status_code == 200
    assert len(ledger(app)) == 2
    assert app.extensions["holdfast"].redis.keys("holdfast:idempotent:*") == []


def test_a_key_means_the_same_with_and_without_quotation_marks(client: FlaskClient, body: dict[str, Any]) -> None:
    pairs = [('"abc"', "abc"), ('"a\\"b\\\\c"', '"a\\"b\\\\c"')]
    for first, second in pairs:
        assert post(client, body, first).get_data() == post(client, body, second).get_data()
    assert post(client, body, "abc").get_data() != post(client, body, "abd").get_data()


@pytest.mark.parametrize("key", ["", '""', '"a', 'a"b', '"a";b=1', "a, b", "ä", "x" * 256, '"' + "x" * 256 + '"'])
def test_a_key_that_is_none_is_a_400_that_names_the_header(
    app: APIFlask, client: FlaskClient, body: dict[str, Any], key: str
) -> None:
    answer = post(client, body, key)
    check_problem(answer, 400)
    assert answer.get_json(force=True)["field"] == "Idempotency-Key"
    assert ledger(app) == []


def test_the_same_key_with_something_else_is_a_422(app: APIFlask, client: FlaskClient, body: dict[str, Any]) -> None:
    assert post(client, body).status_code == 200
    for answer in (post(client, {**body, "reasons": 1}), post(client, body, path="/predict?reasons=1")):
        check_problem(answer, 422)
        assert answer.get_json(force=True)["field"] == "Idempotency-Key"
    assert len(ledger(app)) == 1


def test_each_caller_has_keys_of_its_own(app: APIFlask, client: FlaskClient, body: dict[str, Any]) -> None:
    made = app.extensions["holdfast"].access_tokens.add("crm", ["predict"], None, "a test")
    headers = {"Idempotency-Key": KEY, "Authorization": f"Bearer {made.text}"}
    other = app.test_client().post("/predict", json=body, headers=headers)
    assert other.status_code == 200
    assert post(client, body).get_json()["prediction_id"] != other.get_json()["prediction_id"]
    check_problem(app.test_client().post("/predict", json=body, headers={"Idempotency-Key": KEY}), 401)


def test_an_error_is_not_kept(app: APIFlask, client: FlaskClient, body: dict[str, Any]) -> None:
    check_problem(post(client, {**body, "unknown": 1}), 422)
    assert post(client, body).status_code == 200
    for broken in (b"{", b"\xff"):
        headers = {"Idempotency-Key": "new", "Content-Type": "application/json"}
        check_problem(client.post("/predict", data=broken, headers=headers), 400)
    assert len(ledger(app)) == 1


def test_who_comes_while_the_answer_is_made_waits_for_it_or_is_told_when_to_come_again(
    app: APIFlask, client: FlaskClient, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = app.extensions["holdfast"].idempotency._kept
    fingerprints: list[tuple[str, str]] = []
    real = kept.claim

    def noted(name: str, fingerprint: str) -> Any:
        fingerprints.append((name, fingerprint))
        if len(fingerprints) == 3:
            kept.keep(name, fingerprint, b'{"of": "the other"}')
        return real(name, fingerprint)

    monkeypatch.setattr(kept, "claim", noted)
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0)
    assert post(client, body).status_code == 200
    name, fingerprint = fingerprints.pop()
    app.extensions["holdfast"].redis.delete(*app.extensions["holdfast"].redis.keys("holdfast:idempotent:*"))
    assert real(name, fingerprint) is None
    answer = post(client, body)
    check_problem(answer, 409)
    assert int(answer.headers["Retry-After"]) > 0
    check_problem(post(client, {**body, "reasons": 1}), 422)
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 5)
    del fingerprints[1:]
    assert post(client, body).get_data() == b'{"of": "the other"}'


@pytest.fixture
def without_redis(tmp_path: Path, trained: Trained) -> Iterator[APIFlask]:
    with application(tmp_path, trained, "redis://127.0.0.1:9") as made:
        configure(made, aliases=trained.aliases)
        yield made


@pytest.mark.promise("P3")
def test_without_redis_each_try_is_answered_and_the_ledger_has_one(
    without_redis: APIFlask, client: FlaskClient, body: dict[str, Any]
) -> None:
    own = without_redis.test_client()
    own.environ_base = client.environ_base
    first, second, other = post(own, body), post(own, body), post(own, {**body, "reasons": 1})
    assert [each.status_code for each in (first, second, other)] == [200, 200, 200]
    assert first.get_json()["prediction_id"] == second.get_json()["prediction_id"]
    assert first.get_json()["prediction_id"] != other.get_json()["prediction_id"]
    assert len(ledger(without_redis)) == 2
