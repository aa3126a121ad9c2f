"""Every test with an `engine` runs on SQLite and on MariaDB: they disagree."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text

from data.engine import build_engine
from data.schema import upgrade
from data.tables import metadata


@dataclass(frozen=True, slots=True)
class Database:
    """One migrated database of this run."""

    url: str
    engine: Engine


@pytest.fixture(scope="session")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('database') / 'holdfast.sqlite3'}"


@pytest.fixture(scope="session", params=["sqlite", "mariadb"])
def migrated(request: pytest.FixtureRequest) -> Iterator[Database]:
    url: str = request.getfixturevalue(f"{request.param}_url")
    engine = build_engine(url)
    upgrade(engine)
    yield Database(url, engine)
    engine.dispose()


@pytest.fixture
def database(migrated: Database) -> Database:
    """The migrated database without a row; its counted-up ids go on from test to test."""
    with migrated.engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    return migrated


@pytest.fixture
def engine(database: Database) -> Engine:
    return database.engine


@pytest.fixture
def database_url(database: Database) -> str:
    """Address of the same database as `engine`'s, for tests that start processes."""
    return database.url


@pytest.fixture(params=["sqlite", "mariadb"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of a database without a table, of this test alone; on MariaDB made with an old server's default."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    known = make_url(request.getfixturevalue("mariadb_url"))
    name = f"{known.database}_{uuid.uuid4().hex[:6]}"
    admin = build_engine(known.render_as_string(hide_password=False))
    with admin.begin() as connection:
        connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET latin1"))
    yield known.set(database=name).render_as_string(hide_password=False)
    with admin.begin() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))
    admin.dispose()
