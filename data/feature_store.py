"""What is known of customers: their attributes (`churn_data`) and their lifetime values (`client_ltv`)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, func, select

from data.dialect import chunks, hold
from data.tables import churn_data, client_ltv

IDS_A_QUERY = 1_000
BATCH = 2_000
ROWS_A_DELETE = 50_000


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer of the trained table; `churned` is None where the table does not tell."""

    client_id: str
    features: dict[str, Any]
    churned: bool | None
    imported_at: datetime


@dataclass(frozen=True, slots=True)
class LifetimeValue:
    """`ltv` in the table's currency, and the name of the method that gave it."""

    client_id: str
    ltv: float
    method: str
    computed_at: datetime


def ltvs(connection: Connection, ids: Iterable[str]) -> dict[str, float]:
    """The lifetime value of each client that has one."""
    return _by_id(connection, client_ltv, "ltv", ids)


def all_ltvs(connection: Connection) -> dict[str, float]:
    """The lifetime value of every client that has one."""
    rows = connection.execute(select(client_ltv.c.client_id, client_ltv.c.ltv))
    return {row.client_id: row.ltv for row in rows}


def count_ltvs(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(client_ltv)) or 0


def customers(connection: Connection, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The attributes of each customer that exists."""
    return _by_id(connection, churn_data, "features", ids)


def replace_customers(connection: Connection, rows: Iterable[Customer], batch: int = BATCH) -> int:
    """Puts `rows` in the place of all customers and gives their number; readers see the old until the commit.

    Raises IntegrityError when two rows have one id.
    """
    return _replace(connection, churn_data, rows, batch)


def replace_ltvs(connection: Connection, rows: Iterable[LifetimeValue], batch: int = BATCH) -> int:
    """Puts `rows` in the place of all lifetime values; see `replace_customers`."""
    return _replace(connection, client_ltv, rows, batch)


def count_customers(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(churn_data)) or 0


def customer_ids(connection: Connection, limit: int, after: str | None = None) -> list[str]:
    """The first `limit` ids behind `after`, in the order of their code points."""
    wanted = select(churn_data.c.client_id).order_by(churn_data.c.client_id).limit(limit)
    if after is not None:
        wanted = wanted.where(churn_data.c.client_id > after)
    return list(connection.scalars(wanted))


def _by_id(connection: Connection, table: Table, column: str, ids: Iterable[str]) -> dict[str, Any]:
    wanted = select(table.c.client_id, table.c[column])
    found: dict[str, Any] = {}
    for some in chunks(dict.fromkeys(ids), IDS_A_QUERY):
        rows = connection.execute(wanted.where(table.c.client_id.in_(some)))
        found.update((client_id, value) for client_id, value in rows)
    return found


def _replace(connection: Connection, table: Table, rows: Iterable[Customer | LifetimeValue], batch: int) -> int:
    hold(connection, table.name)
    _empty(connection, table)
    written = 0
    for some in chunks(rows, batch):
        connection.execute(table.insert(), [_columns(table, row) for row in some])
        written += len(some)
    return written


def _empty(connection: Connection, table: Table) -> None:
    """On MySQL in parts, each of which answers well within the engine's `read_timeout`."""
    part = table.delete().with_dialect_options(mysql_limit=ROWS_A_DELETE)
    while connection.execute(part).rowcount:
        pass


def _columns(table: Table, row: Customer | LifetimeValue) -> dict[str, Any]:
    return {name: getattr(row, name) for name in table.columns.keys()}  # noqa: SIM118 - not a mapping
