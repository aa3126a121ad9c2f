"""What the configuration was, revision by revision; nothing is ever overwritten, so all of it is in the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from data import config_store
from data.config_store import ConfigRow
from helpers.errors import UserError
from modeling.registry import ModelRegistry
from services.config.candidate import Difference
from services.config.model import ConfigRefused, LiveConfig
from services.config.past import past_config
from services.config.present import in_force
from services.config.reading import read_table
from services.config.spelling import texts
from services.snapshot import build_serving

SQL = "SQL"
DEEP_ENOUGH = 5


@dataclass(frozen=True, slots=True)
class Revision:
    """The rows that were written together. `author` is SQL where somebody typed it, one row at a time; `refused` says
    why they never came into force, None when they did."""

    revision: int
    at: datetime
    author: str
    reason: str | None
    changes: tuple[Difference, ...]
    refused: str | None


class History:
    """Reads the table as it was. Whether a row that was typed came into force is worked out once a row."""

    def __init__(self, engine: Engine, registry: ModelRegistry) -> None:
        self._engine = engine
        self._registry = registry
        self._verdicts: dict[int, str | None] = {}

    def revisions(self, limit: int) -> list[Revision]:
        """The newest first."""
        with self._engine.connect() as connection:
            rows = config_store.revisions(connection, limit)
            if not rows:
                return []
            older = config_store.newest_rows(connection, DEEP_ENOUGH, until=rows[-1].id - 1)
            refused = self._refused(connection, [*rows, *older])
        return _revisions(rows, older, refused)

    def values_at(self, revision: int) -> dict[str, str]:
        """All values as they were in force at that revision, as text. Raises UserError."""
        with self._engine.connect() as connection:
            return self._values_at(connection, revision)

    def difference(self, a: int, b: int | None) -> list[Difference]:
        """From revision a to b, or to what is in force. Raises UserError."""
        with self._engine.connect() as connection:
            old = self._values_at(connection, a)
            new = (
                texts(in_force(connection, self._registry).built.config)
                if b is None
                else self._values_at(connection, b)
            )
        return [Difference(key, old[key], text) for key, text in new.items() if old[key] != text]

    def _values_at(self, connection: Connection, revision: int) -> dict[str, str]:
        if not config_store.is_revision(connection, revision):
            raise UserError(f"there is no config revision {revision}; see `./run.sh config history`", "revision")
        past = past_config(connection, self._registry, revision)
        if past.gone:
            why = "; ".join(past.gone.values())
            raise UserError(f"what was in force at revision {revision} cannot be loaded any more: {why}", "revision")
        return texts(past.serving.config)

    def _refused(self, connection: Connection, rows: Sequence[ConfigRow]) -> dict[int, str]:
        """Reasons by row. All others were checked before they were written; of those typed, one has to look."""
        now = _refused_now(connection, self._registry)
        typed = {row.id: self._verdict(connection, row.id) for row in rows if row.revision is None}
        return {**{row: why for row, why in typed.items() if why}, **now}

    def _verdict(self, connection: Connection, row: int) -> str | None:
        if row not in self._verdicts:
            self._verdicts[row] = self._looked_up(connection, row)
        return self._verdicts[row]

    def _looked_up(self, connection: Connection, row: int) -> str | None:
        try:
            found = read_table(
                lambda depth: config_store.newest_rows(connection, depth, until=row),
                lambda config: build_serving(config, self._registry),
            )
        except ConfigRefused:
            return None
        return next((each.reason for each in found.refused if each.id == row), None)


def _refused_now(connection: Connection, registry: ModelRegistry) -> dict[int, str]:
    try:
        return {row.id: row.reason for row in in_force(connection, registry).refused}
    except ConfigRefused:
        return {}


def _revisions(rows: Sequence[ConfigRow], older: Sequence[ConfigRow], refused: Mapping[int, str]) -> list[Revision]:
    """Rows come newest first; `older` tell what was there before the first of them."""
    standing = texts(LiveConfig())
    standing.update({row.key: row.value for row in reversed(older) if row.id not in refused})
    found = []
    for group in _together(rows):
        changes = tuple(Difference(row.key, standing.get(row.key), row.value) for row in group)
        why = next((refused[row.id] for row in group if row.id in refused), None)
        if why is None:
            standing.update({row.key: row.value for row in group})
        found.append(_revision(group[-1], changes, why))
    return found[::-1]


def _together(rows: Sequence[ConfigRow]) -> list[list[ConfigRow]]:
    """The rows of each revision in the order of the table, the oldest revision first."""
    groups: dict[int, list[ConfigRow]] = {}
    for row in reversed(rows):
        groups.setdefault(row.revision or row.id, []).append(row)
    return [groups[revision] for revision in sorted(groups)]


def _revision(last: ConfigRow, changes: tuple[Difference, ...], refused: str | None) -> Revision:
    author = last.author or SQL
    return Revision(last.id, last.inserted_at, author, last.reason, changes, refused)
