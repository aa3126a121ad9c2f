"""What may be enqueued. A job is a wake-up call: what there is to do, the database says."""

import math

import structlog
from rq.job import Retry
from sqlalchemy.exc import SQLAlchemyError

from jobs.context import senders, wiring
from services.notifications import deliver
from services.scoring_jobs.care import wake
from services.scoring_jobs.scoring import Scorer

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


def score_chunk(job_id: str, number: int) -> None:
    """Scores one chunk of a file if it is due, and leaves the next one to the queue, behind what waits there.

    What cannot be noted is left to the sweep, once its claim has lapsed.
    """
    wired = wiring()
    scorer = Scorer(wired.engine, wired.clock, wired.live, wired.customers, wired.predictions)
    try:
        following = scorer.score(job_id, number)
    except SQLAlchemyError as error:
        log.warning("chunk_waits_for_database", job=job_id, chunk=number, error=f"{type(error).__name__}: {error}")
        return
    if following is not None:
        wake(wired.queue, job_id, following)
