"""Messages that are due, by mail or webhook: how each is sent once, and how none is forgotten.

The row in the database is the truth. A worker claims it for a while, so two never send it at once;
the claim of a worker that dies lapses, and the sweep then wakes another. A message may be sent again
only when nobody can know whether it arrived, and then under the same id.
"""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from data import notifications
from data.delivery import Refused, Unavailable
from data.notifications import MAIL, WEBHOOK, Notification
from data.prediction_log import LedgerRow
from data.queue import JOB_SECONDS, Queue
from helpers.clock import Clock
from helpers.logs import request_context
from services.letters import facts

CLAIM = timedelta(seconds=JOB_SECONDS + 5)  # no attempt outlives it: the job is ended before
GIVE_UP_AFTER = timedelta(days=4)  # RFC 5321, 4.5.4.1
FIRST_PAUSE, PAUSE_GROWTH, LONGEST_PAUSE = 5, 3, 600  # seconds
SWEPT_AT_ONCE = {MAIL: 10_000, WEBHOOK: 150}  # few webhooks, so that mail never waits long behind them
NOTING_PAUSES = (0.5, 1.0, 2.0)

log = structlog.get_logger()


class Sender(Protocol):
    """What carries the messages of one channel."""

    def rest(self) -> float:
        """The seconds for which nothing should be tried: the other side was found not to answer."""
        ...

    def send(self, notification: Notification) -> None:
        """Hands it over. Raises Refused or Unavailable."""
        ...


Senders = Mapping[str, Sender]
"""By channel; a channel without one refuses its messages."""


def due_mail(row: LedgerRow, email: Mapping[str, Any] | None) -> Notification | None:
    """The mail that an answered prediction makes due; never one about a client whose score is held back.

    Raises KeyError or TypeError when `email` is not `{"recipients": [addresses]}`.
    """
    if email is None or row.prediction is None:
        return None
    recipients = [str(recipient) for recipient in email["recipients"]]
    if not recipients:
        return None
    return Notification(row.prediction_id, row.client_id, recipients, facts(row), created_at=row.answered_at)


def deliver(engine: Engine, senders: Senders, clock: Clock, message_id: str) -> float | None:
    """Sends the message if it is due and nobody else has it.

    Gives the seconds after which another attempt is due, or None when this message needs none from here.
    """
    with engine.connect() as connection:
        found = notifications.find(connection, message_id)
    sender = senders.get(found.channel) if found else None
    if found and sender and (rest := sender.rest()) > 0:
        return rest
    notification = _claimed(engine, clock, message_id)
    if notification is None:
        return None
    with request_context(notification.message.get("request_id")):
        return _attempt(engine, sender, clock, notification)


def sweep(engine: Engine, queue: Queue, clock: Clock) -> int:
    """Wakes a worker for each message that is due and that no job will come to; how many those were.

    Jobs are lost when Redis is emptied, when its processes die at the wrong moment, and when it could
    not be reached in the first place. Raises SQLAlchemyError or redis.RedisError.
    """
    with engine.connect() as connection:
        now = clock.now()
        due = [
            message_id
            for channel, limit in SWEPT_AT_ONCE.items()
            for message_id in notifications.pending(connection, channel, now, limit)
        ]
    waiting = queue.waiting(due)
    forgotten = [message_id for message_id in due if message_id not in waiting]
    queue.enqueue(forgotten)
    if forgotten:
        log.info("messages_swept", messages=len(forgotten))
    return len(forgotten)


def _claimed(engine: Engine, clock: Clock, message_id: str) -> Notification | None:
    now = clock.now()
    with engine.begin() as connection:
        if not notifications.claim(connection, message_id, now, now + CLAIM):
            return None
        return notifications.find(connection, message_id)


def _attempt(engine: Engine, sender: Sender | None, clock: Clock, notification: Notification) -> float | None:
    message_id, channel = notification.message_id, notification.channel
    try:
        if sender is None:
            raise Refused(f"nothing is set up that would send by {channel}")
        sender.send(notification)
    except Refused as refusal:
        _give_up(engine, clock, notification, str(refusal))
    except Unavailable as trouble:
        return _put_off(engine, clock, notification, trouble)
    else:
        _note(engine, lambda connection: notifications.mark_sent(connection, message_id, clock.now()))
        log.info("message_sent", message_id=message_id, channel=channel, attempts=notification.attempts)
    return None


def _give_up(engine: Engine, clock: Clock, notification: Notification, reason: str) -> None:
    message_id = notification.message_id
    _note(engine, lambda connection: notifications.mark_failed(connection, message_id, clock.now(), reason))
    log.error(
        "message_given_up",
        message_id=message_id,
        channel=notification.channel,
        attempts=notification.attempts,
        reason=reason,
    )


def _put_off(engine: Engine, clock: Clock, notification: Notification, trouble: Unavailable) -> float | None:
    due_since = notification.replayed_at or notification.created_at
    if clock.now() - due_since > GIVE_UP_AFTER:
        _give_up(engine, clock, notification, f"not sent for {GIVE_UP_AFTER.days} days; last: {trouble}")
        return None
    growing = min(LONGEST_PAUSE, FIRST_PAUSE * PAUSE_GROWTH ** min(notification.attempts - 1, 10))
    pause = max(float(growing), trouble.pause)
    until = clock.now() + timedelta(seconds=pause)

    def note(connection: Connection) -> None:
        if trouble.remaining is not None:
            notifications.narrow(connection, notification.message_id, trouble.remaining)
        notifications.put_off(connection, notification.message_id, until, str(trouble))

    _note(engine, note)
    log.warning("message_put_off", message_id=notification.message_id, seconds=pause, reason=str(trouble))
    return pause


def _note(engine: Engine, change: Callable[[Connection], None]) -> None:
    """Tries again when the database is in trouble: a message sent and not noted is sent twice."""
    for pause in NOTING_PAUSES:
        try:
            return _change(engine, change)
        except SQLAlchemyError as error:
            log.warning("message_not_noted", error=str(error), pause=pause)
            time.sleep(pause)
    return _change(engine, change)


def _change(engine: Engine, change: Callable[[Connection], None]) -> None:
    with engine.begin() as connection:
        change(connection)
