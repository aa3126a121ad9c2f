"""Many rows by one statement, without what SQLAlchemy does for each of them.

An insert of many rows took most of its time in making the parameters of each row: through several layers, by name and
then by place. Here a statement is compiled once, and each row is put in its order by one pass.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import StatementError
from sqlalchemy.sql.expression import Insert

Cell = tuple[str, Callable[[Any], Any] | None]


def insert_rows(connection: Connection, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
    """Executes the statement, which has no values of its own, for each of the rows, all of which have the same columns.

    Raises what `connection.execute` raises: StatementError for a value that its column does not take, and DBAPIError.
    """
    dialect, columns = connection.dialect, statement.table.columns
    compiled: Any = statement.compile(dialect=dialect, column_keys=list(rows[0]))
    names = compiled.positiontup if compiled.positional else list(rows[0])
    cells = [(name, columns[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names]
    text = str(compiled)
    values = [_values(text, cells, row) for row in rows]
    given: Any = values if compiled.positional else [dict(zip(names, row, strict=True)) for row in values]
    connection.exec_driver_sql(text, given)


def _values(text: str, cells: Sequence[Cell], row: Mapping[str, Any]) -> tuple[Any, ...]:
    """The row in the order of the parameters, as the database takes it."""
    try:
        return tuple([row[name] if process is None else process(row[name]) for name, process in cells])
    except (ValueError, TypeError) as error:
        raise StatementError(f"({type(error).__name__}) {error}", text, None, error, hide_parameters=True) from error
