"""The schema of the database: brings it to the newest one, and says whether it is there.

Not for the web path: importing Alembic takes a second.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from data.drift import find_drift
from data.engine import build_engine
from data.tables import metadata
from helpers.errors import UserError

MIGRATION_SECONDS = 3_600.0  # a change to a big table, or another process's migration
_FOLDER = Path(__file__).parent / "migrations"
_LOCK = "SELECT GET_LOCK(CONCAT('holdfast-', SHA1(DATABASE())), :seconds)"

OPTIONS: dict[str, Any] = {
    "target_metadata": metadata,
    "render_as_batch": True,
    "transaction_per_migration": True,
    "compare_type": True,
}


@dataclass(frozen=True, slots=True)
class SchemaState:
    """`current` is None in an empty database; `drift` says, line by line, how tables differ from the code's."""

    current: str | None
    head: str
    drift: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return self.current == self.head and not self.drift


def upgrade(engine: Engine, to: str = "head") -> None:
    """Runs the migrations that are missing. Processes that call it at once take turns.

    Raises UserError when a newer program has changed the schema already.
    """
    _refuse_unknown(current(engine))
    with migrating(engine) as connection:
        command.upgrade(_config(connection), to)


def downgrade(engine: Engine, to: str = "base") -> None:
    """Takes migrations back down to `to`; `base` drops every table with its rows."""
    with migrating(engine) as connection:
        command.downgrade(_config(connection), to)


def current(engine: Engine) -> str | None:
    """The migration that the database is at; None before the first."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The newest migration there is."""
    revision = ScriptDirectory(str(_FOLDER)).get_current_head()
    if revision is None:
        raise UserError("The folder data/migrations/versions is empty: install the program again.")
    return revision


def _refuse_unknown(found: str | None) -> None:
    known = {script.revision for script in ScriptDirectory(str(_FOLDER)).walk_revisions()}
    if found is not None and found not in known:
        raise UserError(
            f"The database is at schema {found}, which this program does not know: install the newer program again.",
            "DATABASE_URL",
        )


def check(engine: Engine) -> SchemaState:
    """Compares the database with the migrations and with the code's tables."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=OPTIONS)
        found = context.get_current_revision()
        return SchemaState(found, head(), find_drift(connection, context))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """A connection with time for big tables, alone in changing the schema. MySQL frees the lock with it."""
    patient = build_engine(engine.url.render_as_string(hide_password=False), read_timeout=MIGRATION_SECONDS)
    turn = _sqlite_turn if engine.dialect.name == "sqlite" else _mysql_turn
    try:
        with patient.connect() as connection, turn(connection):
            yield connection
    finally:
        patient.dispose()


@contextmanager
def _mysql_turn(connection: Connection) -> Iterator[None]:
    if connection.scalar(text(_LOCK), {"seconds": MIGRATION_SECONDS - 10}) != 1:
        raise UserError("Another process is still changing the schema: wait for it, then try again.")
    connection.commit()  # the lock belongs to the session; each migration has its own transaction
    yield


@contextmanager
def _sqlite_turn(connection: Connection) -> Iterator[None]:
    """One transaction for all, behind the write lock. Foreign keys rest, since Alembic changes a table by copying
    and dropping it, which would take the rows that refer to it along."""
    connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")  # has no effect inside a transaction
    with connection.execution_options(sqlite_begin="BEGIN IMMEDIATE").begin():
        yield
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken:
            raise UserError(
                f"The migration would leave a row of {broken[0]} without its {broken[2]}; nothing was changed."
            )
