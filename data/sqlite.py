"""An engine on one SQLite file that several processes read and write."""

import sqlite3
import time
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from data.columns import strict_json
from helpers.errors import UserError

BUSY_SECONDS = 30.0
_BEGIN = "sqlite_begin"
# WAL: readers and the one writer do not wait for each other. NORMAL: a power cut may cost the last commits (the
# outbox brings them again), the death of a process costs nothing.
_SETTINGS = ("PRAGMA synchronous=NORMAL", "PRAGMA foreign_keys=ON", "PRAGMA temp_store=MEMORY")


def build_sqlite(address: URL) -> Engine:
    """Raises UserError for a database in memory, which no other process could share."""
    if address.database in {None, "", ":memory:"} or "mode=memory" in str(address):
        raise UserError("DATABASE_URL must name a file: sqlite:////path/to/file.", "DATABASE_URL")
    engine = create_engine(
        address.set(drivername="sqlite+pysqlite"),
        pool_size=5,
        max_overflow=5,
        hide_parameters=True,
        json_serializer=strict_json,
        connect_args={"timeout": BUSY_SECONDS},
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    writer = engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
    engine.begin = writer.begin  # type: ignore[method-assign] # shares the pool; see `data.engine`
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # or the driver begins by itself, and later than we say
    _use_wal(connection)
    for setting in _SETTINGS:
        connection.execute(setting)


def _use_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait for the lock that this change needs, so first connections made at once must."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _begin(connection: Connection) -> None:
    options: dict[str, Any] = dict(connection.get_execution_options())
    connection.exec_driver_sql(options.get(_BEGIN, "BEGIN"))
