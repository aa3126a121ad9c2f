"""What may be enqueued. A job is a wake-up call: what there is to do, the database says."""

import math
import time
from collections import deque
from collections.abc import Sequence

import structlog
from rq.job import Retry
from sqlalchemy.exc import SQLAlchemyError

from jobs.context import senders, wiring
from services.notifications import deliver
from services.scoring_jobs.care import wake
from services.scoring_jobs.scoring import Scorer
from wiring import Wiring

TRIES = 10_000  # the message itself says when to give up
DATABASE_PAUSE_SECONDS = 10.0
SEVERAL_SECONDS = 5.0  # after which no further message is begun: the last one has the rest of the job's time

log = structlog.get_logger()


def send_notification(message_id: str) -> Retry | None:
    """Sends one message if it is due; asks RQ to come back when it could not be sent."""
    pause = _send(wiring(), message_id)
    return None if pause is None else Retry(max=TRIES, interval=pause)


def send_notifications(message_ids: Sequence[str]) -> None:
    """Sends those of the messages that are due. One that could not be sent gets a job of its own, which comes back to
    it; those that were not reached, in time or because of an error, get another job."""
    wired = wiring()
    left = deque(message_ids)
    until = time.monotonic() + SEVERAL_SECONDS
    try:
        while left and time.monotonic() < until:
            message_id = left.popleft()
            pause = _send(wired, message_id)
            if pause is not None:
                wired.queue.enqueue_later(message_id, pause)
    finally:
        wired.queue.enqueue(left)


def _send(wired: Wiring, message_id: str) -> int | None:
    """The seconds after which to come back, or None when that is not needed."""
    try:
        pause = deliver(wired.engine, senders(wired), wired.clock, message_id)
    except SQLAlchemyError as error:
        log.warning("message_waits_for_database", message_id=message_id, error=f"{type(error).__name__}: {error}")
        pause = DATABASE_PAUSE_SECONDS
    return None if pause is None else math.ceil(pause) + 1


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
