"""The way to the database: what it refuses, how long it waits, and how it gets over a fault."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import OperationalError

from data.engine import build_engine, ping
from data.tables import app_credentials, locks
from helpers.errors import UserError
from tests.support.processes import release_together
from tests.support.proxy import Proxy

WRITER = """
import sys
from sqlalchemy import text
from data.engine import build_engine
engine = build_engine(sys.argv[1])
print("ready", flush=True)
sys.stdin.read()
for number in range(40):
    with engine.begin() as connection:
        seen = connection.scalar(text("select count(*) from locks"))
        connection.execute(text("insert into locks (name) values (:name)"), {"name": f"{sys.argv[2]}-{number}"})
"""

PINGER = """
import sys
from data.engine import build_engine, ping
engine = build_engine(sys.argv[1])
print("ready", flush=True)
sys.stdin.read()
ping(engine)
"""

FORK = """
import os, sys
from sqlalchemy import text
from data.engine import build_engine
engine = build_engine(sys.argv[1])
def write(name):
    with engine.begin() as connection:
        connection.execute(text("insert into locks (name) values (:name)"), {"name": name})
with engine.connect() as held:
    held.execute(text("select 1"))
    write("parent before")
    children = []
    for number in range(3):
        child = os.fork()
        if child == 0:
            for turn in range(20):
                write(f"child {number} {turn}")
            os._exit(0)
        children.append(child)
    for turn in range(20):
        write(f"parent {turn}")
        held.execute(text("select 1"))
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
"""


@pytest.fixture
def via_proxy(mariadb_url: str) -> Iterator[tuple[Proxy, Engine]]:
    """An engine on MariaDB that waits for an answer for half a second, through a proxy that can fail."""
    address = make_url(mariadb_url)
    with Proxy(address.host or "", address.port or 3306) as proxy:
        url = address.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        engine = build_engine(url, read_timeout=0.5)
        yield proxy, engine
        engine.dispose()


def run_together(command: list[str], count: int) -> None:
    """Starts `count` processes, numbered by their last argument, lets them go at one time, and wants no complaint."""
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen([*command, str(number)], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        for number in range(count)
    ]
    release_together(started)
    assert [process.communicate(timeout=60)[1] for process in started] == [""] * count


def names(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.scalars(locks.select().with_only_columns(locks.c.name)))


def test_a_database_that_answers(engine: Engine) -> None:
    ping(engine)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://ann:s3cret@db/holdfast", "postgresql"),
        ("oracle+nodriver://ann:s3cret@db/holdfast", "oracle"),
        ("ann:s3cret@db", "not an address"),
        ("", "not an address"),
        ("mysql+pymysql://ann:s3cret@db", "no database"),
        ("mysql+pymysql://ann:s3cret@db/holdfast?ssl_mode=REQUIRED", "ssl_mode"),
        ("mysql+pymysql://ann:s3cret@db/holdfast?ssl=perhaps", "true or false"),
        ("sqlite://", "name a file"),
        ("sqlite:///:memory:", "name a file"),
    ],
)
def test_an_address_that_cannot_work_is_refused_without_showing_the_password(url: str, told: str) -> None:
    with pytest.raises(UserError, match="DATABASE_URL") as refusal:
        build_engine(url)
    assert told in str(refusal.value)
    assert "s3cret" not in str(refusal.value)
    assert refusal.value.field == "DATABASE_URL"


@pytest.mark.parametrize("kind", ["mysql", "mariadb", "mariadb+pymysql", "mysql+mysqldb"])
def test_every_spelling_of_mysql_is_pymysql(kind: str) -> None:
    engine = build_engine(f"{kind}://ann@db/holdfast")
    assert (engine.dialect.name, engine.driver) == ("mysql", "pymysql")


def test_a_database_that_is_not_there_is_named(tmp_path: Path, mariadb_url: str) -> None:
    wrong = make_url(mariadb_url).set(username="nobody", password="s3cret").render_as_string(hide_password=False)
    closed = "mysql+pymysql://ann:s3cret@127.0.0.1:9/holdfast"
    for url in (closed, wrong, f"sqlite:///{tmp_path}/no/folder/file.sqlite3"):
        started = time.monotonic()
        with pytest.raises(UserError, match=r"DATABASE_URL.*does not answer") as refusal:
            ping(build_engine(url))
        assert time.monotonic() - started < 4
        assert "s3cret" not in str(refusal.value)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "letter.sqlite3"
    path.write_bytes(b"Dear Madam, " * 1_000)
    with pytest.raises(UserError, match="DATABASE_URL"):
        ping(build_engine(f"sqlite:///{path}"))


def test_building_touches_nothing(tmp_path: Path) -> None:
    build_engine(f"sqlite:///{tmp_path / 'new.sqlite3'}")
    assert list(tmp_path.iterdir()) == []


def test_errors_do_not_hold_what_was_to_be_stored(engine: Engine) -> None:
    row = {"username": "ann", "password_hash": "canary-7f3a", "role": "r", "created_at": None}
    with pytest.raises(Exception, match="app_credentials") as error, engine.begin() as connection:
        connection.execute(app_credentials.insert(), [row, row])
    assert "canary-7f3a" not in str(error.value)


def test_processes_that_write_at_once_wait_for_each_other(engine: Engine, database_url: str) -> None:
    run_together([sys.executable, "-c", WRITER, database_url], count=3)
    assert names(engine) == {f"{writer}-{number}" for writer in range(3) for number in range(40)}


def test_first_connections_of_processes_agree_on_wal(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    run_together([sys.executable, "-c", PINGER, url], count=6)
    engine = build_engine(url)
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 1
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
        assert connection.scalar(text("PRAGMA busy_timeout")) == 30_000
    engine.dispose()


def test_a_reader_does_not_wait_for_a_writer(engine: Engine) -> None:
    with engine.begin() as writing:
        writing.execute(locks.insert(), {"name": "being written"})
        started = time.monotonic()
        assert names(engine) == set()
        assert time.monotonic() - started < 10, "a lock is waited for for 30 s"
    assert names(engine) == {"being written"}


def test_a_forked_child_has_connections_of_its_own(engine: Engine, database_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK, database_url], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(names(engine)) == 1 + 20 + 60


def test_mysql_is_strict_exact_and_in_utc(mariadb_url: str) -> None:
    engine = build_engine(mariadb_url)
    with engine.connect() as connection:
        asked = "select @@time_zone, @@sql_mode, @@tx_isolation, @@character_set_connection, @@innodb_lock_wait_timeout"
        zone, mode, isolation, characters, patience = connection.execute(text(asked)).one()
    engine.dispose()
    assert (zone, isolation, characters, patience) == ("+00:00", "READ-COMMITTED", "utf8mb4", 8)
    assert "STRICT_ALL_TABLES" in mode


def test_dropped_connections_heal(mariadb_url: str) -> None:
    engine, admin = build_engine(mariadb_url), build_engine(mariadb_url)
    for _ in range(10):
        held = [engine.connect() for _ in range(4)]
        threads = [connection.scalar(text("select connection_id()")) for connection in held]
        for connection in held:
            connection.close()
        with admin.connect() as killer:
            for thread in threads:
                killer.execute(text(f"KILL {thread}"))
        with engine.begin() as connection:
            assert connection.scalar(text("select 1")) == 1
    engine.dispose()
    admin.dispose()


@pytest.mark.promise("P4")
def test_a_database_that_hangs_is_waited_for_only_so_long(via_proxy: tuple[Proxy, Engine]) -> None:
    proxy, engine = via_proxy
    ping(engine)
    proxy.become("hang")
    for _ in range(2):  # with a connection from the pool, and with a new one
        started = time.monotonic()
        with pytest.raises(UserError, match="does not answer"):
            ping(engine)
        assert time.monotonic() - started < 2.5
    proxy.become("pass")
    ping(engine)


def test_a_statement_that_takes_too_long_is_given_up(via_proxy: tuple[Proxy, Engine]) -> None:
    _proxy, engine = via_proxy
    with pytest.raises(OperationalError), engine.connect() as connection:
        connection.execute(text("select sleep(5)"))
    ping(engine)


def test_too_old_a_server_is_named(mariadb_url: str) -> None:
    engine = build_engine(mariadb_url)
    ping(engine)
    dialect: Any = engine.dialect
    dialect.server_version_info = (10, 5, 23)
    with pytest.raises(UserError, match=r"MariaDB 10\.5\.23; 10\.6 or later"):
        ping(engine)
    engine.dispose()


def test_no_driver_of_another_kind_is_imported() -> None:
    script = "import sys, data.engine; print([m for m in ('pymysql', 'alembic', 'pandas') if m in sys.modules])"
    env = {**os.environ, "PYTHONPATH": "."}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=env)
    assert done.stdout == "[]\n"
