"""The path of an answer, through HTTP, in one process."""

import json
import threading
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import text

from data.spool import SpoolFull
from tests.support.models import Trained
from tests.support.stack import configure

FIELDS = [
    "prediction_id", "client_id", "prediction", "high_risk", "ltv", "money_at_risk", "recent_times_id_seen", "arm",
    "model", "model_version", "config_revision", "reasons", "warnings", "response_time",
]  # fmt: skip


@pytest.fixture
def body(trained: Trained) -> dict[str, Any]:
    return {"client_id": "7590-VHVEG", **next(row for row in trained.rows if None not in row.values())}


def give_ltv(app: APIFlask, client_id: str, ltv: float) -> None:
    with app.extensions["holdfast"].engine.begin() as connection:
        connection.execute(
            text("insert into client_ltv values (:id, :ltv, 'test', '2026-01-01 00:00:00')"),
            {"id": client_id, "ltv": ltv},
        )


def ledger(app: APIFlask) -> list[Any]:
    wiring = app.extensions["holdfast"]
    assert wiring.shipper.flush(10)
    with wiring.engine.connect() as connection:
        return list(connection.execute(text("select * from model_logs order by answered_at")))


def test_an_answer_has_exactly_its_fields(
    client: FlaskClient, app: APIFlask, body: dict[str, Any], trained: Trained
) -> None:
    give_ltv(app, "7590-VHVEG", 1420.5)
    answer = client.post("/predict", json=body).get_json()
    assert list(answer) == FIELDS
    assert answer["client_id"] == "7590-VHVEG"
    assert answer["arm"] == "champion"
    assert f"{answer['model']}@{answer['model_version']}" == trained.aliases["champion"]
    assert answer["ltv"] == 1420.5
    assert answer["money_at_risk"] == round(answer["prediction"] * 1420.5, 2)
    assert answer["high_risk"] == ("yes" if answer["prediction"] >= 0.5 else "no")
    assert (answer["recent_times_id_seen"], answer["config_revision"]) == (0, 1)
    assert (answer["reasons"], answer["warnings"]) == ([], [])
    assert 0 < answer["response_time"] < 5


def test_the_ledger_keeps_input_answer_and_stamp(client: FlaskClient, app: APIFlask, body: dict[str, Any]) -> None:
    answer = client.post("/predict", json={**body, "reasons": 2}, headers={"X-Request-ID": "from-outside"}).get_json()
    (row,) = ledger(app)
    assert row.prediction_id == answer["prediction_id"]
    assert json.loads(row.input) == {name: value for name, value in body.items() if name != "client_id"}
    assert json.loads(row.output) == answer
    assert (row.request_id, row.experiment, row.cutoff) == ("from-outside", None, 0.5)
    assert row.prediction == answer["prediction"]


def test_earlier_sightings_are_counted(client: FlaskClient, body: dict[str, Any]) -> None:
    seen = [client.post("/predict", json=body).get_json()["recent_times_id_seen"] for _ in range(4)]
    assert seen == [0, 1, 2, 3]


def test_an_unknown_lifetime_value_is_null_and_never_zero(client: FlaskClient, body: dict[str, Any]) -> None:
    answer = client.post("/predict", json=body).get_json()
    assert (answer["ltv"], answer["money_at_risk"], answer["warnings"]) == (None, None, [])


@pytest.mark.parametrize("how", ["body", "address"])
def test_reasons_are_given_when_asked_for(client: FlaskClient, body: dict[str, Any], how: str) -> None:
    query = {"reasons": "3"} if how == "address" else {}
    asked = {**body, "reasons": 3} if how == "body" else body
    reasons = client.post("/predict", json=asked, query_string=query).get_json()["reasons"]
    assert [set(reason) for reason in reasons] == [{"feature", "value", "effect"}] * 3
    assert all(body[reason["feature"]] == reason["value"] for reason in reasons)
    sizes = [abs(reason["effect"]) for reason in reasons]
    assert sizes == sorted(sizes, reverse=True)


def test_a_batch_gives_the_answers_of_single_calls(client: FlaskClient, body: dict[str, Any], trained: Trained) -> None:
    number = next(f for f in trained.schema.features if f.kind == "number" and f.maximum)
    varied = [{**body, "client_id": f"c{n}", number.name: n % 7} for n in range(40)]
    batch = client.post("/v1/predict/batch", json={"instances": [{"key": n, **each} for n, each in enumerate(varied)]})
    singles = [client.post("/predict", json=each).get_json()["prediction"] for each in varied]
    assert [each["prediction"] for each in batch.get_json()["answers"]] == pytest.approx(singles, abs=1e-7)


def test_a_shadow_that_breaks_is_not_felt(
    client: FlaskClient, app: APIFlask, body: dict[str, Any], trained: Trained
) -> None:
    configure(app, shadow=["heuristic"])
    serving = app.extensions["holdfast"].live.current().serving
    broken = serving.models["heuristic"].model
    while hasattr(broken, "model"):
        broken = broken.model
    broken.__dict__.clear()  # whatever it needs is gone
    answer = client.post("/predict", json=body)
    assert answer.status_code == 200
    (row,) = ledger(app)
    assert json.loads(row.silent_scores) == {trained.aliases["heuristic"]: None}


def test_a_model_that_fails_its_rehearsal_does_not_come_into_service(
    client: FlaskClient, app: APIFlask, body: dict[str, Any], trained: Trained
) -> None:
    wiring = app.extensions["holdfast"]
    broken = wiring.registry.load(trained.aliases["challenger"]).model
    while hasattr(broken, "model"):
        broken = broken.model
    broken.__dict__.clear()
    configure(app, experiment={"name": "x", "salt": "x", "arms": {"champion": 0.5, "challenger": 0.5}})
    assert client.post("/predict", json=body).get_json()["arm"] == "champion"
    assert "fails on a typical customer" in client.get("/health/ready").get_json()["degraded"]["config"]


def test_a_model_that_breaks_is_a_500_without_a_score(client: FlaskClient, app: APIFlask, body: dict[str, Any]) -> None:
    broken = app.extensions["holdfast"].live.current().serving.models["champion"].model
    while hasattr(broken, "model"):
        broken = broken.model
    broken.__dict__.clear()
    answer = client.post("/predict", json=body)
    assert answer.status_code == 500
    assert answer.content_type == "application/problem+json"
    document = answer.get_json(force=True)
    assert "prediction" not in document
    assert document["request_id"] == answer.headers["X-Request-ID"]
    assert ledger(app) == []


def test_a_full_spool_is_a_503_and_not_an_answer(client: FlaskClient, app: APIFlask, body: dict[str, Any]) -> None:
    wiring = app.extensions["holdfast"]
    wiring.spool._max_bytes = 0
    answer = client.post("/predict", json=body)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "prediction" not in answer.get_json(force=True)
    with pytest.raises(SpoolFull):
        wiring.spool.append(b"{}")


def test_without_a_model_in_service_nothing_is_predicted(
    app: APIFlask, client: FlaskClient, body: dict[str, Any]
) -> None:
    empty = app.extensions["holdfast"]
    empty.live._snapshot = None
    with empty.engine.begin() as connection:
        connection.execute(text("delete from config"))
    answer = client.post("/predict", json=body)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "train" in answer.get_json(force=True)["detail"]
    assert client.get("/health").status_code == 200
    assert client.get("/health/ready").status_code == 503
    assert client.get("/health/startup").status_code == 503


def test_concurrent_requests_each_get_their_own_answer(
    app: APIFlask, client: FlaskClient, body: dict[str, Any]
) -> None:
    answers: list[dict[str, Any]] = []

    def ask(name: str) -> None:
        own = app.test_client()
        own.environ_base = client.environ_base
        answers.extend(own.post("/predict", json={**body, "client_id": name}).get_json() for _ in range(20))

    threads = [threading.Thread(target=ask, args=[f"thread-{n}"]) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer["prediction_id"] for answer in answers}) == 120
    assert len(ledger(app)) == 120
    assert sorted(answer["recent_times_id_seen"] for answer in answers if answer["client_id"] == "thread-0") == list(
        range(20)
    )
