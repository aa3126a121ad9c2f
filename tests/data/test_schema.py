"""The migrations make what the code expects, and can be undone, repeated, resumed and run at once."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Engine, String, create_mock_engine, inspect, select, text
from sqlalchemy.schema import CreateTable

from data import notifications, schema, sessions, users
from data.columns import Key
from data.engine import build_engine
from data.notifications import MAIL
from data.tables import client_ltv, config, metadata
from helpers.clock import SystemClock
from helpers.errors import UserError
from tests.support.processes import release_together

UPGRADE = """
import sys
from data.engine import build_engine
from data.notifications import MAIL
from data.schema import upgrade
engine = build_engine(sys.argv[1])
print("ready", flush=True)
sys.stdin.read()
upgrade(engine)
"""


@pytest.fixture
def empty(empty_url: str) -> Iterator[Engine]:
    engine = build_engine(empty_url)
    yield engine
    engine.dispose()


def _start(url: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", UPGRADE, url]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def tables_in(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_the_migrations_make_exactly_the_tables_of_the_code(empty: Engine) -> None:
    assert schema.current(empty) is None
    assert not schema.check(empty).ok
    schema.upgrade(empty)
    assert schema.check(empty) == schema.SchemaState(schema.head(), schema.head(), ())
    assert tables_in(empty) == set(metadata.tables)


def test_ids_are_compared_exactly_whatever_the_database_was_made_with(empty: Engine) -> None:
    schema.upgrade(empty)
    with empty.begin() as connection:
        if empty.dialect.name == "mysql":
            found = connection.execute(_COLLATIONS).scalars().all()
            assert set(found) == {"utf8mb4_nopad_bin"}
        for number, name in enumerate(("abc", "ABC", "äbc", "abc ", "😀", "😁")):
            row = {"client_id": name, "ltv": number, "method": "m", "computed_at": SystemClock().now()}
            connection.execute(client_ltv.insert(), row)
        assert connection.scalar(text("select ltv from client_ltv where client_id = 'abc '")) == 3


def test_a_changed_table_is_drift(empty: Engine) -> None:
    schema.upgrade(empty)
    with empty.begin() as connection:
        connection.execute(text("ALTER TABLE locks ADD COLUMN stray INTEGER"))
        connection.execute(text("DROP TABLE audit_log"))
    told = "\n".join(schema.check(empty).drift)
    assert "remove_column" in told
    assert "stray" in told
    assert "add_table audit_log" in told


@pytest.mark.parametrize("empty_url", ["mariadb"], indirect=True)  # SQLite always compares exactly
def test_a_key_that_lost_its_exact_comparison_is_drift(empty: Engine) -> None:
    schema.upgrade(empty)
    with empty.begin() as connection:
        lax = "VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL"
        connection.execute(text(f"ALTER TABLE client_ltv MODIFY client_id {lax}"))
    assert "client_ltv client_id" in str(schema.check(empty).drift)


def test_down_and_up_again(empty: Engine) -> None:
    schema.upgrade(empty)
    schema.downgrade(empty)
    assert schema.current(empty) is None
    assert tables_in(empty) == set()
    schema.upgrade(empty)
    assert schema.check(empty).ok


def test_an_upgrade_keeps_rows_and_may_be_repeated(empty: Engine) -> None:
    schema.upgrade(empty)
    with empty.begin() as connection:
        connection.execute(text("insert into config (config_key, config_value) values ('proba_cutoff', '0.65')"))
    schema.upgrade(empty)
    with empty.connect() as connection:
        assert connection.scalar(select(config.c.config_value)) == "0.65"


def test_processes_that_start_together_migrate_once(empty: Engine, empty_url: str) -> None:
    started = [_start(empty_url) for _ in range(3)]
    release_together(started)
    complaints = [process.communicate(timeout=60)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], complaints
    assert schema.check(empty).ok


def test_a_first_start_that_was_killed_half_way_may_be_repeated(empty: Engine) -> None:
    """What MySQL leaves then: some of the tables, without all of their indexes, and no version."""
    schema.upgrade(empty, "0001")
    with empty.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        connection.execute(text("DROP TABLE model_logs"))
        index = "DROP INDEX ix_config_config_key_id"
        connection.execute(text(f"{index} ON config" if empty.dialect.name == "mysql" else index))
    schema.upgrade(empty)
    assert schema.check(empty).ok


def test_a_schema_of_a_newer_program_is_left_alone(empty: Engine) -> None:
    schema.upgrade(empty)
    with empty.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UserError, match="schema 9999"):
        schema.upgrade(empty)
    assert schema.current(empty) == "9999"
    assert not schema.check(empty).ok


def test_mysql_8_is_told_what_it_knows_under_its_own_names() -> None:
    """No MySQL answers here: this holds the statements to what its manual says, 8.0.17 and later."""
    mysql_8: Any = create_mock_engine("mysql+pymysql://", executor=lambda *_: None).dialect
    mysql_8.server_version_info = (8, 4, 0)
    made = str(CreateTable(client_ltv).compile(dialect=mysql_8))
    assert "client_id VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin" in made
    assert "computed_at DATETIME(6)" in made
    assert "DEFAULT (utc_timestamp(6))" in str(CreateTable(config).compile(dialect=mysql_8))


def test_a_table_of_another_program_is_left_alone(empty: Engine) -> None:
    with empty.begin() as connection:
        connection.execute(text("CREATE TABLE config (name VARCHAR(10))"))
    with pytest.raises(Exception, match="config"):
        schema.upgrade(empty)
    assert [column["name"] for column in inspect(empty).get_columns("config")] == ["name"]


def test_changing_a_table_keeps_the_rows_that_refer_to_it(empty: Engine) -> None:
    """SQLite changes a table by copying and dropping it, which would end every session if foreign keys were on."""
    schema.upgrade(empty)
    now = SystemClock().now()
    with empty.begin() as connection:
        user_id = users.add(connection, "ann", "hash", "viewer", now)
        sessions.open(connection, "0" * 64, user_id, now, now)
    with schema.migrating(empty) as connection:
        operations = Operations(MigrationContext.configure(connection, opts=schema.OPTIONS))
        with operations.batch_alter_table("app_credentials") as batch:
            batch.alter_column("role", type_=Key(50), existing_type=Key(40), existing_nullable=False)
    with empty.connect() as connection:
        assert sessions.find(connection, "0" * 64)
    assert "VARCHAR(50)" in str(schema.check(empty).drift)


def test_mail_due_before_messages_had_channels_is_kept(empty: Engine) -> None:
    """A start that was killed between two of the steps may be repeated too."""
    schema.upgrade(empty, "0003")
    with empty.begin() as connection:
        connection.execute(_OLD_MAIL)
    if empty.dialect.name == "mysql":  # SQLite takes the whole migration back
        with schema.migrating(empty) as connection:
            operations = Operations(MigrationContext.configure(connection, opts=schema.OPTIONS))
            operations.alter_column(
                "notifications",
                "prediction_id",
                new_column_name="message_id",
                type_=Key(64),
                existing_type=String(36),
                existing_nullable=False,
            )
    schema.upgrade(empty)
    assert schema.check(empty).ok
    with empty.connect() as connection:
        found = notifications.find(connection, "019abc")
    assert found is not None
    assert (found.client_id, found.recipients, found.channel) == ("c", ["boss@example.com"], MAIL)
    schema.downgrade(empty, "0003")
    with empty.connect() as connection:
        assert connection.scalar(text("select prediction_id from notifications")) == "019abc"
    schema.upgrade(empty)


_OLD_MAIL = text(
    "insert into notifications (prediction_id, client_id, recipients, message, created_at) "
    "values ('019abc', 'c', '[\"boss@example.com\"]', '{}', '2026-11-22 08:30:00.000000')"
)
_COLLATIONS = text(
    "select distinct collation_name from information_schema.columns where table_schema = database() "
    "and data_type = 'varchar' and table_name <> 'alembic_version'"
)
