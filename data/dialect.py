"""The statements that SQLite and MySQL spell differently.

No INSERT IGNORE: on MySQL it also turns over-long text, bad dates and missing values into warnings.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, func, or_, select
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.sql.expression import ColumnCollection, Insert

from data.tables import locks

Item = TypeVar("Item")
Row = Mapping[str, Any]
BATCH = 500  # rows a statement; PyMySQL splits further at 1 MB


def chunks(items: Iterable[Item], size: int = BATCH) -> Iterator[list[Item]]:
    """`items` in lists of `size`, the last one shorter."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def insert_counted(connection: Connection, table: Table, row: Row) -> int:
    """Inserts a row and gives the id that it was counted up to."""
    return connection.execute(table.insert().values(row)).lastrowid


def insert_absent(connection: Connection, table: Table, rows: Iterable[Row]) -> int:
    """Inserts those `rows` whose primary key (of one column) is new; the first row of a key wins.

    Gives the number inserted; another writer that inserts the same keys at the same instant may count them too.
    Any other fault of a row raises as it would in a plain INSERT.
    """
    (key,) = table.primary_key
    ordered = sorted(rows, key=lambda row: str(row[key.name]))  # every writer in one order: no deadlocks
    return sum(_insert_absent(connection, table, key, chunk) for chunk in chunks(ordered))


def _insert_absent(connection: Connection, table: Table, key: Column[Any], rows: Sequence[Row]) -> int:
    first = {row[key.name]: row for row in reversed(rows)}
    known = set(connection.scalars(select(key).where(key.in_(first))))
    missing = [row for name, row in reversed(first.items()) if name not in known]
    if missing:
        connection.execute(_insert_or_keep(connection, table, key), missing)
    return len(missing)


def _insert_or_keep(connection: Connection, table: Table, key: Column[Any]) -> Insert:
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing(index_elements=[key])
    return mysql.insert(table).on_duplicate_key_update({key.name: key})


def upsert_newest(
    connection: Connection, table: Table, rows: Iterable[Row], time: Column[Any], tie: Column[Any]
) -> None:
    """Writes each of `rows` (one a key) unless the row already there is later by (`time`, `tie`), or equal."""
    ordered = sorted(rows, key=lambda row: [row[key.name] for key in table.primary_key])
    statement = _insert_or_advance(connection, table, time, tie)
    for chunk in chunks(ordered):
        connection.execute(statement, chunk)


def _insert_or_advance(connection: Connection, table: Table, time: Column[Any], tie: Column[Any]) -> Insert:
    keys = set(table.primary_key)
    # MySQL assigns from left to right and reads what it just assigned: the compared columns come last.
    names = [column.name for column in table.c if column not in {*keys, time, tie}] + [tie.name, time.name]
    if connection.dialect.name == "sqlite":
        statement = sqlite.insert(table)
        given = statement.excluded
        return statement.on_conflict_do_update(
            index_elements=list(keys), set_={n: given[n] for n in names}, where=_later(given, time, tie)
        )
    upsert = mysql.insert(table)
    later = _later(upsert.inserted, time, tie)
    return upsert.on_duplicate_key_update([(n, func.if_(later, upsert.inserted[n], table.c[n])) for n in names])


def _later(
    given: ColumnCollection[str, ColumnElement[Any]], time: Column[Any], tie: Column[Any]
) -> ColumnElement[bool]:
    same = and_(given[time.name] == time, given[tie.name] > tie)
    return or_(given[time.name] > time, same)


def hold(connection: Connection, name: str) -> None:
    """Waits for the lock `name` and holds it until the connection's transaction ends."""
    connection.execute(_insert_or_keep(connection, locks, locks.c.name), {"name": name})
