"""The configuration as the table has it now, for whoever shows or carries it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from data.config_store import latest_revision, newest_rows
from modeling.registry import ModelRegistry
from services.config.model import ConfigRefused
from services.config.present import in_force
from services.config.reading import RefusedRow, read_table


@dataclass(frozen=True, slots=True)
class Current:
    """Every key with its value as JSON. `defaults` are the keys that nobody has set; `refused` the rows of the table
    that are not in force; `revision` is its newest row, 0 while it is empty."""

    revision: int
    values: dict[str, Any]
    defaults: tuple[str, ...]
    refused: tuple[RefusedRow, ...]


def current(connection: Connection, registry: ModelRegistry) -> Current:
    """Without models, as before the first training, what the table alone comes to. Raises ConfigRefused."""
    revision = latest_revision(connection)
    try:
        found = in_force(connection, registry)
        config, refused, rows = found.built.config, found.refused, found.rows
    except ConfigRefused:
        table = read_table(lambda depth: newest_rows(connection, depth), lambda config: config)
        config, refused, rows = table.built, table.refused, table.rows
    values = config.model_dump(mode="json")
    gone = {row.id for row in refused}
    known = {row.key for row in rows if row.id not in gone}
    return Current(revision, values, tuple(key for key in values if key not in known), refused)
