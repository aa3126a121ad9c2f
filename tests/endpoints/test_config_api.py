"""/v1/config, as a program meets it."""

from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from services.config.lifecycle import Lifecycle
from tests.support.deployment import TOKEN
from tests.support.models import Trained
from tests.support.stack import configure


@pytest.fixture
def changes(app: APIFlask) -> Lifecycle:
    found: Lifecycle = app.extensions["holdfast"].config_changes
    return found


def post(client: FlaskClient, values: Any, **more: Any) -> Any:
    return client.post("/v1/config", json={"values": values, "reason": "to see", **more})


def test_a_change_is_in_the_next_answer(client: FlaskClient, customer: dict[str, Any]) -> None:
    before = client.get("/v1/config").get_json()
    assert (before["values"]["proba_cutoff"], "proba_cutoff" in before["defaults"]) == (0.5, True)
    assert "aliases" not in before["defaults"]
    done = post(client, {"proba_cutoff": 0.65, "two_person_rule": False})
    assert done.status_code == 200
    told = done.get_json()
    assert (told["state"], told["rehearsal"]["errors"]) == ("promoted", [])
    answer = client.post("/predict", json={"client_id": "c1", **customer}).get_json()
    assert answer["config_revision"] == told["revision"] == client.get("/v1/config").get_json()["revision"]
    newest = client.get("/v1/config/history?limit=1").get_json()["revisions"]
    assert [(each["revision"], each["author"], each["reason"]) for each in newest] == [
        (told["revision"], "token: ACCESS_TOKEN", "to see")
    ]
    assert newest[0]["changes"] == [{"key": "proba_cutoff", "old": "0.5", "new": "0.65"}]
    assert post(client, {"proba_cutoff": 0.65}).get_json()["state"] == "unchanged"


def test_a_dry_run_changes_nothing(client: FlaskClient, changes: Lifecycle) -> None:
    tried = post(client, {"proba_cutoff": 0.65}, dry_run=True)
    assert (tried.status_code, tried.get_json()["state"], tried.get_json()["change"]) == (200, "dry_run", None)
    assert tried.get_json()["rehearsal"]["customers"] == 1
    assert (client.get("/v1/config").get_json()["values"]["proba_cutoff"], changes.listing(1)) == (0.5, [])


@pytest.mark.parametrize("dry_run", [True, False])
def test_every_key_at_fault_is_named(client: FlaskClient, changes: Lifecycle, dry_run: bool) -> None:
    refused = post(client, {"proba_cutoff": 7, "watch_minutes": "soon"}, dry_run=dry_run)
    assert (refused.status_code, refused.content_type) == (422, "application/problem+json")
    assert [line["field"] for line in refused.get_json()["errors"]] == ["values.proba_cutoff", "values.watch_minutes"]
    assert changes.listing(1) == []


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"values": {"proba_cutoff": 0.6}}, 422, "reason"),
        ({"values": {"proba_cutoff": 0.6}, "reason": " "}, 422, "reason"),
        ({"values": [], "reason": "x"}, 422, "values"),
        ({"values": {"proba_cutoff": 0.6}, "reason": "x", "dry": True}, 422, "dry"),
        ({"values": {"proba_cutoff": 0.6}, "reason": "x", "dry_run": "no"}, 422, "dry_run"),
    ],
)
def test_a_body_that_is_not_one_is_refused(client: FlaskClient, body: Any, status: int, field: str) -> None:
    refused = client.post("/v1/config", json=body)
    assert (refused.status_code, refused.get_json()["field"]) == (status, field)


def test_a_token_is_needed(app: APIFlask) -> None:
    stranger = app.test_client()
    for answer in (
        stranger.get("/v1/config"),
        stranger.get("/v1/config/history"),
        post(stranger, {"proba_cutoff": 0.6}),
    ):
        assert answer.status_code == 401


def test_a_change_that_waits_for_approval_is_accepted_only(client: FlaskClient, changes: Lifecycle) -> None:
    post(client, {"two_person_rule": True})
    waiting = post(client, {"proba_cutoff": 0.65})
    assert (waiting.status_code, waiting.get_json()["state"], waiting.get_json()["revision"]) == (
        202,
        "rehearsed",
        None,
    )
    changes.approve(waiting.get_json()["change"], "bob")
    changes.promote(waiting.get_json()["change"], "bob")
    assert client.get("/v1/config").get_json()["values"]["proba_cutoff"] == 0.65


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1001", "٣"])
def test_a_limit_is_a_number_within_bounds(client: FlaskClient, limit: str) -> None:
    refused = client.get("/v1/config/history", query_string={"limit": limit})
    assert (refused.status_code, refused.get_json()["field"]) == (422, "limit")


def test_answers_fit_their_schemas(app: APIFlask, client: FlaskClient, trained: Trained) -> None:
    configure(app, proba_cutoff="7", maturity_days="40")
    document = client.get("/openapi.json").get_json()
    answers = {
        "ConfigValues": client.get("/v1/config"),
        "ConfigHistory": client.get("/v1/config/history"),
        "ConfigChanged": post(client, {"proba_cutoff": 0.65}),
    }
    for name, answer in answers.items():
        schema = {**document["components"]["schemas"][name], "components": document["components"]}
        Draft202012Validator(schema).validate(answer.get_json())
    (refused,) = answers["ConfigValues"].get_json()["refused"]
    assert (refused["key"], TOKEN in answers["ConfigValues"].text) == ("proba_cutoff", False)
