"""Finds the clients that crossed the line of high risk since they were last looked at."""

from datetime import timedelta

import structlog
from sqlalchemy import Connection, Engine

from data import notifications, risk_store
from data.queue import Queue
from data.risk_store import Change, Order, Place, Sighting, State, Stretch
from helpers.clock import Clock
from modeling.registry import ModelRegistry
from services.config.model import LiveConfig
from services.config.present import config_in_force
from services.crossings import crossing, side, webhook
from services.notifications import sweep

STRETCH, STRETCHES = 2_000, 50  # clients a transaction, transactions of the walk a look
LATENESS = timedelta(hours=1)
WALK_EVERY = timedelta(hours=1)

log = structlog.get_logger()


class RiskWatch:
    """Compares each client's newest answer with the line, once.

    A look reads the answers given since the last one, and for an hour before it, since they are shipped late. Then it
    goes on with a walk through all clients, begun with the process and each hour anew, that finds whatever came later
    still. `registry` tells which config is in force. `webhooks`: whether crossings are told. Several of these at once
    give nothing twice.
    """

    def __init__(self, engine: Engine, registry: ModelRegistry, queue: Queue, clock: Clock, *, webhooks: bool) -> None:
        self._engine = engine
        self._registry = registry
        self._queue = queue
        self._clock = clock
        self._webhooks = webhooks
        self._looked_at = self._walk_due_at = clock.now()
        self._walked_to: Place | None = None

    def look(self) -> int:
        """How many crossings were found; a worker is woken for them.

        What becomes of the walk, which goes on from look to look, keeps no new answer waiting. Raises SQLAlchemyError,
        redis.RedisError or ConfigRefused.
        """
        return self._told(self._new_answers()) + self._told(self._walk())

    def _told(self, found: int) -> int:
        if found:
            log.info("risk_line_crossed", clients=found)
            sweep(self._engine, self._queue, self._clock)
        return found

    def _new_answers(self) -> int:
        now, found = self._clock.now(), 0
        place: Place | None = self._looked_at - LATENESS
        while place is not None:
            crossed, place = self._stretch("answered_at", place)
            found += crossed
        self._looked_at = now
        return found

    def _walk(self) -> int:
        """Some stretches; one that fails is tried again by the next look."""
        found, now = 0, self._clock.now()
        if self._walked_to is None and now >= self._walk_due_at:
            self._walked_to, self._walk_due_at = risk_store.FIRST_CLIENT, now + WALK_EVERY
        for _ in range(STRETCHES):
            if self._walked_to is None:
                break
            crossed, self._walked_to = self._stretch("client_id", self._walked_to)
            found += crossed
        return found

    def _stretch(self, order: Order, after: Place) -> tuple[int, Place | None]:
        """The number of crossings, and the place to go on from, None at the end."""
        with self._engine.connect() as connection:  # mostly nothing is new: then nothing is locked
            stretch = risk_store.stretch(connection, order, after, STRETCH)
            new = bool(risk_store.unseen(connection, stretch))
        return self._compared(stretch) if new else 0, stretch.until

    def _compared(self, stretch: Stretch) -> int:
        with self._engine.begin() as connection:
            risk_store.take_turn(connection)
            config = config_in_force(connection, self._registry)
            changes = _compare(connection, risk_store.unseen(connection, stretch), config)
            if self._webhooks:
                notifications.add_many(connection, [webhook(change, self._clock.now()) for change in changes])
        return len(changes)


def _compare(connection: Connection, seen: list[Sighting], config: LiveConfig) -> list[Change]:
    sides = [(each, side(each.was_high, each.prediction, config)) for each in seen]
    states = [State(each.client_id, high, each.answered_at, each.prediction_id) for each, high in sides]
    changes = [change for each, high in sides if (change := crossing(each, high, config))]
    risk_store.keep(connection, states, changes)
    return changes
