"""Periodic duties, each done once over all schedule processes, however many run and die.

A duty's turn is taken in Redis rather than in a table: the most frequent duty needs Redis in any
case, one command decides it, and a process that dies holds nothing up beyond its own turn.
"""

import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import structlog
from apscheduler.schedulers.blocking import BlockingScheduler
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from data.turns import Turns
from helpers.memory import GIVE_BACK_SECONDS, give_back
from services.config.present import config_in_force
from services.config.watch import ConfigWatch
from services.digest import make_digest
from services.guardrails import Guard
from services.notifications import sweep
from services.outcomes import settle_all
from services.risk_watch import RiskWatch
from services.scoring_jobs import care
from wiring import Wiring

SWEEP_SECONDS, WATCH_SECONDS, DIGEST_SECONDS = 10, 30, 600
GUARD_SECONDS, OUTCOMES_SECONDS, WAITING_SECONDS = 60, 3_600, 300
READINGS_SECONDS = 30
RETENTION_SECONDS = 3_600
BEAT_SECONDS = 10
LONGEST_TICK_SECONDS = 60.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Duty:
    """`run` at most once in `seconds`. It must bear being left out, and being done again."""

    name: str
    seconds: float
    run: Callable[[], object]


def duties(wired: Wiring) -> list[Duty]:
    watch = RiskWatch(wired.engine, wired.registry, wired.queue, wired.clock, webhooks=wired.webhook is not None)
    guard = Guard(wired.engine, wired.registry, wired.activity, wired.clock, wired.announce)
    changes = ConfigWatch(wired.engine, wired.registry, wired.activity, wired.clock, wired.announce)
    return [
        Duty("message_sweep", SWEEP_SECONDS, partial(sweep, wired.engine, wired.queue, wired.clock)),
        Duty("scoring_sweep", SWEEP_SECONDS, partial(care.sweep, wired.engine, wired.queue, wired.clock)),
        Duty("scoring_retention", RETENTION_SECONDS, partial(care.tidy, wired.engine, wired.clock)),
        Duty("risk_watch", WATCH_SECONDS, watch.look),
        Duty("digest", DIGEST_SECONDS, partial(make_digest, wired.engine, wired.registry, wired.queue, wired.clock)),
        Duty("guardrails", GUARD_SECONDS, guard.watch_answers),
        Duty("config_watch", GUARD_SECONDS, changes.look),
        Duty("guardrails_outcomes", OUTCOMES_SECONDS, guard.watch_outcomes),
        Duty("waiting_outcomes", WAITING_SECONDS, partial(settle_all, wired.engine)),
        Duty("readings", READINGS_SECONDS, partial(_keep_up, wired)),
        *([Duty("staging_left", GUARD_SECONDS, wired.staging.clear)] if wired.staging else []),
    ]


def _keep_up(wired: Wiring) -> None:
    with wired.engine.connect() as connection:
        config = config_in_force(connection, wired.registry)
    wired.readings.keep_up(config)


def keep(duties: Sequence[Duty], turns: Turns, beat: Callable[[], None] = lambda: None) -> None:
    """Does the duties until SIGTERM or SIGINT. An outage costs the turns that fall into it.

    Each process asks for a turn several times a period, so that another's death is soon made up for.
    """
    scheduler = BlockingScheduler(
        timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    now = datetime.now(UTC)
    for duty in duties:
        seconds = min(LONGEST_TICK_SECONDS, duty.seconds / 6)
        scheduler.add_job(_attend, "interval", args=[duty, turns], seconds=seconds, next_run_time=now)
    scheduler.add_job(beat, "interval", seconds=BEAT_SECONDS, next_run_time=now)
    scheduler.add_job(give_back, "interval", seconds=GIVE_BACK_SECONDS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        scheduler.start()
    except (KeyboardInterrupt, SystemExit):
        scheduler.shutdown(wait=False)


def _attend(duty: Duty, turns: Turns) -> None:
    try:
        if turns.take(duty.name, duty.seconds):
            duty.run()
    except (RedisError, SQLAlchemyError) as error:
        log.warning("duty_put_off", duty=duty.name, error=f"{type(error).__name__}: {error}")
    except Exception:
        log.exception("duty_failed", duty=duty.name)
