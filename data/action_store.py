"""The `actions`: what was done to clients, and by whom."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from data import contact_marks
from data.dialect import insert_new
from data.tables import actions


@dataclass(frozen=True, slots=True)
class Action:
    """One deed of `kind`, done by `actor` at the instant `at`. `action_id` is whatever tells it from others."""

    action_id: str
    client_id: str
    kind: str
    at: datetime
    actor: str
    prediction_id: str | None
    recorded_at: datetime


def add_many(connection: Connection, rows: Iterable[Action]) -> set[str]:
    """Adds the actions whose `action_id` is new, and gives these ids."""
    given = list(rows)
    new = insert_new(connection, actions, [{name: getattr(row, name) for name in Action.__slots__} for row in given])
    contact_marks.mark(connection, (row.client_id for row in given if row.action_id in new))
    return new


def of_client(connection: Connection, client_id: str, limit: int) -> list[Action]:
    """What was done to a client, newest first."""
    order = (actions.c.at.desc(), actions.c.recorded_at.desc(), actions.c.action_id)
    wanted = select(actions).where(actions.c.client_id == client_id).order_by(*order).limit(limit)
    return [Action(**row) for row in connection.execute(wanted).mappings()]
