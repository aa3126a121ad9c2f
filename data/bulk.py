"""Many rows by one statement, without what SQLAlchemy does for each of them.

An insert of many rows took most of its time in making the parameters of each row: through several layers, by name and
then by place. Here a statement is compiled once, and the rows are taken column by column: where a type can check a
whole column at once, no function is called for each of its cells.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import StatementError
from sqlalchemy.sql.expression import Insert
from sqlalchemy.types import TypeEngine

from data.columns import Finite, Key

Values = Sequence[Any]


def insert_rows(connection: Connection, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
    """Executes the statement, which has no values of its own, for each of the rows, all of which have the same columns.

    The statement should be one object whenever it is used: what was made of it is remembered.

    Raises what `connection.execute` raises: StatementError for a value that its column does not take, and DBAPIError.
    """
    prepared = _prepare(statement, connection.dialect, tuple(rows[0]))
    try:
        cells = [bind([row[name] for row in rows]) for name, bind in prepared.columns]
    except (ValueError, TypeError) as error:
        message = f"({type(error).__name__}) {error}"
        raise StatementError(message, prepared.text, None, error, hide_parameters=True) from error
    values = list(zip(*cells, strict=True))
    if prepared.by_name:
        names = [name for name, _bind in prepared.columns]
        connection.exec_driver_sql(prepared.text, [dict(zip(names, row, strict=True)) for row in values])
    else:
        connection.exec_driver_sql(prepared.text, values)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement's text, and the columns of its parameters in their order, with what takes a column's values to what
    the database takes."""

    text: str
    columns: tuple[tuple[str, Callable[[Values], Values]], ...]
    by_name: bool


@lru_cache(maxsize=64)
def _prepare(statement: Insert, dialect: Dialect, given: tuple[str, ...]) -> _Prepared:
    compiled: Any = statement.compile(dialect=dialect, column_keys=list(given))
    names = compiled.positiontup if compiled.positional else given
    columns = tuple((name, _binding(statement.table.columns[name].type, dialect)) for name in names)
    return _Prepared(str(compiled), columns, not compiled.positional)


def _binding(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Values], Values]:
    if isinstance(kind, Key | Finite):
        return kind.bind_many
    process = kind.dialect_impl(dialect).bind_processor(dialect)
    return list if process is None else lambda values: list(map(process, values))
