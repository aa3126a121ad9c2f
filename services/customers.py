"""What is known of a customer: attributes and lifetime value, read through a short-lived memory."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from typing import Any

import structlog
from cachetools import LRUCache
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from data import feature_store, prediction_log
from helpers.clock import Clock
from helpers.metrics import Metrics

log = structlog.get_logger()
REMEMBERED = 100_000
PATIENCE_SECONDS = 0.05
MOST_WAITING = 8
READERS = 2
WARMED = 1_000


@dataclass(frozen=True, slots=True)
class LifetimeValue:
    """`amount` is None when nothing is known of the client; `stale` when the store could not be asked."""

    amount: float | None
    stale: bool = False


class CustomerService:
    """Reads customers. Lifetime values are remembered for `ttl` seconds; concurrent misses share one
    query; a store that does not answer within `PATIENCE_SECONDS` is not waited for."""

    def __init__(self, engine: Engine, clock: Clock, ttl: Callable[[], float], metrics: Metrics) -> None:
        self._engine = engine
        self._clock = clock
        self._ttl = ttl
        self._metrics = metrics
        self._lock = threading.Lock()
        self._known: LRUCache[str, tuple[float | None, float]] = LRUCache(REMEMBERED)
        self._asked: dict[str, Future[None]] = {}
        self._readers: ThreadPoolExecutor | None = None
        self.answers = True  # whether the store did at the last question

    def find(self, client_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The attributes of the customers that exist, by id. Raises SQLAlchemyError."""
        with self._engine.connect() as connection:
            return feature_store.customers(connection, client_ids)

    def riskiest(self, limit: int) -> list[prediction_log.LedgerRow]:
        """The newest open answers, most money at risk first. Raises SQLAlchemyError."""
        with self._engine.connect() as connection:
            return prediction_log.riskiest(connection, limit)

    def warm(self) -> None:
        """Remembers some lifetime values, and has the connection ready, before the first question."""
        try:
            with self._engine.connect() as connection:
                ids = feature_store.customer_ids(connection, limit=WARMED)
        except SQLAlchemyError as error:
            log.warning("customers_not_warmed", reason=type(error).__name__)
            return
        self.lifetime_values(ids)

    def lifetime_values(self, client_ids: Sequence[str]) -> dict[str, LifetimeValue]:
        """The lifetime value of every client asked for; never raises, never waits long."""
        now = self._clock.now().timestamp()
        missing = self._missing(client_ids, now)
        if missing:
            wait_for(self._ask(missing), timeout=PATIENCE_SECONDS)
        self._metrics.cache_lookups.labels("ltv", "miss").inc(len(missing))
        self._metrics.cache_lookups.labels("ltv", "hit").inc(len(client_ids) - len(missing))
        with self._lock:
            return {client_id: self._value(client_id, now) for client_id in client_ids}

    def _missing(self, client_ids: Sequence[str], now: float) -> list[str]:
        with self._lock:
            return [each for each in dict.fromkeys(client_ids) if not self._fresh(each, now)]

    def _fresh(self, client_id: str, now: float) -> bool:
        entry = self._known.get(client_id)
        return entry is not None and now - entry[1] < self._ttl()

    def _value(self, client_id: str, now: float) -> LifetimeValue:
        entry = self._known.get(client_id)
        if entry is None:
            return LifetimeValue(None, stale=True)
        return LifetimeValue(entry[0], stale=now - entry[1] >= self._ttl())

    def _ask(self, client_ids: list[str]) -> set[Future[None]]:
        """Queries under way for these clients: those of other threads, and one more for the rest.

        No more than `MOST_WAITING` queries queue up behind a store that hangs: beyond that a client is
        answered from memory at once.
        """
        with self._lock:
            unasked = [each for each in client_ids if each not in self._asked]
            if unasked and len(set(self._asked.values())) < MOST_WAITING:
                future = self._pool().submit(self._read, unasked)
                self._asked.update(dict.fromkeys(unasked, future))
            return {self._asked[each] for each in client_ids if each in self._asked}

    def _pool(self) -> ThreadPoolExecutor:
        """Threads do not survive a fork, so they start with the first question."""
        if self._readers is None:
            self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="customers")
        return self._readers

    def _read(self, client_ids: list[str]) -> None:
        try:
            with self._engine.connect() as connection:
                found = feature_store.ltvs(connection, client_ids)
            at = self._clock.now().timestamp()
            self.answers = True
            with self._lock:
                self._known.update({each: (found.get(each), at) for each in client_ids})
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer goes on without the value
            self.answers = False
            self._metrics.dependency_failures.labels("database").inc()
            log.warning("lifetime_value_not_read", reason=type(error).__name__)
        finally:
            with self._lock:
                for each in client_ids:
                    self._asked.pop(each, None)
