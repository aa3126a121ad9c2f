"""The real MariaDB and Redis that tests talk to: a database and a Redis number of their own a run."""

import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NoReturn

import pytest
import redis
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError

from data.engine import build_engine

ADMIN_URL = os.environ.get("TEST_DATABASE_URL", "mysql+pymysql://root@127.0.0.1:3306")
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379")
NUMBERS = range(1, 16)


def absent(what: str, remedy: str) -> NoReturn:
    """Skips a test that needs `what`, or fails it where everything can be installed (CI)."""
    message = f"{what} is not there: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """Address of a database made for this run, dropped after it."""
    with _own_database() as url:
        yield url


@pytest.fixture
def fresh_mariadb_url() -> Iterator[str]:
    """Address of an empty database for one test alone, dropped after it."""
    with _own_database() as url:
        yield url


@contextmanager
def _own_database() -> Iterator[str]:
    """A new database on the MariaDB of this machine. Skips where there is none."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(new_database(ADMIN_URL))
        except OperationalError:
            absent("MariaDB", "start one on 127.0.0.1:3306 (root, no password) or set TEST_DATABASE_URL")
        yield url


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """A new database on the MariaDB or MySQL at `server`, dropped afterwards. Raises OperationalError when there is
    none, or when its user may not make databases."""
    address = make_url(server)
    admin = build_engine(address.set(database="information_schema").render_as_string(hide_password=False))
    name = f"holdfast_test_{uuid.uuid4().hex[:12]}"
    try:
        with admin.begin() as connection:
            connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
        try:
            yield address.set(database=name).render_as_string(hide_password=False)
        finally:
            with admin.begin() as connection:
                connection.execute(text(f"DROP DATABASE {name}"))
    finally:
        admin.dispose()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Address of an empty Redis database that only this run uses, emptied after it."""
    taken = _take_number()
    url = f"{REDIS_URL}/{taken}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
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


def _take_number() -> int:
    """A free Redis number, reserved by a key in number 0 that lapses if the run dies. One that somebody is connected to
    is not free: a run of more than an hour, or a process that outlived its run. Skips where there is none."""
    free: int | None = None
    try:
        with redis.Redis.from_url(REDIS_URL, socket_connect_timeout=2) as admin:
            connected = {int(client["db"]) for client in admin.client_list()}
            free_ones = (n for n in NUMBERS if n not in connected)
            found = (n for n in free_ones if admin.set(f"holdfast-test-number-{n}", "1", nx=True, ex=3600))
            free = next(found, None)
    except redis.RedisError:
        absent("Redis", "start one on 127.0.0.1:6379 or set TEST_REDIS_URL")
    if free is None:
        absent("A free Redis number", f"other runs hold all {len(NUMBERS)}; wait for them or set TEST_REDIS_URL")
    return free
