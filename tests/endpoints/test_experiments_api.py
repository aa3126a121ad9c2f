"""GET /v1/experiments and the readout of each, as a program meets them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from redis import Redis
from sqlalchemy import Engine, text

from services.readout import figures
from tests.support.exposed import Group, configure_at, expose
from tests.support.models import Trained
from tests.support.stack import application, configure

NAME = "Offers / autumn 2026 é"
ODD = "/a//b?c#d%20 "
ARMS = {"champion": 0.5, "challenger": 0.5}


@pytest.fixture
def engine(app: APIFlask) -> Engine:
    found: Engine = app.extensions["holdfast"].engine
    return found


@pytest.fixture
def started(app: APIFlask, engine: Engine, trained: Trained) -> datetime:
    """An experiment that has run for 70 days, with a clear winner."""
    now = datetime.now(UTC)
    start = now - timedelta(days=70)
    configure_at(engine, start, aliases=trained.aliases, experiment={"name": NAME, "salt": "s", "arms": ARMS})
    configure(app, shadow=["heuristic"])
    expose(engine, NAME, groups("champion", "challenger", "holdout"), start, now)
    expose(engine, "holdout/2026-01", groups("treated", "holdout"), start, now)
    return start


def groups(*arms: str) -> list[Group]:
    left = {"champion": 90, "challenger": 30, "treated": 60, "holdout": 110}
    return [Group(arm, "additive@1", 600, left[arm], fresh=50, silent="heuristic@1") for arm in arms]


def address(name: str) -> str:
    return f"/v1/experiments/{quote(name, safe='')}/readout"


def test_the_list_has_what_runs_and_the_months_of_the_holdout(client: FlaskClient, started: datetime) -> None:
    answer = client.get("/v1/experiments")
    assert answer.status_code == 200
    running, month = answer.get_json()["experiments"]
    assert (running["name"], running["state"], running["arms"], running["layer"]) == (NAME, "running", ARMS, None)
    assert datetime.fromisoformat(running["started_at"]) == started
    assert running["stopped_at"] is running["winner"] is None
    assert (month["name"], month["state"], month["arms"]) == ("holdout/2026-01", "permanent", {})


def test_a_readout_tells_all_that_was_found(client: FlaskClient, started: datetime) -> None:
    answer = client.get(address(NAME))
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    found = answer.get_json()
    assert (found["experiment"], found["state"], found["winner"]) == (NAME, "running", "challenger")
    champion, challenger, holdout = found["arms"]
    assert (champion["clients"], champion["exposures"], champion["matured"], champion["churned"]) == (650, 650, 600, 90)
    assert challenger["difference"]["finding"] == "better"
    assert champion["difference"] is None
    assert champion["quality"][0]["auc"] > 0.5
    assert {shadow["arm"] for shadow in found["shadows"]} == {"champion", "challenger", "holdout"}
    assert found["money"]["per_month"]["low"] > 0
    assert holdout["share"] is None
    assert found["mismatch"]["alarm"] is False
    assert datetime.fromisoformat(found["started_at"]) == started


def test_answers_fit_their_schemas(client: FlaskClient, started: datetime) -> None:
    document = client.get("/openapi.json").get_json()
    readouts = {address(name): "Readout" for name in (NAME, "holdout/2026-01")}
    for path, name in {**readouts, "/v1/experiments": "Experiments"}.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        Draft202012Validator(schema).validate(client.get(path).get_json())
    assert "/v1/experiments/{name}/readout" in document["paths"]


def test_a_month_of_the_holdout_is_read_alike(client: FlaskClient, started: datetime) -> None:
    found = client.get("/v1/experiments/holdout/2026-01/readout").get_json()
    assert (found["state"], found["control"], found["winner"]) == ("permanent", "holdout", "treated")
    assert [arm["exposures"] for arm in found["arms"]] == [None, None]


def test_any_name_can_be_asked_for(client: FlaskClient, engine: Engine) -> None:
    now = datetime.now(UTC)
    expose(engine, ODD, [Group("champion", "additive@1", 5, 0)], now - timedelta(days=70), now)
    answer = client.get(address(ODD))
    assert (answer.status_code, answer.get_json()["experiment"], answer.get_json()["state"]) == (200, ODD, "stopped")


def test_an_unknown_name_is_told_which_there_are(client: FlaskClient, started: datetime) -> None:
    answer = client.get(address("offers"))
    problem = answer.get_json()
    assert (answer.status_code, problem["field"]) == (404, "name")
    assert f"there is no experiment 'offers'; there are: '{NAME}', 'holdout/2026-01'" in problem["detail"]


@pytest.mark.parametrize("path", ["/v1/experiments", address(NAME)])
def test_both_need_the_token(app: APIFlask, path: str) -> None:
    assert app.test_client().get(path).status_code == 401
    assert app.test_client().get(path, headers={"Authorization": "Bearer wrong"}).status_code == 403


@pytest.mark.parametrize("path", ["/v1/experiments", address(NAME)])
def test_a_database_that_does_not_answer_is_a_503(client: FlaskClient, engine: Engine, path: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE exposures RENAME TO gone"))
    answer = client.get(path)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "does not answer" in answer.get_json()["detail"]


def test_nothing_is_better_or_worse_where_the_split_is_broken(client: FlaskClient, engine: Engine) -> None:
    now = datetime.now(UTC)
    configure_at(engine, now - timedelta(days=70), experiment={"name": NAME, "salt": "s", "arms": ARMS})
    arms = [Group("champion", "additive@1", 3000, 600), Group("challenger", "additive@1", 2000, 160)]
    expose(engine, NAME, arms, now - timedelta(days=70), now)
    found = client.get(address(NAME)).get_json()
    _, challenger = found["arms"]
    assert (found["mismatch"]["alarm"], found["winner"]) == (True, None)
    assert challenger["difference"]["high"] < 0
    assert (challenger["difference"]["finding"], challenger["reason"][:19]) == ("undecided", "the split is broken")


def test_while_others_are_read_it_is_to_be_asked_again(
    client: FlaskClient, engine: Engine, started: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "WAIT_SECONDS", 0.01)
    with figures.asking(engine):
        answer = client.get(address(NAME))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "other experiments are being read just now; try again" in answer.get_json()["detail"]
    assert client.get(address(NAME)).status_code == 200


def test_without_a_model_there_is_no_readout(tmp_path: Path, trained: Trained, embedded_redis_url: str) -> None:
    with Redis.from_url(embedded_redis_url) as redis:
        redis.flushall()
    with application(tmp_path, trained, embedded_redis_url) as empty:
        wiring = empty.extensions["holdfast"]
        headers = {"Authorization": f"Bearer {wiring.settings.access_token.get_secret_value()}"}
        assert empty.test_client().get(address(NAME), headers=headers).status_code == 503
