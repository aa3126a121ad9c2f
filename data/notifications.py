"""The mail that is due: a row per message, keyed by the prediction that caused it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from data.dialect import insert_absent
from data.tables import notifications

LONGEST_ERROR = 2_000


@dataclass(frozen=True, slots=True)
class Notification:
    """One message. It is pending until `sent_at` or `failed_at` is set; a worker has it until `claimed_until`."""

    prediction_id: str
    client_id: str
    recipients: list[str]
    message: dict[str, Any]
    created_at: datetime
    claimed_until: datetime | None = None
    attempts: int = 0
    sent_at: datetime | None = None
    failed_at: datetime | None = None
    error: str | None = None


def add_many(connection: Connection, rows: Iterable[Notification]) -> int:
    """Adds the messages whose `prediction_id` is new and gives their number."""
    return insert_absent(
        connection, notifications, [{name: getattr(row, name) for name in Notification.__slots__} for row in rows]
    )


def find(connection: Connection, prediction_id: str) -> Notification | None:
    row = connection.execute(select(notifications).where(_C.prediction_id == prediction_id)).mappings().first()
    return Notification(**row) if row else None


def claim(connection: Connection, prediction_id: str, now: datetime, until: datetime) -> bool:
    """Takes the message for one attempt; False when it is done, or someone else's until later than `now`.

    Commit before sending: the claim keeps others away only then.
    """
    wanted = update(notifications).where(_C.prediction_id == prediction_id, _free(now))
    values = {"claimed_until": until, "attempts": _C.attempts + 1}
    return connection.execute(wanted.values(values)).rowcount == 1


def mark_sent(connection: Connection, prediction_id: str, now: datetime) -> None:
    _settle(connection, prediction_id, {"sent_at": now, "claimed_until": None, "error": None})


def mark_failed(connection: Connection, prediction_id: str, now: datetime, error: str) -> None:
    """Gives the message up; the row keeps the reason."""
    _settle(connection, prediction_id, {"failed_at": now, "claimed_until": None, "error": error[:LONGEST_ERROR]})


def put_off(connection: Connection, prediction_id: str, until: datetime, error: str) -> None:
    """Leaves a message that could not be sent for another attempt, not before `until`."""
    _settle(connection, prediction_id, {"claimed_until": until, "error": error[:LONGEST_ERROR]})


def narrow(connection: Connection, prediction_id: str, recipients: Sequence[str]) -> None:
    """Leaves the message due to these `recipients` alone: the others have it."""
    _settle(connection, prediction_id, {"recipients": list(recipients)})


def pending(connection: Connection, now: datetime, limit: int) -> list[str]:
    """The `prediction_id` of messages that nobody has at `now`, oldest first."""
    wanted = select(_C.prediction_id).where(_free(now)).order_by(_C.created_at, _C.prediction_id).limit(limit)
    return list(connection.scalars(wanted))


def _settle(connection: Connection, prediction_id: str, values: dict[str, Any]) -> None:
    wanted = update(notifications).where(_C.prediction_id == prediction_id, _OPEN)
    connection.execute(wanted.values(values))


def _free(now: datetime) -> ColumnElement[bool]:
    return and_(_OPEN, or_(_C.claimed_until.is_(None), _C.claimed_until <= now))


_C = notifications.c
_OPEN = and_(_C.sent_at.is_(None), _C.failed_at.is_(None))
