"""How the database's tables differ from the code's."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Connection, text

from data.columns import Key, exact_collation
from data.tables import metadata

_COLLATIONS = text(
    "SELECT table_name, column_name, collation_name FROM information_schema.columns WHERE table_schema = DATABASE()"
)


def find_drift(connection: Connection, context: MigrationContext) -> tuple[str, ...]:
    """A line for each difference; none when the tables are the code's."""
    differences = [_told(difference) for difference in compare_metadata(context, metadata)]
    return (*differences, *_lax_keys(connection))


def _told(difference: Any) -> str:
    """One line for what Alembic gives as a tuple, or as a list of tuples for changes to one column."""
    parts = difference[0] if isinstance(difference, list) else difference
    return " ".join(str(part) for part in parts)


def _lax_keys(connection: Connection) -> list[str]:
    """The keys that MySQL would compare by another collation than ours, which Alembic does not look at."""
    if connection.dialect.name != "mysql":
        return []
    exact = exact_collation(connection.dialect)
    keys = {(table.name, column.name) for table in metadata.tables.values() for column in table.c if _is_key(column)}
    found = connection.execute(_COLLATIONS).all()
    return [
        f"collation {table} {column} {name} {exact}"
        for table, column, name in found
        if (table, column) in keys and name != exact
    ]


def _is_key(column: Column[Any]) -> bool:
    return isinstance(column.type, Key)
