"""The real MariaDB and Redis that tests talk to: a database and a Redis number of their own a run."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

ADMIN_URL = os.environ.get("TEST_DATABASE_URL", "mysql+pymysql://root@127.0.0.1:3306")
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379")
NUMBERS = range(1, 16)


def absent(what: str, remedy: str) -> None:
    """Skips a test that needs `what`, or fails it where everything can be installed (CI)."""
    message = f"{what} is not there: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """Address of a database made for this run, dropped after it."""
    with new_database() as url:
        yield url


@pytest.fixture
def fresh_mariadb_url() -> Iterator[str]:
    """Address of an empty database for one test alone, dropped after it."""
    with new_database() as url:
        yield url


@contextmanager
def new_database() -> Iterator[str]:
    """A new database on the MariaDB of this machine. Skips where there is none."""
    admin = create_engine(make_url(ADMIN_URL), connect_args={"connect_timeout": 2})
    name = f"holdfast_test_{uuid.uuid4().hex[:12]}"
    try:
        with admin.begin() as connection:
            connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
    except OperationalError:
        admin.dispose()
        absent("MariaDB", "start one on 127.0.0.1:3306 (root, no password) or set TEST_DATABASE_URL")
    try:
        yield make_url(ADMIN_URL).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.begin() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
        admin.dispose()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Address of an empty Redis database that only this run uses, emptied after it."""
    taken = _take_number()
    if taken is None:
        absent("Redis", "start one on 127.0.0.1:6379 or set TEST_REDIS_URL")
    url = f"{REDIS_URL}/{taken}"
    with redis.Redis.from_url(url) as client:
        yield url
        client.flushdb()
    with redis.Redis.from_url(REDIS_URL) as admin:
        admin.delete(f"holdfast-test-number-{taken}")


@pytest.fixture
def redis_client(redis_url: str) -> Iterator["redis.Redis"]:
    """A client of this run's Redis database, emptied first."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        yield client


def _take_number() -> int | None:
    """A free Redis number, reserved by a key in number 0 that lapses if the run dies."""
    try:
        with redis.Redis.from_url(REDIS_URL, socket_connect_timeout=2) as admin:
            return next(n for n in NUMBERS if admin.set(f"holdfast-test-number-{n}", "1", nx=True, ex=3600))
    except redis.RedisError:
        return None
