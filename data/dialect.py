"""The statements that SQLite and MySQL spell differently.

No INSERT IGNORE: on MySQL it also turns over-long text, bad dates and missing values into warnings.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, func, or_, select
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.sql.expression import ColumnCollection, Insert

from data.bulk import insert_rows
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
    """Inserts those `rows` whose primary key is new and gives their number; see `insert_new`."""
    return len(insert_new(connection, table, rows))


def insert_new(connection: Connection, table: Table, rows: Iterable[Row]) -> set[Any]:
    """Inserts those `rows` whose primary key (of one column) is new, and gives these keys; the first row of a key wins.

    Another writer that inserts the same keys at the same instant may be given them too.
    Any other fault of a row raises as it would in a plain INSERT.
    """
    (key,) = table.primary_key
    ordered = sorted(rows, key=lambda row: str(row[key.name]))  # every writer in one order: no deadlocks
    return {name for chunk in chunks(ordered) for name in _insert_new(connection, table, key, chunk)}


def _insert_new(connection: Connection, table: Table, key: Column[Any], rows: Sequence[Row]) -> list[Any]:
    first = {row[key.name]: row for row in reversed(rows)}
    known = set(connection.scalars(select(key).where(key.in_(first))))
    missing = [row for name, row in reversed(first.items()) if name not in known]
    if missing:
        insert_rows(connection, _insert_or_keep(connection.dialect.name, table), missing)
    return [row[key.name] for row in missing]


def insert_or_hold(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Inserts those `rows` whose primary key is new, and holds the rows of all these keys, old and new, until the
    connection's transaction ends: nobody else changes them meanwhile, and a read sees what they are."""
    ordered = sorted(rows, key=lambda row: [str(row[key.name]) for key in table.primary_key])
    for chunk in chunks(ordered):
        insert_rows(connection, _insert_or_keep(connection.dialect.name, table), chunk)


@lru_cache
def _insert_or_keep(dialect: str, table: Table) -> Insert:
    keys = list(table.primary_key)
    if dialect == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing(index_elements=keys)
    return mysql.insert(table).on_duplicate_key_update({keys[0].name: keys[0]})


def upsert_newest(
    connection: Connection, table: Table, rows: Iterable[Row], time: Column[Any], tie: Column[Any]
) -> None:
    """Writes each of `rows` (one a key, all with the same columns) unless the row already there is later by (`time`,
    `tie`), or equal. Columns that are not given stay as they are."""
    ordered = sorted(rows, key=lambda row: [row[key.name] for key in table.primary_key])
    if not ordered:
        return
    statement = _insert_or_advance(connection.dialect.name, table, tuple(ordered[0]), time, tie)
    for chunk in chunks(ordered):
        insert_rows(connection, statement, chunk)


@lru_cache
def _insert_or_advance(
    dialect: str, table: Table, given: tuple[str, ...], time: Column[Any], tie: Column[Any]
) -> Insert:
    keys = set(table.primary_key)
    # MySQL assigns from left to right and reads what it just assigned: the compared columns come last.
    last = [tie.name, time.name]
    names = [name for name in given if name not in {*last, *(key.name for key in keys)}] + last
    if dialect == "sqlite":
        statement = sqlite.insert(table)
        new = statement.excluded
        return statement.on_conflict_do_update(
            index_elements=list(keys), set_={n: new[n] for n in names}, where=_later(new, time, tie)
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
    insert_or_hold(connection, locks, [{"name": name}])


def as_of_one_instant(connection: Connection) -> None:
    """All that is read through the connection from now on is as it stands at its first read. To be asked for before
    that; SQLite reads so anyway."""
    if connection.dialect.name == "mysql":
        connection.execution_options(isolation_level="REPEATABLE READ")
