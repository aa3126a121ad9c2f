"""What may be enqueued. A job is a wake-up call: what there is to do, the database says."""

import math

import structlog
from rq.job import Retry
from sqlalchemy.exc import SQLAlchemyError

from jobs.context import senders, wiring
from services.notifications import deliver

TRIES = 10_000  # the message itself says when to give up
DATABASE_PAUSE_SECONDS = 10.0

log = structlog.get_logger()


def send_notification(message_id: str) -> Retry | None:
    """Sends one message if it is due; asks RQ to come back when it could not be sent."""
    wired = wiring()
    try:
        pause = deliver(wired.engine, senders(wired), wired.clock, message_id)
    except SQLAlchemyError as error:
        log.warning("message_waits_for_database", message_id=message_id, error=f"{type(error).__name__}: {error}")
        pause = DATABASE_PAUSE_SECONDS
    return None if pause is None else Retry(max=TRIES, interval=math.ceil(pause) + 1)
