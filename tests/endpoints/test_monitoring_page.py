"""The monitoring page over HTTP: what it shows is what happened."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask

from data.notifications import Notification, add_many, mark_failed
from data.pulse_store import PulseStore
from tests.support.asking import ask_many
from tests.support.calls import calling
from tests.support.models import Trained
from tests.support.stack import configure
from tests.support.visitor import PASSWORD, Visitor


@pytest.fixture
def shop(tmp_path: Path, trained: Trained, embedded_redis_url: str, database_url: str) -> Iterator[APIFlask]:
    """An application on either database."""
    with calling(tmp_path, trained, embedded_redis_url, database_url) as made:
        yield made


def signed_in(app: APIFlask) -> Visitor:
    app.extensions["holdfast"].accounts.add("anna", "viewer", PASSWORD, "a test")
    found = Visitor(app)
    found.sign_in()
    return found


def text(visitor: Visitor, path: str) -> str:
    reply = visitor.get(path)
    assert reply.status_code == 200
    return reply.get_data(as_text=True)


def figures(app: APIFlask, visitor: Visitor) -> str:
    """The slower part, once it was computed."""
    monitor = app.extensions["holdfast"].monitor
    monitor._inputs.current(20)
    monitor._truth.current(20)
    return text(visitor, "/monitoring?part=figures")


def beat_now(app: APIFlask) -> None:
    """The next sign of life, without waiting for its turn."""
    pulse = app.extensions["holdfast"].pulse
    pulse._told_at = None
    pulse.beat()


def rows_of(visitor: Visitor, name: str) -> list[dict[str, str]]:
    reply = visitor.get(f"/monitoring/{name}.csv?span=hour")
    assert reply.content_type == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(reply.get_data().decode("utf-8-sig"))))


def customers(trained: Trained, number: int, **changes: Any) -> list[dict[str, Any]]:
    names = {feature.name for feature in trained.schema.features}
    known = [{name: value for name, value in row.items() if name in names} for row in trained.rows[:number]]
    return [{**row, **changes, "client_id": f"client-{place}"} for place, row in enumerate(known)]


def test_before_any_traffic_every_part_says_what_is_missing(shop: APIFlask) -> None:
    visitor = signed_in(shop)
    page = text(visitor, "/monitoring") + figures(shop, visitor)
    assert "No traffic in this time" in page
    assert "No answers in the last 7 days" in page
    assert "No client has matured untreated yet" in page


def test_answers_are_counted_by_arm_and_told_by_the_process(shop: APIFlask, trained: Trained) -> None:
    visitor = signed_in(shop)
    configure(shop, holdout_percentage="30", shadow=["champion"])
    answers = ask_many(shop, customers(trained, 60))
    held = sum(each["arm"] == "holdout" for each in answers)
    beat_now(shop)
    counted = rows_of(visitor, "traffic")
    assert len(counted) == 60
    assert sum(int(row["answers champion"]) for row in counted) == 60 - held
    assert sum(int(row["answers holdout"]) for row in counted) == held > 0
    assert sum(int(row["requests"]) for row in counted) == 1
    assert [row["p50_seconds"] for row in rows_of(visitor, "latency") if row["p50_seconds"]] != []
    live = text(visitor, "/monitoring?part=live&span=hour")
    assert f"Champion {60 - held}" in live
    (process,) = rows_of(visitor, "processes")
    assert (process["role"], process["config_revision"]) == ("web", str(answers[0]["config_revision"]))


def test_clients_like_those_of_the_training_show_no_drift_and_others_do(shop: APIFlask, trained: Trained) -> None:
    visitor = signed_in(shop)
    ask_many(shop, customers(trained, 500))
    assert "drifted from the training" not in figures(shop, visitor) + text(visitor, "/monitoring?part=live")
    assert {row["level"] for row in rows_of(visitor, "drift")} <= {"stable", "moderate"}


def test_a_planted_drift_is_found_and_alarms(shop: APIFlask, trained: Trained) -> None:
    visitor = signed_in(shop)
    feature = next(each for each in trained.schema.features if each.kind == "category")
    ask_many(shop, customers(trained, 500, **{feature.name: feature.categories[-1]}))
    assert "large shift" in figures(shop, visitor)
    assert {row["feature"] for row in rows_of(visitor, "drift") if row["level"] == "large"} == {feature.name}
    assert f"{feature.name} has drifted from the training" in text(visitor, "/monitoring?part=live")


def test_what_is_wrong_is_said_with_what_to_do(shop: APIFlask) -> None:
    visitor, wired = signed_in(shop), shop.extensions["holdfast"]
    now = wired.clock.now()
    with wired.engine.begin() as connection:
        add_many(connection, [Notification("m1", None, ["ann@example.com"], {}, created_at=now)])
        mark_failed(connection, "m1", now, "550 no such user")
    configure(shop, proba_cutoff="7")
    beat_now(shop)
    live = text(visitor, "/monitoring?part=live")
    for words in ("Mails were given up", "Configuration rows are refused", "No worker process runs", "./run.sh worker"):
        assert words in live
    assert "Nothing is wrong" not in live


def test_a_page_without_redis_says_so(shop: APIFlask, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor, wired = signed_in(shop), shop.extensions["holdfast"]
    unreachable = PulseStore(wired.redis.__class__.from_url("redis://127.0.0.1:1/0", socket_timeout=0.1))
    monkeypatch.setattr(wired.monitor, "_store", unreachable)
    live = text(visitor, "/monitoring?part=live")
    assert "Redis does not answer" in live
    assert "Traffic is not known" in live


def test_an_unknown_file_is_not_found(shop: APIFlask) -> None:
    assert signed_in(shop).get("/monitoring/passwords.csv").status_code == 404


def test_nobody_reads_it_without_signing_in(shop: APIFlask) -> None:
    assert Visitor(shop).get("/monitoring").status_code == 303
    assert Visitor(shop).get("/monitoring/traffic.csv").status_code == 303
