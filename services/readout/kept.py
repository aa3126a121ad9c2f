"""Readings for pages, which must answer at once: of a large experiment the newest is kept, with the time it is of.

It is made anew by the schedule process while the experiment runs, and by whoever opens a page and finds it old.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Engine

from data import reading_store, readout_counts
from data.reading_store import Reading
from helpers.canonical import digest
from helpers.clock import Clock
from services.config.model import LiveConfig
from services.readout.facts import MONTHS, all_facts, ended, facts_of, months_of, newest_matured
from services.readout.months import months
from services.readout.parts import ExperimentFacts, Readout, Savings
from services.readout.reading import read_facts

FRESH = timedelta(minutes=5)
FEW_CLIENTS, FEW_ROWS = 5_000, 50_000
Shown = TypeVar("Shown", Readout, Savings)


@dataclass(frozen=True, slots=True)
class Kept(Generic[Shown]):
    """What a page shows, and when it was counted."""

    found: Shown
    read_at: datetime

    def is_old(self, now: datetime) -> bool:
        return now - self.read_at >= FRESH


@dataclass(frozen=True, slots=True)
class Subject(Generic[Shown]):
    """Something that is read: `name` and `basis` find it among what is kept, `count` counts the clients of `parts`."""

    name: str
    basis: str
    parts: tuple[str, ...]
    kind: TypeAdapter[Shown]
    count: Callable[[], Shown]


class Readings:
    """What is read of experiments and months. Each method raises SQLAlchemyError."""

    def __init__(self, engine: Engine, clock: Clock, few_clients: int = FEW_CLIENTS) -> None:
        self._engine = engine
        self._clock = clock
        self._few_clients = few_clients

    def readout(self, config: LiveConfig, name: str) -> Subject[Readout]:
        """Raises UnknownExperiment."""
        return self._readout(config, facts_of(self._engine, name))

    def savings(self, config: LiveConfig) -> Subject[Savings]:
        with self._engine.connect() as connection:
            facts = months_of(connection)
        count = partial(months, self._engine, self._clock, config)
        return Subject(MONTHS, _basis(config, *facts), tuple(each.name for each in facts), _SAVINGS, count)

    def kept(self, subject: Subject[Shown]) -> Kept[Shown] | None:
        """The newest that is kept, if any is."""
        with self._engine.connect() as connection:
            found = reading_store.get(connection, subject.name, subject.basis)
        try:
            return Kept(subject.kind.validate_json(found.content), found.read_at) if found else None
        except ValidationError:  # of another version of the program
            return None

    def at_once(self, subject: Subject[Shown]) -> Kept[Shown] | None:
        """What is small is counted now, of anything else the newest that is kept. Raises ReadoutBusy."""
        if self._is_small(subject):
            return Kept(subject.count(), self._clock.now())
        return self.kept(subject)

    def recent(self, subject: Subject[Shown]) -> Kept[Shown]:
        """What is kept and not old, or else counted now. Raises ReadoutBusy."""
        found = self.at_once(subject)
        return found if found and not found.is_old(self._clock.now()) else self.counted(subject)

    def counted(self, subject: Subject[Shown]) -> Kept[Shown]:
        """Counted now, and kept. Raises ReadoutBusy."""
        read_at = self._clock.now()
        found = subject.count()
        content = subject.kind.dump_json(found).decode()
        with self._engine.begin() as connection:
            reading_store.put(connection, Reading(subject.name, subject.basis, read_at, content))
        return Kept(found, read_at)

    def keep_up(self, config: LiveConfig) -> list[str]:
        """Counts anew what is large, in use and has become old: running experiments, the months, and the one of them
        that tells what a call is worth. Gives their names. Raises ReadoutBusy."""
        now = self._clock.now()
        matured = f"{MONTHS}{newest_matured(now, config.maturity_days):%Y-%m}"
        known = all_facts(self._engine)
        facts = [each for each in known if each.name == matured or (each.arms and not ended(each, now))]
        subjects: list[Subject[Any]] = [*(self._readout(config, each) for each in facts), self.savings(config)]
        return [each.name for each in subjects if self._is_due(each, now) and self.counted(each)]

    def _is_due(self, subject: "Subject[Any]", now: datetime) -> bool:
        found = self.kept(subject)
        return (found is None or found.is_old(now)) and not self._is_small(subject)

    def _readout(self, config: LiveConfig, facts: ExperimentFacts) -> Subject[Readout]:
        count = partial(read_facts, self._engine, self._clock, config, facts)
        return Subject(facts.name, _basis(config, facts), (facts.name,), _READOUT, count)

    def _is_small(self, subject: "Subject[Any]") -> bool:
        with self._engine.connect() as connection:
            return readout_counts.is_small(connection, subject.parts, self._few_clients, FEW_ROWS)


def _basis(config: LiveConfig, *facts: ExperimentFacts) -> str:
    """Whatever is changed by people, so that no page shows an experiment as it was before a change."""
    settings = (config.maturity_days, config.smallest_effect)
    return digest([*settings, *(asdict(each) for each in facts)])


_READOUT: TypeAdapter[Readout] = TypeAdapter(Readout)
_SAVINGS: TypeAdapter[Savings] = TypeAdapter(Savings)
