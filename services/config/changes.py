"""How the configuration is changed: as a whole that is valid, by one person at a time, and written down."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine

from data import config_store
from helpers.clock import Clock
from modeling.registry import ModelRegistry
from services import audit
from services.config.candidate import refuse, spell_all
from services.config.model import LiveConfig
from services.config.present import in_force
from services.prose import check_length

ACTION, SUBJECT = "config_changed", "config"


@dataclass(frozen=True, slots=True)
class Turn:
    """A transaction in which nobody else changes the configuration."""

    connection: Connection
    registry: ModelRegistry
    clock: Clock

    def config(self) -> LiveConfig:
        """What is in force. Raises ConfigRefused when nothing is."""
        return in_force(self.connection, self.registry).built.config

    def apply(self, values: Mapping[str, Any], author: str, reason: str) -> int:
        """Appends the values and gives their revision. Raises ConfigRefused, naming the keys, for values that no
        process would put into force; the transaction must then be rolled back. Raises UserError for a reason that is
        too long."""
        check_length(reason, "reason")
        revision = config_store.append(self.connection, spell_all(values), author, reason)
        found = in_force(self.connection, self.registry)
        own = {row.id for row in found.rows if row.revision == revision}
        refuse([row for row in found.refused if row.id in own])
        details = {"revision": str(revision), "keys": ", ".join(sorted(values)), "reason": reason}
        audit.note(self.connection, self.clock.now(), author, ACTION, SUBJECT, **details)
        return revision


@contextmanager
def turn(engine: Engine, registry: ModelRegistry, clock: Clock) -> Iterator[Turn]:
    """Waits for whoever is changing the configuration, and keeps others waiting; what was done is committed at the end
    and undone by an error."""
    with engine.begin() as connection:
        config_store.take_turn(connection)
        yield Turn(connection, registry, clock)


def change(
    engine: Engine, registry: ModelRegistry, clock: Clock, values: Mapping[str, Any], author: str, reason: str
) -> int:
    """Changes these keys together and gives the revision; the caller tells the fleet.

    Raises ConfigRefused, naming the keys, when the configuration would not hold together, and then changes nothing.
    """
    with turn(engine, registry, clock) as mine:
        return mine.apply(values, author, reason)
