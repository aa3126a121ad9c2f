"""What people do about webhooks: look at them, and have them sent again."""

import structlog
from sqlalchemy import Engine

from data import notifications
from data.notifications import WEBHOOK, Chosen, Notification
from data.queue import Queue
from helpers.clock import Clock
from helpers.errors import UserError
from helpers.failsoft import FailSoft
from services.notifications import sweep

log = structlog.get_logger()


def newest(engine: Engine, limit: int, *, failed: bool) -> list[Notification]:
    """The newest webhooks; with `failed`, those alone that were given up."""
    with engine.connect() as connection:
        return notifications.newest(connection, WEBHOOK, limit, failed=failed)


def replay(engine: Engine, queue: Queue, clock: Clock, chosen: Chosen) -> int:
    """Makes webhooks due again, each under its own id, so that a receiver knows what it has already; how many.

    Nothing else changes: what crossed the line, and when, stays as it is. Raises UserError for an id that no webhook
    has, and when nothing was chosen.
    """
    if chosen == Chosen():
        raise UserError("Say which: give ids, --since TIME or --failed.")
    with engine.begin() as connection:
        unknown = set(chosen.message_ids) - notifications.known(connection, WEBHOOK, chosen.message_ids)
        if unknown:
            raise UserError(f"No webhook has the id {min(unknown)}: see `./run.sh webhooks list`.", "id")
        count = notifications.replay(connection, WEBHOOK, clock.now(), chosen)
    log.info("webhooks_replayed", messages=count)
    FailSoft("queue").call(lambda: sweep(engine, queue, clock), default=0)  # if not now, the periodic sweep finds them
    return count
