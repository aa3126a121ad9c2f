"""One mail about the day before, once, and none without a reason."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import redis
from sqlalchemy import Engine

from data.notifications import MAIL
from data.queue import Queue
from services.digest import make_digest
from services.letters import Letterhead, write
from tests.support.clock import StandingClock
from tests.support.deployment import insert_config
from tests.support.risk import Watched

MORNING = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
HEAD = Letterhead("holdfast@example.com", "https://holdfast.example")


@pytest.fixture
def watched(engine: Engine, redis_client: redis.Redis, redis_url: str) -> Watched:
    insert_config(engine, alert_recipients=["boss@example.com", "retention@example.com"])
    return Watched(engine, Queue(redis_url), redis_client, StandingClock(MORNING), webhooks=False)


def make(watched: Watched) -> bool:
    return make_digest(watched.engine, watched.registry, watched.queue, watched.clock)


def cross(watched: Watched, client_id: str, at: datetime, money: float | None = 10.0) -> None:
    watched.answer(client_id, 0.9, at, money_at_risk=money)
    watched.another().look()


def test_it_tells_of_yesterday_alone(watched: Watched) -> None:
    for client_id, ago, money in (
        ("today", 1, 5.0), ("small", 6, 10.0), ("large", 28, 900.0), ("unknown", 10, None), ("earlier", 30, 5.0),
    ):  # fmt: skip
        cross(watched, client_id, MORNING - ago * HOUR, money)
    watched.answer("small", 0.1, MORNING - 5.5 * HOUR)
    watched.look()
    assert make(watched)
    (digest,) = watched.messages()
    assert (digest.message_id, digest.channel, digest.client_id) == ("digest-2026-11-22", MAIL, None)
    assert digest.recipients == ["boss@example.com", "retention@example.com"]
    assert (digest.message["entered"], digest.message["left"]) == (3, 1)
    assert [each["client_id"] for each in digest.message["top_entered"]] == ["large", "small", "unknown"]
    assert watched.queue.waiting([digest.message_id]) == {digest.message_id}
    letter = write(digest, HEAD)
    assert letter.message_id == "<digest-2026-11-22@example.com>"
    assert letter.subject == "High risk on 2026-11-22: 3 entered, 1 left"
    assert "https://holdfast.example/clients?id=large" in letter.text


def test_it_is_made_once_though_many_try(watched: Watched) -> None:
    cross(watched, "a", MORNING - 6 * HOUR)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: make(watched), range(8)))
    assert [message.message_id for message in watched.messages()] == ["digest-2026-11-22"]
    assert not make(watched)


def test_not_before_the_evening_before_is_in(watched: Watched) -> None:
    cross(watched, "a", MORNING - 6 * HOUR)
    watched.clock.move(timedelta(seconds=-1))
    assert not make(watched)


def test_a_day_without_a_crossing_is_not_written_about(watched: Watched) -> None:
    cross(watched, "a", MORNING - HOUR)
    assert not make(watched)
    assert watched.messages() == []


def test_a_scheduler_that_was_down_sends_it_later_that_day_and_not_the_next(watched: Watched) -> None:
    cross(watched, "a", MORNING - 6 * HOUR)
    watched.clock.move(24 * HOUR)
    assert not make(watched)
    watched.clock.move(-6 * HOUR)
    assert make(watched)


def test_without_recipients_there_is_none(watched: Watched) -> None:
    cross(watched, "a", MORNING - 6 * HOUR)
    insert_config(watched.engine, alert_recipients=[])
    assert not make(watched)
