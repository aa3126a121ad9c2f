"""The messages that are due, mail and webhooks alike: a row each, under an id that makes it one message for good."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from data.dialect import insert_absent
from data.tables import notifications

MAIL, WEBHOOK = "mail", "webhook"
LONGEST_ERROR = 2_000
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Notification:
    """One message. It is pending until `sent_at` or `failed_at` is set; a worker has it until `claimed_until`.

    `message_id` is of letters, digits, - and _, since a job carries it too: ValueError otherwise. Mail about a
    prediction has the prediction's id. `client_id` is None where it is about no single client, `recipients` is empty
    where the channel knows its own. `replayed_at` is when people last made it due again.
    """

    message_id: str
    client_id: str | None
    recipients: list[str]
    message: dict[str, Any]
    created_at: datetime
    channel: str = MAIL
    claimed_until: datetime | None = None
    attempts: int = 0
    sent_at: datetime | None = None
    failed_at: datetime | None = None
    error: str | None = None
    replayed_at: datetime | None = None

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.message_id):
            raise ValueError("the id of a message is of up to 64 letters, digits, - and _")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Messages to which all of this applies: one of these ids (if any are given), made due at `since` or later, and
    with `failed` given up."""

    message_ids: tuple[str, ...] = ()
    since: datetime | None = None
    failed: bool = False


def add_many(connection: Connection, rows: Iterable[Notification]) -> int:
    """Adds the messages whose `message_id` is new and gives their number."""
    return insert_absent(
        connection, notifications, [{name: getattr(row, name) for name in Notification.__slots__} for row in rows]
    )


def find(connection: Connection, message_id: str) -> Notification | None:
    row = connection.execute(select(notifications).where(_C.message_id == message_id)).mappings().first()
    return Notification(**row) if row else None


def claim(connection: Connection, message_id: str, now: datetime, until: datetime) -> bool:
    """Takes the message for one attempt; False when it is done, or someone else's until later than `now`.

    Commit before sending: the claim keeps others away only then.
    """
    wanted = update(notifications).where(_C.message_id == message_id, _free(now))
    values = {"claimed_until": until, "attempts": _C.attempts + 1}
    return connection.execute(wanted.values(values)).rowcount == 1


def mark_sent(connection: Connection, message_id: str, now: datetime) -> None:
    _settle(connection, message_id, {"sent_at": now, "claimed_until": None, "error": None})


def mark_failed(connection: Connection, message_id: str, now: datetime, error: str) -> None:
    """Gives the message up; the row keeps the reason."""
    _settle(connection, message_id, {"failed_at": now, "claimed_until": None, "error": error[:LONGEST_ERROR]})


def put_off(connection: Connection, message_id: str, until: datetime, error: str) -> None:
    """Leaves a message that could not be sent for another attempt, not before `until`."""
    _settle(connection, message_id, {"claimed_until": until, "error": error[:LONGEST_ERROR]})


def narrow(connection: Connection, message_id: str, recipients: Sequence[str]) -> None:
    """Leaves the message due to these `recipients` alone: the others have it."""
    _settle(connection, message_id, {"recipients": list(recipients)})


def pending(connection: Connection, channel: str, now: datetime, limit: int) -> list[str]:
    """The `message_id` of a channel's messages that nobody has at `now`, oldest first."""
    wanted = select(_C.message_id).where(_C.channel == channel, _free(now))
    return list(connection.scalars(wanted.order_by(_C.created_at, _C.message_id).limit(limit)))


def newest(connection: Connection, channel: str, limit: int, *, failed: bool = False) -> list[Notification]:
    """A channel's messages, the newest first; with `failed`, those alone that were given up."""
    wanted = select(notifications).where(_C.channel == channel, *([_C.failed_at.is_not(None)] if failed else []))
    rows = connection.execute(wanted.order_by(_C.created_at.desc(), _C.message_id).limit(limit)).mappings()
    return [Notification(**row) for row in rows]


def replay(connection: Connection, channel: str, now: datetime, chosen: Chosen) -> int:
    """Makes a channel's messages due again under their own ids, with all attempts before them; how many those were."""
    fresh = {"sent_at": None, "failed_at": None, "claimed_until": None, "error": None, "attempts": 0}
    wanted = update(notifications).where(_C.channel == channel, *_conditions(chosen))
    return connection.execute(wanted.values({**fresh, "replayed_at": now})).rowcount


def known(connection: Connection, channel: str, message_ids: Iterable[str]) -> set[str]:
    """Those of the ids that messages of the channel have."""
    wanted = select(_C.message_id).where(_C.channel == channel, _C.message_id.in_(list(message_ids)))
    return set(connection.scalars(wanted))


def _conditions(chosen: Chosen) -> Iterator[ColumnElement[bool]]:
    if chosen.message_ids:
        yield _C.message_id.in_(chosen.message_ids)
    if chosen.since is not None:
        yield _C.created_at >= chosen.since
    if chosen.failed:
        yield _C.failed_at.is_not(None)


def _settle(connection: Connection, message_id: str, values: dict[str, Any]) -> None:
    wanted = update(notifications).where(_C.message_id == message_id, _OPEN)
    connection.execute(wanted.values(values))


def _free(now: datetime) -> ColumnElement[bool]:
    return and_(_OPEN, or_(_C.claimed_until.is_(None), _C.claimed_until <= now))


_C = notifications.c
_OPEN = and_(_C.sent_at.is_(None), _C.failed_at.is_(None))
