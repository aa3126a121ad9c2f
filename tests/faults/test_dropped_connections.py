"""The database drops every connection, again and again: nobody who asks notices."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import OperationalError

from data.engine import build_engine
from tests.support.services import ADMIN_URL
from tests.support.stack import Deploy
from tests.support.traffic import Load, change_cutoff, reading, wait_for_reads

pytestmark = [pytest.mark.slow, pytest.mark.promise("P18")]


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
    changed = [kill_all(admin, database) and change_cutoff(deployment, cutoff) for cutoff in (0.4, 0.5, 0.6, 0.7)]
    assert set(changed) == {200}
    deployment.wait_for("select count(*) from model_logs", len(load.acknowledged))
