"""One mail a day about the clients who crossed the line of high risk the day before (UTC)."""

from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Engine

from data import notifications, risk_store
from data.notifications import Notification
from data.queue import Queue
from helpers.clock import Clock
from modeling.registry import ModelRegistry
from services.config.present import config_in_force
from services.letters import DIGEST
from services.notifications import sweep

FIRST_HOUR = 5  # UTC: by then the answers of the evening before are shipped and compared
MOST_SHOWN = 10

log = structlog.get_logger()


def make_digest(engine: Engine, registry: ModelRegistry, queue: Queue, clock: Clock) -> bool:
    """Makes yesterday's digest due, once over all processes; whether it did.

    Earlier days are let go: nobody acts today on what an outage kept for so long. Without `alert_recipients`, and
    after a day without a crossing, there is nothing to send. Raises SQLAlchemyError, redis.RedisError or ConfigRefused.
    """
    now = clock.now()
    if now.hour < FIRST_HOUR:
        return False
    with engine.connect() as connection:
        digest = _digest(connection, registry, now)
    if digest is None:
        return False
    with engine.begin() as connection:
        made = notifications.add_many(connection, [digest]) == 1
    if made:
        log.info("digest_due", message_id=digest.message_id)
        sweep(engine, queue, clock)
    return made


def _digest(connection: Connection, registry: ModelRegistry, now: datetime) -> Notification | None:
    day = now.date() - timedelta(days=1)
    message_id = f"digest-{day:%Y-%m-%d}"
    recipients = list(config_in_force(connection, registry).alert_recipients)
    if not recipients or notifications.find(connection, message_id):
        return None
    content = _content(connection, day, now)
    return Notification(message_id, None, recipients, content, now) if content["entered"] or content["left"] else None


def _content(connection: Connection, day: date, now: datetime) -> dict[str, Any]:
    start = datetime.combine(day, time(), now.tzinfo)
    end = start + timedelta(days=1)
    top = {
        high: [asdict(each) for each in risk_store.weightiest(connection, start, end, MOST_SHOWN, high=high)]
        for high in (True, False)
    }
    return {
        "kind": DIGEST,
        "day": day.isoformat(),
        "entered": risk_store.crossed(connection, start, end, high=True),
        "left": risk_store.crossed(connection, start, end, high=False),
        "top_entered": top[True],
        "top_left": top[False],
    }
