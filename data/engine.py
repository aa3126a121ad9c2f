"""The way to the database: SQLite in a file, MySQL 8.0.17 or later, MariaDB 10.6 or later.

`engine.connect()` is for reading and `engine.begin()` for writing. On SQLite `begin` takes the write lock at once,
so that a second writer waits its turn instead of failing half way; `connect` never waits for a writer.
"""

import os
import weakref
from functools import partial

from sqlalchemy import URL, Engine, Pool, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from data.mysql import build_mysql
from data.sqlite import build_sqlite
from helpers.errors import UserError

READ_SECONDS = 10.0
EXAMPLES = "mysql+pymysql://user:password@host:3306/name or sqlite:////path/to/file"
OLDEST = {"MySQL": (8, 0, 17), "MariaDB": (10, 6)}

_parents_pools: list[Pool] = []


def build_engine(url: str, *, read_timeout: float = READ_SECONDS) -> Engine:
    """An engine that has not connected yet; `read_timeout`: seconds that MySQL may take to answer a statement.

    Raises UserError naming DATABASE_URL when `url` is not of a supported kind. Error messages never hold the
    parameters of a statement, since those hold customers' data and password hashes.
    """
    address = _parse(url)
    kind = address.get_backend_name()
    if kind == "sqlite":
        engine = build_sqlite(address)
    elif kind in {"mysql", "mariadb"}:
        engine = build_mysql(address, read_timeout)
    else:
        raise UserError(f"DATABASE_URL names {kind}, which is not supported: use {EXAMPLES}.", "DATABASE_URL")
    os.register_at_fork(after_in_child=partial(_start_afresh, weakref.ref(engine)))
    return engine


def ping(engine: Engine) -> None:
    """Raises UserError naming DATABASE_URL when the database does not answer or is too old."""
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        why = getattr(error, "orig", None) or error
        where = engine.url.render_as_string(hide_password=True)
        message = f"The database at DATABASE_URL ({where}) does not answer: {why}. Start it, or mend DATABASE_URL."
        raise UserError(message, "DATABASE_URL") from error
    _refuse_old(engine)


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError:  # its message shows the address, and so the password
        raise UserError(f"DATABASE_URL is not an address: use {EXAMPLES}.", "DATABASE_URL") from None


def _refuse_old(engine: Engine) -> None:
    if engine.dialect.name != "mysql":
        return
    name = "MariaDB" if getattr(engine.dialect, "is_mariadb", False) else "MySQL"
    version = tuple(part for part in engine.dialect.server_version_info or () if isinstance(part, int))
    if version < OLDEST[name]:
        found, needed = (".".join(map(str, numbers)) for numbers in (version, OLDEST[name]))
        raise UserError(f"DATABASE_URL leads to {name} {found}; {needed} or later is needed.", "DATABASE_URL")


def _start_afresh(reference: weakref.ref[Engine]) -> None:
    """In a forked child: connections of its own. The parent's are kept open, since closing them here would be
    felt there."""
    engine = reference()
    if engine is not None:
        _parents_pools.append(engine.pool)
        engine.dispose(close=False)
