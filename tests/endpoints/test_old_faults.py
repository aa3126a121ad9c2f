"""What the systems that this one replaces got wrong, each once over the whole application."""

from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import event

from services.accounts import AccountService
from tests.support.customers import IDS, fill_tables
from tests.support.deployment import TOKEN
from tests.support.models import Trained
from tests.support.stack import application, configure
from tests.support.third_party import AGES
from tests.support.visitor import Visitor

CLASSES = "tests.support.third_party:FragileRule"
CLIENTS = 120


@pytest.fixture
def body(customer: dict[str, Any]) -> dict[str, Any]:
    return {"client_id": IDS[0], **customer}


def test_an_error_in_scoring_is_no_prediction_of_0(
    tmp_path: Path, trained: Trained, embedded_redis_url: str, body: dict[str, Any]
) -> None:
    with application(tmp_path, trained, embedded_redis_url, MODEL_CLASSES=CLASSES) as app:
        app.config["PROPAGATE_EXCEPTIONS"] = False
        arms = {"champion": 0.01, "fragile_rule@7": 0.99}
        configure(app, aliases=trained.aliases, experiment={"name": "broken", "salt": "broken", "arms": arms})
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {TOKEN}"
        old = {**body, "tenure_months": AGES + 1}
        answers = [client.post("/predict", json={**old, "client_id": f"c{n}"}) for n in range(20)]
    failed = [each for each in answers if each.status_code != 200]
    assert len(failed) > 10
    for answer in failed:
        assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
        assert "prediction" not in answer.get_json()


def test_the_share_of_an_arm_is_its_own_and_a_client_meets_one_model(
    client: FlaskClient, app: APIFlask, body: dict[str, Any]
) -> None:
    arms = {"champion": 0.9, "challenger": 0.1}
    configure(app, experiment={"name": "autumn", "salt": "autumn", "arms": arms})
    rounds = [
        [client.post("/predict", json={**body, "client_id": f"c{n}"}).get_json()["arm"] for n in range(CLIENTS)]
        for _ in range(2)
    ]
    assert rounds[0] == rounds[1]
    assert 0 < rounds[0].count("challenger") < CLIENTS / 4


def test_a_client_is_counted(client: FlaskClient, body: dict[str, Any]) -> None:
    seen = [client.post("/predict", json=body).get_json()["recent_times_id_seen"] for _ in range(4)]
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_refresh_is_not_open_to_everybody(app: APIFlask, method: str) -> None:
    assert getattr(app.test_client(), method)("/config-refresh").status_code == 401


@pytest.mark.parametrize("name", ["anna' -- ", "' or '1'='1", 'anna" or ""="', "anna'; drop table app_credentials; --"])
def test_a_name_is_no_part_of_a_query(app: APIFlask, accounts: AccountService, name: str) -> None:
    assert Visitor(app).sign_in(name, "x").status_code == 401
    assert Visitor(app).sign_in(name, name).status_code == 401
    assert Visitor(app).sign_in().status_code == 303


def test_a_prediction_reads_what_concerns_its_client_alone(
    client: FlaskClient, app: APIFlask, trained: Trained, body: dict[str, Any]
) -> None:
    client.post("/predict", json={**body, "client_id": "warm up"})
    fill_tables(app, trained.schema)
    asked: list[tuple[str, Any]] = []
    event.listen(app.extensions["holdfast"].engine, "before_cursor_execute", lambda *given: asked.append(given[2:4]))
    assert client.post("/predict", json=body).get_json()["ltv"] == 400.0
    reads = [(query, given) for query, given in asked if "client_ltv" in query or "churn_data" in query]
    assert 0 < len(reads) <= 2
    assert all(tuple(given) == (IDS[0],) for _query, given in reads), reads


def test_nothing_of_a_prediction_travels_in_a_cookie(app: APIFlask, trained: Trained, accounts: AccountService) -> None:
    fill_tables(app, trained.schema)
    visitor = Visitor(app)
    visitor.sign_in()
    visitor.get("/model_interface")
    before = (visitor.cookie("holdfast"), visitor.cookie("holdfast-form"))
    shown = visitor.post("/model_interface", {"ids": "\n".join(IDS)})
    assert IDS[0] in shown.text
    assert "Set-Cookie" not in shown.headers
    assert (visitor.cookie("holdfast"), visitor.cookie("holdfast-form")) == before
