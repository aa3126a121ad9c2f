"""With a second Holdfast running as staging: what breaks there never reaches production, and the audit log tells."""

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.audit_log import list_entries
from data.stage_client import StageClient, StageProblem
from tests.support.deployment import TOKEN, free_port
from tests.support.models import Trained
from tests.support.stack import application, configure
from tests.support.staging import BATCH, CUSTOMERS, Front, Two

pytestmark = pytest.mark.slow


def test_a_change_that_works_on_staging_is_promoted(two: Two) -> None:
    reply = two.change(proba_cutoff=0.3, two_person_rule=True)
    assert reply.status_code == 200, reply.text
    report = reply.get_json()["staging"]
    assert (report["passed"], report["error"], report["wrong"]) == (True, None, 0)
    assert report["asked"] == report["answered"] == CUSTOMERS + 1
    assert 0 < report["compared"] < CUSTOMERS + 1  # those in staging's holdout have no score to compare
    assert (report["left_out"], report["put_back"]) == (["two_person_rule"], None)
    assert (two.config(two.prod).proba_cutoff, two.config(two.stage).proba_cutoff) == (0.3, 0.3)
    assert (two.config(two.prod).two_person_rule, two.config(two.stage).two_person_rule) == (True, False)
    wired = two.stage.extensions["holdfast"]
    assert report["revision"] == wired.config_changes.current().revision
    assert "tried out for local, after its config revision" in wired.config_changes.history(1)[0].reason
    with wired.engine.connect() as connection:
        entry = next(each for each in list_entries(connection) if each.action == "config_promoted")
    assert entry.details["changes"] == "proba_cutoff: 0.5 → 0.3"
    promoted = two.audited()[0]
    assert (promoted.action, promoted.details["reason"]) == ("config_promoted", "too many calls")


def absent(stage: Path) -> None:
    shutil.rmtree(stage / "models" / "catboost")


def tampered(stage: Path) -> None:
    model = stage / "models" / "catboost" / "1" / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"\0")


@pytest.mark.parametrize("breaking", [absent, tampered])
def test_a_model_that_staging_cannot_load_never_reaches_production(
    two: Two, tmp_path: Path, breaking: Callable[[Path], None]
) -> None:
    breaking(tmp_path / "stage")
    before = {app: two.config(app) for app in (two.prod, two.stage)}
    aliases = {**before[two.prod].aliases, "champion": "catboost@1"}
    reply = two.change(aliases=aliases)
    assert (reply.status_code, "catboost" in reply.get_json()["detail"]) == (422, True)
    assert {app: two.config(app) for app in (two.prod, two.stage)} == before
    rehearsed, drafted = two.audited()
    assert (drafted.action, drafted.details["reason"], drafted.details["keys"]) == (
        "config_drafted",
        "too many calls",
        "aliases",
    )
    assert (rehearsed.action, rehearsed.details["passed"]) == ("config_rehearsed", "no")
    assert "answered 422" in rehearsed.details["error"]
    assert rehearsed.actor == drafted.actor != ""


def failing(_answered: bytes) -> tuple[str, bytes]:
    return "500 Internal Server Error", b'{"title": "Internal Server Error", "status": 500, "detail": "it broke"}'


def altered(**changes: Any) -> Callable[[bytes], tuple[str, bytes]]:
    def spoil(answered: bytes) -> tuple[str, bytes]:
        found = json.loads(answered)
        one = next(each for each in found["answers"] if each["prediction"] is not None)
        one.update(changes)
        return "200 OK", json.dumps(found).encode()

    return spoil


SPOILT: list[tuple[Callable[[bytes], tuple[str, bytes]], str]] = [
    (failing, "answered 500: it broke"),
    (lambda _: ("200 OK", b"<html>"), "answered 200, and no JSON"),
    (lambda _: ("200 OK", b'{"answers": []}'), "31 of 31 answers are wrong"),
    (lambda _: ("302 Found", b"{}"), "answered 302"),
    (altered(prediction=1.5), "which is no probability"),
    (altered(prediction=None), "a prediction of None in the arm champion"),
    (altered(prediction=0.29999, high_risk="no"), "additive@1 says 0.299990 there"),
    (altered(high_risk="perhaps"), "high risk perhaps instead of"),
    (altered(model="catboost"), "model catboost@1 instead of additive@1"),
    (altered(arm="challenger"), "arm challenger instead of champion"),
    (altered(config_revision=1), "config revision 1 instead of"),
    (altered(error={"detail": "tenure: is required"}), "was refused: tenure: is required"),
    (altered(model_version=7), "the answer is none: model_version"),
]


def test_wrong_answers_on_staging_stop_the_change_and_are_put_back_there(two: Two) -> None:
    before = {app: two.config(app) for app in (two.prod, two.stage)}
    for spoil, said in SPOILT:
        two.front.spoil[BATCH] = spoil
        reply = two.change(proba_cutoff=0.3)
        assert (reply.status_code, said in reply.get_json()["detail"]) == (422, True), (said, reply.text)
        report = two.report()
        assert (report["passed"], report["put_back"]) == (False, "the values before were put back there"), said
        assert {app: two.config(app) for app in (two.prod, two.stage)} == before
    assert {entry.action for entry in two.audited()} == {"config_drafted", "config_rehearsed"}


def test_what_cannot_be_put_back_is_said(two: Two) -> None:
    two.front.spoil["/config-refresh"] = failing
    assert two.change(proba_cutoff=0.3).status_code == 422
    assert "could not be put back there" in two.report()["put_back"]
    assert two.config(two.prod).proba_cutoff == 0.5


def test_the_golden_customers_are_told_apart_on_staging(two: Two) -> None:
    two.change(proba_cutoff=0.3)
    wired = two.stage.extensions["holdfast"]
    wired.shipper.close(10)
    with wired.engine.connect() as connection:
        ids = {row.client_id for row in connection.exec_driver_sql("select client_id from model_logs")}
    assert len(ids) == CUSTOMERS + 1
    assert all(each.startswith("rehearsal/") for each in ids)


def test_a_second_person_on_staging_is_waited_for(two: Two) -> None:
    configure(two.stage, two_person_rule="true")
    reply = two.change(proba_cutoff=0.3)
    assert reply.status_code == 422
    assert "waits for approval: approve it there, or turn two_person_rule off there" in reply.get_json()["detail"]
    assert (two.config(two.prod).proba_cutoff, two.config(two.stage).proba_cutoff) == (0.5, 0.5)
    assert two.report()["put_back"] is None


def test_a_change_stays_where_it_is_while_staging_is_away(
    tmp_path: Path, trained: Trained, embedded_redis_url: str
) -> None:
    given = {"STAGE_URL": f"http://127.0.0.1:{free_port()}", "STAGE_TOKEN": TOKEN}
    with application(tmp_path / "prod", trained, f"{embedded_redis_url}?db=2", **given) as prod:
        configure(prod, aliases=trained.aliases)
        two = Two(prod, prod, Front(prod.wsgi_app), given)
        reply = two.change(proba_cutoff=0.3)
        assert (reply.status_code, "does not answer GET /v1/config" in reply.get_json()["detail"]) == (422, True)
        assert two.config(prod).proba_cutoff == 0.5
        assert (two.report()["passed"], two.report()["asked"]) == (False, 0)


def test_a_staging_that_hangs_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = StageClient(f"http://127.0.0.1:{silent.getsockname()[1]}", TOKEN, seconds=0.2)
        with pytest.raises(StageProblem, match="does not answer GET /v1/config: ReadTimeoutError"):
            client.config()
