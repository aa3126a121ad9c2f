"""Finds the clients that crossed the line of high risk since they were last looked at."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, Engine

from data import config_store, notifications, risk_store
from data.queue import Queue
from data.risk_store import Change, Sighting, State
from helpers.clock import Clock
from services.config.model import LiveConfig
from services.config.reading import read_table
from services.crossings import crossing, side, webhook
from services.notifications import sweep

PORTION, PORTIONS = 1_000, 20  # clients a transaction, transactions a look
LATENESS = timedelta(hours=1)
THOROUGH_EVERY = timedelta(hours=1)

log = structlog.get_logger()


class RiskWatch:
    """Compares each client's newest answer with the line, once.

    A look reads the answers given since the last one, and for an hour before it, since they are shipped late. The
    first look of a process, and one each hour, reads all clients: so whatever comes later still is found too.
    `webhooks`: whether crossings are told. Several of these at once give nothing twice.
    """

    def __init__(self, engine: Engine, queue: Queue, clock: Clock, *, webhooks: bool) -> None:
        self._engine = engine
        self._queue = queue
        self._clock = clock
        self._webhooks = webhooks
        self._looked_at = risk_store.EVER
        self._thorough_at = risk_store.EVER

    def look(self) -> int:
        """How many crossings were found; a worker is woken for them.

        Ends after a number of clients; the next look then goes on. Raises SQLAlchemyError, redis.RedisError or
        ConfigRefused.
        """
        now = self._clock.now()
        thorough = now - self._thorough_at >= THOROUGH_EVERY
        found, finished = self._portions(risk_store.EVER if thorough else self._looked_at - LATENESS)
        if finished:
            self._looked_at = now
            self._thorough_at = now if thorough else self._thorough_at
        if found:
            log.info("risk_line_crossed", clients=found)
            sweep(self._engine, self._queue, self._clock)
        return found

    def _portions(self, since: datetime) -> tuple[int, bool]:
        """The number of crossings, and whether every client has been compared."""
        found = 0
        for _ in range(PORTIONS):
            with self._engine.connect() as connection:  # mostly nothing is new: then nothing is locked
                oldest = risk_store.unseen(connection, since, 1)
            if not oldest:
                return found, True
            since = oldest[0].answered_at
            found += self._portion(since)
        return found, False

    def _portion(self, since: datetime) -> int:
        with self._engine.begin() as connection:
            risk_store.take_turn(connection)
            config = config_in_force(connection)
            seen = risk_store.unseen(connection, since, PORTION)
            changes = _compare(connection, seen, config)
            if self._webhooks:
                notifications.add_many(connection, [webhook(change, self._clock.now()) for change in changes])
        return len(changes)


def config_in_force(connection: Connection) -> LiveConfig:
    """By the table alone: this process loads no models. Raises ConfigRefused."""
    return read_table(lambda depth: config_store.newest_rows(connection, depth), lambda config: config).built


def _compare(connection: Connection, seen: list[Sighting], config: LiveConfig) -> list[Change]:
    sides = [(each, side(each.was_high, each.prediction, config)) for each in seen]
    states = [State(each.client_id, high, each.answered_at, each.prediction_id) for each, high in sides]
    changes = [change for each, high in sides if (change := crossing(each, high, config))]
    risk_store.keep(connection, states, changes)
    return changes
