"""The database drops every connection, again and again: nobody who asks notices."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import OperationalError

from data.engine import build_engine
from tests.support.deployment import Deployment
from tests.support.services import ADMIN_URL
from tests.support.stack import Deploy
from tests.support.traffic import Load, session

pytestmark = [pytest.mark.slow, pytest.mark.promise("P18")]
READS = ("/v1/config/history", "/v1/experiments", "/v1/config")  # whole answers: what is streamed has begun by then


@pytest.fixture
def admin() -> Iterator[Engine]:
    engine = build_engine(make_url(ADMIN_URL).set(database="information_schema").render_as_string(hide_password=False))
    yield engine
    engine.dispose()


def kill_all(admin: Engine, database: str) -> int:
    """Every connection to the database; how many there were."""
    with admin.connect() as connection:
        ids = connection.execute(text("select id from processlist where db = :db"), {"db": database}).scalars().all()
        for number in ids:
            with suppress(OperationalError):  # it ended by itself meanwhile
                connection.execute(text(f"kill {int(number)}"))
    return len(ids)


@contextmanager
def reading(deployment: Deployment) -> Iterator[list[int]]:
    """What is read from the database, over and over; the statuses of the answers."""
    statuses: list[int] = []
    over = threading.Event()

    def read() -> None:
        with session() as own:
            while not over.wait(0.02):
                path = READS[len(statuses) % len(READS)]
                statuses.append(own.get(f"{deployment.url}{path}", timeout=30).status_code)

    thread = threading.Thread(target=read)
    thread.start()
    yield statuses
    over.set()
    thread.join()


def wait_for_reads(statuses: list[int], seconds: float = 30) -> None:
    """Until one has begun and ended, so that no read meets two kills."""
    goal, deadline = len(statuses) + 2, time.monotonic() + seconds
    while len(statuses) < goal:
        assert time.monotonic() < deadline, "the reads made no progress"
        time.sleep(0.02)


def test_ten_times_every_connection_is_killed(
    deploy: Deploy, fresh_mariadb_url: str, embedded_redis_url: str, admin: Engine, customer: dict[str, Any]
) -> None:
    deployment = deploy(DATABASE_URL=fresh_mariadb_url, REDIS_URL=embedded_redis_url, WEB_CONCURRENCY="2")
    deployment.start("web")
    database = make_url(fresh_mariadb_url).database or ""
    killed = 0
    with reading(deployment) as read, Load(deployment, customer, per_second=100) as load:
        for _ in range(10):
            load.wait_for_answers(20)
            killed += kill_all(admin, database)
            wait_for_reads(read)
        load.wait_for_answers(20)
    assert killed >= 10
    assert (set(load.statuses), set(read)) == ({200}, {200}), deployment.log("web")[-20_000:]
    deployment.wait_for("select count(*) from model_logs", len(load.acknowledged))
