"""The `suggestions`: what to do about whom, as the retention team writes it down."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from data.dialect import hold, insert_counted
from data.tables import suggestions

LOCK = "suggestions"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`advice` for whoever calls, and the `kind` of action that it is; for clients whose risk `feature` raises, perhaps
    only at one `value` of it. Without a feature it is for everybody else. `id` is None as long as it is not stored."""

    id: int | None
    feature: str | None
    value: str | None
    kind: str
    advice: str


def list_all(connection: Connection) -> list[Suggestion]:
    """By feature and value, the one for everybody else last."""
    rows = [Suggestion(**row) for row in connection.execute(select(suggestions)).mappings()]
    return sorted(rows, key=lambda row: (row.feature is None, row.feature or "", row.value or "", row.id))


def take_turn(connection: Connection) -> None:
    """Whoever writes waits for others who do, until they commit: so that what was read stays true."""
    hold(connection, LOCK)


def put(connection: Connection, row: Suggestion) -> int:
    """Adds the suggestion, or replaces the one of its id, and gives its id."""
    columns = {"feature": row.feature, "value": row.value, "kind": row.kind, "advice": row.advice}
    if row.id is None:
        return insert_counted(connection, suggestions, columns)
    connection.execute(suggestions.update().where(suggestions.c.id == row.id).values(columns))
    return row.id


def remove(connection: Connection, suggestion_id: int) -> None:
    connection.execute(suggestions.delete().where(suggestions.c.id == suggestion_id))
