"""Since when, and by whom, each value is as it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from data import config_store
from data.config_store import ConfigRow
from services.config.reading import RefusedRow

DEEP_ENOUGH = 20


@dataclass(frozen=True, slots=True)
class Origins:
    """The row behind each value; a key without one has its default, or a row older than what was looked at.
    `newest` is the newest row of the table, in force or not."""

    rows: dict[str, ConfigRow]
    newest: int


def origins(engine: Engine, refused: Sequence[RefusedRow], revision: int) -> Origins:
    """Of what is in force at `revision`, of which `refused` are set aside."""
    gone = {row.id for row in refused}
    with engine.connect() as connection:
        rows = config_store.newest_rows(connection, DEEP_ENOUGH, until=revision)
        newest = config_store.latest_revision(connection)
    return Origins({row.key: row for row in reversed(rows) if row.id not in gone}, newest)
