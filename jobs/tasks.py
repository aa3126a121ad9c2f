"""What may be enqueued. A job is a wake-up call: what there is to do, the database says."""

import math

from rq.job import Retry

from jobs.context import letterhead, wiring
from services.notifications import deliver

TRIES = 10_000  # the message itself says when to give up


def send_notification(prediction_id: str) -> Retry | None:
    """Sends one message if it is due; asks RQ to come back when it could not be sent."""
    wired = wiring()
    pause = deliver(wired.engine, wired.mailer, wired.clock, prediction_id, letterhead(wired.settings))
    return None if pause is None else Retry(max=TRIES, interval=math.ceil(pause) + 1)
