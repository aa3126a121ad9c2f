"""Mail that is due: who gets it, how it is sent once, and how none is forgotten.

The row in the database is the truth. A worker claims it for a while, so two never send it at once;
the claim of a worker that dies lapses, and the sweep then wakes another. A message may be sent again
only when nobody can know whether it arrived, and then under the same Message-ID.
"""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from data import notifications
from data.mail_message import MailRefused, MailUnavailable
from data.mailer import Mailer
from data.notifications import Notification
from data.prediction_log import LedgerRow
from data.queue import JOB_SECONDS, Queue
from helpers.clock import Clock
from helpers.logs import request_context
from services.letters import Letterhead, facts, write

CLAIM = timedelta(seconds=JOB_SECONDS + 5)  # no attempt outlives it: the job is ended before
GIVE_UP_AFTER = timedelta(days=4)  # RFC 5321, 4.5.4.1
FIRST_PAUSE, PAUSE_GROWTH, LONGEST_PAUSE = 5, 3, 600  # seconds
SWEPT_AT_ONCE = 10_000
NOTING_PAUSES = (0.5, 1.0, 2.0)

log = structlog.get_logger()


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


def deliver(engine: Engine, mailer: Mailer, clock: Clock, prediction_id: str, letterhead: Letterhead) -> float | None:
    """Sends the message if it is due and nobody else has it.

    Gives the seconds after which another attempt is due, or None when this message needs none from here.
    """
    notification = _claimed(engine, clock, prediction_id)
    if notification is None:
        return None
    with request_context(notification.message.get("request_id")):
        try:
            mailer.send(write(notification, letterhead))
        except MailRefused as refusal:
            _give_up(engine, clock, notification, str(refusal))
        except MailUnavailable as trouble:
            return _put_off(engine, clock, notification, trouble)
        else:
            _note(engine, lambda connection: notifications.mark_sent(connection, prediction_id, clock.now()))
            log.info("mail_sent", prediction_id=prediction_id, attempts=notification.attempts)
    return None


def sweep(engine: Engine, queue: Queue, clock: Clock) -> int:
    """Wakes a worker for each message that is due and that no job will come to; how many those were.

    Jobs are lost when Redis is emptied, when its processes die at the wrong moment, and when it could
    not be reached in the first place. Raises SQLAlchemyError or redis.RedisError.
    """
    with engine.connect() as connection:
        due = notifications.pending(connection, clock.now(), SWEPT_AT_ONCE)
    waiting = queue.waiting(due)
    forgotten = [prediction_id for prediction_id in due if prediction_id not in waiting]
    queue.enqueue_mail(forgotten)
    if forgotten:
        log.info("mail_swept", messages=len(forgotten))
    return len(forgotten)


def _claimed(engine: Engine, clock: Clock, prediction_id: str) -> Notification | None:
    now = clock.now()
    with engine.begin() as connection:
        if not notifications.claim(connection, prediction_id, now, now + CLAIM):
            return None
        return notifications.find(connection, prediction_id)


def _give_up(engine: Engine, clock: Clock, notification: Notification, reason: str) -> None:
    prediction_id = notification.prediction_id
    _note(engine, lambda connection: notifications.mark_failed(connection, prediction_id, clock.now(), reason))
    log.error("mail_given_up", prediction_id=prediction_id, attempts=notification.attempts, reason=reason)


def _put_off(engine: Engine, clock: Clock, notification: Notification, trouble: MailUnavailable) -> float | None:
    if clock.now() - notification.created_at > GIVE_UP_AFTER:
        _give_up(engine, clock, notification, f"not sent for {GIVE_UP_AFTER.days} days; last: {trouble}")
        return None
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * PAUSE_GROWTH ** min(notification.attempts - 1, 10))
    until = clock.now() + timedelta(seconds=pause)

    def note(connection: Connection) -> None:
        if trouble.remaining is not None:
            notifications.narrow(connection, notification.prediction_id, trouble.remaining)
        notifications.put_off(connection, notification.prediction_id, until, str(trouble))

    _note(engine, note)
    log.warning("mail_put_off", prediction_id=notification.prediction_id, seconds=pause, reason=str(trouble))
    return float(pause)


def _note(engine: Engine, change: Callable[[Connection], None]) -> None:
    """Tries again when the database is in trouble: a message sent and not noted is sent twice."""
    for pause in NOTING_PAUSES:
        try:
            return _change(engine, change)
        except SQLAlchemyError as error:
            log.warning("mail_not_noted", error=str(error), pause=pause)
            time.sleep(pause)
    return _change(engine, change)


def _change(engine: Engine, change: Callable[[Connection], None]) -> None:
    with engine.begin() as connection:
        change(connection)
