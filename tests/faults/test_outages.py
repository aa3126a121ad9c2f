"""Redis and the database away: answers go on, and every one of them is in the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import make_url, text

from tests.support.deployment import Deployment
from tests.support.proxy import Proxy
from tests.support.stack import Deploy
from tests.support.traffic import Load

pytestmark = pytest.mark.slow


def check_ledger(deployment: Deployment, load: Load) -> None:
    """Every acknowledged answer has exactly one row. What was answered but never heard of may be there
    besides: as many as connections broke, at most."""
    acknowledged = set(load.acknowledged)
    assert len(acknowledged) == len(load.acknowledged) > 0
    deployment.wait_for(f"select count(*) >= {len(acknowledged)} from model_logs", 1, seconds=60)
    with deployment.engine.connect() as connection:
        rows = list(connection.execute(text("select prediction_id from model_logs")).scalars())
    assert len(rows) == len(set(rows))
    assert acknowledged - set(rows) == set()
    assert len(set(rows) - acknowledged) <= load.statuses.count(0)


@contextmanager
def behind(address: str, default_port: int) -> Iterator[tuple[Proxy, str]]:
    """A proxy in front of a service, and the address through it."""
    url = make_url(address)
    with Proxy(url.host or "127.0.0.1", url.port or default_port) as proxy:
        yield proxy, url.set(port=proxy.port, host="127.0.0.1").render_as_string(hide_password=False)


@pytest.mark.parametrize("mode", ["refuse", "hang"])
def test_redis_then_the_database_away_under_load(
    mode: Any, deploy: Deploy, fresh_mariadb_url: str, redis_url: str, redis_client: object, customer: dict[str, Any]
) -> None:
    with behind(redis_url, 6379) as (redis, redis_through), behind(fresh_mariadb_url, 3306) as (database, through):
        deployment = deploy(DATABASE_URL=through, REDIS_URL=redis_through, WEB_CONCURRENCY="2")
        deployment.start("web")
        with Load(deployment, customer, per_second=60) as load:
            load.wait_for_answers(60)
            for service in (redis, database):
                service.become(mode)
                load.wait_for_answers(240, seconds=60)
            redis.become("pass")
            database.become("pass")
            load.wait_for_answers(120)
        assert set(load.statuses) == {200}
        check_ledger(deployment, load)
        assert deployment.scalar("select count(*) from model_logs where recent_times_id_seen is null") > 0
        assert deployment.scalar("select count(*) from model_logs where recent_times_id_seen is not null") > 0
        deployment.stop("web")
