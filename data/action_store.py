"""The `actions`: what was done to clients, and by whom."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from data import audit_log, contact_marks
from data.dialect import chunks, insert_new
from data.tables import actions, model_logs

IDS_A_QUERY = 1_000
REFUSED = "action_refused"


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


def contradicted(connection: Connection, prediction_ids: Iterable[str]) -> list[Action]:
    """The actions that name one of these predictions, which the ledger has as another client's. Reads only."""
    return [
        Action(**row)
        for some in chunks(dict.fromkeys(prediction_ids), IDS_A_QUERY)
        for row in connection.execute(_FOREIGN, {"predictions": some}).mappings()
    ]


def refuse(connection: Connection, found: Iterable[Action]) -> None:
    """Moves the actions to the audit log: had they come after their predictions, they would not have been taken."""
    given = sorted(found, key=lambda each: each.action_id)
    for each in given:
        if connection.execute(delete(actions).where(actions.c.action_id == each.action_id)).rowcount:
            told = {"client_id": each.client_id, "kind": each.kind, "at": each.at.isoformat(), "by": each.actor}
            audit_log.append(connection, each.recorded_at, each.actor, REFUSED, each.prediction_id or "", told)
    contact_marks.mark(connection, (each.client_id for each in given))


_FOREIGN = (
    select(actions)
    .join(model_logs, model_logs.c.prediction_id == actions.c.prediction_id)
    .where(
        model_logs.c.client_id != actions.c.client_id,
        actions.c.prediction_id.in_(bindparam("predictions", expanding=True)),
    )
)
