"""How a database goes about answering."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event, text


def plan(connection: Connection, ask: Callable[[], object]) -> str:
    """The plan for the last statement that `ask` sends."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        asked.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    ask()
    event.remove(connection, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    return "\n".join(str(line) for line in connection.exec_driver_sql(f"{explain} {asked[-1][0]}", asked[-1][1]))


def rows_read(connection: Connection, ask: Callable[[], object]) -> int:
    """How many rows MariaDB reads to answer; SQLite does not tell: 0."""
    if connection.dialect.name == "sqlite":
        return 0
    connection.execute(text("FLUSH STATUS"))
    ask()
    status = connection.execute(text("SHOW SESSION STATUS LIKE 'Handler_read%'")).all()
    return sum(int(count) for _name, count in status)


def settle(connection: Connection, *tables: str) -> None:
    """Has MariaDB count its rows anew, after a test wrote thousands."""
    if connection.dialect.name == "mysql":
        connection.execute(text(f"ANALYZE TABLE {', '.join(tables)}"))
