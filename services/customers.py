"""What is known of a customer: attributes and lifetime value, read through a short-lived memory."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import structlog
from cachetools import LRUCache
from sqlalchemy import Connection, Engine, select

from data import feature_store, prediction_log
from helpers.clock import Clock
from helpers.metrics import Metrics
from services.background import Background

log = structlog.get_logger()
REMEMBERED = 100_000
MOST_SINGLE = 10_000  # read one by one; enough for the clients of some minutes
PATIENCE_SECONDS = 0.05
PATIENCE_A_CLIENT = 0.0005  # a batch asks for many at once, and its caller waits for the scores of all
WARM_SECONDS = 2.0
MOST_GATHERED = 1_000
READERS = 2
WARMED = 1_000


class LifetimeValue(NamedTuple):
    """`amount` is None when nothing is known of the client; `stale` when the store could not be asked."""

    amount: float | None
    stale: bool = False


@dataclass(frozen=True, slots=True)
class _Table:
    """All lifetime values, as they were at one instant (seconds since 1970)."""

    values: Mapping[str, float]
    read_at: float


_UNREAD = _Table({}, float("-inf"))
_UNKNOWN = (None, float("-inf"))


class CustomerService:
    """Reads customers. Lifetime values are remembered for `ttl` seconds: all of them where the table holds at most
    `REMEMBERED`, which `look_after` then reads again before they are too old, so that no answer waits for the store.
    Of a larger table, and of clients who were not in it, each is read when it is asked for: concurrent misses share one
    query, and a store that does not answer within `PATIENCE_SECONDS`, and a little more for each client of a batch, is
    not waited for."""

    def __init__(self, engine: Engine, clock: Clock, ttl: Callable[[], float], metrics: Metrics) -> None:
        self._engine = engine
        self._clock = clock
        self._ttl = ttl
        self._metrics = metrics
        self._hits, self._misses = (metrics.cache_lookups.labels("ltv", result) for result in ("hit", "miss"))
        self._lock = threading.Lock()
        self._known: LRUCache[str, tuple[float | None, float]] = LRUCache(MOST_SINGLE)
        self._table = _UNREAD
        self._asked: dict[str, threading.Event] = {}
        self._gathered: list[str] = []
        self._gathering: threading.Event | None = None
        self._background = Background("customers", READERS)
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
        """Remembers lifetime values, and has a connection ready, before the first question."""
        self._background.submit(self._warm).wait(WARM_SECONDS)

    def look_after(self) -> None:
        """Reads the table again when what is remembered is half as old as it may be; to be called every few seconds in
        the background. Never raises."""
        try:
            with self._engine.connect() as connection:
                self._read_table(connection)
            self.answers = True
        except Exception as error:  # noqa: BLE001 - whatever it is, what is remembered goes on to be used
            self._failed(error)

    def lifetime_values(self, client_ids: Sequence[str]) -> dict[str, LifetimeValue]:
        """The lifetime value of every client asked for; never raises, never waits long."""
        now = self._clock.now().timestamp()
        held = self._table.values if now - self._table.read_at < self._ttl() else _UNREAD.values
        found = {each: LifetimeValue(held[each]) for each in client_ids if each in held}
        self._hits.inc(len(found))
        return found if len(found) == len(client_ids) else found | self._asked_for(client_ids, found, now)

    def look_up(self, client_ids: Sequence[str]) -> None:
        """Remembers these lifetime values, for whoever can wait for the store. Raises SQLAlchemyError."""
        with self._engine.connect() as connection:
            found = feature_store.ltvs(connection, client_ids)
        self._remember(client_ids, found)

    def _asked_for(
        self, client_ids: Sequence[str], found: Mapping[str, LifetimeValue], now: float
    ) -> dict[str, LifetimeValue]:
        """Those that the table did not hold when it was read: they may have come since."""
        rest = [each for each in client_ids if each not in found]
        missing = self._missing(rest, now)
        self._wait(self._ask(missing), PATIENCE_SECONDS + PATIENCE_A_CLIENT * (len(missing) - 1))
        self._misses.inc(len(missing))
        self._hits.inc(len(rest) - len(missing))
        with self._lock:
            return {client_id: self._value(client_id, now) for client_id in rest}

    def _missing(self, client_ids: Sequence[str], now: float) -> list[str]:
        with self._lock:
            return [each for each in dict.fromkeys(client_ids) if not self._fresh(each, now)]

    def _fresh(self, client_id: str, now: float) -> bool:
        entry = self._known.get(client_id)
        return entry is not None and now - entry[1] < self._ttl()

    def _value(self, client_id: str, now: float) -> LifetimeValue:
        amount, at = self._known.get(client_id, _UNKNOWN)
        if now - at < self._ttl():
            return LifetimeValue(amount)
        table = self._table
        return LifetimeValue(table.values.get(client_id) if table.read_at >= at else amount, stale=True)

    def _wait(self, queries: set[threading.Event], seconds: float) -> None:
        """A store that failed at the last question is asked, but not waited for."""
        deadline = time.monotonic() + (seconds if self.answers else 0.0)
        for query in queries:
            if not query.wait(max(0.0, deadline - time.monotonic())):
                self.answers = False

    def _ask(self, client_ids: list[str]) -> set[threading.Event]:
        """Queries under way for these clients: those of other threads, and the next one for the rest.

        Who asks before a query begins shares it, up to `MOST_GATHERED` clients, while the store hangs: beyond that a
        client is answered from memory at once.
        """
        with self._lock:
            self._gather([each for each in client_ids if each not in self._asked])
            return {self._asked[each] for each in client_ids if each in self._asked}

    def _gather(self, unasked: list[str]) -> None:
        if not unasked:
            return
        if self._gathering is None:
            self._gathering = self._background.submit(self._read_gathered)
        some = unasked[: MOST_GATHERED - len(self._gathered)]
        self._gathered += some
        self._asked.update(dict.fromkeys(some, self._gathering))

    def _read_gathered(self) -> None:
        with self._lock:
            client_ids, self._gathered, self._gathering = self._gathered, [], None
        try:
            with self._engine.connect() as connection:
                found = feature_store.ltvs(connection, client_ids)
            self._remember(client_ids, found)
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer goes on without the value
            self._failed(error)
        finally:
            with self._lock:
                for each in client_ids:
                    self._asked.pop(each, None)

    def _warm(self) -> None:
        self.look_after()
        if self._table is _UNREAD:
            with self._engine.connect() as connection:
                ids = feature_store.customer_ids(connection, limit=WARMED)
            self.look_up(ids)

    def _read_table(self, connection: Connection) -> None:
        now = self._clock.now().timestamp()
        if now - self._table.read_at < self._ttl() / 2:
            connection.execute(select(1))  # the store is asked all the same, so that its silence is noticed
        elif feature_store.count_ltvs(connection) <= REMEMBERED:
            self._table = _Table(feature_store.all_ltvs(connection), now)

    def _failed(self, error: Exception) -> None:
        self.answers = False
        self._metrics.dependency_failures.labels("database").inc()
        log.warning("lifetime_value_not_read", reason=type(error).__name__)

    def _remember(self, client_ids: Sequence[str], found: Mapping[str, float]) -> None:
        at = self._clock.now().timestamp()
        self.answers = True
        with self._lock:
            self._known.update({each: (found.get(each), at) for each in client_ids})
