"""Today's call list: whom to call, why, and what to do; and how far the day has come.

A day is one of UTC. The clients called today take up its capacity, so the list is what is left of the day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from sqlalchemy import Engine

from data import call_list_store, suggestion_store
from data.call_list_store import Contact
from data.dialect import as_of_one_instant
from data.prediction_log import LedgerRow
from data.suggestion_store import Suggestion
from experiments.assignment import in_holdout
from helpers.clock import Clock
from modeling.registry import ModelRegistry
from services.holdout_effect import Effect
from services.row_reasons import Explainer, Reasons
from services.snapshot import Snapshot
from services.suggestions import suggest

LOOKED_AT = 1_000
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why some of the `among` clients with the most money at risk are not on the list; each counts once."""

    among: int
    contacted: int
    churned: int
    holdout: int


@dataclass(frozen=True, slots=True)
class Day:
    """What the list of this day goes by. `called` clients have been contacted today in answer to a prediction."""

    as_of: datetime
    contacted_since: datetime
    capacity: int
    rest_days: int
    called: int

    @property
    def starts(self) -> datetime:
        return midnight(self.as_of)

    @property
    def ends(self) -> datetime:
        return self.starts + DAY

    @property
    def left(self) -> int:
        """How many calls the day still has."""
        return max(0, self.capacity - self.called)


@dataclass(frozen=True, slots=True)
class Entry:
    """One client to call, by its newest answer. `expected_saving` is money, None unless the holdout supports it."""

    row: LedgerRow
    reasons: Reasons
    suggestion: Suggestion
    expected_saving: float | None


def today(engine: Engine, clock: Clock, snapshot: Snapshot) -> Day:
    """Raises SQLAlchemyError."""
    now, config = clock.now(), snapshot.config
    since = min(midnight(now), now - timedelta(days=config.contact_rest_days))
    with engine.connect() as connection:
        called = call_list_store.contacted_clients(connection, midnight(now), midnight(now) + DAY)
    return Day(now, since, config.call_list_capacity, config.contact_rest_days, called)


def left_out(engine: Engine, snapshot: Snapshot, day: Day) -> LeftOut:
    """A client that must not be called for more than one reason counts for the one that lasts longest.

    Raises SQLAlchemyError.
    """
    with engine.connect() as connection:
        found = call_list_store.standings(connection, day.contacted_since, LOOKED_AT)
    held = {each.client_id for each in found if held_out(snapshot, each.client_id)}
    open_ones = [each for each in found if each.client_id not in held]
    churned = sum(each.churned for each in open_ones)
    contacted = sum(each.contacted and not each.churned for each in open_ones)
    return LeftOut(len(found), contacted, churned, len(held))


def entries(
    engine: Engine, registry: ModelRegistry, snapshot: Snapshot, effect: Effect, day: Day, limit: int
) -> Iterator[Entry]:
    """At most `limit` clients to call, the most money at risk first, as of one instant; read in portions, so that a
    list of any length takes the same memory. Raises SQLAlchemyError."""
    explainer = Explainer(registry)
    with engine.connect() as connection:
        as_of_one_instant(connection)
        table = suggestion_store.list_all(connection)
        portion = max(1, min(limit, call_list_store.PORTION))
        rows = call_list_store.callable_rows(connection, day.contacted_since, portion)
        wanted = (row for row in rows if not held_out(snapshot, row.client_id))
        for row in islice(wanted, limit):
            reasons = explainer.reasons(row)
            yield Entry(row, reasons, suggest(table, reasons.found), effect.saving(row.money_at_risk))


def called(engine: Engine, day: Day, limit: int) -> list[Contact]:
    """The contacts of today in answer to a prediction, the newest of each client, newest first."""
    with engine.connect() as connection:
        found = call_list_store.contacts_between(connection, day.starts, day.ends, limit)
    newest: dict[str, Contact] = {}
    for contact in found:
        newest.setdefault(contact.row.client_id, contact)
    return list(newest.values())


def held_out(snapshot: Snapshot, client_id: str) -> bool:
    """Whether the client is in the holdout by the config in force."""
    rules = snapshot.serving.rules
    return in_holdout(rules.holdout_salt, client_id, rules.holdout_percentage)


def midnight(at: datetime) -> datetime:
    """The start of that day, in UTC."""
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
