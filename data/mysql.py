"""An engine on MySQL or MariaDB through PyMySQL, which by itself waits for ever."""

from importlib import import_module
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine.interfaces import Dialect

from data.columns import strict_json
from data.tls import NAMES, TlsOptions, tls_options
from helpers.errors import UserError

CONNECT_SECONDS = 3
WRITE_SECONDS = 10.0
POOL_WAIT_SECONDS = 5
RECYCLE_SECONDS = 1_800  # below the idle limits of managed databases and of firewalls

# Refuse what does not fit, speak UTC, wait for no lock longer than for an answer, and send the texts of `number_table`.
SESSION = (
    "SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = 8, group_concat_max_len = 16000000, sql_mode = "
    "'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"
)


def build_mysql(address: URL, read_timeout: float) -> Engine:
    """READ COMMITTED: no gap locks, so processes that write ledger rows side by side do not deadlock on them.

    `pool_pre_ping` answers to dropped connections; it ends within `read_timeout` when the server hangs.
    """
    if not address.database:
        raise UserError("DATABASE_URL names no database: end it with /NAME.", "DATABASE_URL")
    tls = tls_options({name: str(value) for name, value in address.query.items()})
    engine = create_engine(
        address.set(drivername="mysql+pymysql").difference_update_query(NAMES),
        isolation_level="READ COMMITTED",
        pool_size=5,
        max_overflow=5,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_recycle=RECYCLE_SECONDS,
        pool_pre_ping=True,
        pool_use_lifo=True,
        hide_parameters=True,
        json_serializer=strict_json,
        connect_args=_connect_args(address, read_timeout),
    )
    if tls:
        _apply_tls(engine, tls)
    return engine


def _connect_args(address: URL, read_timeout: float) -> dict[str, Any]:
    """Ours, but for the timeouts that the address itself gives."""
    timeouts = {"connect_timeout": CONNECT_SECONDS, "read_timeout": read_timeout, "write_timeout": WRITE_SECONDS}
    cursor = import_module("data.mysql_cursor").BulkCursor  # not above: it loads PyMySQL, which SQLite has no need of
    ours = {name: seconds for name, seconds in timeouts.items() if name not in address.query}
    return {**ours, "charset": "utf8mb4", "init_command": SESSION, "cursorclass": cursor}


def _apply_tls(engine: Engine, tls: TlsOptions) -> None:
    @event.listens_for(engine, "do_connect")
    def with_tls(_dialect: Dialect, _record: object, _args: Any, arguments: dict[str, Any]) -> None:
        arguments.update(tls.connect_args())
